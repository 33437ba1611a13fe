"""Sweeps, the broker, accounting systems, reconciliation and writing back."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

REMOTE_POOLS = "tests/accounting/test_remote_pools.py"
WRITING_BACK = "tests/accounting/test_writing_back.py"
WRITING_PROCESSES = "tests/accounting/test_writing_back_processes.py"
RECONCILING = "ledger/reconciliation"
RECONCILIATION = "tests/integration/test_reconciliation.py"
CHANGES = "tests/integration/test_reconciliation_changes.py"
INTERRUPTED = "tests/accounting/test_reconciliation_interrupted.py"
BATCHES = "tests/integration/test_batches.py"
BROKER_MESSAGES = "tests/broker/test_messages.py"
BROKER_PROCESSES = "tests/broker/test_processes.py"

MUTANTS = (
    Mutant(
        "a credit note is taken for the invoice that it credits",
        "workers/accounting/odoo.py",
        ', ["move_type", "=", kind]])',
        "])",
        ("tests/accounting/test_odoo.py::TestNumbers",),
    ),
    Mutant(
        "a series is tried for the first day of its period alone",
        "workers/checks.py",
        "for day in (one.starts_on, one.ends_on)]",
        "for day in (one.starts_on,)]",
        ("tests/accounting/test_odoo.py::TestOurNumbers",),
    ),
    Mutant(
        "nobody is asked for the amounts of a file's numbers",
        "workers/reconciliation.py",
        "systems.hook(system) if system.describe else None",
        "None",
        ("tests/accounting/test_folder.py",),
    ),
    Mutant(
        "a history is retired that others have followed",
        "ledger/adoption/retiring.py",
        "if later := fetch(alias, _LATER, wanted):",
        "if (later := fetch(alias, _LATER, wanted)) and False:",
        ("tests/integration/test_retiring.py",),
    ),
    Mutant(
        "cursor saved before the page",
        f"{RECONCILING}/mirror.py",
        "    with transaction.atomic(using=alias):\n        state",
        "    if True:\n        state",
        (f"{INTERRUPTED}::test_a_process_killed_in_the_middle_of_a_page",),
    ),
    Mutant(
        "overlap dropped",
        f"{RECONCILING}/mirror.py",
        "aware(row.read_from) - policy.overlap",
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
        "ledger/sql/functions/ledger_judge.sql",
        "        WHERE last.is_open IS NOT TRUE\n",
        "",
        (RECONCILIATION,),
    ),
    Mutant(
        "a key among the variables that an error tracker sends",
        "workers/accounting/odoo_connections.py",
        "self._key, model",
        "self._key.reveal(), model",
        ("tests/accounting/test_trackers.py::TestOdoo",),
    ),
    Mutant(
        "an answer is unpacked without bounds",
        "workers/accounting/http.py",
        "unpacking.decompress(content, largest + 1)",
        "unpacking.decompress(content)",
        ("tests/accounting/test_http.py::test_a_bomb_is_not_unpacked",),
    ),
    Mutant(
        "a paid invoice is cancelled",
        "workers/accounting/odoo.py",
        '        if paid != "not_paid":\n',
        "        if False:\n",
        ("tests/accounting/test_odoo.py::TestCancelling",),
    ),
    Mutant(
        "drafts across a period's edge",
        "workers/remote/refilling.py",
        "            if self.system.capabilities.numbers_by_clock and not need.is_current:\n",
        "            if False:\n",
        ("tests/accounting/test_remote_pools.py",),
    ),
    Mutant(
        "another sale's document is as good as ours",
        "ledger/sql/functions/ledger_is_ours.sql",
        "p_reference = '' OR p_document = '' OR p_reference = p_document",
        "true",
        (f"{RECONCILIATION}::TestOurs",),
    ),
    Mutant(
        "another document than the one that we pushed is as good",
        "ledger/sql/functions/ledger_is_ours.sql",
        "CASE WHEN p_pushed > '' THEN p_remote_id = p_pushed\n                ELSE",
        "CASE WHEN false THEN false\n                ELSE",
        (f"{RECONCILIATION}::TestOurs",),
    ),
    Mutant(
        "a reading that lost most of the mirror counts",
        f"{RECONCILING}/mirror.py",
        "        _refuse_loss(books, row, *counts)\n",
        "",
        (f"{RECONCILIATION}::TestLost",),
    ),
    Mutant(
        "a comparison of all tenants",
        "ledger/sql/functions/ledger_judge.sql",
        "WHERE e.tenant = p_tenant AND upper(e.number) = k.subject\n            LIMIT 1\n",
        "WHERE upper(e.number) = k.subject\n            LIMIT 1\n",
        (f"{RECONCILIATION}::TestTenants",),
    ),
    Mutant(
        "checkouts that were open are not compared again",
        f"{RECONCILING}/comparing.py",
        '"compared_horizon": horizon,',
        '"compared_horizon": ahead,',
        (f"{CHANGES}::TestSlowCheckouts",),
    ),
    Mutant(
        "what hangs on a change is not compared",
        f"{RECONCILING}/comparing.py",
        "            cursor.execute(_NEIGHBOURS, wanted)\n",
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
        "ledger/sweeps/running.py",
        "        row = SweepRun.objects.using(alias).select_for_update().get(pk=run)\n        batch =",
        "        row = SweepRun.objects.using(alias).get(pk=run)\n        batch =",
        (f"{BATCHES}::test_batches_that_end_at_the_same_time_see_each_other",),
    ),
    Mutant(
        "a run succeeds although a batch was lost",
        "ledger/sweeps/running.py",
        "is_over=not batches or stopped or _all_ended(alias, row))",
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
        "ledger/sweeps/running.py",
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
        "a document made without looking for it",
        "workers/accounting/base.py",
        "    there = live_first(find())\n    if there is not None:\n        return there\n    try:\n",
        "    try:\n",
        (f"{WRITING_PROCESSES}::test_a_worker_killed_after_its_request_was_sent",),
    ),
    Mutant(
        "a lost answer posted again",
        "workers/accounting/base.py",
        "        there = live_first(find())\n        if there is None:\n            raise\n        return there\n",
        "        return make()\n",
        (f"{WRITING_BACK}::TestOnce",),
    ),
    Mutant(
        "a claim that is not committed before the network",
        "workers/writing_back/queue.py",
        '"now": now})\n        return self.rows()',
        '"now": now})\n            connections[self.alias].set_rollback(True)\n        return self.rows()',
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
        "workers/accounting/http.py",
        "                self._options.before_attempt()\n",
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
        "workers/accounting/oauth.py",
        "SealedToken.objects.select_for_update().get(pk=system)",
        "SealedToken.objects.get(pk=system)",
        ("tests/accounting/test_tokens.py::test_processes_that_renew_at_once_never_use_a_refresh_token_twice",),
    ),
    Mutant(
        "the draft of a killed worker is not found again",
        "ledger/remote/drafts.py",
        '    text = f"slot:{name}:{starts_on}:{ordinal}"\n',
        '    text = f"slot:{name}:{starts_on}:{ordinal}:{datetime.now()}"\n',
        (
            "tests/accounting/test_remote_pools_trouble.py::test_a_worker_killed_between_draft_and_storing_leaves_no_orphan",
        ),
    ),
    Mutant(
        "a draft is cancelled that somebody uses",
        "workers/remote/unused.py",
        "    if there.state is not State.DRAFT or (one.draft.reference and there.reference != one.draft.reference):\n",
        "    if False:\n",
        (
            "tests/accounting/test_unused_drafts.py::TestDraftsThatNobodyUsed::test_one_that_somebody_uses_is_left_alone",
        ),
    ),
    Mutant(
        "draft taken over and withdrawn for its reference",
        "workers/remote/refilling.py",
        "    if draft.reference and there.reference",
        "    if there.reference",
        (f"{REMOTE_POOLS}::test_drafts_that_were_taken_over_are_looked_at_too",),
    ),
)
