"""A tenant moves to another home: every row as it is, nothing lost or doubled, and the old home refuses it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import date, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.test import Client

from ledger import (
    authorise,
    close_period,
    define_series,
    homes,
    issue,
    issue_many,
    issuing,
    moving,
    open_period,
    preview,
    void,
)
from ledger.actions import change_allocation, explain
from ledger.errors import ConcurrencyError, MoveError, TenantMoved
from ledger.failures import Failures
from ledger.gaps import flagged_gaps, sweep
from ledger.judging import judge
from ledger.models import Entry, GapExplained, LedgerSeal, Period, Series, TenantAccess, TenantMove
from ledger.references import add_reference
from ledger.reports.report import continuity_report
from ledger.seals import sealing
from ledger.seals.sealing import seal_all, tenants_with_news
from ledger.sweeps import run
from ledger.verification import verify
from ledger.verification.seals import verify_seals
from tests.concurrency.checkouts import checkouts
from tests.homes import conftest
from tests.homes.conftest import TENANTS

OLD, NEW = "first:north", "second:south"
ALLOCATIONS = ("serial", "at_commit", "pooled", "reserved")


@pytest.fixture
def shop(four: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tenant ada in the first home, with a bit of everything; a move takes effect at once."""
    where = dict(TENANTS)
    monkeypatch.setattr(conftest, "TENANTS", where)
    for allocation in ALLOCATIONS:
        define_series(
            allocation,
            org="ada",
            template=f"{allocation[0].upper()}-{{year}}-{{counter}}",
            allocation=allocation,
            close_after_days=3,
        )
        with transaction.atomic(using=OLD):
            number = issue(allocation, org="ada", document="order:1")
            issue_many(allocation, org="ada", documents=["order:2", "order:3"], metadata={"till": 7})
        void(number, reason="returned")
    with transaction.atomic(using=OLD):
        str(issue("reserved", org="ada", document="order:9"))
        transaction.set_rollback(True, using=OLD)
    sweep(org="ada", grace=timedelta(0), using=OLD)
    [gap] = flagged_gaps(org="ada")
    explain(gap, explanation="card refused", by="ann")
    close_period(open_period("serial", org="ada"), early=True)
    TenantAccess.objects.using(OLD).create(tenant="ada", user="auth.user:7")
    define_series("granted", org="ada", template="{label}{counter}", calendar="explicit", time_zone="UTC")
    grant: dict[str, Any] = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31), "authority": "CO DIAN"}
    for first in (8, 20):
        authorise("granted", org="ada", first=first, last=first + 1, prefix="G", reference=f"R-{first}", **grant)
    with transaction.atomic(using=OLD):
        issue("granted", org="ada", document="order:1", on=date(2026, 6, 1))
    return "ada"


def hook(tenant: str, old: str, new: str) -> None:
    """The function in the setting knows the new home."""
    conftest.TENANTS[tenant] = new


def rows(home: str) -> dict[str, list[Any]]:
    found = {}
    for model in moving.tables():
        names = [one.attname for one in model._meta.concrete_fields if one.attname != "moves"]
        keys = [one.attname for one in model._meta.pk_fields]
        found[model.__name__] = list(
            model._base_manager.using(home).filter(tenant="ada").order_by(*keys).values_list(*names)
        )
    return found


def test_every_row_is_there_unchanged_and_numbers_go_on(shop: str) -> None:
    before = rows(OLD)
    assert all(
        before[name]
        for name in ("Series", "Period", "Entry", "NumberVoided", "GapExplained", "Slot", "Pool", "AuthorisedRange")
    )
    moved = moving.move(shop, NEW, hook=hook)
    assert moved == sum(map(len, before.values()))
    assert rows(NEW) == before
    assert homes.home_of(shop) == NEW
    for allocation in ALLOCATIONS[1:]:
        with transaction.atomic(using=NEW):
            assert issue(allocation, org=shop, document="order:1x").number == f"{allocation[0].upper()}-" + (
                f"{Period.objects.using(NEW).get(series__code=allocation).starts_on.year}-"
                f"{5 if allocation == 'reserved' else 4}"
            )
    # In the granted range, then in the next one.
    with transaction.atomic(using=NEW):
        told = [issue("granted", org=shop, document=f"order:{n}", on=date(2026, 6, 1)).number for n in (1, 2, 3)]
    assert told == ["G8", "G9", "G20"]
    assert Entry.objects.using(NEW).get(number="G20").authorised_range.reference == "R-20"  # type: ignore[union-attr]
    # The tests' own role is a superuser, which owns the ledger.
    assert {alarm.check for alarm in verify(tenant=shop, using=NEW)} == {"superuser"}
    assert judge(org=shop, sweeps=[]).verdict.is_in_order


def test_the_old_home_refuses_and_is_left_aside(shop: str) -> None:
    moving.move(shop, NEW, hook=lambda *_: None)  # the setting doesn't know yet
    for allocation in ALLOCATIONS[1:]:  # the period of serial is closed
        with pytest.raises(TenantMoved, match="has moved to the home 'second:south'"), transaction.atomic(using=OLD):
            str(issue(allocation, org=shop, document="late"))
    with pytest.raises(TenantMoved):
        void(f"P-{Period.objects.using(OLD).first().starts_on.year}-2", org=shop, reason="late")  # type: ignore[union-attr]
    with pytest.raises(TenantMoved), transaction.atomic(using=OLD):
        issue("invoice", org=shop)  # would make a default series
    assert not Series.objects.using(OLD).filter(code="invoice").exists()
    for name in ("open_next_periods", "refill_pools", "flag_gaps", "close_periods", "heal", "seal"):
        assert run(name, using=OLD).error == ""
    assert judge(sweeps=[], using=OLD).verdict.is_in_order
    assert LedgerSeal.objects.using(OLD).filter(tenant="ada").count() == 0


def test_pages_show_no_old_copy(shop: str, root: User, client: Client) -> None:
    period = Period.objects.using(OLD).filter(tenant=shop).latest("pk").pk
    moving.move(shop, NEW, hook=hook)
    client.force_login(root)
    found = {home: client.get(f"/ledger/period/{period}/", {"home": home}).status_code for home in (OLD, NEW)}
    assert found == {OLD: 404, NEW: 200}


def test_nobody_but_the_move_passes_the_guards(shop: str) -> None:
    moving.move(shop, NEW, hook=hook)
    for home in (OLD, NEW):
        for function in ("ledger_move(text, text, text, text)", "ledger_set_home(integer)"):
            with connections[home].cursor() as cursor:  # its owner alone, whatever a role was granted
                cursor.execute("SELECT has_function_privilege('pg_read_all_data', %s, 'EXECUTE')", [function])
                assert not cursor.fetchone()[0]
        for statement in ("DELETE FROM ledger_gapexplained", "DELETE FROM ledger_accesschanged"):
            with pytest.raises(DatabaseError, match="append-only"), connections[home].cursor() as cursor:
                cursor.execute(statement)
    with pytest.raises(DatabaseError), transaction.atomic(using=NEW):
        Entry._base_manager.using(NEW).create(tenant=shop, series_id=1, period_id=1, value=1, number="x", kind="issued")


def test_it_goes_on_where_it_was_interrupted(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(OLD)

    class Interrupted(Exception):
        pass

    def interrupted(*_: Any) -> None:
        raise Interrupted

    for step in ("_later_era", "_copy", "_digest"):
        with monkeypatch.context() as patch:
            patch.setattr(moving, step, interrupted)
            with pytest.raises(Interrupted):
                moving.move(shop, NEW)
        assert not any(rows(NEW).values())
        with pytest.raises(TenantMoved), transaction.atomic(using=OLD):
            issue("pooled", org=shop)
    with pytest.raises(Interrupted):
        moving.move(shop, NEW, hook=interrupted)
    assert not any(rows(NEW).values())
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_expect_digest", lambda home, *_: interrupted() if home == OLD else None)
        with pytest.raises(Interrupted):
            moving.move(shop, NEW, hook=hook)
    assert TenantMove.objects.using(OLD).get().state == "leaving"
    moving.move(shop, NEW)  # the setting knows the new home already
    assert TenantMove.objects.using(OLD).get().state == "left"
    assert rows(NEW) == before


def test_who_looks_at_the_ledger_as_it_was_is_waited_for(shop: str) -> None:
    """A snapshot from before the move doesn't see it, so a transaction with one may still write."""
    with checkouts(1) as [till]:

        def begin() -> transaction.Atomic:
            atomic = transaction.atomic(using=OLD)
            atomic.__enter__()
            with connections[OLD].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT 1")
            return atomic

        atomic = till.run(begin)
        with pytest.raises(MoveError, match="1 transactions of 'first:north' from before the move still run after"):
            moving.move(shop, NEW, patience=0.2)
        number = till.run(lambda: str(issue("pooled", org=shop)))
        till.run(lambda: atomic.__exit__(None, None, None))
        till.run(connections.close_all)
    moving.move(shop, NEW, hook=hook)
    assert Entry.objects.using(NEW).filter(tenant=shop, number=number).exists()


def test_a_period_that_was_about_to_be_opened_numbers_nothing(shop: str) -> None:
    """Its checkout had begun when the tenant began to leave, and continued when that was done."""
    define_series("fresh", org=shop, template="F-{year}-{counter}", allocation="pooled")
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid'))"
    with checkouts(1) as [till]:
        with transaction.atomic(using=OLD), connections[OLD].cursor() as cursor:
            cursor.execute("SELECT ledger_move(%s, 'leaving', %s, '')", [shop, NEW])
            opened = till.do(lambda: open_period("fresh", org=shop))
            while not opened.done():
                cursor.execute(waits)
                if cursor.fetchone()[0]:
                    break
        period = opened.result(30)
        till.run(connections.close_all)
    assert not Period.objects.using(OLD).get(pk=period.pk).moves
    moving.move(shop, NEW, hook=hook)
    assert Period.objects.using(OLD).get(pk=period.pk).moves
    conftest.TENANTS[shop] = OLD
    homes.forget(shop)
    with pytest.raises(TenantMoved), transaction.atomic(using=OLD):
        str(issue("fresh", org=shop))


def test_nothing_is_written_for_a_tenant_that_is_away(shop: str) -> None:
    """Not even sweeps that began before may keep anything of it: otherwise its copy couldn't be dropped."""
    with transaction.atomic(using=OLD):
        held = issue("pooled", org=shop)
    period = Period.objects.using(OLD).get(pk=held.period_id)
    moving.move(shop, NEW, hook=hook)
    before = rows(OLD)
    alarm = {
        "tenant": shop,
        "kind": "hole",
        "problem": "x",
        "remedy": "y",
        "series": "",
        "number": "",
        "table_name": "",
    }
    with connections[OLD].cursor() as cursor:
        calls: list[tuple[str, list[Any]]] = [
            ("ledger_remember_scan(%s, %s, %s)", [[shop], [period.pk], [1]]),
            ("ledger_report_holes(%s, %s, %s)", [[shop], [period.pk], [period.last_value]]),
            ("ledger_raise_alarms(%s)", [json.dumps([alarm])]),
            ("ledger_heal()", []),
            ("ledger_resolve_mended()", []),
        ]
        for statement, arguments in calls:
            cursor.execute(f"SELECT {statement}", arguments)
    assert rows(OLD) == before
    moving.drop(shop, OLD)


WRITES: dict[str, Callable[[str], Any]] = {
    "issue": lambda home: issue("pooled", org="ada", document="order:late"),
    "issue_many": lambda home: issue_many("reserved", org="ada", documents=["order:late"]),
    "issue, for its document": lambda home: issue("at_commit", org="ada", document="order:2", metadata={"till": 7}),
    "issue, in a range": lambda home: issue("granted", org="ada", document="order:1", on=date(2026, 6, 1)),
    "replace": lambda home: issue("pooled", org="ada", document="order:1", replaces=_numbers("pooled", 1)),
    "void": lambda home: void(_numbers("pooled", 2), org="ada", reason="late"),
    "void an entry": lambda home: void(_entry("pooled", 3), reason="late"),
    "register": lambda home: add_reference(_numbers("pooled", 1), org="ada", authority="PL KSeF", reference="k"),
    "explain": lambda home: explain(_numbers("reserved", 4), org="ada", explanation="late", by="bea"),
    "define": lambda home: define_series("pooled", org="ada", max_length=40),
    "allocate": lambda home: change_allocation("at_commit", "serial", org="ada"),
    "open": lambda home: open_period("pooled", org="ada"),
    "close": lambda home: close_period(_entry("pooled", 1).period, early=True),
    "grant": lambda home: TenantAccess.grant(User(pk=8), "ada"),
}
READS: dict[str, Callable[[str], Any]] = {
    "preview": lambda home: preview("pooled", org="ada"),
    "report": lambda home: _report(),
    "gaps": lambda home: [gap.number for gap in flagged_gaps(org="ada")],
    "judge": lambda home: judge(org="ada", sweeps=[]).verdict.is_in_order,
    "command": lambda home: call_command("ledger_status", "--tenant", "ada", stdout=StringIO()),
}


def _entry(code: str, value: int) -> Entry:
    """As somebody read it before, in the first home."""
    return KEPT[code, value]


def _numbers(code: str, value: int) -> str:
    return KEPT[code, value].number


def _report() -> list[str]:
    with continuity_report(org="ada") as report:
        return [str(row) for row in report.parts[0].rows()]


KEPT: dict[tuple[str, int], Entry] = {}


@pytest.fixture
def kept(shop: str) -> str:
    """The entries of the shop, in the hands of somebody who read them before the move."""
    found = Entry.objects.using(OLD).filter(tenant=shop).select_related("series", "period", "period__series")
    KEPT.update({(entry.series.code, entry.value): entry for entry in found})
    return shop


def _answers(acts: dict[str, Callable[[str], Any]], home: str) -> dict[str, str]:
    """The answer to each act in a transaction of that home, which is rolled back."""
    told = {}
    for name, act in acts.items():
        try:
            with transaction.atomic(using=home):
                act(home)
                transaction.set_rollback(True, using=home)
            told[name] = "done"
        except Exception as error:  # noqa: BLE001  (told by the test)
            told[name] = type(error).__name__
            if not isinstance(error, TenantMoved):
                told[name] = repr(error)
    return told


@pytest.mark.parametrize("moment", ["leaving", "arriving", "left", "dropped", "arrived, of late"])
def test_nobody_is_told_that_there_is_nothing(kept: str, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """In both homes, at each moment: writers get an error that says to try again, readers get their answer."""
    with transaction.atomic(using=OLD):
        late = issue_many(
            "at_commit", org=kept, documents=["late:1", "late:2"]
        )  # a block's numbers are read when asked for
    expected = {name: act(OLD) for name, act in READS.items()}

    def interrupted(*_: Any) -> None:
        raise InterruptedError

    home = NEW if moment.startswith("arriv") else OLD
    with monkeypatch.context() as patch, suppress(InterruptedError):
        if moment in ("leaving", "arriving"):
            patch.setattr(moving, "_later_era" if moment == "leaving" else "_copy", interrupted)
        moving.move(kept, NEW)
    if moment == "dropped":
        moving.drop(kept, OLD)
        with pytest.raises(TenantMoved):  # and not that it was rolled back
            str(late[0])
    monkeypatch.setitem(conftest.TENANTS, kept, home)  # as a process that heard of it too early, or too late
    homes.forget(kept)
    assert {name: act(home) for name, act in READS.items()} == expected
    if moment == "arrived, of late":
        assert _answers(WRITES, NEW) == dict.fromkeys(WRITES, "done")
        return
    conftest.TENANTS[kept] = home
    homes.forget(kept)
    assert _answers(WRITES, home) == dict.fromkeys(WRITES, "TenantMoved")


@pytest.mark.parametrize("name", ["issue", "replace", "void", "register", "explain", "close", "define", "report"])
def test_a_tenant_that_arrives_between_two_looks_is_found(
    kept: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What wasn't found before the move ended is there after it; no error says that it doesn't exist."""
    moving._later_era(OLD, NEW)  # else the move would wait for our transaction
    act, refuse_moved = {**WRITES, **READS}[name], homes.refuse_moved
    moved: list[int] = []

    def move() -> int:
        try:
            return moving.move(kept, NEW, source=OLD, patience=5)
        finally:
            connections.close_all()

    def refuse(alias: str, tenant: str) -> bool:
        if not moved:
            with ThreadPoolExecutor(1) as elsewhere:
                moved.append(elsewhere.submit(move).result())
        return refuse_moved(alias, tenant)

    monkeypatch.setattr(homes, "refuse_moved", refuse)
    monkeypatch.setitem(conftest.TENANTS, kept, NEW)
    homes.forget(kept)

    def attempt() -> None:
        with nullcontext() if name in READS else transaction.atomic(using=NEW):
            act(NEW)

    with suppress(ConcurrencyError):
        attempt()
    assert moved
    attempt()


@pytest.mark.parametrize("late", ["make_default_series", "find_series"])
def test_a_tenant_that_arrives_while_a_number_is_asked_for_gets_it(
    kept: str, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """The database knew no such series, and a moment later it does: right away, or after the last look for it."""
    moving._later_era(OLD, NEW)  # else the move would wait for our transaction
    look = getattr(issuing, late)

    def move() -> None:
        moving.move(kept, NEW, source=OLD, patience=5)
        connections.close_all()

    def looked(*asked: Any, **named: Any) -> Any:
        found = look(*asked, **named)
        monkeypatch.setattr(issuing, late, look)
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(move).result()
        return found

    monkeypatch.setattr(issuing, late, looked)
    monkeypatch.setitem(conftest.TENANTS, kept, NEW)
    homes.forget(kept)
    told = nullcontext() if late == "make_default_series" else pytest.raises(TenantMoved, match="Run the whole")
    with told, transaction.atomic(using=NEW):
        issue("pooled", org=kept, document="late")
    with transaction.atomic(using=NEW):
        assert issue("pooled", org=kept, document="late").value == 4


def test_a_snapshot_from_before_is_told_to_try_again(kept: str) -> None:
    """In the new home it sees neither the rows nor the move."""
    with checkouts(1) as [till]:

        def begin() -> None:
            transaction.atomic(using=NEW).__enter__()
            with connections[NEW].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT 1")

        till.run(begin)
        try:
            moving.move(kept, NEW, hook=hook)
            for name in ("issue", "void", "explain", "define"):
                with pytest.raises(TenantMoved):
                    till.run(partial(WRITES[name], NEW))
        finally:
            till.run(connections.close_all)


def test_a_move_is_given_up(shop: str) -> None:
    with pytest.raises(ZeroDivisionError):
        moving.move(shop, NEW, hook=lambda *_: 1 // 0)
    moving.stay(shop, OLD)
    with transaction.atomic(using=OLD):
        assert issue("pooled", org=shop).number.endswith("-4")
    with pytest.raises(MoveError, match="isn't leaving"):
        moving.stay(shop, OLD)


def test_the_old_copy_is_dropped_and_the_tenant_comes_back(
    shop: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("seal", using=OLD)
    before = rows(OLD)
    with pytest.raises(MoveError, match="no old copy"):
        moving.drop(shop, OLD)
    call_command("ledger_home", "move", shop, NEW, "--hook", "tests.homes.test_moving.hook", verbosity=0)
    call_command("ledger_home", "drop", shop, OLD)
    assert "rows of the old copy" in capsys.readouterr().out
    left = {name for name, found in rows(OLD).items() if found}
    assert left == {"LedgerSeal"}
    with pytest.raises(TenantMoved), transaction.atomic(using=OLD):
        issue("pooled", org=shop, using=OLD)
    with monkeypatch.context() as patch:
        patch.setitem(conftest.TENANTS, shop, OLD)  # a process that hasn't heard of it
        homes.forget(shop)
        for code in ("pooled", "invoice"):
            with pytest.raises(TenantMoved), transaction.atomic(using=OLD):
                issue(code, org=shop)
    homes.forget(shop)
    assert run("seal", using=OLD).error == ""
    moving.move(shop, OLD, hook=hook)
    assert rows(OLD) == before
    with transaction.atomic(using=OLD):
        assert issue("pooled", org=shop).number.endswith("-4")


def test_a_tenant_that_has_moved_on_comes_back(shop: str) -> None:
    """Its old copies are dropped in any order, wherever it has gone from there."""
    third = "first:south"
    moving.move(shop, NEW, hook=hook)
    moving.move(shop, third, hook=hook)
    with pytest.raises(MoveError, match=rf"has series in '{OLD}' already.*ledger_home drop {shop} {OLD}"):
        moving.move(shop, OLD, hook=hook)
    assert not Period.objects.using(third).filter(moves=True).exists()
    before = rows(third)
    moving.drop(shop, NEW)
    moving.drop(shop, OLD)
    moving.move(shop, OLD, hook=hook)
    assert rows(OLD) == before
    moving.drop(shop, third)


def test_a_copy_is_kept_if_its_tenant_lives_nowhere_else(shop: str) -> None:
    moving.move(shop, NEW, hook=hook)
    TenantMove.objects.using(NEW).filter(tenant=shop).delete()  # as a backup from before the move has it
    with pytest.raises(MoveError, match=f"has not arrived in '{NEW}'"):
        moving.drop(shop, OLD)


def test_what_was_written_past_the_functions_is_not_dropped(shop: str) -> None:
    moving.move(shop, NEW, hook=hook)
    with connections[OLD].cursor() as cursor:
        cursor.execute("UPDATE ledger_series SET time_zone = 'Asia/Tokyo' WHERE tenant = 'ada'")
    with pytest.raises(MoveError, match="not what was copied"):
        moving.drop(shop, OLD)
    assert Entry.objects.using(OLD).filter(tenant="ada").exists()


def test_seals_go_on_in_a_new_era(shop: str) -> None:
    moving._later_era(NEW, OLD)  # so that the new home's era is earlier
    define_series("bill", org="dora", template="B-{year}-{counter}")
    with transaction.atomic(using=NEW):
        issue("bill", org="dora")
    for home in (OLD, NEW):
        run("seal", using=home)
    with transaction.atomic(using=OLD):
        issue("pooled", org=shop)  # not sealed when it moves
    moving.move(shop, NEW, hook=hook)
    for tenant, code in (("ada", "pooled"), ("dora", "bill")):
        with transaction.atomic(using=NEW):
            issue(code, org=tenant)
    assert run("seal", using=NEW).counts["sealed"] >= 2
    for tenant in ("ada", "dora"):
        seals = LedgerSeal.objects.using(NEW).filter(tenant=tenant).order_by("number").values_list("number", "era")
        [(first, before), (second, after)] = seals
        assert (first, second) == (1, 2)
        assert before < after
    assert not list(verify_seals(using=NEW))
    assert not list(verify_seals(using=OLD))


def test_a_home_that_is_sealed_already_seals_whom_it_takes_in(shop: str) -> None:
    """Also if its era doesn't need to be raised, and if the tenant has nothing new."""
    moving._later_era(OLD, NEW)
    with transaction.atomic(using=OLD):
        issue("pooled", org=shop)
    run("seal", using=OLD)
    with transaction.atomic(using=OLD):
        issue("pooled", org=shop)  # not sealed when it moves
    define_series("bill", org="dora", template="B-{year}-{counter}")
    with transaction.atomic(using=NEW):
        issue("bill", org="dora")
    run("seal", using=NEW)
    era = LedgerSeal.objects.using(NEW).get(tenant=None).era
    moving.move(shop, NEW, hook=hook)
    assert not list(verify_seals(using=NEW))
    seal_all(Failures(), using=NEW, database=True)
    assert LedgerSeal.objects.using(NEW).filter(tenant="ada").latest("number").era == era
    assert tenants_with_news(NEW) == []
    for home in (NEW, OLD):
        assert not list(verify_seals(using=home))
    covered = LedgerSeal.objects.using(NEW).filter(tenant=None).latest("number")
    assert set(LedgerSeal.objects.using(NEW).filter(tenant="ada").values_list("id", flat=True)) <= set(covered.ids)
    with transaction.atomic(using=NEW), connections[NEW].cursor() as cursor:
        # As if the server that it comes from had had more transactions than this one when it was sealed.
        cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")
        latest = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1"
        cursor.execute(f"UPDATE ledger_entry SET transaction_id = {latest} WHERE tenant = 'ada' AND era < {era}")
        assert cursor.rowcount > 1
        assert tenants_with_news(NEW) == []
        transaction.set_rollback(True, using=NEW)


def test_an_era_that_begins_in_the_middle_of_a_round_of_seals(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first move into a home. The rest is sealed in the next round, and is no failure."""
    run("seal", using=OLD)
    with transaction.atomic(using=OLD):
        issue("pooled", org=shop)

    def tenants(using: str, horizon: int = 0) -> list[str]:
        moving._later_era(OLD, OLD)
        return tenants_with_news(using, horizon)

    failures = Failures()
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "tenants_with_news", tenants)
        assert seal_all(failures, using=OLD)["held"] == 1
    assert seal_all(failures, using=OLD)["sealed"] == 2
    assert failures.told == []
    assert not list(verify_seals(using=OLD))


def test_a_tenant_may_move_on_before_the_database_is_sealed(shop: str) -> None:
    run("seal", using=OLD)
    moving._later_era(OLD, NEW)
    run("seal", using=NEW)
    moving.move(shop, NEW, hook=hook)
    moving.drop(shop, OLD)
    moving.move(shop, OLD, hook=hook)
    moving.drop(shop, NEW)
    for home in (OLD, NEW):
        assert not list(verify_seals(using=home))
        seal_all(Failures(), using=home, database=True)
        assert not list(verify_seals(using=home))


def test_ledgers_of_one_range_of_ids_are_refused(shop: str) -> None:
    with connections[NEW].cursor() as cursor:
        cursor.execute("SELECT ledger_set_home(0)")
    try:
        with pytest.raises(MoveError, match="one range"):
            moving.move(shop, NEW)
    finally:
        with connections[NEW].cursor() as cursor:
            cursor.execute("SELECT ledger_set_home(3)")


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_checkouts_go_on_while_a_tenant_moves(shop: str, allocation: str) -> None:
    """Of the tenant that moves each is retried until it succeeds, and none is lost or doubled; others see no error."""
    for tenant in ("ada", "bob"):
        define_series("load", org=tenant, template="L-{counter}", calendar="never", allocation=allocation)
    told: dict[str, list[str]] = {"ada": [], "bob": []}
    errors: list[BaseException] = []
    retried: list[str] = []
    moved = threading.Event()

    def checkout(tenant: str, till: int) -> None:
        try:
            after = 0
            for count in range(10_000):
                after += moved.is_set()
                if after > 5:
                    return
                while True:
                    home = homes.home_of(tenant)
                    try:
                        with transaction.atomic(using=home):
                            entry = issue("load", org=tenant, document=f"order:{till}:{count}")
                        told[tenant].append(str(entry))
                        break
                    except ConcurrencyError as error:
                        if not isinstance(error, TenantMoved) or tenant != "ada":
                            raise
                        retried.append(home)
                        time.sleep(0.01)
        except BaseException as error:  # noqa: BLE001  (told by the test)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=checkout, args=(tenant, till)) for tenant in told for till in range(3)]
    for thread in threads:
        thread.start()
    while min(map(len, told.values())) < 30 and not errors:
        time.sleep(0.01)
    try:
        moving.move("ada", NEW, hook=hook)
    finally:
        moved.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert OLD in retried
    for tenant, home in (("ada", NEW), ("bob", "first:south")):
        kept = list(
            Entry.objects.using(home)
            .filter(tenant=tenant, series__code="load", kind="issued")
            .values_list("number", flat=True)
        )
        assert sorted(kept) == sorted(told[tenant])
        assert len(set(kept)) == len(kept)
    assert Entry.objects.using(OLD).filter(tenant="ada").count() < Entry.objects.using(NEW).filter(tenant="ada").count()
    assert GapExplained.objects.using(NEW).filter(tenant="ada").count() == 1
