"""One number with its ledger row, against django-sequences plus an ORM insert of the invoice."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from sequences import get_next_value

from ledger import issue
from tests.benchmarks.contest import Effort, Result, Steps, take_turns, throughput
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


def run(effort: Effort, threads: int, result: Result) -> Steps:
    """Both sides in turn, by so many threads."""
    return take_turns(
        result,
        lambda: throughput(with_ledger, seconds=effort.seconds, threads=threads),
        lambda: throughput(with_sequences, seconds=effort.seconds, threads=threads),
        effort.rounds,
    )
