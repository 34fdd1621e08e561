"""The pages of this room. Each parses, calls one use case and renders."""

from __future__ import annotations

from casework.cases.search import views as search
from casework.cases.views import consents, intake, pages, support, work
from casework.cases.views.blueprint import bp

__all__ = ["bp", "consents", "intake", "pages", "search", "support", "work"]
