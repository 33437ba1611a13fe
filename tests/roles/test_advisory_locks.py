"""A role that was granted nothing holds every advisory lock of Folio: nobody waits for it, and no sweep is deceived.

A call that waited without a deadline would fail by the statement_timeout of these logins. (A lock_timeout would show
nothing: where Folio waits for such a lock, it sets one itself and continues afterwards.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections, transaction
from psycopg import sql

from ledger import close_period, define_series, issue, issue_many, preview
from ledger.gaps import State, find, sweep
from ledger.models import Allocation, Entry, Period
from ledger.sql.installing import function_texts
from ledger.sweeps import run
from ledger.verification import verify
from tests.drafts import stock
from tests.roles.logins import CHECKOUT, DAY, FINANCE, NOBODY, OWNER, USUAL, WORKERS, Logins, opened, rows

LOGINS = (CHECKOUT, WORKERS, FINANCE, USUAL, OWNER)

#: The ids of the first periods: more than the tests below open.
PERIODS = 200
#: Of a period of this schema, whose id is ``period``: the same text as in the functions.
LINE = "hashint8(period # hashtextextended(%s, 0))"
KEYS = f"SELECT {{}}(1181707369, {LINE}) FROM generate_series(1, {PERIODS}) period"


@pytest.fixture(scope="module", autouse=True)
def _patience(logins: Logins) -> Iterator[None]:
    """A hundred times Folio's deadline, and no longer than a test should take."""
    with logins.superuser() as connection:
        for alias in LOGINS:
            role = sql.Identifier(logins.roles[alias])
            connection.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '20s'").format(role))
            connections[alias].close()
        yield
        for alias in LOGINS:
            connection.execute(
                sql.SQL("ALTER ROLE {} RESET statement_timeout").format(sql.Identifier(logins.roles[alias]))
            )


@pytest.fixture(
    params=["pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared"]
)
def held(request: pytest.FixtureRequest, logins: Logins) -> Iterator[str]:
    """A word that makes names unique, while all keys are held."""
    schema = '"public".ledger_period'
    with psycopg.connect(logins.url_of(NOBODY)) as holder:
        holder.execute(KEYS.format(request.param), [schema])
        tried = f"SELECT pg_try_advisory_xact_lock(1181707369, {LINE}) FROM generate_series(1, 1) period"
        [(taken,)] = rows(CHECKOUT, tried, [schema])
        assert not taken
        yield str(request.param).removeprefix("pg_advisory_").replace("_", "-")
        holder.rollback()
        assert rows(OWNER, "SELECT coalesce(max(id), 0) FROM ledger_period")[0][0] <= PERIODS


def test_these_are_all_keys() -> None:
    """A new key belongs in KEYS. The pages' key is taken with a deadline of its own: tests/concurrency."""
    texts = [re.sub(r"--.*", "", text) for text in function_texts().values()]
    line = LINE.replace("%s", "'@schema@.ledger_period'")
    taken = [
        key
        for text in texts
        for key in re.findall(r"advisory\w*lock\w*\(1181707369, (line|hashint8.*?)\)(?=;| THEN)", text)
    ]
    assert set(taken) == {"line", line}
    assert any(f"line integer := {line.replace('period #', 'p_period #')};" in text for text in texts)
    assert len(taken) == sum(text.count("advisory") for text in texts) > 3


@pytest.mark.parametrize("allocation", Allocation.values)
def test_every_allocation_works(held: str, allocation: str) -> None:
    code = f"{allocation}-{held}"
    series = define_series(
        code,
        template=f"{code}-{{year}}-{{counter}}",
        allocation=allocation,
        system="books" if allocation == "remote" else "",
        using=FINANCE,
    )
    if allocation == "remote":
        stock(series, [f"{code}-{n}" for n in range(30)], day=DAY, using=WORKERS)
    for ends_well in (True, False, True):
        with transaction.atomic(using=CHECKOUT):
            assert str(issue(code, document="one", on=DAY, using=CHECKOUT))
            assert len(
                [str(entry) for entry in issue_many(code, documents=["one", "two", "three"], on=DAY, using=CHECKOUT)]
            )
            transaction.set_rollback(not ends_well, using=CHECKOUT)
    preview(code, on=DAY, using=CHECKOUT)
    assert Entry.objects.using(OWNER).filter(series=series, kind="issued").count() == 3
    sweep(series=code, grace=timedelta(0), using=WORKERS)
    assert close_period(opened(series), early=True, using=FINANCE).closed_at is not None


@pytest.mark.parametrize("settings", [{"allocation": "reserved"}, {"allocation": "pooled", "give_back": False}])
def test_a_sweep_flags_nothing_that_a_checkout_holds(held: str, settings: dict[str, Any]) -> None:
    code = f"flight-{settings['allocation']}-{held}"
    series = define_series(code, template=f"{code}-{{year}}-{{counter}}", using=FINANCE, **settings)
    with transaction.atomic(using=CHECKOUT):
        issue(code, on=DAY, using=CHECKOUT)
    with transaction.atomic(using=USUAL):
        first = issue(code, on=DAY, using=USUAL)
        with transaction.atomic(using=CHECKOUT):
            issue(code, on=DAY, using=CHECKOUT)
        assert sweep(series=code, grace=timedelta(0), using=WORKERS).flagged == 0
        states = {hole.state for hole in find(series=code, grace=timedelta(0), using=WORKERS)}
        assert states == {State.IN_FLIGHT}
        assert str(first)
    assert sweep(series=code, grace=timedelta(0), using=WORKERS).flagged == 0
    assert list(Entry.objects.using(OWNER).filter(series=series).values_list("kind", flat=True)) == ["issued"] * 3


def test_pools_are_refilled_and_due_periods_closed(held: str) -> None:
    code = f"due-{held}"
    define_series(code, template=f"{code}-{{year}}-{{counter}}", close_after_days=1, using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue(code, on=DAY.replace(year=2020), using=CHECKOUT)
    pooled = define_series(
        f"pool-{held}", template=f"P{held}-{{counter}}", calendar="never", allocation="pooled", using=FINANCE
    )
    with transaction.atomic(using=CHECKOUT):
        issue(pooled.code, on=DAY, using=CHECKOUT)
    rows(OWNER, "UPDATE ledger_pool SET batch = 1000, minted_at = now() WHERE period_id = %s", [opened(pooled).pk])
    for name in ("open_next_periods", "refill_pools", "flag_gaps", "heal", "close_periods"):
        done = run(name, using=WORKERS)
        assert (done.error, done.counts.get("held", 0)) == ("", 0), name
    assert Period.objects.using(OWNER).get(series__code=code, ends_on__year=2020).closed_at is not None
    assert rows(CHECKOUT, "SELECT ledger_next_value('', %s, NULL)", [f"due-{held}"])[0][0] == 1


# This lock is held all the time: whoever could wait for one of the others waits for this one too.
@pytest.mark.parametrize("held", ["pg_advisory_lock"], indirect=True)
def test_migrating_and_installing(held: str) -> None:
    call_command("migrate", database=OWNER, verbosity=0, stdout=StringIO())
    call_command("ledger_install", database=OWNER, stdout=StringIO())
    assert [str(finding) for finding in verify(using=OWNER)] == []
