"""When each sweep runs; a host project merges this into its own ``beat_schedule``.

The times are those of ``LEDGER["SWEEPS"]``. A task that nobody took before the next one is due expires: it would find
nothing that the next one doesn't.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from ledger.conf import SWEEPS, ledger_settings

#: In seconds: for a sweep that has no times, and how long one that doesn't heed the first limit
#: may go on before its process is killed.
_EVERY, _LIMIT, _GRACE = 3600.0, 300.0, 30.0

#: A beat that doesn't remember when it last sent a task sends it at once: at the first start, or when its file is lost.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

#: Sweeps of the app "workers", which a project without accounting systems need not install.
OF_THE_APP = {"refill_remote_pools", "reconcile", "push"}


def schedule() -> dict[str, dict[str, Any]]:
    """The entries of ``beat_schedule``, by the settings as they are: of Folio's own sweeps, which have tasks.

    Who registers a sweep and writes a task for it adds an entry of his own.
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
    """With what limits, in seconds, the messages of a sweep and of its batches are sent."""
    times = ledger_settings().sweeps.get(name, {})
    limit = times.get("limit", _LIMIT)
    return {
        "expires": times.get("every", _EVERY),
        # Softly at first: the run's row then says that it took too long.
        "soft_time_limit": limit,
        "time_limit": limit + _GRACE,
    }


def longest() -> float:
    """How long any task may run, in seconds: a broker's ``visibility_timeout`` should be longer."""
    return max(options(name)["time_limit"] for name in ledger_settings().sweeps)
