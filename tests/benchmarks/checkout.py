"""A whole checkout, in which both sides insert their order by the ORM; only ours keeps a ledger as well."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from sequences import get_next_value

from ledger import issue
from tests.benchmarks.contest import Effort, Result, Steps, take_turns, throughput
from tests.benchmarks.models import NumberedOrder, Order

_TOTAL = Decimal("119.00")


def with_ledger(key: str) -> None:
    """The order, then its number with a row in the ledger."""
    with transaction.atomic():
        order = Order.objects.create(reference=key, customer="Ada Lovelace", total=_TOTAL)
        issue("invoice", document=order)


def with_sequences(key: str) -> None:
    """A number, then the order that bears it: nothing else is written."""
    with transaction.atomic():
        year = timezone.localdate().year
        value = get_next_value(f"invoice-{year}")
        NumberedOrder.objects.create(
            number=f"INV-{year}-{value:06}", reference=key, customer="Ada Lovelace", total=_TOTAL
        )


def run(effort: Effort, threads: int, result: Result) -> Steps:
    """Both sides in turn, by so many threads."""
    return take_turns(
        result,
        lambda: throughput(with_ledger, seconds=effort.seconds, threads=threads),
        lambda: throughput(with_sequences, seconds=effort.seconds, threads=threads),
        effort.rounds,
    )
