"""What people type on the pages of this room."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from casework.access.roles import Role
from casework.web import fields
from casework.web.languages import LANGUAGES


def roles() -> list[tuple[str, Any]]:
    """Every role with its name."""
    return [(role.value, role.label) for role in Role]


def languages() -> list[tuple[str, Any]]:
    """Every language by its locale, in its own words."""
    return [(language.locale, language.name) for language in LANGUAGES]


class SignInSchema(fields.FormSchema):
    """The sign-in page."""

    username = fields.text(_l("User name"), max_length=64, required=True, autocomplete="username")
    password = fields.password(_l("Password"), required=True, autocomplete="current-password")


class ChangePasswordSchema(fields.FormSchema):
    """One's own password."""

    current_password = fields.password(_l("Your present password"), required=True)
    new_password = fields.password(
        _l("New password"),
        required=True,
        autocomplete="new-password",
        hint=_l("At least 12 characters. A few words in a row are easy to remember."),
    )
    repeated_password = fields.password(
        _l("The new password once more"), required=True, autocomplete="new-password"
    )


class LanguageSchema(fields.FormSchema):
    """One's own language."""

    locale = fields.choice(_l("Language"), languages, required=True)


class ChangeStaffSchema(fields.FormSchema):
    """What an administrator says of somebody who works here."""

    display_name = fields.text(_l("Name"), max_length=120, required=True, hint=_l("As colleagues see it."))
    role = fields.choice(_l("Role"), roles, required=True)
    domain = fields.choice(
        _l("Domain"), "domain", required=True, when=("role", Role.DOMAIN_OFFICER.value), widget="select"
    )
    place = fields.place(
        _l("Office"),
        hint=_l(
            "The district of the office. Needed for caseworkers, supervisors, psychologists and domain officers."
        ),
    )


class AddStaffSchema(ChangeStaffSchema):
    """Somebody new."""

    username = fields.text(
        _l("User name"),
        max_length=64,
        required=True,
        hint=_l("Small Latin letters, digits, point, hyphen and underscore. At least 2."),
    )

    class Meta(ChangeStaffSchema.Meta):
        fields = ("username", "display_name", "role", "domain", "place")


class FindPlaceSchema(fields.FormSchema):
    """Part of the name of a place."""

    q = fields.text(_l("Part of the name"), max_length=80)
    level = fields.text(_l("Level"), max_length=16)
