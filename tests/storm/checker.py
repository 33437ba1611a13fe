"""Compares the ledger's tables with the workers' journals, after the storm.

Shares no code with Folio: psycopg, plain SQL (`rules`), and the journals. Everything it makes is temporary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.storm import journal
from tests.storm.rules import RULES, Rule
from tests.storm.watcher import EVENTS, digest, exists

_SHOWN = 10

#: What a ledger has that knows such an allocation; for one that doesn't, empty.
_QUEUES = {
    "ledger_slot": "tenant text, period_id bigint, value bigint",
    "ledger_reservation": "tenant text, period_id bigint, value bigint, document text",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken rule, the count of rows that break it, and the first of them."""

    number: int
    name: str
    count: int
    rows: list[dict[str, Any]]

    def __str__(self) -> str:
        shown = "\n".join(f"    {row}" for row in self.rows)
        more = f"\n    … and {self.count - len(self.rows)} more" if self.count > len(self.rows) else ""
        return f"rule {self.number}, {self.name}: {self.count}\n{shown}{more}"


@dataclass(slots=True)
class Verdict:
    """The counts, and the broken rules."""

    figures: dict[str, int]
    broken: list[Broken] = field(default_factory=list)


def check(urls: list[str], folder: Path) -> Verdict:
    """Read the journals and what was seen in ``folder``, and the ledger at ``urls``, one for each home."""
    with psycopg.connect(urls[0]) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        # Nothing hangs, however large the ledger.
        connection.execute("SET statement_timeout = '15min'")
        if len(urls) > 1:
            gather(connection, urls)
        load_journals(connection, folder)
        load_seen(connection, *folder.glob("seen*.tsv"))
        return judge(connection)


def judge(connection: psycopg.Connection) -> Verdict:
    """The verdict on the ledger, once `journal` and `seen` are loaded."""
    _prepare(connection)
    broken = [found for rule in RULES if (found := _broken(connection, rule)) is not None]
    return Verdict(_figures(connection, broken), broken)


def gather(connection: psycopg.Connection, urls: list[str]) -> None:
    """Let the tables' names stand for the rows of all homes together, of each tenant those where it is at home.

    A number that two homes gave out is then one that was given out twice.
    """
    found = connection.execute(
        "SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant')"
        " FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " AND c.relname ~ '^(ledger|storm)_'"
    ).fetchall()
    at_home = sql.SQL(
        " WHERE NOT EXISTS (SELECT FROM public.ledger_tenantmove m WHERE m.tenant = t.tenant AND m.state <> 'arrived')"
    )
    for name, of_tenants in found:
        table = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE {0} (LIKE public.{0})").format(table))
        rows = sql.SQL("COPY (SELECT t.* FROM public.{} t{}) TO STDOUT").format(
            table, at_home if of_tenants else sql.SQL("")
        )
        into = sql.SQL("COPY pg_temp.{} FROM STDIN").format(table)
        for url in urls:
            with (
                psycopg.connect(url) as home,
                home.cursor().copy(rows) as copied,
                connection.cursor().copy(into) as kept,
            ):
                for block in copied:
                    kept.write(block)
        connection.execute(sql.SQL("ANALYZE {}").format(table))


def load_journals(connection: psycopg.Connection, folder: Path) -> None:
    """Copy every journal of the folder into the temporary table `journal`."""
    columns = ", ".join(f"{name} text" for name in ("worker", *journal.FIELDS))
    # Within one file, later lines have higher numbers.
    connection.execute(f"CREATE TEMPORARY TABLE journal ({columns}, line bigint GENERATED ALWAYS AS IDENTITY)")
    names = ", ".join(("worker", *journal.FIELDS))
    with connection.cursor() as cursor, cursor.copy(f"COPY journal ({names}) FROM STDIN") as copy:
        for fields in journal.lines(folder):
            copy.write_row(fields)
    connection.execute("CREATE INDEX ON journal (kind, tenant, number)")
    connection.execute("CREATE INDEX ON journal (tenant, series, document, kind)")
    connection.execute("ANALYZE journal")


def load_seen(connection: psycopg.Connection, *paths: Path) -> None:
    """Copy what the watchers saw into the temporary table `seen`."""
    connection.execute("CREATE TEMPORARY TABLE seen (relation text, id bigint, digest text)")
    for path in paths:
        with path.open("rb") as file, connection.cursor() as cursor, cursor.copy("COPY seen FROM STDIN") as copy:
            while data := file.read(1 << 16):
                copy.write(data)
    connection.execute("ANALYZE seen")


def _prepare(connection: psycopg.Connection) -> None:
    """The temporary tables that the rules read beside the ledger's."""
    for table, columns in _QUEUES.items():
        if not exists(connection, table):
            connection.execute(f"CREATE TEMPORARY TABLE {table} ({columns})")
    connection.execute(
        "CREATE TEMPORARY TABLE entry AS SELECT e.*, s.code AS series, s.allocation FROM ledger_entry e"
        " LEFT JOIN ledger_series s ON s.id = e.series_id AND s.tenant = e.tenant"
    )
    connection.execute("CREATE INDEX ON entry (tenant, period_id, value)")
    connection.execute("CREATE INDEX ON entry (tenant, number)")
    connection.execute("CREATE INDEX ON entry (id)")
    connection.execute("ANALYZE entry")
    connection.execute("CREATE TEMPORARY TABLE changed (relation text, id bigint, digest text, now text)")
    for table in EVENTS:
        if exists(connection, table):
            query = sql.SQL(
                "INSERT INTO changed SELECT s.relation, s.id, s.digest, {now} FROM seen s LEFT JOIN {table} t"
                " ON t.id = s.id WHERE s.relation = %s AND {now} IS DISTINCT FROM s.digest"
            )
            # A row that has gone is all NULL, and so is its digest.
            now = sql.SQL("CASE WHEN t.id IS NOT NULL THEN {} END").format(digest("t"))
            connection.execute(query.format(now=now, table=sql.Identifier(table)), [table])


def _broken(connection: psycopg.Connection, rule: Rule) -> Broken | None:
    if not all(exists(connection, table) for table in rule.needs):
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"SELECT count(*) OVER () AS broken_rows, q.* FROM ({rule.sql}) q LIMIT {_SHOWN}")
        rows = cursor.fetchall()
    if not rows:
        return None
    return Broken(rule.number, rule.name, rows[0]["broken_rows"], [_without_count(row) for row in rows])


def _without_count(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "broken_rows"}


def _figures(connection: psycopg.Connection, broken: list[Broken]) -> dict[str, int]:
    """Counts over journals and ledger; a kind of line that nobody wrote counts zero."""
    found: dict[str, int] = dict.fromkeys((kind.replace("-", "_") for kind in journal.Kind), 0)
    for kind, count in connection.execute("SELECT kind, count(*) FROM journal GROUP BY kind"):
        found[kind.replace("-", "_")] = count
    distinct = "SELECT count(DISTINCT (tenant, series, document)) FROM journal WHERE kind = 'acknowledged'"
    by_name = {rule.name: rule.count for rule in broken}
    ledger = {
        "acknowledged": _one(connection, distinct),
        "entries": _one(connection, "SELECT count(*) FROM entry"),
        "gaps_flagged": _one(connection, "SELECT count(*) FROM entry WHERE kind = 'gap'"),
        "healed_late": _one(
            connection,
            "SELECT count(*) FROM entry g JOIN entry e ON e.tenant = g.tenant AND e.series = g.series"
            " AND e.document = g.metadata -> 'reservation' ->> 'document'"
            " WHERE g.kind = 'gap' AND e.kind = 'issued'",
        ),
        "free_slots": _one(connection, "SELECT count(*) FROM ledger_slot"),
        "voids": _one(connection, "SELECT count(*) FROM ledger_numbervoided"),
        "periods": _one(connection, "SELECT count(*) FROM ledger_period"),
        "periods_closed": _one(connection, "SELECT count(*) FROM ledger_period WHERE closed_at IS NOT NULL"),
        "events_seen": _one(connection, "SELECT count(*) FROM seen"),
    }
    if exists(connection, "ledger_seal"):
        ledger["seals"] = _one(connection, "SELECT count(*) FROM ledger_seal")
    if exists(connection, "ledger_sweeprun"):
        unfinished = "SELECT count(*) FROM ledger_sweeprun WHERE finished_at IS NULL OR error <> ''"
        ledger |= {
            "celery_runs": _one(connection, "SELECT count(*) FROM ledger_sweeprun"),
            "celery_broken_off": _one(connection, unfinished),
        }
    for allocation, count in connection.execute(
        "SELECT allocation, count(*) FROM entry WHERE kind = 'issued' AND allocation IS NOT NULL GROUP BY 1 ORDER BY 1"
    ):
        ledger[f"issued_{allocation}"] = count
    return {
        **found,
        **ledger,
        "retries": found["attempt"] - found["checkout"],
        "lost": sum(count for name, count in by_name.items() if name.startswith("lost")),
        "phantoms": sum(count for name, count in by_name.items() if name.startswith("phantom")),
        "unexplained": sum(by_name.get(name, 0) for name in ("hole", "gap-without-cause", "gap-without-evidence")),
    }


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
