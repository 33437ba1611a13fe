"""The database's functions and guards: locks, conditions, constraints and triggers."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SQL = "ledger/sql/functions"
GUARDS = "ledger/sql/guards.sql"
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
DJANGO_SEQUENCES = "tests/compat/test_django_sequences.py"  # compares functions after each test: name one
TAKEN = "tests/integration/test_taken_numbers.py"
UNREADABLE = "tests/integration/test_unreadable_rows.py"
CHANGES = "tests/integration/test_changes.py"
ADVISORY = "tests/roles/test_advisory_locks.py"

MUTANTS = (
    Mutant(
        "functions declare types by whatever schema the session looks into first",
        "ledger/sql/installing.py",
        r'_DECLARED.sub(r"\1pg_catalog.\2", part[0])',
        "part[0]",
        ("tests/roles/test_shadows.py::test_a_domain_that_a_function_met_first_runs_no_check_with_the_owners_rights",),
    ),
    Mutant(
        "a tenant can be named to keep another's period closed",
        f"{SQL}/ledger_values_as_range.sql",
        "left(translate(encode(sha256(t.bytes), 'hex'), 'abcdef', '012345'), 40)::numeric * 1e20",
        "hashtextextended(convert_from(t.bytes, 'UTF8'), 0)::numeric * 1e20",
        ("tests/roles/test_other_peoples.py::test_a_name_that_was_made_for_it_keeps_nobodys_period_from_being_opened",),
    ),
    Mutant(
        "a period's days may lie beyond all calendars",
        f"{SQL}/ledger_period_fits.sql",
        "        OR NEW.starts_on < DATE '0001-01-01' OR NEW.ends_on > DATE '9999-12-31'\n",
        "",
        (
            "tests/roles/test_other_peoples.py::"
            "test_days_beyond_all_calendars_keep_no_other_series_from_being_opened[2026-01-01-5874897-12-31]",
        ),
    ),
    Mutant(
        "an amount that is no number gets into the mirror",
        "ledger/sql/installing.py",
        "for each in fields if isinstance(each, DecimalField)]",
        "for each in fields if each.name == 'none']",
        ("tests/roles/test_bounds.py",),
    ),
    Mutant(
        "a counter that a prepared transaction holds is told by nobody",
        "ledger/prepared.py",
        "WHERE own.transactionid = p.transaction AND own.pid IS NULL AND",
        "WHERE false AND",
        ("tests/roles/test_held_counters.py",),
    ),
    Mutant(
        "another reference of a number goes by unseen",
        f"{SQL}/ledger_add_references.sql",
        "WHERE r.reference <> w.reference OR r.digest <> w.digest",
        "WHERE false",
        ("tests/integration/test_references.py::TestTheEvent::test_what_was_said_never_changes",),
    ),
    Mutant(
        "formats that collide by a document's month are not looked for",
        f"{SQL}/ledger_colliding_period.sql",
        "SELECT left(stem, n) || '{DOC_', left(stem, n) || '{DOC`'",
        "SELECT left(stem, n) || '{NOT_', left(stem, n) || '{NOT`'",
        ("tests/integration/test_document_dates.py::TestFormatsThatCollide",),
    ),
    Mutant(
        "a number that shows a document's month is adopted elsewhere",
        f"{SQL}/ledger_is_awaited.sql",
        "left(upper(p_number), at - 1) || '{DOC_', left(upper(p_number), at - 1) || '{DOC`'",
        "left(upper(p_number), at - 1) || '{NOT_', left(upper(p_number), at - 1) || '{NOT`'",
        (
            "tests/integration/test_document_dates.py::TestAdoption::test_a_number_that_such_a_series_may_still_give_out",
        ),
    ),
    Mutant(
        "lock removed",
        f"{SQL}/ledger_take_serial.sql",
        "    SET last_value = p.last_value + 1,\n",
        "    SET last_value = greatest(p.last_value, last_seen + 1),\n",
        (RACES,),
    ),
    Mutant(
        "a transaction of another isolation level begins as an ordinary one",
        "ledger/allocation/connection_hooks.py",
        "            and driver.isolation_level is driver.read_only is driver.deferrable is None\n",
        "",
        ("tests/integration/test_opening.py",),
    ),
    Mutant(
        "BEGIN goes along with each statement",
        "ledger/allocation/connection_hooks.py",
        "            driver.pgconn.transaction_status == TransactionStatus.IDLE\n",
        "            True\n",
        ("tests/integration/test_opening.py",),
    ),
    Mutant(
        "document not looked for again under the lock",
        f"{SQL}/ledger_take_serial.sql",
        "            IF p_document > '' THEN\n",
        "            IF false THEN\n",
        (RACES,),
    ),
    Mutant(
        "value of a lost race not given back",
        f"{SQL}/ledger_take_serial.sql",
        "            SET last_value = taken - 1, last",
        "            SET last_value = taken, last",
        (RACES,),
    ),
    Mutant(
        "document check dropped",
        f"{SQL}/ledger_entry_of.sql",
        "    WHERE e.tenant = p_tenant AND e.series_id",
        "    WHERE false AND e.tenant = p_tenant AND e.series_id",
        (IDEMPOTENCE,),
    ),
    Mutant(
        "period looked up in UTC",
        f"{SQL}/ledger_find_series.sql",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE t.time_zone)::date)",
        "coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE 'UTC')::date)",
        (DATES,),
    ),
    Mutant(
        "closed period not asked again under the lock",
        f"{SQL}/ledger_take_serial.sql",
        "          AND p.closed_at IS NULL\n          AND p.last_value < p.max_value\n",
        "          AND p.last_value < p.max_value\n",
        (RACES,),
    ),
    Mutant(
        "chronology guard not asked again under the lock",
        f"{SQL}/ledger_take_serial.sql",
        "          AND (NOT guarded OR p.last_issued_on IS NULL OR p.last_issued_on <= day)\n        RETURNING",
        "        RETURNING",
        (RACES,),
    ),
    Mutant(
        "length limit not asked again under the lock",
        f"{SQL}/ledger_take_serial.sql",
        "      AND p.last_value < p.max_value\n",
        "",
        (RACES,),
    ),
    Mutant(
        "a numbered document takes a number of the block",
        f"{SQL}/ledger_fresh_of.sql",
        "    SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE e.id IS NULL),\n",
        "    SELECT array_agg(d.document ORDER BY d.ordinality),\n",
        (IDEMPOTENCE,),
    ),
    Mutant(
        "lpad cuts",
        f"{SQL}/ledger_number.sql",
        "        THEN prefix || lpad(value::text, greatest(width, length(value::text)), '0') || suffix\n",
        "        THEN prefix || lpad(value::text, width, '0') || suffix\n",
        (DATES,),
    ),
    Mutant(
        "unique index of the counter dropped",
        GUARDS,
        "-- Entries.\n",
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value;\n-- Entries.\n",
        (IMMUTABLE, VERIFICATION),
    ),
    Mutant(
        "unique index of numbers dropped",
        GUARDS,
        "-- Entries.\n",
        "DROP INDEX ledger_entry_number;\n-- Entries.\n",
        (IMMUTABLE, VERIFICATION),
    ),
    Mutant(
        "unique index of documents dropped",
        GUARDS,
        "-- Entries.\n",
        "DROP INDEX ledger_entry_document;\n-- Entries.\n",
        (RACES, VERIFICATION),
    ),
    Mutant(
        "rows of a void may change",
        "ledger/sql/installing.py",
        "    for table in event_tables():\n",
        "    for table in [name for name in event_tables() if name != 'ledger_numbervoided']:\n",
        (IMMUTABLE,),
    ),
    Mutant(
        "replica mode passes the trigger",
        "ledger/sql/installing.py",
        "ENABLE ALWAYS TRIGGER",
        "ENABLE TRIGGER",
        (IMMUTABLE,),
    ),
    Mutant(
        "TRUNCATE passes",
        "ledger/sql/installing.py",
        "CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON {table}",
        "CREATE TRIGGER ledger_append_only_table BEFORE UPDATE ON {table}",
        (IMMUTABLE,),
    ),
    Mutant(
        "a temporary table deceives the guards",
        f"{SQL}/ledger_entry_fits.sql",
        "FROM @schema@.ledger_period p WHERE",
        "FROM ledger_period p WHERE",
        ("tests/roles/test_attacks.py", VERIFICATION_GUARDS),
    ),
    Mutant(
        "a function of PostgreSQL's name is taken for PostgreSQL's",
        "ledger/verification/catalogue.py",
        'token[0] == prefix and token.string.startswith("ledger_", token.end())',
        "token[0] == prefix",
        (VERIFICATION_GUARDS,),
    ),
    Mutant(
        "a session's setting decides what JSON may be",
        f"{SQL}/ledger_is_facts.sql",
        """E'"(?:[^"\\\\\\\\]|\\\\\\\\.)*"'""",
        """'"(?:[^"\\\\]|\\\\.)*"'""",
        ("tests/roles/test_session_settings.py",),
    ),
    Mutant(
        "a template without dates in a yearly series",
        f"{SQL}/ledger_save_series.sql",
        "ELSE '^y$' END) THEN",
        "ELSE '' END) THEN",
        ("tests/roles/test_odd_calls.py",),
    ),
    Mutant(
        "moments without end in tables of plain grants",
        "ledger/models/readable.py",
        """ AND {sql} <= '{self.last}'\"""",
        '"',
        ("tests/roles/test_plain_tables.py",),
    ),
    Mutant(
        "a join of staged rows and days",
        f"{SQL}/ledger_adopt.sql",
        "WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d\n    WHERE s.batch = p_batch\n    ORDER BY",
        "WHERE d.batch = s.batch AND d.day = s.counted_on) d\n    WHERE s.batch = p_batch\n    ORDER BY",
        ("tests/integration/test_adoption.py",),
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
        "ledger/verification/guards.py",
        "if label not in public:",
        "if False:",
        (VERIFICATION_GUARDS,),
    ),
    Mutant(
        "the counter may fall",
        GUARDS,
        " WHEN (NEW.last_value < OLD.last_value)",
        " WHEN (NEW.last_value < 0)",
        (IMMUTABLE,),
    ),
    Mutant(
        "periods may overlap",
        GUARDS,
        "(series_id, starts_on, ends_on) WITH &&",
        "(series_id, starts_on, ends_on) WITH =",
        (PERIODS,),
    ),
    Mutant(
        "unique index of the counter made partial",
        GUARDS,
        "-- Entries.\n",
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value;\n"
        "CREATE UNIQUE INDEX ledger_entry_value ON ledger_entry (tenant, period_id, value) WHERE kind = 'issued';\n"
        "-- Entries.\n",
        (VERIFICATION_GUARDS, IMMUTABLE),
    ),
    Mutant(
        "SKIP LOCKED dropped",
        f"{SQL}/ledger_issue_slot.sql",
        "            ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        "            ORDER BY s.value LIMIT 1 FOR UPDATE;",
        (f"{POOLED}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "slot of a lost race not given back",
        f"{SQL}/ledger_issue_slot.sql",
        "-- The document got a number on another connection in the meantime: that number counts, and the slot stays.\n",
        "DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = look.period AND s.value = taken;\n",
        (f"{EVERY_ALLOCATION}::test_the_same_document_on_two_connections",),
    ),
    Mutant(
        "low-water mark one too high",
        f"{SQL}/ledger_mint.sql",
        "        pool.free_from := waiting[101];\n",
        "        pool.free_from := waiting[101] + 1;\n",
        (f"{POOLED}::test_so_many_stragglers", "tests/stateful/test_pool.py"),
    ),
    Mutant(
        "stragglers forgotten",
        f"{SQL}/ledger_mint.sql",
        "        pool.stragglers := waiting;\n",
        "        pool.stragglers := '{}';\n",
        (f"{POOLED}::test_so_many_stragglers",),
    ),
    Mutant(
        "a number given back goes to a later document",
        f"{SQL}/ledger_issue_slot.sql",
        "    IF NOT look.give_back THEN above := ledger_highest_out(p_tenant, look.period); END IF;\n",
        "",
        (f"{POOLED}::TestNotGivenBack::test_below_the_highest_number_nothing_is_taken",),
    ),
    Mutant(
        "any allocation served by serial",
        f"{SQL}/ledger_find_series.sql",
        "WHEN s.allocation <> p_allocation THEN 'allocation'",
        "WHEN false THEN 'allocation'",
        (f"{POOLED}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "deferred trigger made immediate",
        GUARDS,
        "AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY DEFERRED",
        "AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY IMMEDIATE",
        (f"{AT_COMMIT}::TestTheTicket::test_comes_at_once_and_its_number_after_commit",),
    ),
    Mutant(
        "tickets numbered in the order they were left",
        f"{SQL}/ledger_number_tickets.sql",
        "ORDER BY (each.one).series_id, (each.one).period_id, (each.one).id)",
        "ORDER BY (each.one).id)",
        (f"{AT_COMMIT}::TestOrder::test_several_series_in_opposite_orders_never_wait_for_each_other",),
    ),
    Mutant(
        "a refused ticket commits without a number",
        f"{SQL}/ledger_number_tickets.sql",
        "        IF answer[1] NOT IN ('issued', 'existing') THEN\n            RAISE",
        "        IF false THEN\n            RAISE",
        (f"{COMMIT_REFUSED}::test_a_period_closed_meanwhile",),
    ),
    Mutant(
        "a reservation is given to the next",
        f"{SQL}/ledger_reserve.sql",
        "SET last_value = period.last_value + cardinality(fresh),\n            last_issued_on = CASE WHEN guarded",
        "SET last_value = period.last_value,\n            last_issued_on = CASE WHEN guarded",
        (f"{RESERVED}::test_nobody_waits_for_a_checkout",),
    ),
    Mutant(
        "a sweep waits for checkouts",
        f"{SQL}/ledger_claim_gap.sql",
        "SET lock_timeout = '5ms'",
        "SET lock_timeout = '0'",
        (f"{SWEEP}::test_a_claim_waits_for_nobody",),
    ),
    Mutant(
        "a gap judged by transaction status",
        f"{SQL}/ledger_claim_gap.sql",
        "        reserved_on := reservation.issued_on;\n",
        "        reserved_on := reservation.issued_on;\n"
        "        IF ledger_evidence(reservation.id, '') #>> '{reservation,transaction_status}' = 'committed' THEN\n"
        "            RAISE lock_not_available;\n"
        "        END IF;\n",
        (f"{GAP_PROOF}::test_a_rolled_back_savepoint_in_a_transaction_that_goes_on", GAPS),
    ),
    Mutant(
        "a draft stored without a look for its key",
        f"{SQL}/ledger_store_draft.sql",
        "    IF FOUND THEN RETURN 'there'; END IF;\n",
        "",
        (f"{REMOTE}::TestStoring::test_a_draft_is_stored_once",),
    ),
    Mutant(
        "a withdrawal ignores the lock",
        f"{SQL}/ledger_withdraw_slot.sql",
        "AND s.value = p_value FOR UPDATE SKIP LOCKED;",
        "AND s.value = p_value;",
        (f"{REMOTE}::TestWithdrawing::test_a_checkout_that_holds_it_is_left_alone_and_not_waited_for",),
    ),
    Mutant(
        "drafts taken in the order of their texts",
        f"{SQL}/ledger_issue_slot.sql",
        "            ORDER BY s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        "            ORDER BY ledger_drafted(p_tenant, look.period, s.value), s.value LIMIT 1 FOR UPDATE SKIP LOCKED;",
        (f"{REMOTE}::test_numbers_of_any_form_in_the_order_they_came",),
    ),
    Mutant(
        "a refused block keeps its drafts locked",
        f"{SQL}/ledger_issue_slots.sql",
        "        IF cardinality(taken) < cardinality(fresh) THEN RAISE no_data_found; END IF;\n",
        "        IF cardinality(taken) < cardinality(fresh) THEN\n"
        "            RETURN QUERY SELECT 'empty', business_date, NULL, 1::bigint, series, period.id,\n"
        "                NULL::bigint, NULL,\n"
        "                NULL::bigint, NULL::bigint;\n"
        "            RETURN;\n"
        "        END IF;\n",
        (f"{REMOTE}::test_a_block_that_was_refused_keeps_no_draft_from_the_others",),
    ),
    Mutant(
        "any number for a value that has a draft",
        f"{SQL}/ledger_refuse_misfit.sql",
        "        WHEN p_kind = 'adopted' OR p_number = expected THEN NULL",
        "        WHEN p_kind = 'adopted' OR period.has_drafts THEN NULL",
        (f"{REMOTE_HELD}::TestTheDatabaseIsTheJudge",),
    ),
    Mutant(
        "a number that stands in the ledger is taken from a draft again",
        f"{SQL}/ledger_store_draft.sql",
        "            THEN 'the number stands in the ledger already'",
        "            THEN NULL",
        (f"{REMOTE}::TestStoring",),
    ),
    Mutant(
        "a worker that lost its claim stores",
        f"{SQL}/ledger_store_draft.sql",
        " AND r.claimed_by = p_claim\n    RETURNING",
        "\n    RETURNING",
        (f"{REMOTE}::TestStoring::test_a_claim_that_went_to_another_worker_stores_nothing",),
    ),
    Mutant(
        "a used number declared as missing",
        f"{SQL}/ledger_declaration_fits.sql",
        "    IF FOUND THEN\n        RAISE EXCEPTION 'the number",
        "    IF false THEN\n        RAISE EXCEPTION 'the number",
        (f"{DECLARING}::TestTheEvent::test_a_used_number_is_not_missing",),
    ),
    Mutant(
        "a value declared twice",
        GUARDS,
        "period_id::text, '', first_value, last_value) WITH &&",
        "period_id::text, '', first_value, first_value) WITH &&",
        (f"{DECLARING}::TestTheEvent::test_no_value_is_declared_twice_to_one_authority",),
    ),
    Mutant(
        "an authority can be named to keep another's declarations out",
        GUARDS,
        "ledger_values_as_range(authority, period_id::text, '', first_value, last_value) WITH &&",
        "int8range(hashtextextended(authority, 0) + period_id * 100 + first_value, "
        "hashtextextended(authority, 0) + period_id * 100 + last_value, '[]') WITH &&",
        (f"{DECLARING}::TestTheEvent::test_an_authority_that_was_named_for_it_keeps_nobodys_declaration_out",),
    ),
    Mutant(
        "a value past the end of the counter",
        f"{SQL}/ledger_next_value.sql",
        "          AND p.closed_at IS NULL\n          AND p.last_value < p.max_value\n",
        "",
        (f"{DJANGO_SEQUENCES}::TestWhatFolioAdds::test_who_waited_for_a_counter_that_was_closed",),
    ),
    Mutant(
        "a value past the guard of chronology",
        f"{SQL}/ledger_next_value.sql",
        " AND NOT s.chronological AND",
        " AND",
        (f"{DJANGO_SEQUENCES}::TestWhatFolioAdds::test_the_guard_of_chronology_knows_the_first_date",),
    ),
    Mutant(
        "the latest date forgotten once the guard is off",
        f"{SQL}/ledger_next_value.sql",
        "          AND p.last_issued_on IS NULL\n",
        "",
        (f"{DJANGO_SEQUENCES}::TestWhatFolioAdds::test_the_latest_date_is_kept_up_once_the_guard_is_off",),
    ),
    Mutant(
        "a number that another series awaits is adopted",
        f"{SQL}/ledger_refuse_misfit.sql",
        "        WHEN p_kind = 'adopted' AND ledger_is_awaited(",
        "        WHEN false AND ledger_is_awaited(",
        (TAKEN,),
    ),
    Mutant(
        "formats that collide are opened",
        f"{SQL}/ledger_period_fits.sql",
        "    IF other IS NOT NULL THEN\n",
        "    IF false THEN\n",
        (TAKEN,),
    ),
    Mutant(
        "a sweep loses a value whose number is taken",
        f"{SQL}/ledger_gap_number.sql",
        "        RETURN its_number || ' (taken)';\n",
        "        RETURN its_number;\n",
        (TAKEN,),
    ),
    Mutant(
        "any JSON is kept",
        f"{SQL}/ledger_is_facts.sql",
        "        OR jsonb_typeof(p_facts) = 'object'\n",
        "        OR true OR jsonb_typeof(p_facts) = 'object'\n",
        (UNREADABLE,),
    ),
    Mutant(
        "any moment is kept",
        f"{SQL}/ledger_is_moment.sql",
        " AND p_moment < '3000-01-01 00:00:00+00'::timestamptz",
        "",
        (UNREADABLE,),
    ),
    Mutant(
        "a change of settings leaves no trace",
        GUARDS,
        "CREATE TRIGGER ledger_series_noted AFTER INSERT OR UPDATE ON",
        "CREATE TRIGGER ledger_series_noted AFTER INSERT ON",
        (CHANGES,),
    ),
    Mutant(
        "a lock that anybody may take is waited for",
        f"{SQL}/ledger_wait_in_line.sql",
        "    PERFORM set_config('lock_timeout', '200ms', true);\n",
        "",
        (f"{ADVISORY}::test_every_allocation_works",),
    ),
    Mutant(
        "of several marks on a row the first one decides",
        f"{SQL}/ledger_is_held.sql",
        "marks := array_cat(marks, ARRAY(SELECT m.xid::text::bigint FROM pg_get_multixact_members(p_xmax) m));",
        "NULL;",
        ("tests/concurrency/test_is_held.py",),
    ),
    Mutant(
        "whoever asks counts as a holder",
        f"{SQL}/ledger_is_held.sql",
        "IF mark IS DISTINCT FROM own AND pg_xact_status",
        "IF pg_xact_status",
        ("tests/concurrency/test_is_held.py",),
    ),
    Mutant(
        "the powers of the role alone are judged",
        "ledger/grants/statements.py",
        "SELECT r.* FROM pg_roles r WHERE pg_has_role(%(role)s, r.oid, 'MEMBER')",
        "SELECT r.* FROM pg_roles r WHERE r.rolname = %(role)s",
        ("tests/roles/test_powers.py",),
    ),
    Mutant(
        "replica mode by ALTER SYSTEM",
        "ledger/grants/statements.py",
        "'SET, ALTER SYSTEM'",
        "'SET'",
        ("tests/roles/test_powers.py",),
    ),
    Mutant(
        "functions of a copy look into the original",
        "ledger/sql/installing.py",
        'replace("@schema@", schema)',
        'replace("@schema@", "public")',
        ("tests/integration/test_another_schema.py",),
    ),
)
