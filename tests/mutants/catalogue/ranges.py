"""Ranges that an authority granted: their order, their bounds, and what lapses."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SQL = "ledger/sql/functions"
RANGES = "tests/integration/test_ranges.py"
SHOWN = "tests/integration/test_ranges_shown.py"

MUTANTS = (
    Mutant(
        "the last range comes first",
        f"{SQL}/ledger_find_range.sql",
        "ORDER BY r.ordinal LIMIT 1",
        "ORDER BY r.ordinal DESC LIMIT 1",
        (f"{RANGES}::TestEveryAllocation::test_goes_on_in_the_next_range_in_the_same_call",),
    ),
    Mutant(
        "dates go back from one range to the next",
        f"{SQL}/ledger_find_range.sql",
        " AND NOT ledger_later_range(p_tenant, p_series, p_day)",
        "",
        (f"{RANGES}::TestOrder",),
    ),
    Mutant(
        "a granted range may be made longer",
        f"{SQL}/ledger_period_guard.sql",
        "IF OLD.ordinal > 0 AND NOT ledger_is_moving(OLD.tenant) AND (",
        "IF false AND (",
        (f"{RANGES}::TestAdding::test_never_changes",),
    ),
    Mutant(
        "a length limit moves the end of a granted range",
        f"{SQL}/ledger_renew_periods.sql",
        "AND p.ordinal = 0 AND p.id <> ALL",
        "AND p.id <> ALL",
        (f"{RANGES}::TestAdding::test_a_changed_length_limit_leaves_its_end_where_it_is",),
    ),
    Mutant(
        "another period is opened beside ranges",
        f"{SQL}/ledger_period_fits.sql",
        "IF NEW.ordinal = 0 AND (",
        "IF false AND (",
        (f"{RANGES}::TestAdding::test_no_other_period_is_opened_beside_ranges",),
    ),
    Mutant(
        "an event says another range than its period has",
        f"{SQL}/ledger_range_fits.sql",
        "IF fits IS NOT TRUE THEN",
        "IF false THEN",
        (f"{RANGES}::TestAdding::test_belongs_to_its_period_whoever_writes_it",),
    ),
    Mutant(
        "the unused end of a range goes by unsaid",
        f"{SQL}/ledger_close_period.sql",
        "AND p.last_value < a.last_value;",
        "AND false;",
        (f"{RANGES}::TestLapsing",),
    ),
    Mutant(
        "a pool stays with a range whose values others hold",
        f"{SQL}/ledger_issue_slot.sql",
        "CONTINUE WHEN look.ordinal > 0 AND look.last_value >= look.max_value;",
        "",
        ("tests/concurrency/test_ranges.py::test_a_slot_that_is_given_back_is_taken_before_the_next_range",),
    ),
    Mutant(
        "a block at COMMIT can't go over to the next range",
        f"{SQL}/ledger_take_for_ticket.sql",
        "IF outcome = 'exhausted' AND EXISTS (",
        "IF false AND EXISTS (",
        (f"{RANGES}::TestEveryAllocation::test_gives_a_block_over_two_ranges",),
    ),
    Mutant(
        "Portugal issues without a code",
        "ledger/periods.py",
        "if granted or (since is not None and day >= since):",
        "if granted:",
        (f"{SHOWN}::TestPortugal::test_issuing_without_a_code_is_refused",),
    ),
    Mutant(
        "twenty per cent are not low",
        "ledger/ranges.py",
        "if self.left * LOW_SHARE <= self.total:",
        "if self.left * LOW_SHARE < self.total:",
        (f"{RANGES}::TestLevels::test_warns_by_number",),
    ),
    Mutant(
        "GSTR-1 writes serials that the rule forbids",
        "ledger/reports/official/gstr1.py",
        "    if not allowed:",
        "    if False:",
        ("tests/integration/test_declaring.py::TestGstr1::test_it_refuses_serials_that_the_rule_forbids",),
    ),
    Mutant(
        "ranges that begin on one day share what is wrong",
        "ledger/judging/verdict.py",
        "(self.starts_on, self.ordinal) == (starts_on, ordinal)",
        "self.starts_on == starts_on",
        (f"{SHOWN}::TestTwoThatBeginOnOneDay::test_a_gap",),
    ),
    Mutant(
        "lost values are found in another range",
        f"{SQL}/ledger_resolve_mended.sql",
        "                         AND p.ordinal = a.ordinal\n",
        "",
        (f"{SHOWN}::TestTwoThatBeginOnOneDay::test_lost_values_whose_like_the_other_has",),
    ),
    Mutant(
        "a range whose numbers the rules forbid",
        "ledger/ranges.py",
        "            event.period.check_rules()\n",
        "            pass\n",
        (f"{SHOWN}::test_a_range_whose_numbers_the_rules_forbid_is_refused",),
    ),
    Mutant(
        "any authority's range will do",
        "ledger/reports/rules.py",
        "broken=current is None or is_strange,",
        "broken=current is None,",
        (f"{SHOWN}::test_rules_warn_where_no_range_of_their_authority_is_valid",),
    ),
)
