"""The allocation `at_commit`: a ticket at once, a number while COMMIT runs, in the order of the commits."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import TestCase

from ledger import define_series, errors as e, issue, issue_many, open_period
from ledger.models import Entry, NumberIssued, Period, Series
from ledger.models.queues import Ticket
from tests.allocations import AT_COMMIT, DAY, default_allocation, expect_all_accounted_for, rolled_back, values
from tests.concurrency.checkouts import PATIENCE, Checkout, checkouts, wait_until_blocked
from tests.databases import savepoint

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])


@pytest.fixture(autouse=True)
def no_ticket_outlives_its_transaction() -> Any:
    yield
    assert not Ticket.objects.exists()


def at_commit(code: str = "invoice", prefix: str = "INV", **settings: Any) -> Series:
    """A series with its period of 2026."""
    series = define_series(
        code, **{"template": f"{prefix}-{{year}}-{{counter:06}}", "allocation": AT_COMMIT, **settings}
    )
    open_period(series, DAY)
    return series


def ticket(document: str | None = None, series: str = "invoice", **arguments: Any) -> NumberIssued:
    entry = issue(series, document=document, **{"on": DAY, **arguments})
    assert isinstance(entry, NumberIssued)
    return entry


def blocked(pid: int, *, by: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s = ANY (pg_blocking_pids(%s))", [by, pid])
        return bool(cursor.fetchone()[0])


def known(entry: Entry) -> bool:
    """Whether the number is known already; asking for it would change that."""
    return "number" in entry.__dict__


class TestTheTicket:
    def test_comes_at_once_and_its_number_after_commit(self) -> None:
        at_commit()
        with transaction.atomic():
            entry = ticket("order:17", metadata={"a": 1}, by="ann")
            assert not Entry.objects.exists()
            assert Period.objects.get().last_value == 0, "the counter is untouched"
            assert (entry.document, entry.tenant, entry.metadata, entry.actor) == ("order:17", "", {"a": 1}, "ann")
            assert repr(entry) == "<NumberIssued: numbered at COMMIT>"
            assert not known(entry)
        assert str(entry) == "INV-2026-000001"
        stored = NumberIssued.objects.get()
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname
        assert entry == stored
        assert repr(entry) == "<NumberIssued: INV-2026-000001>"

    def test_is_told_in_callbacks_after_commit_nested_ones_too(self) -> None:
        at_commit()
        told: list[str] = []

        def after_commit() -> None:
            told.append(str(first))
            with transaction.atomic():
                second = ticket()
                transaction.on_commit(lambda: told.append(str(second)))

        with transaction.atomic():
            transaction.on_commit(after_commit)
            with transaction.atomic():
                first = ticket()
                transaction.on_commit(lambda: told.append(str(first)))
        assert told == ["INV-2026-000001", "INV-2026-000002", "INV-2026-000001"]

    def test_asked_earlier_it_is_numbered_and_the_counter_locked(self) -> None:
        at_commit()
        with checkouts(2) as (first, second):
            first.begin()
            asked = first.run(ticket)
            assert first.run(lambda: asked.value) == 1
            second.begin()
            waiting = second.run(ticket)
            committing = second.do(leave(second))
            wait_until_blocked(second, committing)
            first.commit()
            committing.result(30)
        assert (asked.value, waiting.value) == (1, 2)
        expect_all_accounted_for()

    def test_after_a_rollback_there_is_none(self) -> None:
        at_commit()
        with rolled_back():
            entry = ticket("order:17")
        with pytest.raises(e.NotIssued, match="no number for 'order:17': its transaction was rolled back"):
            str(entry)
        assert repr(entry) == "<NumberIssued: numbered at COMMIT>"
        with transaction.atomic():
            assert ticket("order:17").value == 1

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda entry: pickle.loads(pickle.dumps(entry))])  # noqa: S301
    def test_can_be_copied_and_pickled(self, copied: Callable[[NumberIssued], NumberIssued]) -> None:
        at_commit()
        with transaction.atomic():
            entry = ticket("order:17")
            twin = copied(entry)
        assert str(twin) == str(entry) == "INV-2026-000001"
        assert copied(entry) == twin

    def test_the_number_can_be_read_in_any_order_of_fields(self) -> None:
        at_commit()
        with transaction.atomic():
            entry = ticket()
            many = issue_many("invoice", documents=["a", "b"], on=DAY)
        assert entry.issued_at is not None
        assert (entry.value, many[1].value, many[0].number) == (1, 3, "INV-2026-000002")

    def test_set_constraints_all_immediate_numbers_it(self) -> None:
        at_commit()
        with transaction.atomic():
            first = ticket()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            assert values() == [1]
            second = ticket()
            assert values() == [1, 2]
            assert [entry.value for entry in issue_many("invoice", documents=["a", "b"], on=DAY)] == [3, 4]
        assert (first.value, second.value) == (1, 2)
        expect_all_accounted_for()

    def test_a_raw_update_of_the_host_is_not_in_the_way(self) -> None:
        """The order's row names the entry before the entry is there, as a deferred foreign key allows."""
        at_commit()
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE bill (entry bigint REFERENCES ledger_entry DEFERRABLE INITIALLY DEFERRED, name text)"
            )
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                entry = ticket("order:17")
                cursor.execute("INSERT INTO bill VALUES (%s, 'a')", [entry.pk])
            with connection.cursor() as cursor:
                cursor.execute("SELECT e.number FROM bill JOIN ledger_entry e ON e.id = bill.entry")
                assert cursor.fetchall() == [(str(entry),)]
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE bill")


class TestOrder:
    def test_is_that_of_the_commits(self) -> None:
        at_commit()
        with checkouts(4) as all_four:
            entries = []
            for checkout in all_four:
                checkout.begin()
                entries.append(checkout.run(ticket))
            for place in (2, 0, 3, 1):
                all_four[place].commit()
        assert [entry.value for entry in entries] == [2, 4, 1, 3]
        written = list(Entry.objects.order_by("issued_at").values_list("value", flat=True))
        assert written == [1, 2, 3, 4]
        expect_all_accounted_for()

    def test_tickets_of_one_transaction_are_numbered_as_they_were_left(self) -> None:
        at_commit()
        with transaction.atomic():
            first = ticket()
            many = issue_many("invoice", documents=["a", "b", "c"], on=DAY)
            last = ticket()
        assert [entry.value for entry in [first, *many, last]] == [1, 2, 3, 4, 5]

    def test_nobody_waits_for_an_open_checkout(self) -> None:
        at_commit()
        with checkouts(2) as (slow, quick):
            slow.begin()
            late = slow.run(ticket)
            for expected in range(1, 6):
                quick.begin()
                early = quick.run(ticket)
                quick.commit()
                assert early.value == expected
            slow.commit()
        assert late.value == 6
        expect_all_accounted_for()

    def test_several_series_in_opposite_orders_never_wait_for_each_other(self) -> None:
        """A third one holds up both at COMMIT: they lock the same counter first, in any order of their tickets."""
        at_commit("a", "A")
        at_commit("b", "B")
        with checkouts(3) as (holder, first, second):
            for checkout, codes in ((first, "ab"), (second, "ba")):
                checkout.begin()
                for code in codes:
                    checkout.run(lambda code=code: ticket(series=code))  # type: ignore[misc]
            holder.begin()
            holder.run(lambda: ticket(series="a").value)
            one = first.do(leave(first))
            wait_until_blocked(first, one)
            other = second.do(leave(second))
            wait_until_blocked(second, other)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
                assert cursor.fetchone() == (1,), "neither holds a counter while it waits for the first one"
            holder.commit()
            one.result(30)
            other.result(30)
        assert (values("a"), values("b")) == ([1, 2, 3], [1, 2])
        expect_all_accounted_for()


class TestSavepoints:
    def test_a_rolled_back_one_consumes_nothing(self) -> None:
        at_commit()
        with transaction.atomic():
            first = ticket()
            with rolled_back():
                lost = ticket("lost")
                lost_too = issue_many("invoice", documents=["x", "y"], on=DAY)
            second = ticket()
        assert (first.value, second.value) == (1, 2)
        for entry in (lost, *lost_too):
            with pytest.raises(e.NotIssued):
                str(entry)
        assert values() == [1, 2]
        expect_all_accounted_for()

    def test_a_number_that_was_asked_for_inside_one_is_right_after_commit(self) -> None:
        at_commit()
        with checkouts(2) as (first, second):
            first.begin()
            entry = first.run(ticket)
            assert first.run(lambda: self.asked_and_rolled_back(entry)) == 1
            second.begin()
            assert second.run(lambda: ticket().value) == 1
            second.commit()
            first.commit()
            assert first.run(lambda: str(entry)) == "INV-2026-000002"
        assert Entry.objects.get(pk=entry.pk).value == 2
        expect_all_accounted_for()

    def test_and_when_it_is_asked_for_again_before(self) -> None:
        at_commit()
        with checkouts(2) as (first, second):
            first.begin()
            entry = first.run(ticket)
            assert first.run(lambda: self.asked_and_rolled_back(entry)) == 1
            second.begin()
            assert second.run(lambda: ticket().value) == 1
            second.commit()
            assert first.run(lambda: entry.value) == 2, "1 has gone to the other"
            first.commit()
            assert first.run(lambda: entry.value) == 2

    def test_and_with_savepoints_made_by_hand(self) -> None:
        at_commit()
        with checkouts(2) as (first, second):
            first.begin()
            entry = first.run(ticket)

            def asked() -> int:
                mark = savepoint()
                value = entry.value
                transaction.savepoint_rollback(mark)
                return value

            assert first.run(asked) == 1
            second.begin()
            assert second.run(lambda: ticket().value) == 1
            second.commit()
            first.commit()
            assert first.run(lambda: entry.value) == 2

    def test_a_callback_is_told_the_number_that_counts(self) -> None:
        at_commit()
        told: list[str] = []
        with checkouts(2) as (first, second):
            first.begin()
            entry = first.run(ticket)
            first.run(lambda: transaction.on_commit(lambda: told.append(str(entry))))
            first.run(lambda: self.asked_and_rolled_back(entry))
            second.begin()
            second.run(lambda: ticket().value)
            second.commit()
            first.commit()
        assert told == ["INV-2026-000002"]

    @staticmethod
    def asked_and_rolled_back(entry: Entry) -> int:
        with rolled_back():
            return entry.value


class TestOneDocument:
    @ENDS
    def test_pending_on_two_connections(self, end: str) -> None:
        at_commit()
        with checkouts(2) as (first, second):
            first.begin()
            original = first.run(lambda: ticket("order:17"))
            second.begin()
            retried = second.run(lambda: ticket("order:17"))
            first.end(end)
            second.commit()
        stored = Entry.objects.get()
        assert (retried.value, retried.pk) == (1, stored.pk)
        if end == "commit":
            assert original == retried
        expect_all_accounted_for()

    @ENDS
    def test_a_commit_that_waits_for_the_counter_itself(self, end: str) -> None:
        """Another checkout stays in the line. So the second waits for the row, and sees the earlier state."""
        at_commit()

        def stay_in_line() -> None:
            with connection.cursor() as cursor:
                key = "hashint8(id # hashtextextended('\"public\".ledger_period', 0))"
                cursor.execute(f"SELECT pg_advisory_lock(1181707369, {key}) FROM ledger_period")

        with checkouts(3) as (first, second, other):
            other.run(stay_in_line)
            first.begin()
            assert first.run(lambda: ticket("order:17").value) == 1
            second.begin()
            retried = second.run(lambda: ticket("order:17"))
            step = second.do(leave(second))
            while not blocked(second.pid, by=first.pid):
                assert not step.done()
            first.end(end)
            step.result(PATIENCE)
        assert (retried.value, values()) == (1, [1])
        expect_all_accounted_for()

    def test_the_loser_s_foreign_key_can_not_point_to_nothing(self) -> None:
        """It named the entry by the id that it was promised; the document has another. A retry heals."""
        at_commit()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bill (entry bigint REFERENCES ledger_entry DEFERRABLE INITIALLY DEFERRED)")
        try:
            with checkouts(2) as (first, second):

                def checkout() -> None:
                    with connection.cursor() as cursor:
                        cursor.execute("INSERT INTO bill VALUES (%s)", [ticket("order:17").pk])

                for one in (first, second):
                    one.begin()
                    one.run(checkout)
                first.commit()
                with pytest.raises(DatabaseError):
                    second.commit()
                second.begin()
                second.run(checkout)
                second.commit()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE bill")
        assert values() == [1]

    def test_twice_in_one_transaction_is_one_ticket(self) -> None:
        at_commit()
        with transaction.atomic():
            first = ticket("order:17")
            again = ticket("order:17")
            many = issue_many("invoice", documents=["order:17", "order:18"], on=DAY)
            assert again.pk == first.pk
        assert [entry.value for entry in (first, again, *many)] == [1, 1, 1, 2]
        expect_all_accounted_for()

    @pytest.mark.parametrize("other", [{"metadata": {"a": 2}}, {"on": date(2027, 1, 1)}])
    def test_twice_with_other_facts_is_refused_at_once(self, other: dict[str, Any]) -> None:
        open_period(at_commit(), date(2027, 1, 1))
        with transaction.atomic():
            first = ticket("order:17", metadata={"a": 1})
            with pytest.raises(e.DocumentConflict):
                ticket("order:17", **other)
            with pytest.raises(e.DocumentConflict):
                issue_many("invoice", documents=["order:17", "order:18"], **{"on": DAY, **other})
        assert first.value == 1
        assert values() == [1]


class TestManyAtOnce:
    def test_ten_thousand_take_few_queries(self, django_assert_max_num_queries: Any) -> None:
        at_commit()
        documents = [f"order:{number}" for number in range(10_000)]
        with transaction.atomic():
            ticket("before")
        with django_assert_max_num_queries(25):
            with transaction.atomic():
                entries = issue_many("invoice", documents=documents, on=DAY, metadata={"run": 7})
            assert [entry.value for entry in entries] == list(range(2, 10_002))
        assert [entry.document for entry in entries] == documents
        expect_all_accounted_for()


class TestInATestCase(TestCase):
    """Its transaction never commits, so it gets its number when it asks for it."""

    def test_numbers_are_there_when_asked_for(self) -> None:
        with default_allocation(AT_COMMIT):
            first, second = issue("invoice", on=DAY), issue("invoice", on=DAY)
            assert str(second) == "INV-2026-000001"
            assert str(first) == "INV-2026-000002"
            with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
                third = issue("invoice", on=DAY)
                told: list[str] = []
                transaction.on_commit(lambda: told.append(str(third)))
            assert told == ["INV-2026-000003"]

    def test_a_ticket_that_nobody_asked_for_is_numbered_in_the_end(self) -> None:
        with default_allocation(AT_COMMIT):
            issue("invoice", on=DAY)


def leave(checkout: Checkout) -> Callable[[], None]:
    """COMMIT, to be run as a step that may fail."""
    return lambda: checkout._leave(None)
