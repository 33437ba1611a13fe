"""``ledger_verify``: a schema that is not as the migrations made it is named; what is a host's own business is not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.checks import check_superusers
from ledger.grants import PURPOSES, apply_grants
from ledger.judging import State, kind_of
from ledger.models.tables import all_tables, event_tables
from ledger.sweeps import work
from ledger.verification import catalogue, verify
from ledger.verification.findings import NOTES, Alarm, Note
from ledger.verification.guards import broken_guards
from tests.catalogue import binaries
from tests.databases import (
    ROOT,
    as_plain_owner,
    database_alias,
    manage,
    migrate,
    migrated_database,
    new_database,
    plain_owner,
    with_user,
)
from tests.integration.full_ledger import ALIAS, all_alarms, undone
from tests.integration.schema_tampering import BYPASSES, ROLE, Bypass
from tests.provision import client_program


@pytest.mark.parametrize("bypass", BYPASSES, ids=[bypass.name for bypass in BYPASSES])
def test_what_weakens_the_schema_is_named(ledger: BaseDatabaseWrapper, bypass: Bypass) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(bypass.statements)
        findings = all_alarms()
    problems = [finding.problem for finding in findings if finding.check == bypass.check]
    assert any(all(text in problem for text in bypass.told) for problem in problems), findings
    assert {finding.rule for finding in findings if finding.check == bypass.check} == {8}


#: What silences a guard, and what is said of it.
SILENCED = {
    "ALTER TABLE {table} DISABLE TRIGGER {trigger}": " must fire always",
    "ALTER TABLE {table} ENABLE TRIGGER {trigger}": " must fire always",
    "ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}": " must fire always",
    "DROP TRIGGER {trigger} ON {table}": " is missing",
}


@pytest.mark.parametrize("statement", SILENCED)
def test_each_missing_or_silent_guard_is_named(ledger: BaseDatabaseWrapper, statement: str) -> None:
    """All guards at once, and each is named once."""
    shipped = catalogue.shipped().objects["trigger"]
    refusals = ("ledger_append_only_rows", "ledger_append_only_table")
    assert {f"{table}.{refusal}" for table in event_tables() for refusal in refusals} < shipped.keys()
    guards = [name.split(".") for name in shipped]
    with undone(ledger), ledger.cursor() as cursor:
        for table, trigger in guards:
            cursor.execute(statement.format(table=table, trigger=trigger))
        findings = all_alarms()
    assert {finding.check for finding in findings} == {"trigger"}
    named = sorted(finding.problem.partition(SILENCED[statement])[0] for finding in findings)
    assert named == sorted(f"The trigger {trigger} on {table}" for table, trigger in guards)


def test_a_missing_foreign_key_is_named(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_numbervoided'::regclass AND contype = 'f'"
        )
        cursor.execute(f"ALTER TABLE ledger_numbervoided DROP CONSTRAINT {cursor.fetchone()[0]}")
        [finding] = all_alarms()
        said = "The foreign key from ledger_numbervoided (entry_id) to ledger_entry is missing"
        assert finding.problem.startswith(said)


def test_a_foreign_key_by_another_name_is_the_same(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_numbervoided'::regclass AND contype = 'f'"
        )
        cursor.execute(f"ALTER TABLE ledger_numbervoided RENAME CONSTRAINT {cursor.fetchone()[0]} TO entry_of_void")
        assert all_alarms() == []


def test_a_not_null_that_was_never_proven_is_named(ledger: BaseDatabaseWrapper) -> None:
    """Since PostgreSQL 18 NOT NULL is a constraint, which may be there without having been proven of old rows."""
    if ledger.connection.info.server_version < 180000:
        pytest.skip("NOT NULL … NOT VALID begins with PostgreSQL 18")
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry ALTER document DROP NOT NULL")
        cursor.execute("ALTER TABLE ledger_entry ADD CONSTRAINT later NOT NULL document NOT VALID")
        [finding] = all_alarms()
        assert "The column document of ledger_entry may be null" in finding.problem


def test_a_constraint_that_is_not_enforced_is_named(ledger: BaseDatabaseWrapper) -> None:
    if ledger.connection.info.server_version < 180000:
        pytest.skip("NOT ENFORCED begins with PostgreSQL 18")
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order")
        cursor.execute(
            "ALTER TABLE ledger_adoptedgap ADD CONSTRAINT ledger_adoptedgap_order"
            " CHECK (first_value <= last_value) NOT ENFORCED"
        )
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_numbervoided'::regclass AND contype = 'f'"
        )
        cursor.execute(f"ALTER TABLE ledger_numbervoided ALTER CONSTRAINT {cursor.fetchone()[0]} NOT ENFORCED")
        problems = "\n".join(finding.problem for finding in all_alarms())
    assert "The constraint ledger_adoptedgap_order on ledger_adoptedgap is another one" in problems
    assert "The foreign key from ledger_numbervoided (entry_id) to ledger_entry is another one" in problems
    assert problems.count("NOT ENFORCED") >= 2


# ---- What is missing stops no other check --------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["ledger_numbervoided", "ledger_entry", "ledger_period", "ledger_series"])
def test_a_missing_table_is_told_once_and_stops_nothing(ledger: BaseDatabaseWrapper, table: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table} CASCADE")
        findings = all_alarms()
        with pytest.raises(CommandError) as raised:
            call_command("ledger_verify", database=ALIAS, tenant="acme", stdout=StringIO())
    assert raised.value.returncode == 2
    assert [finding.problem for finding in findings if finding.check == "table"] == [
        f"The table {table} is missing: all that stood in it is gone, or is kept out of sight."
    ]
    skipped = [finding.problem for finding in findings if finding.check == "not-checked"]
    assert skipped
    assert all(f'because PostgreSQL says: relation "{table}" does not exist' in problem for problem in skipped)
    if table == "ledger_numbervoided":
        assert [problem.partition(",")[0] for problem in skipped] == [
            "Not checked: latest dates",
            "Not checked: documents have one number",
            "Not checked: voids",
        ]


def test_a_check_that_the_role_may_not_do_is_told(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(ROLE + "SET LOCAL ROLE folio_stranger")
        findings = all_alarms()
    assert {finding.check for finding in findings} == {"not-checked"}
    assert any("permission denied for table ledger_period" in finding.problem for finding in findings)


def test_no_table_at_all(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        assert all_alarms()[0].problem == "None of the ledger's tables is there."


# ---- What is no finding --------------------------------------------------------------------------------------------

#: Said in one note each, with these words.
HOSTS = {
    "CREATE INDEX ours ON ledger_entry (lower(document))": "index USING btree (lower(document)) on ledger_entry",
    "DROP INDEX ledger_entry_written": "is missing: what it finds at once is looked for in all rows",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_entry_written'::regclass": "is not valid",
    "CREATE STATISTICS ours ON tenant, kind FROM ledger_entry": "the statistics ours",
    "CREATE PUBLICATION ours FOR TABLE ledger_entry": "the publication ours",
    "CREATE PUBLICATION ours FOR TABLE ledger_entry WHERE (id > 5)": "the publication ours",
    "ALTER TABLE ledger_entry SET (fillfactor = 70)": "the storage parameters fillfactor=70, not none",
    "COMMENT ON TABLE ledger_entry IS 'ours'": "a comment on table ledger_entry",
    "COMMENT ON FUNCTION ledger_entry_fits() IS 'ours'": "a comment on function ledger_entry_fits()",
    # As SECURITY LABEL writes it, which wants a provider that few servers have.
    "INSERT INTO pg_seclabel VALUES ('ledger_entry'::regclass, 'pg_class'::regclass, 0, 'anon', 'MASKED')": (
        "a security label of anon on table ledger_entry"
    ),
    f"{ROLE} GRANT SELECT ON ledger_entry, ledger_period TO folio_stranger WITH GRANT OPTION": "SELECT for the role",
}


@pytest.mark.parametrize("statements", HOSTS)
def test_objects_of_the_host_are_noted(ledger: BaseDatabaseWrapper, statements: str) -> None:
    notes: list[Note] = []
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(statements)
        assert list(verify(using=ALIAS, note=notes.append)) == []
    assert [note.check for note in notes] == ["host"]
    assert HOSTS[statements] in notes[0].problem


#: These are neither findings nor notes, and here is why.
HARMLESS = {
    # An index answers the same wherever its rows lie, and however many a page holds.
    "index with parameters": "ALTER INDEX ledger_entry_number SET (fillfactor = 50)",
    "constraint with parameters": "ALTER INDEX ledger_entry_value SET (fillfactor = 50)",
    "exclusion with parameters": "ALTER INDEX ledger_period_no_overlap SET (fillfactor = 50)",
    # Only for the planner: it finds the same rows another way.
    "statistics targets": "ALTER TABLE ledger_entry ALTER kind SET STATISTICS 1000;"
    " ALTER TABLE ledger_entry ALTER kind SET (n_distinct = 3)",
    "costs of a function": "ALTER FUNCTION ledger_is_key(text) COST 9999",
    "clustering": "ALTER TABLE ledger_entry CLUSTER ON ledger_entry_pkey",
    "storage of a column": "ALTER TABLE ledger_entry ALTER metadata SET STORAGE EXTERNAL",
    # An id that was given out is refused by the primary key, and no rule rests on the order of ids.
    "ids that begin again": "ALTER SEQUENCE ledger_entry_id_seq RESTART WITH 1;"
    " ALTER SEQUENCE ledger_entry_id_seq CACHE 50",
    # Nothing of the ledger is of that type, domain, collation or text search.
    "types of a host": "CREATE DOMAIN ours AS text CHECK (VALUE <> ''); CREATE TYPE mood AS ENUM ('good');"
    " CREATE COLLATION plain (provider = libc, locale = 'C')",
    # What a session begins with: limits that end a statement, and with it the transaction.
    "limits of a role": f"{ROLE} ALTER ROLE folio_stranger SET statement_timeout = '1s';"
    " ALTER ROLE folio_stranger SET default_transaction_read_only = on;"
    " ALTER ROLE folio_stranger SET standard_conforming_strings = off",
    "a host's key": "CREATE TABLE host_key (entry bigint REFERENCES ledger_entry (id))",
    # It can't be written to, or only by whoever may write to the ledger's table as well.
    "a host's views": f"{ROLE} CREATE VIEW seen AS SELECT * FROM ledger_entry; GRANT SELECT ON seen TO folio_stranger;"
    " CREATE VIEW summed AS SELECT tenant, count(*) FROM ledger_entry GROUP BY 1;"
    " CREATE VIEW lent WITH (security_invoker = yes) AS SELECT * FROM ledger_entry;"
    " GRANT ALL ON summed, lent TO folio_stranger",
    "a host's table": f"{ROLE} CREATE TABLE host_table (id bigint); CREATE FUNCTION host_total() RETURNS int"
    " LANGUAGE sql RETURN 1; GRANT ALL ON host_table TO folio_stranger, PUBLIC",
    "a ticket in the log": "ALTER TABLE ledger_ticket SET LOGGED",
    "other columns first": "ALTER TABLE ledger_sweeprun DROP COLUMN batches; ALTER TABLE ledger_sweeprun"
    " ADD batches integer CHECK (batches >= 0)",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_harmless_changes_are_no_finding(ledger: BaseDatabaseWrapper, what: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(HARMLESS[what])
        assert list(verify(using=ALIAS, note=_refuse)) == []


def _refuse(note: Note) -> None:
    raise AssertionError(str(note))


_OWNER = "(SELECT tableowner FROM pg_tables WHERE tablename = 'ledger_entry')"
NOTED = {
    "replica-identity": "ALTER TABLE ledger_entry REPLICA IDENTITY FULL",
    "event-trigger": "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;"
    " CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch()",
    "member": "CREATE ROLE folio_stranger LOGIN;"
    f" DO $$BEGIN EXECUTE format('GRANT %I TO folio_stranger', {_OWNER}); END$$",
    "starts-with": f"{ROLE} ALTER ROLE folio_stranger SET synchronous_commit = off",
    "default-privileges": f"{ROLE} DO $$BEGIN EXECUTE format("
    "'ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT INSERT ON TABLES"
    f" TO folio_stranger', {_OWNER}); END$$",
    "subscription": "CREATE SUBSCRIPTION ours CONNECTION 'dbname=elsewhere' PUBLICATION theirs"
    " WITH (connect = false, slot_name = NONE); INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
    " SELECT oid, 'ledger_entry'::regclass, 'r' FROM pg_subscription",
    "stand-in": "CREATE CAST (text AS jsonb) WITH INOUT AS IMPLICIT",
    "neighbour": f"{ROLE} CREATE TABLE visitors (id int); GRANT CREATE ON SCHEMA public TO folio_stranger;"
    " ALTER TABLE visitors OWNER TO folio_stranger; REVOKE CREATE ON SCHEMA public FROM folio_stranger",
}


@pytest.mark.parametrize("check", NOTED)
def test_changes_that_break_no_rule_are_noted(ledger: BaseDatabaseWrapper, check: str) -> None:
    notes: list[Note] = []
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(NOTED[check])
        assert list(verify(using=ALIAS, note=notes.append)) == []
    assert [note.check for note in notes] == [check]
    assert notes[0].remedy == NOTES[check]


def test_an_unknown_major_is_noted_and_privileges_are_looked_at(
    ledger: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = replace(catalogue.shipped(), postgresql={"14": "14.1"})
    monkeypatch.setattr(catalogue, "shipped", lambda: shipped)
    out = StringIO()
    call_command("ledger_verify", database=ALIAS, stdout=out)
    assert "note, not-compared: The schema was not compared: " in out.getvalue()
    assert "this version of Folio knows how PostgreSQL 14 describe it" in out.getvalue()
    assert "and noted what stands above: 1." in out.getvalue()
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute("GRANT DELETE ON ledger_entry TO PUBLIC; DROP TRIGGER ledger_entry_fits ON ledger_entry")
        assert [finding.check for finding in all_alarms()] == ["privilege"]
    # (tests/roles/test_held_counters.py)
    assert {*NOTED, "host", "collation", "not-compared", "prepared-transaction"} == set(NOTES)


def test_texts_that_another_library_sorted_are_noted(ledger: BaseDatabaseWrapper) -> None:
    """After an upgrade of the system an index may not find what it has."""
    notes: list[Note] = []
    with undone(ledger), ledger.cursor() as cursor:
        this = "FROM pg_database WHERE datname = current_database()"
        cursor.execute(f"SELECT pg_database_collation_actual_version(oid) {this}")
        if cursor.fetchone() == (None,):
            pytest.skip("this database's collation has no version")
        cursor.execute("UPDATE pg_database SET datcollversion = 'old' WHERE datname = current_database()")
        assert list(verify(using=ALIAS, note=notes.append)) == []
    [note] = notes
    assert note.problem.startswith("The database's texts were sorted by version old of the collation ")


@pytest.mark.parametrize("setting", ["quote_all_identifiers = on", "timezone = 'Asia/Kathmandu'"])
def test_how_a_session_writes_names_and_times_changes_no_finding(ledger: BaseDatabaseWrapper, setting: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"SET LOCAL {setting}")
        assert list(verify(using=ALIAS, note=_refuse)) == []


def test_what_roles_may_hold_can_be_said(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"{ROLE} GRANT INSERT ON ledger_entry TO folio_stranger")
        assert list(broken_guards(ledger, allowed={"ledger_entry": {"INSERT"}})) == []
        [finding] = broken_guards(ledger)
    assert isinstance(finding, Alarm)
    assert finding.check == "privilege"
    told = "The role folio_stranger has INSERT on table ledger_entry: it can write rows past the functions that"
    assert finding.problem.startswith(told)


@pytest.mark.parametrize("purposes", [*([name] for name in PURPOSES), list(PURPOSES)], ids=str)
def test_what_ledger_grants_gives_is_no_finding(ledger: BaseDatabaseWrapper, purposes: list[str]) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(ROLE)
        apply_grants("folio_stranger", purposes, revoke_public=True, using=ALIAS)
        assert list(verify(using=ALIAS, note=_refuse)) == []


def test_the_tables_of_the_workers_are_checked_if_installed(ledger: BaseDatabaseWrapper) -> None:
    """A project that doesn't install their app has no such table; if one is there, all must be."""
    shipped = catalogue.shipped().objects
    others = shipped["table"].keys() - set(all_tables())
    assert others
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in sorted(others):
            cursor.execute(f"DROP TABLE {table} CASCADE")
            missing = [finding.problem for finding in all_alarms() if finding.check == "table"]
            others -= {table}
            assert len(missing) == (len(shipped["table"].keys() - set(all_tables())) - len(others) if others else 0)


def test_the_sweep_logs_notes_as_warnings(ledger: BaseDatabaseWrapper, caplog: pytest.LogCaptureFixture) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"{NOTED['replica-identity']}; {BYPASSES[0].statements}")
        assert work.verify(ALIAS)["alarms"] > 0
    levels = {record.levelname: record.getMessage() for record in reversed(caplog.records)}
    assert levels["WARNING"].startswith("note, replica-identity: The table ledger_entry")
    assert levels["ERROR"].startswith("rule 8, table: The table ledger_numbervoided is missing")


@pytest.mark.django_db
def test_a_test_database_may_lack_the_refusal_of_truncate() -> None:
    assert list(verify(note=_refuse)) == []


def test_an_owner_that_is_no_superuser(django_db_blocker: Any) -> None:
    """As it should be: the database's owner migrates, and another role has what Folio grants."""
    with new_database("folio_owned") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f"CREATE ROLE {name}_owner LOGIN PASSWORD 'folio'")
            connection.execute(f"CREATE ROLE {name}_shop")
            connection.execute(f"ALTER DATABASE {name} OWNER TO {name}_owner")
        try:
            owned = with_user(url, f"{name}_owner", "folio")
            done = manage("migrate", "--run-syncdb", "--verbosity", "0", url=owned)
            assert done.returncode == 0, done.stderr
            with database_alias("owned", owned) as wrapper, django_db_blocker.unblock():
                apply_grants(f"{name}_shop", ["checkout"], using="owned")
                assert list(verify(using="owned", note=_refuse)) == []
                with transaction.atomic(using="owned"), wrapper.cursor() as cursor:
                    cursor.execute(f"GRANT CREATE ON SCHEMA public TO {name}_shop")
                    finding, again = list(verify(using="owned"))
                    transaction.set_rollback(True, using="owned")
            assert finding.problem.startswith(f"The role {name}_shop has CREATE on schema public: ")
            assert again.problem.startswith(f"The role '{name}_shop' may make objects in the ledger's schema public")
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"REASSIGN OWNED BY {name}_owner TO CURRENT_USER")
                connection.execute(f"DROP OWNED BY {name}_shop, {name}_owner")
                connection.execute(f"DROP ROLE {name}_shop, {name}_owner")


def test_a_superuser_as_owner_is_told_and_the_guide_gives_the_ledger_away(django_db_blocker: Any) -> None:
    psql = client_program("psql")
    if psql is None:
        pytest.skip("there is no psql on this machine")
    guide = (ROOT / "docs" / "guides" / "database.md").read_text(encoding="utf-8")
    statements = guide.partition("## Give the ledger away")[2].partition("```text\n")[2].partition("```")[0]
    made, _, given = statements.partition("\n")
    assert made.startswith("CREATE ROLE shop_owner LOGIN")
    with (
        new_database("folio_superuser") as url,
        database_alias("superuser", url) as connection,
        django_db_blocker.unblock(),
    ):
        migrate(url)
        [finding] = verify(using="superuser", note=_refuse)
        assert (finding.check, kind_of(finding.check).state) == ("superuser", State.BROKEN)
        assert f"owned by {connection.connection.info.user}, a superuser" in finding.problem
        assert [error.id for error in check_superusers(None, databases=["superuser"])] == ["ledger.E005"] * 2
        give = given.replace("shop_owner", plain_owner())
        subprocess.run([psql, "-qX", "-v", "ON_ERROR_STOP=1", "-d", url], input=give, text=True, check=True)
        assert list(verify(using="superuser", note=_refuse)) == []
        [error] = check_superusers(None, databases=["superuser"])
        assert "as which the application is connected" in error.msg
        # What migrates next does so as the new owner.
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {plain_owner()}")
            call_command("ledger_install", database="superuser", stdout=StringIO())
            cursor.execute("RESET ROLE")
        assert list(verify(using="superuser", note=_refuse)) == []


# ---- Elsewhere -----------------------------------------------------------------------------------------------------


@pytest.fixture
def in_another_schema() -> Iterator[str]:
    with new_database("folio_schema") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "My books" AUTHORIZATION {plain_owner()}')
        url = as_plain_owner(url, '-csearch_path="My\\ books"')
        done = manage("migrate", "--run-syncdb", "--verbosity", "0", url=url)
        assert done.returncode == 0, done.stderr
        yield url


def test_a_schema_of_another_name(in_another_schema: str, django_db_blocker: Any) -> None:
    with database_alias("elsewhere", in_another_schema) as connection, django_db_blocker.unblock():
        assert list(verify(using="elsewhere", note=_refuse)) == []
        with transaction.atomic(using="elsewhere"), connection.cursor() as cursor:
            # The other ledger's functions must not be looked for where the first one's are.
            cursor.execute("ALTER FUNCTION ledger_void_fits() SET search_path = pg_catalog, public, pg_temp")
            [finding] = list(verify(using="elsewhere"))
            transaction.set_rollback(True, using="elsewhere")
    told = "has the settings search_path=pg_catalog, public, pg_temp, not search_path=pg_catalog, {schema}, pg_temp"
    assert told in finding.problem


def test_a_cloned_schema_is_mended_by_the_command_that_is_named(in_another_schema: str, django_db_blocker: Any) -> None:
    """Its functions look into the schema that it was cloned from, and its constraints have PostgreSQL's own names."""
    with database_alias("elsewhere", in_another_schema) as connection, django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname, oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'ledger%%'", [])
            functions = {signature for name, signature in cursor.fetchall() if name != "ledger_is_key"}
            for signature in functions:
                cursor.execute(f"ALTER FUNCTION {signature} SET search_path = pg_catalog, public, pg_temp")
            for table, column in (("entry", "tenant_period_id_value"), ("series", "tenant_code")):
                name = "value" if table == "entry" else "code"
                cursor.execute(
                    f"ALTER TABLE ledger_{table} RENAME CONSTRAINT ledger_{table}_{name} TO ledger_{table}_{column}_key"
                )
            cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER ledger_append_only_rows")
            cursor.execute('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "My books" TO PUBLIC')
        findings = list(verify(using="elsewhere"))
        assert {finding.check for finding in findings} >= {"function", "constraint", "trigger", "privilege"}
        assert all("ledger_install" in finding.remedy for finding in findings if finding.check != "privilege")
        told = StringIO()
        call_command("ledger_install", database="elsewhere", stdout=told)
        assert "in 'My books'. 2 constraints got their names back." in told.getvalue()
        assert list(verify(using="elsewhere", note=_refuse)) == []


def test_a_restored_dump(django_db_blocker: Any) -> None:
    with migrated_database("folio_dumped") as url, new_database("folio_restored") as copy:
        with psycopg.connect(url) as connection:
            major = connection.info.server_version // 10000
        folder = binaries().get(major)
        if folder is None:
            pytest.skip(f"there is no pg_dump of PostgreSQL {major} on this machine")
        dump = subprocess.run([folder / "pg_dump", "-d", url], capture_output=True, check=True).stdout
        subprocess.run([folder / "psql", "-qX", "-d", copy], input=dump, check=True, stdout=subprocess.DEVNULL)
        with database_alias("restored", copy), django_db_blocker.unblock():
            assert list(verify(using="restored", note=_refuse)) == []
