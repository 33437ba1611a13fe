"""Holes and gaps: found, proven, flagged, explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from ledger import close_period, define_series, issue, issue_many, open_period
from ledger.actions import explain
from ledger.errors import AllocationChange, GapError, InvalidReason
from ledger.gaps import Gap, Hole, State, find, flag_lost, flagged_gaps, healed_holes, sweep
from ledger.management.commands import ledger_gaps
from ledger.models import GapFlagged, Period, Reservation, ScanPosition, Series
from ledger.series import change_allocation
from ledger.verification import verify

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = timedelta(0)


class Refused(Exception):
    """The payment provider said no."""


@contextmanager
def refused_checkout() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise Refused
    except Refused:
        pass


def series(allocation: str, **settings: Any) -> Series:
    return define_series("invoice", template="INV-{counter:04}", calendar="never", allocation=allocation, **settings)


def number(document: str, **how: Any) -> str:
    with transaction.atomic():
        entry = issue("invoice", document=document, **how)
    return str(entry)


def holes(**which: Any) -> list[tuple[int, State]]:
    return [(hole.value, hole.state) for hole in find(grace=AT_ONCE, **which)]


class TestReserved:
    def test_a_refused_checkout_leaves_a_gap_with_evidence(self) -> None:
        series("reserved")
        with refused_checkout():
            shown = issue("invoice", document="order:1", by="ada")
            writer = shown.transaction_id
        assert str(shown) == "INV-0001"
        assert number("order:2") == "INV-0002"
        assert holes() == [(1, State.LEFT_OVER)]
        swept = sweep(grace=AT_ONCE)
        assert (swept.flagged, swept.in_flight, swept.lost) == (1, 0, 0)
        gap = GapFlagged.objects.get()
        assert (gap.number, gap.document, gap.actor) == ("INV-0001", "", "sweep")
        evidence = gap.metadata
        assert evidence["cause"] == "not committed"
        assert evidence["reservation"]["document"] == "order:1"
        assert evidence["reservation"]["actor"] == "ada"
        assert evidence["reservation"]["transaction"] == writer
        assert evidence["reservation"]["transaction_status"] == "aborted"
        assert not Reservation.objects.exists()
        assert holes() == []
        assert list(verify()) == []

    def test_the_grace_is_a_courtesy(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice", document="order:1")
        assert sweep(grace=timedelta(hours=1)).in_flight == 1
        assert sweep(grace=AT_ONCE).flagged == 1

    def test_a_savepoint_that_rolled_back_in_a_transaction_that_went_on(self) -> None:
        series("reserved")
        with transaction.atomic():
            with refused_checkout():
                issue("invoice", document="order:1")
            issue("invoice", document="order:2")
        sweep(grace=AT_ONCE)
        gap = GapFlagged.objects.get()
        assert gap.value == 1
        # The status alone would prove the opposite.
        assert gap.metadata["reservation"]["transaction_status"] == "committed"

    def test_a_flagged_value_is_not_issued_to_its_own_document_either(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice", document="order:1")
        sweep(grace=AT_ONCE)
        assert number("order:1") == "INV-0002"

    def test_a_second_sweep_flags_nothing_more(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice")
        assert [sweep(grace=AT_ONCE).flagged for _ in range(2)] == [1, 0]
        assert GapFlagged.objects.count() == 1


class TestPooled:
    def test_a_hole_heals_and_its_report_tells_of_it(self) -> None:
        series("pooled")
        with refused_checkout():
            first = issue("invoice", document="order:1")
            with transaction.atomic():
                second = issue("invoice", document="order:2")
        assert (str(first), str(second)) == ("INV-0001", "INV-0002")
        self.hole_below("order:3")
        assert holes() == [(1, State.HEALING)]
        assert (sweep(grace=AT_ONCE).reported, sweep(grace=AT_ONCE).reported) == (1, 0)
        assert not list(healed_holes())
        assert number("order:4") == "INV-0001"
        assert [str(entry) for entry in healed_holes()] == ["INV-0001"]
        assert holes() == []
        assert not GapFlagged.objects.exists()
        assert list(verify()) == []

    def hole_below(self, document: str) -> None:
        """Commit the second value while the first is held, and then give the first back."""
        from tests.concurrency.checkouts import checkouts

        with checkouts(2) as (slow, fast):
            slow.begin()
            slow.run(lambda: issue("invoice", document="slow"))
            fast.begin()
            fast.run(lambda: issue("invoice", document=document))
            fast.commit()
            assert holes() == [(1, State.IN_FLIGHT)]
            slow.rollback()

    def test_the_hole_is_a_gap_if_nothing_is_given_back(self) -> None:
        series("pooled", give_back=False)
        self.hole_below("order:1")
        assert number("order:2") == "INV-0003"
        assert holes() == [(1, State.LEFT_OVER)]
        assert sweep(grace=AT_ONCE).flagged == 1
        assert GapFlagged.objects.get().metadata == {"cause": "given back, and not for a later document"}
        assert holes() == []
        assert list(verify()) == []


class TestLost:
    @pytest.mark.parametrize("allocation", ["serial", "at_commit", "pooled", "reserved"])
    def test_a_value_without_any_trace_is_an_alarm(self, allocation: str) -> None:
        series(allocation)
        with transaction.atomic():
            issue_many("invoice", documents=[f"order:{n}" for n in range(9)])
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM ledger_entry WHERE value IN (3, 4, 9)")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_append_only_rows")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")
        found = list(find(grace=AT_ONCE))
        assert [(hole.value, hole.through, hole.state) for hole in found] == [(3, 4, State.LOST), (9, 9, State.LOST)]
        swept = sweep(grace=AT_ONCE)
        assert (swept.lost, swept.flagged) == (3, 0)
        assert not GapFlagged.objects.exists()
        assert sum(flag_lost(hole, by="ada") for hole in found) == 3
        assert {gap.metadata["cause"] for gap in GapFlagged.objects.all()} == {"lost"}
        assert list(find(grace=AT_ONCE)) == []

    def test_a_scan_goes_on_where_the_last_one_ended(self) -> None:
        series("serial")
        with transaction.atomic():
            issue_many("invoice", documents=[f"order:{n}" for n in range(9)])
        assert list(find()) == []
        assert ScanPosition.objects.get().through == 9
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM ledger_entry WHERE value = 5")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_append_only_rows")
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")
        number("order:10")
        assert list(find()) == []
        assert [hole.value for hole in find(full=True)] == [5]
        assert [hole.value for hole in find()] == [5]

    def test_waiting_values_are_looked_at_again(self) -> None:
        series("reserved")
        number("order:1")
        with refused_checkout():
            issue("invoice")
        number("order:2")
        list(find())
        assert ScanPosition.objects.get().through == 1
        sweep(grace=AT_ONCE)
        list(find())
        assert ScanPosition.objects.get().through == 3


class TestExplaining:
    def test_an_explanation_says_what_who_and_when(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice", document="order:1")
        sweep(grace=AT_ONCE)
        assert [gap.explanation for gap in flagged_gaps()] == [""]
        event = explain("inv-0001", explanation="card refused", by="ada")
        explain(GapFlagged.objects.get(), explanation="card refused twice", by="grace")
        (gap,) = flagged_gaps()
        assert (gap.explanation, gap.explained_by) == ("card refused twice", "grace")
        assert gap.explained_at is not None
        assert gap.explained_at > event.explained_at
        assert list(flagged_gaps(unexplained=True)) == []

    def test_only_a_gap_is_explained(self) -> None:
        series("reserved")
        number("order:1")
        for what in ("INV-0001", "INV-0002", "other"):
            with pytest.raises(GapError):
                explain(what, explanation="why not")

    def test_an_explanation_has_words(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice")
        sweep(grace=AT_ONCE)
        with pytest.raises(InvalidReason):
            explain("INV-0001", explanation="  ")


class TestChangingTheAllocation:
    @pytest.mark.parametrize("before", ["serial", "at_commit", "pooled", "reserved"])
    @pytest.mark.parametrize("after", ["serial", "at_commit", "pooled", "reserved"])
    def test_in_the_middle_of_a_period(self, before: str, after: str) -> None:
        series(before)
        number("order:1")
        with refused_checkout():
            issue("invoice", document="order:2")
        gaps = change_allocation("invoice", after, by="ada")
        assert gaps == (1 if before == "reserved" else 0)
        assert number("order:3") == ("INV-0003" if before == "reserved" else "INV-0002")
        assert list(verify()) == []

    def test_defining_the_series_again_does_not_change_it(self) -> None:
        series("serial")
        number("order:1")
        with pytest.raises(AllocationChange, match="ledger_series allocate invoice pooled"):
            series("pooled")
        assert Series.objects.get().allocation == "serial"

    def test_between_periods_it_is_free(self) -> None:
        made = define_series("invoice", template="{year}-{counter:04}", time_zone="UTC")
        number("order:1", on=date(2020, 5, 1))
        close_period(Period.objects.get())
        open_period(made, date(2021, 1, 1))
        define_series("invoice", allocation="pooled")
        assert number("order:2", on=date(2021, 5, 1)) == "2021-0001"


class TestCommand:
    def run(self, *arguments: str) -> tuple[int, Any]:
        out = StringIO()
        try:
            call_command("ledger_gaps", *arguments, "--json", stdout=out)
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue()) if out.getvalue() else str(error)
        return 0, json.loads(out.getvalue())

    def test_from_a_hole_to_an_explained_gap(self) -> None:
        series("reserved")
        assert self.run()[0] == 0
        with refused_checkout():
            issue("invoice", document="order:1")
        code, told = self.run("--grace", "0")
        assert code == 1
        assert [(hole["number"], hole["state"]) for hole in told["holes"]] == [("INV-0001", "left_over")]
        code, told = self.run("sweep", "--grace", "0", "--by", "ada")
        assert code == 1
        assert told["swept"]["flagged"] == 1
        assert [(gap["number"], gap["explanation"]) for gap in told["gaps"]] == [("INV-0001", "")]
        assert told["gaps"][0]["evidence"]["reservation"]["document"] == "order:1"
        code, told = self.run("explain", "INV-0001", "--reason", "card refused", "--by", "ada")
        assert code == 0
        code, told = self.run()
        assert code == 0
        assert [(gap["explanation"], gap["explained_by"]) for gap in told["gaps"]] == [("card refused", "ada")]

    def test_a_row_is_written_before_the_next_one_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        series("reserved")
        for order in "ab":
            with refused_checkout():
                issue("invoice", document=order)
        sweep(grace=AT_ONCE)
        out, written = StringIO(), list[int]()

        def watched(**which: Any) -> Iterator[Gap]:
            for gap in flagged_gaps(**which):
                written.append(out.getvalue().count('"number": "INV-'))
                yield gap

        monkeypatch.setattr(ledger_gaps, "flagged_gaps", watched)
        with pytest.raises(CommandError):
            call_command("ledger_gaps", "--json", stdout=out)
        assert written == [0, 1]
        assert [gap["number"] for gap in json.loads(out.getvalue())["gaps"]] == ["INV-0001", "INV-0002"]

    def test_a_table_for_people(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice", document="order:1")
        out = StringIO()
        with pytest.raises(CommandError, match="1 value is left over, and no checkout will take it"):
            call_command("ledger_gaps", "--grace", "0", stdout=out)
        assert "INV-0001" in out.getvalue()
        assert "order:1" in out.getvalue()
        sweep(grace=AT_ONCE)
        with pytest.raises(CommandError, match="1 missing value is not explained"):
            call_command("ledger_gaps", stdout=out)
        assert "not committed" in out.getvalue()

    def test_a_table_of_gaps(self) -> None:
        series("reserved")
        with refused_checkout():
            issue("invoice", document="order:1")
        sweep(grace=AT_ONCE)
        out = StringIO()
        with pytest.raises(CommandError, match="1 missing value is"):
            call_command("ledger_gaps", stdout=out)
        assert "not committed" in out.getvalue()

    def test_nothing_is_missing(self) -> None:
        out = StringIO()
        call_command("ledger_gaps", stdout=out)
        assert out.getvalue() == "Nothing is missing. Every value was looked at.\n"


def test_a_hole_has_a_size() -> None:
    place: dict[str, Any] = {"tenant": "", "series": "invoice", "period": 1, "starts_on": date.min, "ends_on": date.max}
    known: dict[str, Any] = {"number": "INV-0003", "state": State.LOST, "since": None, "evidence": {}}
    hole = Hole(**place, ordinal=0, value=3, through=5, **known)
    assert hole.count == 3
    assert hole.as_dict()["state"] == "lost"
