"""The country pack: what differs from country to country, loaded once from `config/packs/<country>/`.

A pack is data (TOML, CSV, gettext catalogs); this module reads it strictly and offers it typed. A key that
the loader does not know, or a reference to something that is not there, raises ValueError with the file and
the key, so a broken pack never starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from casework.core.pack_types import (
    AssentBand,
    Consent,
    Disposal,
    Domain,
    EmergencyAccess,
    IdentifierRule,
    NeedsLevelRule,
    OwnAgreement,
    Pack,
    PhoneRule,
    RetentionClass,
    SessionLimits,
    UrgencyLimit,
    Value,
    ValueSet,
    WorkingDays,
)
from casework.core.toml_table import TomlTable

__all__ = ["PACKS_ROOT", "Pack", "Value", "ValueSet", "load_pack"]

PACKS_ROOT = Path(__file__).resolve().parents[2] / "config" / "packs"
NO_ANSWER = "no_answer"
SENSITIVITIES = ("C1", "C2", "C3", "C4")
DISPOSALS = ("none", "erase_keys", "delete_rows")
OWN_AGREEMENTS = ("not_asked", "informed", "oral", "written", "consent")

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_BCP_47 = re.compile(r"[a-z]{2,8}(-[A-Z][a-z]{3})?")


def load_pack(country: str = "uz", root: Path | None = None) -> Pack:
    """The pack of `country` (ISO 3166-1 alpha-2, lower case) under `root`, read once per process.

    ValueError if there is no such pack, or if one of its files has an unknown or missing key or a broken
    reference.
    """
    return _load(country, root or PACKS_ROOT)


@lru_cache(maxsize=8)
def _load(country: str, root: Path) -> Pack:
    folder = root / country
    if not re.fullmatch(r"[a-z]{2}", country) or not folder.is_dir():
        raise ValueError(f"no country pack {country!r} in {root}")
    value_sets = _read_value_sets(TomlTable.of_file(folder / "value_sets.toml"))
    identifiers = _read_identifiers(TomlTable.of_file(folder / "identifiers.toml"), value_sets)
    table = TomlTable.of_file(folder / "pack.toml")
    if table.text("country") != country:
        raise table.error("country", f"is not {country!r}, the name of the folder")
    pack = _read_pack(table, folder, value_sets, identifiers)
    table.done()
    return pack


def _read_value_sets(table: TomlTable) -> Mapping[str, ValueSet]:
    raw = {name: _read_value_set(table.table(name), name) for name in table.names()}
    if NO_ANSWER not in raw:
        raise table.error(NO_ANSWER, "is missing")
    # A set's own `unknown` or `declined` keeps its own label and place; the rest follows at the end.
    return MappingProxyType(
        {
            name: ValueSet(
                name,
                sensitivity,
                person_facing,
                MappingProxyType(
                    values | {k: v for k, v in raw[NO_ANSWER][2].items() if person_facing and k not in values}
                ),
            )
            for name, (sensitivity, person_facing, values) in raw.items()
        }
    )


def _read_value_set(table: TomlTable, name: str) -> tuple[str, bool, dict[str, Value]]:
    sensitivity = table.one_of("class", SENSITIVITIES)
    person_facing = table.flag("person_facing")
    form = _BCP_47 if table.text("key_form", "snake_case") == "bcp47" else _SNAKE_CASE
    labels = table.table("values")
    table.done()
    if not _SNAKE_CASE.fullmatch(name) or not labels.names():
        raise table.error("values", "is empty, or the name of the set is not snake_case")
    values = {}
    for key in labels.names():
        if not form.fullmatch(key):
            raise labels.error(key, "is not a well-formed key")
        values[key] = Value(key, labels.text(key), name)
    return sensitivity, person_facing, values


def _read_identifiers(table: TomlTable, value_sets: Mapping[str, ValueSet]) -> Mapping[str, IdentifierRule]:
    rules = {}
    for name in table.exactly(_keys(table, value_sets, "identifier_type")):
        row = table.table(name)
        pattern = _read_pattern(row)
        check_digit = row.one_of("check_digit", ("icao_731",)) if "check_digit" in row.names() else None
        rules[name] = IdentifierRule(
            identifier_type=name,
            drop=row.text("drop", ""),
            latin_lookalikes=row.flag("latin_lookalikes", False),
            pattern=pattern,
            check_digit=check_digit,
        )
        row.done()
    return MappingProxyType(rules)


def _read_pattern(row: TomlTable) -> re.Pattern[str] | None:
    pattern = row.optional_text("pattern")
    try:
        return re.compile(pattern) if pattern is not None else None
    except re.error as error:
        raise row.error("pattern", "is not a regular expression") from error


def _read_pack(
    table: TomlTable,
    folder: Path,
    value_sets: Mapping[str, ValueSet],
    identifiers: Mapping[str, IdentifierRule],
) -> Pack:
    locales = table.items("locales", str)
    for locale in locales:
        # English is the language of the message ids and has no catalog.
        if (
            locale != "en"
            and not (folder / "translations" / locale / "LC_MESSAGES" / "messages.po").is_file()
        ):
            raise table.error("locales", f"refers to {locale!r}, which has no catalog")
    places = table.table("places")
    places_csv = folder / places.text("file")
    if not places_csv.is_file():
        raise places.error("file", f"refers to {places_csv.name!r}, which is not there")
    levels = places.items("levels", str)
    open_levels = places.references("open_levels", levels)
    places.done()
    dataset_fields = _read_classes(
        table.table("dataset_fields"), _keys(table, value_sets, "minimum_dataset_field")
    )
    days = table.table("data_request_days")
    return Pack(
        country=folder.name,
        name=table.text("name"),
        root=folder,
        locales=locales,
        default_locale=table.one_of("default_locale", locales),
        timezone=_read_timezone(table),
        phone=_read_phone(table.table("phone")),
        places_csv=places_csv,
        admin_levels=levels,
        open_admin_levels=open_levels,
        working_days=_read_working_days(table.table("working_days")),
        consent=_read_consent(table.table("consent")),
        urgency=_read_urgency(table.table("urgency"), _keys(table, value_sets, "urgency")),
        needs_levels=_read_needs_levels(table.table("needs_level"), _keys(table, value_sets, "needs_level")),
        session=_read_session(table.table("session")),
        emergency_access=_read_emergency_access(table.table("emergency_access")),
        retention=_read_retention(table.table("retention")),
        data_request_days=MappingProxyType(
            {key: days.number(key) for key in days.exactly(_keys(table, value_sets, "data_request_type"))}
        ),
        dataset_fields=dataset_fields,
        identifiers=identifiers,
        value_sets=value_sets,
        domain_rules=_read_domains(table.table("domains"), value_sets, dataset_fields),
    )


def _keys(table: TomlTable, value_sets: Mapping[str, ValueSet], name: str) -> tuple[str, ...]:
    if name not in value_sets:
        raise table.error(name, "needs a value set of this name, which is not there")
    return value_sets[name].keys


def _read_timezone(table: TomlTable) -> ZoneInfo:
    name = table.text("timezone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise table.error("timezone", f"is {name!r}, which is not a time zone") from error


def _read_phone(table: TomlTable) -> PhoneRule:
    rule = PhoneRule(table.text("country_code"), table.number("national_digits"), table.text("example"))
    if not re.fullmatch(r"[1-9][0-9]{0,2}", rule.country_code):
        raise table.error("country_code", "must be one to three digits without a plus sign")
    table.done()
    return rule


def _read_working_days(table: TomlTable) -> WorkingDays:
    weekdays = frozenset(table.items("weekdays", int))
    if not weekdays or not weekdays <= set(range(1, 8)):
        raise table.error("weekdays", "must be ISO weekdays, 1 to 7, at least one")
    fixed = set()
    for text in table.items("fixed_holidays", str):
        try:
            # A leap year, so that 29 February may be a holiday.
            day = date.fromisoformat(f"2024-{text}")
        except ValueError as error:
            raise table.error("fixed_holidays", f"has {text!r}, which is not a month and day") from error
        fixed.add((day.month, day.day))
    dated = set()
    for text in table.items("dated_holidays", str):
        try:
            dated.add(date.fromisoformat(text))
        except ValueError as error:
            raise table.error("dated_holidays", f"has {text!r}, which is not a date") from error
    table.done()
    return WorkingDays(weekdays, frozenset(fixed), frozenset(dated))


def _read_consent(table: TomlTable) -> Consent:
    months = table.number("default_months")
    bands: list[AssentBand] = []
    for row in table.tables("assent_bands"):
        band = AssentBand(
            from_age=row.number("from_age"),
            to_age=row.number("to_age"),
            own=cast("OwnAgreement", row.one_of("own", OWN_AGREEMENTS)),
            with_caregiver=row.flag("with_caregiver"),
        )
        row.done()
        if band.from_age != (bands[-1].to_age + 1 if bands else 0) or band.to_age < band.from_age:
            raise row.error("from_age", "leaves a gap or overlaps the band before it")
        bands.append(band)
    table.done()
    return Consent(months, tuple(bands))


def _read_urgency(table: TomlTable, keys: tuple[str, ...]) -> Mapping[str, UrgencyLimit]:
    limits = {}
    for key in table.exactly(keys):
        row = table.table(key)
        limit = UrgencyLimit(
            row.optional_number("hours"), row.optional_number("working_days"), row.flag("phone_first", False)
        )
        if (limit.hours is None) == (limit.working_days is None):
            raise row.error("hours", "or working_days is needed, not both")
        row.done()
        limits[key] = limit
    return MappingProxyType(limits)


def _read_needs_levels(table: TomlTable, keys: tuple[str, ...]) -> Mapping[str, NeedsLevelRule]:
    rules = {}
    for key in table.exactly(keys):
        row = table.table(key)
        rules[key] = NeedsLevelRule(
            row.optional_number("contact_every_days"),
            row.number("areas_from"),
            row.optional_number("areas_to"),
        )
        row.done()
    return MappingProxyType(rules)


def _read_session(table: TomlTable) -> SessionLimits:
    limits = SessionLimits(table.number("idle_minutes"), table.number("absolute_hours"))
    table.done()
    return limits


def _read_emergency_access(table: TomlTable) -> EmergencyAccess:
    limits = EmergencyAccess(table.number("limit_hours"), table.number("review_working_days"))
    table.done()
    return limits


def _read_retention(table: TomlTable) -> Mapping[str, RetentionClass]:
    classes = {}
    for key in table.names():
        row = table.table(key)
        classes[key] = RetentionClass(
            months=row.optional_number("months"),
            until_age=row.optional_number("until_age"),
            set_by=row.optional_text("set_by"),
            disposal=cast("Disposal", row.one_of("disposal", DISPOSALS)),
        )
        row.done()
    return MappingProxyType(classes)


def _read_classes(table: TomlTable, keys: tuple[str, ...]) -> Mapping[str, str]:
    return MappingProxyType({key: table.one_of(key, SENSITIVITIES) for key in table.exactly(keys)})


def _read_domains(
    table: TomlTable, value_sets: Mapping[str, ValueSet], dataset_fields: Mapping[str, str]
) -> Mapping[str, Domain]:
    purposes = _keys(table, value_sets, "consent_purpose")
    domains = {}
    for key in table.exactly(_keys(table, value_sets, "domain")):
        row = table.table(key)
        sections = row.items("sections", str)
        reasons: list[str] = []
        for section in sections:
            for name in (f"{section}_referral_reason", f"{section}_outcome"):
                if name not in value_sets:
                    raise row.error("sections", f"refers to {section!r}, but there is no value set {name}")
            reasons += value_sets[f"{section}_referral_reason"].keys
        if len(set(reasons)) != len(reasons):
            raise row.error("sections", "share a referral reason; a reason must name one section")
        consent = row.table("consent")
        by_reason = row.optional_table("consent_by_reason")
        for reason in by_reason.names():
            if reason not in reasons:
                raise by_reason.error(reason, "is not a referral reason of this domain")
        domains[key] = Domain(
            key=key,
            sections=sections,
            minimum_dataset=row.references("minimum_dataset", tuple(dataset_fields)),
            consent=MappingProxyType(
                {name: consent.references(name, purposes) for name in consent.exactly(sections)}
            ),
            consent_by_reason=MappingProxyType(
                {name: by_reason.references(name, purposes) for name in by_reason.names()}
            ),
        )
        row.done()
    return MappingProxyType(domains)
