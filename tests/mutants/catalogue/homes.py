"""Where a tenant's numbers live, and its move to another home."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ROUTING = "tests/homes/test_routing.py"
EVERYWHERE = "tests/homes/test_everywhere.py"
MOVING = "tests/homes/test_moving.py"

DROP_INS = "tests/homes/test_drop_ins.py"
LOCALITY = "tests/homes/test_locality.py"

MUTANTS = (
    Mutant(
        "the wrong home is not refused",
        "ledger/homes.py",
        "    if using == home:\n        return home\n",
        "    return using\n",
        (f"{ROUTING}::test_the_wrong_home_is_refused_before_it_writes",),
    ),
    Mutant(
        "a home that is down is not told",
        "ledger/management/base.py",
        "        failed = [answer for answer in answers if answer.error is not None]\n",
        "        failed = []\n",
        (f"{EVERYWHERE}::test_a_home_that_is_down_holds_up_no_other",),
    ),
    Mutant(
        "a batch is done where the routers say",
        "ledger/sweeps/running.py",
        "        with homes.entered(alias):\n            if sweep.work",
        "        if True:\n            if sweep.work",
        (f"{EVERYWHERE}::test_a_sweep_writes_where_it_runs",),
    ),
    Mutant(
        "the old home numbers on",
        "ledger/sql/functions/ledger_entry_fits.sql",
        "AND NOT p.moves AND NOT p.has_drafts",
        "AND NOT p.has_drafts",
        (f"{MOVING}::test_the_old_home_refuses_and_is_left_aside",),
    ),
    Mutant(
        "the old copy is dropped unseen",
        "ledger/moving.py",
        "        _expect_digest(home, tenant, digest)\n        _ask(home, _MOVE",
        "        _ask(home, _MOVE",
        (f"{MOVING}::test_what_was_written_past_the_functions_is_not_dropped",),
    ),
    Mutant(
        "the only copy is dropped",
        "ledger/moving.py",
        "        _expect_it_lives(tenant, home, to)\n",
        "",
        (f"{MOVING}::test_a_copy_is_kept_if_its_tenant_lives_nowhere_else",),
    ),
    Mutant(
        "rows of another server in the same era",
        "ledger/moving.py",
        "        _later_era(source, to, patience)\n",
        "",
        (f"{MOVING}::test_seals_go_on_in_a_new_era",),
    ),
    Mutant(
        "anybody passes the guards while a tenant has moved",
        "ledger/sql/functions/ledger_is_moving.sql",
        "                     AND m.mover = pg_current_xact_id_if_assigned()::text::bigint)",
        "                     )",
        (f"{MOVING}::test_nobody_but_the_move_passes_the_guards",),
    ),
    Mutant(
        "a snapshot from before the move is not waited for",
        "ledger/moving.py",
        "(a.xact_start IS NULL OR a.backend_xmin IS NOT NULL))",
        "false)",
        (f"{MOVING}::test_who_looks_at_the_ledger_as_it_was_is_waited_for",),
    ),
    Mutant(
        "seals that came with a tenant are in no seal of the database",
        "ledger/seals/sql.py",
        "    if tenant is None and since is not None:\n",
        "    if False:\n",
        (f"{MOVING}::test_a_home_that_is_sealed_already_seals_whom_it_takes_in",),
    ),
    Mutant(
        "a tenant that came is sealed when it writes again",
        "ledger/seals/sql.py",
        "WHERE m.state = 'arrived' AND m.mover >= %(horizon)s",
        "WHERE false",
        (f"{MOVING}::test_a_home_that_is_sealed_already_seals_whom_it_takes_in",),
    ),
    Mutant(
        "a sweep remembers its scan of a tenant that is away",
        "ledger/sql/functions/ledger_remember_scan.sql",
        " AND NOT p.moves",
        "",
        (f"{MOVING}::test_nothing_is_written_for_a_tenant_that_is_away",),
    ),
    Mutant(
        "sequences are where the routers say",
        "ledger/compat/sequence_values.py",
        "    home = database_for(tenant, using)\n    return",
        "    home = using\n    return",
        (f"{DROP_INS}::test_django_sequences",),
    ),
    Mutant(
        "explanations are looked for among all tenants",
        "ledger/web/gaps.py",
        'sql.EXPLANATIONS.format(tenant="%(tenant)s")',
        'sql.EXPLANATIONS.format(tenant="x.tenant")',
        (f"{LOCALITY}::test_so_do_its_pages",),
    ),
    Mutant(
        "a period that was about to be opened numbers on",
        "ledger/moving.py",
        "    if Period.objects.using(source).filter(tenant=tenant, moves=False).exists():\n",
        "    if False:\n",
        (f"{MOVING}::test_a_period_that_was_about_to_be_opened_numbers_nothing",),
    ),
    Mutant(
        "what arrived between two looks is unknown",
        "ledger/homes.py",
        "    return look() if not found and refuse_moved(alias, tenant) else found\n",
        "    return found\n",
        (f"{MOVING}::test_a_tenant_that_arrives_between_two_looks_is_found[void]",),
    ),
    Mutant(
        "what arrived after a snapshot is unknown",
        "ledger/homes.py",
        "move is None and are_many() and _came_later(alias, tenant)",
        "False",
        (f"{MOVING}::test_a_snapshot_from_before_is_told_to_try_again",),
    ),
    Mutant(
        "who reads is told what the old copy says",
        "ledger/homes.py",
        "        return using or _with_its_rows(tenant, home)\n",
        "        return using or home\n",
        (f"{MOVING}::test_nobody_is_told_that_there_is_nothing[dropped]",),
    ),
    Mutant(
        "the old copy tells a document's number",
        "ledger/issuing.py",
        "    if any(entry.period.moves for entry in entries):\n",
        "    if False:\n",
        (f"{MOVING}::test_nobody_is_told_that_there_is_nothing[left]",),
    ),
    Mutant(
        "access is given where the routers say",
        "ledger/models/access.py",
        "database_for(org, using) or router",
        "using or router",
        (f"{EVERYWHERE}::test_who_sees_one_tenant_sees_it_wherever_it_lives",),
    ),
    Mutant(
        "what is written for a tenant that leaves is told in the driver's words",
        "ledger/references.py",
        ' or retry(error.__cause__, f"of {authority!r}")',
        "",
        (f"{MOVING}::test_nobody_is_told_that_there_is_nothing[leaving]",),
    ),
)
