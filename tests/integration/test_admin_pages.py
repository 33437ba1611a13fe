"""The admin on a real PostgreSQL: every page opens, to those who may, and shows text as text."""

from datetime import date
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger import define_series, issue, void
from ledger.actions import declare
from ledger.gaps import GapRange
from ledger.models import AdoptedGap, Adoption, Entry, GapExplained, HoleReported, RemoteDocument, RemoteReading
from tests.integration.admin_pages import EVENTS, MODELS, adopt, flag_gap, staff, text, url
from tests.integration.queues import reserve, reserving

pytestmark = pytest.mark.django_db


def test_every_page_opens(root: Client, invoices: list[Entry]) -> None:
    void(invoices[0], reason="payment reversed", by="maria")
    gap = flag_gap()
    adopt("C536379", 536379)
    adoption = Adoption.objects.get()
    AdoptedGap.objects.create(tenant="", adoption=adoption, period=gap.period, first_value=10, last_value=12)
    GapExplained.objects.create(tenant="", entry=gap, explanation="power cut")
    (declared,) = declare([GapRange(gap.period, gap.value, gap.value)], authority="BR NF-e", reference="135")
    reservation = reserve(reserving())
    rows = {
        "series": gap.series,
        "period": gap.period,
        "entry": gap,
        "reservation": reservation,
        "holereported": HoleReported.objects.create(tenant="", period=gap.period, value=1),
        "adoption": adoption,
        "remotedocument": RemoteDocument.objects.create(system="books", remote_id="1", state="posted", seen_in=1),
        "remotereading": RemoteReading.objects.create(system="books"),
        "gapdeclared": declared,
    }
    assert set(rows) == set(MODELS)
    for model, row in rows.items():
        text(root, url(model))
        text(root, url(model, "change", row.pk))
    page = text(root, url("entry", "change", gap.pk))
    assert f"/ledger/period/{gap.period_id}/{gap.value}/" in page, "the way to its own page"
    assert "power cut" in page
    assert f'{url("gapdeclared", "change", declared.pk)}">Declared to BR NF-e</a>' in page
    assert "<dd>135</dd>" in page
    page = text(root, url("entry", "change", Entry.objects.get(kind="adopted").pk))
    assert f'{url("adoption", "change", adoption.pk)}">History taken over</a>' in page
    assert "old.csv" in page


def test_the_ledger_and_its_counters_are_read_only(root: Client, invoices: list[Entry]) -> None:
    rows = {
        "entry": invoices[0],
        "period": invoices[0].period,
        "reservation": reserve(reserving()),
        "holereported": HoleReported.objects.create(tenant="", period=invoices[0].period, value=1),
        "remotedocument": RemoteDocument.objects.create(system="books", remote_id="1", state="posted", seen_in=1),
        "remotereading": RemoteReading.objects.create(system="books"),
    }
    for model, row in rows.items():
        assert root.get(url(model, "add")).status_code == 403
        assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert root.post(url(model, "change", row.pk), {"tenant": "other"}).status_code == 403
        page = text(root, url(model, "change", row.pk))
        assert 'name="_save"' not in page
        assert "delete_selected" not in text(root, url(model))
    for model in EVENTS:
        assert root.get(url(model, "add")).status_code == 403


def test_a_page_needs_its_own_permission(client: Client, invoices: list[Entry]) -> None:
    assert client.get(url("entry")).status_code == 302, "anonymous visitors are sent to the login"
    reader = staff("view_entry")
    assert reader.get(url("entry")).status_code == 200
    for model in set(MODELS) - {"entry"}:
        assert reader.get(url(model)).status_code == 403, model


def test_names_are_text_and_never_markup(root: Client) -> None:
    evil = "<script>alert(1)</script>"
    series = define_series(evil, org=evil, template="{series}-{year}-{counter}", max_length=100)
    entry = issue(evil, org=evil, document=evil, by=evil, metadata={"a": evil})
    void(entry, reason=evil, by=evil, replacement=evil)
    pages = [url("series"), url("period"), url("entry")]
    pages += [url("series", "change", series.pk), url("entry", "change", entry.pk)]
    for page in pages:
        shown = text(root, page)
        assert evil not in shown, page
        assert "&lt;script&gt;" in shown, page
    query = {"action": "void_selected", ACTION_CHECKBOX_NAME: entry.pk, "confirmed": "yes", "reason": "again"}
    asked = root.post(url("entry"), query).content.decode()
    assert "&lt;script&gt;" in asked
    assert evil not in asked


def test_the_number_of_queries_does_not_grow(root: Client, django_assert_num_queries: Any) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    first = issue("invoice", on=date(2020, 1, 1))
    void(first, reason="test")
    reserve(reserving(day=date(2020, 1, 1)))
    pages = [url("entry"), url("period"), url("reservation")]
    root.get(pages[0])
    counts = []
    for page in pages:
        with CaptureQueriesContext(connection) as few:
            root.get(page)
        counts.append(len(few))
    for year in range(2021, 2036):
        void(issue("invoice", on=date(year, 1, 1)), reason="test")
        reserve(reserving(day=date(year, 1, 1)))
    for page, count in zip(pages, counts, strict=True):
        with django_assert_num_queries(count):
            root.get(page)
