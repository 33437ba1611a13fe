"""Periods in the admin, and closing them, which can't be undone."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.test import Client

from ledger import close_period, define_series, issue
from ledger.models import Entry, Period
from tests.integration.admin_pages import numbers, staff, text, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask_close() -> Callable[..., str]:
    def ask(client: Client, periods: Any, **said: Any) -> str:
        chosen = {"action": "close_selected", ACTION_CHECKBOX_NAME: [period.pk for period in periods]}
        return str(client.post(url("period"), chosen | said, follow=True).content.decode())

    return ask


def test_a_period_is_closed_after_a_question(root: Client, ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    period = issue("invoice", on=date(2020, 1, 1)).period
    assert "never opens again" in ask_close(root, [period])
    period.refresh_from_db()
    assert not Period.objects.filter(closed_at__isnull=False).exists()
    assert "Closed: invoice 2020-01-01 to 2020-12-31." in ask_close(root, [period], confirmed="yes")
    period.refresh_from_db()
    assert period.closed_at is not None
    assert "closed" in text(root, url("period"), state="closed")
    assert numbers(root, period=period.pk) == ["INV-2020-000001"]


def test_a_running_period_is_closed_on_purpose_only(root: Client, ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    old, running = issue("invoice", on=date(2020, 1, 1)).period, issue("invoice").period
    assert "still runs" in ask_close(root, [old, running], confirmed="yes")
    assert not Period.objects.filter(closed_at__isnull=False).exists(), "all or nothing"
    ask_close(root, [old, running], confirmed="yes", early="on")
    assert Period.objects.filter(closed_at__isnull=False).count() == 2


def test_closing_needs_its_permission(ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    period = issue("invoice", on=date(2020, 1, 1)).period
    reader = staff("view_period")
    assert "close_selected" not in text(reader, url("period"))
    ask_close(reader, [period], confirmed="yes")
    assert not Period.objects.filter(closed_at__isnull=False).exists()
    User.objects.all().delete()
    ask_close(staff("view_period", "close_period_now"), [period], confirmed="yes")
    assert Period.objects.filter(closed_at__isnull=False).exists()


def test_the_list_of_periods_shows_counter_and_state(root: Client, invoices: list[Entry]) -> None:
    define_series("month", template="M-{year}{month}-{counter}", calendar="month")
    close_period(issue("month", on=date(2020, 1, 1)).period)
    page = text(root, url("period"))
    assert "INV-2026-000004" in page
    assert f"?period={invoices[0].period_id}" in page
    assert "2020-01-01 to 2020-01-31" in text(root, url("period"), state="closed")
    assert "2020-01-01 to 2020-01-31" not in text(root, url("period"), state="open")
    issue("ticket")
    assert "for ever" in text(root, url("period"))
