"""The allocation `remote`: drafts go back on rollback, the earliest is taken first, and nobody waits for anybody."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from ledger import close_period, errors as e, issue, issue_many, preview, remote
from ledger.models import DraftMade, Entry, GapFlagged, Period, Series, Slot
from tests.allocations import DAY, expect_all_accounted_for, free_slots, rolled_back
from tests.concurrency.checkouts import Checkout, checkouts, in_threads, wait_until_blocked
from tests.drafts import claimed, need, remote_series, stock

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("end", ["commit", "rollback"])

#: In the order in which the accounting system gave them, which is neither alphabetical nor by value.
NUMBERS = ["B-9", "B-10", "a/7", "A-0001", "Ж 3", "B-11", "2026.12"]


def number(document: str | None = None, on: date = DAY) -> str:
    return str(issue("invoice", document=document, on=on))


def block(*documents: str) -> list[str]:
    return [str(entry) for entry in issue_many("invoice", documents=documents, on=DAY)]


def issued() -> list[str]:
    return list(Entry.objects.filter(kind="issued").order_by("value").values_list("number", flat=True))


def stocked(numbers: list[str] = NUMBERS) -> Series:
    series = remote_series()
    stock(series, numbers)
    return series


def test_numbers_of_any_form_in_the_order_they_came() -> None:
    stocked()
    for expected in NUMBERS:
        with transaction.atomic():
            assert number() == expected
    assert issued() == NUMBERS
    expect_all_accounted_for()


def test_a_rolled_back_number_is_taken_by_the_next() -> None:
    stocked()
    with checkouts(3) as (first, second, third):
        for checkout in (first, second, third):
            checkout.begin()
        assert [checkout.run(number) for checkout in (first, second, third)] == NUMBERS[:3]
        second.rollback()
        first.rollback()
        second.begin()
        assert second.run(number) == NUMBERS[0], "the earliest first"
        first.begin()
        assert first.run(number) == NUMBERS[1]
        for checkout in (first, second, third):
            checkout.commit()
    assert issued() == NUMBERS[:3]
    expect_all_accounted_for()


@ENDS
def test_nobody_waits_for_a_checkout(end: str) -> None:
    stocked()
    with checkouts(2) as (slow, quick):
        slow.begin()
        assert slow.run(number) == NUMBERS[0]
        for expected in NUMBERS[1:]:
            quick.begin()
            assert quick.run(number) == expected
            quick.commit()
        slow.end(end)
    assert issued() == NUMBERS[0 if end == "commit" else 1 :]
    assert free_slots() == ([] if end == "commit" else [1])
    expect_all_accounted_for()


def test_a_savepoint_gives_its_number_back_to_everybody() -> None:
    stocked()
    with checkouts(2) as (first, second):

        def with_a_savepoint() -> None:
            with rolled_back():
                assert number() == NUMBERS[0]

        first.begin()
        first.run(with_a_savepoint)
        second.begin()
        assert second.run(number) == NUMBERS[0], "while the transaction goes on"
        second.commit()
        assert first.run(number) == NUMBERS[1]
        first.commit()
    expect_all_accounted_for()


def test_a_killed_connection_gives_its_number_back() -> None:
    stocked()
    doomed = Checkout()
    doomed.begin()
    assert doomed.run(lambda: number("order:17")) == NUMBERS[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [doomed.pid])
        assert cursor.fetchone() == (True,)
    with pytest.raises(OperationalError):
        doomed.commit()
    doomed.close()
    with transaction.atomic():
        assert [number(), number("order:17")] == NUMBERS[:2]
    expect_all_accounted_for()


@ENDS
def test_the_same_document_on_two_connections(end: str) -> None:
    stocked()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: number("order:17")) == NUMBERS[0]
        second.begin()
        waiting = second.do(lambda: number("order:17"))
        wait_until_blocked(second, waiting)
        first.end(end)
        # After a rollback the earliest draft is free again, but the second checkout holds the next one already.
        assert waiting.result(30) == NUMBERS[0 if end == "commit" else 1]
        second.commit()
    assert Entry.objects.filter(document="order:17").count() == 1
    with transaction.atomic():
        assert number() == NUMBERS[1 if end == "commit" else 0], "nothing was burnt"
    expect_all_accounted_for()


@ENDS
def test_a_block_with_a_document_of_another_checkout(end: str) -> None:
    stocked()
    with checkouts(2) as (first, second):
        first.begin()
        assert first.run(lambda: block("a", "b")) == NUMBERS[:2]
        second.begin()
        waiting = second.do(lambda: block("b", "c"))
        wait_until_blocked(second, waiting)
        first.end(end)
        taken = waiting.result(30)
        second.commit()
    found = dict(Entry.objects.exclude(document="").values_list("document", "number"))
    assert [found["b"], found["c"]] == taken
    assert sorted(found) == (["a", "b", "c"] if end == "commit" else ["b", "c"])
    expect_all_accounted_for()


def test_a_herd_on_few_drafts() -> None:
    """Sixteen checkouts want two each, and there are twenty: nobody gets one twice, and none is left."""
    stocked([f"N{n}" for n in range(20)])

    def checkout(worker: int) -> int:
        taken = 0
        for step in range(2):
            try:
                with transaction.atomic():
                    number(f"{worker}:{step}")
                    taken += 1
            except e.PoolExhausted:
                pass
        return taken

    assert sum(in_threads(16, checkout)) == 20
    assert sorted(issued()) == sorted(f"N{n}" for n in range(20))
    assert free_slots() == []
    expect_all_accounted_for()


def test_an_empty_pool_says_why_and_leaves_the_transaction_whole() -> None:
    series = stocked(NUMBERS[:1])
    claim = claimed(series)
    remote.release(claim, error="books: no answer in time. Wait a while.", needs_person=False)
    with transaction.atomic():
        assert number() == NUMBERS[0]
        with pytest.raises(e.PoolExhausted, match="'invoice' has no number left in the period 2026-01-01") as told:
            number()
        for part in ("in 'books'", "last refilled at 20", "failed: books: no answer in time", "refill_remote_pools"):
            assert part in str(told.value)
        with pytest.raises(e.PoolExhausted, match="2 drafts more than are free"):
            block("a", "b")
    assert issued() == NUMBERS[:1]


def test_a_number_held_by_another_checkout_is_not_free() -> None:
    stocked(NUMBERS[:1])
    with checkouts(2) as (first, second):
        first.begin()
        first.run(number)
        second.begin()
        with pytest.raises(e.PoolExhausted):
            second.run(number)
        first.rollback()
        assert second.run(number) == NUMBERS[0]
        second.commit()
    expect_all_accounted_for()


def test_a_block_that_was_refused_keeps_no_draft_from_the_others() -> None:
    stocked(NUMBERS[:2])
    with checkouts(2) as (first, second):
        first.begin()
        with pytest.raises(e.PoolExhausted, match="no draft is free|1 drafts more"):
            first.run(lambda: block("a", "b", "c"))
        second.begin()
        assert second.run(lambda: block("d", "e")) == NUMBERS[:2], "while the first transaction goes on"
        second.commit()
        first.commit()
    expect_all_accounted_for()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_under_an_old_snapshot_the_error_says_that_a_new_transaction_may_see_more(level: str) -> None:
    series = stocked(NUMBERS[:1])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert number() == "B-9"
        in_threads(1, lambda _: stock(series, ["B-10"]))
        with pytest.raises(e.PoolExhausted, match="Under REPEATABLE READ or SERIALIZABLE, run the transaction again"):
            number()
    with transaction.atomic():
        assert number() == "B-10"


class TestWithdrawing:
    def test_the_slot_goes_and_a_gap_with_the_evidence_stands_there(self) -> None:
        series = stocked()
        claim = claimed(series)
        [first, *_] = remote.free_drafts(claim)
        assert remote.withdraw(first, {"problem": "it is deleted there", "state": "deleted"}) == "withdrawn"
        gap = GapFlagged.objects.get()
        assert (gap.number, gap.value, gap.document) == ("B-9", 1, "")
        assert gap.metadata["cause"] == "withdrawn"
        assert gap.metadata["said"]["state"] == "deleted"
        assert gap.metadata["draft"]["remote_id"] == "id of B-9"
        assert remote.withdraw(first, {"state": "deleted"}) == "settled"
        with transaction.atomic():
            assert number() == "B-10"
        expect_all_accounted_for()

    @ENDS
    def test_a_checkout_that_holds_it_is_left_alone_and_not_waited_for(self, end: str) -> None:
        series = stocked(NUMBERS[:1])
        [draft] = remote.free_drafts(claimed(series))
        with checkouts(2) as (checkout, worker):
            checkout.begin()
            assert checkout.run(number) == "B-9"
            assert worker.run(lambda: remote.withdraw(draft, {"state": "deleted"})) == "in_flight"
            checkout.end(end)
            again = worker.run(lambda: remote.withdraw(draft, {"state": "deleted"}))
        assert again == ("settled" if end == "commit" else "withdrawn")
        assert Entry.objects.get().kind == ("issued" if end == "commit" else "gap")
        expect_all_accounted_for()


class TestStoring:
    def test_a_draft_is_stored_once(self) -> None:
        series = stocked(NUMBERS[:1])
        period = Period.objects.get()
        again = remote.store(claimed(series), need(period), ordinal=2, remote_id="id of B-9", number="B-9")
        assert again == "there"
        assert DraftMade.objects.count() == Slot.objects.count() == 1

    @pytest.mark.parametrize("case", ["a free draft", "an issued number", "a gap"])
    def test_a_number_that_stands_in_the_ledger_is_refused_and_kept_in_sight(self, case: str) -> None:
        series = stocked(["A-1"])
        claim = claimed(series)
        if case == "an issued number":
            with transaction.atomic():
                number()
        elif case == "a gap":
            remote.withdraw(remote.free_drafts(claim)[0], {"state": "deleted"})
        period = Period.objects.get()
        assert remote.store(claim, need(period), ordinal=2, remote_id="another", number="a-1") == "refused"
        refused = DraftMade.objects.get(remote_id="another")
        assert (refused.value, refused.number, refused.ordinal) == (None, "a-1", 2)
        assert "stands in the ledger" in refused.refusal
        assert remote.store(claim, need(period), ordinal=3, remote_id="third", number="A-2") == "stored"
        expect_all_accounted_for()

    def test_a_claim_that_went_to_another_worker_stores_nothing(self) -> None:
        series = stocked()
        late = claimed(series)
        assert remote.claim(series) is None, "one worker at a time"
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_remotepool SET claimed_until = now() - interval '1 second'")
        other = claimed(series)
        period = Period.objects.get()
        assert remote.store(late, need(period), ordinal=8, remote_id="late", number="late") == "claim_lost"
        remote.release(late, error="late")
        assert remote.store(other, need(period), ordinal=8, remote_id="in time", number="in time") == "stored"
        assert not DraftMade.objects.filter(number="late").exists()

    def test_of_two_workers_at_once_one_has_the_pool(self) -> None:
        series = stocked()
        got = in_threads(8, lambda _: remote.claim(series))
        assert len([claim for claim in got if claim is not None]) == 1

    def test_a_period_that_is_being_closed(self) -> None:
        """The clerk holds the period; the draft comes too late, is not taken, and stays visible."""
        series = stocked(NUMBERS[:1])
        period = Period.objects.get()
        claim = claimed(series)
        with checkouts(2) as (clerk, worker):
            clerk.begin()
            clerk.run(lambda: close_period(period, early=True))
            storing = worker.do(lambda: remote.store(claim, need(period), ordinal=2, remote_id="late", number="late"))
            wait_until_blocked(worker, storing)
            clerk.commit()
            assert storing.result(30) == "over"
        assert DraftMade.objects.get(number="late").refusal == "the period was closed"
        assert [gap.number for gap in GapFlagged.objects.all()] == ["B-9"]
        expect_all_accounted_for()

    def test_a_slot_can_not_be_deleted_without_an_entry(self) -> None:
        stocked()
        with pytest.raises(IntegrityError, match="left ledger_slot without an entry"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM ledger_slot WHERE value = 2")


def test_closing_waits_for_a_checkout_that_holds_a_draft() -> None:
    stocked(NUMBERS[:2])
    with checkouts(2) as (checkout, clerk):
        checkout.begin()
        assert checkout.run(number) == "B-9"
        closing = clerk.do(lambda: close_period(Period.objects.get(), early=True))
        wait_until_blocked(clerk, closing)
        checkout.commit()
        assert closing.result(30).closed_at is not None
    assert issued() == ["B-9"]
    gap = GapFlagged.objects.get()
    assert (gap.number, gap.metadata["cause"]) == ("B-10", "period closed")
    assert gap.metadata["draft"]["remote_id"] == "id of B-10"
    expect_all_accounted_for()


def test_slots_belong_to_a_period() -> None:
    series = stocked(["old-1", "old-2"])
    stock(series, ["new-1"], day=date(2027, 1, 1))
    with checkouts(2) as (old, new):
        old.begin()
        new.begin()
        assert new.run(lambda: number(on=date(2027, 1, 1))) == "new-1"
        assert old.run(lambda: number(on=date(2026, 12, 31))) == "old-1"
        assert new.run(lambda: number(on=date(2026, 1, 1))) == "old-2"
        old.rollback()
        new.commit()
    assert preview("invoice", on=DAY) == "old-1"
    expect_all_accounted_for()
