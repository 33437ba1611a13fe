"""A whole checkout, in which both sides insert their order by the ORM; only ours keeps a ledger as well."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from sequences import get_next_value

from ledger import issue
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure
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


def by_one(effort: Effort) -> tuple[Contest, Steps]:
    """By one thread."""
    return _question("checkout", "a whole checkout, 1 thread", 1, effort)


def by_sixteen(effort: Effort) -> tuple[Contest, Steps]:
    """By 16 threads."""
    return _question("checkout-16", "a whole checkout, 16 threads", 16, effort)


def _question(name: str, title: str, threads: int, effort: Effort) -> tuple[Contest, Steps]:
    contest = duel(
        name,
        title,
        "per s",
        0.85,
        "django-sequences, no ledger",
        lambda: measure(with_ledger, seconds=effort.seconds, threads=threads),
        lambda: measure(with_sequences, seconds=effort.seconds, threads=threads),
    )
    return contest, take_turns(contest, effort.rounds)
