"""``ledger_verify`` and the continuity report while checkouts go on: each reads one snapshot."""

from threading import Event
from typing import Any

import pytest
from django.db import transaction

from ledger import define_series, issue, issue_many
from ledger.models import Ticket
from ledger.reports.continuity import summarise
from ledger.verification import verify
from tests.allocations import ALL
from tests.concurrency.checkouts import in_threads

#: Checkouts at once, two for each allocation.
THREADS = 8

CODES = ALL


@pytest.mark.django_db(transaction=True)
def test_checkouts_go_on_meanwhile() -> None:
    for code in CODES:
        define_series(code, template=f"{code}-{{counter}}", calendar="never", allocation=code)
    looked = Event()

    def check_out(thread: int) -> int:
        code, committed = CODES[thread % len(CODES)], 0
        while not looked.is_set() or committed < 20:
            with transaction.atomic():
                issue(code, document=f"{thread}:{committed}")
                if committed % 7 == 3:
                    issue_many(code, documents=[f"{thread}:{committed}:{n}" for n in range(5)])
                transaction.set_rollback(committed % 5 == 2)
            committed += 1
        return committed

    def look() -> list[Any]:
        try:
            found: list[Any] = []
            for _ in range(10):
                found += verify()
                found += [summary for summary in summarise() if not summary.identity_holds]
            return found
        finally:
            looked.set()

    results = in_threads(THREADS + 1, lambda thread: look() if thread == THREADS else check_out(thread))
    assert results[THREADS] == []
    assert sum(results[:THREADS]) >= 20 * THREADS  # type: ignore[arg-type]
    assert list(verify()) == []


@pytest.mark.django_db(transaction=True)
def test_a_ticket_of_ones_own_transaction_is_no_finding() -> None:
    define_series("late", template="L{year}-{counter}", allocation="at_commit")
    with transaction.atomic():
        issue("late", document="order:1")
        assert Ticket.objects.exists()
        assert list(verify()) == []
    assert not Ticket.objects.exists()
