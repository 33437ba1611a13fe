"""The live preview of a series' next number."""

import json
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from ledger import define_series, issue, open_period
from ledger.models import Entry
from tests.integration.admin_pages import SETTINGS, staff, text, url

pytestmark = pytest.mark.django_db


def preview(client: Client, **change: Any) -> dict[str, Any]:
    response = client.get(url("series", "preview"), SETTINGS | change)
    assert response.status_code == 200
    answer: dict[str, Any] = json.loads(response.content)
    return answer


def test_the_preview_shows_today_and_the_next_period(root: Client) -> None:
    year = timezone.now().year
    lines = preview(root, template="R{fy_start}/{fy_end}-{counter:04}", time_zone="UTC", start_value=7)["lines"]
    assert [line["number"] for line in lines] == [f"R{year}/{year}-0007", f"R{year + 1}/{year + 1}-0007"]
    assert lines[1]["label"] == f"From {year + 1}-01-01"


def test_the_preview_works_before_the_code_is_typed(root: Client) -> None:
    assert len(preview(root, code="", template="{series}-{year}-{counter}")["lines"]) == 2
    assert preview(root, template="") == {"lines": [], "refusals": []}


def test_the_preview_of_a_counter_that_never_starts_anew(root: Client) -> None:
    (line,) = preview(root, calendar="never", template="TKT-{counter:06}")["lines"]
    assert line["number"] == "TKT-000001"


def test_the_preview_of_explicit_periods_says_so(root: Client) -> None:
    (line,) = preview(root, calendar="explicit", template="X-{year}{month}{day}-{counter}")["lines"]
    assert "if somebody opens a period" in line["note"]


def test_the_preview_says_why_a_template_is_refused(root: Client) -> None:
    (refusal,) = preview(root, template="INV-{counter:06}")["refusals"]
    assert "two periods would render the same number" in refusal
    assert "INV-{year}-{counter:06}" in refusal
    (refusal,) = preview(root, start_value="many")["refusals"]
    assert refusal.startswith("Start value: ")
    (refusal,) = preview(root, is_active="")["lines"][:1]
    assert "switched off" in refusal["note"]


def test_the_preview_of_an_opened_period_keeps_its_template(root: Client) -> None:
    year = timezone.now().year
    series = define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    issue("invoice")
    lines = preview(root, series=series.pk, template="NEW-{year}-{counter:06}", time_zone="UTC")["lines"]
    assert [line["number"] for line in lines] == [f"INV-{year}-000002", f"NEW-{year + 1}-000001"]
    assert "keeps the template" in lines[0]["note"]
    series.refresh_from_db()
    assert series.template == "INV-{year}-{counter:06}", "a preview saves nothing"


def test_the_preview_of_a_period_that_is_still_empty_shows_what_saving_would_make(root: Client) -> None:
    year = timezone.now().year
    series = define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    open_period(series), open_period(series, date(year + 1, 1, 1), first_value=7)
    change = {"template": "NEW-{year}-{counter:06}", "time_zone": "UTC", "start_value": 3}
    lines = preview(root, series=series.pk, **change)["lines"]
    assert [line["number"] for line in lines] == [f"NEW-{year}-000003", f"NEW-{year + 1}-000007"]
    define_series("invoice", template="NEW-{year}-{counter:06}", start_value=3)
    assert [str(issue("invoice", on=date(each, 1, 1))) for each in (year, year + 1)] == [
        line["number"] for line in lines
    ]


def test_the_preview_refuses_what_saving_would(root: Client, invoices: list[Entry]) -> None:
    (refusal,) = preview(
        root,
        series=invoices[0].series_id,
        calendar="month",
        template="INV-{year}{month}-{counter}",
        time_zone="nowhere",
    )["refusals"]
    assert "nowhere" in refusal


def test_the_preview_is_for_those_who_may_save(client: Client, invoices: list[Entry]) -> None:
    address = url("series", "preview")
    assert client.get(address, SETTINGS).status_code == 302
    adder = staff("add_series", "view_entry")
    assert adder.get(address, SETTINGS).status_code == 200
    assert adder.get(address, {**SETTINGS, "series": invoices[0].series_id}).status_code == 403
    assert adder.post(address, SETTINGS).status_code == 405
    User.objects.all().delete()
    changer = staff("change_series")
    assert changer.get(address, SETTINGS).status_code == 403
    assert changer.get(address, {**SETTINGS, "series": invoices[0].series_id}).status_code == 200
    assert changer.get(address, {**SETTINGS, "series": 10**9}).status_code == 404
    assert changer.get(address, {**SETTINGS, "series": "x"}).status_code == 404
    User.objects.all().delete()
    assert staff("view_series").get(address, SETTINGS).status_code == 403


def test_the_page_has_the_preview_without_a_script(root: Client, invoices: list[Entry]) -> None:
    assert "Type a template" in text(root, url("series", "add"))
    page = text(root, url("series", "change", invoices[0].series_id))
    assert 'aria-live="polite"' in page
    assert "INV-2" in page.split('id="ledger-preview"')[1].split("</div>")[0]
    refused = root.post(url("series", "add"), {**SETTINGS, "code": "x", "template": "X-{counter}"})
    box = refused.content.decode().split('id="ledger-preview"')[1].split("</div>")[0]
    assert "two periods would render the same number" in box
