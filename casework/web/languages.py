"""The four languages: choosing one, remembering it, writing dates and numbers in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date, format_skeleton
from flask import Flask, Response, current_app, has_request_context, request, session
from flask_babel import Babel, get_locale
from werkzeug.exceptions import HTTPException

from casework.access.actor import Actor, actor_or_none
from casework.core import clock


@dataclass(frozen=True)
class Language:
    """`tag` is what ?lang= takes, `locale` the catalog's folder, `html` the page's lang attribute, `name` its name."""

    tag: str
    locale: str
    html: str
    name: str


LANGUAGES = (
    Language("uz", "uz", "uz", "Oʻzbekcha"),
    Language("uz-Cyrl", "uz_Cyrl", "uz-Cyrl", "Ўзбекча"),
    Language("ru", "ru", "ru", "Русский"),
    Language("en", "en", "en", "English"),
)
DEFAULT = LANGUAGES[0]
_BY_TAG = {language.tag: language for language in LANGUAGES} | {"uz-Latn": LANGUAGES[0]}
_BY_LOCALE = {language.locale: language for language in LANGUAGES}

NARROW_SPACE = "\u00a0"
_REMEMBER = "casework.remember_locale"
RememberLocale = Callable[[Actor, str], None]


def register_remember_locale(app: Flask, remember: RememberLocale) -> None:
    """Registers what stores the chosen locale (like "uz_Cyrl") with the actor, in a unit of work of its own."""
    app.extensions[_REMEMBER] = remember


def current_language() -> Language:
    """The language of this request; the default one outside a request."""
    return _BY_LOCALE.get(str(get_locale() or DEFAULT.locale), DEFAULT)


def _asked() -> Language | None:
    return _BY_TAG.get(request.args.get("lang", ""))


def _select() -> str:
    """?lang= first, then the browser's session, the staff row, the browser's languages, Uzbek in Latin letters."""
    if not has_request_context():  # a command or a job
        return DEFAULT.locale
    if asked := _asked():
        return asked.locale
    if remembered := _BY_TAG.get(session.get("lang", "")):
        return remembered.locale
    actor = actor_or_none()
    if actor is not None and actor.locale in _BY_LOCALE:
        return actor.locale
    accepted = request.accept_languages.best_match([*_BY_TAG, "uz-UZ", "ru-RU"])
    return _BY_TAG.get((accepted or "").removesuffix("-UZ").removesuffix("-RU"), DEFAULT).locale


def _remember(response: Response) -> Response:
    """After the page: the actor is known by then."""
    asked = _asked()
    if asked is None or session.get("lang") == asked.tag or response.cache_control.public:
        return response  # a file that shared caches keep carries nobody's cookie
    session["lang"] = asked.tag
    remember: RememberLocale | None = current_app.extensions.get(_REMEMBER)
    actor = actor_or_none()
    if remember is not None and actor is not None and actor.locale != asked.locale:
        remember(actor, asked.locale)
    return response


def switch_url(language: Language) -> str:
    """This page in another language: same path, same query. A page that only answers a POST leads to the first page."""
    path = request.path
    adapter = current_app.create_url_adapter(request)
    try:
        readable = adapter is not None and adapter.test(path, "GET")
    except HTTPException:
        readable = False
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    if not readable:
        path, query = "/", []
    return f"{request.script_root}{path}?{urlencode([*query, ('lang', language.tag)])}"


@cache
def _babel_locale(locale: str) -> Locale:
    return Locale.parse(locale)


def _day_of(value: date | datetime) -> date:
    return clock.local(value).date() if isinstance(value, datetime) else value


def day(value: date | datetime | None) -> str:
    """22.11.2026, in local time; a partial date as much as is known; nothing for None."""
    if value is None:
        return ""
    pattern = {"year": "%Y", "month": "%m.%Y"}.get(getattr(value, "precision", "day"), "%d.%m.%Y")
    return _day_of(value).strftime(pattern) if isinstance(value, datetime) else value.strftime(pattern)


def long_day(value: date | datetime | None) -> str:
    """The day with the month's name, as each language writes it."""
    return (
        "" if value is None else format_date(_day_of(value), "long", _babel_locale(current_language().locale))
    )


def month(value: date | datetime | None) -> str:
    """The month's name and the year."""
    if value is None:
        return ""
    return format_skeleton("yMMMM", _day_of(value), locale=_babel_locale(current_language().locale))


def moment(value: datetime | None) -> str:
    """22.11.2026 14:05 in local time."""
    return "" if value is None else clock.local(value).strftime("%d.%m.%Y %H:%M")


def hour(value: datetime | None) -> str:
    """14:05 in local time."""
    return "" if value is None else clock.local(value).strftime("%H:%M")


def number(value: int | float | None) -> str:
    """12 345, and 0,5 except in English, where it is 0.5."""
    if value is None:
        return ""
    written = f"{value:,}".replace(",", NARROW_SPACE)
    return written if current_language().tag == "en" else written.replace(".", ",")


def _template_names() -> dict[str, Any]:
    return {"languages": LANGUAGES, "language": current_language(), "switch_url": switch_url}


def init_app(app: Flask, catalogs: list[str]) -> None:
    """Wires Flask-Babel with the catalogs of all rooms, the filters and the switch."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", ";".join(catalogs))
    Babel(
        app,
        default_locale=DEFAULT.locale,
        default_timezone=str(clock.ZONE),
        default_translation_directories=app.config["BABEL_TRANSLATION_DIRECTORIES"],
        locale_selector=_select,
    )
    app.after_request(_remember)
    app.context_processor(_template_names)
    for written in (day, long_day, month, moment, hour, number):
        app.add_template_filter(written)
