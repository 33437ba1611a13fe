"""One checkout as each contestant does it; docs/benchmarks.md shows this code."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from random import randrange

from django.db import connection, transaction
from django.utils import timezone
from sequences import get_next_value

from ledger import define_series, issue
from ledger.models.series import Allocation
from tests.benchmarks.measuring.crew import Task
from tests.benchmarks.measuring.crowd import Job
from tests.benchmarks.models import Invoice, InvoiceID

#: Folio's allocations that the benchmarks know; each is a contestant of that name.
ALLOCATIONS = tuple(name for name in ("serial", "at_commit", "pooled", "reserved") if name in Allocation.values)

#: Ends the name of a contestant whose series has early release.
EARLY = "-early"

#: What a checkout does between taking its number and COMMIT: it waits for the payment provider, or does nothing.
Pay = Callable[[], object]

_numbers = count(1)
_TAKE = """
    DELETE FROM benchmarks_invoiceid
    WHERE number = (SELECT number FROM benchmarks_invoiceid ORDER BY number FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING number
"""


def with_folio(tenant: str, key: str, pay: Pay, using: str) -> str:
    """A number with its row in the ledger, by the allocation of the tenant's series."""
    with transaction.atomic(using=using):
        number = issue("invoice", org=tenant, document=key, using=using)
        pay()
    return str(number)  # with `at_commit` a query, since the number is not known before


def with_sequences(key: str, pay: Pay) -> str:
    """A number of django-sequences, and its row in the shop's own table."""
    with transaction.atomic():
        today = timezone.localdate()
        value = get_next_value(f"invoice-{today.year}")
        number = f"INV-{today.year}-{value:06}"
        Invoice.objects.create(number=number, tenant="sequences", document=key, issued_on=today)
        pay()
    return number


def with_lorikeet(key: str, pay: Pay) -> str:
    """A number out of a bare table that was filled before, and its row in the shop's own table."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE)
            number: str = cursor.fetchone()[0]
        Invoice.objects.create(number=number, tenant="lorikeet", document=key, issued_on=timezone.localdate())
        pay()
    return number


def job(task: Task, payment: float) -> Job:
    """What a thread of the task calls for each document, with a payment of so many seconds."""

    def pay() -> None:
        if payment:
            time.sleep(payment)

    if task.contestant == "sequences":
        return lambda key: with_sequences(key, pay)
    if task.contestant == "lorikeet":
        return lambda key: with_lorikeet(key, pay)
    assert task.contestant.removesuffix(EARLY) in ALLOCATIONS, task.contestant
    aliases = task.alias.split("+")  # several homes

    def number(key: str) -> str:
        at = randrange(task.tenants)
        return with_folio(tenant(task.contestant, at), key, pay, aliases[at % len(aliases)])

    return number


def tenant(contestant: str, at: int = 0) -> str:
    """The name of a tenant whose series is of that allocation."""
    return f"{contestant}-{at}"


def prepare(contestant: str, *, tenants: int = 1, using: str = "default") -> None:
    """Make the series that checkouts of that allocation take their numbers from, each with its period open."""
    for at in range(tenants):
        define_series(
            "invoice",
            org=tenant(contestant, at),
            template="INV-{year}-{counter:06}",
            allocation=contestant.removesuffix(EARLY),
            early_release=contestant.endswith(EARLY),
            using=using,
        )
        with transaction.atomic(using=using):
            issue("invoice", org=tenant(contestant, at), document="the first", using=using)


def refill(needed: int) -> None:
    """Put so many numbers into the table of Lorikeet's recipe, which does not refill itself."""
    missing = needed - InvoiceID.objects.count()
    InvoiceID.objects.bulk_create(InvoiceID(number=f"LKT-{next(_numbers):08}") for _ in range(missing))
