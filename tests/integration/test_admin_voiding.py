"""Voiding numbers in the admin, which can't be undone."""

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.test import Client

from ledger import void
from ledger.models import Entry, NumberVoided
from tests.integration.admin_pages import flag_gap, staff, text, url

pytestmark = pytest.mark.django_db


def ask_void(client: Client, entries: list[Entry], **said: Any) -> Any:
    chosen = {"action": "void_selected", ACTION_CHECKBOX_NAME: [entry.pk for entry in entries]}
    return client.post(url("entry"), chosen | said, follow=True)


def test_numbers_are_voided_with_a_reason(root: Client, invoices: list[Entry]) -> None:
    asked = ask_void(root, invoices[:2])
    assert "Void numbers" in asked.content.decode()
    assert not NumberVoided.objects.exists()
    for nothing in ("", "   "):
        refused = ask_void(root, invoices[:2], confirmed="yes", reason=nothing)
        assert "This field is required." in refused.content.decode()
    assert not NumberVoided.objects.exists()
    done = ask_void(root, invoices[:2], confirmed="yes", reason="payment reversed")
    assert "Void: INV-2026-000001, INV-2026-000002." in done.content.decode()
    events = NumberVoided.objects.order_by("entry")
    assert [(e.entry.number, e.reason, e.actor) for e in events] == [
        ("INV-2026-000001", "payment reversed", "admin"),
        ("INV-2026-000002", "payment reversed", "admin"),
    ]


def test_one_number_may_name_its_replacement(root: Client, invoices: list[Entry]) -> None:
    ask_void(root, invoices[:1], confirmed="yes", reason="typed wrong", replacement="INV-2026-000003")
    assert NumberVoided.objects.get().replacement == "INV-2026-000003"
    assert 'name="replacement"' not in ask_void(root, invoices[1:]).content.decode()
    refused = ask_void(root, invoices[1:2], confirmed="yes", reason="x", replacement="a\u202eb")
    assert "which nobody can see" in refused.content.decode()


def test_voiding_is_all_or_nothing_and_names_each_failure(root: Client, invoices: list[Entry]) -> None:
    void(invoices[0], reason="first")
    gap = flag_gap()
    page = ask_void(root, [*invoices, gap], confirmed="yes", reason="second").content.decode()
    assert "INV-2026-000001: The number &#x27;INV-2026-000001&#x27; is void" in page
    assert "INV-2026-000004: The value 4 of tenant" in page
    assert NumberVoided.objects.count() == 1


def test_too_many_numbers_at_once_are_refused(
    root: Client, invoices: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.admin.base.MOST", 2)
    page = ask_void(root, invoices, confirmed="yes", reason="all of them").content.decode()
    assert "More than 2 are selected" in page
    assert not NumberVoided.objects.exists()


def test_voiding_needs_its_permission(invoices: list[Entry]) -> None:
    reader = staff("view_entry")
    assert "void_selected" not in text(reader, url("entry"))
    ask_void(reader, invoices, confirmed="yes", reason="no right")
    assert not NumberVoided.objects.exists()
    User.objects.all().delete()
    ask_void(staff("view_entry", "void_number"), invoices[:1], confirmed="yes", reason="with right")
    assert NumberVoided.objects.get().actor == "maria"


def test_voiding_is_safe_from_forged_forms(invoices: list[Entry]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert ask_void(client, invoices, confirmed="yes", reason="forged").status_code == 403
    assert not NumberVoided.objects.exists()
