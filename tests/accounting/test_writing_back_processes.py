"""Several workers, killed workers and slow ones: still one document there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from tests.accounting.processes import ROOT, together
from tests.accounting.pushing import Office, configured, environment, row, sell, system_settings
from tests.accounting.standins.odoo import OdooStandIn
from tests.accounting.standins.server import Fault, Reply, Request
from tests.accounting.standins.xero import XeroStandIn
from workers.accounting.base import State
from workers.accounting.http_options import Timeouts
from workers.models import Push
from workers.writing_back.queue import CLAIM_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds before a test gives up on something that takes milliseconds.
PATIENCE = 120.0

PUSH = """
import json
from workers.writing_back import push_system
print(json.dumps(push_system("books").as_dict()))
"""


class Meeting(XeroStandIn):
    """The first two documents are made only when two workers ask for one each, at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.both = threading.Barrier(2, timeout=PATIENCE)
        self._first = iter([True, True])
        self.asked_for: list[str] = []

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        if request.method == "PUT":
            with self.lock:
                self.asked_for.append(request.json["Invoices"][0]["InvoiceNumber"])
                waits = next(self._first, False)
            if waits:
                self.both.wait()
        return super().handle(request)


def test_two_workers_at_once_push_each_number_once() -> None:
    sell(*[f"order:{n}" for n in range(4)])
    with Meeting() as books:
        said = [
            json.loads(each)
            for each in together(PUSH, count=2, **environment(books=system_settings("xero", books.url)))
        ]
        assert not books.both.broken
        assert set(Counter(books.asked_for).values()) == {1}
        assert len(books.facts()) == len(books.asked_for) == 4
    assert all(each["pushed"] > 0 for each in said)
    assert sum(each["pushed"] for each in said) == 4
    assert sum(each["found"] for each in said) == 4
    assert set(Push.objects.values_list("state", "attempts")) == {("pushed", 0)}


class Pausing(OdooStandIn):
    """Signals that a document was made, and holds its answer back; calls ``meanwhile`` before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None
        self.made = threading.Event()
        self.goes_on = threading.Event()

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        handled = super().handle(request)
        if request.path.endswith("/create") and not self.made.is_set():
            self.made.set()
            if self.meanwhile is not None:
                self.meanwhile()
                connection.close()
            assert self.goes_on.wait(PATIENCE)
        return handled


@pytest.fixture
def pausing() -> Iterator[Pausing]:
    with Pausing() as books, configured(books=system_settings("odoo", books.url)):
        yield books
        books.goes_on.set()


def test_a_worker_killed_after_its_request_was_sent(pausing: Pausing) -> None:
    """Its claim keeps the document for a while; then another worker finds what it has left, and goes on."""
    sell("order:1")
    worker = subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup()\n{PUSH}"],
        cwd=ROOT,
        env={
            **os.environ,
            **environment(books=system_settings("odoo", pausing.url)),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        },
    )
    try:
        assert pausing.made.wait(PATIENCE)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)
    pausing.goes_on.set()
    assert pausing.facts() == [("INV-2026-000001", "order:1", State.DRAFT)]
    office = Office(pausing)
    assert not any(office.push().as_dict().values()), "it is claimed"
    assert (row().state, row().attempts) == ("waiting", 1)
    let_claims_run_out()
    assert office.push().as_dict()["pushed"] == 1
    assert pausing.facts() == [("INV-2026-000001", "order:1", State.POSTED)]
    assert row().claimed_by == ""


def let_claims_run_out() -> None:
    """As the database's clock would."""
    Push.objects.update(claimed_until=F("claimed_until") - timedelta(seconds=CLAIM_SECONDS))


def test_a_slow_worker_sends_nothing_that_could_outlast_its_claim(pausing: Pausing) -> None:
    sell("order:1")
    pausing.goes_on.set()
    office = Office(pausing)
    http_options = office.http_options(timeouts=Timeouts(connect=2, read=1, write=2, total=CLAIM_SECONDS))
    run = office.push(http_options=http_options)
    assert run.as_dict()["later"] == 1
    assert "the time for this document is over" in row().last_error
    assert pausing.count() == 0


def test_time_that_goes_by_between_two_requests_counts(pausing: Pausing) -> None:
    """The look for the document takes too long; the document itself is left to a later run."""
    sell("order:1")
    pausing.goes_on.set()
    office = Office(pausing)
    answer = pausing.answer

    def slowly(request: Request) -> Reply:
        office.clock.pass_by(CLAIM_SECONDS)
        return answer(request)

    pausing.answer = slowly  # type: ignore[method-assign]
    office.push()
    assert pausing.facts() == []
    del pausing.answer
    office.clock.pass_by(60)
    assert office.push().as_dict()["pushed"] == 1
    assert len(pausing.facts()) == 1


def test_a_worker_whose_claim_ran_out_changes_nothing_any_more(pausing: Pausing) -> None:
    """Another worker has the document now, and that worker's outcome counts."""
    sell("order:1")
    office, other = Office(pausing), Office(pausing)
    taken_over: list[int] = []

    def take_over() -> None:
        let_claims_run_out()
        taken_over.append(other.push().as_dict()["pushed"])

    pausing.meanwhile = take_over
    pausing.goes_on.set()
    run = office.push(http_options=office.http_options(timeouts=Timeouts(read=PATIENCE)))
    assert taken_over == [1]
    assert not run.as_dict()["pushed"]
    assert (row().state, row().claimed_by) == ("pushed", "")
    assert pausing.facts() == [("INV-2026-000001", "order:1", State.POSTED)]
