"""Whether the sweeps run as they should: when each last succeeded, and which is overdue."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import router

from ledger.cursors import fetch
from ledger.failures import NOT_DONE
from ledger.models import SweepRun
from ledger.sweeps import sql
from ledger.sweeps.registry import registered
from ledger.unreadable import facts

#: A sweep is overdue after so many missed turns and the time that a run may take.
_TURNS = 3


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one sweep. ``succeeded_at`` is null if it never did; ``error`` is that of its last run, or empty.

    ``unfinished``: its last run began and has not ended. It runs now, or its process was killed, or one of its batches
    was lost. ``took`` is how long the last success lasted.
    """

    sweep: str
    every: timedelta
    started_at: datetime | None
    succeeded_at: datetime | None
    took: timedelta | None
    unfinished: bool
    error: str
    counts: Mapping[str, int]
    overdue: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        took = None if self.took is None else self.took.total_seconds()
        return asdict(self) | {"every": self.every.total_seconds(), "took": took}


def health(*, using: str | None = None) -> list[Health]:
    """The state of each registered sweep, by the database's clock."""
    alias = using or router.db_for_read(SweepRun)
    sweeps = registered(alias)
    latest = {name: run for name, *run in fetch(alias, sql.LATEST, [[sweep.name for sweep in sweeps]])}
    found = []
    for sweep in sweeps:
        started_at, finished_at, error, counts, success_began_at, succeeded_at, now = latest[sweep.name]
        allowed = sweep.every * _TURNS + sweep.limit
        # A run that has left out single series has done all other work: a person must act, and a restart won't help.
        left_out = finished_at is not None and (error or "").startswith(NOT_DONE)
        done_at = max((at for at in (succeeded_at, finished_at if left_out else None) if at is not None), default=None)
        found.append(
            Health(
                sweep=sweep.name,
                every=sweep.every,
                started_at=started_at,
                succeeded_at=succeeded_at,
                took=None if succeeded_at is None else succeeded_at - success_began_at,
                unfinished=started_at is not None and finished_at is None,
                error=error or "",
                counts=facts(counts),
                overdue=done_at is None or now - done_at > allowed,
            )
        )
    return found
