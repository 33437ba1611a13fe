"""The living files of functions and guards: each once, owned, and fit for a schema that Citus distributes."""

import re

from django.apps import apps

from ledger.grants.purposes import PURPOSES, READING
from ledger.models.tables import all_tables
from ledger.sql.installing import function_texts, guard_statements
from tests import frozen

TEXTS = function_texts()
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp"
#: Without their comments.
CODES = {name: re.sub(r"--.*", "", text) for name, text in TEXTS.items()}
#: The functions that roles may call.
CALLED = frozenset().union(*(purpose.functions for purpose in PURPOSES.values()))

#: Plans for lists of any length. Where Citus distributes the schema it can't plan them: there the setting is taken off.
GENERIC_PLANS = {"ledger_issue_reserved", "ledger_leave_ticket", "ledger_number_tickets", "ledger_reserve"}

#: The columns of the ledger that are smallint. Only code that reads such a column may name that type.
SMALL_COLUMNS = {
    field.column
    for model in apps.get_app_config("ledger").get_models()
    for field in model._meta.concrete_fields
    if field.get_internal_type() in ("SmallIntegerField", "PositiveSmallIntegerField")
}


def test_the_migration_makes_the_living_files() -> None:
    assert frozen.frozen() == frozen.living(), (
        "Files of ledger/sql differ from those that tests/frozen.json notes. Until the "
        "first release: run python -m tests.frozen and python -m tests.catalogue. From then on: add a migration that "
        "carries the changed text."
    )


def test_each_file_defines_the_function_of_its_name() -> None:
    for name, text in TEXTS.items():
        assert re.findall(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)", text) == [name]
        assert text.startswith("-- "), f"{name}: a file begins with what its function is for"
        assert max(map(len, text.splitlines())) <= 126, name


def test_a_function_that_looks_into_tables_for_a_role_is_a_definer() -> None:
    for name, text in CODES.items():
        if name in CALLED or "RETURNS trigger" in text:
            # Triggers on a table that isn't the ledger's have only the writer's rights.
            # ledger_entry_fits, which each issue pays for, names the schema of all that it uses instead.
            others = {"ledger_entry_fits", "ledger_moved_counter", "ledger_moved_new_counter"}
            assert DEFINER in text or name in others, name
        elif "SECURITY DEFINER" in text:
            assert DEFINER in text, name
            assert name in {"ledger_move", "ledger_set_home", "ledger_suspects"}


def test_every_granted_function_exists() -> None:
    assert READING.union(CALLED).issubset(TEXTS)


def test_no_argument_sets_what_the_database_alone_knows() -> None:
    """Of those that roles may call."""
    known = re.compile(r"p_(promised|issued_at|voided_at|entry_id|era|login|role|prefix|suffix|width)\b")
    for name in CALLED:
        assert not known.search(TEXTS[name].partition("(")[2].partition("$$")[0]), name


class TestCitus:
    """What a distributed schema refuses."""

    def test_no_clock_in_an_update(self) -> None:
        for name, text in CODES.items():
            for update in re.findall(r"\bUPDATE ledger_\w+.*?;", text, re.DOTALL):
                assert not re.search(r"\b(clock_timestamp|now|transaction_timestamp)\s*\(", update), f"{name}: {update}"
            for update in re.findall(r"\bDO UPDATE\s+SET.*?;", text, re.DOTALL):
                assert not re.search(r"\b(clock_timestamp|now)\s*\(", update), f"{name}: {update}"

    def test_rows_come_back_as_bare_columns(self) -> None:
        inserts = r"\bINSERT INTO (?:(?!;).)*?\bSELECT\b(?:(?!;).)*?\bRETURNING\b([^;()]*)"
        for name, text in CODES.items():
            for insert in re.findall(inserts, text, re.DOTALL):
                columns = [column.strip() for column in re.split(r"\bINTO\b|\bLOOP\b", insert)[0].split(",")]
                assert all(re.fullmatch(r"(\w+\.)?\w+", column) for column in columns), f"{name}: {columns}"

    def test_no_argument_is_a_row_of_a_table(self) -> None:
        rows = re.compile(rf"\b({'|'.join(all_tables())})\b")
        assert [name for name, text in CODES.items() if rows.search(text.partition("$$")[0])] == []

    def test_generic_plans_are_known(self) -> None:
        assert {name for name, text in TEXTS.items() if "plan_cache_mode = force_generic_plan" in text} == GENERIC_PLANS

    def test_types_are_those_of_the_columns(self) -> None:
        for name, text in CODES.items():
            assert not re.search(r"\b(varchar|character varying)\b", text), name
            named = re.findall(r"\b(\w+) smallint\b", text)
            assert len(named) == len(re.findall(r"\bsmallint\b", text)), f"{name}: a cast to it, or a list of types"
            assert SMALL_COLUMNS.issuperset(named), name


def test_guards_are_one_statement_each() -> None:
    for statement in guard_statements():
        assert ";" not in statement
        assert statement.startswith(("CREATE ", "ALTER TABLE "))
        # Ids of a distributed schema begin at 2^48 and more.
        assert not re.search(r"_id \*", statement)


def test_the_guard_of_each_entry_names_the_schema_of_what_it_uses() -> None:
    """It has no search_path of its own, so it must not look up objects that somebody else may have made."""
    assert not re.search(r"(?<!@schema@\.)\bledger_(?!entry_fits\b)\w+", CODES["ledger_entry_fits"])
