"""Settings of one installation, from the environment. Production does not start without what it needs, and says so."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

Environment = Literal["development", "testing", "production"]
ENVIRONMENTS = ("development", "testing", "production")
DRIVERS = ("sqlite", "postgresql+psycopg")
SHORTEST_SECRET = 32
DATABASE_URL = "CASEWORK_DATABASE_URL"
WORKER_DATABASE_URL = "CASEWORK_WORKER_DATABASE_URL"


class SettingsProblem(Exception):
    """A setting is missing or wrong. The text says which, and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that differs between installations.

    `home` is the state folder; `database_url` an SQLAlchemy URL; `worker_database_url` another one for the same
    database with the worker's role, empty when there is one role for all; `kek` a key provider URL; `proxies` how
    many trusted reverse proxies stand in front; `publish_log` whether everybody may fetch the log's checkpoint and
    hash tiles under /log/; `deployment` the name that a new log gets.
    """

    environment: Environment
    home: Path
    database_url: str
    secret_key: str
    kek: str
    country: str = "uz"
    worker_database_url: str = ""
    proxies: int = 0
    publish_log: bool = False
    deployment: str = ""
    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    max_form_bytes: int = 2 * 1024 * 1024
    max_file_bytes: int = 20 * 1024 * 1024
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def production(self) -> bool:
        """Whether the strict rules of production hold."""
        return self.environment == "production"

    def for_worker(self) -> Settings:
        """The same for the worker and for commands: with the worker's role, where it has one of its own."""
        return replace(
            self, database_url=self.worker_database_url or self.database_url, worker_database_url=""
        )

    def flask(self) -> dict[str, Any]:
        """The same for Flask and its extensions."""
        cookie = "__Host-casework" if self.production else "casework"
        return {
            "TESTING": self.environment == "testing",
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": engine_options(self.database_url),
            "SESSION_COOKIE_NAME": cookie,
            "SESSION_COOKIE_SECURE": self.production,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_PATH": "/",
            "MAX_CONTENT_LENGTH": self.max_form_bytes,
            "MAX_FORM_MEMORY_SIZE": self.max_form_bytes,
            "WTF_CSRF_TIME_LIMIT": None,
            "WTF_CSRF_SSL_STRICT": self.production,
            "BABEL_DEFAULT_LOCALE": "uz",
            "BABEL_DEFAULT_TIMEZONE": "Asia/Tashkent",
            **self.extra,
        }


def engine_options(database_url: str) -> dict[str, Any]:
    """How the engine is made for each database."""
    if database_url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}


def from_environment() -> Settings:
    """The settings of the CASEWORK_* variables. `SettingsProblem` when one is wrong or, in production, missing."""
    environment = os.environ.get("CASEWORK_ENV", "development")
    if environment not in ENVIRONMENTS:
        raise SettingsProblem(f"CASEWORK_ENV must be one of {', '.join(ENVIRONMENTS)}, not {environment!r}.")
    production = environment == "production"
    home = Path(os.environ.get("CASEWORK_HOME") or "instance").absolute()
    secret_key = os.environ.get("CASEWORK_SECRET_KEY", "")
    if production:
        missing = [
            name
            for name in ("CASEWORK_HOME", "CASEWORK_DATABASE_URL", "CASEWORK_SECRET_KEY")
            if not os.environ.get(name)
        ]
        if missing:
            raise SettingsProblem(f"Production needs {', '.join(missing)} to be set.")
        if len(secret_key) < SHORTEST_SECRET:
            raise SettingsProblem(
                f"CASEWORK_SECRET_KEY must be at least {SHORTEST_SECRET} characters of random text."
            )
    return Settings(
        environment=cast(Environment, environment),
        home=home,
        database_url=(url := _driver(DATABASE_URL) or f"sqlite:///{home / 'casework.db'}"),
        worker_database_url=_worker_url(url),
        secret_key=secret_key or secret_of(home),
        kek=os.environ.get("CASEWORK_KEK") or f"file:{home / 'keys'}",
        proxies=_number("CASEWORK_PROXIES", 0),
        publish_log=_switch("CASEWORK_PUBLISH_LOG"),
        deployment=os.environ.get("CASEWORK_DEPLOYMENT", ""),
    )


def prepare_home(home: Path) -> None:
    """Makes the state folder, for its owner only. `SettingsProblem` when it cannot be written."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise SettingsProblem(f"The folder {home} cannot be written: {problem.strerror}.") from problem


def secret_of(home: Path) -> str:
    """The cookie-signing secret of a home: made by `casework init`, kept beside the keys."""
    path = home / "keys" / "cookie.secret"
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return secrets.token_urlsafe(48)
    except OSError as problem:
        raise SettingsProblem(f"The file {path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < SHORTEST_SECRET:
        raise SettingsProblem(
            f"The file {path} is damaged. Remove it and run `casework init`; everybody signs in anew."
        )
    return secret


def keep_secret(home: Path) -> None:
    """Makes the cookie-signing secret of a home, once."""
    path = home / "keys" / "cookie.secret"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def _driver(name: str) -> str:
    url = os.environ.get(name, "")
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            url = "postgresql+psycopg://" + url.removeprefix(scheme)
    try:
        known = not url or make_url(url).drivername in DRIVERS
    except (ArgumentError, ValueError):
        known = False
    if not known:  # the address may hold a password, so it is not repeated
        raise SettingsProblem(f"{name} must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.")
    return url


def _worker_url(database_url: str) -> str:
    url = _driver(WORKER_DATABASE_URL)
    if url and (url.startswith("sqlite") or database_url.startswith("sqlite")):
        raise SettingsProblem(
            f"{WORKER_DATABASE_URL} is another role's way to the PostgreSQL database of {DATABASE_URL}: "
            "both must be postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    return url


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise SettingsProblem(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def _switch(name: str) -> bool:
    text = os.environ.get(name, "0")
    if text not in ("0", "1"):
        raise SettingsProblem(f"{name} must be 0 or 1, not {text!r}.")
    return text == "1"
