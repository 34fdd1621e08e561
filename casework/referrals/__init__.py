"""Routing across the four domains: state table, review, inboxes, minimum dataset, clocks."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from casework.access.permissions import Permission


def init_app(app: Flask) -> None:
    """Wires the room into an app: policy, pages, menu, what it shows on a case and in My work, its job."""
    from casework.access.policy import register
    from casework.cases.panels import on_consent_withdrawn, register_case_panel, register_work_panel
    from casework.cases.timeline import register_timeline_kind
    from casework.referrals import jobs, rights, words
    from casework.referrals.course import TIMELINE_KIND
    from casework.referrals.policy import RULES
    from casework.referrals.use_cases.ending import close_shares
    from casework.referrals.use_cases.reading import case_panel, timeline_items, work_panel
    from casework.referrals.views import bp
    from casework.web.navigation import NavItem, register_nav

    register(RULES)
    words.register()
    app.register_blueprint(bp)
    register_nav(
        app,
        NavItem("referrals.index", _l("Referrals"), Permission.REFERRAL_LIST, order=30),
        NavItem("referrals.reviews", _l("Review"), Permission.REFERRAL_REVIEW, order=40),
    )
    register_timeline_kind(TIMELINE_KIND, timeline_items, "referrals/timeline.html")
    register_case_panel(
        "referrals/case_panel.html", case_panel, permission=Permission.REFERRAL_MAKE, order=30
    )
    register_work_panel(
        "referrals/work_panel.html", work_panel, permission=Permission.REFERRAL_LIST, order=20
    )
    on_consent_withdrawn(close_shares)
    rights.register()
    jobs.register_jobs()
