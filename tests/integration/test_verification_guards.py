"""``ledger_verify``: a guard of the database that is missing, switched off or weakened is named."""

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.models.tables import event_tables
from ledger.verification import verify
from tests.integration.verified import found, undone


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
