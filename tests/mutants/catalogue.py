"""The mutants: one line of the product changed for the worse, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

SQL = "ledger/migrations/sql"
RACES = "tests/concurrency/test_serial.py"
ISSUING = "tests/integration/test_issuing.py"
IMMUTABLE = "tests/integration/test_immutable.py"
VERIFICATION_GUARDS = "tests/integration/test_verification_guards.py"
VERIFICATION = "tests/integration/test_verification.py"
HOST = "tests/integration/test_host_project.py"
ADOPTION = "tests/integration/test_adoption.py"
FORMATS = "tests/unit/test_formats.py"
CALENDARS = "tests/unit/test_calendars.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """``before`` stands exactly once in ``path`` and becomes ``after``; one of ``tests`` must fail then."""

    name: str
    path: str
    before: str
    after: str
    tests: tuple[str, ...]


CATALOGUE = (
    Mutant(
        "lock removed",
        f"{SQL}/issue_serial.sql",
        "    SET last_value = p.last_value + 1,\n",
        "    SET last_value = greatest(p.last_value, last_seen + 1),\n",
        (RACES,),
    ),
    Mutant(
        "document not looked for again under the lock",
        f"{SQL}/issue_serial.sql",
        "IF taken <> last_seen + 1 AND p_document > '' THEN",
        "IF false THEN",
        (RACES,),
    ),
    Mutant(
        "value of a lost race not given back",
        f"{SQL}/issue_serial.sql",
        "            SET last_value = taken - 1,\n",
        "            SET last_value = taken,\n",
        (RACES,),
    ),
    Mutant(
        "document check dropped",
        f"{SQL}/issue_serial.sql",
        "        LIMIT 1;\n        IF FOUND THEN RETURN",
        "        LIMIT 1;\n        IF false THEN RETURN",
        (ISSUING,),
    ),
    Mutant(
        "period looked up in UTC",
        f"{SQL}/issue_serial.sql",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date)",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE 'UTC')::date)",
        (ISSUING,),
    ),
    Mutant(
        "closed period not asked again under the lock",
        f"{SQL}/issue_serial.sql",
        "      AND p.closed_at IS NULL\n      AND p.last_value < p.max_value\n",
        "      AND p.last_value < p.max_value\n",
        (RACES,),
    ),
    Mutant(
        "chronology guard not asked again under the lock",
        f"{SQL}/issue_serial.sql",
        "      AND (NOT guarded OR p.last_issued_on IS NULL OR p.last_issued_on <= day)\n    RETURNING",
        "    RETURNING",
        (RACES,),
    ),
    Mutant(
        "length limit not asked again under the lock",
        f"{SQL}/issue_serial.sql",
        "      AND p.last_value < p.max_value\n",
        "",
        (RACES,),
    ),
    Mutant(
        "a numbered document takes a number of the block",
        f"{SQL}/issue_serial.sql",
        "    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),\n",
        "    SELECT array_agg(d.document ORDER BY d.ordinality),\n",
        (ISSUING,),
    ),
    Mutant(
        "lpad cuts",
        f"{SQL}/events.sql",
        "lpad(value::text, greatest(width, length(value::text)), '0')",
        "lpad(value::text, width, '0')",
        (ISSUING,),
    ),
    Mutant(
        "unique index of the counter dropped",
        f"{SQL}/events.sql",
        "-- The number of a value.",
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value;\n-- The number of a value.",
        (IMMUTABLE, VERIFICATION),
    ),
    Mutant(
        "unique index of numbers dropped",
        f"{SQL}/events.sql",
        "-- The number of a value.",
        "DROP INDEX ledger_entry_number;\n-- The number of a value.",
        (IMMUTABLE, VERIFICATION),
    ),
    Mutant(
        "unique index of documents dropped",
        f"{SQL}/events.sql",
        "-- The number of a value.",
        "DROP INDEX ledger_entry_document;\n-- The number of a value.",
        (RACES, VERIFICATION),
    ),
    Mutant(
        "rows of a void may change",
        f"{SQL}/events.sql",
        "ARRAY['ledger_entry', 'ledger_numbervoided', ",
        "ARRAY['ledger_entry', ",
        (IMMUTABLE,),
    ),
    Mutant(
        "replica mode passes the trigger",
        f"{SQL}/events.sql",
        "ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only_rows",
        "ALTER TABLE %I ENABLE TRIGGER ledger_append_only_rows",
        (IMMUTABLE,),
    ),
    Mutant(
        "TRUNCATE passes",
        f"{SQL}/events.sql",
        "CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON %I",
        "CREATE TRIGGER ledger_append_only_table BEFORE UPDATE ON %I",
        (IMMUTABLE,),
    ),
    Mutant(
        "a temporary table deceives the guards",
        f"{SQL}/search_path.sql",
        "ARRAY['ledger_entry_fits', ",
        "ARRAY[",
        ("tests/integration/test_grants.py", VERIFICATION_GUARDS),
    ),
    Mutant(
        "any database may be flushed",
        "ledger/testing.py",
        '    return name == test_name or name.startswith("test_")',
        "    return True",
        (HOST,),
    ),
    Mutant(
        "the counter may fall",
        f"{SQL}/periods.sql",
        "    WHEN (NEW.last_value < OLD.last_value)",
        "    WHEN (NEW.last_value < 0)",
        (IMMUTABLE,),
    ),
    Mutant(
        "periods may overlap",
        f"{SQL}/periods.sql",
        "(ends_on - DATE '0001-01-01'), '[]') WITH &&",
        "(ends_on - DATE '0001-01-01'), '[]') WITH =",
        (ISSUING,),
    ),
    Mutant(
        "other metadata goes unnoticed",
        "ledger/requests.py",
        "    if request.metadata is not None and json.loads(request.metadata) != entry.metadata:",
        "    if False:",
        (ISSUING,),
    ),
    Mutant(
        "outside a transaction goes unnoticed",
        "ledger/issuing.py",
        "    if not connection.in_atomic_block and connection.get_autocommit():",
        "    if False:",
        (RACES,),
    ),
    Mutant(
        "a second void is swallowed",
        "ledger/voiding.py",
        "    if row is None:\n        raise _already(entry, alias)\n",
        "    if row is None:\n        return NumberVoided.objects.using(alias).get(entry=entry)\n",
        (ISSUING,),
    ),
    Mutant(
        "a bad row of an adopted file is skipped",
        "ledger/adoption/__init__.py",
        "        self._refuse_bad_rows(series, source)\n        return",
        "        return",
        (ADOPTION,),
    ),
    Mutant(
        "UTC decides the business date",
        "ledger/calendars.py",
        "moment.astimezone(zone)",
        "moment.astimezone(ZoneInfo('UTC'))",
        (CALENDARS,),
    ),
)
