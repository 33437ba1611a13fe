"""Rules by country: what each requires, and what it says about a series or a period. No database."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ledger.calendars import Calendar, CalendarKind, FiscalStart, Span
from ledger.errors import AgainstRules, InvalidSeries
from ledger.formats import NumberFormat
from ledger.models.events import ATCUD_AUTHORITY
from ledger.reports.official import gstr1, nfe
from ledger.rules import (
    Basis,
    Finding,
    GapPolicy,
    Outcome,
    Plan,
    Rules,
    all_rules,
    as_of,
    check_period,
    check_settings,
    find_rules,
    refuse_broken,
    rules_text,
)
from ledger.rules.checking import HORIZON, outgrown_on

DOCS = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
FISCAL = Calendar(CalendarKind.FISCAL_YEAR, FiscalStart(4, 1))
YEAR = Calendar(CalendarKind.YEAR)
PLAN = Plan(
    allocation="at_commit",
    give_back=True,
    chronological=True,
    calendar=YEAR,
    first_value=1,
    numbers=NumberFormat("INV-26-", 4, ""),
    highest=10**9 - 1,
)


def outcomes(code: str, plan: Plan) -> dict[str, Outcome]:
    """The worst outcome of each check."""
    order = [Outcome.PASSED, Outcome.WARNED, Outcome.FAILED]
    worst: dict[str, Outcome] = {}
    for finding in check_settings(find_rules(code), plan):
        worst[finding.check] = max(worst.get(finding.check, Outcome.PASSED), finding.outcome, key=order.index)
    return worst


def test_the_countries_and_their_policies() -> None:
    policies = {code: rules.gaps and rules.gaps.policy for code, rules in all_rules().items()}
    assert policies == {
        **dict.fromkeys(("FR", "HU", "PT", "SA"), GapPolicy.FORBIDDEN),
        **dict.fromkeys(("EU", "DE", "ES", "UK", "IT", "PL", "AT", "NO", "RO", "TR"), GapPolicy.EXPLAIN),
        **dict.fromkeys(("CL", "CO", "DO", "PH", "UY"), GapPolicy.EXPLAIN),
        **dict.fromkeys(("IN", "IN-quarterly", "BR"), GapPolicy.DECLARE),
        **dict.fromkeys(("AU", "CH", "MX"), GapPolicy.FREE),
        **dict.fromkeys(("FR-einvoice", "IN-einvoice", "PL-KSeF"), None),
    }
    with pytest.raises(InvalidSeries, match="'XX'.*AT, AU, BR"):
        find_rules("XX")


@pytest.mark.parametrize("rules", all_rules().values(), ids=list(all_rules()))
def test_each_rule_cites_a_source_that_the_page_names(rules: Rules) -> None:
    documented = DOCS.read_text(encoding="utf-8")
    assert rules.sources
    for source in rules.sources:
        assert source.basis in Basis
        assert source.text in documented
    assert re.search(rf"^\| ([\w, -]+, )?{re.escape(rules.code)}[ ,]", documented, re.MULTILINE)


def test_what_declares_and_shows_numbers_names_the_authorities_as_the_rules_do() -> None:
    asked = [part for rules in all_rules().values() for part in (rules.gaps, rules.authorisation) if part is not None]
    assert {gstr1.FORMAT.authority, nfe.FORMAT.authority, ATCUD_AUTHORITY} <= {part.authority for part in asked}


def test_nobody_says_complies() -> None:
    root = Path(__file__).resolve().parents[2]
    for path in [*(root / "ledger/rules").glob("*.*"), root / "ledger/reports/rules.py", DOCS]:
        assert not re.search(r"\bcompl(y|ies|iant|iance)\b", path.read_text(encoding="utf-8"), re.IGNORECASE), path


class TestAllocations:
    @pytest.mark.parametrize("code", ["FR", "HU", "PT", "SA"])
    @pytest.mark.parametrize("allocation", ["serial", "at_commit"])
    def test_those_that_leave_no_gap_pass_everywhere(self, code: str, allocation: str) -> None:
        assert outcomes(code, replace(PLAN, allocation=allocation))["allocation"] is Outcome.PASSED

    @pytest.mark.parametrize("code", ["FR", "PT"])
    @pytest.mark.parametrize(("allocation", "give_back"), [("reserved", True), ("pooled", True), ("pooled", False)])
    def test_burnt_and_passing_numbers_are_refused_where_gaps_are_forbidden(
        self, code: str, allocation: str, give_back: bool
    ) -> None:
        plan = replace(PLAN, allocation=allocation, give_back=give_back)
        assert outcomes(code, plan)["allocation"] is Outcome.FAILED

    def test_the_reason_is_told(self) -> None:
        plan = replace(PLAN, allocation="reserved")
        with pytest.raises(
            AgainstRules, match="reserved.*leaves a gap.*No number may be missing.*242 nonies A.*at_comm"
        ):
            refuse_broken(check_settings(find_rules("FR"), plan))

    def test_without_order_a_number_given_back_is_a_doubt_and_a_burnt_one_a_ban(self) -> None:
        unordered = replace(find_rules("FR"), order=None)
        worst = {
            (allocation, give_back): [
                finding.outcome
                for finding in check_settings(unordered, replace(PLAN, allocation=allocation, give_back=give_back))
                if finding.check == "allocation"
            ]
            for allocation, give_back in (("pooled", True), ("pooled", False), ("reserved", True), ("remote", True))
        }
        assert worst == {
            ("pooled", True): [Outcome.WARNED],
            ("pooled", False): [Outcome.FAILED],
            ("reserved", True): [Outcome.FAILED],
            ("remote", True): [Outcome.WARNED],
        }

    @pytest.mark.parametrize("code", ["IN", "BR"])
    def test_a_warning_says_what_must_be_declared(self, code: str) -> None:
        assert outcomes(code, replace(PLAN, allocation="reserved"))["allocation"] is Outcome.WARNED
        assert outcomes(code, replace(PLAN, allocation="pooled"))["allocation"] is Outcome.PASSED

    @pytest.mark.parametrize("code", ["DE", "EU", "NO", "RO", "UK", "AU", "CH"])
    def test_elsewhere_each_is_allowed(self, code: str) -> None:
        assert Outcome.FAILED not in outcomes(code, replace(PLAN, allocation="reserved", chronological=False)).values()


class TestSettings:
    @pytest.mark.parametrize(
        ("code", "change", "check", "outcome"),
        [
            ("FR", {"chronological": False}, "order", Outcome.FAILED),
            ("FR", {}, "order", Outcome.PASSED),
            ("IN", {"calendar": FISCAL}, "reset", Outcome.PASSED),
            ("IN", {"calendar": Calendar(CalendarKind.MONTH)}, "reset", Outcome.PASSED),
            ("IN", {"calendar": Calendar(CalendarKind.NEVER)}, "reset", Outcome.PASSED),
            ("IN", {"calendar": YEAR}, "reset", Outcome.WARNED),
            ("IN", {"calendar": Calendar(CalendarKind.QUARTER, FiscalStart(2, 1))}, "reset", Outcome.WARNED),
            ("PT", {"calendar": Calendar(CalendarKind.MONTH)}, "reset", Outcome.FAILED),
            ("PT", {"calendar": Calendar(CalendarKind.NEVER)}, "reset", Outcome.PASSED),
            ("SA", {"calendar": YEAR}, "reset", Outcome.FAILED),
            ("SA", {"calendar": Calendar(CalendarKind.NEVER)}, "reset", Outcome.PASSED),
            ("TR", {"calendar": Calendar(CalendarKind.MONTH)}, "reset", Outcome.WARNED),
            ("PT", {"calendar": YEAR}, "reset", Outcome.PASSED),
            ("IT", {"calendar": Calendar(CalendarKind.DAY)}, "reset", Outcome.WARNED),
            ("PT", {"numbers": NumberFormat("FT A2026/", 1, "")}, "characters", Outcome.PASSED),
            ("PT", {"numbers": NumberFormat("INV-2026-", 6, "")}, "characters", Outcome.FAILED),
            ("IN", {"numbers": NumberFormat("INV/26-27/", 4, "")}, "length", Outcome.PASSED),
            ("IN", {"numbers": NumberFormat("INVOICE/26-27/", 4, "")}, "length", Outcome.FAILED),
            ("IN", {"numbers": NumberFormat("", 4, "/26")}, "characters", Outcome.PASSED),
            ("IN-einvoice", {"numbers": NumberFormat("", 4, "/26")}, "characters", Outcome.FAILED),
            ("IN-quarterly", {"numbers": NumberFormat("INVOICE/26-27/", 4, "")}, "length", Outcome.FAILED),
            ("FR", {"numbers": NumberFormat("F 26 ", 4, "")}, "characters", Outcome.WARNED),
            ("FR", {"numbers": NumberFormat("F" * 35, 1, "")}, "length", Outcome.WARNED),
            ("FR-einvoice", {"numbers": NumberFormat("F 26 ", 4, "")}, "characters", Outcome.FAILED),
            ("FR-einvoice", {"numbers": NumberFormat("F" * 35, 1, "")}, "length", Outcome.FAILED),
            ("IN", {"numbers": NumberFormat("A_", 4, "")}, "characters", Outcome.FAILED),
            ("BR", {"first_value": 0, "numbers": NumberFormat("", 1, "")}, "counter", Outcome.FAILED),
            ("BR", {"numbers": NumberFormat("", 1, "")}, "counter", Outcome.PASSED),
            ("BR", {"first_value": 10**9, "numbers": NumberFormat("", 1, "")}, "counter", Outcome.FAILED),
            ("MX", {"numbers": NumberFormat("S|", 1, "")}, "characters", Outcome.FAILED),
            ("MX", {"numbers": NumberFormat("S" * 25, 1, "")}, "characters", Outcome.PASSED),
            ("ES", {"numbers": NumberFormat("S" * 60, 1, "")}, "length", Outcome.FAILED),
        ],
    )
    def test_one_by_one(self, code: str, change: dict[str, object], check: str, outcome: Outcome) -> None:
        assert outcomes(code, replace(PLAN, **change))[check] is outcome  # type: ignore[arg-type]

    def test_the_last_number_is_checked_too(self) -> None:
        # 9999999999999999 fits, 1 too; what starts with a zero is neither of them at width 1.
        plan = replace(PLAN, numbers=NumberFormat("", 1, ""), highest=10**16 - 1)
        assert outcomes("IN-einvoice", plan)["characters"] is Outcome.PASSED
        assert outcomes("IN-einvoice", replace(plan, highest=10**16))["characters"] is Outcome.FAILED


class TestPeriods:
    NUMBERS = NumberFormat("FT A2026/", 1, "")

    @pytest.mark.parametrize(
        ("code", "span", "warned"),
        [
            ("IN", Span(date(2026, 4, 1), date(2027, 3, 31)), False),
            ("IN", Span(date(2026, 1, 1), date(2026, 12, 31)), True),
            ("IN", Span(date.min, date.max), False),
            ("PT", Span(date(2026, 1, 1), date(2026, 12, 31)), False),
            ("PT", Span(date(2026, 7, 1), date(2026, 12, 31)), True),
        ],
    )
    def test_its_dates(self, code: str, span: Span, warned: bool) -> None:
        numbers = self.NUMBERS if code == "PT" else NumberFormat("A-", 4, "")
        told = {finding.outcome for finding in check_period(find_rules(code), span, numbers, 1, 99)}
        assert told == {Outcome.PASSED, Outcome.WARNED} if warned else {Outcome.PASSED}

    def test_a_rule_without_a_year_has_no_day_to_turn_on(self) -> None:
        span = Span(date(2026, 1, 1), date(2026, 1, 2))
        assert list(check_period(find_rules("DE"), span, NumberFormat("A-", 4, ""), 1, 99)) == []


class TestTheDayOfTheLaw:
    """Spain's characters bind from 2027-01-01."""

    PLAN = replace(PLAN, numbers=NumberFormat("A<", 4, ""))

    def told(self, on: date) -> Finding:
        findings = as_of(find_rules("ES"), check_settings(find_rules("ES"), self.PLAN), on)
        (found,) = [finding for finding in findings if finding.check == "characters"]
        return found

    def test_a_rule_to_come_warns_and_says_when(self) -> None:
        assert self.told(date(2026, 12, 31)).outcome is Outcome.WARNED
        assert "applies from 2027-01-01 on" in self.told(date(2026, 12, 31)).rule
        assert self.told(date(2027, 1, 1)).outcome is Outcome.FAILED
        assert "applies from" not in self.told(date(2027, 1, 1)).rule

    def test_each_finding_names_its_rules(self) -> None:
        with pytest.raises(
            AgainstRules, match="the rules ES have it: VeriFactu validations 1.2.2 .statute, since 2027"
        ):
            refuse_broken([self.told(date(2027, 1, 1))])
        assert self.told(date(2027, 1, 1)).as_dict()["source"]["since"] == "2027-01-01"


class TestCombined:
    def test_codes_come_in_any_case_and_way(self) -> None:
        assert rules_text(("de", "FR-EINVOICE")) == rules_text(" DE , fr-einvoice,de") == "DE,FR-einvoice"
        assert rules_text("") == rules_text(()) == ""
        assert find_rules("gb") is find_rules("UK")

    @pytest.mark.parametrize("wrong", [None, 7, ["DE", None], ("DE", "XX")])
    def test_unknown_codes(self, wrong: Any) -> None:
        with pytest.raises(InvalidSeries):
            rules_text(wrong)

    def test_codes_and_aliases_are_told_apart_in_any_case(self) -> None:
        codes = [code.upper() for rules in all_rules().values() for code in (rules.code, *rules.aliases)]
        assert len(set(codes)) == len(codes)


class TestDeadlines:
    @pytest.mark.parametrize(
        ("code", "broke_on", "due"),
        [
            ("BR", date(2026, 11, 30), date(2026, 12, 10)),
            ("BR", date(2026, 12, 1), date(2027, 1, 10)),
            ("IN", date(2026, 4, 30), date(2026, 5, 11)),
            ("IN-quarterly", date(2026, 4, 1), date(2026, 7, 13)),
            ("IN-quarterly", date(2026, 6, 30), date(2026, 7, 13)),
            ("IN-quarterly", date(2026, 12, 31), date(2027, 1, 13)),
            ("BR", date(9999, 12, 1), None),
            ("DE", date(2026, 4, 1), None),
        ],
    )
    def test_the_last_day(self, code: str, broke_on: date, due: date | None) -> None:
        gaps = find_rules(code).gaps
        assert gaps is not None
        assert gaps.due(broke_on) == due

    @given(broke_on=st.dates(date(1900, 1, 1), date(2100, 1, 1)), today=st.dates(date(1900, 1, 1), date(2100, 1, 1)))
    @pytest.mark.parametrize("code", ["BR", "IN", "IN-quarterly"])
    def test_overdue_is_what_was_due_before_today(self, code: str, broke_on: date, today: date) -> None:
        gaps = find_rules(code).gaps
        assert gaps is not None
        due, before = gaps.due(broke_on), gaps.overdue_before(today)
        assert due is not None
        assert before is not None
        assert (broke_on < before) == (today > due)


class TestGrowth:
    TODAY = date(2026, 6, 1)

    def test_the_day_is_named(self) -> None:
        day = outgrown_on(used=100, days=10, left=50, today=self.TODAY, until=date(2026, 12, 31))
        assert day == self.TODAY + timedelta(days=5)

    def test_a_counter_that_lasts_is_not_reported(self) -> None:
        assert outgrown_on(used=100, days=10, left=5000, today=self.TODAY, until=date(2026, 12, 31)) is None
        assert outgrown_on(used=0, days=10, left=0, today=self.TODAY, until=date(2026, 12, 31)) is None

    def test_without_an_end_a_year_is_looked_at(self) -> None:
        assert outgrown_on(used=1, days=1, left=HORIZON, today=self.TODAY, until=date.max) is not None
        assert outgrown_on(used=1, days=1, left=HORIZON + 1, today=self.TODAY, until=date.max) is None

    @given(
        used=st.integers(1, 10**6), days=st.integers(1, 366), left=st.integers(0, 10**12), length=st.integers(0, 10**4)
    )
    def test_at_that_rate_the_values_are_gone_by_that_day(self, used: int, days: int, left: int, length: int) -> None:
        until = self.TODAY + timedelta(days=length)
        day = outgrown_on(used=used, days=days, left=left, today=self.TODAY, until=until)
        lasts = left * days // used
        if day is None:
            assert lasts > min(length, HORIZON)
        else:
            assert (day - self.TODAY).days == lasts <= min(length, HORIZON)
