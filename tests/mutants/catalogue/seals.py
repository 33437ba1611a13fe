"""Seals: which rows, what a leaf and a head are made of, and what is compared."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SEALS = "tests/integration/test_seals.py"
OUTSIDE = "tests/integration/test_seals_outside.py"
VERIFIER = "tests/unit/test_folio_verify.py"

MUTANTS = (
    Mutant(
        "rows that commit late are never sealed",
        "ledger/seals/sql.py",
        '          AND NOT pg_visible_in_snapshot(l.transaction_id::text::xid8, %(since)s::pg_snapshot)"""\n\n',
        '          AND l.transaction_id >= pg_snapshot_xmax(%(since)s::pg_snapshot)::text::bigint"""\n\n',
        (f"{SEALS}::test_a_row_that_commits_after_a_later_one_was_sealed",),
    ),
    Mutant(
        "an inner node like a leaf",
        "ledger/seals/folio_verify.py",
        'return hashlib.sha256(b"\\1" + left + right).digest()',
        'return hashlib.sha256(b"\\0" + left + right).digest()',
        (VERIFIER,),
    ),
    Mutant(
        "a head without a right signature",
        "ledger/seals/folio_verify.py",
        '    if not (signed(key, shipped["head"].encode(), signature) if key else not signature):\n',
        "    if not (signature if key else not signature):\n",
        (VERIFIER,),
    ),
    Mutant(
        "a chain that is not one",
        "ledger/seals/folio_verify.py",
        '    if head["previous"] != previous or head["number"]',
        '    if head["number"]',
        (VERIFIER, SEALS),
    ),
    Mutant(
        "a new key that nobody vouched for",
        "ledger/seals/folio_verify.py",
        '    if changed and last is not None and last["key"] and head["key"] not in known:\n',
        "    if False:\n",
        (VERIFIER,),
    ),
    Mutant(
        "a signature in another form",
        "ledger/seals/folio_verify.py",
        " or scalar >= _L or _B is None:",
        " or _B is None:",
        (f"{VERIFIER}::test_signatures_are_those_of_rfc_8032",),
    ),
    Mutant(
        "rows put in among the sealed ones",
        "ledger/verification/seals.py",
        '        yield of[tenant].alarm("sealed-row-added", source, row, lines.get(row), detail=number)\n',
        "        pass\n",
        (f"{SEALS}::test_a_row_that_pretends_to_be_old_or_of_another_era",),
    ),
    Mutant(
        "a counter that fell",
        "ledger/verification/seals.py",
        "        if fell and not settled:\n",
        "        if False:\n",
        (f"{SEALS}::test_the_newest_numbers_deleted_and_the_counter_lowered",),
    ),
    Mutant(
        "a dropped seal that was kept outside",
        "ledger/verification/seals.py",
        "            if number > self.last.number:\n",
        "            if False:\n",
        (f"{SEALS}::test_the_last_seal_dropped_is_found_by_a_head_that_was_kept",),
    ),
    Mutant(
        "a seal told before it is durable",
        "ledger/seals/sealing.py",
        "            cursor.execute(sql.DURABLE)\n",
        "",
        (f"{SEALS}::test_a_seal_is_of_one_snapshot_and_durable",),
    ),
    Mutant(
        "sealing goes on in another place",
        "ledger/seals/sealing.py",
        "    if last.same_era and not last.same_place:\n",
        "    if False:\n",
        (f"{OUTSIDE}::TestMoving",),
    ),
    Mutant(
        "an era begins over changed rows",
        "ledger/seals/sealing.py",
        "        if differing and not accept_differences:\n",
        "        if False:\n",
        (f"{OUTSIDE}::TestMoving",),
    ),
    Mutant(
        "personal texts in every proof",
        "ledger/seals/exporting.py",
        "personal_hash(other, personal) if withhold else",
        "personal_hash(other, personal) if False else",
        (f"{OUTSIDE}::TestCommand",),
    ),
    Mutant(
        "any answer is a time stamp",
        "ledger/seals/anchoring.py",
        "    if not _is_granted(answer.content) or digest not in answer.content:\n",
        "    if False:\n",
        (f"{OUTSIDE}::TestAnchors",),
    ),
    Mutant(
        "an anchor asks for the next seal, and that for the next anchor",
        "ledger/seals/sealing.py",
        'if not first and not has_moved and all(source == "ledger_sealanchored" for source in batch.tables):',
        "if not first and not batch.tables:",
        (f"{SEALS}::test_an_anchor_alone_asks_for_no_seal_and_the_next_one_covers_it",),
    ),
    Mutant(
        "new rows are looked for in whole tables",
        "ledger/sql/installing.py",
        '        if f"INDEX {table}_written " not in text:\n',
        "        if False:\n",
        (f"{SEALS}::test_no_statement_reads_a_whole_table_for_one_tenant",),
    ),
    Mutant(
        "an export that was cut off",
        "ledger/seals/folio_verify.py",
        "elif tenant == same and later == heads[: len(later)]:",
        "elif False:",
        (f"{VERIFIER}::test_two_exports_of_different_times_are_compared",),
    ),
    Mutant(
        "an export under another tenant's name",
        "ledger/seals/folio_verify.py",
        'if head["tenant"] != tenant:',
        "if False:",
        (f"{VERIFIER}::test_two_exports_of_different_times_are_compared",),
    ),
)
