"""A role that may make objects in the ledger's schema makes better matches for everything that the ledger's functions
call. PostgreSQL never takes one.

In databases made before PostgreSQL 15 everybody has CREATE on the schema public. For a name or an operator PostgreSQL
takes the object whose types fit best, wherever on the search_path it is. So functions name what they use in full, and
use operators with exactly the types that PostgreSQL defines.
"""

import json
import re
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from psycopg import sql

from ledger import close_period, define_series, issue, issue_many, open_period, preview, remote, void
from ledger.actions import acknowledge, declare, explain
from ledger.adoption import adopt
from ledger.gaps import GapRange, find, sweep
from ledger.grants import PURPOSES
from ledger.models import AlarmRaised, Allocation, Entry
from ledger.reconciliation import BookSettings, compare, findings
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from ledger.series import change_allocation
from ledger.sql import installing
from ledger.sweeps import run
from ledger.verification import verify
from ledger.verification.alarms import acknowledge_alarm
from tests.drafts import claimed, stock
from tests.integration.paper_books import Paper
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, USUAL, WORKERS, Logins, opened, rows

_OVERLOADS = (Path(__file__).parent / "overloads.sql").read_text(encoding="utf-8")
_TYPES = (
    "text, varchar, name, bpchar, smallint, integer, bigint, numeric, date, timestamptz, interval, jsonb, boolean, "
    "xid, text[], bigint[], integer[]"
)


@pytest.fixture(scope="module", autouse=True)
def mallory(logins: Logins) -> Iterator[None]:
    """A role that may make objects in the ledger's schema, and has made them."""
    # Clients call the doors themselves: a function that fits the call better would run with the caller's rights only.
    doors = frozenset({"ledger_colliding_period"}).union(*(purpose.functions for purpose in PURPOSES.values()))
    chosen = {
        "types": _TYPES,
        "functions": " ".join(sorted(set(re.findall(r"[a-z]\w+", installing._BUILT_IN.pattern)))),
        "doors": " ".join(doors),
    }
    role = sql.Identifier(f"mallory-{secrets.token_hex(4)}")
    with logins.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
                connection.execute(_OVERLOADS.format(**chosen))
            for alias in (CHECKOUT, WORKERS, FINANCE, USUAL, OWNER):
                connections[alias].close()
            yield
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def define(code: str, **settings: Any) -> Any:
    return define_series(code, using=FINANCE, **{"template": f"{code}-{{year}}-{{counter:04}}", **settings})


@pytest.mark.parametrize("allocation", Allocation.values)
def test_issuing(allocation: str) -> None:
    code = f"hijack-{allocation}"
    series = define(
        code,
        allocation=allocation,
        system="books" if allocation == "remote" else "",
        chronological=allocation in ("serial", "at_commit", "reserved"),
    )
    if allocation == "remote":
        stock(series, [f"XR{n:03}" for n in range(30)], day=DAY, using=WORKERS)
    for rolls_back in (True, False):
        with transaction.atomic(using=CHECKOUT):
            entry = issue(code, on=DAY, document="one", metadata={"a": 1}, by="till", using=CHECKOUT)
            assert str(entry)
            issue_many(code, on=DAY, documents=["one", "two", "three"], using=CHECKOUT)
            transaction.set_rollback(rolls_back, using=CHECKOUT)
    preview(code, on=DAY, using=CHECKOUT)
    void(entry, reason="reversed", using=FINANCE)
    sweep(series=code, grace=timedelta(0), using=WORKERS)
    assert close_period(opened(series), early=True, using=FINANCE).closed_at is not None


def test_gaps() -> None:
    define("hijack-gaps", allocation="reserved")
    with transaction.atomic(using=CHECKOUT):
        issue("hijack-gaps", on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    assert sweep(series="hijack-gaps", grace=timedelta(0), using=WORKERS).flagged == 1
    for name in ("open_next_periods", "refill_pools", "heal", "close_periods"):
        assert run(name, using=WORKERS).error == ""
    gap = Entry.objects.using(FINANCE).select_related("period").get(series__code="hijack-gaps", kind="gap")
    explain(gap, explanation="x", using=FINANCE)
    declare([GapRange(gap.period, gap.value, gap.value)], authority="X", reference="1", using=FINANCE)


def test_numbers_that_are_not_given_back() -> None:
    define("hijack-kept", allocation="pooled", give_back=False)
    for rolls_back in (False, True, False):
        with transaction.atomic(using=CHECKOUT):
            issue("hijack-kept", on=DAY, using=CHECKOUT)
            transaction.set_rollback(rolls_back, using=CHECKOUT)
    change_allocation("hijack-kept", "serial", using=FINANCE)


def test_sequences() -> None:
    assert rows(CHECKOUT, "SELECT ledger_make_default('', 'hijacked', '*django-sequences', 1)") == [("made",)]
    assert rows(CHECKOUT, "SELECT ledger_open_period('', 'hijacked', %s)", [DAY]) == [("opened",)]
    assert rows(CHECKOUT, "SELECT ledger_next_value('', 'hijacked', NULL)") == [(1,)]


def test_comparing() -> None:
    with transaction.atomic(using=CHECKOUT):
        issue("invoice", org="hijack", document="order:1", on=DAY, using=CHECKOUT)
    books = BookSettings("books", tenant="hijack", grace=timedelta(0))
    policy = ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7))
    for full in (True, False):
        reading = begin(books, policy, full=True, using=WORKERS)
        papers = [Paper("1", "INV-2026-000001", issued_on=DAY), Paper("2", f"X{full}")]
        save_page(books, reading, papers, next_cursor=None, using=WORKERS)
        compare(books, full=full, using=WORKERS)
    for finding in findings(tenant="hijack", using=FINANCE):
        acknowledge(finding, reason="known", using=FINANCE)


def test_drafts() -> None:
    series = define("hijack-drafts", template="HD{counter}", calendar="never", allocation="remote", system="books")
    stock(series, ["HR1", "HR2"], day=DAY, using=WORKERS)
    first, _ = remote.free_drafts(claimed(series, WORKERS), using=WORKERS)
    assert remote.withdraw(first, {"state": "deleted"}, using=WORKERS) == "withdrawn"
    for one in list(remote.unused("books", series="hijack-drafts", using=WORKERS)):
        remote.note_cancelled(one.draft, state="void", using=WORKERS)
    assert [hole.value for hole in find(series="hijack-drafts", full=True, using=WORKERS)] == []


def test_periods() -> None:
    series = define("hijack-due", close_after_days=1)
    open_period(series, starts_on=date(2020, 1, 1), ends_on=date(2020, 12, 31), first_value=5, using=FINANCE)
    assert run("close_periods", using=WORKERS).counts["closed"] == 1
    period = open_period(series, DAY, using=FINANCE)
    counter = "SELECT ledger_adopt_counter('', %s, %s, 7, 'old', %s, '{}', 'so it was', '')"
    assert rows(FINANCE, counter, [series.pk, period.pk, "0" * 64])
    assert rows(FINANCE, "SELECT ledger_skip_taken('', 'hijack-due', %s, '')", [DAY])[0][0][0] == "free"
    assert rows(FINANCE, "SELECT ledger_flag_lost('', %s, 9, '')", [period.pk]) == [("settled",)]


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("number,issued_at\nXA2019-7,2019-05-05\nXA2019-9,2019-05-06\n")
    settings = {"template": "XA{year}-{counter}", "time_zone": "UTC"}
    adopt(file, series="hijack-old", settings=settings, explain_gaps="so it came", using=FINANCE)


def test_alarms() -> None:
    alarm = {
        "tenant": "hijack",
        "kind": "void-twice",
        "series": "s",
        "table_name": "",
        "number": "",
        "rule": 5,
        "ordinal": 0,
    }
    alarm |= {"rule": 5, "problem": "p", "remedy": "r"}
    for raised in (1, 0):
        assert rows(WORKERS, "SELECT ledger_raise_alarms(%s)", [json.dumps([alarm])]) == [(raised,)]
    pk = AlarmRaised.objects.using(OWNER).get(tenant="hijack").pk
    acknowledge_alarm(pk, reason="known", using=FINANCE)
    assert rows(WORKERS, "SELECT ledger_resolve_mended()") == [(0,)]
    assert rows(FINANCE, "SELECT ledger_resolve_alarms(ARRAY[%s]::bigint[])", [pk]) == [(1,)]


def test_the_owner_verifies() -> None:
    """And reads the ledger by PostgreSQL's own operators alone."""
    told = {str(finding) for finding in verify(using=OWNER) if finding.tenant is not None}
    assert "\n".join(sorted(told)) == ""


def test_functions_name_what_they_use_in_full() -> None:
    """Except for words of PostgreSQL's own grammar: extract, substring, and unnest with several lists."""
    built_in = {row[0] for row in rows(OWNER, "SELECT proname FROM pg_proc WHERE pronamespace = 11")}  # pg_catalog
    bare = []
    for name, text in rows(
        OWNER,
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND starts_with(proname, 'ledger_') AND proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)",
    ):
        code = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--.*", "", text))
        code = re.sub(r"\b(extract|substring)\(|\bunnest\((?![\w.]+\))", "", code)
        bare += [f"{name}: {called}" for called in re.findall(r"(?<![.\w])([a-z_]\w*)\(", code) if called in built_in]
    assert bare == []
