"""The checker notices each rule that is broken: on a small ledger that is whole, and then is tampered with.

The tables are temporary copies of Folio's own, with its columns and without its guards, which would not let it happen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.storm import checker, journal
from tests.storm.rules import RULES
from tests.storm.watcher import EVENTS, Watcher

HERE = Path(__file__).parent
TABLES = (
    "ledger_series",
    "ledger_period",
    "ledger_entry",
    "ledger_numbervoided",
    "ledger_gapexplained",
    "ledger_slot",
    "ledger_reservation",
    "ledger_pool",
    "ledger_ticket",
    "ledger_sweeprun",
    "ledger_seal",
    "ledger_holereported",
    "ledger_holehealed",
    "ledger_serieschanged",
    "ledger_periodchanged",
)

# Series 1 to 5, one of each allocation and a strict one; period 10 times that, and 11 is closed.
WHOLE = """
INSERT INTO ledger_series (id, tenant, code, allocation, chronological) VALUES
    (1, 't', 'serial', 'serial', false), (2, 't', 'pooled', 'pooled', false), (3, 't', 'reserved', 'reserved', false),
    (4, 't', 'commit', 'at_commit', false), (5, 't', 'strict', 'serial', true);
INSERT INTO ledger_period (id, tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, last_value,
                           closed_at)
SELECT id, 't', series, day, day + 364, prefix, 3, '/x', 1, last, closed FROM (VALUES
    (10, 1, DATE '2026-01-01', 'S-', 3, NULL), (11, 1, DATE '2025-01-01', 'O-', 1, TIMESTAMPTZ '2026-01-02'),
    (20, 2, DATE '2026-01-01', 'P-', 4, NULL), (30, 3, DATE '2026-01-01', 'R-', 3, NULL),
    (40, 4, DATE '2026-01-01', 'C-', 2, NULL), (50, 5, DATE '2026-01-01', 'T-', 2, NULL),
    (60, 5, DATE '2027-01-01', 'E-', 0, NULL)
) p (id, series, day, prefix, last, closed);
INSERT INTO ledger_entry (id, tenant, series_id, period_id, value, kind, number, document, issued_on, issued_at,
                          transaction_id, actor, metadata)
SELECT id, 't', series, period, value, kind, prefix || lpad(value::text, 3, '0') || '/x', document,
       DATE '2026-05-05' - CASE WHEN period = 11 THEN 365 ELSE 0 END,
       TIMESTAMPTZ '2026-05-05' + id * interval '1 s' - CASE WHEN period = 11 THEN interval '300 days' ELSE '0' END,
       1000 + id, '', CASE WHEN kind = 'gap' THEN '{"reservation": {"document": "r2"}}' ELSE '{}' END::jsonb
FROM (VALUES
    (1, 1, 10, 1, 'issued', 'S-', 'a1'), (2, 1, 10, 2, 'issued', 'S-', 'a2'), (3, 1, 10, 3, 'issued', 'S-', 'a3'),
    (4, 1, 11, 1, 'issued', 'O-', 'o1'),
    (5, 2, 20, 1, 'issued', 'P-', 'p1'), (6, 2, 20, 3, 'issued', 'P-', 'p3'),
    (7, 3, 30, 1, 'issued', 'R-', 'r1'), (8, 3, 30, 2, 'gap', 'R-', ''), (9, 3, 30, 3, 'issued', 'R-', 'r3'),
    (10, 4, 40, 1, 'issued', 'C-', 'c1'), (11, 4, 40, 2, 'issued', 'C-', 'c2'),
    (12, 5, 50, 1, 'issued', 'T-', 's1'), (13, 5, 50, 2, 'issued', 'T-', 's2')
) e (id, series, period, value, kind, prefix, document);
INSERT INTO ledger_slot (tenant, period_id, value) VALUES ('t', 20, 2), ('t', 20, 4);
INSERT INTO ledger_pool (tenant, period_id, free_from, stragglers) VALUES ('t', 20, 4, '{2}');
INSERT INTO ledger_reservation (id, tenant, series_id, period_id, value, document) VALUES
    (1, 't', 3, 30, 1, 'r1'), (2, 't', 3, 30, 2, 'r2'), (3, 't', 3, 30, 3, 'r3');
INSERT INTO ledger_numbervoided (id, tenant, entry_id, reason, voided_at)
    VALUES (1, 't', 2, 'wrong', TIMESTAMPTZ '2026-06-01');
CREATE TEMPORARY TABLE storm_checkout (attempt text, tenant text, series text, document text, transaction_id bigint);
INSERT INTO storm_checkout SELECT 'w0.0/' || e.id, e.tenant, s.code, e.document, e.transaction_id
    FROM ledger_entry e JOIN ledger_series s ON s.id = e.series_id WHERE e.kind = 'issued';
CREATE TEMPORARY TABLE journal (worker text, kind text, tenant text, series text, document text, number text,
                                attempt text, line bigint GENERATED ALWAYS AS IDENTITY);
INSERT INTO journal SELECT 'w0.0', k, c.tenant, c.series, c.document, CASE WHEN k = 'acknowledged' THEN e.number END, ''
    FROM storm_checkout c JOIN ledger_entry e ON e.transaction_id = c.transaction_id,
    unnest(ARRAY['asked', 'checkout', 'attempt', 'committed', 'acknowledged']) AS k;
INSERT INTO journal VALUES ('w0.0', 'asked', 't', 'reserved', 'r2', '', ''),
    ('w0.0', 'shown', 't', 'reserved', 'r1', 'R-001/x', ''), ('w0.0', 'shown', 't', 'reserved', 'r2', 'R-002/x', ''),
    ('w0.0', 'void-asked', 't', '', '', 'S-002/x', ''), ('w0.0', 'voided', 't', '', '', 'S-002/x', ''),
    ('w6.0', 'closed', 't', '', '11', '1', '');
CREATE TEMPORARY TABLE seen (relation text, id bigint, digest text);
INSERT INTO seen SELECT 'ledger_entry', e.id, md5(to_jsonb(e)::text) FROM ledger_entry e;
INSERT INTO seen SELECT 'ledger_numbervoided', v.id, md5(to_jsonb(v)::text) FROM ledger_numbervoided v;
"""
#: All that is there, in two seals.
SEALED = """
DELETE FROM ledger_seal;
INSERT INTO ledger_seal (tenant, number, tables, counts, ids)
SELECT 't', 1, '{ledger_numbervoided,ledger_entry}',
       ARRAY[count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2)], array_agg(id ORDER BY kind, id)
FROM (SELECT 1 AS kind, id FROM ledger_numbervoided UNION ALL SELECT 2, id FROM ledger_entry WHERE id < 7) r;
INSERT INTO ledger_seal (tenant, number, tables, counts, ids)
SELECT 't', 2, '{ledger_entry}', ARRAY[count(*)], array_agg(id) FROM ledger_entry WHERE id >= 7;
INSERT INTO ledger_seal (tenant, number, tables, counts, ids) VALUES (NULL, 1, '{}', '{}', '{}');
"""


@pytest.fixture
def ledger(plain_database: str) -> Iterator[psycopg.Connection]:
    """A small ledger that is whole, in temporary tables that go with the connection."""
    with psycopg.connect(plain_database) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        for table in TABLES:
            connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table})")
            columns = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attnotnull",
                [f"pg_temp.{table}"],
            ).fetchall()
            for (column,) in columns:
                connection.execute(f"ALTER TABLE pg_temp.{table} ALTER COLUMN {column} DROP NOT NULL")
        connection.execute(WHOLE)
        connection.execute(SEALED)
        yield connection
        connection.rollback()


def broken(ledger: psycopg.Connection) -> set[str]:
    return {found.name for found in checker.judge(ledger).broken}


def test_a_whole_ledger_passes(ledger: psycopg.Connection) -> None:
    verdict = checker.judge(ledger)
    assert verdict.broken == []
    figures = verdict.figures
    assert {name: figures[name] for name in ("lost", "phantoms", "unexplained")} == dict.fromkeys(
        ("lost", "phantoms", "unexplained"), 0
    )
    assert (figures["acknowledged"], figures["entries"], figures["gaps_flagged"], figures["free_slots"]) == (
        12,
        13,
        1,
        2,
    )


@dataclass(frozen=True)
class Case:
    """What is done to the whole ledger, the rule that must be found broken, and what else is broken by necessity."""

    rule: str
    sql: str
    also: frozenset[str] = frozenset()


def case(rule: str, sql: str, *also: str) -> Case:
    return Case(rule, sql, frozenset(also))


def gone(entry: int) -> str:
    """A row that was there and is not, as if it had never been seen."""
    return f"DELETE FROM ledger_entry WHERE id = {entry}; DELETE FROM seen WHERE id = {entry};"


def untold(document: str) -> str:
    """Nobody has asked for the document or has seen it."""
    return (
        f"DELETE FROM journal WHERE document = '{document}'; DELETE FROM storm_checkout WHERE document = '{document}';"
    )


def line(kind: str, series: str = "", document: str = "", number: str = "") -> str:
    """One more line in a journal."""
    return f"INSERT INTO journal VALUES ('w2.0', '{kind}', 't', '{series}', '{document}', '{number}', '');"


COPY = (
    "INSERT INTO ledger_entry (id, tenant, series_id, period_id, value, kind, number, document, issued_on, issued_at,"
    " transaction_id, metadata) SELECT 99, tenant, series_id, period_id, {value}, {kind}, {number}, {document},"
    " issued_on, {at}, transaction_id, metadata FROM ledger_entry WHERE id = {entry};"
)


def copy(entry: int, **changed: str) -> str:
    """One more entry, like another one with these changes."""
    same = {"value": "value", "kind": "kind", "number": "number", "document": "document", "at": "issued_at"}
    return COPY.format(entry=entry, **(same | changed))


UNSEEN = "DELETE FROM seen;"
LAST_SEAL = "UPDATE ledger_seal SET ids = {}, counts = ARRAY[counts[1] + {}] WHERE number = 2"

CASES = [
    case("error", line("error", "serial", "a9", "DataError: …")),
    case("given-up", line("given-up", "serial", "a9")),
    case("hole", gone(1) + untold("a1")),
    case("hole", "DELETE FROM ledger_slot WHERE value = 2"),
    case("hole", "DELETE FROM ledger_slot WHERE value = 4", "counter"),
    case("value-twice", copy(10, number="'C-001/y'", document="''") ,
         "phantom", "phantom-of-rollback", "wrong-number"),
    case("free-and-used", "INSERT INTO ledger_slot (tenant, period_id, value) VALUES ('t', 20, 3);"
         "UPDATE ledger_pool SET stragglers = '{2,3}'"),
    case("no-period", UNSEEN + "UPDATE ledger_period SET first_value = 2 WHERE id = 10"),
    case("gap-without-cause", UNSEEN + "UPDATE ledger_entry SET kind = 'gap', document = '', metadata = '{\"a\": 1}'"
         " WHERE id = 11;" + untold("c2")),
    case("gap-of-open-pool", UNSEEN + "UPDATE ledger_entry SET kind = 'gap', document = '', metadata = '{\"a\": 1}'"
         " WHERE id = 5;" + untold("p1")),
    case("slot-of-closed-period", "UPDATE ledger_period SET closed_at = '2027-01-01' WHERE id = 20"),
    case("stranded-slot", "UPDATE ledger_pool SET stragglers = '{}'"),
    case("stranded-slot", "UPDATE ledger_pool SET free_from = 5"),
    case("counter", "UPDATE ledger_period SET last_value = 0 WHERE id = 10"),
    case("counter", "UPDATE ledger_period SET last_value = 4 WHERE id = 10", "hole"),
    case("counter", "UPDATE ledger_period SET last_value = 1 WHERE id = 60", "hole"),
    case("document-twice", UNSEEN + "UPDATE ledger_entry SET document = 'a1' WHERE id = 3;" + untold("a3"),
         "phantom-of-rollback"),
    case("number-twice", UNSEEN + "UPDATE ledger_entry SET number = 's-001/X' WHERE id = 3;"
         "UPDATE journal SET number = 's-001/X' WHERE number = 'S-003/x'", "wrong-number"),
    case("wrong-number", UNSEEN + "UPDATE ledger_entry SET number = 'S-3/x' WHERE id = 3;"
         "UPDATE journal SET number = 'S-3/x' WHERE number = 'S-003/x'"),
    case("two-answers", line("acknowledged", "serial", "a1", "S-009/x"), "lost"),
    case("one-answer-for-two", line("acknowledged", "serial", "a9", "S-001/x"), "lost"),
    case("shown-to-two", line("shown", "reserved", "r9", "R-002/x")),
    case("shown-to-another", "UPDATE journal SET document = 'r9' WHERE kind = 'shown' AND number = 'R-001/x'"),
    case("another-than-returned", line("returned", "serial", "a1", "S-001/x") + line("returned", "serial", "a1", "S-9")
         + "UPDATE journal SET worker = 'w0.0' WHERE kind = 'returned'"),
    case("reserved-for-another", "UPDATE ledger_reservation SET document = 'r9' WHERE value = 3"),
    case("lost", "UPDATE journal SET number = 'S-004/x' WHERE kind = 'acknowledged' AND number = 'S-003/x'"),
    case("lost", gone(9) + "INSERT INTO ledger_slot (tenant, period_id, value) VALUES ('t', 30, 3);",
         "lost-before-told", "lost-from-checkout", "open-reservation"),
    case("lost-before-told", line("committed", "serial", "a9")),
    case("lost-from-checkout", "INSERT INTO storm_checkout VALUES ('w2.0/1', 't', 'serial', 'a9', 1)"),
    case("phantom", "DELETE FROM journal WHERE document = 'a3'"),
    case("phantom", "UPDATE journal SET series = 'pooled' WHERE document = 'a3' AND kind = 'asked'"),
    case("phantom-of-rollback", "DELETE FROM storm_checkout WHERE document = 'a3'"),
    case("phantom-of-rollback", "UPDATE storm_checkout SET transaction_id = 7 WHERE document = 'a3'"),
    case("lost-void", "UPDATE ledger_numbervoided SET entry_id = 1; DELETE FROM seen;", "phantom-void"),
    case("phantom-void", "DELETE FROM journal WHERE kind = 'void-asked'"),
    case("void-of-nothing", "UPDATE ledger_numbervoided SET voided_at = '2020-01-01'; DELETE FROM seen;"),
    case("void-of-nothing", "INSERT INTO ledger_numbervoided (id, tenant, entry_id) VALUES (2, 't', 77)"),
    case("void-of-nothing", "INSERT INTO ledger_numbervoided (id, tenant, entry_id, voided_at)"
         " VALUES (2, 't', 8, '2026-06-01');" + line("void-asked", number="R-002/x")),
    case("void-twice", "INSERT INTO ledger_numbervoided (id, tenant, entry_id, voided_at)"
         " VALUES (2, 't', 2, '2026-06-02')"),
    case("gap-issued", copy(8, kind="'issued'", document="'r2'", number="'R-002/x'")
         + "INSERT INTO storm_checkout VALUES ('w0.0/9', 't', 'reserved', 'r2', 1008);",
         "value-twice", "number-twice"),
    case("gap-acknowledged", line("acknowledged", "reserved", "r2", "R-002/x"), "lost"),
    case("gap-with-document", UNSEEN + "UPDATE ledger_entry SET document = 'r2' WHERE id = 8"),
    case("gap-without-evidence", UNSEEN + "UPDATE ledger_entry SET metadata = '{}' WHERE id = 8", "gap-of-nobody"),
    case("gap-of-nobody", UNSEEN + "UPDATE ledger_entry SET metadata = '{\"reservation\": {}}' WHERE id = 8"),
    case("after-closing", UNSEEN + "UPDATE ledger_entry SET issued_at = '2026-01-03' WHERE id = 4"),
    case("grew-after-closing", "UPDATE journal SET number = '0' WHERE kind = 'closed'"),
    case("grew-after-closing", gone(4) + untold("o1") + "UPDATE ledger_period SET last_value = 0 WHERE id = 11"),
    case("date-outside", UNSEEN + "UPDATE ledger_entry SET issued_on = '2025-12-31' WHERE id = 1"),
    case("changed", "UPDATE ledger_entry SET actor = 'somebody else' WHERE id = 1"),
    case("changed", "UPDATE ledger_numbervoided SET reason = 'another'"),
    case("changed", "INSERT INTO seen VALUES ('ledger_entry', 98, ''), ('ledger_gapexplained', 1, '')"),
    case("not-in-one-seal", LAST_SEAL.format("ids[:cardinality(ids) - 1]", -1)),
    case("not-in-one-seal", LAST_SEAL.format("ids || 6::bigint", 1)),
    case("seal-of-nothing", LAST_SEAL.format("ids || 14::bigint", 1)),
    case("open-reservation", "INSERT INTO ledger_reservation (id, tenant, series_id, period_id, value, document)"
         " VALUES (4, 't', 3, 30, 4, 'r4'); UPDATE ledger_period SET last_value = 4 WHERE id = 30"),
    case("ticket-left", "INSERT INTO ledger_ticket (id, tenant) VALUES (1, 't')"),
    case("found-by-workers", """INSERT INTO ledger_sweeprun (sweep, counts) VALUES ('verify', '{"alarms": 1}')"""),
    case("time-out-of-order", UNSEEN + "UPDATE ledger_entry SET issued_at = '2026-05-06' WHERE id = 10"),
    case("date-out-of-order", UNSEEN + "UPDATE ledger_entry SET issued_on = '2026-05-06' WHERE id = 12"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_broken_rule_is_noticed(ledger: psycopg.Connection, case: Case) -> None:
    ledger.execute(case.sql)
    if "seal" not in case.rule:
        ledger.execute(SEALED)
    assert broken(ledger) == {case.rule} | case.also


def test_every_rule_is_broken_once() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in RULES}
    assert {rule.number for rule in RULES} >= set(range(1, 10))


def test_rows_are_shown_and_counted(ledger: psycopg.Connection) -> None:
    ledger.execute("UPDATE ledger_period SET last_value = 40 WHERE id = 10")
    found = {one.name: one for one in checker.judge(ledger).broken}
    assert found["hole"].count == 37
    assert found["hole"].rows[0] == {"tenant": "t", "series": "serial", "period": 10, "value": 4}
    assert "… and 27 more" in str(found["hole"])


def test_a_ledger_without_queues_is_read_too(ledger: psycopg.Connection) -> None:
    """Of a version that knows `serial` alone."""
    ledger.execute("DELETE FROM ledger_entry WHERE period_id IN (20, 30, 40); DELETE FROM seen")
    ledger.execute("DELETE FROM ledger_period WHERE id IN (20, 30, 40); DELETE FROM ledger_numbervoided")
    ledger.execute("DELETE FROM journal WHERE series IN ('pooled', 'reserved', 'commit') OR number = 'S-002/x'")
    ledger.execute("DELETE FROM storm_checkout WHERE document = 'a2' OR series IN ('pooled', 'reserved', 'commit')")
    ledger.execute("INSERT INTO journal VALUES ('w0.0', 'asked', 't', 'serial', 'a2', '', '')")
    ledger.execute("INSERT INTO storm_checkout SELECT 'x', 't', 'serial', 'a2', 1002")
    ledger.execute(SEALED)
    for table in ("ledger_slot", "ledger_reservation", "ledger_pool", "ledger_ticket"):
        ledger.execute(f"DROP TABLE pg_temp.{table}")
    ledger.execute("SET search_path = pg_temp")
    assert broken(ledger) == set()


def test_what_the_watcher_saw_is_held_against_the_ledger(plain_database: str, tmp_path: Path) -> None:
    watcher = Watcher(plain_database, tmp_path / "seen.tsv")
    with psycopg.connect(plain_database) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("CREATE TEMPORARY TABLE ledger_gapexplained (id bigint, explanation text)")
        connection.execute("INSERT INTO ledger_gapexplained VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        seen = watcher.look(connection, "ledger_gapexplained")
        assert watcher.look(connection, "ledger_gapexplained") == []
        (tmp_path / "seen.tsv").write_text("".join(seen))
        connection.execute("UPDATE ledger_gapexplained SET explanation = 'changed' WHERE id = 2")
        connection.execute("DELETE FROM ledger_gapexplained WHERE id = 3")
        checker.load_journals(connection, tmp_path)
        checker.load_seen(connection, tmp_path / "seen.tsv")
        found = {one.name: one for one in checker.judge(connection).broken}
        assert [(row["id"], row["is"] is None) for row in found["changed"].rows] == [(2, False), (3, True)]
        connection.rollback()


def test_journals_are_loaded_whole(plain_database: str, tmp_path: Path) -> None:
    path = tmp_path / "w3.1.journal"
    path.write_bytes(journal.line("acknowledged", "t", "s", "d", "N-1", "1") + b"acknowledged\tt\ts\td")
    with psycopg.connect(plain_database) as connection:
        checker.load_journals(connection, tmp_path)
        names = ", ".join(("worker", *journal.FIELDS))
        rows = connection.execute(f"SELECT {names} FROM journal").fetchall()
        connection.rollback()
    assert rows == [("w3.1", "acknowledged", "t", "s", "d", "N-1", "1")]


@pytest.mark.parametrize("name", ["checker", "rules", "watcher", "journal"])
def test_the_checker_shares_no_code_with_folio(name: str) -> None:
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in imported if module.split(".")[0] in ("ledger", "workers", "django")]
    theirs = {module for module in imported if module.startswith("tests.")}
    assert theirs <= {"tests.storm", "tests.storm.journal", "tests.storm.rules", "tests.storm.watcher"}


def test_the_watcher_knows_every_event_of_a_storm() -> None:
    assert {"ledger_entry", "ledger_numbervoided", "ledger_gapexplained"} <= set(EVENTS)
