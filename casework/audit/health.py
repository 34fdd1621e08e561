"""For the machines that watch this one: is it alive, can it serve, how does its log stand. Numbers only, no content."""

from __future__ import annotations

from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from casework.access.blueprint import PUBLIC, ProtectedBlueprint
from casework.audit.keeping import LogHealth, log_health
from casework.core import clock
from casework.core.database import db
from casework.core.schema import SchemaProblem, refuse_other
from casework.vault.providers import KeyProblem, open_provider

health = ProtectedBlueprint("health", __name__)

PLAIN = "text/plain; charset=utf-8"


@health.get("/healthz", permission=PUBLIC)
def alive() -> Response:
    """This process answers. Asks nobody else, so that a database that is down restarts nothing."""
    return Response("ok\n", content_type=PLAIN)


@health.get("/readyz", permission=PUBLIC)
def ready() -> Response:
    """200 when a person can work here, else 503; each line says what is wrong."""
    wrong = _complaints()
    return Response("\n".join(wrong or ["ok"]) + "\n", 503 if wrong else 200, content_type=PLAIN)


def _complaints() -> list[str]:
    settings = current_app.extensions["casework_settings"]
    wrong = []
    try:
        refuse_other(db.session.connection())
        wrong += log_health().complaints
    except SchemaProblem as problem:
        wrong.append(str(problem))
    except SQLAlchemyError:
        wrong.append("The database does not answer.")
    try:
        open_provider(settings.kek, production=settings.production).health()
    except KeyProblem:
        wrong.append("The keys are not at hand. Run `casework doctor`, which says more.")
    return wrong


@health.get("/metrics", permission=PUBLIC)
def metrics() -> Response:
    """The log's figures in the text format of Prometheus."""
    return Response(_exposition(log_health()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _exposition(log: LogHealth) -> str:
    signed_for = (clock.now() - log.signed_at).total_seconds() if log.signed_at else 0.0
    figures = (
        ("casework_audit_events", "Events that have their index in the log", log.size),
        ("casework_audit_signed_events", "Events under the newest signed checkpoint", log.signed_size),
        ("casework_audit_pending_events", "Events that wait for their index", log.pending),
        (
            "casework_audit_oldest_pending_seconds",
            "How long the oldest of them waits",
            log.oldest_pending.total_seconds(),
        ),
        ("casework_audit_checkpoint_age_seconds", "Age of the newest signed checkpoint", signed_for),
    )
    return "".join(
        f"# HELP {name} {text}.\n# TYPE {name} gauge\n{name} {value:g}\n" for name, text, value in figures
    )
