"""Early release: numbers that are shown too soon, or not committed early at all."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

EARLY = "tests/concurrency/test_early_release.py"
CRASH = "tests/concurrency/test_early_release_crash.py"
TOLD = f"{CRASH}::TestACrash::test_takes_nothing_back_that_was_told"
RESERVED = "tests/concurrency/test_reserved.py"
SHARED = "tests/unit/test_shared_reservations.py"
READERS = f"{CRASH}::TestReaders"
STANDBYS = f"{CRASH}::TestStandbys"
SQL = "ledger/sql/__init__.py"

_FLUSH = (
    "SELECT set_config('synchronous_commit', current_setting('folio.level'), true),\n"
    "       pg_logical_emit_message(true, 'folio', '')\n"
)

MUTANTS = (
    Mutant("early release is late", SQL, "THEN 'off'", "THEN 'on'", (EARLY,)),
    Mutant("the flush is left out", SQL, _FLUSH, "SELECT 1\n", (TOLD,)),
    Mutant(
        "the flush comes before COMMIT",
        SQL,
        f"COMMIT;\n{_FLUSH}",
        "SELECT pg_logical_emit_message(true, 'folio', '');\nCOMMIT;\nSELECT 1\n",
        (TOLD,),
    ),
    Mutant(
        "the flush waits for nothing", SQL, _FLUSH, _FLUSH.replace("current_setting('folio.level')", "'off'"), (TOLD,)
    ),
    Mutant(
        "the flush does not wait for standbys",
        SQL,
        _FLUSH,
        _FLUSH.replace("current_setting('folio.level')", "'local'"),
        (f"{STANDBYS}::test_levels_that_wait_for_one",),
    ),
    Mutant(
        "the flush is that of the server's level",
        SQL,
        _FLUSH,
        _FLUSH.replace("current_setting('folio.level')", "'on'"),
        (f"{STANDBYS}::test_levels_that_do_not",),
    ),
    Mutant(
        "a transaction that took no number releases early",
        SQL,
        "pg_current_xact_id_if_assigned()::text = '%d'",
        "'%d' > ''",
        (EARLY,),
    ),
    Mutant(
        "the flush's error is swallowed",
        "ledger/allocation/early_release.py",
        "        if error is None:\n",
        "        if error is None or len(answers) > _COMMIT:\n",
        (f"{EARLY}::TestWhatFails",),
    ),
    Mutant(
        "what is in doubt looks like a failed commit",
        "ledger/allocation/early_release.py",
        "        if len(answers) <= _COMMIT or answers",
        "        if error is not None or answers",
        (f"{EARLY}::TestWhatFails",),
    ),
    Mutant(
        "a number that a savepoint took back releases early",
        "ledger/allocation/early_release.py",
        "    savepoints = set(connection.savepoint_ids)\n",
        "    savepoints: set[str] = set()\n",
        (f"{EARLY}::TestKindsOfTransactions",),
    ),
    Mutant(
        "a retry is told what a crash takes back",
        "ledger/issuing.py",
        "    elif entries:\n        flush_at_commit(connection)\n",
        "",
        (f"{READERS}::test_a_retry",),
    ),
    Mutant(
        "a retry of reserved is told too soon",
        "ledger/issuing.py",
        "        wait_for_flush(connection.alias)\n",
        "        flush_at_commit(connection)\n",
        (f"{READERS}::test_a_retry_of_reserved_which_may_tell_before_commit",),
    ),
    Mutant(
        "reserved tells before the flush",
        SQL,
        'END_EARLY = "; COMMIT;" + RELEASE_EARLY.partition("COMMIT;")[2]',
        'END_EARLY = "; COMMIT"',
        (f"{READERS}::test_reserved_tells_before_commit",),
    ),
    Mutant(
        "a report tells what a crash takes back",
        "ledger/reports/snapshot.py",
        "            cursor.execute(_TAKE)\n        wait_for_flush(alias)\n",
        "            cursor.execute(_TAKE)\n",
        (f"{READERS}::test_a_report",),
    ),
    Mutant(
        "a report waits before it looks",
        "ledger/reports/snapshot.py",
        "            cursor.execute(_TAKE)\n",
        "            pass\n",
        (f"{READERS}::test_a_report_has_nothing_of_what_came_while_it_waited",),
    ),
    Mutant(
        "a page tells what a crash takes back",
        "ledger/actions/bulk.py",
        "        flush_at_commit(connections[alias])\n",
        "        pass\n",
        (f"{READERS}::test_a_confirmation",),
    ),
    Mutant(
        "a thread's reservation is noted as another one's",
        "ledger/sql/functions/ledger_reserve.sql",
        "coalesce(p_actors[places[d.ordinality]], p_actor)",
        "coalesce(p_actors[1], p_actor)",
        (f"{RESERVED}::test_threads_that_wait_for_one_counter_share_a_transaction",),
    ),
    Mutant(
        "a thread that ends leaves those waiting that it reserves for",
        "ledger/allocation/shared_reservations.py",
        "woken = [*mine.crew, *line.waiting[:1]]",
        "woken = line.waiting[:1]",
        (SHARED,),
    ),
    Mutant(
        "a commit that waited for the counter itself numbers a document twice",
        "ledger/sql/functions/ledger_number_tickets.sql",
        "IF taken <> seen + 1 THEN",
        "IF false THEN",
        ("tests/concurrency/test_at_commit.py::TestOneDocument::test_a_commit_that_waits_for_the_counter_itself",),
    ),
    Mutant(
        "a draft is cancelled there before it is settled here",
        "workers/remote/unused.py",
        "        wait_for_flush(using)\n",
        "        pass\n",
        (f"{READERS}::test_a_draft_that_is_cancelled_there",),
    ),
)
