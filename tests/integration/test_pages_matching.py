"""Saying something of all rows that match a filter; months and spans of dates; both sides of a finding."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from ledger import define_series, issue
from ledger.models import AlarmAcknowledged, AlarmRaised, FindingAcknowledged, FindingRaised, GapExplained, Period
from ledger.reconciliation import BookSettings
from ledger.web import confirming
from tests.integration.pages import client, flag, shop
from tests.integration.paper_books import PaperSystem
from tests.integration.queues import pooled, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper() -> Client:
    acting = ("explain_gap", "acknowledge_finding", "acknowledge_alarm")
    return client("keeper", "view_entry", "view_findingraised", *acting)


@pytest.fixture
def period() -> Period:
    """35 gaps: 20 after a document of March, and 15 after one of April."""
    define_series("invoice", org="berlin", template="I-{year}-{counter:04}", time_zone="UTC")
    for day, gaps in ((date(2026, 3, 31), 20), (date(2026, 4, 1), 15)):
        issue("invoice", org="berlin", document=f"order:{day}", on=day)
        for _ in range(gaps):
            flag(Period.objects.get(), "card")
    return Period.objects.get()


def explain_all(keeper: Client, reason: str = "incident 17", **query: str) -> Any:
    """As a person does: the page that asks, then its form as it is."""
    asked = keeper.get("/ledger/gaps/explain/", {"tenant": "berlin", "all": "1", **query}, follow=True)
    sent = re.search(r'name="count" value="(\d+)"', asked.content.decode())
    if sent is None:
        return asked
    said = {"reason": reason, "count": sent[1]}
    return keeper.post(asked.request["PATH_INFO"] + "?" + asked.request["QUERY_STRING"], said, follow=True)


def test_all_gaps_are_explained_with_one_reason(keeper: Client, period: Period) -> None:
    page = keeper.get("/ledger/gaps/", {"tenant": "berlin"}).content.decode()
    assert "Explain all 35 that match" in page
    assert "Done: 35." in explain_all(keeper).content.decode()
    assert GapExplained.objects.filter(explanation="incident 17").count() == 35
    assert "Nothing was selected" in explain_all(keeper, "again").content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"month": "2026-03"}, 20),
        ({"month": "2026-04"}, 15),
        ({"since": "2026-04-01"}, 15),
        ({"since": "2026-03-01", "until": "2026-03-31"}, 20),
        ({"month": "2026-05"}, 0),
        ({"month": "2026-13", "since": "x", "until": "2026-02-30"}, 35),
        ({"gaps-series": "invoice"}, 35),
        ({"gaps-series": "invoic"}, 0),
        ({"gaps-q": "I-2026-0002"}, 1),
        ({"gaps-period": "999999"}, 0),
    ],
)
def test_only_what_matches(keeper: Client, period: Period, query: dict[str, str], count: int) -> None:
    page = keeper.get("/ledger/gaps/", {"tenant": "berlin", **query}).content.decode()
    assert f'<span class="quiet">{count}</span>' in page
    explain_all(keeper, **query)
    assert GapExplained.objects.count() == count


def test_what_came_meanwhile_is_not_explained_unseen(keeper: Client, period: Period) -> None:
    address = "/ledger/gaps/explain/?tenant=berlin&all=1"
    flag(period, "late")
    answer = keeper.post(address, {"reason": "incident 17", "count": "35"}).content.decode()
    assert "there are 36 now" in answer
    assert 'name="count" value="36"' in answer
    assert not GapExplained.objects.exists()


def test_too_many_to_be_meant(keeper: Client, period: Period, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "MOST_MATCHING", 34)
    assert "More than 34 are selected" in explain_all(keeper).content.decode()
    assert not GapExplained.objects.exists()


def test_all_on_the_page_are_chosen_by_a_link(keeper: Client, period: Period) -> None:
    page = keeper.get("/ledger/gaps/", {"tenant": "berlin"}).content.decode()
    assert " checked>" not in page
    address = page.partition('<a href="')[2] and re.search(r'<a href="([^"]*gaps-choose=page[^"]*)"', page)
    assert address
    chosen = keeper.get("/ledger/gaps/" + address[1].replace("&amp;", "&").partition("#")[0]).content.decode()
    assert chosen.count(" checked>") == 35


def differing() -> None:
    define_series("invoice", org="berlin", template="I-{year}-{counter:04}", time_zone="UTC")
    system = PaperSystem(books=BookSettings("books", tenant="berlin", grace=timedelta(0)))
    for n in (1, 2, 3):
        entry = issue("invoice", org="berlin", document=f"order:{n}", on=date(2026, 2 + n, 1))
        system.put(f"A-{n}", entry.number, issued_on=date(2027, 6, n), reference=entry.document)
    system.read()
    system.compare()


def test_both_sides_of_a_finding_with_what_differs_marked(keeper: Client) -> None:
    differing()
    page = keeper.get("/ledger/findings/", {"tenant": "berlin"}).content.decode()
    sides = page.partition('class="facts sides">')[2].partition("</dl>")[0]
    assert re.findall(r"<mark>(.*?)</mark>", sides) == ["2027-06-03"]
    assert "2026-05-01" in sides
    assert sides.count("I-2026-0003") == 2
    assert "A-3" in sides


def test_findings_and_alarms_are_acknowledged_together(keeper: Client) -> None:
    differing()
    made = shop("berlin-2", "B")
    address = "/ledger/findings/acknowledge/?tenant=berlin&all=1&month=2026-03"
    assert 'name="count" value="1"' in keeper.get(address).content.decode()
    keeper.post(address, {"reason": "entered late", "count": "1"})
    keeper.post("/ledger/findings/acknowledge/?tenant=berlin&all=1", {"reason": "by hand", "count": "2"})
    said = FindingAcknowledged.objects.values_list("finding__number", "reason")
    assert set(said) == {("I-2026-0001", "entered late"), ("I-2026-0002", "by hand"), ("I-2026-0003", "by hand")}
    assert FindingRaised.objects.filter(tenant="berlin-2", acknowledgements=None).exists(), "another tenant's"
    facts = {"problem": "p", "remedy": "r", "kind": "document-text", "series": "invoice"}
    mine = [AlarmRaised.objects.create(tenant="berlin-2", subject=f"{n}" * 64, **facts) for n in (1, 2)]
    keeper.post("/ledger/alarms/acknowledge/?tenant=berlin-2&all=1", {"reason": "printed so", "count": "2"})
    assert set(AlarmAcknowledged.objects.values_list("alarm", flat=True)) == {made.alarm.pk, *(one.pk for one in mine)}


def test_who_may_not_is_told_what_it_takes() -> None:
    clerk = client("clerk", "view_entry")
    shop("berlin", "B")
    assert "ledger.explain_gap" in clerk.get("/ledger/gaps/explain/").content.decode()
    assert "ledger.view_sweeprun" in clerk.get("/ledger/workers/").content.decode()
    nobody = client("nobody").get("/ledger/").content.decode()
    assert "ledger.view_entry" in nobody
    assert "access to a tenant" in nobody


@pytest.mark.django_db(transaction=True)
class TestPeriodAndExport:
    """The page of a period and its own export say the same sentence, of all dates and of some."""

    @staticmethod
    def told(reader: Client, period: Period, **query: str) -> tuple[str, str]:
        page = reader.get(f"/ledger/period/{period.pk}/", query).content.decode()
        sentence = page.partition('<p class="told">')[2].partition("</p>")[0]
        answer: Any = reader.get(f"/ledger/period/{period.pk}/export/json/", query)
        report = json.loads(b"".join(answer.streaming_content))
        answer.close()
        return sentence, report["sentence"]

    def test_where_slots_are_minted_ahead(self) -> None:
        till = pooled(org="berlin")
        for value in (1, 2, 5):
            take(till, value)
        page, export = self.told(client("reader", "view_entry"), till)
        assert page == export
        assert page == "5 numbers: 3 valid, 0 void, 0 missing, 2 in progress."

    @pytest.mark.parametrize("query", [{}, {"month": "2026-03"}, {"since": "2026-03-04", "until": "2026-03-08"}])
    def test_with_voids_gaps_and_dates(self, query: dict[str, str]) -> None:
        made = shop("berlin", "B")
        page, export = self.told(client("reader", "view_entry"), made.period, **query)
        assert export in page
        if "since" not in query:
            assert "10 numbers: 7 valid, 1 void, 2 missing (1 to explain)." in page

    def test_dates_outside_the_period_are_told(self) -> None:
        made = shop("berlin", "B")
        answer = client("reader", "view_entry").get(
            f"/ledger/period/{made.period.pk}/export/csv/", {"month": "2030-01"}, follow=True
        )
        assert 'role="status"' in answer.content.decode()
