"""The ledger in the admin: states, filters, order, search, and the page of an entry."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger import define_series, issue, issue_many, void
from ledger.admin.base import BoundedPaginator
from ledger.models import Entry
from tests.integration.admin_pages import adopt, flag_gap, numbers, text, url

pytestmark = pytest.mark.django_db


def test_the_state_is_folded_from_the_events(root: Client, invoices: list[Entry]) -> None:
    void(invoices[1], reason="payment reversed")
    gap = flag_gap()
    adopted = adopt("C536379", 536379)
    states = {e.number: root_state(root, e) for e in (*invoices, gap, adopted)}
    assert list(states.values()) == ["issued", "void", "issued", "gap", "adopted"]
    assert numbers(root, state="void") == [invoices[1].number]
    assert numbers(root, state="gap") == [gap.number]
    assert numbers(root, state="adopted") == ["C536379"]
    assert numbers(root, state="issued") == [invoices[2].number, invoices[0].number]


def root_state(client: Client, entry: Entry) -> str:
    page = text(client, url("entry", "change", entry.pk))
    return page.split('class="ledger-state ledger-')[1].split('"')[0]


def test_the_filters_narrow_by_tenant_series_and_period(root: Client, invoices: list[Entry]) -> None:
    define_series("invoice", org="shop", template="S-{year}-{counter}")
    define_series("receipt", org="shop", template="R-{year}-{counter}")
    other = issue("invoice", org="shop", on=date(2026, 1, 1))
    later = issue("invoice", org="shop", on=date(2027, 1, 1))
    receipt = issue("receipt", org="shop", on=date(2026, 1, 1))
    mine = [entry.number for entry in reversed(invoices)]
    assert numbers(root, tenant="") == mine
    assert set(numbers(root, tenant="shop")) == {"S-2026-1", "S-2027-1", "R-2026-1"}
    assert numbers(root, series=receipt.series_id) == ["R-2026-1"]
    assert set(numbers(root, series=other.series_id)) == {"S-2026-1", "S-2027-1"}
    assert numbers(root, series=other.series_id, period=later.period_id) == ["S-2027-1"]
    assert numbers(root, period=invoices[0].period_id) == mine
    assert "2027-01-01 to 2027-12-31" in text(root, url("entry"), series=other.series_id)
    for nonsense in ("x", "99999999999999999999999", "-1", "0"):
        assert numbers(root, series=nonsense) == []
        assert numbers(root, period=nonsense) == []


def test_numbers_sort_by_value(root: Client) -> None:
    define_series("invoice", template="INV-{year}-{counter}", start_value=9)
    for _ in range(3):
        issue("invoice", on=date(2026, 1, 1))
    latest_first = ["INV-2026-11", "INV-2026-10", "INV-2026-9"]
    assert numbers(root) == latest_first
    assert numbers(root, o="1") == latest_first[::-1]
    assert numbers(root, o="-1") == latest_first
    assert numbers(root, o="nonsense")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("INV-2026-000002", [2]),
        ("inv-2026-000002", [2]),
        (" INV-2026-000002 ", [2]),
        ("order:3", [3]),
        ("INV-2026-00000", [3, 2, 1]),
        ("inv", [3, 2, 1]),
        ("INV-2026-", [3, 2, 1]),
        ("INV-2026-000003X", []),
        ("INV-2026-1", []),
        ("NV-2026", []),
        ("order", []),
        ("%", []),
        ("_NV", []),
        ("\\", []),
        ("INV-2026-" + "9" * 40, []),
        ("٣", []),
    ],
)
def test_search(root: Client, invoices: list[Entry], typed: str, found: list[int]) -> None:
    assert numbers(root, q=typed) == [f"INV-2026-{n:06}" for n in found]


def test_search_finds_adopted_numbers_out_of_format(root: Client, invoices: list[Entry]) -> None:
    for number, value in (("C536379", 536379), ("A563185", 563185), ("536380", 536380)):
        adopt(number, value, document=f"customer {number}")
    assert numbers(root, q="c536379") == ["C536379"]
    assert numbers(root, q="C5363") == ["C536379"]
    assert numbers(root, q="5363") == ["536380"]
    assert numbers(root, q="A5") == ["A563185"]
    assert numbers(root, q="customer A563185") == ["A563185"]


def test_search_reaches_a_counter_that_outgrew_its_width(root: Client) -> None:
    define_series("invoice", template="{counter:02}/{year}", start_value=99)
    for _ in range(3):
        issue("invoice", on=date(2026, 1, 1))
    assert numbers(root, q="10") == ["101/2026", "100/2026"]
    assert numbers(root, q="100/2") == ["100/2026"]
    assert numbers(root, q="9") == ["99/2026"]
    assert numbers(root, q="09") == []


def test_search_stays_within_the_filters(root: Client, invoices: list[Entry]) -> None:
    define_series("invoice", org="shop", template="INV-{year}-{counter:06}")
    issue("invoice", org="shop", on=date(2026, 1, 1))
    assert len(numbers(root, q="INV-2026-000001")) == 2
    assert len(numbers(root, q="INV-2026-000001", tenant="shop")) == 1


def test_search_uses_the_indexes(invoices: list[Entry]) -> None:
    from ledger.searching import find_entries

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as queries:
        find_entries("INV-2026-000001")
    for name, query in zip(("ledger_entry_number", "ledger_entry_document"), queries.captured_queries, strict=True):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + query["sql"])
            assert name in str(cursor.fetchall())
    issue_many("invoice", documents=[f"bulk:{n}" for n in range(3000)], on=date(2026, 3, 4))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_entry")
    plan = Entry.objects.filter(find_entries("INV-2026-0000")).explain()
    assert "ledger_entry_value" in plan


def test_a_big_ledger_is_not_counted(root: Client, invoices: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "limit", 2)
    with CaptureQueriesContext(connection) as queries:
        page = text(root, url("entry"))
    assert "More than 2 entries" in page
    counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts if "ledger_entry" in sql)
    assert "2 results" not in text(root, url("entry"), q="INV-2026-0")


def test_the_detail_shows_everything(root: Client, invoices: list[Entry]) -> None:
    entry = issue("invoice", on=date(2026, 4, 1), by="checkout", metadata={"channel": "wéb"})
    void(entry, reason="typed twice", by="maria", replacement="order:9")
    page = text(root, url("entry", "change", entry.pk))
    for shown in (str(entry.transaction_id), "checkout", "wéb", "typed twice", "maria", "order:9", "April 1, 2026"):
        assert shown in page
