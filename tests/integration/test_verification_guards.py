"""``ledger_verify``: a guard of the database that is missing, switched off or weakened is named."""

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.migrations._operations import RunSQLFile
from ledger.models.tables import all_tables, event_tables
from ledger.verification import expected, verify
from ledger.verification.expected import Trigger
from tests.integration.verified import found, undone

#: The others: each event table's two are tried in both directions below.
OTHERS = [trigger for trigger in expected.triggers() if trigger.function != "ledger_refuse_change"]


def test_every_guard_in_the_database_is_looked_at(ledger: BaseDatabaseWrapper) -> None:
    """A trigger or a unique index that a migration adds is added to what is expected too."""
    with ledger.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)",
            [all_tables()],
        )
        assert {(trigger.table, trigger.name) for trigger in expected.triggers()} == set(cursor.fetchall())
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique"
            " AND indrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)"
            # But for a primary key that is a row's own id, and nothing else.
            " AND NOT (indisprimary AND indnkeyatts = 1 AND indrelid <> 'ledger_entry'::regclass)",
            [all_tables()],
        )
        assert set(expected.INDEXES) == {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE starts_with(proname, 'ledger_') AND prosrc > ''")
        assert expected.functions() == dict(cursor.fetchall())
        cursor.execute(
            "SELECT f.proname FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid"
            " WHERE starts_with(f.proname, 'ledger_') AND NOT starts_with(f.proname, 'ledger_refuse')"
        )
        # A trigger asks for the draft of a value by a function of its own.
        assert {name for (name,) in cursor.fetchall()} == expected.OWN_SCHEMA - {"ledger_drafted"}


@pytest.mark.parametrize("trigger", OTHERS, ids=[trigger.name for trigger in OTHERS])
def test_a_missing_or_silent_guard_is_named(ledger: BaseDatabaseWrapper, trigger: Trigger) -> None:
    for change in ("DISABLE TRIGGER", "ENABLE TRIGGER", "ENABLE REPLICA TRIGGER"):
        with undone(ledger), ledger.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {trigger.table} {change} {trigger.name}")
            assert [finding.check for finding in found()] == ["trigger"]
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger.name} ON {trigger.table}")
        [finding] = found()
        assert finding.problem == f"The trigger {trigger.name} on {trigger.table} is missing."


def test_a_function_of_an_earlier_migration_is_named(ledger: BaseDatabaseWrapper) -> None:
    """The guard of the counters as it was before there were queues lets a period be closed over a reservation."""
    before = RunSQLFile("periods").sql
    start = str(before).index("CREATE FUNCTION ledger_period_guard")
    text = str(before)[start : str(before).index("$$;", start)].replace("CREATE", "CREATE OR REPLACE") + "$$"
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(text)
        cursor.execute("ALTER FUNCTION ledger_period_guard() SET search_path = public, pg_temp")
        [finding] = found()
    assert finding.problem == "The function ledger_period_guard is another one than the migrations made."


@pytest.mark.parametrize("table", event_tables())
@pytest.mark.parametrize("trigger", ["ledger_append_only_rows", "ledger_append_only_table"])
def test_a_missing_or_silent_trigger_is_named(ledger: BaseDatabaseWrapper, table: str, trigger: str) -> None:
    for change in ("DISABLE TRIGGER {0}", "ENABLE TRIGGER {0}", "ENABLE REPLICA TRIGGER {0}"):
        with undone(ledger), ledger.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} {change.format(trigger)}")
            [finding] = found()
        assert (finding.rule, finding.check) == (8, "trigger")
        assert f"{trigger} on {table}" in finding.problem
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger} ON {table}")
        [finding] = found()
        assert finding.problem == f"The trigger {trigger} on {table} is missing."


@pytest.mark.parametrize(
    ("statement", "check", "text"),
    [
        ("DROP TRIGGER ledger_entry_fits ON ledger_entry", "trigger", "ledger_entry_fits on ledger_entry is missing"),
        ("ALTER TABLE ledger_period DISABLE TRIGGER ledger_period_guard_format", "trigger", "is disabled"),
        ("ALTER TABLE ledger_series ENABLE TRIGGER ledger_series_guard_update", "trigger", "silent in replica mode"),
        ("ALTER TABLE ledger_entry DISABLE TRIGGER ALL", "trigger", "A foreign key's trigger"),
        (
            "DROP TRIGGER ledger_period_guard_counter ON ledger_period; CREATE TRIGGER ledger_period_guard_counter"
            " AFTER UPDATE OF last_value ON ledger_period FOR EACH ROW WHEN (NEW.last_value < OLD.last_value - 1)"
            " EXECUTE FUNCTION ledger_period_guard();"
            " ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_guard_counter",
            "trigger",
            "another one",
        ),
        (
            "DROP TRIGGER ledger_period_guard_format ON ledger_period; CREATE TRIGGER ledger_period_guard_format"
            " AFTER UPDATE OF prefix ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_guard();"
            " ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_guard_format",
            "trigger",
            "another one",
        ),
        (
            "DROP TRIGGER ledger_ticket_numbered ON ledger_ticket; CREATE TRIGGER ledger_ticket_numbered"
            " AFTER INSERT ON ledger_ticket FOR EACH ROW EXECUTE FUNCTION ledger_number_tickets();"
            " ALTER TABLE ledger_ticket ENABLE ALWAYS TRIGGER ledger_ticket_numbered",
            "trigger",
            "another one",
        ),
        (
            "DROP TRIGGER ledger_slot_is_kept ON ledger_slot; CREATE CONSTRAINT TRIGGER ledger_slot_is_kept"
            " AFTER DELETE ON ledger_slot DEFERRABLE INITIALLY IMMEDIATE"
            " FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept();"
            " ALTER TABLE ledger_slot ENABLE ALWAYS TRIGGER ledger_slot_is_kept",
            "trigger",
            "another one",
        ),
        ("ALTER TABLE ledger_reservation SET UNLOGGED", "unlogged", "ledger_reservation is not in the write-ahead log"),
        ("ALTER TABLE ledger_slot DROP CONSTRAINT ledger_slot_pkey", "index", "ledger_slot_pkey is missing"),
        ("DROP INDEX ledger_reservation_document", "index", "ledger_reservation_document is missing"),
        ("ALTER FUNCTION ledger_number_tickets() RESET search_path", "function", "ledger_number_tickets has no"),
        (
            "DROP TRIGGER ledger_append_only_rows ON ledger_entry; CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE"
            " OR DELETE ON ledger_entry FOR EACH ROW WHEN (false) EXECUTE FUNCTION ledger_refuse_change();"
            " ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_append_only_rows",
            "trigger",
            "another one",
        ),
        ("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value", "index", "ledger_entry_value is missing"),
        ("DROP INDEX ledger_entry_number", "index", "ledger_entry_number is missing"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_entry_document'::regclass",
            "index",
            "ledger_entry_document is not valid",
        ),
        (
            "DROP INDEX ledger_entry_number; CREATE UNIQUE INDEX ledger_entry_number ON ledger_entry (tenant, number)",
            "index",
            "upper(number::text)",
        ),
        (
            "DROP INDEX ledger_entry_number; CREATE UNIQUE INDEX ledger_entry_number"
            " ON ledger_entry (tenant, upper(number)) WHERE id > 100",
            "index",
            "instead of none",
        ),
        ("ALTER FUNCTION ledger_entry_fits() RESET search_path", "function", "ledger_entry_fits has no search_path"),
        (
            "ALTER FUNCTION ledger_void_fits() SET search_path = pg_temp, public",
            "function",
            "ledger_void_fits has no search_path",
        ),
        ("ALTER TABLE ledger_period DROP CONSTRAINT ledger_period_no_overlap", "constraint", "no_overlap"),
        (
            "ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order",
            "constraint",
            "ledger_adoptedgap_order",
        ),
        (
            "ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order;"
            " ALTER TABLE ledger_adoptedgap ADD CONSTRAINT ledger_adoptedgap_order"
            " CHECK (first_value <= last_value) NOT VALID",
            "constraint",
            "is not valid",
        ),
        (
            "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql"
            " AS $$BEGIN RETURN OLD; END$$",
            "function",
            "ledger_refuse_change is another one",
        ),
        ("DROP FUNCTION ledger_latest_date(text, bigint)", "function", "ledger_latest_date is missing"),
    ],
)
def test_a_missing_or_weakened_guard_is_named(
    ledger: BaseDatabaseWrapper, statement: str, check: str, text: str
) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(statement)
        findings = found()
    assert check in {finding.check for finding in findings}
    assert any(text in finding.problem for finding in findings)
    assert {finding.rule for finding in findings} == {8}


def test_a_missing_foreign_key_is_named(ledger: BaseDatabaseWrapper) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_numbervoided'::regclass AND contype = 'f'"
        )
        cursor.execute(f"ALTER TABLE ledger_numbervoided DROP CONSTRAINT {cursor.fetchone()[0]}")
        assert [finding.problem for finding in found()] == [
            "The foreign key from ledger_numbervoided to ledger_entry is missing or not valid."
        ]


@pytest.mark.django_db
def test_a_test_database_may_lack_the_refusal_of_truncate() -> None:
    assert list(verify()) == []
