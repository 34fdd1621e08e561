"""PostgreSQL with an owner, a web role and a worker role, set up by the commands of docs/audit-log.md, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from casework.commands.database_roles import as_sql
from config.settings import Settings
from tests.services import databases
from tests.services.postgres import Cluster

ROOT = Path(__file__).parents[2]
OWNER, WEB, WORKER = "casework_owner", "casework_web", "casework_worker"
DATABASE = "casework"
"""As the document calls it; it is the template of those that tests use."""
_SECTION = "## PostgreSQL: roles of their own"


def documented(language: str) -> list[str]:
    """The commands in this language that the document tells an operator to run, in their order."""
    text = (ROOT / "docs" / "audit-log.md").read_text(encoding="utf-8")
    section = text.partition(_SECTION)[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def environment_of(home: Path, cluster: Cluster) -> dict[str, str]:
    """A shell of an operator: the product and psql at hand, the cluster where the document's addresses look for it."""
    programs = [str(Path(sys.executable).parent), str(cluster.binaries), os.environ.get("PATH", "")]
    return {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "PGHOST": str(cluster.folder),
        "CASEWORK_HOME": str(home),
    }


def follow_the_document(home: Path, cluster: Cluster) -> None:
    """The administrator's statements, then the first commands of the user of Casework."""
    [as_administrator] = documented("sql")
    with cluster.superuser() as connection:
        for statement in as_administrator.strip().split(";\n"):
            connection.execute(statement)
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", documented("sh")[0]],
        env=environment_of(home, cluster), cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def template() -> Path:
    """The home of the installation that follows the document, made by whoever asks first."""
    cluster = databases.cluster()
    with databases.once("template-roles") as (folder, mine):
        home = folder / "template-roles"
        if mine:
            follow_the_document(home, cluster)
        return home


@dataclass(frozen=True)
class Roles:
    """An installation of three roles. `settings` are the web server's; they know the way of the worker too."""

    cluster: Cluster
    database: str
    settings: Settings

    def url(self, role: str) -> str:
        """The SQLAlchemy URL of the database for a role."""
        return _url(self.cluster, self.database, role)

    @contextmanager
    def connection(self, role: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A connection that commits each statement, as this role and past the product."""
        with psycopg.connect(
            host=str(self.cluster.folder), user=role, dbname=self.database, autocommit=True
        ) as connection:
            yield connection


@contextmanager
def installation(home: Path) -> Iterator[Roles]:
    """A fresh installation of three roles in a folder that does not exist yet; its database is gone afterwards."""
    shutil.copytree(template(), home)
    cluster, database = databases.cluster(), f"test_{uuid.uuid4().hex}"
    with cluster.superuser() as connection:
        connection.execute(f"CREATE DATABASE {database} OWNER {OWNER} TEMPLATE {DATABASE} STRATEGY FILE_COPY")
    settings = databases.settings_for(home, _url(cluster, database, WEB))
    roles = Roles(cluster, database, replace(settings, worker_database_url=_url(cluster, database, WORKER)))
    try:
        with roles.connection(OWNER) as connection:  # what holds for a database is not copied with it
            connection.execute(as_sql(WEB, WORKER).encode())
        yield roles
    finally:
        cluster.drop(database)


def _url(cluster: Cluster, database: str, role: str) -> str:
    plain = make_url(cluster.url(database))
    return plain.set(username=role).render_as_string(hide_password=False)
