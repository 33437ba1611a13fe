"""Every column of every table has a check against values that programs can't read or hold, or says what does the same.

The columns come from PostgreSQL's catalogue, so a new column without a bound fails here.
"""

import pytest
from django.db.models import Model

from ledger.models import AlarmRaised, LedgerSeal
from ledger.models.tables import ACCESS, MIRROR, STAGING, all_tables
from tests.roles.logins import FINANCE, OWNER, refusal, rows
from tests.roles.test_attacks import WORKERS_TABLES

#: By type, the values that no column may hold. Whole numbers and booleans are bounded by their types.
POISON = {
    "text": ["repeat('x', 1048577)"],
    "date": ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"],
    "timestamp with time zone": ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'294276-12-31'"],
    "jsonb": ["'[1]'", "'1'", """('{"a": "' || repeat('x', 1048577) || '"}')"""],
    "numeric": ["'NaN'"],
    "double precision": ["'NaN'", "'infinity'", "'-infinity'"],
}
BOUNDED = {"bigint", "integer", "smallint", "boolean"}

#: PostgreSQL itself writes these: names of roles, of at most 63 bytes.
BY_POSTGRESQL = {"db_login", "db_role"}
#: For columns without a check: what bounds them instead, and the tests of it.
_ENTRY = "ledger_entry_fits: tests/integration/test_unreadable_rows.py"
_SERIES = "ledger_save_series: below"
_CLOCK = "the database's clock: no function takes it"
_TICKET = "gone at COMMIT, and its entries fit: test_arguments.py"
_SEAL = "ledger_keep_seal: as many as the head says: tests/integration/test_seals.py"
KEPT_BY = {
    **dict.fromkeys((f"ledger_entry.{name}" for name in ("number", "document", "actor", "kind", "metadata")), _ENTRY),
    **dict.fromkeys(("ledger_entry.issued_at", "ledger_entry.issued_on"), _ENTRY),
    **{
        f"ledger_series.{name}": _SERIES
        for name in ("code", "template", "calendar", "fiscal_start", "time_zone", "allocation", "system", "rules")
    },
    "ledger_series.rules_authorised": _SERIES,
    **dict.fromkeys(("ledger_period.starts_on", "ledger_period.ends_on"), "ledger_period_fits: test_other_peoples.py"),
    **dict.fromkeys(("ledger_period.prefix", "ledger_period.suffix"), "ledger_period_fits: below"),
    "ledger_period.last_issued_on": "the date of an entry",
    **dict.fromkeys(("ledger_period.opened_at", "ledger_period.closed_at", "ledger_series.created_at"), _CLOCK),
    **dict.fromkeys(("ledger_pool.minted_at", "ledger_scanposition.scanned_at"), _CLOCK),
    "ledger_pool.stragglers": "ledger_mint keeps a hundred",
    "ledger_reservation.issued_on": "ledger_reserve, a day of its period: test_arguments.py",
    **dict.fromkeys(("ledger_authorisedrange.valid_from", "ledger_authorisedrange.valid_to"), "those of its period"),
    **dict.fromkeys(("ledger_defaultseries.code", "ledger_defaultseries.settings"), "ledger_define_default: below"),
    **{
        f"ledger_ticket.{name}": _TICKET
        for name in ("actor", "code", "documents", "entry_ids", "issued_on", "metadata")
    },
    "ledger_ticket.tells": "ledger_leave_ticket cuts it",
    "ledger_seal.state": "its check: 8 KiB for each leaf",
    **{f"ledger_seal.{name}": _SEAL for name in ("counts", "ids", "tables", "leaves", "salt")},
    **dict.fromkeys(
        ("ledger_seal.place", "ledger_seal.snapshot", "ledger_seal.previous"), "ledger_next_seal says them"
    ),
}

_COLUMNS = """
    SELECT c.relname, a.attname, a.atttypid::regtype::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2
"""
_CHECKS = "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'c'"


def let_in(table: str, columns: dict[str, str], column: str) -> list[str]:
    """The poisonous values that the table's checks would let into a column, whatever is in the other columns."""
    refused = " OR ".join(f"({check}) IS FALSE" for (check,) in rows(OWNER, _CHECKS, [table])) or "false"
    kind = columns[column]
    taken = []
    for poison in POISON.get(kind, ["NULL"]):
        given = ", ".join(
            f'{poison if name == column else "NULL"}::{type_} AS "{name}"' for name, type_ in columns.items()
        )
        if rows(OWNER, f"SELECT {refused} FROM (SELECT {given}) AS one") != [(True,)]:
            taken.append(poison)
    return taken


def test_each_column_has_its_bound() -> None:
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows(OWNER, _COLUMNS, [[*all_tables(), *WORKERS_TABLES]]):
        tables.setdefault(table, {})[column] = kind
    every = {f"{table}.{column}": (table, column) for table, columns in tables.items() for column in columns}
    assert len(every) > 500
    told = {
        name: taken
        for name, (table, column) in every.items()
        if tables[table][column] not in BOUNDED and column not in BY_POSTGRESQL
        if (taken := let_in(table, tables[table], column))
    }
    assert {name: taken for name, taken in told.items() if name not in KEPT_BY and every[name][1] != "tenant"} == {}
    assert KEPT_BY.keys() <= told.keys()
    # A tenant is checked where it is first named; elsewhere, guards compare it with the tenant of the row it refers to.
    free: list[type[Model]] = [*MIRROR, *STAGING, *ACCESS, AlarmRaised, LedgerSeal]
    assert not {f"{model._meta.db_table}.tenant" for model in free} & told.keys()


_LONG = "repeat('x', 1048577)"
_SETTINGS = (
    "jsonb_build_object('template', 'BO{counter}', 'calendar', 'never', 'time_zone', 'UTC', 'is_active', true, {})"
)


def define(*, tenant: str = "''", code: str = "'bounds'", settings: str) -> str:
    return f"SELECT ledger_define_series({tenant}, {code}, {settings}, '')"


@pytest.mark.parametrize(
    "setting",
    [
        *(f"'{name}', {_LONG}" for name in ("calendar", "fiscal_start", "allocation", "system", "rules", "time_zone")),
        f"'template', {_LONG} || '{{counter}}'",
        f"'template', '{{counter}}' || {_LONG}",
        *(f"'rules_authorised', {day}" for day in POISON["date"]),
    ],
)
def test_a_series_has_bounds(setting: str) -> None:
    settings = _SETTINGS.replace("{}", setting)
    assert refusal(FINANCE, define(settings=settings)).sqlstate[:2] in ("22", "23")


def test_so_have_its_names_defaults_and_periods() -> None:
    settings = _SETTINGS.replace("{}", "'rules', ''")
    rows(FINANCE, define(settings=settings))
    assert refusal(FINANCE, define(tenant=_LONG, settings=settings)).sqlstate == "23514"
    assert refusal(FINANCE, define(code=_LONG, settings=settings)).sqlstate == "23514"
    default = "SELECT ledger_define_default({}, {}::jsonb)"
    assert refusal(FINANCE, default.format(_LONG, settings)).sqlstate == "23514"
    for poison in POISON["jsonb"]:
        assert refusal(FINANCE, default.format("'bounds'", poison)).sqlstate == "23514"
    assert rows(FINANCE, "SELECT ledger_open_period('', 'bounds', '2026-05-05')") == [("opened",)]
    for column in ("prefix", "suffix"):
        assert refusal(OWNER, f"UPDATE ledger_period SET {column} = repeat('x', 101)").sqlstate == "23514"
