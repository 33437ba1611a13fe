"""Rules by country where they bind: in define_series, when a period opens, in the admin, and on the real numbers."""

from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from ledger import define_series, issue, issue_many, open_next_periods, open_period
from ledger.actions import declare, explain
from ledger.errors import AgainstRules, InvalidSeries, PeriodExhausted
from ledger.gaps import GapRange
from ledger.judging import Kind, judge
from ledger.models import AlarmRaised, Entry, Period, Series, SeriesChanged
from ledger.reports.report import continuity_report
from ledger.reports.rules import SeriesReport, report
from ledger.rules import Finding, Outcome, all_rules, combined_rules
from ledger.series import change_allocation
from tests.integration.admin_pages import SETTINGS, text, url
from tests.integration.adopting import adopt_real_file
from tests.integration.reporting import rows
from tests.unit.test_rules_numbers import NUMBERS

pytestmark = pytest.mark.django_db

FRENCH: dict[str, Any] = {"template": "F{year}-{counter:05}", "rules": "FR", "chronological": True}
INDIAN: dict[str, Any] = {
    "template": "INV/{fy_start:2}/{counter:04}",
    "calendar": "fiscal-year",
    "fiscal_start": "04-01",
    "time_zone": "Asia/Kolkata",
    "rules": "IN",
}


def only_report() -> SeriesReport:
    (one,) = report()
    return one


def finding_of(check: str) -> Finding:
    (finding,) = [finding for finding in only_report().findings if finding.check == check]
    return finding


def flag(period: Period, value: int, **facts: Any) -> Entry:
    """A flagged gap, as a sweep leaves it."""
    Period.objects.filter(pk=period.pk, last_value__lt=value).update(last_value=value)
    return Entry.objects.create(
        tenant=period.tenant,
        series=period.series,
        period=period,
        value=value,
        kind="gap",
        number=period.as_format().number(value),
        **{"issued_on": period.starts_on, **facts},
    )


def due_days() -> list[date]:
    """Until when each gap is to be declared, as the report has it."""
    with continuity_report(tenant="") as told:
        return [gap.declaration_due for gap in rows(told, "gaps")]


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("ledger_rules", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


class TestSaving:
    def test_what_a_rule_forbids_is_refused_by_name_source_and_way_out(self) -> None:
        with pytest.raises(AgainstRules) as raised:
            define_series("invoice", **FRENCH, allocation="reserved")
        assert "reserved" in raised.value.problem
        assert "242 nonies A I-7° (secondary)" in raised.value.rule
        assert "at_commit" in raised.value.remedy
        assert not Series.objects.exists()

    def test_what_it_allows_is_saved(self) -> None:
        series = define_series("invoice", **FRENCH, allocation="at_commit")
        assert series.rules == "FR"
        assert {finding.outcome for finding in series.rule_findings()} == {Outcome.PASSED}

    def test_a_later_change_is_checked_too(self) -> None:
        define_series("invoice", **FRENCH)
        with pytest.raises(AgainstRules, match="chronology guard is off"):
            define_series("invoice", chronological=False)
        with pytest.raises(AgainstRules, match="leaves a gap"):
            change_allocation("invoice", "reserved")
        assert Series.objects.get().allocation == "serial"
        define_series("invoice", rules="", chronological=False)
        assert Series.objects.get().rules == ""

    def test_an_unknown_rule_set(self) -> None:
        with pytest.raises(InvalidSeries, match="no rule set 'XX'"):
            define_series("invoice", template="I{year}-{counter}", rules="XX")

    def test_the_command_warns_of_doubts(self) -> None:
        out, err = StringIO(), StringIO()
        settings = ["--template", "INV/{year:2}/{counter:04}", "--rules", "IN"]
        call_command("ledger_series", "create", "invoice", *settings, stdout=out, stderr=err)
        assert "The calendar is year" in err.getvalue()
        assert "IN: The calendar is year" in err.getvalue()
        assert "rule 46(b) (statute, since 2017-07-01)" in err.getvalue()
        assert Series.objects.get().rules == "IN"

    def test_the_admin_refuses_at_the_field_and_warns(self, root: Client) -> None:
        response = root.post(url("series", "add"), SETTINGS | {"rules": "FR"})
        assert response.status_code == 200
        assert "The chronology guard is off" in str(response.context["adminform"].form.errors["rules"])
        response = root.post(url("series", "add"), SETTINGS | {"rules": "ZZ"})
        assert "rules" in response.context["adminform"].form.errors
        response = root.post(
            url("series", "add"), SETTINGS | {"rules": "IN", "template": "A{year:2}/{counter:04}"}, follow=True
        )
        assert Series.objects.get().rules == "IN"
        assert "Numbers are counted by the fiscal year" in response.content.decode()
        assert "IN: India" in text(root, url("series", "change", Series.objects.get().pk))


class TestCombined:
    def test_a_series_keeps_several_as_one_text(self) -> None:
        series = define_series("invoice", template="I-{counter:04}", calendar="never", rules=("de", "FR-EINVOICE"))
        assert series.rules == Series.objects.get().rules == "DE,FR-einvoice"
        assert define_series("invoice", rules=["DE", "FR-einvoice"]) == series
        assert SeriesChanged.objects.count() == 1, "the same rules are no change"

    def test_the_strictest_holds(self) -> None:
        with pytest.raises(AgainstRules, match="FR-einvoice have it: E-invoicing, BR-FR-01"):
            define_series("invoice", template="I {counter:04}", calendar="never", rules="DE,FR-einvoice")
        series = define_series("invoice", template="I{counter:04}", calendar="never", rules=("BR", "IT", "FR-einvoice"))
        assert (series.rules_length, series.rules_highest) == (20, 999_999_999)
        assert open_period(series).max_value == 999_999_999

    def test_each_finding_names_its_rules(self) -> None:
        define_series("invoice", template="I-{counter:04}", calendar="never", rules=("DE", "IN"))
        assert {finding.rules for finding in only_report().findings} == {"DE", "IN"}
        assert only_report().name == "Germany and India"
        assert "uniqueness (DE)" in run()[1]

    def test_the_database_takes_codes_alone(self) -> None:
        with pytest.raises(IntegrityError, match="rules can't be codes"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT ledger_define_series('', 'x', %s, '')",
                ['{"template": "{counter}", "calendar": "never", "time_zone": "UTC", "rules": "DE, FR"}'],
            )

    def test_the_admin_takes_several(self, root: Client) -> None:
        settings = SETTINGS | {"template": "I-{year}-{counter:04}"}
        root.post(url("series", "add"), settings | {"rules": ["DE", "FR-einvoice"]})
        series = Series.objects.get()
        assert series.rules == "DE,FR-einvoice"
        assert root.get(url("series", "change", series.pk)).content.decode().count(" selected>") >= 2
        root.post(url("series", "change", series.pk), settings)
        assert Series.objects.get().rules == ""


def test_python_and_postgresql_read_the_patterns_alike() -> None:
    with connection.cursor() as cursor:
        for codes, number, _, _ in NUMBERS:
            for characters in filter(None, (rules.characters for rules in combined_rules(codes))):
                cursor.execute("SELECT %s ~ %s", [number, f"^(?:{characters.pattern})$"])
                assert cursor.fetchone() == (characters.fit(number),), (codes, number)


class TestOpening:
    def test_the_limit_of_the_rules_binds_the_counter(self) -> None:
        series = define_series("invoice", **INDIAN)
        period = open_period(series, date(2026, 4, 1))
        assert series.max_length == 60
        assert period.max_value == 999_999_999
        assert len(period.as_format().number(period.max_value)) == 16
        Period.objects.filter(pk=period.pk).update(last_value=999_999_999)
        with pytest.raises(PeriodExhausted, match="the rules IN let it go up to the value 999999999"):
            issue("invoice", on=date(2026, 4, 1))

    def test_brazil_has_a_highest_value(self) -> None:
        series = define_series("nfe", template="{counter}", calendar="never", rules="BR")
        assert open_period(series).max_value == 999_999_999
        with pytest.raises(AgainstRules, match="starts at 0"):
            define_series("nfe", start_value=0)

    def test_a_period_that_the_rules_forbid_is_not_opened(self) -> None:
        series = define_series("nfe", template="{year}{month}-{counter}", calendar="explicit", rules="BR")
        with pytest.raises(AgainstRules, match="starts at 0"):
            open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 31), first_value=0)
        # A series that got past the checks of saving, such as one saved by another version, is refused at checkout too.
        define_series("invoice", template="NUMBER-{year}-{counter:06}")
        Series.objects.filter(code="invoice").update(rules="IN")
        with transaction.atomic(), pytest.raises(AgainstRules, match="has 18 characters"):
            issue("invoice", on=date(2026, 5, 5))
        assert not Period.objects.exists()
        failed = open_next_periods()["failed"]
        assert [failure["series"] for failure in failed] == ["invoice"]

    def test_a_doubt_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        series = define_series(
            "invoice", **{**INDIAN, "template": "A{year:2}{month}/{counter:04}", "calendar": "explicit"}
        )
        with caplog.at_level(logging.WARNING, "ledger.periods"):
            open_period(series, starts_on=date(2026, 1, 1), ends_on=date(2026, 3, 31))
            assert not caplog.records
            open_period(series, starts_on=date(2026, 4, 1), ends_on=date(2027, 6, 30))
        assert "crosses 04-01" in caplog.text

    def test_a_counter_that_will_not_last_at_the_last_periods_rate_is_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        series = define_series("invoice", **{**INDIAN, "template": "INVOICE/{fy_start:2}/{counter:04}"})
        first = open_period(series, date(2025, 4, 1))
        assert first.max_value == 99_999
        Period.objects.filter(pk=first.pk).update(last_value=73_000)
        with caplog.at_level(logging.WARNING, "ledger.periods"):
            open_period(series, date(2026, 4, 1))
            assert not caplog.records, "73,000 a year fit"
            Period.objects.filter(starts_on=date(2026, 4, 1)).update(last_value=99_999)
            open_period(series, date(2027, 4, 1))
            assert "runs out about 2028-03-31" in caplog.text, "99,999 in 365 days, and 366 to come"


class TestReport:
    def test_without_rules_nothing_is_checked(self) -> None:
        define_series("invoice", template="I{year}-{counter}")
        assert (only_report().rules, only_report().findings) == ("", ())
        code, told = run()
        assert (code, told) == (0, "invoice: no rules chosen, nothing checked\nIn order. Every value was looked at.\n")

    @pytest.mark.parametrize("rules", ["FR", "NO", "DE", "PL", "AU"])
    def test_a_gap_counts_by_the_policy(self, rules: str) -> None:
        series = define_series("invoice", template="F{year}-{counter:05}", rules=rules, chronological=True)
        period = open_period(series, date(2026, 1, 1))
        assert finding_of("gaps").outcome is Outcome.PASSED
        gap = flag(period, 1)
        expected = {
            "FR": Outcome.FAILED,
            "NO": Outcome.FAILED,
            "DE": Outcome.WARNED,
            "PL": Outcome.WARNED,
            "AU": Outcome.PASSED,
        }
        assert finding_of("gaps").outcome is expected[rules]
        explain(gap, explanation="power cut")
        assert finding_of("gaps").outcome is (Outcome.FAILED if rules == "FR" else Outcome.PASSED)

    def test_a_gap_to_declare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        series = define_series("nfe", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
        flag(open_period(series), 1)
        today = timezone.now().date()
        next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        for day, outcome in (
            (today, Outcome.WARNED),
            (next_month.replace(day=10), Outcome.WARNED),
            (next_month.replace(day=11), Outcome.FAILED),
        ):
            monkeypatch.setattr("ledger.reports.rules.today_in", lambda zone, alias, day=day: day)
            assert finding_of("gaps").outcome is outcome, day
        declare([GapRange(Period.objects.get(), 1, 1)], authority="other", reference="1")
        assert finding_of("gaps").outcome is Outcome.FAILED
        declare([GapRange(Period.objects.get(), 1, 1)], authority="BR NF-e", reference="1")
        assert finding_of("gaps").outcome is Outcome.PASSED

    @pytest.mark.django_db(transaction=True)
    def test_the_deadline_counts_from_the_break_and_not_from_the_flagging(self) -> None:
        """A pool's slot becomes a gap when its period closes; the sequence broke when the next number was issued."""
        series = define_series("nfe", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
        period = open_period(series)
        flag(period, 1)
        assert finding_of("gaps").outcome is Outcome.WARNED, "found today, and no number after it"
        with transaction.atomic():
            issue("nfe", on=date(2026, 5, 5))
        assert finding_of("gaps").outcome is Outcome.FAILED
        assert "1 overdue" in finding_of("gaps").told
        (fact,) = [fact for fact in judge(sweeps=()).facts if fact.kind is Kind.UNDECLARED]
        assert fact.count == 1
        assert due_days() == [date(2026, 6, 10)]

    @pytest.mark.django_db(transaction=True)
    def test_a_reserved_number_breaks_the_sequence_on_its_own_day(self) -> None:
        series = define_series("nfe", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
        period = open_period(series)
        flag(period, 1, issued_on=date(2026, 4, 4), metadata={"cause": "rollback", "reservation": {"id": 1}})
        with transaction.atomic():
            issue("nfe", on=timezone.now().date())
        assert "1 overdue" in finding_of("gaps").told
        assert due_days() == [date(2026, 5, 10)]

    def test_the_law_of_a_day(self) -> None:
        define_series("invoice", template="I'{year}-{counter}")
        Series.objects.update(rules="ES")
        code, told = run("--on", "2026-12-31")
        assert (code, "warned  characters: " in told) == (0, True), told
        code, told = run("--on", "2027-01-01")
        assert (code, "failed  characters: " in told) == (1, True)
        assert not AlarmRaised.objects.exists(), "a law to come is no alarm of today"
        with pytest.raises(CommandError, match="invalid .* '2027-13-01'"):
            call_command("ledger_rules", "--on", "2027-13-01")

    def test_the_numbers_themselves(self) -> None:
        series = define_series("invoice", template="NUMBER_{year}-{counter:06}", rules="")
        with transaction.atomic():
            issue_many("invoice", documents=["a", "b"], on=date(2026, 2, 2))
        Series.objects.filter(pk=series.pk).update(rules="IN", chronological=True)
        told = {finding.check: finding for finding in only_report().findings}
        assert told["length of numbers"].outcome is Outcome.FAILED
        assert told["length of numbers"].told == "2 of 2 numbers are too long, such as 'NUMBER_2026-000001'."
        assert told["characters of numbers"].outcome is Outcome.FAILED
        assert told["uniqueness"].outcome is Outcome.PASSED
        assert told["limit"].outcome is Outcome.WARNED
        code, text = run("--series", "invoice")
        assert code == 1
        assert "failed  length of numbers: 2 of 2" in text
        assert "[CGST Rules 2017, rule 46(b) (statute, since 2017-07-01)]" in text

    def test_numbers_that_differ_by_case_alone(self) -> None:
        series = define_series("invoice", **INDIAN)
        with transaction.atomic():
            entries = issue_many("invoice", documents=["a", "b"], on=date(2026, 5, 5))
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX ledger_entry_number")
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute(
                "UPDATE ledger_entry SET number = lower(%s) WHERE id = %s", [entries[0].number, entries[1].pk]
            )
        assert series.rules == "IN"
        assert finding_of("uniqueness").outcome is Outcome.FAILED
        assert finding_of("uniqueness").told.startswith("1 of 2 numbers")

    def test_values_and_order(self) -> None:
        series = define_series("nfe", template="{counter}", calendar="never", rules="", start_value=999_999_999)
        issue_many("nfe", documents=["a", "b"], on=date(2026, 5, 5))
        issue("nfe", on=date(2026, 5, 4))
        Series.objects.filter(pk=series.pk).update(rules="BR")
        assert finding_of("values of numbers").told.startswith("2 of 3 numbers have other values, such as '1000000000'")
        Series.objects.filter(pk=series.pk).update(rules="FR")
        assert finding_of("order of numbers").told.startswith("1 numbers are dated before")
        assert finding_of("order of numbers").outcome is Outcome.FAILED

    def test_holes_warn(self) -> None:
        define_series("invoice", template="I{year}-{counter}", rules="DE")
        issue_many("invoice", documents=["a", "b"], on=date(2026, 5, 5))
        assert finding_of("holes").outcome is Outcome.PASSED
        Period.objects.update(last_value=4)
        assert finding_of("holes").told == "2 values have no entry yet, and 0 are reserved."
        assert finding_of("holes").outcome is Outcome.WARNED

    def test_growth_names_the_day(self) -> None:
        today = timezone.now().date()
        series = define_series(
            "invoice", template="INVOICE-{counter:06}", calendar="never", time_zone="UTC", rules="IN"
        )
        period = open_period(series)
        assert period.max_value == 99_999_999
        Period.objects.update(last_value=99_999_979)
        issue_many("invoice", documents=["a", "b"], on=today - timedelta(days=1))
        finding = finding_of("growth")
        assert finding.outcome is Outcome.WARNED
        # Two in two days, and 18 are left.
        assert f"runs out about {today + timedelta(days=18)}, at 2 numbers since" in finding.told
        Period.objects.update(max_value=99_999_999_999)
        assert finding_of("growth").told == finding.told, "the rules end it, not the period"

    def test_growth_is_silent_where_the_counter_lasts(self) -> None:
        define_series("invoice", template="INVOICE-{counter:06}", calendar="never", rules="IN")
        issue("invoice")
        assert "growth" not in {finding.check for finding in only_report().findings}

    def test_the_real_numbers_of_a_retailer(self) -> None:
        adopt_real_file()
        Series.objects.update(rules="UK")
        assert finding_of("gaps").told == "19,323 numbers are known to be missing, 19,323 of them without explanation."
        assert run()[0] == 1
        Series.objects.update(rules="IN")
        told = {finding.check: finding for finding in only_report().findings}
        assert told["length of numbers"].told == "The longest of 25,900 numbers has 7 characters."
        assert told["characters of numbers"].outcome is Outcome.PASSED
        Series.objects.update(rules="FR")
        assert finding_of("order of numbers").told.startswith("5 numbers are dated before")

    def test_an_unknown_rule_set_is_a_failure_and_not_silence(self) -> None:
        series = define_series("invoice", template="I{year}-{counter}")
        Series.objects.filter(pk=series.pk).update(rules="ZZ")
        assert only_report().count(Outcome.FAILED) == 1
        assert run()[0] == 1


class TestCommand:
    def test_json(self) -> None:
        define_series("invoice", **FRENCH, org="acme")
        define_series("other", template="O{year}-{counter}", org="zenith")
        code, out = run("--tenant", "acme", "--json")
        told = json.loads(out)
        assert (code, told["ok"]) == (0, True)
        (one,) = told["series"]
        assert (one["tenant"], one["rules"], one["name"]) == ("acme", "FR", "France")
        assert {finding["outcome"] for finding in one["findings"]} == {"passed"}
        assert one["findings"][0]["source"]["basis"] == "secondary"
        assert "An invoice is never deleted but credited." in one["unchecked"]

    def test_what_there_is_to_choose_from(self) -> None:
        code, out = run("--known")
        assert code == 0
        assert out.count("\n") == len(all_rules()) + 1
        assert "UStG section 14(4) no. 4 (statute)" in out
        assert {rules["code"] for rules in json.loads(run("--known", "--json")[1])} >= {"DE", "IN", "BR"}

    def test_a_misspelt_series(self) -> None:
        define_series("invoice", **FRENCH)
        code, told = run("--series", "invioce")
        assert code == 2
        assert "invoice" in told
