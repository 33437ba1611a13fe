"""When each sweep runs, in UTC; a host project merges this into its own ``beat_schedule``."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    # Hourly, since midnight comes at another hour in each time zone, and a run with nothing to do costs one query.
    "ledger-open-next-periods": {"task": "ledger.open_next_periods", "schedule": crontab(minute="17")},
    "ledger-verify": {"task": "ledger.verify", "schedule": crontab(hour="3", minute="41")},
}
