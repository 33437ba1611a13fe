"""The judge: what decides, what it looks at, and how long what was found is kept."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

JUDGING = "tests/integration/test_judging.py"
ONE_JUDGE = "tests/integration/test_one_judge.py"
ACKNOWLEDGING = "tests/integration/test_acknowledging_alarms.py"
VERDICT = "tests/unit/test_verdict.py"

MUTANTS = (
    Mutant(
        "the best fact decides",
        "ledger/judging/verdict.py",
        "    ordered = sorted(facts, key=lambda fact: fact.kind.state.rank)\n",
        "    ordered = sorted(facts, key=lambda fact: -fact.kind.state.rank)\n",
        (VERDICT,),
    ),
    Mutant(
        "a page that decides by itself",
        "ledger/web/overview.py",
        "        if its_series is not None and place.verdict.is_in_order:\n",
        "        if its_series is not None:\n",
        (ONE_JUDGE,),
    ),
    Mutant(
        "the overview begins with the best",
        "ledger/web/overview.py",
        "(place.verdict.state.rank, place.is_idle, place.tenant, place.code)",
        "(-place.verdict.state.rank, place.is_idle, place.tenant, place.code)",
        ("tests/integration/test_overview.py",),
    ),
    Mutant(
        "who sees some tenants is judged by all",
        "ledger/web/overview.py",
        "        judgement = judgement.narrowed(access.tenants)\n",
        "        pass\n",
        ("tests/integration/test_overview.py",),
    ),
    Mutant(
        "pages without the judge's word",
        "ledger/web/page.py",
        '        "verdict": judgement.verdict,\n',
        "",
        (f"{ONE_JUDGE}::test_a_ledger_in_order_is_so_everywhere",),
    ),
    Mutant(
        "sums kept through a loss",
        "ledger/web/period.py",
        "fresh=verdict.is_lost",
        "fresh=False",
        (f"{ONE_JUDGE}::test_deleted_rows_are_seen_everywhere_at_once",),
    ),
    Mutant(
        "sums kept through an alarm",
        "ledger/web/counts.py",
        'stamp = f"{table}.{raised}.{resolved}"',
        'stamp = ""',
        ("tests/integration/test_pages_counts.py::test_an_alarm_makes_sums_be_counted_anew",),
    ),
    Mutant(
        "an alarm of one tenant resolved by a look at another",
        "ledger/verification/alarms.py",
        "(%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)\n",
        "true\n",
        (f"{ONE_JUDGE}::TestAlarms",),
    ),
    Mutant(
        "an overdue sweep restarts no container",
        "ledger/web/health.py",
        'status=200 if worst == "ok" else 503',
        'status=200 if worst in ("ok", "overdue") else 503',
        ("tests/integration/test_health_pages.py",),
    ),
    Mutant(
        "counters not compared with the end of their rows",
        "ledger/judging/sql.py",
        "       OR r.last_value > coalesce(r.reaches, r.start)\n",
        "",
        (JUDGING,),
    ),
    Mutant(
        "an acknowledged alarm counts all the same",
        "ledger/judging/sql.py",
        "EXISTS (SELECT FROM ledger_alarmacknowledged k WHERE k.alarm_id = a.id) AS is_acknowledged",
        "false AS is_acknowledged",
        (f"{ACKNOWLEDGING}::test_it_stays_open_and_no_longer_counts",),
    ),
    Mutant(
        "an acknowledged alarm is told nowhere",
        "ledger/judging/facts.py",
        "    return Judgement(facts, asked.now, looked_at, acknowledged)\n",
        "    return Judgement(facts, asked.now, looked_at)\n",
        (f"{ONE_JUDGE}::test_what_is_acknowledged_counts_nowhere_and_is_told_everywhere",),
    ),
    Mutant(
        "an acknowledgement covers what changes later",
        "ledger/verification/alarms.py",
        "json.dumps(identity)",
        "json.dumps(identity[:-1])",
        (f"{ACKNOWLEDGING}::test_a_change_in_its_row_is_another_alarm",),
    ),
    Mutant(
        "what can be mended is acknowledged",
        "ledger/sql/functions/ledger_alarm_may_stand.sql",
        "        'adoption-of-nothing', ",
        "        'trigger', 'adoption-of-nothing', ",
        (f"{ACKNOWLEDGING}::test_what_can_be_mended_is_mended",),
    ),
    Mutant(
        "the caller says which alarm it is",
        "ledger/sql/functions/ledger_raise_alarms.sql",
        "f.kind, f.tenant, f.series, f.starts_on, f.ordinal",
        "f.tenant, f.series, f.starts_on, f.ordinal",
        ("tests/roles/test_alarms.py::TestWorkersHideNone::test_by_another_one_in_its_place",),
    ),
    Mutant(
        "workers resolve what they like",
        "ledger/grants/purposes.py",
        'store_draft suspects "',
        'store_draft suspects resolve_alarms "',
        ("tests/roles/test_alarms.py::TestWorkersHideNone",),
    ),
    Mutant(
        "an alarm is resolved that stands",
        "ledger/sql/functions/ledger_resolve_mended.sql",
        "known.count = a.through::numeric - a.value::numeric + 1::numeric",
        "known.count >= 0",
        ("tests/roles/test_alarms.py::TestWorkersHideNone::test_by_resolving_it",),
    ),
    Mutant(
        "a superuser as owner is no matter",
        "ledger/verification/guards.py",
        'if remark.kind == "superuser" and testing.is_test_database(connection):',
        'if remark.kind == "superuser":',
        (
            "tests/integration/test_verification_guards.py::"
            "test_a_superuser_as_owner_is_told_and_the_guide_gives_the_ledger_away",
        ),
    ),
)
