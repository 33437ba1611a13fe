"""The database's functions and guards: locks, conditions, constraints and triggers."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SQL = "ledger/migrations/sql"
RACES = "tests/concurrency/test_serial.py"
IDEMPOTENCE = "tests/integration/test_idempotence.py"
DATES = "tests/integration/test_dates.py"
PERIODS = "tests/integration/test_periods.py"
EVERY_ALLOCATION = "tests/concurrency/test_every_allocation.py"
POOLED = "tests/concurrency/test_pooled.py"
REMOTE = "tests/concurrency/test_remote.py"
REMOTE_HELD = "tests/integration/test_remote.py"
AT_COMMIT = "tests/concurrency/test_at_commit.py"
COMMIT_REFUSED = "tests/concurrency/test_commit_refused.py"
RESERVED = "tests/concurrency/test_reserved.py"
SWEEP = "tests/concurrency/test_sweep.py"
GAP_PROOF = "tests/concurrency/test_gap_proof.py"
GAPS = "tests/integration/test_gaps.py"
IMMUTABLE = "tests/integration/test_immutable.py"
VERIFICATION_GUARDS = "tests/integration/test_verification_guards.py"
VERIFICATION = "tests/integration/test_verification.py"
DECLARING = "tests/integration/test_declaring.py"
DJANGO_SEQUENCES = "tests/compat/test_django_sequences.py"

MUTANTS = (
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
        "forced row security is not seen",
        "ledger/verification/catalogue_sql.py",
        "'forced row security', r.relforcerowsecurity,",
        "'forced row security', false,",
        (VERIFICATION_GUARDS,),
    ),
    Mutant(
        "a foreign key's disabled triggers are not seen",
        "ledger/verification/catalogue_sql.py",
        "AND t.tgenabled IN ('O', 'A')",
        "AND true",
        (VERIFICATION_GUARDS,),
    ),
    Mutant(
        "what everybody may do is not seen",
        "ledger/verification/privileges.py",
        "if label not in public:",
        "if False:",
        (VERIFICATION_GUARDS,),
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
)
