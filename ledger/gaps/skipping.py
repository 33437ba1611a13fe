"""The way past a number that the ledger has already: its value becomes a gap that says so, and the series goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connections, router

from ledger import refusals
from ledger.database_errors import told_in_our_words
from ledger.errors import GapError
from ledger.keys import actor_name, tenant_key
from ledger.models import Entry
from ledger.sql import SKIP_TAKEN


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value that will never be issued, and the number that it would have had."""

    value: int
    number: str


_PROBLEMS = {
    "no_period": ("has no period for that day", "Open it first."),
    "closed": ("has closed the period of that day", "Nothing is to be done: the next period goes on."),
    "exhausted": ("has no value left in that period", "Issue in the next period."),
    "in_flight": ("has a checkout that holds the value just now", "Run it again in a moment."),
}


def skip_taken(
    series: str, *, org: Any = None, on: date | None = None, by: Any = None, using: str | None = None
) -> Skipped:
    """Let a series go on that has come to a number which another series, or an adopted history, has already.

    Issuing raises NumberTaken there. The value is flagged as a gap with the cause "number taken", by ``by``; ``on``
    picks the period, by default today's. Raises GapError where the next number isn't taken, or can't be skipped, and
    UnknownSeries.
    """
    alias = using or router.db_for_write(Entry)
    tenant, actor = tenant_key(org), actor_name(by)
    with told_in_our_words(series), connections[alias].cursor() as cursor:
        cursor.execute(SKIP_TAKEN, [tenant, series, on, actor])
        outcome, *facts = cursor.fetchone()[0]
    if outcome == "skipped":
        return Skipped(int(facts[0]), facts[1])
    if outcome == "unknown":
        raise refusals.unknown_series(alias, tenant, series)
    problem, remedy = _PROBLEMS.get(
        outcome, (f"comes to {facts[1] if facts else 'a number'!r} next, which is free", "Issue it.")
    )
    raise GapError(
        f"The series {series!r} of tenant {tenant!r} {problem}.",
        rule="Skipped is only a number that the tenant's ledger has already.",
        remedy=remedy,
    )
