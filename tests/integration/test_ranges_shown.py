"""Authorised ranges in every interface: command, file, admin, page, report, verdict and metrics."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from ledger import authorise, close_period, define_series, errors as e, issue
from ledger.actions import declare
from ledger.caf import read_caf
from ledger.errors import DeclarationError
from ledger.gaps import GapRange, sweep, undeclared
from ledger.judging import Kind, State, judge
from ledger.models import AuthorisedRange, Entry, Period, RangeLapsed, Series
from ledger.reports.report import continuity_report
from ledger.reports.rules import report
from ledger.rules import Finding, Outcome, find_rules
from ledger.sweeps.running import run
from ledger.verification import verify
from ledger.verification.alarms import lost_values, raise_alarms, recheck
from ledger.web.prometheus import LedgerCollector
from tests.allocations import rolled_back
from tests.integration.pages import client
from tests.integration.reporting import rows

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = timezone.now().date()
YEAR: dict[str, Any] = {"valid_from": TODAY - timedelta(days=100), "valid_to": TODAY + timedelta(days=265)}
FACTS: dict[str, Any] = {"authority": "UY DGI", "reference": "CAE 7", "prefix": "A", **YEAR}

CAF = """<?xml version="1.0" encoding="ISO-8859-1"?>
<AUTORIZACION><CAF version="1.0"><DA><RE>76354771-K</RE><RS>EMPRESA &#209;U&#209;OA</RS><TD>33</TD>
<RNG><D>1</D><H>60</H></RNG><FA>{granted}</FA><RSAPK><M>x</M><E>Aw==</E></RSAPK><IDK>100</IDK></DA>
<FRMA algoritmo="SHA1withRSA">c2ln</FRMA></CAF><RSASK>-----BEGIN RSA PRIVATE KEY-----</RSASK></AUTORIZACION>"""
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><AUTORIZACION>&c;</AUTORIZACION>'


def granted(first: int = 1, last: int = 100, **settings: Any) -> AuthorisedRange:
    series = {"template": "{label}{counter}", "calendar": "explicit", "time_zone": "UTC", **settings}
    define_series("invoice", **series)
    return authorise("invoice", first=first, last=last, **FACTS)


def ask(*arguments: Any) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("ledger_ranges", *map(str, arguments), stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def number(**more: Any) -> Entry:
    with transaction.atomic():
        issue("invoice", **more)
    return Entry.objects.latest("pk")


def accept(content: bytes) -> bool:
    return b"<FRMA" in content


def refuse(content: bytes) -> bool:
    raise ValueError("the signature is not the SII's")


class TestCommand:
    ADD = ("add", "invoice", "--prefix", "A", "--first", 5, "--authority", "UY DGI", "--reference", "CAE 7")

    def test_adds_a_range_and_lists_it(self) -> None:
        define_series("invoice", template="{label}{counter}", calendar="explicit", time_zone="UTC")
        add = (*self.ADD, "--last", 99, "--from", YEAR["valid_from"], "--to", YEAR["valid_to"], "--by", "ada")
        assert ask(*add) == (0, f"Added: invoice, UY DGI CAE 7, A5 to A99; {Period.objects.get().label}.\n")
        assert "Known already" in ask(*add)[1]
        assert AuthorisedRange.objects.get().actor == "ada"
        number()
        code, out = ask("list", "--json")
        assert code == 0
        (one,) = json.loads(out)["ranges"]
        assert (one["numbers"], one["used"], one["lapsed"]) == ("A5 to A99", 1, "")
        assert "UY DGI" in ask("list")[1]

    def test_says_what_is_low_with_exit_code_1(self) -> None:
        granted(last=2)
        number()
        number()
        code, out = ask("list")
        assert code == 1
        assert "no range has a value left for today" in out

    def test_refusals(self) -> None:
        code, out = ask(*self.ADD, "--from", TODAY)
        assert code == 1
        assert "invoice" in out
        assert not AuthorisedRange.objects.exists()


class TestCaf:
    def test_takes_the_folios_of_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "FoliosSII33.xml"
        file.write_bytes(CAF.format(granted="2026-08-31").encode("latin-1"))
        define_series(
            "factura", template="{counter}", calendar="never", time_zone="America/Santiago", rules="CL", max_length=10
        )
        code, out = ask("caf", "factura", file, "--rut", "76354771-K", "--verify", f"{__name__}:accept")
        assert (code, "CL SII CAF 33 2026-08-31, 1 to 60" in out) == (0, True)
        event = AuthorisedRange.objects.get()
        assert (event.valid_from, event.valid_to) == (date(2026, 8, 31), date(2027, 2, 28))
        assert event.document_type == "33"
        assert "PRIVATE KEY" not in str(vars(event))

    def test_a_type_that_does_not_expire(self) -> None:
        caf = read_caf(CAF.replace("<TD>33", "<TD>39").format(granted="2026-08-31").encode("latin-1"))
        assert (caf.document_type, caf.valid_to, caf.tax_id) == ("39", None, "76354771-K")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (BOMB, "can't be read"),
            ("<AUTORIZACION", "can't be read"),
            ("<OTHER/>", "has a RE that no CAF has"),
            (CAF.format(granted="2026-02-30"), "an invalid date"),
            (CAF.replace("<D>1<", "<D>x<").format(granted="2026-08-31"), "has a RNG/D that no CAF has"),
            (" " * (1 << 20) + "x", "bytes"),
        ],
    )
    def test_refuses_files_of_another_kind(self, content: str, told: str) -> None:
        with pytest.raises(e.RangeRefused, match=told):
            read_caf(content.encode("latin-1"))

    def test_the_hook_may_refuse(self, tmp_path: Path) -> None:
        content = CAF.format(granted="2026-08-31").encode("latin-1")
        with pytest.raises(e.RangeRefused, match="not the SII's"):
            read_caf(content, verify=refuse)
        with pytest.raises(e.RangeRefused, match="was refused by the hook"):
            read_caf(content, verify=lambda _: False)
        file = tmp_path / "caf.xml"
        file.write_bytes(content)
        assert "can't be imported" in ask("caf", "factura", file, "--verify", "nowhere:at_all")[1]
        assert "not to 1-9" in ask("caf", "factura", file, "--rut", "1-9")[1]
        assert "can't be read" in ask("caf", "factura", tmp_path / "none.xml")[1]


class TestPages:
    FORM: dict[str, Any] = {
        "authority": "UY DGI",
        "reference": "CAE 8",
        "prefix": "A",
        "first_value": 200,
        "last_value": 300,
        **YEAR,
    }

    def test_a_page_lists_them_and_adds_the_next(self) -> None:
        event = granted()
        page = client("ada", "view_entry", "add_authorisedrange")
        shown = page.get("/ledger/ranges/").content.decode()
        assert "A1 to A100" in shown
        assert "/ledger/ranges/add/" in shown
        answer = page.post("/ledger/ranges/add/", {**self.FORM, "series": event.series_id})
        assert (answer.status_code, answer["Location"]) == (302, "/ledger/ranges/?tenant=")
        assert AuthorisedRange.objects.latest("pk").actor == "ada"

    def test_what_is_refused_is_shown_and_not_written(self) -> None:
        event = granted()
        page = client("ada", "view_entry", "add_authorisedrange")
        answer = page.post("/ledger/ranges/add/", {**self.FORM, "series": event.series_id, "first_value": 50})
        assert answer.status_code == 200
        assert "another period has numbers of it" in answer.content.decode()
        assert AuthorisedRange.objects.count() == 1

    def test_another_tenants_series_is_refused(self) -> None:
        granted()
        other = define_series("other", org="berlin", template="{label}{counter}", calendar="explicit")
        page = client("ada", "view_entry", "add_authorisedrange")
        assert page.post("/ledger/ranges/add/", {**self.FORM, "series": other.pk}).status_code == 200
        assert AuthorisedRange.objects.count() == 1

    def test_the_number_and_its_series_name_the_range(self) -> None:
        event = granted()
        entry = number()
        page = client("ada", "view_entry")
        story = page.get(f"/ledger/period/{entry.period_id}/{entry.value}/").content.decode()
        assert "Authorised by UY DGI" in story
        assert "CAE 7" in story
        assert "range 1" in page.get(f"/ledger/series/{event.series_id}/").content.decode()
        assert "A2" in page.get("/ledger/").content.decode(), "what comes next"
        assert entry.authorised_range == event


class TestReport:
    def test_a_part_and_a_column(self) -> None:
        event = granted(1, 2)
        authorise("invoice", first=10, last=20, **{**FACTS, "reference": "CAE 8"})
        for _ in range(3):
            number(by="till")
        close_period(Period.objects.get(ordinal=2), early=True, by="ada")
        with continuity_report() as made:
            first, second = rows(made, "authorisations")
            assert [row.period.rpartition(", ")[2] for row in rows(made, "summary")] == ["range 1", "range 2"]
        assert (first.reference, first.first, first.last, first.used) == ("CAE 7", 1, 2, 2)
        assert (first.lapsed_first, second.lapsed_first, second.lapsed_last) == (None, 11, 20)
        with continuity_report() as made:
            register = rows(made.only("register"), "register")
        assert [(row.number, row.range) for row in register] == [
            ("A1", str(event)),
            ("A2", str(event)),
            ("A10", "UY DGI CAE 8, A10 to A20"),
        ]

    def test_a_ledger_without_ranges_has_neither(self) -> None:
        define_series("invoice", template="I{year}-{counter}", time_zone="UTC")
        number()
        with continuity_report() as made:
            assert "authorisations" not in [part.name for part in made.parts]

    def test_what_lapsed_is_declared(self) -> None:
        event = granted(1, 10, rules="UY")
        number()
        close_period(event.period, early=True)
        lapsed = undeclared(event.period, "UY DGI")
        assert lapsed == [GapRange(event.period, 2, 10)]
        assert self.finding("lapsed").outcome is Outcome.WARNED
        with pytest.raises(DeclarationError, match="is used"):
            declare([GapRange(event.period, 1, 10)], authority="UY DGI", reference="R")
        declare(lapsed, authority="UY DGI", reference="receipt 17")
        assert undeclared(event.period, "UY DGI") == []
        assert self.finding("lapsed").outcome is Outcome.PASSED
        with continuity_report() as made:
            assert rows(made, "authorisations")[0].declared == "UY DGI receipt 17"
        assert not list(verify())

    def finding(self, check: str) -> Any:
        (one,) = report()
        (found,) = [each for each in one.findings if each.check == check]
        return found


class TestLow:
    def test_the_judge_and_the_metrics_say_so(self) -> None:
        granted(1, 5)
        assert self.figures() == {"ledger_range_series": 1, "ledger_range_series_low": 0}
        assert not [fact for fact in judge(sweeps=()).facts if fact.kind is Kind.RANGE]
        for _ in range(4):
            number()
        (fact,) = [fact for fact in judge(sweeps=()).facts if fact.kind is Kind.RANGE]
        assert "1 of 5 values are left" in fact.detail
        assert self.figures()["ledger_range_series_low"] == 1
        assert "little left of its authorised ranges" in client("ada", "view_entry").get("/ledger/").content.decode()
        authorise("invoice", first=10, last=9999, **{**FACTS, "reference": "CAE 8"})
        assert not [fact for fact in judge(sweeps=()).facts if fact.kind is Kind.RANGE]

    def test_the_nightly_sweep_finds_it(self, caplog: pytest.LogCaptureFixture) -> None:
        granted(1, 1)
        assert run("verify").counts == {"alarms": 0}
        number()
        assert run("verify").counts == {"alarms": 0, "low_ranges": 1}
        assert "invoice: no range has a value left for today" in caplog.text

    def figures(self) -> dict[str, float]:
        found = [family for family in LedgerCollector().collect() if family.name.startswith("ledger_range")]
        return {family.name: family.samples[0].value for family in found}


#: Of each rule set that asks for a range: a template and the authority's prefix of its numbers.
_ASKING = {
    "CL": ("{counter}", ""),
    "CO": ("{label}{counter}", "SETP"),
    "DO": ("{label}{counter:010}", "E31"),
    "PH": ("{label}-{counter:06}", "SI"),
    "UY": ("{label}{counter}", "A"),
}


@pytest.mark.parametrize("code", sorted(_ASKING))
def test_rules_warn_where_no_range_of_their_authority_is_valid(code: str) -> None:
    template, prefix = _ASKING[code]
    authority = find_rules(code).authorisation
    assert authority is not None
    calendar = "explicit" if prefix else "never"
    define_series("invoice", template=template, calendar=calendar, rules=code, max_length=20, time_zone="UTC")

    def finding() -> Finding:
        (one,) = report()
        (found,) = [each for each in one.findings if each.check == "authorisation"]
        return found

    assert (finding().outcome, finding().told) == (Outcome.WARNED, "No range was ever added.")
    authorise("invoice", first=1, last=1, **{**FACTS, "prefix": prefix, "authority": "XX"})
    assert finding().outcome is Outcome.WARNED
    assert finding().told.endswith("XX is not the authority that these rules name.")
    facts = {**FACTS, "prefix": prefix, "authority": authority.authority}
    authorise("invoice", first=11, last=12, **facts)
    number()
    assert finding().outcome is Outcome.PASSED
    number()
    number()
    assert (finding().outcome, finding().told) == (Outcome.WARNED, "No range has a value left for today.")


def test_a_range_whose_numbers_the_rules_forbid_is_refused() -> None:
    define_series("invoice", template="{label}{counter:010}", calendar="explicit", rules="DO", time_zone="UTC")
    with pytest.raises(e.AgainstRules, match="'B010000000001' does not match"):
        authorise("invoice", first=1, last=9, **{**FACTS, "prefix": "B01"})
    assert not Period.objects.exists()
    authorise("invoice", first=1, last=9, **{**FACTS, "prefix": "E31"})
    assert number().number == "E310000000001"


class TestTwoThatBeginOnOneDay:
    """The mistake in one doesn't affect the other."""

    @pytest.fixture(autouse=True)
    def ranges(self) -> None:
        granted(1, 2, allocation="reserved")
        authorise("invoice", first=1, last=9, **{**FACTS, "prefix": "B", "reference": "CAE 8"})

    def states(self) -> list[State]:
        judgement, periods = judge(sweeps=()), Period.objects.order_by("ordinal")
        return [judgement.of(one.tenant, "invoice", one.starts_on, one.ordinal).state for one in periods]

    def test_a_gap(self) -> None:
        with rolled_back():
            issue("invoice")
        sweep(grace=timedelta(0))
        number()
        assert number().number == "B1"
        assert self.states() == [State.UNEXPLAINED, State.IN_ORDER]
        page = client("ada", "view_entry").get(f"/ledger/series/{Series.objects.get().pk}/")
        # No sweep has run, which concerns all.
        assert [state for _, state in page.context["table"].rows] == [State.OVERDUE, State.UNEXPLAINED]
        with continuity_report() as made:
            assert [row.state for row in rows(made, "summary")] == ["unexplained", "in order"]

    def test_lost_values_whose_like_the_other_has(self) -> None:
        assert [number().number for _ in range(2)] == ["A1", "A2"]
        first, second = Period.objects.order_by("ordinal")
        for period in (first, second):
            raise_alarms([lost_values("", "invoice", period.starts_on, period.ends_on, period.ordinal, 1, 2)])
        assert recheck() == 1, "the first one's: it has both"
        assert self.states() == [State.IN_ORDER, State.LOST]
        assert "range 2" in judge(sweeps=()).facts[0].place


class TestPortugal:
    FACTS: dict[str, Any] = {"authority": "PT AT", "reference": "CSDF7T5H", "document_type": "FT"}

    @pytest.fixture(autouse=True)
    def series(self) -> None:
        define_series(
            "invoice", template="FT A{year}/{counter}", chronological=True, rules="PT", time_zone="Europe/Lisbon"
        )

    def test_issuing_without_a_code_is_refused(self) -> None:
        with pytest.raises(e.RangesExhausted, match="none was ever added"):
            number(on=date(2026, 6, 1))
        assert not Period.objects.exists()
        (one,) = report()
        assert [each.outcome for each in one.findings if each.check == "authorisation"] == [Outcome.WARNED]

    def test_issuing_without_a_code_is_allowed_before_the_law(self) -> None:
        assert str(number(on=date(2022, 6, 1))) == "FT A2022/1"

    def test_the_code_makes_the_atcud(self) -> None:
        days: dict[str, Any] = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
        authorise("invoice", first=1, **days, **self.FACTS)
        entry = number(on=date(2026, 6, 1))
        assert (str(entry), entry.atcud) == ("FT A2026/1", "CSDF7T5H-1")
        page = client("ada", "view_entry").get(f"/ledger/period/{entry.period_id}/1/").content.decode()
        assert "CSDF7T5H-1" in page
        with pytest.raises(e.RangesExhausted, match="expired on 2026-12-31"):
            number(on=date(2027, 1, 1))

    def test_other_numbers_have_none(self) -> None:
        assert number(on=date(2022, 6, 1)).atcud == ""
        assert number(on=date(2022, 6, 1)).authorised_range is None
        assert not RangeLapsed.objects.exists()
