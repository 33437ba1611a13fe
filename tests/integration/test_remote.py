"""Remote series one call at a time: numbers of drafts, refusals, what is shown of them, and how the ledger is held."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from ledger import close_period, define_series, errors as e, gaps, issue, issue_many, preview, remote, void
from ledger.actions import explain
from ledger.models import DraftMade, Entry, GapFlagged, HoleReported, NumberIssued, Period, Series, Slot
from ledger.reports.continuity import summarise
from ledger.series import change_allocation
from ledger.verification import verify
from tests.allocations import DAY, expect_all_accounted_for, rolled_back
from tests.drafts import claimed, remote_series, stock

pytestmark = pytest.mark.django_db

NUMBERS = ["B-9", "B-10", "a/7", "A-0001"]


@pytest.fixture
def period() -> Period:
    return stock(remote_series(), NUMBERS)


def number(document: str | None = None, **arguments: Any) -> str:
    return str(issue("invoice", document=document, **{"on": DAY, **arguments}))


def block(*documents: str, **arguments: Any) -> list[str]:
    return [str(entry) for entry in issue_many("invoice", documents=documents, **{"on": DAY, **arguments})]


def problems() -> list[str]:
    # A test database lets itself be flushed, which to a guard looks like tampering.
    return [str(finding) for finding in verify() if finding.check != "trigger"]


class TestNumbers:
    def test_the_entry_is_as_it_is_stored(self, period: Period, django_assert_num_queries: Any) -> None:
        issue("invoice", on=DAY)
        with django_assert_num_queries(1):
            entry = issue("invoice", document="order:17", on=DAY, metadata={"channel": "web"}, by="ann")
        assert str(entry) == "B-10"
        assert type(entry) is NumberIssued
        stored = NumberIssued.objects.get(document="order:17")
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname

    def test_a_block_in_the_order_of_the_documents(self, period: Period) -> None:
        assert number("b") == "B-9"
        assert block("z", "b", "a", "z") == ["B-10", "B-9", "a/7", "B-10"]
        entries = issue_many("invoice", documents=["late"], on=DAY, metadata={"run": 7}, by="batch")
        stored = NumberIssued.objects.get(document="late")
        for field in Entry._meta.concrete_fields:
            assert getattr(entries[0], field.attname) == getattr(stored, field.attname), field.attname

    def test_the_same_document_and_other_facts(self, period: Period) -> None:
        assert number("order:17", metadata={"total": 1}) == "B-9"
        assert number("order:17") == block("order:17")[0] == "B-9"
        with pytest.raises(e.DocumentConflict):
            number("order:17", metadata={"total": 2})
        with pytest.raises(e.DocumentConflict):
            block("order:18", "order:17", metadata={"total": 2})
        assert number() == "B-10", "nothing was burnt"

    def test_a_savepoint_leaves_no_number(self, period: Period) -> None:
        with rolled_back():
            assert number("b") == "B-9"
            assert block("c", "d") == ["B-10", "a/7"]
        assert number("b") == "B-9"

    def test_a_void_number_is_never_given_again(self, period: Period) -> None:
        entry = issue("invoice", document="order:17", on=DAY)
        void(entry, reason="payment reversed")
        assert number() == "B-10"
        with pytest.raises(e.DocumentVoided):
            number("order:17")
        assert number("order:17", replaces=entry) == "a/7"

    def test_set_constraints_all_immediate_changes_nothing(self, period: Period) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert number("a") == "B-9"
        assert block("a", "b") == ["B-9", "B-10"]
        expect_all_accounted_for()

    def test_a_number_that_another_series_gave_out_meanwhile(self, period: Period) -> None:
        define_series("other", template="A-{counter:04}", calendar="never")
        assert str(issue("other", on=DAY)) == "A-0001"
        assert block("a", "b", "c") == NUMBERS[:3]
        with rolled_back(), pytest.raises(e.NumberTaken, match="would repeat a number of the same tenant"):
            number()
        with pytest.raises(e.NumberTaken):
            block("d")


class TestRefusals:
    def test_an_empty_pool(self) -> None:
        remote_series()
        for call in (lambda: number(), lambda: block("a"), lambda: preview("invoice", on=DAY)):
            with pytest.raises(e.PoolExhausted, match="no draft is free in 'books'; no worker has filled"):
                call()

    def test_a_closed_period_and_a_retry_in_it(self, period: Period) -> None:
        first = number("a")
        close_period(period, early=True)
        assert number("a") == first
        assert block("a") == [first]
        with pytest.raises(e.PeriodClosed):
            number("b")
        with pytest.raises(e.PeriodClosed):
            block("a", "b")

    def test_an_inactive_series(self, period: Period) -> None:
        define_series("invoice", is_active=False)
        with pytest.raises(e.InactiveSeries):
            number()
        assert remote.systems() == []
        assert remote.claim(Series.objects.get()) is None

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"system": ""}, "names no accounting system"),
            ({"system": " books"}, "begins with a space"),
            ({"chronological": True}, "remote series can't have the chronology guard"),
            ({"give_back": False}, "gives its numbers back"),
        ],
    )
    def test_settings_that_can_not_work(self, settings: dict[str, Any], told: str) -> None:
        with pytest.raises(e.InvalidSeries, match=told):
            remote_series(**settings)

    def test_another_system_is_another_supplier(self, period: Period) -> None:
        with pytest.raises(e.AllocationChange):
            define_series("invoice", system="other")


class TestWhatIsShown:
    def test_the_preview(self, period: Period) -> None:
        assert preview("invoice", on=DAY) == "B-9"
        assert number() == "B-9"
        assert preview("invoice", on=DAY) == "B-10"

    def test_the_continuity_report(self, period: Period) -> None:
        number()
        [summary] = summarise()
        assert (summary.issued, summary.free, summary.ahead, summary.next_number) == (1, 3, 3, "B-10")
        assert summary.identity_holds
        block("a", "b", "c")
        [summary] = summarise()
        assert (summary.next_number, summary.identity_holds) == (None, True)

    def test_the_status_warns_of_a_low_pool(self, period: Period) -> None:
        block("a", "b", "c")
        out = StringIO()
        call_command("ledger_status", stdout=out)
        assert "invoice: 1 drafts are free in 'books', 20 are wanted; its pool is low." in out.getvalue()
        call_command("ledger_status", json=True, stdout=(told := StringIO()))
        [pool] = json.loads(told.getvalue())["pools"]
        assert (pool["series"], pool["free"], pool["wanted"]) == ("invoice", 1, 20)
        remote.release(claimed(Series.objects.get()), error="books: it broke.", needs_person=True)
        with pytest.raises(CommandError, match="1 pool of drafts could not be refilled"):
            call_command("ledger_status", stdout=out)
        assert "failed: books: it broke. A person must mend that." in out.getvalue()

    def test_the_series_command(self, period: Period) -> None:
        number()
        out = StringIO()
        call_command("ledger_series", "show", "invoice", stdout=out)
        assert "B-9" in out.getvalue()
        assert "A-0001" in out.getvalue(), "the last one that the counter gave out"
        call_command(
            *("ledger_series", "create", "late", "--template", "l/{year}/{counter}", "--allocation", "remote"),
            *("--system", "books"),
            stdout=out,
        )
        assert Series.objects.get(code="late").system == "books"
        assert "none (The series 'late' has no number left" in out.getvalue()
        with pytest.raises(CommandError, match="names no accounting system"):
            call_command(
                *("ledger_series", "create", "x", "--template", "x/{year}/{counter}", "--allocation", "remote"),
                stdout=out,
            )

    def test_a_draft_of_its_entry(self, period: Period) -> None:
        entry = issue("invoice", on=DAY)
        draft = remote.draft_of(entry)
        assert draft is not None
        assert (draft.remote_id, draft.number, draft.system) == ("id of B-9", "B-9", "books")
        assert draft.reference == "slot:invoice:2026-01-01:1"
        assert remote.draft_of(issue("receipt", on=DAY)) is None

    def test_references_fit_into_an_accounting_system(self) -> None:
        from ledger.remote.drafts import reference

        long = [reference("t" * 200, f"{'c' * 199}{end}", date(2026, 1, 1), 7) for end in "ab"]
        assert len(set(long)) == 2
        assert max(map(len, long)) <= 100
        assert reference("shop:42", "invoice", date(2026, 1, 1), 7) == "slot:shop:42/invoice:2026-01-01:7"


class TestHolesAndGaps:
    def test_a_free_draft_below_the_highest_number_heals(self, period: Period) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_withdraw_slot('', %s, 2, '{}', '')", [period.pk])
        swept = gaps.sweep(grace=timedelta(0))
        assert (swept.flagged, swept.healing, swept.lost) == (0, 1, 0)
        assert HoleReported.objects.get().value == 1
        [hole] = gaps.find(grace=timedelta(0))
        assert (hole.number, hole.state) == ("B-9", gaps.State.HEALING)
        [gap] = gaps.flagged_gaps()
        assert gap.number == "B-10"
        explain("B-10", explanation="deleted by mistake", by="ada")
        assert number() == "B-9"
        assert problems() == []

    def test_closing_leaves_a_gap_for_each_free_draft(self, period: Period) -> None:
        number()
        close_period(period, early=True, by="ada")
        found = GapFlagged.objects.order_by("value")
        assert [gap.number for gap in found] == NUMBERS[1:]
        assert {gap.metadata["cause"] for gap in found} == {"period closed"}
        assert [gap.metadata["draft"]["remote_id"] for gap in found] == [f"id of {each}" for each in NUMBERS[1:]]
        period.refresh_from_db()
        assert period.last_value == 4, "a draft's number stays its value's"
        assert [one.draft.number for one in remote.unused("books")] == NUMBERS[1:]
        assert list(remote.unused("other")) == []
        assert problems() == []

    def test_an_unused_draft_is_noted_as_cancelled_once(self, period: Period) -> None:
        close_period(period, early=True)
        one, *others = remote.unused("books")
        for _ in range(2):
            remote.note_cancelled(one.draft, state="deleted", by="ada")
        assert list(remote.unused("books")) == others
        assert problems() == []

    @pytest.mark.parametrize("other", ["serial", "at_commit", "pooled", "reserved"])
    def test_from_and_to_another_allocation(self, other: str) -> None:
        define_series("invoice", template="invoice/{year}/{counter}", allocation=other, time_zone="UTC")
        if other == "reserved":
            assert [str(issue("invoice", on=DAY)), str(issue("invoice", on=DAY))] == [
                "invoice/2026/1",
                "invoice/2026/2",
            ]
        else:
            assert block("a", "b") == ["invoice/2026/1", "invoice/2026/2"]
        assert change_allocation("invoice", "remote", system="books") == 0
        stock(Series.objects.get(), NUMBERS)
        assert number() == "B-9"
        with pytest.raises(e.InvalidSeries, match="names no accounting system"), transaction.atomic():
            change_allocation("invoice", "remote", system="")
        assert change_allocation("invoice", other) == 3
        assert [gap.number for gap in GapFlagged.objects.order_by("value")] == NUMBERS[1:]
        assert number() == "invoice/2026/7"
        assert not Slot.objects.filter(value__lte=6).exists()
        assert problems() == []

    def test_by_command(self) -> None:
        define_series("invoice", template="invoice/{year}/{counter}", time_zone="UTC")
        number()
        out = StringIO()
        call_command("ledger_series", "allocate", "invoice", "remote", "--system", "books", stdout=out)
        stock(Series.objects.get(), NUMBERS)
        call_command("ledger_series", "allocate", "invoice", "serial", stdout=out)
        assert "4 values became flagged gaps" in out.getvalue()


class TestTheDatabaseIsTheJudge:
    ENTRY = (
        "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor,"
        " metadata) SELECT '', series_id, id, %s, 'issued', %s, '', starts_on, '', '{}' FROM ledger_period"
    )

    def refused(self, statement: str, *arguments: Any) -> str:
        with pytest.raises(IntegrityError) as raised, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, arguments)
        return str(raised.value)

    def test_an_entry_bears_the_number_of_its_draft_and_no_other(self, period: Period) -> None:
        for wrong in ("invoice/2026/2", "B-9", "b-10"):
            assert "its number is not that of its draft, B-10" in self.refused(self.ENTRY, 2, wrong)
        assert "its number can't be read" in self.refused(self.ENTRY, 2, "")
        with connection.cursor() as cursor:
            cursor.execute(self.ENTRY, [2, "B-10"])

    def test_a_value_without_a_draft_has_the_number_of_the_template(self, period: Period) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_period SET last_value = 5")
        assert "not that of its draft, invoice/2026/5" in self.refused(self.ENTRY, 5, "B-12")
        with connection.cursor() as cursor:
            cursor.execute(self.ENTRY, [5, "invoice/2026/5"])

    def test_a_period_does_not_forget_its_drafts(self, period: Period) -> None:
        assert "has drafts" in self.refused("UPDATE ledger_period SET has_drafts = false")

    DRAFT = (
        "INSERT INTO ledger_draftmade (tenant, period_id, ordinal, value, number, system, remote_id, reference,"
        " refusal) SELECT %s, id, 9, %s, %s, 'books', 'new', 'slot:9', %s FROM ledger_period"
    )

    @pytest.mark.parametrize(
        ("facts", "told"),
        [
            (("", 9, "B-12", ""), "never gave out value 9"),
            (("other", 1, "B-12", ""), "of another tenant"),
            (("", None, "B-12", ""), "does not fit"),
            (("", 2, "B-12", "no"), "does not fit"),
            (("", 1, "B-12", ""), "value 1 of period [0-9]+ has an entry"),
            (("", 2, "B-12", ""), "ledger_draftmade_value"),
        ],
    )
    def test_a_draft_fits_its_period(self, period: Period, facts: tuple[Any, ...], told: str) -> None:
        import re

        number()
        assert re.search(told, self.refused(self.DRAFT, *facts))

    def test_a_draft_is_an_event(self, period: Period) -> None:
        assert "append-only" in self.refused("UPDATE ledger_draftmade SET number = 'X'")
        assert "append-only" in self.refused("DELETE FROM ledger_draftmade")

    def test_a_remote_id_and_a_number_come_once(self, period: Period) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_period SET last_value = 5")
        assert "ledger_draftmade_number" in self.refused(self.DRAFT, "", 5, "b-10", "")
        again = self.DRAFT.replace("'new'", "'id of B-9'")
        assert "ledger_draftmade_remote_id" in self.refused(again, "", 5, "B-12", "")

    def test_all_is_well_afterwards(self, period: Period) -> None:
        number("a")
        assert DraftMade.objects.count() == 4
        assert problems() == []
        expect_all_accounted_for()
