"""The pages of this room. Each parses, calls one use case and renders."""

from __future__ import annotations

from casework.cases.attachments import views as attachments
from casework.cases.rights import views as rights
from casework.cases.search import views as search
from casework.cases.views import consents, intake, pages, support, work
from casework.cases.views.blueprint import bp

__all__ = ["attachments", "bp", "consents", "intake", "pages", "rights", "search", "support", "work"]
