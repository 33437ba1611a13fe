"""When each sweep runs; a project merges this into its own ``beat_schedule``.

The times are those of ``LEDGER["SWEEPS"]``. A task that no worker has begun when the next one is due expires: the next
one finds all that it would have found.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from ledger.conf import SWEEPS, ledger_settings

#: In seconds: the times of a sweep that has none, and the time after its limit at which its process is killed.
_EVERY, _LIMIT, _GRACE = 3600.0, 300.0, 30.0

#: Without a record of when it last sent a task (at the first start, or if the file is lost), beat sends it at once.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

#: Sweeps of the app "workers", which a project without accounting systems doesn't need.
OF_THE_APP = {"refill_remote_pools", "reconcile", "push"}


def schedule() -> dict[str, dict[str, Any]]:
    """The entries of ``beat_schedule`` for Folio's own sweeps, by the settings.

    If you register a sweep and write a task for it, add an entry of your own.
    """
    is_installed = any(app.split(".")[0] == "workers" for app in settings.INSTALLED_APPS)
    return {
        f"ledger-{name.replace('_', '-')}": {
            "task": f"ledger.{name}",
            "schedule": times.get("every", _EVERY),
            "options": options(name),
            "last_run_at": _LONG_AGO,
        }
        for name, times in ledger_settings().sweeps.items()
        if name in SWEEPS and (is_installed or name not in OF_THE_APP)
    }


def options(name: str) -> dict[str, float]:
    """The limits, in seconds, with which the messages of a sweep and its batches are sent."""
    times = ledger_settings().sweeps.get(name, {})
    limit = times.get("limit", _LIMIT)
    return {
        "expires": times.get("every", _EVERY),
        # The soft limit comes first: the run's row then says that it took too long.
        "soft_time_limit": limit,
        "time_limit": limit + _GRACE,
    }


def longest() -> float:
    """The longest time that any task may run, in seconds: a broker's ``visibility_timeout`` should be longer."""
    return max(options(name)["time_limit"] for name in ledger_settings().sweeps)
