"""Comparing the changes finds the same as comparing everything, for any change, and if transactions are slow."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings, strategies as st

from ledger import define_series, issue, void
from ledger.errors import AlreadyVoided, DocumentVoided, LedgerError
from ledger.models import Entry, FindingRaised, RemoteReading
from ledger.reconciliation import BookSettings, compare
from ledger.reconciliation.mirror import Expected, Overtaken, begin, expect, note_failure, save_page
from tests.concurrency.checkouts import checkouts, wait_until_blocked
from tests.integration.paper_books import DAY, POLICY, PaperSystem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def system() -> PaperSystem:
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    return PaperSystem()


def number(n: int) -> str:
    return f"INV-2026-{n:06}"


def sell(n: int) -> Entry:
    with transaction.atomic():
        return issue("invoice", document=f"order:{n}", on=DAY)


class TestSlowCheckouts:
    """Ids and times come before commits."""

    def test_one_that_was_open_during_the_last_comparison_is_not_missed(self, system: PaperSystem) -> None:
        define_series("late", template="L-{counter}", calendar="never", allocation="reserved", time_zone="UTC")
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: issue("late", document="slow"))
            # Others begin later, and are over before.
            with transaction.atomic():
                issue("late", document="fast")
            assert system.differs() == {("missing", "L-2")}
            system.tell()
            assert not system.compare().full
            slow.commit()
            system.tell()
            assert not system.compare().full
        assert system.open() == {("missing", "L-1"), ("missing", "L-2")}

    def test_nor_is_its_void(self, system: PaperSystem) -> None:
        entry = sell(1)
        system.put("r1", entry.number, reference="order:1")
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: void(number(1), reason="wrong"))
            sell(2)
            system.put("r2", number(2), reference="order:2")
            assert system.differs() == set()
            slow.commit()
            assert system.compare().raised == {"void-here": 1}

    def test_another_servers_transactions_ask_for_everything(self, system: PaperSystem) -> None:
        """Out of a backup, into a server that has counted less far."""
        sell(1)
        system.differs()
        assert not system.compare().full
        RemoteReading.objects.update(compared_horizon=2**62)
        assert system.compare().full
        assert not system.compare().full


class TestNeighbours:
    """What becomes of one number can depend on what happened to another, for the same document."""

    @pytest.fixture
    def elsewhere(self, system: PaperSystem) -> PaperSystem:
        """The document of INV-2026-000001 has X-9 there."""
        sell(1)
        system.put("r1", "", state="draft", reference="order:1")
        system.put("r9", "X-9", reference="order:1")
        assert system.differs() == {("other-number", number(1))}
        return system

    def test_the_other_one_is_unknown_once_ours_is_there(self, elsewhere: PaperSystem) -> None:
        elsewhere.tell([elsewhere.change("r1", number=number(1), state="posted")])
        assert not elsewhere.compare().full
        assert elsewhere.open() == {("unknown", "X-9")}

    def test_and_once_ours_is_void(self, elsewhere: PaperSystem) -> None:
        void(number(1), reason="wrong")
        assert not elsewhere.compare().full
        assert elsewhere.open() == {("unknown", "X-9")}

    def test_the_number_before_a_change_is_looked_at_too(self, system: PaperSystem) -> None:
        sell(1)
        system.put("r1", number(1))
        assert system.differs() == set()
        system.tell()
        system.compare()
        system.tell([system.change("r1", number="X-9")])
        assert not system.compare().full
        assert system.open() == {("missing", number(1)), ("unknown", "X-9")}

    def test_ours_has_another_number_once_the_other_one_refers_to_it(self, system: PaperSystem) -> None:
        sell(1)
        system.put("r1", number(1), reference="somebody's")
        system.put("r9", "X-9")
        other = ("other-document", number(1))
        assert system.differs() == {("unknown", "X-9"), other}
        system.tell([system.change("r9", reference="order:1")])
        assert not system.compare().full
        assert system.open() == {("other-number", number(1)), other}
        system.tell([system.change("r9", reference="")])
        assert not system.compare().full
        assert system.open() == {("unknown", "X-9"), other}


class TestAtOnce:
    def test_comparisons_wait_for_each_other_and_raise_once(self, system: PaperSystem) -> None:
        system.put("r1", "X-1")
        system.read()
        with checkouts(2) as (first, second):
            first.begin()
            assert first.run(lambda: compare(system.books)).raised == {"unknown": 1}
            step = second.do(lambda: compare(system.books))
            wait_until_blocked(second, step)
            first.commit()
            assert step.result(30).raised == {}
        assert FindingRaised.objects.count() == 1

    def test_the_faster_of_two_readings_goes_on(self, system: PaperSystem) -> None:
        system.put("r1", "X-1")
        slow = begin(system.books, POLICY)
        fast = begin(system.books, POLICY)
        assert slow == fast
        after = save_page(system.books, fast, list(system.papers.values()), next_cursor="2")
        with pytest.raises(Overtaken):
            save_page(system.books, slow, list(system.papers.values()), next_cursor="2")
        assert after is not None
        assert (after.cursor, after.pages, after.documents) == ("2", 1, 1)
        assert begin(system.books, POLICY) == after
        begin(system.books, POLICY, full=True)
        with pytest.raises(Overtaken):
            save_page(system.books, after, [], next_cursor=None)


class TestReadings:
    def row(self) -> RemoteReading:
        return RemoteReading.objects.get()

    def test_the_next_one_begins_before_the_last_one_began(self, system: PaperSystem) -> None:
        first = begin(system.books, POLICY)
        assert (first.full, first.since) == (True, None)
        began = self.row().begun_at
        save_page(system.books, first, [], next_cursor=None)
        assert began is not None
        second = begin(system.books, POLICY)
        assert (second.full, second.since) == (False, began - POLICY.overlap)

    def test_everything_is_read_again_after_some_days(self, system: PaperSystem) -> None:
        system.read()
        days = timedelta(days=6, hours=23)
        RemoteReading.objects.update(full_from=self.row().full_from - days)
        assert not begin(system.books, POLICY).full
        system.read()
        RemoteReading.objects.update(full_from=self.row().full_from - timedelta(days=7))
        assert begin(system.books, POLICY).full

    def test_everything_is_read_after_deletions_went_unseen(self, system: PaperSystem) -> None:
        system.read()
        save_page(system.books, begin(system.books, POLICY), [], next_cursor=None, deletions_known=False)
        reading = begin(system.books, POLICY)
        assert reading.full
        save_page(system.books, reading, [], next_cursor=None, deletions_known=False)
        assert not begin(system.books, POLICY).full

    def test_beyond_the_horizon_it_is_one_of_everything(self, system: PaperSystem) -> None:
        system.read()
        policy = replace(POLICY, horizon=timedelta(days=3))
        now = self.row().read_from
        assert now is not None
        assert begin(system.books, policy, since=now - timedelta(days=4)).full
        assert begin(system.books, policy, since=now - timedelta(days=2)).since == now - timedelta(days=2)
        assert begin(system.books, replace(POLICY, lists_changes=False), since=now).full

    def test_a_first_one_that_begins_late_judges_nothing_earlier(self, system: PaperSystem) -> None:
        early = sell(1)
        late = sell(2)
        save_page(system.books, begin(system.books, POLICY, since=late.issued_at), [], next_cursor=None)
        system.compare()
        assert system.open() == {("missing", late.number)}
        system.read()
        assert system.compare().full
        assert system.open() == {("missing", early.number), ("missing", late.number)}

    def test_one_that_begins_too_late_does_not_count_as_the_last(self, system: PaperSystem) -> None:
        system.read()
        before = self.row().read_from
        assert before is not None
        reading = begin(system.books, POLICY, since=before + timedelta(hours=1))
        save_page(system.books, reading, [], next_cursor=None)
        assert self.row().read_from == before

    def test_a_failure_is_kept_until_a_reading_is_complete(self, system: PaperSystem) -> None:
        note_failure(system.books, LedgerError("No.", rule="r.", remedy="r."), needs_person=True)
        assert (self.row().error, self.row().needs_person) == ("LedgerError: No. r. r.", True)
        system.read()
        assert (self.row().error, self.row().needs_person, self.row().failed_at) == ("", False, None)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "sell",
                "void",
                "draft",
                "put",
                "renumber",
                "refer",
                "state",
                "date",
                "forget",
                "expect",
                "grow old",
                "compare",
            ]
        ),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=25,
)
STATES = ["draft", "posted", "void", "deleted", "posted", "posted"]


class Worlds:
    """One ledger and two mirrors of the same system: one is compared by changes, the other in full."""

    def __init__(self, mark: int, *, number_kept: bool, foreign: Any) -> None:
        define_series("invoice", org=f"t{mark}", template="I{year}-{counter}", time_zone="UTC")
        define_series("credit", org=f"t{mark}", template="C{year}-{counter}", time_zone="UTC")
        self.tenant = f"t{mark}"
        self.changes, self.full = (
            PaperSystem(
                BookSettings(
                    name,
                    tenant=self.tenant,
                    series=("invoice",),
                    grace=timedelta(0),
                    number_kept=number_kept,
                    foreign=foreign,
                )
            )
            for name in ("changes", "full")
        )
        self.full.papers = self.changes.papers
        self.changed: set[str] = set()
        for system in (self.changes, self.full):
            system.read()
            system.compare()

    def act(self, what: str, a: int, b: int) -> None:
        numbers = ["I2026-1", "I2026-2", "I2026-3", "I2026-01 ", "C2026-1", "I2026-2-1"]
        key = f"r{a}"
        if what == "sell":
            with suppress(DocumentVoided), transaction.atomic():
                issue("credit" if a == 5 else "invoice", org=self.tenant, document=f"order:{b % 3}", on=DAY)
        elif what == "void":
            entry = Entry.objects.filter(tenant=self.tenant).order_by("pk")[a : a + 1].first()
            if entry is not None:
                try:
                    void(entry, reason="wrong")
                except AlreadyVoided:
                    return
        elif what == "expect":
            entry = Entry.objects.filter(tenant=self.tenant).order_by("pk")[a : a + 1].first()
            if entry is not None:
                for system in (self.changes, self.full):
                    expect(system.books, [Expected(entry.pk, f"r{b}" if a % 2 else "", Decimal(b))])
        elif what == "compare":
            self.tell()
        elif what == "grow old":
            self.changes.tell()  # a reading without changes: what was issued before it counts now
        elif what in ("put", "draft"):
            state = "draft" if what == "draft" else "posted"
            self.changes.put(
                key, numbers[b], state=state, reference=f"order:{b % 3}" if a % 2 else "", total=Decimal(a)
            )
            self.changed.add(key)
        elif key in self.changes.papers:
            known: dict[str, dict[str, Any]] = {
                "renumber": {"number": numbers[b]},
                "refer": {"reference": f"order:{b % 3}" if b else ""},
                "state": {"state": STATES[b]},
                "date": {"issued_on": date(2025 + b % 2, 3, 1)},
                "forget": {"state": "deleted"},
            }
            self.changes.change(key, **known[what])
            self.changed.add(key)

    def tell(self) -> None:
        self.changes.tell([self.changes.papers[key] for key in sorted(self.changed)])
        self.changed.clear()
        # A new period can make numbers of others fit, so then everything is looked at.
        assert self.changes.compare().full in {False, self.changes.books.foreign == "ignore"}


marks = iter(range(10**6))


@given(actions=ACTIONS, number_kept=st.booleans(), foreign=st.sampled_from(["report", "ignore"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_by_changes_or_in_full_the_findings_are_the_same(
    transactional_db: None, actions: list[tuple[str, int, int]], number_kept: bool, foreign: str
) -> None:
    worlds = Worlds(next(marks), number_kept=number_kept, foreign=foreign)
    for action in actions:
        worlds.act(*action)
    worlds.tell()
    worlds.full.read()
    assert worlds.full.compare(full=True).full
    assert worlds.changes.open() == worlds.full.open()
    # And once more in full, which finds nothing that the changes had not shown.
    done = worlds.changes.compare(full=True)
    assert (done.raised, done.resolved) == ({}, {})
