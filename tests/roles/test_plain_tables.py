"""Tables that a role may write by plain statements: nothing unreadable gets in, and nobody is locked out."""

from typing import Any

import pytest
from django.db import transaction

from ledger import define_series, issue, preview
from ledger.gaps import find
from ledger.models.tables import all_tables
from tests.roles.logins import (
    AUDITOR,
    CHECKOUT,
    DAY,
    FINANCE,
    OWNER,
    VOID,
    WORKERS,
    refusal,
    rows,
    series_of_each_allocation,
)
from tests.roles.test_attacks import WORKERS_TABLES, writable

#: By type: a value that a row may have, and values that no row may have.
GOOD = {
    "text": "'x'",
    "date": "'2026-05-05'",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "boolean": "false",
    "double precision": "1",
}
POISON = {
    "date": ["infinity", "-infinity", "0044-03-15 BC", "5874897-12-31"],
    "timestamp with time zone": ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC"],
    "jsonb": ["[1]", "1", '"x"'],
}
STATES = {"ledger_remotedocument": "'posted'", "ledger_tenantaccess": "'auth.user:1'"}
TABLES = sorted(
    (alias, name)
    for alias in (WORKERS, FINANCE)
    for (name,) in [("ledger_remotedocument",), ("ledger_remotereading",), ("ledger_remotepool",), ("ledger_sweeprun",)]
    + [("ledger_sweepbatch",), ("ledger_tenantaccess",), ("ledger_adoptingrow",), ("ledger_adoptingday",)]
    + [(one,) for one in WORKERS_TABLES]
    if writable(alias, name)
)


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    series = define_series("plain", template="PL{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        entry = issue("plain", on=DAY, using=CHECKOUT)
    rows(WORKERS, "INSERT INTO ledger_sweeprun (sweep, process, counts, error) VALUES ('verify', 'x', '{}', '')")
    [(run,)] = rows(OWNER, "SELECT max(id) FROM ledger_sweeprun")
    return {"series_id": str(series.pk), "entry_id": str(entry.pk), "run_id": str(run), "tenant": "''"}


@pytest.mark.parametrize(("alias", "table"), TABLES)
def test_nothing_unreadable_gets_in(known: dict[str, str], alias: str, table: str) -> None:
    columns = rows(
        OWNER,
        "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
        " AND NOT attisdropped AND attidentity = '' AND attgenerated = ''",
        [table],
    )
    usual: dict[str, Any] = {name: known.get(name, GOOD.get(kind, "1")) for name, kind in columns}
    for name in ("state", "user"):
        if name in usual and table in STATES:
            usual[name] = STATES[table]

    def statement(values: dict[str, Any]) -> str:
        names = ", ".join(f'"{name}"' for name in values)
        return f"INSERT INTO {table} ({names}) VALUES ({', '.join(values.values())})"

    with transaction.atomic(using=alias):
        rows(alias, statement(usual))  # so that it isn't refused for another reason
        transaction.set_rollback(True, using=alias)
    refused = 0
    for name, kind in columns:
        for value in POISON.get(kind, []):
            assert refusal(alias, statement({**usual, name: f"'{value}'"})).sqlstate == "23514", (name, value)
            refused += 1
    assert refused >= 4


def test_access_is_given_to_no_tenant_that_cannot_be_read() -> None:
    insert = "INSERT INTO ledger_tenantaccess (tenant, \"user\") VALUES (E'a\\x07', 'auth.user:1')"
    assert refusal(FINANCE, insert).sqlstate == "23514"


@pytest.mark.parametrize("mode", ["ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"])
@pytest.mark.parametrize("alias", [CHECKOUT, VOID, WORKERS, FINANCE, AUDITOR])
def test_who_reads_a_table_keeps_no_writer_out(alias: str, mode: str) -> None:
    """A SELECT takes ACCESS SHARE, for which migrations wait, but no checkout."""
    for table in (*all_tables(), *WORKERS_TABLES):
        if not writable(alias, table):
            assert refusal(alias, f"LOCK TABLE {table} IN {mode} MODE NOWAIT").sqlstate == "42501", table


@pytest.mark.parametrize("alias", [WORKERS, FINANCE])
def test_what_a_role_may_lock_stops_no_checkout(alias: str) -> None:
    """Workers can lock mirror, diary and pools, finance staging and access: no checkout waits for those."""
    codes = [series.code for series in series_of_each_allocation(alias, "locked-")]
    lockable = "has_table_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE')"
    found = rows(alias, f"SELECT relname FROM pg_class WHERE starts_with(relname, 'ledger_') AND ({lockable})")
    mine = [name for (name,) in found]
    assert mine
    with transaction.atomic(using=alias):
        for table in mine:
            rows(alias, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT")
        for code in codes:
            with transaction.atomic(using=CHECKOUT):
                rows(CHECKOUT, "SET LOCAL statement_timeout = '10s'")
                preview(code, org=alias, on=DAY, using=CHECKOUT)
                assert str(issue(code, org=alias, on=DAY, using=CHECKOUT))
        assert list(find(tenant=alias, using=AUDITOR)) == []


def test_a_cursor_that_is_held_issues_once_at_commit() -> None:
    """PostgreSQL runs its query during COMMIT, beside the trigger of at_commit."""
    define_series("held", template="HE{year}-{counter}", allocation="at_commit", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        str(issue("held", on=DAY, document="first", using=CHECKOUT))
        rows(
            CHECKOUT,
            "DECLARE late CURSOR WITH HOLD FOR"
            " SELECT ledger_leave_ticket('', 'held', %s, NULL, ARRAY['late'], '', '{}', true, '')",
            [DAY],
        )
    rows(CHECKOUT, "CLOSE late")
    found = rows(OWNER, "SELECT number FROM ledger_entry WHERE number LIKE 'HE%%' ORDER BY value", [])
    assert found == [("HE2026-1",), ("HE2026-2",)]
    assert rows(OWNER, "SELECT count(*) FROM ledger_ticket") == [(0,)]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_proves_nothing(level: str) -> None:
    """A sweep whose snapshot is older than a checkout flags none of its values, and closes no period over it."""
    code = f"snapshot-{level.lower().replace(' ', '-')}"
    series = define_series(code, template=f"{code}{{year}}-{{counter}}", allocation="reserved", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        first = issue(code, on=DAY, document="first", using=CHECKOUT)
    with transaction.atomic(using=WORKERS):
        rows(WORKERS, f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert rows(WORKERS, "SELECT count(*) FROM ledger_entry WHERE series_id = %s", [series.pk]) == [(1,)]
        with transaction.atomic(using=CHECKOUT):
            issue(code, on=DAY, document="second", using=CHECKOUT)
        for value in (1, 2, 3):
            flag = "SELECT ledger_flag_gap('', %s, %s, '')"
            assert rows(WORKERS, flag, [first.period_id, value])[0][0] in ("settled", "missing", "in_flight")
    assert rows(OWNER, "SELECT kind FROM ledger_entry WHERE series_id = %s", [series.pk]) == [("issued",)] * 2
