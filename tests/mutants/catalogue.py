"""The mutants: one line of the product changed for the worse, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

SQL = "ledger/migrations/sql"
RACES = "tests/concurrency/test_serial.py"
ISSUING = "tests/integration/test_issuing.py"
IDEMPOTENCE = "tests/integration/test_idempotence.py"
DATES = "tests/integration/test_dates.py"
PERIODS = "tests/integration/test_periods.py"
VOIDING = "tests/integration/test_voiding.py"
ALLOCATIONS = "tests/integration/test_allocations.py"
EVERY_ALLOCATION = "tests/concurrency/test_every_allocation.py"
POOLED = "tests/concurrency/test_pooled.py"
REMOTE = "tests/concurrency/test_remote.py"
REMOTE_HELD = "tests/integration/test_remote.py"
REMOTE_POOLS = "tests/accounting/test_remote_pools.py"
AT_COMMIT = "tests/concurrency/test_at_commit.py"
COMMIT_REFUSED = "tests/concurrency/test_commit_refused.py"
RESERVED = "tests/concurrency/test_reserved.py"
SWEEP = "tests/concurrency/test_sweep.py"
GAP_PROOF = "tests/concurrency/test_gap_proof.py"
GAPS = "tests/integration/test_gaps.py"
IMMUTABLE = "tests/integration/test_immutable.py"
VERIFICATION_GUARDS = "tests/integration/test_verification_guards.py"
VERIFICATION = "tests/integration/test_verification.py"
HOST = "tests/integration/test_host_project.py"
ADOPTION = "tests/integration/test_adoption.py"
WRITING_BACK = "tests/accounting/test_writing_back.py"
WRITING_PROCESSES = "tests/accounting/test_writing_back_processes.py"
DOCS_SITE = "tests/integration/test_docs_site.py"
DOCS_BROWSER = "tests/browser/test_docs_site.py"
FORMATS = "tests/unit/test_formats.py"
CALENDARS = "tests/unit/test_calendars.py"
RECONCILING = "ledger/reconciliation"
RECONCILIATION = "tests/integration/test_reconciliation.py"
CHANGES = "tests/integration/test_reconciliation_changes.py"
INTERRUPTED = "tests/accounting/test_reconciliation_interrupted.py"
BATCHES = "tests/integration/test_batches.py"
BROKER_MESSAGES = "tests/broker/test_messages.py"
BROKER_PROCESSES = "tests/broker/test_processes.py"
HEALTH_PAGES = "tests/integration/test_health_pages.py"
RULES = "tests/unit/test_rules.py"
DECLARING = "tests/integration/test_declaring.py"
REPORT = "tests/integration/test_report.py"
REPORT_FILES = "tests/integration/test_report_files.py"
REPORT_CELLS = "tests/unit/test_report_cells.py"
MISSING_SPANS = "tests/unit/test_missing_spans.py"
PAGES_ACCESS = "tests/integration/test_pages_access.py"
PAGES_ACTIONS = "tests/integration/test_pages_actions.py"
PAGES_COUNTS = "tests/integration/test_pages_counts.py"
DJANGO_SEQUENCES = "tests/compat/test_django_sequences.py"
DJANGO_SEQUENCE = "tests/compat/test_django_sequence.py"
SHIMS = "tests/compat/test_shims.py"
MOVING = "tests/compat/test_moving.py"
COMPAT = "ledger/compat"
NUMBER_FIELD = "tests/integration/test_number_field.py"
OSCAR = "tests/oscar/test_checkout.py"
LORIKEET = "tests/integration/test_lorikeet.py"
TUTORIAL = "tests/docs/test_tutorial.py"
EXAMPLES = "tests/docs/test_examples.py"
DOCS_RUNNER = "tests/docs/test_runner.py"


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
        (IDEMPOTENCE,),
    ),
    Mutant(
        "period looked up in UTC",
        f"{SQL}/issue_serial.sql",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date)",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE 'UTC')::date)",
        (DATES,),
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
        (IDEMPOTENCE,),
    ),
    Mutant(
        "lpad cuts",
        f"{SQL}/events.sql",
        "lpad(value::text, greatest(width, length(value::text)), '0')",
        "lpad(value::text, width, '0')",
        (DATES,),
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
        f"{SQL}/drafts.sql",
        "ARRAY['ledger_entry_fits()', ",
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
        (PERIODS,),
    ),
    Mutant(
        "other metadata goes unnoticed",
        "ledger/requests.py",
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
        "ledger/voiding.py",
        "    if row is None:\n        raise _already(entry, alias)\n",
        "    if row is None:\n        return NumberVoided.objects.using(alias).get(entry=entry)\n",
        (VOIDING,),
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
    Mutant(
        "unique index of the counter made partial",
        f"{SQL}/events.sql",
        "-- The number of a value.",
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value;\n"
        "CREATE UNIQUE INDEX ledger_entry_value ON ledger_entry (tenant, period_id, value) WHERE kind = 'issued';\n"
        "-- The number of a value.",
        (VERIFICATION_GUARDS, IMMUTABLE),
    ),
    Mutant(
        "SKIP LOCKED dropped",
        f"{SQL}/issue_pooled.sql",
        "            ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        "            ORDER BY s.value LIMIT 1 FOR UPDATE;",
        (f"{POOLED}::test_nobody_waits_for_a_checkout",),
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
        "slot of a lost race not given back",
        f"{SQL}/issue_pooled.sql",
        "-- The same document came in on another connection meanwhile: its number counts, and the slot stays.\n",
        "DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = period.id AND s.value = taken;\n",
        (f"{EVERY_ALLOCATION}::test_the_same_document_on_two_connections",),
    ),
    Mutant(
        "low-water mark one too high",
        f"{SQL}/issue_pooled.sql",
        "        pool.free_from := waiting[101];\n",
        "        pool.free_from := waiting[101] + 1;\n",
        (
            f"{POOLED}::test_so_many_stragglers",
            "tests/stateful/test_pool.py",
        ),
    ),
    Mutant(
        "stragglers forgotten",
        f"{SQL}/issue_pooled.sql",
        "        pool.stragglers := waiting;\n",
        "        pool.stragglers := '{}';\n",
        (f"{POOLED}::test_so_many_stragglers",),
    ),
    Mutant(
        "a number given back goes to a later document",
        f"{SQL}/issue_pooled.sql",
        "    IF NOT gives_back THEN above := ledger_highest_out(p_tenant, period.id); END IF;\n",
        "",
        (f"{POOLED}::TestNotGivenBack::test_below_the_highest_number_nothing_is_taken",),
    ),
    Mutant(
        "any allocation served by serial",
        f"{SQL}/issue_serial.sql",
        "WHEN s.allocation <> 'serial' AND p_promised IS NULL THEN 'allocation' END",
        "WHEN false THEN 'allocation' END",
        (f"{POOLED}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "deferred trigger made immediate",
        f"{SQL}/issue_at_commit.sql",
        "AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY DEFERRED",
        "AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY IMMEDIATE",
        (f"{AT_COMMIT}::TestTheTicket::test_comes_at_once_and_its_number_after_commit",),
    ),
    Mutant(
        "tickets numbered in the order they were left",
        f"{SQL}/issue_at_commit.sql",
        "ORDER BY (each.one).period_id, (each.one).id)",
        "ORDER BY (each.one).id)",
        (f"{AT_COMMIT}::TestOrder::test_several_series_in_opposite_orders_never_wait_for_each_other",),
    ),
    Mutant(
        "a refused ticket commits without a number",
        f"{SQL}/issue_at_commit.sql",
        "        IF answer[1] NOT IN ('issued', 'existing') THEN\n            RAISE",
        "        IF false THEN\n            RAISE",
        (f"{COMMIT_REFUSED}::test_a_period_closed_meanwhile",),
    ),
    Mutant(
        "reservation committed on the checkout's own connection",
        "ledger/allocation/ahead.py",
        "    if in_test_case(connection):\n",
        "    if True:\n",
        (f"{RESERVED}::test_it_is_committed_before_issue_returns",),
    ),
    Mutant(
        "a reservation is given to the next",
        f"{SQL}/issue_reserved.sql",
        "SET last_value = period.last_value + cardinality(fresh),\n            last_issued_on = CASE WHEN guarded",
        "SET last_value = period.last_value,\n            last_issued_on = CASE WHEN guarded",
        (f"{RESERVED}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "a sweep waits for checkouts",
        f"{SQL}/drafts.sql",
        "SET lock_timeout = '5ms'",
        "SET lock_timeout = '0'",
        (f"{SWEEP}::test_a_claim_waits_for_nobody",),
    ),
    Mutant(
        "a gap judged by transaction status",
        f"{SQL}/drafts.sql",
        "        day := reservation.issued_on;\n",
        "        day := reservation.issued_on;\n"
        "        IF ledger_transaction_status(reservation.checkout_transaction_id) = 'committed' THEN\n"
        "            RAISE lock_not_available;\n"
        "        END IF;\n",
        (
            f"{GAP_PROOF}::test_a_rolled_back_savepoint_in_a_transaction_that_goes_on",
            GAPS,
        ),
    ),
    Mutant(
        "a gap judged by age",
        "ledger/gaps/finding.py",
        "State.OPEN if is_old and not is_held else State.IN_FLIGHT",
        "State.OPEN if is_old else State.IN_FLIGHT",
        (f"{GAP_PROOF}::test_a_running_checkout_is_in_flight_and_not_waited_for",),
    ),
    Mutant(
        "cursor saved before the page",
        f"{RECONCILING}/mirror.py",
        "    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:\n        state",
        "    with connections[alias].cursor() as cursor:\n        state",
        (f"{INTERRUPTED}::test_a_process_killed_in_the_middle_of_a_page",),
    ),
    Mutant(
        "overlap dropped",
        f"{RECONCILING}/mirror.py",
        "aware(row.read_from) - habits.overlap",
        "aware(row.read_from)",
        ("tests/accounting/test_reconciliation.py::TestXero", CHANGES),
    ),
    Mutant(
        "grace ignored",
        f"{RECONCILING}/comparing.py",
        '"through": row.read_from - books.grace,',
        '"through": row.read_from,',
        (f"{RECONCILIATION}::TestMissing",),
    ),
    Mutant(
        "a finding raised while it is open",
        f"{RECONCILING}/sql.py",
        "        WHERE last.is_open IS NOT TRUE\n",
        "",
        (RECONCILIATION,),
    ),
    Mutant(
        "a comparison of all tenants",
        f"{RECONCILING}/sql.py",
        "WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject\n            LIMIT 1\n",
        "WHERE upper(e.number) = k.subject\n            LIMIT 1\n",
        (f"{RECONCILIATION}::TestTenants",),
    ),
    Mutant(
        "checkouts that were open are not compared again",
        f"{RECONCILING}/comparing.py",
        "compared_horizon=horizon,",
        "compared_horizon=ahead,",
        (f"{CHANGES}::TestSlowCheckouts",),
    ),
    Mutant(
        "what hangs on a change is not compared",
        f"{RECONCILING}/comparing.py",
        "            cursor.execute(sql.NEIGHBOURS, wanted)\n",
        "",
        (f"{CHANGES}::TestNeighbours",),
    ),
    Mutant(
        "the number before a change is not compared",
        f"{RECONCILING}/mirror_sql.py",
        "(VALUES (a.number, a.reference), (b.number, b.reference))",
        "(VALUES (a.number, a.reference))",
        (f"{CHANGES}::TestNeighbours",),
    ),
    Mutant(
        "absence is no deletion",
        f"{RECONCILING}/mirror_sql.py",
        "AND d.seen_in <> %(generation)s AND d.state <> 'deleted'",
        "AND false AND d.seen_in <> %(generation)s",
        (f"{RECONCILIATION}::TestTheDead",),
    ),
    Mutant(
        "a batch that is delivered twice is done twice",
        "ledger/sweeps/running.py",
        "    if part.finished_at is not None:\n",
        "    if False:\n",
        (f"{BATCHES}::test_a_batch_that_is_delivered_twice_counts_once",),
    ),
    Mutant(
        "batches that end together don't see each other",
        "ledger/sweeps/notes.py",
        "        row = SweepRun.objects.using(alias).select_for_update().get(pk=run)\n        batch =",
        "        row = SweepRun.objects.using(alias).get(pk=run)\n        batch =",
        (f"{BATCHES}::test_batches_that_end_at_the_same_time_see_each_other",),
    ),
    Mutant(
        "a run succeeds although a batch was lost",
        "ledger/sweeps/notes.py",
        "is_over=not batches or bool(error) or _all_ended(alias, row))",
        "is_over=True)",
        (f"{BATCHES}::test_the_run_is_over_with_its_last_batch",),
    ),
    Mutant(
        "time limit removed",
        "workers/schedule.py",
        '        "soft_time_limit": limit,\n        "time_limit": limit + _GRACE,\n',
        "",
        (f"{BROKER_PROCESSES}::TestATaskHangs::test_the_beat_sends_the_limits_of_the_settings",),
    ),
    Mutant(
        "expires removed",
        "workers/schedule.py",
        '        "expires": times.get("every", _EVERY),\n',
        "",
        (f"{BROKER_MESSAGES}::TestLate",),
    ),
    Mutant(
        "a statement that nobody waits for goes on",
        "ledger/sweeps/notes.py",
        "            driver.cancel_safe(timeout=5)\n",
        "            pass\n",
        (f"{BROKER_PROCESSES}::TestATaskHangs::test_its_time_limit_ends_it_and_its_row_says_so",),
    ),
    Mutant(
        "a task is acknowledged before it is done",
        "workers/tasks.py",
        "task = partial(shared_task, acks_late=True, reject_on_worker_lost=True, ignore_result=True)",
        "task = partial(shared_task, acks_late=False, ignore_result=True)",
        (f"{BROKER_PROCESSES}::TestAWorkerIsKilled::test_by_the_child_that_was_at_work",),
    ),
    Mutant(
        "a message of a lost connection is acknowledged",
        "workers/broker.py",
        "        return bool(self.closed) or transport is None or transport.client is None\n",
        "        return False\n",
        (f"{BROKER_PROCESSES}::TestRedisIsLost::test_a_task_that_ends_after_it_has_come_back",),
    ),
    Mutant(
        "anybody reads the metrics",
        "ledger/web/metrics.py",
        "    if not compare_digest(",
        "    if False and not compare_digest(",
        (f"{HEALTH_PAGES}::TestMetrics::test_nobody_else_may_read_them",),
    ),
    Mutant(
        "a document made without looking for it",
        "workers/accounting/pushing.py",
        "    there = live_first(find())\n    if there is not None:\n        return there\n    try:\n",
        "    try:\n",
        (f"{WRITING_PROCESSES}::test_a_worker_killed_after_its_request_was_sent",),
    ),
    Mutant(
        "a lost answer posted again",
        "workers/accounting/pushing.py",
        "        there = live_first(find())\n        if there is None:\n            raise\n        return there\n",
        "        return make()\n",
        (f"{WRITING_BACK}::TestOnce",),
    ),
    Mutant(
        "a claim that is not committed before the network",
        "workers/writing_back/queue.py",
        "            row = cursor.fetchone()\n        return None if row is None",
        "            row = cursor.fetchone()\n            connections[self.alias].set_rollback(True)\n"
        "        return None if row is None",
        (f"{WRITING_PROCESSES}::test_two_workers_at_once_push_each_number_once",),
    ),
    Mutant(
        "a document pushed inside a transaction",
        "workers/writing_back/pushing.py",
        "            error = self.one(push)\n",
        "            from django.db import transaction\n\n"
        "            with transaction.atomic(self.queue.alias):\n                error = self.one(push)\n",
        (f"{WRITING_PROCESSES}::test_two_workers_at_once_push_each_number_once",),
    ),
    Mutant(
        "a slow worker goes on after its claim",
        "workers/writing_back/claims.py",
        "        self.guard.check()\n",
        "",
        (WRITING_PROCESSES,),
    ),
    Mutant(
        "the next look begins at the newest transaction",
        "workers/writing_back/queue.py",
        "           pg_snapshot_xmin(pg_current_snapshot())::text::bigint\n",
        "           pg_snapshot_xmax(pg_current_snapshot())::text::bigint\n",
        (f"{WRITING_BACK}::TestFinding",),
    ),
    Mutant(
        "another number there taken for done",
        "workers/writing_back/pushing.py",
        "        if differences:\n",
        "        if False:\n",
        (f"{WRITING_BACK}::TestConflicts",),
    ),
    Mutant(
        "a token renewed without its row's lock",
        "workers/accounting/tokens.py",
        "SealedToken.objects.select_for_update().get(pk=system)",
        "SealedToken.objects.get(pk=system)",
        ("tests/accounting/test_tokens.py::test_processes_that_renew_at_once_never_use_a_refresh_token_twice",),
    ),
    Mutant(
        "tokens shown to every role",
        "ledger/grants/statements.py",
        "if workers else ()",
        "if True else ()",
        ("tests/integration/test_grants.py",),
    ),
    Mutant(
        "a draft stored without a look for its key",
        f"{SQL}/issue_remote.sql",
        "    IF FOUND THEN RETURN 'there'; END IF;\n",
        "",
        (f"{REMOTE}::TestStoring::test_a_draft_is_stored_once",),
    ),
    Mutant(
        "a withdrawal ignores the lock",
        f"{SQL}/issue_remote.sql",
        "AND s.value = p_value FOR UPDATE SKIP LOCKED;",
        "AND s.value = p_value;",
        (f"{REMOTE}::TestWithdrawing::test_a_checkout_that_holds_it_is_left_alone_and_not_waited_for",),
    ),
    Mutant(
        "SKIP LOCKED dropped in remote",
        f"{SQL}/issue_remote.sql",
        "        ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        "        ORDER BY s.value LIMIT 1 FOR UPDATE;",
        (f"{REMOTE}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "drafts taken in the order of their texts",
        f"{SQL}/issue_remote.sql",
        "        ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        "        ORDER BY (ledger_drafted(p_tenant, period.id, s.value)).number LIMIT 1 FOR UPDATE SKIP LOCKED;",
        (f"{REMOTE}::test_numbers_of_any_form_in_the_order_they_came",),
    ),
    Mutant(
        "a refused block keeps its drafts locked",
        f"{SQL}/issue_remote.sql",
        "        IF cardinality(taken) < cardinality(fresh) THEN RAISE no_data_found; END IF;\n",
        "        IF cardinality(taken) < cardinality(fresh) THEN\n"
        "            RETURN QUERY SELECT 'empty', latest, NULL, 1::bigint, series.id, period.id, NULL::bigint, NULL,\n"
        "                NULL::bigint, NULL::bigint;\n"
        "            RETURN;\n"
        "        END IF;\n",
        (f"{REMOTE}::test_a_block_that_was_refused_keeps_no_draft_from_the_others",),
    ),
    Mutant(
        "any number for a value that has a draft",
        f"{SQL}/drafts.sql",
        "        WHEN NEW.number = expected AND period.has_drafts THEN NULL",
        "        WHEN period.has_drafts THEN NULL",
        (f"{REMOTE_HELD}::TestTheDatabaseIsTheJudge",),
    ),
    Mutant(
        "a number that stands in the ledger is taken from a draft again",
        f"{SQL}/issue_remote.sql",
        "            THEN 'the number stands in the ledger already' END;",
        "            THEN NULL END;",
        (f"{REMOTE}::TestStoring",),
    ),
    Mutant(
        "a worker that lost its claim stores",
        f"{SQL}/issue_remote.sql",
        " AND r.claimed_by = p_claim\n    RETURNING",
        "\n    RETURNING",
        (f"{REMOTE}::TestStoring::test_a_claim_that_went_to_another_worker_stores_nothing",),
    ),
    Mutant(
        "the draft of a killed worker is not found again",
        "ledger/remote/drafts.py",
        '    text = f"slot:{name}:{starts_on}:{ordinal}"\n',
        '    text = f"slot:{name}:{starts_on}:{ordinal}:{datetime.now()}"\n',
        (f"{REMOTE_POOLS}::test_a_worker_killed_between_draft_and_storing_leaves_no_orphan",),
    ),
    Mutant(
        "a draft is cancelled that somebody uses",
        "workers/drafting/unused.py",
        "    if there.state is not State.DRAFT or there.reference != one.draft.reference:\n",
        "    if False:\n",
        (f"{REMOTE_POOLS}::TestDraftsThatNobodyUsed::test_one_that_somebody_uses_is_left_alone",),
    ),
    Mutant(
        "cancel not subtracted in GSTR-1",
        "ledger/reports/official/gstr1.py",
        '"net_issue": self.total - self.cancelled,',
        '"net_issue": self.total,',
        ("tests/unit/test_gstr1_rows.py",),
    ),
    Mutant(
        "row of GSTR-1 not split at a break",
        "ledger/reports/official/gstr1.py",
        " and document.value == before.value + 1\n",
        "\n",
        ("tests/unit/test_gstr1_rows.py",),
    ),
    Mutant(
        "gap policy ignored",
        "ledger/rules/checking.py",
        "    if gaps.policy is GapPolicy.FORBIDDEN:\n",
        "    if False:\n",
        (RULES,),
    ),
    Mutant(
        "NF-e range of 10,001 allowed",
        "ledger/reports/official/nfe.py",
        "LONGEST = 10_000\n",
        "LONGEST = 10_001\n",
        (f"{DECLARING}::TestNFe::test_at_most_ten_thousand_numbers_each",),
    ),
    Mutant(
        "a used number declared as missing",
        f"{SQL}/declared.sql",
        "    IF FOUND THEN\n        RAISE EXCEPTION 'the number",
        "    IF false THEN\n        RAISE EXCEPTION 'the number",
        (f"{DECLARING}::TestTheEvent::test_a_used_number_is_not_missing",),
    ),
    Mutant(
        "a value declared twice",
        f"{SQL}/declared.sql",
        "+ last_value, '[]') WITH &&",
        "+ first_value, '[]') WITH &&",
        (f"{DECLARING}::TestTheEvent::test_no_value_is_declared_twice_to_one_authority",),
    ),
    Mutant(
        "the limit of the rules does not bind the counter",
        "ledger/models/series.py",
        "limit = self.max_length if rules.length is None else min(self.max_length, rules.length.maximum)",
        "limit = self.max_length",
        ("tests/integration/test_rules.py::TestOpening",),
    ),
    Mutant(
        "neighbour of a gap off by one",
        "ledger/reports/report_sql.py",
        "AND e.value = i.before AND e.kind <> 'gap'",
        "AND e.value = i.before - 1 AND e.kind <> 'gap'",
        (REPORT,),
    ),
    Mutant(
        "a gap is a neighbour",
        "ledger/reports/report_sql.py",
        "            WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s AND e.kind <> 'gap'\n        ) d",
        "            WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s\n        ) d",
        (REPORT,),
    ),
    Mutant(
        "a void counts as missing",
        "ledger/reports/scope.py",
        "        missing=listed.missing,\n",
        "        missing=listed.missing + void,\n",
        (REPORT,),
    ),
    Mutant(
        "the end of a gap is exclusive",
        "ledger/reports/parts.py",
        "        end=span.last,\n",
        "        end=span.last + 1,\n",
        (REPORT,),
    ),
    Mutant(
        "ends of a gap swapped",
        "ledger/reports/missing.py",
        "                yield Span(reached + 1, first - 1, island, None)",
        "                yield Span(first - 1, reached + 1, island, None)",
        (MISSING_SPANS,),
    ),
    Mutant(
        "the last day of a span is left out",
        "ledger/reports/report_sql.py",
        "coalesce(b.issued_on, a.issued_on) <= %(until)s::date",
        "coalesce(b.issued_on, a.issued_on) < %(until)s::date",
        (REPORT,),
    ),
    Mutant(
        "moments of a report in UTC",
        "ledger/reports/scope.py",
        "return calendars.zone(self.period.series.time_zone)",
        "return calendars.zone('UTC')",
        (REPORT,),
    ),
    Mutant(
        "each part of a report from its own moment",
        "ledger/reports/snapshot.py",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        (REPORT,),
    ),
    Mutant(
        "a formula in CSV",
        "ledger/reports/formats/csv_tables.py",
        "neutralised(cell) if isinstance(cell, str) else cell_text(cell)",
        "cell_text(cell)",
        (REPORT_FILES,),
    ),
    Mutant(
        "white space hides a formula",
        "ledger/reports/formats/cells.py",
        " or text.lstrip().startswith(_DANGEROUS)",
        "",
        (REPORT_CELLS,),
    ),
    Mutant(
        "a formula in XLSX",
        "ledger/reports/formats/xlsx.py",
        "        sheet.write_string(at, position, text, look)",
        "        (sheet.write_formula if text.startswith('=') else sheet.write_string)(at, position, text, look)",
        (REPORT_FILES,),
    ),
    Mutant(
        "an identity that always holds",
        "ledger/reports/scope.py",
        "adds_up=summary.identity_holds and expected",
        "adds_up=expected",
        (REPORT,),
    ),
    Mutant(
        "tenant filter of the pages dropped",
        "ledger/web/access.py",
        "return rows if self.tenants is None else rows.filter(tenant__in=self.tenants)",
        "return rows",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "any tenant may be chosen",
        "ledger/web/access.py",
        "if not self.sees(asked) or not Series",
        "if not Series",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "an auditor is offered all tenants",
        "ledger/web/access.py",
        "        if self.tenants is not None:\n            return sorted(self.tenants)[: MOST_TENANTS + 1]\n",
        "",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a permission to act dropped",
        "ledger/web/access.py",
        "if nothing or (does and not access.may(does)):",
        "if nothing:",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a page that forgets its permission to act",
        "ledger/web/number.py",
        '@page(does="void_number", methods=("GET", "HEAD", "POST"))',
        '@page(methods=("GET", "HEAD", "POST"))',
        (PAGES_ACCESS,),
    ),
    Mutant(
        "the sweeps shown to an auditor",
        "ledger/web/workers.py",
        '@page("view_sweeprun", of_all_tenants=True)',
        '@page("view_sweeprun")',
        (PAGES_ACCESS,),
    ),
    Mutant(
        "an export that asks nobody",
        "ledger/web/exports.py",
        'access.find(Period.objects.select_related("series"), pk=pk)',
        'Period.objects.select_related("series").get(pk=pk)',
        (PAGES_ACCESS,),
    ),
    Mutant(
        "gaps of another tenant explained",
        "ledger/web/gap_rows.py",
        "WHERE e.tenant = %(tenant)s AND e.kind = 'gap'",
        "WHERE (e.tenant = %(tenant)s OR %(keys)s::text[] IS NOT NULL) AND e.kind = 'gap'",
        (PAGES_ACCESS, PAGES_ACTIONS),
    ),
    Mutant(
        "a form from elsewhere is taken",
        "ledger/web/access.py",
        "secured(never_cache(csrf_protect(require_http_methods(methods)(guarded))))",
        "secured(never_cache(require_http_methods(methods)(guarded)))",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a script in a page",
        "ledger/templates/ledger/number.html",
        "{{ event.text|linebreaksbr }}",
        "{{ event.text|safe }}",
        (PAGES_ACTIONS,),
    ),
    Mutant(
        "a block counted before it is full",
        "ledger/web/counts.py",
        "if sum(counted) + left_out.get(block, 0) == size:",
        "if sum(counted) + left_out.get(block, 0) > 0:",
        (PAGES_COUNTS,),
    ),
    Mutant(
        "voids kept too long",
        "ledger/web/voided.py",
        "if count == kept.count:",
        "if kept.count:",
        (PAGES_COUNTS,),
    ),
    Mutant(
        "a void that commits late is missed",
        "ledger/web/voided.py",
        "if kept.count + added != count:",
        "if kept.count + added > count:",
        (PAGES_COUNTS,),
    ),
    Mutant(
        "a form that is sent twice does it twice",
        "ledger/web/gaps.py",
        '        if _said_before(line, said["reason"], request.user, alias):\n            return False\n',
        "",
        (PAGES_ACTIONS,),
    ),
    Mutant(
        "a sequence that starts again by itself",
        "ledger/compat/sequence_runs.py",
        "    if series.calendar == CalendarKind.NEVER:\n        return\n",
        "    return\n",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "a turn that ended goes on",
        "ledger/compat/sequence_values.py",
        "                        end_run(connections[alias], tenant, name, run)\n",
        "",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "nobody waited for in the year before",
        "ledger/compat/scopes.py",
        '            last = close_period(last, early=True, by="django-sequence", using=alias)\n',
        "",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "an original that the shim hides",
        "ledger/compat/standing_in.py",
        "if present is not None or importlib.util.find_spec(package) is not None:",
        "if present is not None:",
        (SHIMS,),
    ),
    Mutant(
        "counters moved without the lock",
        "ledger/compat/moving/systems.py",
        "            lock_counters(alias, table)\n",
        "            pass\n",
        (MOVING,),
    ),
    Mutant(
        "a counter below the highest used number",
        "ledger/compat/moving/counters.py",
        "if current is not None and highest > counter.last:",
        "if False:",
        (MOVING,),
    ),
    Mutant(
        "a number twice by old code",
        "ledger/compat/moving/bridge.py",
        "IF taken <> asked AND current_query()",
        "IF false AND current_query()",
        (MOVING,),
    ),
    Mutant(
        "later save writes the number",
        f"{COMPAT}/number_field.py",
        "            return models.F(self.attname)\n",
        "            return getattr(model_instance, self.attname)\n",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "number of a rolled back try kept",
        f"{COMPAT}/number_field.py",
        "            self._expect_given(model_instance, saving.alias)\n",
        "            if getattr(model_instance, self.attname):\n"
        "                return getattr(model_instance, self.attname)\n",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "made-up number taken",
        f"{COMPAT}/number_field.py",
        "        if not given or given == instance.__dict__",
        "        if True or given == instance.__dict__",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "child numbered as a document of its own",
        f"{COMPAT}/number_field.py",
        'f"{self.model._meta.label_lower}:{pk}"',
        'f"{instance._meta.label_lower}:{pk}"',
        (NUMBER_FIELD,),
    ),
    Mutant(
        "primary key of a failed INSERT kept",
        f"{COMPAT}/number_field.py",
        "            if drawn:  # as after",
        "            if not drawn:  # as after",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "basket used again keeps its number",
        f"{COMPAT}/oscar.py",
        "if not is_void and not _is_used(entry, basket):",
        "if not is_void:",
        (OSCAR,),
    ),
    Mutant(
        "order number uncommitted before the payment",
        f"{COMPAT}/oscar.py",
        "if in_a_transaction and entry.series.allocation",
        "if False and entry.series.allocation",
        (OSCAR,),
    ),
    Mutant(
        "basket ordered twice",
        f"{COMPAT}/oscar.py",
        "    if status not in basket.editable_statuses:",
        "    if status is None:",
        (OSCAR,),
    ),
    Mutant(
        "invoice ID stays in the recipe's table",
        f"{COMPAT}/moving/pool.py",
        "    rows.filter(pk__in=[row.pk for row in taken]).delete()\n",
        "    rows.filter(pk__in=[row.pk for row in taken]).count()\n",
        (LORIKEET,),
    ),
    Mutant(
        "invoice IDs in the order of their texts",
        f"{COMPAT}/moving/pool.py",
        'order_by(Length("pk"), "pk")',
        'order_by("pk")',
        (LORIKEET,),
    ),
    Mutant(
        "a free invoice ID below the highest used number",
        f"{COMPAT}/moving/pool.py",
        'int(found["counter"]) <= period.last_value',
        'int(found["counter"]) == period.last_value',
        (LORIKEET,),
    ),
    Mutant(
        "a pool moved past checkouts under way",
        f"{COMPAT}/moving/pool.py",
        "            history.lock(alias)  # as",
        "            pass  # as",
        (LORIKEET,),
    ),
    Mutant(
        "rows locked to show what would be done",
        f"{COMPAT}/moving/pool.py",
        "select_for_update(skip_locked=True) if apply else wanted",
        "select_for_update(skip_locked=True) if True else wanted",
        (LORIKEET,),
    ),
    Mutant(
        "two make one sequence",
        f"{COMPAT}/sequence_model.py",
        "                    series.save(using=alias, force_insert=True)\n",
        "                    Series.objects.using(alias).bulk_create([series], ignore_conflicts=True)\n",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "a value past the end of the counter",
        f"{SQL}/next_value.sql",
        "          AND p.closed_at IS NULL\n          AND p.last_value < p.max_value\n",
        "",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "a value past the guard of chronology",
        f"{SQL}/next_value.sql",
        " AND NOT s.chronological\n",
        "\n",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "the latest date forgotten once the guard is off",
        f"{SQL}/next_value.sql",
        "          AND p.last_issued_on IS NULL\n",
        "",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "draft taken over and withdrawn for its reference",
        "workers/drafting/looking.py",
        "    if draft.reference and there.reference",
        "    if there.reference",
        (f"{REMOTE_POOLS}::test_drafts_that_were_taken_over_are_looked_at_too",),
    ),
    Mutant(
        "a command left out of the documentation",
        "docs/extensions/commands.py",
        "if not module.ispkg",
        'if module.name != "ledger_gaps"',
        (DOCS_SITE,),
    ),
    Mutant(
        "a public name left out of the documentation",
        "docs/reference/api.md",
        ".. autofunction:: ledger.preview\n",
        "",
        (DOCS_SITE,),
    ),
    Mutant(
        "a setting left out of the documentation",
        "docs/reference/settings.md",
        "### `CLOCK`\n",
        "### The clock\n",
        (DOCS_SITE,),
    ),
    Mutant(
        "a link of the documentation to a heading that isn't there",
        "docs/guides/gaps.md",
        "(../rules.md#declaring)",
        "(../rules.md#to-declare)",
        (DOCS_SITE,),
    ),
    Mutant(
        "the documentation asks another host for a font",
        "docs/site.css",
        "/* What the theme leaves to us.",
        '@import url("https://fonts.example/serif.css");\n/* What the theme leaves to us.',
        (DOCS_SITE,),
    ),
    Mutant(
        "a trigger that the proofs name isn't there",
        "docs/explanation/proofs.md",
        "trigger `ledger_void_fits` |",
        "trigger `ledger_void_suits` |",
        (DOCS_SITE,),
    ),
    Mutant(
        "the documentation's headings without a level",
        "docs/extensions/accessible.py",
        ' aria-level="2">',
        ">",
        (DOCS_BROWSER,),
    ),
    Mutant(
        "a new counter on both sides",
        "ledger/compat/moving/bridge.py",
        "    IF NOT present THEN\n",
        "    IF false THEN\n",
        (MOVING,),
    ),
    Mutant(
        "the move waits for readers",
        "ledger/compat/moving/bridge.py",
        "IN SHARE ROW EXCLUSIVE MODE",
        "IN ACCESS EXCLUSIVE MODE",
        (MOVING,),
    ),
    Mutant(
        "the tutorial shows another number",
        "docs/tutorial.md",
        '>>> print(checkout("Grace", "30.00", card="valid"))\nINV-2026-000002\n',
        '>>> print(checkout("Grace", "30.00", card="valid"))\nINV-2026-000003\n',
        (TUTORIAL,),
    ),
    Mutant(
        "a command of the tutorial is misspelt",
        "docs/tutorial.md",
        "$ python manage.py ledger_verify\n",
        "$ python manage.py ledger_verfiy\n",
        (TUTORIAL,),
    ),
    Mutant(
        "README promises another number",
        "README.md",
        '# str(number) == "INV-2026-000123"',
        '# str(number) == "INV-2026-000124"',
        (f"{EXAMPLES}::test_examples[README.md]",),
    ),
    Mutant(
        "a guide shows another output",
        "docs/guides/from-lorikeet.md",
        "12 invoice IDs would come into the pool of the series.",
        "13 invoice IDs would come into the pool of the series.",
        (f"{EXAMPLES}::test_examples[docs/guides/from-lorikeet.md]",),
    ),
    Mutant(
        "an exception takes a whole console along",
        "tests/docs/exceptions.py",
        "not (is_whole and text)",
        "not (is_whole and not text)",
        (DOCS_RUNNER,),
    ),
    Mutant(
        "an ellipsis stands for anything that follows",
        "tests/docs/comparing.py",
        "re.fullmatch(",
        "re.match(",
        (DOCS_RUNNER,),
    ),
    Mutant(
        "arrays want a line in INSTALLED_APPS",
        "ledger/models/arrays.py",
        'if message.id != "postgres.E005"',
        "if message.id",
        ("tests/integration/test_checks.py",),
    ),
    Mutant(
        "a date is broken over two lines",
        "ledger/reports/rows.py",
        'column("Evidence", Kind.EVIDENCE, 3.8)',
        'column("Evidence", Kind.EVIDENCE, 12)',
        (f"{REPORT_FILES}::TestPdf",),
    ),
    Mutant(
        "access is given twice",
        "ledger/models/access.py",
        'return rows.get_or_create(tenant=tenant_key(org), user=instance_key(user, InvalidActor, "user"))[0]',
        'return rows.create(tenant=tenant_key(org), user=instance_key(user, InvalidActor, "user"))',
        (PAGES_ACTIONS,),
    ),
    Mutant(
        "a default series can't be allocated early",
        "ledger/series.py",
        "        if series is None and make_default_series(connections[alias], tenant, code):",
        "        if False and make_default_series(connections[alias], tenant, code):",
        ("tests/integration/test_commands.py",),
    ),
)
