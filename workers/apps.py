"""The app of the workers' own tables. A project without an accounting system doesn't need to install it."""

import logging
from typing import TYPE_CHECKING

from django.apps import AppConfig

from ledger.localization import lazily

if TYPE_CHECKING:
    from ledger.grants import TableGrant

_log = logging.getLogger(__name__)

#: Seconds to connect to the broker.
_PATIENCE = 2


class WorkersConfig(AppConfig):
    name = "workers"
    # Not "workers": a host project may well have an app of that name.
    label = "ledger_workers"
    verbose_name = lazily("Ledger workers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the workers' sweeps, checks and grants with the ledger."""
        from ledger import grants
        from ledger.signals import seal_wanted
        from workers import checks  # noqa: F401  (importing checks registers them)
        from workers.system_sweeps import register_sweeps

        grants.contribute("workers", _table_grants)
        register_sweeps()
        seal_wanted.connect(_send_seal, dispatch_uid="workers")


def _send_seal(using: str, **_: object) -> None:
    """Send the task, unless there is no Celery or no broker: the next beat sends it too.

    It uses a connection of its own, which gives up soon: a publisher's would look for its broker for ever, while a page
    or a report waits.
    """
    try:
        from celery import current_app
        from kombu.exceptions import OperationalError

        from ledger.homes import are_many
        from workers.schedule import options
        from workers.tasks import seal
    except ModuleNotFoundError:
        return
    how = {**current_app.conf.broker_transport_options, "socket_connect_timeout": _PATIENCE, "max_retries": 0}
    try:
        with current_app.connection_for_write(connect_timeout=_PATIENCE, transport_options=how) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE)
            seal.apply_async(
                kwargs={"home": using} if are_many() else {}, connection=connection, retry=False, **options("seal")
            )
    except OperationalError as error:
        _log.info("A seal was requested, but no broker was found: %s", error)


def _table_grants() -> "list[TableGrant]":
    """The least that the workers' role needs on their tables. A checkout's role needs nothing there."""
    from ledger.grants import TableGrant
    from workers.models import Push, PushPosition, Quota, SealedToken

    return [
        TableGrant("Tokens are renewed under their row's lock", SealedToken, ("sealed", "issued_at", "expires_at")),
        TableGrant(
            "Limits are counted for all workers together",
            Quota,
            ("room", "counted_at", "day", "used_today", "tickets", "paused_until"),
        ),
        TableGrant(
            "Numbers are pushed, and their outcomes are noted",
            Push,
            (
                *("void_id", "state", "claimed_by", "claimed_until", "attempts", "last_error", "next_attempt_at"),
                *("remote_id", "facts", "pushed_at", "cancelled_at"),
            ),
        ),
        TableGrant(
            "How far the ledger was searched is noted",
            PushPosition,
            ("tenant", "through", "scope", "looked_in_full_at", "ran_at", "error"),
        ),
    ]
