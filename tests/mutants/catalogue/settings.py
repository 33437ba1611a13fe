"""Settings: whether a change takes effect, whether the moment is recorded, and whom a mistake stops."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SQL = "ledger/sql/functions"
CHANGED = "tests/integration/test_changed_settings.py"
CHECKS = "tests/integration/test_checks.py"
EDGES = "tests/integration/test_edges.py"
PREVIEWS = "tests/integration/test_previews.py"
TAKEN = "tests/integration/test_taken_numbers.py::test_formats_that_meet_are_refused_by_the_database"

MUTANTS = (
    Mutant(
        "who opens a period sees no change that is under way",
        f"{SQL}/ledger_open_period.sql",
        "AND s.code = p_series FOR SHARE;",
        "AND s.code = p_series;",
        ("tests/concurrency/test_changed_settings.py",),
    ),
    Mutant(
        "series that collide in the third period are told by a checkout",
        f"{SQL}/ledger_forms_ahead.sql",
        "1..CASE WHEN p_far THEN 1096 ELSE 2 END",
        "1..2",
        (f"{CHANGED}::TestSeriesThatCollide",),
    ),
    Mutant(
        "a change of settings holds the series while it waits for a counter",
        f"{SQL}/ledger_define_series.sql",
        "IF most > 1 THEN",
        "IF false THEN",
        ("tests/concurrency/test_changed_settings.py",),
    ),
    Mutant(
        "a change of allocation holds the series while it waits for a counter",
        f"{SQL}/ledger_change_allocation.sql",
        "IF most > 1 THEN",
        "IF false THEN",
        ("tests/concurrency/test_changed_settings.py",),
    ),
    Mutant(
        "a setting may be of any type",
        "ledger/models/series.py",
        "        if not (fits or (value is None and field.null)):\n",
        "        if False:\n",
        ("tests/integration/test_odd_types.py::TestDefining",),
    ),
    Mutant(
        "empty periods keep the old form",
        f"{SQL}/ledger_renew_periods.sql",
        "WHERE p.id = ANY (renewed) ORDER BY p.starts_on LOOP",
        "WHERE false LOOP",
        (CHANGED,),
    ),
    Mutant(
        "periods of other dates are compiled again too",
        f"{SQL}/ledger_renew_periods.sql",
        "            CONTINUE WHEN NOT is_planned AND span.starts_on IS NOT NULL\n",
        "            CONTINUE WHEN NOT is_planned AND false\n",
        (CHANGED,),
    ),
    Mutant(
        "a raised length limit waits for the next period",
        f"{SQL}/ledger_renew_periods.sql",
        "SET max_value = greatest(highest, p.last_value) WHERE",
        "SET max_value = least(greatest(highest, p.last_value), p.max_value) WHERE",
        (CHANGED,),
    ),
    Mutant(
        "two forms of a series may give one number",
        f"{SQL}/ledger_part_forms.sql",
        "WHERE p.id = ended.id AND p.max_value <> bound;",
        "WHERE p.id = ended.id AND false;",
        (CHANGED,),
    ),
    Mutant(
        "a form ends on a day that has numbers",
        f"{SQL}/ledger_period_guard.sql",
        "AND e.issued_on > NEW.ends_on)",
        "AND false)",
        (CHANGED,),
    ),
    Mutant(
        "the counter starts again in another form",
        f"{SQL}/ledger_plan_period.sql",
        "ELSE least(ended.last_value, 9223372036854775806) + 1 END",
        "ELSE s.start_value END",
        (CHANGED,),
    ),
    Mutant(
        "series that collide are told by a checkout",
        f"{SQL}/ledger_save_series.sql",
        "        IF other IS NOT NULL THEN\n",
        "        IF false THEN\n",
        (TAKEN,),
    ),
    Mutant(
        "a pool that begins at 0 goes beyond a bigint",
        f"{SQL}/ledger_mint.sql",
        "WHEN period.last_value > period.max_value - wanted THEN",
        "WHEN period.max_value - period.last_value < wanted THEN",
        (EDGES,),
    ),
    Mutant(
        "a preview locks open periods",
        "ledger/series.py",
        "Period.objects.using(alias).filter(series=series, closed_at=None)\n",
        "Period.objects.using(alias).select_for_update().filter(series=series, closed_at=None)\n",
        (PREVIEWS,),
    ),
    Mutant(
        "a misspelt sweep is scheduled",
        "workers/schedule.py",
        "        if name in SWEEPS and (is_installed",
        "        if (is_installed",
        (CHECKS,),
    ),
    Mutant(
        "a misspelt key stops every process",
        "ledger/conf.py",
        "if meant(str(name), _KEYS) == meant(key, [key])]",
        "if True]",
        (CHECKS,),
    ),
)
