"""When each sweep runs; a host project merges this into its own ``beat_schedule``.

The times are those of ``LEDGER["SWEEPS"]``. A task that nobody took before the next one is due expires: it would find
nothing that the next one doesn't.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from ledger.conf import ledger_settings

#: Sweeps of the app "workers", which a project without accounting systems need not install.
OF_THE_APP = {"push"}


def schedule() -> dict[str, dict[str, Any]]:
    """The entries of ``beat_schedule``, by the settings as they are."""
    is_installed = any(app.split(".")[0] == "workers" for app in settings.INSTALLED_APPS)
    return {
        f"ledger-{name.replace('_', '-')}": {
            "task": f"ledger.{name}",
            "schedule": times.get("every", 3600.0),
            "options": {
                "expires": times.get("every", 3600.0),
                # Softly at first: the run's row then says that it took too long.
                "soft_time_limit": times.get("limit", 300.0),
                "time_limit": times.get("limit", 300.0) + 30,
            },
        }
        for name, times in ledger_settings().sweeps.items()
        if is_installed or name not in OF_THE_APP
    }
