"""Declaring missing numbers: the event and what PostgreSQL refuses of it, the two formats, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from ledger import define_series, issue, issue_many, open_period, void
from ledger.actions import declare
from ledger.cursors import fetch_value
from ledger.errors import DeclarationError
from ledger.gaps import GapRange, undeclared
from ledger.models import AdoptedGap, Adoption, Entry, GapDeclared, Period, Series
from ledger.reports.official import Document, all_formats, nfe
from ledger.reports.official.nfe_xml import parse
from ledger.verification import verify
from tests.integration.adopting import adopt_real_file

pytestmark = pytest.mark.django_db

AUTHORITY = "BR NF-e"
DAY = date(2026, 4, 7)
NFE: dict[str, Any] = {
    "series": "nfe",
    "cnpj": "12345678000195",
    "state": "35",
    "model": "55",
    "serie": "1",
    "justification": "Falha do sistema na emissão",
    "year": None,
    "environment": "1",
    "range": None,
    "sign": None,
}
COMMAND = ["nfe", "--series=nfe", "--cnpj=12345678000195", "--state=35", "--serie=1"]
COMMAND += ["--justification=Falha do sistema na emissão"]
GSTR1 = ["gstr1", "--month=2026-04", "--gstin=27AAPFU0939F1ZV", "--map=invoice=1"]
SIGNATURE = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></inutNFe>'


def sign(content: bytes) -> bytes:
    """A hook, as --sign names it."""
    return content.replace(b"</inutNFe>", SIGNATURE)


def forge(content: bytes) -> bytes:
    """A hook that changes more than it may."""
    return sign(content.replace(b"<nNFFin>", b"<nNFFin>1"))


def flag(period: Period, values: Iterable[int], on: date = DAY) -> None:
    """Flagged gaps, as a sweep leaves them."""
    for value in values:
        Period.objects.filter(pk=period.pk, last_value__lt=value).update(last_value=value)
        Entry.objects.create(
            tenant=period.tenant,
            series=period.series,
            period=period,
            value=value,
            kind="gap",
            number=period.as_format().number(value),
            issued_on=on,
        )


@pytest.fixture
def period() -> Period:
    """Values 1 to 9 of an NF-e series; 3, 4, 5 and 8 are gaps."""
    series = define_series("nfe", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
    period = open_period(series)
    for value in range(1, 10):
        if value in (3, 4, 5, 8):
            flag(period, [value])
        else:
            issue("nfe", document=f"order:{value}", on=DAY)
    return period


def adopted(period: Period, first: int, last: int) -> None:
    """A range that a previous system left out."""
    Period.objects.filter(pk=period.pk, last_value__lt=last).update(last_value=last)
    adoption = Adoption.objects.create(tenant="", series=period.series, source="old.csv", digest="", rows=1)
    AdoptedGap.objects.create(tenant="", adoption=adoption, period=period, first_value=first, last_value=last)


def spans(gaps: Iterable[GapRange]) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in gaps]


def declaration(period: Period, first: int, last: int, authority: str = AUTHORITY) -> GapDeclared:
    (event,) = declare([GapRange(period, first, last)], authority=authority, reference="135", by="ada")
    return event


def requests(**changes: Any) -> list[Document]:
    return nfe.FORMAT.documents(tenant="", options=NFE | changes, using="default")


def table(*arguments: str) -> Any:
    out = StringIO()
    call_command("ledger_declare", *arguments, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("ledger_declare", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


class TestTheEvent:
    def test_says_what_to_whom_and_when(self, period: Period) -> None:
        event = declaration(period, 3, 4)
        assert (event.first_value, event.last_value, event.authority, event.reference) == (3, 4, AUTHORITY, "135")
        assert (event.actor, event.tenant) == ("ada", "")
        assert event.declared_at is not None
        assert str(event) == "3 to 4: BR NF-e 135"
        assert spans(undeclared(period, AUTHORITY)) == [(5, 5), (8, 8)]
        assert spans(undeclared(period, "another")) == [(3, 5), (8, 8)]
        assert list(verify()) == []

    @pytest.mark.parametrize(("first", "last"), [(2, 3), (5, 6), (3, 8), (1, 1)])
    def test_a_used_number_is_not_missing(self, period: Period, first: int, last: int) -> None:
        with pytest.raises(DeclarationError, match="The number [1-9] is used"):
            declaration(period, first, last)

    def test_what_no_sweep_has_proven_may_still_be_issued(self, period: Period) -> None:
        Period.objects.filter(pk=period.pk).update(last_value=11)
        with pytest.raises(DeclarationError, match="Of the values 10 to 11 only 0 are known to be missing"):
            declaration(period, 10, 11)

    @pytest.mark.parametrize(("first", "last"), [(3, 5), (4, 5), (4, 4), (3, 3)])
    def test_no_value_is_declared_twice_to_one_authority(self, period: Period, first: int, last: int) -> None:
        declaration(period, 3, 4)
        with pytest.raises(DeclarationError, match="declared to 'BR NF-e' before"):
            declaration(period, first, last)
        declaration(period, first, last, "another")
        declaration(period, 5, 5)

    def test_an_authority_that_was_named_for_it_keeps_nobodys_declaration_out(self, period: Period) -> None:
        """The second name was computed to be the same as the first to PostgreSQL's own hash of 64 bits."""
        names = "Agencia Tributaria, AEAT", "Tax ualbqfsr/~oi*d$Vov~o"
        hashed = fetch_value(
            "default", "SELECT count(DISTINCT hashtextextended(n, 0)) FROM unnest(%s::text[]) n", [list(names)]
        )
        if hashed != 1:
            pytest.skip("this machine stores the highest byte first, where other names are alike")
        for name in names:
            declaration(period, 3, 4, name)

    def test_two_periods_have_their_own_values(self) -> None:
        series = define_series("invoice", template="I{year}-{counter}", time_zone="UTC")
        for year in (2025, 2026):
            flag(open_period(series, date(year, 1, 1)), [1], date(year, 1, 1))
        for period in Period.objects.all():
            declaration(period, 1, 1)
        assert GapDeclared.objects.count() == 2

    def test_an_adopted_history_counts_by_its_ranges(self, period: Period) -> None:
        adopted(period, 10, 19)
        declaration(period, 8, 8)
        declaration(period, 12, 15)
        assert spans(undeclared(period, AUTHORITY)) == [(3, 5), (10, 11), (16, 19)]
        with pytest.raises(DeclarationError, match="only 1 are known"):
            declaration(period, 19, 20)

    def test_all_or_none(self, period: Period) -> None:
        with pytest.raises(DeclarationError):
            declare([GapRange(period, 3, 4), GapRange(period, 9, 9)], authority=AUTHORITY, reference="135")
        assert not GapDeclared.objects.exists()

    @pytest.mark.parametrize("reference", ["", " 135", "x" * 201, "1\u202e2"])
    def test_a_reference_says_something(self, period: Period, reference: str) -> None:
        with pytest.raises(DeclarationError, match="reference"):
            declare([GapRange(period, 3, 4)], authority=AUTHORITY, reference=reference)

    def test_another_tenants_period_is_refused_by_the_database(self, period: Period) -> None:
        event = GapDeclared(tenant="other", period=period, first_value=3, last_value=4, authority="x", reference="1")
        with transaction.atomic(), pytest.raises(IntegrityError, match="does not belong to tenant 'other'"):
            event.save()
        turned = GapDeclared(tenant="", period=period, first_value=4, last_value=3, authority="x", reference="1")
        with transaction.atomic(), pytest.raises(IntegrityError):
            turned.save()


class TestNFe:
    def test_a_document_for_each_range(self, period: Period) -> None:
        made = requests(year="26")
        assert [document.name for document in made] == [
            "ID35261234567800019555001000000003000000005.xml",
            "ID35261234567800019555001000000008000000008.xml",
        ]
        assert [spans(document.gaps) for document in made] == [[(3, 5)], [(8, 8)]]
        information = parse(made[0].content)[0]
        assert [information[7].text, information[8].text] == ["3", "5"]

    def test_what_was_declared_is_left_out(self, period: Period) -> None:
        declaration(period, 4, 4)
        assert [spans(document.gaps) for document in requests()] == [[(3, 3)], [(5, 5)], [(8, 8)]]

    def test_at_most_ten_thousand_numbers_each(self, period: Period) -> None:
        adopted(period, 20, 10_020)
        assert [spans(document.gaps) for document in requests()][2:] == [[(20, 10_019)], [(10_020, 10_020)]]
        assert spans(requests(range="21-10020")[0].gaps) == [(21, 10_020)]
        with pytest.raises(DeclarationError, match="are 10,001.*at most 10,000"):
            requests(range="20-10020")

    @pytest.mark.parametrize(
        ("span", "why"),
        [
            ("2-3", "the number 2 is used"),
            ("8-9", "the number 9 is used"),
            ("3-4", "3 to 3 were declared before, by 135"),
            ("10", "not all of them are known to be missing"),
            ("5-4", "can't be read"),
            ("x", "can't be read"),
        ],
    )
    def test_a_range_that_is_not_missing(self, period: Period, span: str, why: str) -> None:
        declaration(period, 3, 3)
        Period.objects.filter(pk=period.pk).update(last_value=10)
        with pytest.raises(DeclarationError, match=why):
            requests(range=span)

    def test_values_that_come_again_in_another_period_are_not_guessed(self) -> None:
        series = define_series("nfe", template="{year}-{counter}", time_zone="UTC")
        for year in (2025, 2026):
            flag(open_period(series, date(year, 1, 1)), [1], date(year, 1, 1))
        with pytest.raises(DeclarationError, match="missing in 2025-01-01 to 2025-12-31 and in 2026"):
            requests(range="1")

    def test_an_nfe_has_no_number_zero(self) -> None:
        series = define_series("nfe", template="{counter}", calendar="never", start_value=0)
        flag(open_period(series), [0])
        with pytest.raises(DeclarationError, match="1 to 999,999,999"):
            requests()

    def test_the_hook_signs(self, period: Period) -> None:
        made = requests(sign=f"{__name__}:sign", range="3-5")
        assert made[0].content.endswith(SIGNATURE)
        with pytest.raises(DeclarationError, match="another document"):
            requests(sign=f"{__name__}:forge")
        with pytest.raises(DeclarationError, match="can't be imported"):
            requests(sign="tests.nowhere:sign")

    def test_an_unknown_series(self) -> None:
        with pytest.raises(DeclarationError, match="has no series 'nfe'"):
            requests()


class TestNFeCommand:
    def test_from_the_gap_to_the_event(self, period: Period, tmp_path: Path) -> None:
        code, out = run(*COMMAND, f"--output={tmp_path}/requests", "--year=26")
        assert code == 0
        files = sorted(path.name for path in (tmp_path / "requests").iterdir())
        assert files[0] == "ID35261234567800019555001000000003000000005.xml"
        assert len(files) == 2
        assert "3 to 5: 3 numbers of for ever, to be signed" in out
        assert not GapDeclared.objects.exists()
        code, out = run(*COMMAND, "--handed-in=135260000000001")
        assert code == 1
        assert "Each request gets a protocol of its own" in out
        code, out = run(*COMMAND, "--handed-in=135260000000001", "--range=3-5", "--by=ada")
        assert code == 0
        assert "3 missing numbers noted as declared to BR NF-e" in out
        event = GapDeclared.objects.get()
        assert (event.first_value, event.last_value, event.reference) == (3, 5, "135260000000001")
        assert (event.justification, event.actor) == ("Falha do sistema na emissão", "ada")
        code, out = run(*COMMAND, "--handed-in=2", "--range=3-5")
        assert code == 1
        assert "declared before, by 135260000000001" in out

    def test_the_test_environment_declares_nothing(self, period: Period) -> None:
        code, out = run(*COMMAND, "--environment=2", "--range=8", "--handed-in=1")
        assert code == 1
        assert "test environment" in out
        assert not GapDeclared.objects.exists()

    def test_json_and_bad_options(self, period: Period, tmp_path: Path) -> None:
        code, out = run(*COMMAND, "--json", "--handed-in=7", "--range=8")
        assert code == 0
        assert [(event["first"], event["last"]) for event in json.loads(out)["declared"]] == [(8, 8)]
        assert run(*COMMAND) == (2, "Pass --output: where the files go.")
        (tmp_path / "file").write_text("")
        assert run(*COMMAND, f"--output={tmp_path}/file")[0] == 2
        code, out = run(*[part.replace("--cnpj=1", "--cnpj=x") for part in COMMAND], f"--output={tmp_path}")
        assert (code, "The cnpj 'x2345678000195'" in out) == (1, True)

    def test_nothing_to_declare(self, tmp_path: Path) -> None:
        define_series("nfe", template="{counter}", calendar="never", rules="BR")
        assert run(*COMMAND, f"--output={tmp_path}") == (0, "There is nothing to declare.\n")


class TestGstr1:
    @pytest.fixture
    def april(self) -> Series:
        """1 to 8 in April but 4 in May, 3 and 6 missing, 7 void; two credit notes, and a challan."""
        series = define_series(
            "invoice",
            template="INV/{fy_start:2}/{counter:04}",
            calendar="fiscal-year",
            fiscal_start="04-01",
            time_zone="Asia/Kolkata",
            rules="IN",
        )
        period = open_period(series, DAY)
        for value in range(1, 9):
            if value in (3, 6):
                flag(period, [value])
                continue
            entry = issue("invoice", document=f"order:{value}", on=date(2026, 5, 1) if value == 4 else DAY)
            if value == 7:
                void(entry, reason="wrong address")
        for code, template in (("credit", "CN{year:2}-{counter}"), ("challan", "DC{year:2}-{counter}")):
            define_series(code, template=template, time_zone="Asia/Kolkata", rules="IN")
        issue_many("credit", documents=["a", "b"], on=date(2026, 4, 30))
        issue("challan", on=date(2026, 4, 1))
        return series

    def test_the_table(self, april: Series) -> None:
        assert table(*GSTR1, "--map=credit=5", "--map=challan=12") == {
            "gstin": "27AAPFU0939F1ZV",
            "fp": "042026",
            "doc_issue": {
                "doc_det": [
                    {
                        "doc_num": 1,
                        "docs": [
                            {
                                "num": 1,
                                "from": "INV/26/0001",
                                "to": "INV/26/0002",
                                "totnum": 2,
                                "cancel": 0,
                                "net_issue": 2,
                            },
                            {
                                "num": 2,
                                "from": "INV/26/0005",
                                "to": "INV/26/0005",
                                "totnum": 1,
                                "cancel": 0,
                                "net_issue": 1,
                            },
                            {
                                "num": 3,
                                "from": "INV/26/0007",
                                "to": "INV/26/0008",
                                "totnum": 2,
                                "cancel": 1,
                                "net_issue": 1,
                            },
                        ],
                    },
                    {
                        "doc_num": 5,
                        "docs": [
                            {"num": 1, "from": "CN26-1", "to": "CN26-2", "totnum": 2, "cancel": 0, "net_issue": 2}
                        ],
                    },
                    {
                        "doc_num": 12,
                        "docs": [
                            {"num": 1, "from": "DC26-1", "to": "DC26-1", "totnum": 1, "cancel": 0, "net_issue": 1}
                        ],
                    },
                ]
            },
        }

    def test_two_series_of_one_type_count_on(self, april: Series) -> None:
        (both,) = table(*GSTR1, "--map=credit=1")["doc_issue"]["doc_det"]
        assert [(row["num"], row["from"]) for row in both["docs"]] == [
            (1, "CN26-1"),
            (2, "INV/26/0001"),
            (3, "INV/26/0005"),
            (4, "INV/26/0007"),
        ]

    def test_a_gap_is_of_the_month_of_the_document_after_it(self, april: Series, tmp_path: Path) -> None:
        output = tmp_path / "april.json"
        code, out = run(*GSTR1, f"--output={output}")
        assert code == 0
        assert "5 documents, 1 cancelled, in 3 rows; 1 missing numbers" in out
        code, out = run(*GSTR1, f"--output={output}", "--handed-in=AA270426123456B")
        assert code == 0
        event = GapDeclared.objects.get()
        assert (event.first_value, event.authority, event.reference) == (6, "IN GSTR-1", "AA270426123456B")
        code, out = run(*GSTR1[:1], "--month=2026-05", *GSTR1[2:], "--handed-in=AA270526123456B")
        assert code == 0
        assert list(GapDeclared.objects.order_by("pk").values_list("first_value", flat=True)) == [6, 3]
        # Handed in again, there is nothing more to note.
        assert "0 missing numbers noted" in run(*GSTR1, "--handed-in=again")[1]

    def test_a_gap_at_the_end_is_of_its_own_month(self, april: Series) -> None:
        flag(Period.objects.get(series=april), [9], date(2026, 4, 30))
        run(*GSTR1, "--handed-in=AA270426123456B")
        assert set(GapDeclared.objects.values_list("first_value", flat=True)) == {6, 9}

    def test_only_the_file_that_was_handed_in_is_noted(self, april: Series, tmp_path: Path) -> None:
        output = tmp_path / "april.json"
        run(*GSTR1, f"--output={output}")
        issue("invoice", on=DAY)
        code, out = run(*GSTR1, f"--output={output}", "--handed-in=AA270426123456B")
        assert code == 1
        assert "is not what the ledger says now" in out
        assert run(*GSTR1, f"--output={tmp_path}/none.json", "--handed-in=AA270426123456B")[0] == 2
        assert not GapDeclared.objects.exists()

    def test_it_warns_of_what_is_left_out_and_of_a_month_that_runs(self, april: Series) -> None:
        out, err = StringIO(), StringIO()
        call_command("ledger_declare", *GSTR1[:1], "--month=9998-12", *GSTR1[2:], stdout=out, stderr=err)
        assert "The month is not over yet in Asia/Kolkata" in err.getvalue()
        assert "Series credit has the rules of India, and is not in the table" in err.getvalue()
        assert json.loads(out.getvalue())["doc_issue"] == {"doc_det": []}

    @pytest.mark.parametrize(("code", "first"), [("long", "INVOICE/2026-27/00000001"), ("odd", "A_1"), ("sign", "N°1")])
    def test_it_refuses_serials_that_the_rule_forbids(self, code: str, first: str) -> None:
        templates = {
            "long": "INVOICE/2026-27/{counter:08}",
            "odd": "A_{counter}",
            "sign": "N°{counter}",
            "good": "A-{counter}",
        }
        for name in (code, "good"):
            define_series(name, template=templates[name], calendar="never", time_zone="Asia/Kolkata")
            issue_many(name, documents=["a", "b"], on=DAY)
        maps = [f"--map={name}=1" for name in (code, "good")]
        refused, out = run(*GSTR1[:3], *maps)
        assert refused == 1
        assert f"Series {code}: 2 serials, such as {first!r}, break rule 46(b)" in out
        assert "--allow-serials" in out
        err, written = StringIO(), StringIO()
        call_command("ledger_declare", *GSTR1[:3], *maps, "--allow-serials", stdout=written, stderr=err)
        assert f"such as {first!r}, break rule 46(b)" in err.getvalue()
        assert "Series good" not in err.getvalue()
        assert first in written.getvalue()

    @pytest.mark.parametrize(
        ("option", "why"),
        [
            ("--map=invoice=13", "1 to 12"),
            ("--map=invoice=2", "names a series twice"),
            ("--map=invoice", "can't be read"),
            ("--map=bill=1", "has no series bill"),
            ("--gstin=27aapfu0939f1zv", "15 characters"),
            ("--gstin=27AAPFU0939F1ZW", "here it would be V"),
            ("--month=2026-13", "YYYY-MM"),
        ],
    )
    def test_bad_options(self, april: Series, option: str, why: str) -> None:
        code, out = run(*GSTR1, option)
        assert code == 1
        assert why in out


def test_every_format_is_found_by_its_file() -> None:
    assert sorted(all_formats()) == ["gstr1", "nfe"]
    assert {made.authority for made in all_formats().values()} == {"IN GSTR-1", "BR NF-e"}


def test_the_real_numbers_of_a_retailer() -> None:
    """First as India's table, then as Brazil's requests."""
    adopt_real_file()
    (invoices,) = table("gstr1", "--month=2011-11", "--gstin=27AAPFU0939F1ZV", "--map=invoice=1")["doc_issue"][
        "doc_det"
    ]
    rows = invoices["docs"]
    in_month = Entry.objects.filter(issued_on__range=(date(2011, 11, 1), date(2011, 11, 30)))
    assert sum(row["totnum"] for row in rows) == in_month.count() > 2_500
    assert [row["num"] for row in rows] == list(range(1, len(rows) + 1))
    # No row reaches over a break, nor from a plain invoice to a cancellation, whose numbers start with a letter.
    for row in rows:
        first, last = row["from"].lstrip("CA"), row["to"].lstrip("CA")
        assert row["from"].removesuffix(first) == row["to"].removesuffix(last)
        assert int(last) - int(first) + 1 == row["totnum"]
    assert any(row["from"].startswith("C") for row in rows)

    made = requests(series="invoice")
    assert len(made) == 2_409
    assert sum(gap.count for document in made for gap in document.gaps) == 19_323
    declare([gap for document in made for gap in document.gaps], authority=AUTHORITY, reference="135")
    assert requests(series="invoice") == []
    assert list(verify()) == []
