"""A reading that is interrupted anywhere, any number of times, ends as if it had not been."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, settings, strategies as st

from ledger import define_series, issue, void
from ledger.errors import AlreadyVoided, DocumentVoided
from ledger.models import Entry, RemoteDocument, RemoteReading
from ledger.reconciliation import findings, mirror
from tests.accounting.reconciling import DAY, configured, expected, open_findings, process, sell
from tests.accounting.standins.odoo import OdooStandIn
from tests.accounting.standins.planting import plant
from tests.concurrency.checkouts import PATIENCE
from workers import reconciliation
from workers.accounting.base import State

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process ends here."""


class Interrupting:
    """``save_page``, cut short at chosen steps: before anything, before the commit, or after it."""

    def __init__(self, steps: list[tuple[int, str]]) -> None:
        self.steps = dict(steps)
        self.saved = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        how = self.steps.pop(self.saved, None)
        self.saved += 1
        if how == "before":
            raise Killed
        with transaction.atomic():
            after = mirror.save_page(*args, **options)
            if how == "uncommitted":
                raise Killed
        if how == "after":
            raise Killed
        return after


CHANGES = st.tuples(
    st.sampled_from(["sell", "void here", "add", "void", "delete", "renumber", "date"]),
    st.integers(0, 9),
    st.integers(0, 9),
)
ROUNDS = st.lists(
    st.tuples(
        st.lists(CHANGES, max_size=6),
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["before", "uncommitted", "after"])), max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
marks = iter(range(10**6))


def change(books: OdooStandIn, tenant: str, what: str, a: int, b: int) -> None:
    """A change happens here or there."""
    numbers = [*(f"I2026-{n}" for n in range(1, 9)), "X-1", "X-2"]
    keys = books.keys()[1:]  # a reading of nothing at all is refused
    if what == "sell":
        with suppress(DocumentVoided), transaction.atomic():
            issue("invoice", org=tenant, document=f"order:{a}", on=DAY)
    elif what == "void here":
        entry = Entry.objects.filter(tenant=tenant).order_by("pk")[a : a + 1].first()
        try:
            if entry is not None:
                void(entry, reason="wrong")
        except AlreadyVoided:
            return
    elif what == "add":
        books.add(numbers[a], DAY, f"order:{b}")
    elif keys:
        key = keys[a % len(keys)]
        if what == "date":
            books.documents[key].issued_on = DAY.replace(year=2025 + b % 2)
            books.touch(key)
        elif what == "renumber":
            books.renumber(key, numbers[b])
        else:
            {"void": books.void, "delete": books.delete}[what](key)


def findings_of(name: str) -> set[tuple[str, str]]:
    return {(each.kind, each.subject) for each in findings(system=name)}


@pytest.fixture(scope="module")
def server() -> Iterator[OdooStandIn]:
    with OdooStandIn() as books:
        yield books


@given(rounds=ROUNDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_interrupted_or_not_the_findings_are_the_same(
    transactional_db: None, server: OdooStandIn, rounds: list[tuple[Any, Any, bool]]
) -> None:
    """Two names for one system: the runs of one are cut short again and again, the runs of the other never."""
    server.documents.clear()
    server.add("X-0", DAY)
    tenant = f"t{next(marks)}"
    define_series("invoice", org=tenant, template="I{year}-{counter}", time_zone="UTC")
    [system] = configured("odoo", server, tenant=tenant, largest_loss=1)["SYSTEMS"].values()
    system["options"]["page_size"] = 2
    cut, whole = f"cut-{tenant}", f"whole-{tenant}"
    with override_settings(LEDGER_ACCOUNTING={"SYSTEMS": {cut: system, whole: system}}):
        for changes, steps, full in rounds:
            for each in changes:
                change(server, tenant, *each)
            run_to_the_end(cut, Interrupting(steps), full=full)
            assert reconciliation.reconcile(whole, full=full).compared is not None
            assert findings_of(cut) == findings_of(whole)
            assert mirrored(cut) == mirrored(whole)


def run_to_the_end(name: str, interrupting: Interrupting, *, full: bool) -> None:
    """As the schedule does: again and again, until a run is complete."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reconciliation, "save_page", interrupting)
        asked = full
        while True:
            try:
                assert reconciliation.reconcile(name, full=asked).compared is not None
            except Killed:
                asked = False  # the next run goes on with what was begun
            else:
                return


def mirrored(name: str) -> set[tuple[Any, ...]]:
    rows = RemoteDocument.objects.filter(system=name)
    return set(rows.values_list("remote_id", "number", "state", "issued_on", "reference"))


_RUN = """
import os
print("pid", os.getpid(), flush=True)
from workers.reconciliation import reconcile
reconcile("books")
"""


def test_a_process_killed_in_the_middle_of_a_page(settings: Any) -> None:
    with OdooStandIn() as books:
        settings.LEDGER_ACCOUNTING = configured("odoo", books)
        planted = plant(books, sell())
        seventh = books.keys()[6]
        with transaction.atomic():
            # Its transaction stops at a row of the third page that this one holds.
            RemoteDocument.objects.create(system="books", remote_id=seventh, state=State.DRAFT, seen_in=0)
            with process(_RUN, settings.LEDGER_ACCOUNTING) as running:
                blocked = wait_for_backend()
                running.kill()
                assert running.wait(timeout=PATIENCE) == -9
            transaction.set_rollback(True)
        wait_until_gone(blocked)
        row = RemoteReading.objects.get()
        assert row.pages == 2, "two pages were committed, and of the third nothing"
        assert RemoteDocument.objects.count() == row.documents == 6
        before = books.count()
        reconciliation.reconcile("books")
        assert books.count() - before < 5, "it went on, and did not begin anew"
        # Deleted before anybody had read it: no trace of it is left there.
        assert open_findings() == {
            found for found in expected(planted, deleted_there="missing") if found[0] != "reused"
        }


def wait_for_backend() -> int:
    """The server process that waits for this one's transaction."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # Unlike pg_stat_activity, the list of locks is a new one each time, within a transaction too.
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            row = cursor.fetchone()
            if row is not None:
                pid: int = row[0]
                return pid
    raise AssertionError("nobody waits for this transaction")


def wait_until_gone(pid: int) -> None:
    """The server notices that its client is dead, and rolls back."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid])
            if cursor.fetchone() is None:
                return
    raise AssertionError("the server process is still there")
