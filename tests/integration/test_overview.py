"""The overview of all tenants: the worst first, each state the judge's, at a cost that doesn't grow with them."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger import define_series, issue
from ledger.judging import State
from ledger.models import Period
from ledger.reconciliation import BookSettings
from ledger.web import page as pages
from tests.integration.pages import client, flag, shop
from tests.integration.paper_books import PaperSystem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sweeps_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "health", lambda using=None: [])


@pytest.fixture
def reader() -> Client:
    return client("reader", "view_entry", "view_findingraised")


def lines(client: Client, **query: str) -> list[list[str]]:
    """The table's cells, as text."""
    page = client.get("/ledger/", query).content.decode()
    body = page.partition('id="series">')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("<tr>")[1:]]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in rows]


def tenant_with(tenant: str, *, gaps: int = 0, unused: int = 0) -> None:
    for at in range(unused):
        define_series(f"a-{at:02}", org=tenant, template=f"A{at}-{{counter}}", calendar="never", time_zone="UTC")
    define_series("invoice", org=tenant, template="I-{year}-{counter:04}", time_zone="UTC")
    issue("invoice", org=tenant, document="order:1", on=date(2026, 3, 1))
    for _ in range(gaps):
        flag(Period.objects.get(tenant=tenant), "a")


def test_the_worst_comes_first_and_what_is_used_before_what_is_not(reader: Client) -> None:
    tenant_with("amsterdam", unused=22)
    tenant_with("berlin", gaps=2)
    shop("cairo", "C")  # differs from the books, and has a gap to explain
    found = lines(reader)
    assert [row[:2] for row in found[:2]] == [[State.DIFFERS, "cairo"], [State.UNEXPLAINED, "berlin"]]
    assert [row[1] for row in found[2:]] == ["amsterdam"] * 23
    assert [row[2].split()[0] for row in found[:4]] == ["invoice", "invoice", "invoice", "a-00"]
    assert found[1][3] == "2 missing values are not explained"
    assert "missing value" in found[0][3]
    assert "difference from the books" in found[0][3]
    assert len(found) == 25


def test_filters_and_what_stands_above(reader: Client) -> None:
    tenant_with("amsterdam")
    tenant_with("berlin", gaps=1)
    assert [row[1] for row in lines(reader, **{"series-state": "unexplained"})] == ["berlin"]
    assert [row[1] for row in lines(reader, **{"series-state": "needs work"})] == ["berlin"]
    assert [row[1] for row in lines(reader, **{"series-q": "AMST"})] == ["amsterdam"]
    assert lines(reader, **{"series-q": "nothing"}) == []
    assert [row[1] for row in lines(reader, **{"series-sort": "-tenant"})] == ["berlin", "amsterdam"]
    page = reader.get("/ledger/").content.decode()
    tally = re.sub(r"<[^>]+>", " ", page.partition('class="tally">')[2].partition("</p>")[0])
    assert tally.split() == ["2", "tenants:", "1", "unexplained", "1", "in", "order"]


def test_who_sees_some_tenants_is_told_of_no_other(reader: Client) -> None:
    tenant_with("amsterdam")
    tenant_with("berlin")
    tenant_with("cairo", gaps=1)
    auditor = client("auditor", sees=("amsterdam", "berlin"))
    assert [row[1] for row in lines(auditor)] == ["amsterdam", "berlin"]
    page = auditor.get("/ledger/").content.decode()
    assert "cairo" not in page
    assert "unexplained</span>" not in page, "another tenant's gap is no concern of this reader's"
    # A user who sees one tenant is shown that one, without a column of its name.
    assert lines(client("other", sees=("cairo",)))[0][:2] == ["unexplained", "invoice all periods of invoice"]


def test_what_belongs_to_no_series_has_a_line(reader: Client) -> None:
    tenant_with("amsterdam")
    tenant_with("berlin")
    system = PaperSystem(books=BookSettings("books", tenant="berlin", grace=timedelta(0)))
    system.put("77", "I-2026-0077", issued_on=date(2026, 3, 1))
    system.read()
    system.compare()
    first = lines(reader)[0]
    assert first[:3] == [State.DIFFERS, "berlin", "of no series"]


def test_no_query_more_for_more_tenants_and_series(reader: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert reader.get("/ledger/").status_code == 200
        return len(queries)

    for tenant in ("amsterdam", "berlin"):
        tenant_with(tenant, gaps=1, unused=1)
    asked()
    before = asked()
    assert before <= 32
    for at in range(20):
        tenant_with(f"tenant-{at}", gaps=1, unused=3)
    assert asked() == before


def test_a_number_is_found_by_its_beginning(reader: Client) -> None:
    made = shop("berlin", "B")
    shop("cairo", "B")
    found = reader.get("/ledger/find/", {"tenant": "berlin", "find-q": "b-2026-000"}).content.decode()
    assert found.count('<a class="number"') == 9
    assert "B-2026-0007" in found
    assert "B-2026-0010" not in found
    assert "cairo" not in found.partition("<main")[2]
    answer = reader.get("/ledger/find/", {"tenant": "berlin", "find-q": "B-2026-0010"})
    assert answer["Location"] == f"/ledger/period/{made.period.pk}/10/"


def test_the_rules_of_a_series_with_their_results(reader: Client) -> None:
    series = define_series("invoice", org="berlin", template="{counter}", calendar="never", rules="BR", time_zone="UTC")
    issue("invoice", org="berlin", on=date(2026, 3, 1))
    flag(Period.objects.get(), "a", date(2026, 3, 2))
    assert f"/ledger/series/{series.pk}/rules/" in reader.get(f"/ledger/series/{series.pk}/").content.decode()
    page = reader.get(f"/ledger/series/{series.pk}/rules/").content.decode()
    told = "".join(page.split("<tbody>")[1:])
    assert 'class="badge bad">' in told
    assert 'class="badge good">' in told
    assert "declare" in told
    plain = define_series("plain", org="berlin", template="P{counter}", calendar="never", time_zone="UTC")
    assert "nothing is checked" in reader.get(f"/ledger/series/{plain.pk}/rules/").content.decode()
