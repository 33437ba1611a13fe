"""Rows that Python can't hold, series that nobody can work with, and requests of odd bytes."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

POISON_PAGES = "tests/integration/test_poison_pages.py"
POISON_COMMANDS = "tests/integration/test_poison_commands.py"
POISON_SETTINGS = "tests/integration/test_poison_settings.py"
ODD_REQUESTS = "tests/integration/test_odd_requests.py"
ODD_FILES = "tests/integration/test_adoption_odd.py"
VERIFICATION = "tests/integration/test_verification.py"
READS = f"{POISON_PAGES}::test_python_reads_every_row_and_writes_back_what_it_has_read"

MUTANTS = (
    Mutant(
        "moments at infinity reach psycopg",
        "ledger/models/readable.py",
        "        return ends.select(sql), params\n",
        "        return sql, params\n",
        (f"{READS}[infinity]",),
    ),
    Mutant(
        "a stand-in is written back",
        "ledger/models/readable.py",
        "        return models.F(self.attname) if unread else value\n",
        "        return value\n",
        (f"{READS}[far]",),
    ),
    Mutant(
        "statements of our own raise for a moment at infinity",
        "ledger/cursors.py",
        '    cursor.adapters.register_loader("timestamptz", _moments(connections[alias].timezone))\n',
        "",
        (f"{POISON_COMMANDS}::test_every_command_answers[infinity]",),
    ),
    Mutant(
        "JSON as deep as it is",
        "ledger/unreadable.py",
        "    if levels > LEVELS:\n",
        "    if levels > 10 * LEVELS:\n",
        ("tests/unit/test_unreadable.py",),
    ),
    Mutant(
        "unreadable values are not verified",
        "ledger/verification/content.py",
        "yield from _of_table(connection, model, columns, tenant, series)",
        "pass",
        (f"{VERIFICATION}::test_a_broken_row_is_named",),
    ),
    Mutant(
        "one series stops the sweep",
        "ledger/failures.py",
        "        except _OF_ONE as error:\n",
        "        except RecursionError as error:\n",
        (f"{POISON_SETTINGS}::test_every_sweep_goes_on_beside_a_spoilt_series[time zone]",),
    ),
    Mutant(
        "a run that left out a series is overdue",
        "ledger/sweeps/health.py",
        '(error or "").startswith(NOT_DONE)',
        "False",
        (f"{POISON_SETTINGS}::test_every_sweep_goes_on_beside_a_spoilt_series[time zone]",),
    ),
    Mutant(
        "a check that fails on one series checks no other",
        "ledger/verification/__init__.py",
        "                yield from _patiently(connection, check, check.statement, tenant, series)\n",
        "                yield from _offending_rows(connection, check.statement, tenant, series)\n",
        (f"{POISON_SETTINGS}::test_verify_names_the_spoilt_series_and_checks_the_others",),
    ),
    Mutant(
        "NUL reaches the database",
        "ledger/texts.py",
        '    if "\\x00" in text:\n',
        '    if "\\x00\\x00" in text:\n',
        (f"{ODD_REQUESTS}::test_every_field_of_every_form",),
    ),
    Mutant(
        "half a character reaches the database",
        "ledger/adoption/rows.py",
        "kept[column] = _kept(text)",
        "kept[column] = text",
        (ODD_FILES,),
    ),
)
