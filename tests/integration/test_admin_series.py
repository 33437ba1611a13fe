"""Series in the admin: what is refused, what stays, and the list with its next numbers."""

from datetime import date
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger import define_series, issue
from ledger.calendars import zone
from ledger.models import Entry, Period, Series
from tests.integration.admin_pages import SETTINGS, text, url

pytestmark = pytest.mark.django_db


def test_a_series_is_made_in_the_admin(root: Client) -> None:
    response = root.post(url("series", "add"), SETTINGS)
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert str(issue("invoice", on=date(2026, 1, 1))) == "INV-2026-000001"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"template": "INV-{counter:06}"}, "template", "two periods would render the same number"),
        ({"template": "INV-{year}"}, "template", "INV-{year}-{counter:06}"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "The time zone &#x27;Mars/Olympus&#x27; is unknown"),
        ({"calendar": "fiscal-year", "fiscal_start": "02-29"}, "fiscal_start", "can&#x27;t start on 02-29"),
        ({"start_value": -1}, "start_value", "is negative"),
        ({"max_length": 200}, "max_length", "The length limit 200 is out of range"),
        ({"tenant": "a\u202eb"}, "tenant", "holds U+202E"),
        ({"code": "a\u202eb"}, None, "holds U+202E"),
        ({"template": "inv-{year}-{counter:06}"}, None, "has the template"),
        ({"code": "invoice"}, None, "already exists"),
    ],
)
def test_a_series_that_can_not_work_is_refused(
    root: Client, change: dict[str, Any], field: str | None, reason: str
) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    fine = {**SETTINGS, "code": "other", "template": "X-{year}-{counter:06}"}
    response = root.post(url("series", "add"), fine | change)
    assert response.status_code == 200
    assert Series.objects.count() == 1
    form = response.context["adminform"].form
    if field:
        assert field in form.errors
    assert reason in response.content.decode()


def test_a_zone_that_postgresql_does_not_know_is_refused(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python and the server have their own copies of the time zone database, and one may lag behind.
    monkeypatch.setattr("ledger.calendars.available_timezones", lambda: {"Mars/Olympus"})
    monkeypatch.setattr("ledger.calendars.ZoneInfo", lambda name: name)
    try:
        response = root.post(url("series", "add"), {**SETTINGS, "time_zone": "Mars/Olympus"})
    finally:
        zone.cache_clear()
    assert response.status_code == 200
    assert "PostgreSQL does not know the time zone" in response.content.decode()


def test_a_calendar_may_not_overlap_an_opened_period(root: Client, invoices: list[Entry]) -> None:
    series = invoices[0].series
    change = {**SETTINGS, "calendar": "fiscal-year", "fiscal_start": "04-01", "template": "INV-{fy_start}-{counter:06}"}
    response = root.post(url("series", "change", series.pk), change)
    assert response.status_code == 200
    assert "overlaps 2026-01-01 to 2026-12-31" in response.content.decode()
    series.refresh_from_db()
    assert series.calendar == "year"


def test_tenant_and_code_stay(root: Client, invoices: list[Entry]) -> None:
    series = invoices[0].series
    page = text(root, url("series", "change", series.pk))
    assert 'name="code"' not in page
    assert 'name="template"' in page
    response = root.post(url("series", "change", series.pk), {**SETTINGS, "code": "other", "max_length": 50})
    assert response.status_code == 302
    series.refresh_from_db()
    assert (series.code, series.max_length) == ("invoice", 50)
    assert 'name="code"' in text(root, url("series", "add"))


def test_a_series_stays_with_its_history(root: Client, invoices: list[Entry]) -> None:
    assert root.post(url("series", "delete", invoices[0].series_id), {"post": "yes"}).status_code == 403
    root.post(url("series"), {"action": "delete_selected", ACTION_CHECKBOX_NAME: invoices[0].series_id, "post": "yes"})
    assert Series.objects.filter(pk=invoices[0].series_id).exists()
    fresh = define_series("receipt", template="R-{year}-{counter}")
    assert root.post(url("series", "delete", fresh.pk), {"post": "yes"}).status_code == 403
    assert Series.objects.filter(pk=fresh.pk).exists()


def test_switching_the_chronology_guard_on_tells_the_counters(root: Client, invoices: list[Entry]) -> None:
    response = root.post(url("series", "change", invoices[0].series_id), {**SETTINGS, "chronological": "on"})
    assert response.status_code == 302
    assert Period.objects.get().last_issued_on == date(2026, 3, 3)


def test_the_list_shows_the_next_number(root: Client, django_assert_num_queries: Any) -> None:
    year = timezone.now().year
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    define_series("asleep", template="A-{year}-{counter}", is_active=False)
    define_series("manual", template="M-{year}-{counter}", calendar="explicit")
    assert f"INV-{year}-000001" in text(root, url("series"))
    issue("invoice")
    with CaptureQueriesContext(connection) as few:
        page = text(root, url("series"))
    assert f"INV-{year}-000002" in page
    assert "is switched off" in page
    assert "none: No period of series" in page
    for n in range(20):
        define_series(f"more-{n}", template=f"M{n}-{{year}}-{{counter}}")
    with django_assert_num_queries(len(few)):
        text(root, url("series"))
