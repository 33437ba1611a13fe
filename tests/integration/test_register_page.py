"""The page of the register: each number on a line, filtered, sorted and paged; its files and the package."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from ledger import define_series, issue_many
from ledger.adoption import adopt
from ledger.web import query_string
from tests.integration.pages import client
from tests.integration.reporting import eventful

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader() -> Client:
    return client("reader", "view_entry")


def shown_lines(reader: Client, **query: str) -> list[tuple[str, str]]:
    """Number and state of each line of the page."""
    page = reader.get("/ledger/register/", {"tenant": "shop", **query}).content.decode()
    found = re.findall(r'<a class="number"[^>]*>([^<]+)</a>.*?<span class="badge[^"]*">([^<]+)</span>', page, re.DOTALL)
    return [pair for pair in found if pair]


def file(reader: Client, name: str, **query: str) -> Any:
    answer: Any = reader.get(f"/ledger/{name}/", {"tenant": "shop", **query})
    return answer, b"".join(answer.streaming_content)


def test_every_number_is_a_line_with_what_became_of_it(reader: Client) -> None:
    eventful()
    assert shown_lines(reader)[-8:] == [
        ("B2026-001", "valid"),
        ("B2026-002", "valid"),
        ("B2026-003", "missing"),
        ("B2026-004", "missing"),
        ("B2026-005", "void"),
        ("B2026-006", "missing"),
        ("B2026-007", "reserved"),
        ("B2026-008", "valid"),
    ]
    page = reader.get("/ledger/register/", {"tenant": "shop"}).content.decode()
    for told in ("wrong address", "card refused", "order:7", "+05:30", "not committed"):
        assert told in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"register-state": "void"}, "5"),
        ({"register-state": "missing"}, "346"),
        ({"register-state": "valid"}, "128"),
        ({"register-state": "reserved"}, "7"),
        ({"register-state": "free"}, ""),
        ({"register-q": "order:8"}, "8"),
        ({"register-q": "b2026-00"}, "1234568"),
        ({"month": "2026-01"}, "1234"),
        ({"since": "2026-02-01", "until": "2026-02-01"}, "567"),
        ({"register-series": "unheard of"}, "12345678"),
        ({"register-sort": "-number"}, "87654321"),
        ({"register-sort": "-issued_on", "register-state": "valid"}, "821"),
    ],
)
def test_filters_and_sorts(reader: Client, query: dict[str, str], numbers: str) -> None:
    eventful()
    assert "".join(found[-1] for found, _ in shown_lines(reader, **query)) == numbers


def test_the_page_and_its_file_agree_on_a_span_of_dates(reader: Client) -> None:
    eventful()
    for query in ({"month": "2026-01"}, {"month": "2026-02"}, {"since": "2026-02-01", "until": "2026-02-02"}):
        _, data = file(reader, "register/csv", **query)
        lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        assert [(line["number"], line["state"]) for line in lines] == shown_lines(reader, **query)


def test_pages_are_read_in_order_without_a_number_twice(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    define_series("a", org="shop", template="A{year}-{counter}", time_zone="UTC")
    define_series("b", org="shop", template="B{counter}", calendar="never", time_zone="UTC")
    for on in (date(2025, 5, 1), date(2026, 5, 1)):
        with transaction.atomic():
            issue_many("a", org="shop", documents=[f"{on}:{n}" for n in range(30)], on=on)
            issue_many("b", org="shop", documents=[f"b{on}:{n}" for n in range(30)], on=on)
    pages = [shown_lines(reader, **{"register-page": str(page)}) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [query_string.PAGE, query_string.PAGE, 20]
    expected = [f"A{year}-{n}" for year in (2025, 2026) for n in range(1, 31)] + [f"B{n}" for n in range(1, 61)]
    assert [told for page in pages for told, _ in page] == expected


def test_a_hole_of_an_adopted_history_is_one_line(reader: Client, tmp_path: Any) -> None:
    old = tmp_path / "old.csv"
    old.write_text("number,issued_at\nOLD-0001,2025-01-02\nOLD-0005,2025-01-03\n")
    adopt(old, series="old", org="shop", settings={"template": "OLD-{counter:04}", "calendar": "never"})
    page = reader.get("/ledger/register/", {"tenant": "shop", "register-state": "missing"}).content.decode()
    assert page.count("OLD-0002") == page.count("OLD-0004") == 1


def test_its_files_have_their_names_and_kinds(reader: Client) -> None:
    eventful()
    for name, kind in (("csv", "text/csv"), ("json", "application/json"), ("pdf", "application/pdf")):
        answer, data = file(reader, f"register/{name}", month="2026-02", series="bill")
        assert answer["Content-Type"].startswith(kind)
        assert f'filename="shop_bill_2026-02_register.{name}"' in answer["Content-Disposition"]
        assert len(data) > 500
    assert reader.get("/ledger/register/odt/", {"tenant": "shop"}).status_code == 404


def test_the_package_is_a_button(reader: Client) -> None:
    eventful()
    page = reader.get("/ledger/register/", {"tenant": "shop", "month": "2026-02"}).content.decode()
    (url,) = re.findall(r'href="(/ledger/package/[^"]*)"', page)
    answer: Any = reader.get(url.replace("&amp;", "&"))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert "register.csv" in archive.namelist()
        assert "2026-02-01 to 2026-02-28" in archive.read("CONTENTS.txt").decode()
    assert 'filename="shop_2026-02_package.zip"' in answer["Content-Disposition"]


def test_dates_without_a_period_lead_back_with_the_reason(reader: Client) -> None:
    eventful()
    answer = reader.get("/ledger/package/", {"tenant": "shop", "month": "2031-02"}, follow=True)
    assert answer.redirect_chain[0][0].startswith("/ledger/register/")
    assert "has no period" in answer.content.decode()


def test_the_company_and_its_tax_id_stand_on_pages_and_in_the_admin() -> None:
    eventful()
    here = "tests.integration.test_report"
    root = Client()
    root.force_login(User.objects.create_superuser("root", password="x"))
    with override_settings(LEDGER={"TENANT_NAME": f"{here}.company", "TENANT_TAX_ID": f"{here}.tax_id"}):
        for address in ("/ledger/register/?tenant=shop", "/ledger/?tenant=shop"):
            page = root.get(address).content.decode()
            assert "Company Shop" in page
            assert "DE-shop" in page
        assert "Company Shop" in root.get("/admin/ledger/entry/").content.decode()


def test_a_page_reads_no_more_of_a_large_ledger_than_it_shows(reader: Client) -> None:
    """The rows of a period come along the index of its values, without a sort."""
    define_series("many", org="shop", template="M{counter}", calendar="never", time_zone="UTC")
    with transaction.atomic():
        issue_many("many", org="shop", documents=[f"m:{n}" for n in range(5000)], on=date(2026, 5, 1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_entry")
        with CaptureQueriesContext(connection) as seen:
            assert len(shown_lines(reader)) == query_string.PAGE
        (statement,) = [one["sql"] for one in seen if "row_number() OVER ()" in one["sql"]]
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    entries = re.findall(r"Index Scan using ledger_entry_value on ledger_entry e .*actual rows=([0-9.]+)", plan)
    assert entries, plan
    assert float(entries[0]) <= query_string.PAGE + 1, plan
