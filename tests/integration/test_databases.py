"""Two ledgers, and a replica that lags: what is passed is of the database that it was read from, and what writes reads
from where it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from ledger import (
    add_reference,
    close_period,
    define_series,
    errors as e,
    issue,
    issue_many,
    open_next_periods,
    open_period,
    preview,
    void,
)
from ledger.actions import acknowledge, change_allocation, declare, explain, flag_lost, skip_taken
from ledger.gaps import GapRange, find, flagged_gaps, sweep, undeclared
from ledger.models import Entry, FindingRaised, GapExplained, NumberVoided, Period, Series
from ledger.reconciliation import BookSettings, compare, findings
from ledger.reconciliation.mirror import begin, save_page
from ledger.sweeps import registered, run
from tests.databases import database_alias, migrated_database, new_database
from tests.integration.paper_books import POLICY, Paper
from tests.provision import database_url
from tests.shop.models import Order, Organization
from tests.shop.numbered import Invoice

DAY = date(2026, 3, 1)
FIRST, OTHER = "first_ledger", "other_ledger"


class Shop:
    """A ledger with an issued number, a gap, a lost value and a finding, of a tenant of its own."""

    def __init__(self, alias: str, tenant: str, prefix: str) -> None:
        self.alias, self.tenant = alias, tenant
        its: dict[str, Any] = {"org": tenant, "using": alias}
        self.series = define_series(
            "invoice",
            template=f"{prefix}-{{year}}-{{counter}}",
            calendar="year",
            allocation="reserved",
            time_zone="UTC",
            **its,
        )
        self.period = open_period("invoice", DAY, **its)
        with transaction.atomic(using=alias):
            self.entry = issue("invoice", on=DAY, document="order:1", **its)
            str(self.entry)
        with transaction.atomic(using=alias):
            str(issue("invoice", on=DAY, document="order:2", **its))
            transaction.set_rollback(True, using=alias)
        sweep(org=tenant, grace=timedelta(0), using=alias)
        self.gap = Entry.objects.using(alias).get(tenant=tenant, kind="gap")
        books = BookSettings("books", tenant=tenant, grace=timedelta(0))
        reading = begin(books, POLICY, full=True, using=alias)
        save_page(books, reading, [Paper("1", f"{prefix}-2026-77")], next_cursor=None, using=alias)
        compare(books, using=alias)
        self.finding = FindingRaised.objects.using(alias).filter(tenant=tenant).earliest("pk")


@pytest.fixture
def shops(django_db_blocker: Any) -> Iterator[tuple[Shop, Shop]]:
    """Two ledgers, neither in the default database."""
    with (
        migrated_database("folio_first") as first,
        migrated_database("folio_other") as other,
        database_alias(FIRST, first),
        database_alias(OTHER, other),
        django_db_blocker.unblock(),
    ):
        yield Shop(FIRST, "", "A"), Shop(OTHER, "", "B")


def test_a_row_is_of_the_database_that_it_was_read_from(shops: tuple[Shop, Shop]) -> None:
    """Each act without ``using``: by its id alone, it would find another row, or no row."""
    here, there = shops
    assert void(there.entry, reason="returned")._state.db == OTHER
    assert add_reference(there.entry, authority="PL KSeF", reference="K-1")._state.db == OTHER
    assert explain(there.gap, explanation="card refused")._state.db == OTHER
    [told] = flagged_gaps(using=OTHER)
    assert explain(told, explanation="card refused", by="ann")._state.db == OTHER
    assert acknowledge(there.finding, reason="by hand")._state.db == OTHER
    assert acknowledge(next(findings(using=OTHER)), reason="by hand", by="ann")._state.db == OTHER
    assert [each.first for each in undeclared(there.period, "tax office")] == [2]
    [declared] = declare([GapRange(there.period, 2, 2)], authority="tax office", reference="R1")
    assert declared._state.db == OTHER
    assert open_period(there.series, date(2027, 1, 1))._state.db == OTHER
    assert define_series(there.series, max_length=30)._state.db == OTHER
    assert preview(there.series, on=DAY) == "B-2026-3"
    with transaction.atomic(using=OTHER):
        assert str(issue(there.series, on=DAY)) == "B-2026-3"
        assert [str(one) for one in issue_many(there.series, documents=["x"], on=DAY)] == ["B-2026-4"]
    assert open_next_periods(series=[there.series])["failed"] == []
    with pytest.raises(e.GapError):
        skip_taken(there.series, on=DAY)
    assert change_allocation(there.series, "serial") == 0
    assert close_period(there.period, early=True, by="ann")._state.db == OTHER
    # Nothing of it happened in the other one.
    for model in (NumberVoided, GapExplained):
        assert not model._base_manager.using(here.alias).exists()
    assert Series.objects.using(here.alias).get().allocation == "reserved"
    assert Period.objects.using(here.alias).get().closed_at is None
    assert Entry.objects.using(here.alias).count() == 2


def test_a_lost_value_is_flagged_where_it_was_found(shops: tuple[Shop, Shop]) -> None:
    there = shops[1]
    Period.objects.using(OTHER).filter(pk=there.period.pk).update(last_value=3)
    [hole] = [hole for hole in find(full=True, using=OTHER) if hole.value == 3]
    assert flag_lost(hole) == 1
    assert Entry.objects.using(OTHER).get(value=3).kind == "gap"


@pytest.mark.parametrize("act", ["void", "register", "explain", "close", "acknowledge", "declare"])
def test_an_id_is_not_taken_for_that_of_another_row(shops: tuple[Shop, Shop], act: str) -> None:
    """``using`` names a database where the same id means something else: both ledgers were made alike."""
    here, there = shops
    for mine in ("entry", "gap", "period", "finding"):
        assert getattr(here, mine).pk == getattr(there, mine).pk
    acts: dict[str, Callable[[], Any]] = {
        "void": lambda: void(there.entry, reason="returned", using=FIRST),
        "register": lambda: add_reference(there.entry, authority="a", reference="r", using=FIRST),
        "explain": lambda: explain(there.gap, explanation="card refused", using=FIRST),
        "close": lambda: close_period(there.period, early=True, using=FIRST),
        "acknowledge": lambda: acknowledge(there.finding, reason="by hand", using=FIRST),
        "declare": lambda: declare([GapRange(there.period, 2, 2)], authority="a", reference="r", using=FIRST),
    }
    with pytest.raises(e.WrongDatabase, match="is not in 'first_ledger'"):
        acts[act]()


class Lagging:
    """What most projects write: reads go to the replica, writes to the primary."""

    def __init__(self, primary: str = "default") -> None:
        self.primary = primary

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return OTHER

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self.primary

    def allow_relation(self, *rows: Any, **hints: Any) -> bool:
        return True


@pytest.fixture
def replica() -> Iterator[None]:
    """It was there before the test began, which may therefore not ask it anything: Django would raise."""
    with database_alias(OTHER, database_url()):
        yield


@pytest.fixture
def lagging(replica: None, transactional_db: None, settings: Any) -> None:
    """Reading is left to a replica, which has nothing yet."""
    settings.DATABASE_ROUTERS = [Lagging()]


@pytest.mark.parametrize("allocation", ["serial", "at_commit", "pooled", "reserved"])
def test_what_writes_reads_from_where_it_writes(lagging: None, allocation: str) -> None:
    org = Organization.objects.create(name="Kestrel")
    define_series("invoice", org=org, template="A-{year}-{counter}", allocation=allocation, time_zone="UTC", by="ann")
    define_series("invoice", org=org, max_days_ahead=500)
    with transaction.atomic():
        order = Order.objects.create(org=org)
        entry = issue("invoice", org=org, document=order, on=DAY)
        str(entry)
        assert str(issue("invoice", org=org, document=order, on=DAY)) == "A-2026-1"
        [block] = issue_many("invoice", org=org, documents=["x"], on=DAY)
        assert str(block) == "A-2026-2"
    with transaction.atomic(), pytest.raises(e.DocumentConflict):
        issue("invoice", org=org, document=order, on=DAY, metadata={"other": 1})
    assert void(entry, reason="returned", by="ann").repeated is False
    assert void(entry, reason="returned", by="ann").repeated is True
    with pytest.raises(e.AlreadyVoided, match="by ann"):
        void("A-2026-1", org=org, reason="again")
    invoice = Invoice.objects.create(org=org, dated=DAY)
    assert invoice.number == "A-2026-3"
    late = open_period("invoice", date(2027, 1, 1), org=org)
    assert change_allocation("invoice", "reserved", org=org) == 0
    with transaction.atomic():
        str(issue("invoice", org=org, on=DAY))
        transaction.set_rollback(True)
    sweep(grace=timedelta(0))
    number = next(gap.number for gap in flagged_gaps(using="default"))
    assert explain(number, org=org, explanation="card refused").repeated is False
    assert close_period(Period.objects.using("default").get(starts_on=date(2026, 1, 1)), early=True).closed_at
    assert close_period(late, early=True, by="ann").closed_at
    for each in registered():
        assert run(each.name).error == "", each.name


def test_a_row_of_a_replica_is_written_where_the_router_writes(django_db_blocker: Any, settings: Any) -> None:
    """The replica is as the primary was a moment ago."""
    with migrated_database("folio_primary") as primary, database_alias(FIRST, primary), django_db_blocker.unblock():
        here = Shop(FIRST, "", "A")
        connections[FIRST].close()
        name = connections[FIRST].settings_dict["NAME"]
        with new_database("folio_replica", template=name) as replica, database_alias(OTHER, replica):
            settings.DATABASE_ROUTERS = [Lagging(FIRST)]
            entry, period = Entry.objects.get(pk=here.entry.pk), Period.objects.get()
            assert {entry._state.db, period._state.db} == {OTHER}
            assert void(entry, reason="returned")._state.db == FIRST
            assert close_period(period, early=True)._state.db == FIRST
            settings.DATABASE_ROUTERS = []
            assert void(entry, reason="returned")._state.db == OTHER


def test_commands_write_where_the_router_writes(lagging: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ledger_series", "create", "invoice", "--template", "A-{year}-{counter}", "--time-zone", "UTC")
    call_command("ledger_period", "open", "invoice", "--on", "2026-03-01")
    call_command("ledger_period", "close", "invoice", "--on", "2026-03-01", "--early")
    call_command("ledger_series", "show", "invoice")
    assert "A-2026-1" in capsys.readouterr().out
    assert Period.objects.using("default").get().closed_at is not None
