"""What the log calls what happens here."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

EVENTS = {
    "request.listed": _l("The requests about a person’s data were looked at"),
    "request.recorded": _l("A request about a person’s data was recorded"),
    "request.viewed": _l("A request about a person’s data was opened"),
    "request.decided": _l("A request about a person’s data was decided"),
    "request.done": _l("A request about a person’s data was marked as done"),
    "person.copy_opened": _l("The page for copying a person’s record was opened"),
    "person.copied": _l("A copy of a person’s record was made for that person"),
    "person.erasure_opened": _l("The page for destroying a person’s data was opened"),
    "person.erasure_previewed": _l("It was looked up what destroying a person’s data would take away"),
    "person.erased": _l("A person’s data were destroyed"),
    "person.certificate_viewed": _l("A certificate of disposal was opened"),
    "retention.listed": _l("Records past their retention were looked up"),
    "retention.approved": _l("The destruction of records past their retention was approved"),
    "attachment.form_opened": _l("The page for adding a document was opened"),
    "attachment.added": _l("A document was added to a case"),
    "attachment.downloaded": _l("A document of a case was downloaded"),
    "attachment.removed": _l("A document was removed from a case"),
}
