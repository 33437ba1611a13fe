"""What waits, in the admin: free slots, reservations and reported holes; and the evidence of gaps."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger import define_series, issue
from ledger.models import Entry, HoleReported, Series
from tests.allocations import ALL
from tests.drafts import remote_series, stock
from tests.integration.admin_pages import SETTINGS, text, url
from tests.integration.queues import DAY, pooled, reserve, reserving, take

pytestmark = pytest.mark.django_db


def flag(entry_period: int, value: int, *, lost: bool = False) -> Entry:
    claim = "SELECT ledger_claim_gap('', %s, %s, 'not committed', 'sweep', %s)"
    with connection.cursor() as cursor:
        cursor.execute(claim, [entry_period, value, lost])
        assert cursor.fetchone() == ("flagged",)
    return Entry.objects.get(period=entry_period, value=value)


# The settings of a series ----------------------------------------------------------------------------------


@pytest.mark.parametrize("allocation", ALL)
def test_a_series_is_made_with_each_allocation(root: Client, allocation: str) -> None:
    page = text(root, url("series", "add"))
    assert "ledger_series allocate" in page
    assert "may go to a later document" in page
    response = root.post(url("series", "add"), {**SETTINGS, "allocation": allocation, "give_back": ""})
    assert response.status_code == 302, response.context["adminform"].form.errors
    made = Series.objects.get()
    assert (made.allocation, made.give_back) == (allocation, False)
    assert str(issue("invoice", on=date(2026, 1, 1))) == "INV-2026-000001"


def test_a_pool_without_order_is_refused(root: Client) -> None:
    response = root.post(url("series", "add"), {**SETTINGS, "allocation": "pooled", "chronological": "on"})
    assert "can&#x27;t have the chronology guard" in response.content.decode()
    assert not Series.objects.exists()


def test_the_allocation_of_a_series_in_use_stays(root: Client) -> None:
    series = pooled("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin").series
    response = root.post(url("series", "change", series.pk), {**SETTINGS, "allocation": "reserved"})
    assert response.status_code == 200
    assert "ledger_series allocate" in response.content.decode()
    series.refresh_from_db()
    assert series.allocation == "pooled"


def test_the_list_shows_the_lowest_slot_as_the_next_number(root: Client, django_assert_num_queries: Any) -> None:
    today = timezone.now().date()
    year = today.year
    give, keep = pooled("give", day=today), pooled("keep", day=today, give_back=False)
    end = pooled("end", day=today, start_value=9, max_length=7)
    for period in (give, keep):
        take(period, 3, on=today)
    take(end, 9, on=today)
    with CaptureQueriesContext(connection) as few:
        page = text(root, url("series"))
    assert f"G{year}-1" in page
    assert f"K{year}-4" in page
    assert f"none: The next number of series &#x27;end&#x27; would be &#x27;E{year}-10&#x27;" in page
    for n in range(20):
        pooled(f"{n}-more", day=today, template=f"M{n}-{{year}}-{{counter}}")
    with django_assert_num_queries(len(few)):
        text(root, url("series"))


def test_the_list_is_filtered_by_allocation(root: Client) -> None:
    pooled()
    define_series("invoice", template="INV-{year}-{counter}")
    page = text(root, url("series"), allocation__exact="pooled")
    assert "T{year}-{counter}" in page
    assert "INV-{year}-{counter}" not in page


# Periods ---------------------------------------------------------------------------------------------------


def test_a_period_tells_what_waits_in_it(root: Client, django_assert_num_queries: Any) -> None:
    till, shown = pooled(), reserving()
    take(till, 2)
    reserve(shown)
    issue("shown", on=DAY)
    reserve(shown)
    with CaptureQueriesContext(connection) as few:
        page = text(root, url("period"))
    count = len(few)
    assert "15 free" in page
    assert f'<a href="/admin/ledger/reservation/?period={shown.pk}">2 reserved</a>' in page
    assert "T2026-1<" in page
    assert "S2026-4<" in page
    assert "15 free" in text(root, url("period", "change", till.pk))
    assert "2 reserved" in text(root, url("period", "change", shown.pk))
    for year in range(2027, 2040):
        take(pooled(day=date(year, 1, 1)), 1, on=date(year, 1, 1))
    with django_assert_num_queries(count):
        text(root, url("period"))


# Reservations and holes ------------------------------------------------------------------------------------


def test_reservations_are_listed_with_their_numbers(root: Client) -> None:
    shown = reserving()
    reserve(shown, "order:1")
    reserve(reserving(org="shop"), "order:2")
    reserve(reserving("other"), "order:3")
    page = text(root, url("reservation"))
    assert page.count("S2026-1<") == 2
    assert "O2026-1<" in page
    for query, documents in (
        ({"tenant": "shop"}, {"order:2"}),
        ({"series": shown.series_id}, {"order:1"}),
        ({"period": shown.pk}, {"order:1"}),
        ({"q": "order:3"}, {"order:3"}),
    ):
        listed = text(root, url("reservation"), **query).split('id="result_list"')[1]
        assert {f"order:{n}" for n in (1, 2, 3) if f"order:{n}<" in listed} == documents


def test_a_reported_hole_tells_what_became_of_it(root: Client) -> None:
    till = pooled(give_back=False)
    for value in (2, 4, 6):
        take(till, value)
    for value in (1, 3, 5):
        HoleReported.objects.create(tenant="", period=till, value=value)
    healed, gap = take(till, 1), flag(till.pk, 3)
    listed = text(root, url("holereported")).split('id="result_list"')[1]
    for number, told in (("T2026-1", "healed"), ("T2026-3", "a gap"), ("T2026-5", "not healed yet")):
        row = listed.split(f"{number}<")[1].split("</tr>")[0]
        assert told in row
    assert f'<a href="{url("entry", "change", healed.pk)}">healed</a>' in listed
    assert f'<a href="{url("entry", "change", gap.pk)}">a gap</a>' in listed
    assert "T2026-1<" in text(root, url("holereported"), series=till.series_id)
    assert "T2026-1<" in text(root, url("holereported"), period=till.pk)
    assert "T2026-1<" not in text(root, url("holereported"), series=10**9)


# Evidence --------------------------------------------------------------------------------------------------


def test_the_evidence_of_a_gap_is_told_in_words(root: Client) -> None:
    evil = "<script>alert(1)</script>"
    reservation = reserve(reserving(), evil)
    gap = flag(reservation.period_id, reservation.value)
    page = text(root, url("entry", "change", gap.pk))
    evidence = page.split('<dl class="ledger-evidence">', 1)[1]
    for told in (
        "<dt>cause</dt><dd>not committed</dd>",
        "<dt>reserved at</dt><dd>20",
        f"<dt>transaction</dt><dd>{reservation.checkout_transaction_id}</dd>",
        "<dt>actor</dt><dd>checkout</dd>",
        "&lt;script&gt;",
    ):
        assert told in evidence
    assert evil not in page


def test_evidence_of_any_shape_is_shown(root: Client) -> None:
    from ledger.templatetags.ledger_pages import evidence as shown_evidence

    assert shown_evidence({}) == ""
    assert "<dt>seen at</dt><dd>yesterday</dd>" in shown_evidence({"seen_at": "yesterday"})
    assert "<dd>99</dd>" in shown_evidence({"seen_at": 99})
    assert "<dd>2026-13-45T00:00:00Z</dd>" in shown_evidence({"seen_at": "2026-13-45T00:00:00Z"})
    assert "<dd>[&quot;é&quot;, true]</dd>" in shown_evidence({"odd": ["é", True]})
    assert shown_evidence({"nothing": None, "empty": ""}).count("<dd>–</dd>") == 2


# Drafts of accounting systems ------------------------------------------------------------------------------


def test_a_remote_series_is_made_and_shown(root: Client) -> None:
    response = root.post(url("series", "add"), {**SETTINGS, "allocation": "remote", "give_back": "on"})
    assert "names no accounting system" in response.content.decode()
    made = {**SETTINGS, "allocation": "remote", "give_back": "on", "system": "books"}
    assert root.post(url("series", "add"), made).status_code == 302
    series = Series.objects.get()
    assert (series.allocation, series.system) == ("remote", "books")
    assert "none: The series &#x27;invoice&#x27; has no number left" in text(root, url("series"))


def test_drafts_and_their_pools_are_listed(root: Client) -> None:
    today = timezone.now().date()
    series = remote_series()
    period = stock(series, ["B-9", "a/7", "Ж 3"], day=today)
    entry = issue("invoice", on=today)
    gap = flag(period.pk, 2, lost=True)
    listed = text(root, url("draftmade")).split('id="result_list"')[1]
    for number, told in (("B-9", "issued"), ("a/7", "a gap"), ("Ж 3", "free, or held by a checkout")):
        row = listed.split(f"{number}<")[1].split("</tr>")[0]
        assert told in row
    assert f'<a href="{url("entry", "change", entry.pk)}">issued</a>' in listed
    assert (gap.number, str(entry)) == ("a/7", "B-9")
    assert "id of a/7" in text(root, url("entry", "change", gap.pk)), "the draft is evidence of its gap"
    assert "Ж 3" in text(root, url("series"))
    assert "Ж 3" in text(root, url("period"))
    assert "books" in text(root, url("remotepool"))
    issue("invoice", on=today)
    assert "none: its pool of drafts is empty" in text(root, url("period"))
