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
        (ROUTING,),
    ),
    Mutant(
        "a home that is down ends the round",
        "ledger/homes.py",
        "        return Answer(home, None, error)\n",
        "        raise\n",
        (EVERYWHERE,),
    ),
    Mutant(
        "a batch is done where the routers say",
        "ledger/sweeps/running.py",
        "        with homes.entered(alias):\n            if sweep.work",
        "        if True:\n            if sweep.work",
        (EVERYWHERE,),
    ),
    Mutant(
        "the old home numbers on",
        "ledger/sql/functions/ledger_entry_fits.sql",
        "AND NOT p.moves AND NOT p.has_drafts",
        "AND NOT p.has_drafts",
        (MOVING,),
    ),
    Mutant(
        "the old copy is dropped unseen",
        "ledger/moving.py",
        "        _expect_digest(home, tenant, digest)\n        _ask(home, _MOVE",
        "        _ask(home, _MOVE",
        (MOVING,),
    ),
    Mutant(
        "rows of another server in the same era",
        "ledger/moving.py",
        "        _later_era(source, to, patience)\n",
        "",
        (MOVING,),
    ),
    Mutant(
        "anybody passes the guards while a tenant has moved",
        "ledger/sql/functions/ledger_is_moving.sql",
        "                     AND m.mover = pg_current_xact_id_if_assigned()::text::bigint)",
        "                     )",
        (MOVING,),
    ),
    Mutant(
        "a snapshot from before the move is not waited for",
        "ledger/moving.py",
        "(a.xact_start IS NULL OR a.backend_xmin IS NOT NULL))",
        "false)",
        (MOVING,),
    ),
    Mutant(
        "seals that came with a tenant are in no seal of the database",
        "ledger/seals/sql.py",
        "    if tenant is None and since is not None:\n",
        "    if False:\n",
        (MOVING,),
    ),
    Mutant(
        "a tenant that came is sealed when it writes again",
        "ledger/seals/sql.py",
        "WHERE m.state = 'arrived' AND m.mover >= %(horizon)s",
        "WHERE false",
        (MOVING,),
    ),
    Mutant(
        "a sweep remembers its scan of a tenant that is away",
        "ledger/sql/functions/ledger_remember_scan.sql",
        " AND NOT p.moves",
        "",
        (MOVING,),
    ),
    Mutant(
        "sequences are where the routers say",
        "ledger/compat/sequence_values.py",
        "    home = database_for(tenant, using)\n    return",
        "    home = using\n    return",
        (DROP_INS,),
    ),
    Mutant(
        "explanations are looked for among all tenants",
        "ledger/web/gap_rows.py",
        "x.tenant = %(tenant)s AND",
        "true AND",
        (LOCALITY,),
    ),
)
