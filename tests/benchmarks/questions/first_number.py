"""The first number of a new series, as a drop-in's dated names ask for it, against the first one of a new period."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from django.db import transaction

from ledger import define_series, issue
from ledger.compat import django_sequences
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure

_SERIES = "first-of-day"
_FIRST = date(1000, 1, 1)

_days = count()


def of_a_series(key: str) -> None:
    """The first value of a sequence that nobody has asked for before."""
    with transaction.atomic():
        django_sequences.get_next_value(f"sale-{key}")


def of_a_period(key: str) -> None:
    """The first number of a day, each day a period."""
    with transaction.atomic():
        issue(_SERIES, document=key, on=_FIRST + timedelta(days=next(_days)))


def question(effort: Effort) -> tuple[Contest, Steps]:
    """One thread; a series may take four times as long as a period."""
    period = Side("of a new period", lambda: measure(of_a_period, seconds=effort.seconds))
    series = Side("of a new series", lambda: measure(of_a_series, seconds=effort.seconds), 0.25)
    contest = Contest("first-number", "the first number, 1 thread", "per s", [period, series], period)

    def steps() -> Steps:
        define_series(_SERIES, template="F{year}{month}{day}-{counter}", calendar="day")
        yield from take_turns(contest, effort.rounds)

    return contest, steps()
