"""get_next_value of django-sequences against the same call on Folio, which writes a row of the ledger besides."""

from __future__ import annotations

import sequences
from django.db import transaction

from ledger.compat import django_sequences
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure


def with_ledger(key: str) -> None:
    """A value, with its row in the ledger."""
    with transaction.atomic():
        django_sequences.get_next_value("cases")


def with_original(key: str) -> None:
    """A value, and no row that tells of it."""
    with transaction.atomic():
        sequences.get_next_value("cases")


def by_one(effort: Effort) -> tuple[Contest, Steps]:
    """By one thread."""
    return _question("compat", "get_next_value, 1 thread", 1, effort)


def by_sixteen(effort: Effort) -> tuple[Contest, Steps]:
    """By 16 threads."""
    return _question("compat-16", "get_next_value, 16 threads", 16, effort)


def _question(name: str, title: str, threads: int, effort: Effort) -> tuple[Contest, Steps]:
    contest = duel(
        name,
        title,
        "per s",
        1.0,
        "django-sequences, no ledger",
        lambda: measure(with_ledger, seconds=effort.seconds, threads=threads),
        lambda: measure(with_original, seconds=effort.seconds, threads=threads),
    )
    return contest, take_turns(contest, effort.rounds)
