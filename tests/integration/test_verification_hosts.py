"""``ledger_verify``: what stands beside the ledger, its owner's or another's, is a note or nothing at all."""

from __future__ import annotations

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.verification import verify
from ledger.verification.findings import Note
from tests.integration.full_ledger import ALIAS, undone
from tests.integration.schema_tampering import ROLE

_SAME = "CREATE FUNCTION same(bigint, numeric) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR"
STAND_INS = {
    "cast from text to bigint": "CREATE CAST (text AS bigint) WITH INOUT AS ASSIGNMENT",
    "operator public.=(bigint,numeric)": f"{_SAME} public.= (FUNCTION = same, LEFTARG = bigint, RIGHTARG = numeric)",
    "function public.lpad(text,bigint,text)": "CREATE FUNCTION public.lpad(text, bigint, text) RETURNS text"
    " LANGUAGE sql AS 'SELECT $1'",
    "function lpad(text,bigint,text)": "SET LOCAL allow_system_table_mods = on; CREATE FUNCTION"
    " pg_catalog.lpad(text, bigint, text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
}


@pytest.mark.parametrize("name", STAND_INS)
def test_what_can_be_taken_for_postgresqls_own_is_noted(ledger: BaseDatabaseWrapper, name: str) -> None:
    notes: list[Note] = []
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(STAND_INS[name])
        assert list(verify(using=ALIAS, note=notes.append)) == []
    assert [note.problem for note in notes if note.check == "stand-in"] == [
        f"The {name} can be called in place of PostgreSQL's own where its arguments fit better."
    ]


def test_a_database_that_takes_no_writes_is_noted(ledger: BaseDatabaseWrapper) -> None:
    notes: list[Note] = []
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {ledger.settings_dict['NAME']} SET default_transaction_read_only = on")
        assert list(verify(using=ALIAS, note=notes.append)) == []
    assert [note.problem for note in notes] == ["Sessions of every role begin with default_transaction_read_only = on."]


#: What hosts, their tools and their administrators do beside the ledger.
HARMLESS = (
    "CREATE TABLE payments (entry_id bigint REFERENCES ledger_entry ON DELETE CASCADE)",
    "CREATE MATERIALIZED VIEW totals AS SELECT tenant, count(*) FROM ledger_entry GROUP BY 1",
    "CREATE VIEW numbers AS SELECT * FROM ledger_entry; GRANT SELECT ON numbers TO pg_monitor",
    "CREATE TABLE visits (a int) PARTITION BY RANGE (a); CREATE TABLE visits_1 PARTITION OF visits DEFAULT",
    "CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT pg_catalog.gen_random_uuid()'",
    "CREATE FUNCTION nice(ledger_entry) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.number'",
    "CREATE TABLE copies (entry ledger_entry, at timestamptz)",
    "CREATE SCHEMA reporting; CREATE TABLE reporting.ledger_entry (id int)",
    "CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple)",
    "CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%')",
    "CREATE COLLATION by_letter (provider = libc, locale = 'C')",
    "CREATE AGGREGATE joined(text) (SFUNC = textcat, STYPE = text)",
    "CREATE TABLE lines (a int); CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
    " CREATE TRIGGER touched BEFORE UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;"
    " CREATE EVENT TRIGGER told ON sql_drop EXECUTE FUNCTION told()",
    "CREATE PUBLICATION ours FOR TABLE ledger_entry WHERE (id > 0); CREATE PUBLICATION all_of_it FOR ALL TABLES",
    "CREATE INDEX ON ledger_entry USING brin (issued_at); CREATE INDEX ON ledger_entry (lower(document));"
    " CREATE INDEX ON ledger_entry (tenant, issued_on) INCLUDE (number) WHERE kind = 'issued'",
    "CREATE STATISTICS alike (dependencies) ON tenant, series_id FROM ledger_entry;"
    " CREATE STATISTICS lower_case ON lower(document) FROM ledger_entry",
    "ALTER TABLE ledger_entry ALTER tenant SET (n_distinct = -0.1), ALTER document SET STATISTICS 500;"
    " ALTER TABLE ledger_entry ALTER document SET COMPRESSION pglz, SET (fillfactor = 90, autovacuum_enabled = off)",
    "ALTER TABLE ledger_entry CLUSTER ON ledger_entry_pkey",
    "ALTER SEQUENCE ledger_entry_id_seq CACHE 50; ALTER FUNCTION ledger_is_key(text) COST 7",
    "COMMENT ON TABLE ledger_entry IS 'numbers'; COMMENT ON TRIGGER ledger_entry_fits ON ledger_entry IS 'a guard'",
    f"{ROLE} GRANT pg_monitor, pg_read_all_data TO folio_stranger; ALTER ROLE folio_stranger SET statement_timeout = 9",
    f"{ROLE} GRANT SELECT (tenant, number) ON ledger_entry TO folio_stranger"
    "; GRANT TEMP ON DATABASE postgres TO PUBLIC",
    "SELECT pg_logical_emit_message(true, 'monitor', 'alive'); SELECT lo_create(0); NOTIFY ledger_entry",
)


@pytest.mark.parametrize("statements", HARMLESS)
def test_what_hosts_do_beside_the_ledger_is_no_finding(ledger: BaseDatabaseWrapper, statements: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(statements)
        assert list(verify(using=ALIAS)) == []
