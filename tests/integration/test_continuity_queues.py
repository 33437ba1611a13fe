"""The continuity report of series that give out values ahead: free slots and reservations are accounted for too."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from django.core.management import call_command
from django.db import connection

from ledger import issue, preview
from ledger.models import Period
from ledger.reports.continuity import PeriodSummary, summarise
from tests.integration.queues import DAY, pooled, reserve, reserving, take
from tests.integration.test_continuity import flag

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine ``ledger_status`` would say one thing more: see test_slow_commits.py."""
    monkeypatch.setattr("ledger.management.commands.ledger_status.commit_seconds", lambda alias: 0.0)


def only_summary() -> PeriodSummary:
    (summary,) = summarise()
    return summary


def tamper(statement: str) -> None:
    """Run a statement as a superuser could, who switches the guards off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_slot DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE ledger_reservation DISABLE TRIGGER USER")
        cursor.execute(statement)


class TestAPool:
    def test_an_unused_pool_is_no_run_of_values(self) -> None:
        pooled()
        found = only_summary()
        assert (found.first, found.last, found.expected, found.missing) == (1, 0, 0, 0)
        assert (found.free, found.healing, found.ahead) == (16, 0, 16)
        assert (found.next_number, found.identity_holds) == ("T2026-1", True)

    def test_ends_with_the_highest_number_and_not_with_what_was_minted(self) -> None:
        pooled()
        for _ in range(3):
            issue("till", on=DAY)
        found = only_summary()
        assert (found.last, found.highest, found.expected, found.issued, found.missing) == (3, 3, 3, 3, 0)
        assert (found.free, found.healing, found.ahead) == (13, 0, 13)
        assert (found.next_number, found.identity_holds) == ("T2026-4", True)

    def test_has_values_that_are_missing_until_they_heal(self) -> None:
        period = pooled()
        for value in (3, 4, 6):
            take(period, value)
        found = only_summary()
        assert (found.lowest, found.highest, found.last, found.expected) == (3, 6, 6, 6)
        assert (found.issued, found.missing, found.missing_ranges, found.longest_range) == (3, 3, 2, 2)
        assert (found.free, found.healing, found.ahead) == (13, 3, 10)
        assert (found.next_number, found.identity_holds) == ("T2026-1", True)
        for healed in (1, 2, 5, 7):
            assert issue("till", on=DAY).value == healed
        assert (only_summary().missing, only_summary().healing, only_summary().identity_holds) == (0, 0, True)

    def test_a_pool_with_flagged_gaps_counts_them(self) -> None:
        period = pooled()
        take(period, 2)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_claim_gap('', %s, 1, 'test', '', true)", [period.pk])
            assert cursor.fetchone() == ("flagged",)
        found = only_summary()
        assert (found.flagged, found.issued, found.healing, found.identity_holds) == (1, 1, 0, True)

    def test_a_pool_that_gives_nothing_back_continues_above_the_highest(self) -> None:
        take(pooled(give_back=False), 3)
        assert only_summary().next_number == "T2026-4"
        assert issue("till", on=DAY).value == 4

    def test_at_the_last_value_still_has_a_next_number(self) -> None:
        period = pooled(start_value=84, max_length=8)
        assert period.last_value == period.max_value == 99
        for value in range(84, 99):
            take(period, value)
        assert only_summary().next_number == "T2026-99"
        issue("till", on=DAY)
        assert (only_summary().next_number, only_summary().identity_holds) == (None, True)

    def test_a_series_that_has_become_serial_gives_out_no_slot(self) -> None:
        period = pooled()
        take(period, 3)
        period.series.allocation = "serial"
        period.series.save()
        found = only_summary()
        assert (found.next_number, found.healing, found.ahead, found.identity_holds) == ("T2026-17", 2, 13, True)

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM ledger_slot WHERE value = 1",
            "DELETE FROM ledger_slot WHERE value = 9",
            "DELETE FROM ledger_slot WHERE value >= 15",
            "DELETE FROM ledger_slot",
            "INSERT INTO ledger_slot (tenant, period_id, value) SELECT '', period_id, 17 FROM ledger_slot LIMIT 1",
            "INSERT INTO ledger_slot (tenant, period_id, value) SELECT '', period_id, 3 FROM ledger_slot LIMIT 1",
        ],
    )
    def test_a_pool_that_was_tampered_with_does_not_add_up(self, statement: str) -> None:
        take(pooled(), 3)
        assert only_summary().identity_holds
        tamper(statement)
        assert not only_summary().identity_holds


class TestReservations:
    def test_are_accounted_for_until_they_are_entries_or_gaps(self) -> None:
        period = reserving()
        reserve(period)
        issue("shown", on=DAY)
        reserve(period)
        found = only_summary()
        assert (found.first, found.last, found.lowest, found.highest) == (1, 3, 1, 3)
        assert (found.expected, found.issued, found.reserved, found.missing) == (3, 1, 2, 0)
        assert (found.next_number, found.identity_holds) == ("S2026-4", True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_claim_gap('', %s, 1, 'test', '', false)", [period.pk])
        assert (only_summary().flagged, only_summary().reserved, only_summary().identity_holds) == (1, 1, True)

    def test_are_nobodys_predecessor(self) -> None:
        period = reserving()
        issue("shown", on=date(2026, 5, 2))
        reserve(period, on=date(2026, 12, 1))  # later than all that follows, but no document
        flag(period, 3)
        issue("shown", on=date(2026, 5, 1))  # earlier than number 1, across a reservation and a gap
        reserve(period, on=date(2026, 1, 1))
        issue("shown", on=date(2026, 5, 1))
        found = only_summary()
        assert (found.issued, found.reserved, found.flagged, found.out_of_order) == (3, 2, 1, 1)
        assert found.identity_holds

    def test_lost_reservations_do_not_add_up(self) -> None:
        period = reserving()
        issue("shown", on=DAY)
        reserve(period)
        tamper("DELETE FROM ledger_reservation")
        assert (only_summary().missing, only_summary().identity_holds) == (1, False)


class TestTheCommand:
    def test_shows_both(self) -> None:
        take(pooled(), 2)
        reserve(reserving())
        out = io.StringIO()
        call_command("ledger_status", stdout=out)
        *table, note, verdict = out.getvalue().splitlines()
        header, shown, till = (line.split("  ") for line in table)
        rows = [
            dict(zip([c.strip() for c in header if c], [c.strip() for c in line if c], strict=True))
            for line in (shown, till)
        ]
        assert [(r["series"], r["last"], r["+ reserved"], r["+ missing"], r["healing"], r["ahead"]) for r in rows] == [
            ("shown", "1", "1", "0", "0", "0"),
            ("till", "2", "0", "1", "1", "14"),
        ]
        assert [(r["next"], r["state"]) for r in rows] == [("S2026-2", "in order"), ("T2026-1", "in order")]
        assert verdict == "In order. Every value was looked at."
        assert note == "1 of the missing values are free: the next checkouts take them."

    def test_shows_json(self) -> None:
        take(pooled(), 2)
        out = io.StringIO()
        call_command("ledger_status", "--json", stdout=out)
        (told,) = json.loads(out.getvalue())["periods"]
        assert (told["free"], told["healing"], told["ahead"], told["reserved"], told["last"]) == (15, 1, 14, 0, 2)

    def test_names_the_same_next_number_as_preview(self) -> None:
        take(pooled(), 2)
        assert Period.objects.get().last_value == 16
        assert preview("till", on=DAY) == only_summary().next_number == "T2026-1"
