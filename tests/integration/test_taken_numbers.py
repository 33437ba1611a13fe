"""Numbers that a series would give out and the tenant's ledger has already: they are refused, or skipped."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from ledger import define_series, issue, issue_many, open_period
from ledger.actions import Skipped, explain, skip_taken
from ledger.adoption import adopt
from ledger.errors import AdoptionError, GapError, NumberTaken, UnknownSeries
from ledger.gaps import flagged_gaps, sweep
from ledger.models import Allocation, Entry, Period
from ledger.spreadsheets import Layout
from ledger.verification import verify
from tests.integration.adopting import Write

pytestmark = pytest.mark.django_db(transaction=True)

OWN = [one.value for one in Allocation if one != Allocation.REMOTE]
OLD = {"template": "OLD-{counter:04}", "calendar": "never", "time_zone": "UTC"}

DAY = date(2026, 3, 2)


def take(code: str, document: str = "") -> str:
    with transaction.atomic():
        return str(issue(code, document=document or None, on=DAY))


@pytest.fixture
def squatted(write: Write) -> None:
    """The third number of a series stands in another one, adopted before the series had a period."""
    path = write("INV-2026-000003,2026-02-01")
    adopt(path, series="old", settings=OLD, layout=Layout(pattern=r"^INV-2026-0*(?P<counter>\d+)$"))


@pytest.mark.parametrize("allocation", OWN)
def test_a_taken_number_can_be_skipped(squatted: None, allocation: str) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", allocation=allocation)
    assert [take("invoice", f"order:{n}") for n in (1, 2)] == ["INV-2026-000001", "INV-2026-000002"]
    with pytest.raises(NumberTaken, match="skip_taken"):
        take("invoice", "order:3")
    assert skip_taken("invoice", on=DAY, by="ada") == Skipped(3, "INV-2026-000003")
    assert take("invoice", "order:3") == "INV-2026-000004"
    gap = Entry.objects.get(kind="gap", value=3)
    assert (gap.number, gap.metadata["cause"], gap.actor) == ("INV-2026-000003 (taken)", "number taken", "ada")
    explain(gap, explanation="the system before had it")
    assert [one.number for one in flagged_gaps(unexplained=True)] == []
    assert not [finding for finding in verify() if finding.check != "trigger"]


def test_a_sweep_gets_past_it_by_itself(squatted: None) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", allocation="reserved")
    take("invoice", "order:1"), take("invoice", "order:2")
    with pytest.raises(NumberTaken):
        take("invoice", "order:3")
    assert sweep(grace=timedelta(0)).flagged == 1
    assert take("invoice", "order:3") == "INV-2026-000004"


def test_the_command_skips_too(squatted: None) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    take("invoice")
    skip = ("ledger_gaps", "skip", "invoice", "--on", DAY.isoformat(), "--json")
    with pytest.raises(CommandError, match="'INV-2026-000002' next, which is free"):
        call_command(*skip)
    take("invoice")
    call_command(*skip, stdout=(told := StringIO()))
    assert json.loads(told.getvalue()) == {"value": 3, "number": "INV-2026-000003"}
    assert take("invoice") == "INV-2026-000004"


def test_only_a_taken_number_is_skipped() -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    take("invoice")
    with pytest.raises(GapError, match="'INV-2026-000002' next, which is free"):
        skip_taken("invoice", on=DAY)
    with pytest.raises(GapError, match="no period"):
        skip_taken("invoice", on=date(2031, 1, 1))
    with pytest.raises(UnknownSeries):
        skip_taken("nothing")


def test_a_number_that_a_series_may_still_give_out_is_not_adopted(write: Write) -> None:
    with transaction.atomic():
        issue("invoice", on=DAY)
    path = write("INV-2026-000006,2026-02-01", "X-7,2026-02-02")
    layout = Layout(pattern=r"^(INV-2026-0*|X-)(?P<counter>\d+)$")
    with pytest.raises(
        AdoptionError, match="row 2: the number 'INV-2026-000006' is one that a series of the tenant may"
    ):
        adopt(path, series="old", settings=OLD, layout=layout)


def test_the_database_refuses_it_too() -> None:
    with transaction.atomic():
        issue("invoice", on=DAY)
    define_series("old", template="OLD-{counter:04}", calendar="never")
    other = open_period(define_series("old"), DAY)
    Period.objects.filter(pk=other.pk).update(last_value=9)
    for number in ("INV-2026-000006", "inv-2026-000002", "INV-2026-1000000"):
        with pytest.raises(IntegrityError, match="may still give out"), transaction.atomic():
            Entry.objects.create(
                tenant="", series=other.series, period=other, value=3, kind="adopted", number=number, issued_on=DAY
            )
    for number in ("INV-2025-000006", "INV-2026-6", "INV-2026-000006-A", "INV-2026-"):
        with transaction.atomic():
            Entry.objects.create(
                tenant="", series=other.series, period=other, value=3, kind="adopted", number=number, issued_on=DAY
            )
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV-{counter}", "inv-{counter:06}"),
        ("N-{counter}", "N-1{counter}"),
        ("A{counter}7", "A{counter}"),
        ("N-{counter}-5", "N-1-{counter}"),
    ],
)
def test_formats_that_meet_are_refused_by_the_database(one: str, other: str) -> None:
    """When the second series is defined, and once more when its period is opened."""
    open_period(define_series("one", template=one, calendar="never"))
    settings = {"template": other, "calendar": "never", "time_zone": "UTC"}
    with connection.cursor() as cursor:
        define = "SELECT ledger_define_series('', 'other', %s, '')"
        with pytest.raises(IntegrityError, match="could give out numbers of the series 'one'"):
            cursor.execute(define, [json.dumps(settings)])
        cursor.execute(define, [json.dumps({**settings, "is_active": False})])
        cursor.execute("SELECT ledger_open_period('', 'other', %s)", [DAY])
        assert cursor.fetchone()[0].startswith("conflict")
    assert Period.objects.count() == 1


def test_formats_that_the_length_limit_keeps_apart_are_accepted() -> None:
    open_period(define_series("long", template="2{counter:09}", calendar="never", max_length=10))
    open_period(define_series("short", template="{counter:09}", calendar="never", max_length=9))
    assert [take("long"), take("short")] == ["2000000001", "000000001"]


def test_two_runs_of_one_prefix_stand_side_by_side() -> None:
    """As authorised ranges do."""
    first = open_period(define_series("one", template="N{year}-{counter}"), DAY)
    Period.objects.filter(pk=first.pk).update(max_value=100)
    row = Period.objects.get(pk=first.pk)
    row.pk, row.ordinal, row.first_value, row.last_value, row.max_value = None, 1, 101, 100, 200
    with transaction.atomic():
        row.save(force_insert=True)
    row.pk, row.ordinal, row.first_value, row.last_value, row.max_value = None, 2, 150, 149, 300
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_a_block_stops_before_a_taken_number(squatted: None) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    with pytest.raises(NumberTaken), transaction.atomic():
        issue_many("invoice", documents=["a", "b", "c"], on=DAY)
    assert Entry.objects.filter(kind="issued").count() == 0
