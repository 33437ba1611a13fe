"""The Python of the ledger itself."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

RACES = "tests/concurrency/test_serial.py"
IDEMPOTENCE = "tests/integration/test_idempotence.py"
VOIDING = "tests/integration/test_voiding.py"
POOLED = "tests/concurrency/test_pooled.py"
RESERVED = "tests/concurrency/test_reserved.py"
SCHEMAS = "tests/concurrency/test_schemas.py"
GAP_PROOF = "tests/concurrency/test_gap_proof.py"
HOST = "tests/integration/test_host_project.py"
ADOPTION = "tests/integration/test_adoption.py"
CALENDARS = "tests/unit/test_calendars.py"
INSTANCES = "tests/unit/test_instances.py"
TEXTS = "tests/unit/test_texts.py"
VERIFIED_KEYS = "tests/integration/test_verification_keys.py"
PAGES_ACTIONS = "tests/integration/test_pages_actions.py"

MUTANTS = (
    Mutant(
        "a row's key depends on the class that it came as",
        "ledger/instances.py",
        "    for parent in parents:\n        yield from _topmost(parent)",
        "    if parents:\n        yield concrete",
        (INSTANCES,),
    ),
    Mutant(
        "a row's key depends on how its primary key was written",
        "ledger/instances.py",
        "        text = _plain(own, own.to_python(value))",
        "        text = _plain(own, value)",
        (INSTANCES,),
    ),
    Mutant(
        "a part of a composite key may be missing",
        "ledger/instances.py",
        "        return all(is_known(part) for part in pk)",
        "        return True",
        (INSTANCES,),
    ),
    Mutant(
        "a comma within a part looks like one between parts",
        "ledger/instances.py",
        '    return _COMMA.join(re.sub(r"([\\\\,])", r"\\\\\\1", part) for part in parts)',
        "    return _COMMA.join(parts)",
        (INSTANCES,),
    ),
    Mutant(
        "texts that look the same are two keys",
        "ledger/texts.py",
        '    if not unicodedata.is_normalized("NFC", text):',
        "    if False:",
        (TEXTS,),
    ),
    Mutant("white space that looks like a space is one", "ledger/texts.py", " 00A0 1680", " 1680", (TEXTS,)),
    Mutant(
        "keys of before go unnoticed",
        "ledger/verification/keys.py",
        "        instead = None if roots == (model,) else",
        "        instead = None if roots else",
        (VERIFIED_KEYS,),
    ),
    Mutant(
        "any database may be flushed",
        "ledger/testing.py",
        '    return name == test_name or name.startswith("test_")',
        "    return True",
        (HOST,),
    ),
    Mutant(
        "other metadata goes unnoticed",
        "ledger/arguments.py",
        "    if request.metadata is not None and json.loads(request.metadata) != entry.metadata:",
        "    if False:",
        (IDEMPOTENCE,),
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
        "ledger/actions/voiding.py",
        "    if earlier is None or (earlier.reason, earlier.replacement, earlier.actor) != (why, instead, actor):\n",
        "    if earlier is None:\n",
        (VOIDING,),
    ),
    Mutant(
        "a bad row of an adopted file is skipped",
        "ledger/adoption/__init__.py",
        "        self._refuse_bad_rows(series, source)\n        result",
        "        result",
        (ADOPTION,),
    ),
    Mutant(
        "UTC decides the business date",
        "ledger/calendars.py",
        "moment.astimezone(zone)",
        "moment.astimezone(ZoneInfo('UTC'))",
        (CALENDARS,),
    ),
    Mutant(
        "slot deleted outside the transaction",
        "ledger/allocation/pooled.py",
        "    for tries in range(_TRIES):\n",
        "    for tries in range(_TRIES):\n"
        "        gone = 'DELETE FROM ledger_slot WHERE value = (SELECT min(value) FROM ledger_slot) RETURNING value'\n"
        "        ask_ahead(connection, gone, ())\n",
        (f"{POOLED}::test_a_rolled_back_slot_is_taken_by_the_next",),
    ),
    Mutant(
        "reservation committed on the checkout's own connection",
        "ledger/allocation/second_connection.py",
        "    if in_test_case(connection):\n",
        "    if True:\n",
        (f"{RESERVED}::test_it_is_committed_before_issue_returns",),
    ),
    Mutant(
        "the second connection works in the schema that it was opened in",
        "ledger/allocation/second_connection.py",
        "    statement = in_schema(session.schema, statement)\n",
        "",
        (f"{SCHEMAS}::test_calls_that_fail_leave_nothing_in_other_schemas",),
    ),
    Mutant(
        "the second connection may lead to another database",
        "ledger/allocation/second_connection.py",
        "        raise _elsewhere(connection, own, session)\n",
        "        pass\n",
        (f"{SCHEMAS}::TestElsewhere",),
    ),
    Mutant(
        "the second connection acts as its login, whatever role was set",
        "ledger/allocation/second_connection.py",
        "return {} if own.role == session.role else",
        "return {} if own.role else",
        (f"{SCHEMAS}::TestRoles",),
    ),
    Mutant(
        "a promised number is read in the schema of who asks",
        "ledger/allocation/deferred_numbers.py",
        ".raw(in_schema(self.schema, sql.PROMISED), wanted)",
        ".raw(sql.PROMISED, wanted)",
        (f"{SCHEMAS}::TestNumbersOfAtCommit",),
    ),
    Mutant(
        "a gap judged by age",
        "ledger/gaps/finding.py",
        "State.LEFT_OVER if row.is_old and not row.is_held else State.IN_FLIGHT",
        "State.LEFT_OVER if row.is_old else State.IN_FLIGHT",
        (f"{GAP_PROOF}::test_a_running_checkout_is_in_flight_and_not_waited_for",),
    ),
    Mutant(
        "tokens shown to every role",
        "ledger/grants/purposes.py",
        "other_apps: bool = False",
        "other_apps: bool = True",
        ("tests/roles/test_attacks.py::test_tokens_and_pushes_are_nobodys_business_but_the_workers",),
    ),
    Mutant(
        "the limit of the rules does not bind the counter",
        "ledger/models/series.py",
        "value = numbers.highest_value(self.max_length if length is None else min(self.max_length, length))",
        "value = numbers.highest_value(self.max_length)",
        ("tests/integration/test_rules.py::TestOpening",),
    ),
    Mutant(
        "arrays want a line in INSTALLED_APPS",
        "ledger/models/columns.py",
        'if message.id != "postgres.E005"',
        "if message.id",
        ("tests/integration/test_checks.py",),
    ),
    Mutant(
        "access is given twice",
        "ledger/models/access.py",
        "return cls.objects.using(alias).get_or_create(**whose)[0]",
        "return cls.objects.using(alias).create(**whose)",
        (PAGES_ACTIONS,),
    ),
    Mutant(
        "a default series can't be allocated early",
        "ledger/series.py",
        "    if series is None and make_default_series(connections[alias], tenant, code):",
        "    if False and make_default_series(connections[alias], tenant, code):",
        ("tests/integration/test_commands.py",),
    ),
)
