"""What a country pack is made of: value sets, rules and limits, read-only and typed.

`casework.core.pack` loads them.

Sources: data dictionary sections 2 to 4 (value sets), 3.18 (retention), 6 (country packs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from flask import current_app, has_app_context
from flask_babel import pgettext

Disposal = Literal["none", "erase_keys", "delete_rows"]
OwnAgreement = Literal["not_asked", "informed", "oral", "written", "consent"]


@dataclass(frozen=True)
class Value:
    """One value: stable key, English label, and the gettext context that its translation is kept under."""

    key: str
    english: str
    context: str

    def label(self) -> str:
        """The label in the language of the current request; in English where no application is at work."""
        if not has_app_context() or "babel" not in current_app.extensions:
            return self.english
        return str(pgettext(self.context, self.english))


@dataclass(frozen=True)
class ValueSet:
    """An ordered set of values that a field may hold.

    `sensitivity` is the protection class C1..C4 of a field that holds one of them. A `person_facing` set (the
    person is asked) also holds the answers `unknown`, `not_asked` and `declined` (data dictionary 1.4).
    """

    name: str
    sensitivity: str
    person_facing: bool
    values: Mapping[str, Value]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.values)

    def __contains__(self, key: object) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def label(self, key: str) -> str:
        """The label of `key`, translated now. KeyError names the set and the key."""
        if key not in self.values:
            raise KeyError(f"value set {self.name} has no value {key!r}")
        return self.values[key].label()

    def choices(self) -> list[tuple[str, str]]:
        """(key, label) pairs in the order of the set, translated now."""
        return [(key, value.label()) for key, value in self.values.items()]


@dataclass(frozen=True)
class PhoneRule:
    """Country calling code and number of national digits; E.164 is the normal form."""

    country_code: str
    national_digits: int
    example: str


@dataclass(frozen=True)
class IdentifierRule:
    """How one type of identifier is normalised and checked; see `casework.core.identifiers`."""

    identifier_type: str
    drop: str
    latin_lookalikes: bool
    pattern: re.Pattern[str] | None
    check_digit: str | None


@dataclass(frozen=True)
class WorkingDays:
    """Working weekdays (ISO, Monday = 1) and public holidays: fixed as (month, day), dated as full dates."""

    weekdays: frozenset[int]
    fixed_holidays: frozenset[tuple[int, int]]
    dated_holidays: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        return (
            day.isoweekday() in self.weekdays
            and (day.month, day.day) not in self.fixed_holidays
            and day not in self.dated_holidays
        )

    def after(self, day: date, working_days: int) -> date:
        """The day that is `working_days` working days after `day`; `day` itself does not count."""
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        return day


@dataclass(frozen=True)
class AssentBand:
    """Who agrees for a child from `from_age` to `to_age` completed years (data dictionary 3.5)."""

    from_age: int
    to_age: int
    own: OwnAgreement
    with_caregiver: bool


@dataclass(frozen=True)
class Consent:
    """Months a consent lasts unless stated otherwise, and the assent bands in the order of age."""

    default_months: int
    assent_bands: tuple[AssentBand, ...]

    def assent_band(self, age: int) -> AssentBand | None:
        """The band for a child of `age` completed years; None for an adult."""
        return next((band for band in self.assent_bands if band.from_age <= age <= band.to_age), None)


@dataclass(frozen=True)
class UrgencyLimit:
    """Time to act: exactly one of `hours` (around the clock) and `working_days` (data dictionary 2.3)."""

    hours: int | None
    working_days: int | None
    phone_first: bool


@dataclass(frozen=True)
class NeedsLevelRule:
    """Default days between contacts and the number of life areas that the rule shows (data dictionary 2.2).

    `contact_every_days` None: no contact is due. `areas_to` None: no upper bound.
    """

    contact_every_days: int | None
    areas_from: int
    areas_to: int | None


@dataclass(frozen=True)
class RetentionClass:
    """How long records of a class are kept (data dictionary 3.18).

    `months` count from the day the class is given, or from the birthday `until_age` if that is later. None: no
    period of our own, and `set_by` names who sets it, if anyone does.
    """

    months: int | None
    until_age: int | None
    set_by: str | None
    disposal: Disposal


@dataclass(frozen=True)
class SessionLimits:
    """Minutes of idleness and hours in all after which a sign-in ends."""

    idle_minutes: int
    absolute_hours: int


@dataclass(frozen=True)
class EmergencyAccess:
    """Hours that an emergency access lasts, working days until it is reviewed (data dictionary 3.17)."""

    limit_hours: int
    review_working_days: int


@dataclass(frozen=True)
class Domain:
    """One of the four working-group domains: its sections, their consent purposes, and what may be shared."""

    key: str
    sections: tuple[str, ...]
    consent: Mapping[str, tuple[str, ...]]
    consent_by_reason: Mapping[str, tuple[str, ...]]
    minimum_dataset: tuple[str, ...]


@dataclass(frozen=True)
class Pack:
    """A country pack, checked. Shared and never changed: `load_pack` gives every caller the same one."""

    country: str
    name: str
    root: Path
    locales: tuple[str, ...]
    default_locale: str
    timezone: ZoneInfo
    phone: PhoneRule
    places_csv: Path
    admin_levels: tuple[str, ...]
    open_admin_levels: tuple[str, ...]
    working_days: WorkingDays
    consent: Consent
    urgency: Mapping[str, UrgencyLimit]
    needs_levels: Mapping[str, NeedsLevelRule]
    session: SessionLimits
    emergency_access: EmergencyAccess
    retention: Mapping[str, RetentionClass]
    data_request_days: Mapping[str, int]
    dataset_fields: Mapping[str, str]
    identifiers: Mapping[str, IdentifierRule]
    value_sets: Mapping[str, ValueSet]
    domain_rules: Mapping[str, Domain]

    @property
    def translations(self) -> Path:
        """Folder of the gettext catalogs, for BABEL_TRANSLATION_DIRECTORIES."""
        return self.root / "translations"

    @property
    def domains(self) -> tuple[str, ...]:
        """Keys of the four domains, in the order of the working groups; labels are in the value set `domain`."""
        return tuple(self.domain_rules)

    def value_set(self, name: str) -> ValueSet:
        """The value set called `name`. KeyError names it."""
        if name not in self.value_sets:
            raise KeyError(f"country pack {self.country} has no value set {name!r}")
        return self.value_sets[name]

    def referral_reasons(self, domain: str) -> ValueSet:
        """Every reason for a referral to `domain`, section by section."""
        parts = [self.value_set(f"{section}_referral_reason") for section in self._domain(domain).sections]
        values = {key: value for part in parts for key, value in part.values.items()}
        strictest = max(part.sensitivity for part in parts)
        return ValueSet(f"{domain}_referral_reason", strictest, False, MappingProxyType(values))

    def reason_section(self, domain: str, reason: str) -> str:
        """The section (`doc leg psy hlt edu wg3 emp hou fam`) that `reason` belongs to within `domain`."""
        for section in self._domain(domain).sections:
            if reason in self.value_set(f"{section}_referral_reason"):
                return section
        raise KeyError(f"domain {domain} has no referral reason {reason!r}")

    def service_outcomes(self, domain: str, reason: str) -> ValueSet:
        """The outcomes that a domain officer chooses from; the general ones are the set `referral_outcome`."""
        return self.value_set(f"{self.reason_section(domain, reason)}_outcome")

    def consent_purpose_for(self, domain: str, reason: str | None = None) -> tuple[str, ...]:
        """The consent purposes of which one must be live for a referral to `domain`.

        With a reason: those that cover it. Without: all that cover some reason of the domain.
        """
        rule = self._domain(domain)
        if reason is not None:
            section = self.reason_section(domain, reason)
            return rule.consent_by_reason.get(reason, rule.consent[section])
        groups = (*rule.consent.values(), *rule.consent_by_reason.values())
        return tuple(dict.fromkeys(purpose for group in groups for purpose in group))

    def minimum_dataset(self, domain: str) -> tuple[str, ...]:
        """Fields that may be ticked for a referral to `domain`, in the order shown.

        The display code always travels and is not listed. Labels are in the value set `minimum_dataset_field`,
        protection classes in `dataset_fields`.
        """
        return self._domain(domain).minimum_dataset

    def due_at(self, urgency: str, start: datetime) -> datetime:
        """The end of the time to act that began at `start` (aware), in the time zone of `start`.

        Limits in hours are exact; limits in working days end with the local day.
        """
        limit = self.urgency[urgency]
        if limit.hours is not None:
            return start + timedelta(hours=limit.hours)
        last_day = self.working_days.after(start.astimezone(self.timezone).date(), limit.working_days or 0)
        return datetime.combine(last_day, time(23, 59, 59), self.timezone).astimezone(start.tzinfo)

    def _domain(self, domain: str) -> Domain:
        if domain not in self.domain_rules:
            raise KeyError(f"country pack {self.country} has no domain {domain!r}")
        return self.domain_rules[domain]
