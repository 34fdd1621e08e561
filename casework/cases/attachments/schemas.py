"""The form for a document. The file itself is no field of the schema: it goes to the sealed store while it arrives."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from casework.cases.schemas.consent import NOTE_HINT
from casework.web.fields import FormSchema, text


class AddAttachmentSchema(FormSchema):
    """What a document is."""

    description = text(_l("What this document is"), max_length=120, required=True, hint=NOTE_HINT)
