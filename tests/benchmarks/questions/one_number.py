"""One number with its ledger row, against django-sequences plus an ORM insert of the invoice."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from sequences import get_next_value

from ledger import issue
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure
from tests.benchmarks.models import Invoice


def with_ledger(key: str) -> None:
    """A number, and its row in the ledger."""
    with transaction.atomic():
        issue("invoice", document=key)


def with_sequences(key: str) -> None:
    """A number, and its row in the shop's own table."""
    with transaction.atomic():
        today = timezone.localdate()
        value = get_next_value(f"invoice-{today.year}")
        Invoice.objects.create(number=f"INV-{today.year}-{value:06}", document=key, issued_on=today)


def by_one(effort: Effort) -> tuple[Contest, Steps]:
    """By one thread."""
    return _question("one-number", "one number with its ledger row, 1 thread", 1, effort)


def by_sixteen(effort: Effort) -> tuple[Contest, Steps]:
    """By 16 threads."""
    return _question("one-number-16", "one number with its ledger row, 16 threads", 16, effort)


def _question(name: str, title: str, threads: int, effort: Effort) -> tuple[Contest, Steps]:
    contest = duel(
        name,
        title,
        "per s",
        1.25,
        "django-sequences + ORM insert",
        lambda: measure(with_ledger, seconds=effort.seconds, threads=threads),
        lambda: measure(with_sequences, seconds=effort.seconds, threads=threads),
    )
    return contest, take_turns(contest, effort.rounds)
