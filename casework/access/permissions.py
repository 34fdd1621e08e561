"""Every permission of the product, one sentence each. Who has it is said in the policy tables."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """`thing:verb`."""

    # everybody who is signed in
    ACCOUNT_USE = "account:use"
    """Sign out, change one's own language and password."""
    WORK_VIEW = "work:view"
    """See one's own list of work."""
    PLACE_CHOOSE = "place:choose"
    """Look through the public tree of places to choose one."""

    # cases
    CASE_LIST = "case:list"
    """See the list of the cases within one's scope: codes, never names."""
    PERSON_SEARCH = "person:search"
    """Find a person by name, number, phone or code among the cases within one's scope."""
    CASE_OPEN = "case:open"
    """Open a case for a person."""
    CASE_VIEW = "case:view"
    """Look at one case: who it is about, consent, what happened."""
    CASE_EDIT = "case:edit"
    """Correct who the case is about."""
    CASE_REASSIGN = "case:reassign"
    """Give a case to another caseworker of the same office."""
    CASE_WHO_SAW = "case:who_saw"
    """See and print who looked at the record of a person: for the person, who may ask."""
    CONSENT_RECORD = "consent:record"
    """Record, refuse or withdraw consent."""
    SUPPORT_RECORD = "support:record"
    """Record psychosocial, education or employment support."""
    SUPPORT_CORRECT = "support:correct"
    """Correct a record of support, or mark it as entered in error."""
    SUPPORT_HISTORY = "support:history"
    """Read the earlier versions of a record of support."""
    FOLLOW_UP_CLOSE = "follow_up:close"
    """Say that a follow-up was done, or is no longer needed."""

    REQUEST_VIEW = "request:view"
    """Look at what a person asked about their own data, and at the certificate of what was destroyed."""
    REQUEST_RECORD = "request:record"
    """Record what a person asks about their own data, and that it was done."""
    REQUEST_DECIDE = "request:decide"
    """Decide on such a request; on the destruction of data only somebody else than who recorded it."""
    PERSON_COPY = "person:copy"
    """Make a copy of a person's whole record for that person."""
    PERSON_ERASE = "person:erase"
    """Destroy a person's data after an approved request."""
    RETENTION_APPROVE = "retention:approve"
    """See which records of one's office are past their retention, and approve their destruction."""
    ATTACHMENT_ADD = "attachment:add"
    """Add a document to a case."""
    ATTACHMENT_VIEW = "attachment:view"
    """See and download the documents of a case."""
    ATTACHMENT_REMOVE = "attachment:remove"
    """Remove a document from a case."""

    # referrals
    REFERRAL_LIST = "referral:list"
    """See the referrals within one's scope: the sent ones, or the inbox of one's domain."""
    REFERRAL_MAKE = "referral:make"
    """Write a referral and send it to review."""
    REFERRAL_VIEW = "referral:view"
    """Look at one referral and its minimum data."""
    REFERRAL_REVIEW = "referral:review"
    """Approve a referral or return it with a reason."""
    REFERRAL_ANSWER = "referral:answer"
    """Accept, decline, or complete a referral of one's domain."""
    REFERRAL_WITHDRAW = "referral:withdraw"
    """Take a referral back at the person's wish."""

    # audit
    AUDIT_VIEW = "audit:view"
    """Look through the audit log: codes and acts, never content."""
    AUDIT_EXPORT = "audit:export"
    """Export the audit log."""
    AUDIT_RETAIN = "audit:retain"
    """Ask, or approve what somebody else asked, that the details of events past their retention are dropped."""
    LOG_KEEP = "log:keep"
    """Keep the log itself: its heartbeat, its origin, its retention runs. The installation only; no role has it."""

    # administration
    STAFF_MANAGE = "staff:manage"
    """Add staff, change roles, disable, reset sign-ins."""
    PLACE_MANAGE = "place:manage"
    """Import the register of places."""
