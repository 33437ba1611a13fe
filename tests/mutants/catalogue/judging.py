"""The judge: what decides, what it looks at, and how long what was found is kept."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

JUDGING = "tests/integration/test_judging.py"
ONE_JUDGE = "tests/integration/test_one_judge.py"
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
        "    if not verdict.is_in_order:\n        return verdict.state.badge, verdict.state.value\n",
        "",
        (ONE_JUDGE,),
    ),
    Mutant(
        "pages without the judge's word",
        "ledger/web/shown.py",
        '            "verdict": judgement.verdict,\n',
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
        'return f"{table}.{raised}.{resolved}"',
        'return ""',
        ("tests/integration/test_pages_counts.py::test_an_alarm_makes_sums_be_counted_anew",),
    ),
    Mutant(
        "an alarm of one tenant resolved by a look at another",
        "ledger/verification/alarms_sql.py",
        "(%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)\n",
        "true\n",
        (f"{ONE_JUDGE}::TestAlarms",),
    ),
    Mutant(
        "an overdue sweep restarts no container",
        "ledger/web/health.py",
        "status=503 if overdue or verdict.is_lost else 200",
        "status=503 if verdict.is_lost else 200",
        ("tests/integration/test_health_pages.py",),
    ),
    Mutant(
        "counters not compared with the end of their rows",
        "ledger/judging/sql.py",
        "       OR r.last_value > coalesce(r.reaches, r.start)\n",
        "",
        (JUDGING,),
    ),
)
