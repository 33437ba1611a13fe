"""The role of finance defines, opens, closes, explains, declares, acknowledges, adopts, and says who may look."""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from ledger import close_period, define_series, issue, open_next_periods, open_period
from ledger.actions import acknowledge, declare, explain
from ledger.errors import NotGranted
from ledger.gaps import GapRange, find, flag_lost, sweep
from ledger.models import (
    AccessChanged,
    AdoptingRow,
    Adoption,
    Entry,
    GapDeclared,
    GapExplained,
    PeriodChanged,
    SeriesChanged,
    TenantAccess,
)
from ledger.reconciliation import BookSettings, compare, findings
from ledger.reconciliation.files import reconcile_file
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from ledger.series import change_allocation
from ledger.spreadsheets import Layout
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, WORKERS, opened, rows
from tests.roles.routing import everything_to
from tests.shop.models import Organization


def test_series_are_defined_and_changed() -> None:
    series = define_series("credit", template="CN{year}-{counter:03}", by="ada", using=FINANCE)
    define_series("credit", chronological=True, by="ada", using=FINANCE)
    changes = SeriesChanged.objects.using(FINANCE).filter(series=series).order_by("pk")
    assert [(change.actor, change.new.get("chronological")) for change in changes] == [("ada", False), ("ada", True)]
    assert define_series("credit", chronological=True, using=CHECKOUT) == series  # unchanged: nothing to write
    with pytest.raises(NotGranted, match="--purpose finance --apply"):
        define_series("credit", chronological=False, using=CHECKOUT)


def test_periods_are_opened_and_closed() -> None:
    series = define_series("books", template="BK{year}{month}-{counter}", calendar="explicit", using=FINANCE)
    short = open_period(
        series, starts_on=date(2020, 2, 1), ends_on=date(2020, 3, 7), first_value=70, by="ada", using=FINANCE
    )
    with transaction.atomic(using=CHECKOUT):
        assert issue("books", on=date(2020, 3, 1), using=CHECKOUT).value == 70
    assert close_period(short, by="ada", using=FINANCE).closed_at is not None
    assert PeriodChanged.objects.using(FINANCE).get(period=short).actor == "ada"
    assert open_next_periods(ahead_days=1, using=FINANCE)["failed"] == []


def test_an_allocation_is_changed_in_the_middle_of_a_period() -> None:
    series = define_series("switched", template="SW{year}-{counter}", allocation="pooled", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("switched", on=DAY, using=CHECKOUT)
    assert change_allocation("switched", "reserved", by="ada", using=FINANCE) == 0
    assert opened(series).last_value == 1


def test_gaps_are_explained_and_declared() -> None:
    define_series("gone", template="GO{year}-{counter}", allocation="reserved", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("gone", on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    assert sweep(series="gone", grace=timedelta(0), using=WORKERS).flagged == 1
    gap = Entry.objects.using(FINANCE).select_related("period").get(series__code="gone", kind="gap")
    explain(gap, explanation="card refused", by="ada", using=FINANCE)
    declare([GapRange(gap.period, gap.value, gap.value)], authority="BR NF-e", reference="135", using=FINANCE)
    assert GapExplained.objects.using(FINANCE).get(entry=gap).actor == "ada"
    assert GapDeclared.objects.using(FINANCE).filter(period=gap.period).count() == 1
    for act in (
        lambda: explain(gap, explanation="again", using=WORKERS),
        lambda: declare([GapRange(gap.period, 1, 1)], authority="X", reference="1", using=WORKERS),
    ):
        with pytest.raises(NotGranted, match="--purpose finance"):
            act()


def test_lost_values_become_gaps() -> None:
    """As after a disk was lost; here the owner raises the counter, which nobody else can."""
    series = define_series("lost", template="LO{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("lost", on=DAY, using=CHECKOUT)
    rows(OWNER, "UPDATE ledger_period SET last_value = 3 WHERE series_id = %s", [series.pk])
    [hole] = find(series="lost", full=True, using=FINANCE)
    assert flag_lost(hole, by="ada", using=FINANCE) == 2


def test_findings_are_acknowledged() -> None:
    with transaction.atomic(using=CHECKOUT):
        issue("invoice", org="differing", on=DAY, using=CHECKOUT)
    books = BookSettings("books", tenant="differing", grace=timedelta(0))
    policy = ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7))
    save_page(books, begin(books, policy, full=True, using=WORKERS), [], next_cursor=None, using=WORKERS)
    compare(books, using=WORKERS)
    [finding] = findings(tenant="differing", using=FINANCE)
    with pytest.raises(NotGranted, match="--purpose finance"):
        acknowledge(finding, reason="known", using=WORKERS)
    acknowledge(finding, reason="known", by="ada", using=FINANCE)


def test_a_file_is_adopted(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("number,issued_at,void\nold-7,2019-05-05,\nold-9,2019-05-06,yes\n")
    call_command(
        *(
            "ledger_adopt",
            str(file),
            "--series",
            "old",
            "--template",
            "old{year}-{counter:03}",
            "--void-column",
            "void",
        ),
        *("--pattern", r"^\w+-(?P<counter>\d+)$", "--database", FINANCE, "--explain-gaps", "as it came", "--apply"),
        stdout=StringIO(),
    )
    assert Entry.objects.using(FINANCE).filter(series__code="old", kind="adopted", voids__isnull=False).count() == 1
    assert not AdoptingRow.objects.using(FINANCE).exists()
    assert GapExplained.objects.using(FINANCE).filter(adopted_gap__adoption__series__code="old").count() == 1


def test_counters_of_another_system_move_and_old_code_goes_on() -> None:
    """The old table belongs to the host: finance may put a trigger there; old code runs with the checkout's purpose."""
    grants = "GRANT {} ON sequences_sequence TO {}"
    for alias, privileges in ((FINANCE, "ALL"), (CHECKOUT, "SELECT, INSERT, UPDATE"), (WORKERS, "SELECT, UPDATE")):
        [(role,)] = rows(alias, "SELECT quote_ident(session_user)")
        rows(OWNER, grants.format(privileges, role))
    rows(OWNER, "INSERT INTO sequences_sequence (name, last) VALUES ('tickets', 41)")
    with everything_to(FINANCE):
        call_command("ledger_migrate_from", "django-sequences", apply=True, database=FINANCE, stdout=StringIO())
    assert Adoption.objects.using(FINANCE).filter(series__code="tickets").exists()
    old_code = (
        "INSERT INTO sequences_sequence (name, last) VALUES ('tickets', 1)"
        " ON CONFLICT (name) DO UPDATE SET last = sequences_sequence.last + 1 RETURNING last"
    )
    assert rows(CHECKOUT, old_code) == [(42,)]
    with pytest.raises(Exception, match="permission denied for function ledger_issue_serial_many"):
        rows(WORKERS, "UPDATE sequences_sequence SET last = last + 1")


def test_access_is_given_and_taken() -> None:
    shop = Organization(pk=7)
    define_series("invoice", org="a tenant", template="I{year}-{counter:03}", using=FINANCE)
    access = TenantAccess.grant(shop, "a tenant", using=FINANCE)
    access.delete(using=FINANCE)
    kinds = AccessChanged.objects.using(FINANCE).filter(user="shop.organization:7").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["given", "taken"]


def test_books_are_compared_by_the_workers_and_others_are_told(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("No,Date\nX-1,2026-03-01\n")
    layout = Layout(number_column="No", date_column="Date")
    for role in (FINANCE, CHECKOUT):
        with pytest.raises(NotGranted, match="the purpose workers"):
            reconcile_file(file, BookSettings("exports"), layout, dry_run=True, using=role)
    assert reconcile_file(file, BookSettings("exports"), layout, dry_run=True, using=WORKERS).documents == 1
