"""Invoices of django-plans under Folio. Run by ``test_own_suites.py`` in an environment with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from model_bakery import baker
from plans.models import BillingInfo, Invoice, Order, Plan

from ledger.errors import AdoptionError, InvalidSeries
from ledger.models import Entry
from ledger.verification import verify

pytestmark = pytest.mark.django_db

TYPES = Invoice.INVOICE_TYPES


@pytest.fixture
def order() -> Any:
    user = User.objects.create_user("ada")
    baker.make(BillingInfo, user=user, country="PL")
    made = baker.prepare(Order, user=user, plan=baker.make(Plan), amount=10, tax=23, completed=date(2026, 11, 3))
    return Order.objects.bulk_create([made])[0]  # without the signal that makes a proforma


def new(order: Any, kind: int, day: date = date(2026, 11, 3), **more: Any) -> Any:
    invoice = Invoice(issued=day, selling_date=day, payment_date=day, type=kind, **more)
    invoice.copy_from_order(order)
    invoice.set_issuer_invoice_data()
    invoice.set_buyer_invoice_data(BillingInfo.objects.get(user=order.user))
    invoice.clean()
    invoice.save()
    return invoice


def test_the_ledger_has_what_the_invoice_says(order: Any) -> None:
    kinds = (TYPES.INVOICE, TYPES.INVOICE, TYPES.PROFORMA, TYPES.CREDIT_NOTE)
    made = [new(order, kind) for kind in kinds] + [new(order, TYPES.INVOICE, date(2026, 12, 1))]
    assert [invoice.full_number for invoice in made] == [
        *("1/FV/11/2026", "2/FV/11/2026", "1/PF/11/2026", "1/KOR/11/2026", "1/FV/12/2026")
    ]
    assert [invoice.number for invoice in made] == [1, 2, 1, 1, 1]
    for invoice in made:
        entry = Entry.objects.get(document=f"plans.invoice:{invoice.pk}")
        assert (entry.number, entry.issued_on) == (invoice.full_number, invoice.issued)
    assert [alarm for alarm in verify() if alarm.check != "superuser"] == []


def test_saved_again_it_keeps_its_number(order: Any) -> None:
    invoice = new(order, TYPES.INVOICE)
    invoice.item_description = "another"
    invoice.save()
    assert Invoice.objects.get().full_number == "1/FV/11/2026"
    assert Entry.objects.count() == 1


def test_a_credit_note_needs_a_series(order: Any, settings: Any) -> None:
    settings.LEDGER_COMPAT = {}
    new(order, TYPES.INVOICE)
    with pytest.raises(InvalidSeries, match="gives the CREDIT_NOTE of 2026-11-03 the number of another invoice"):
        new(order, TYPES.CREDIT_NOTE)
    assert Invoice.objects.count() == Entry.objects.count() == 1


def test_invoices_from_before(order: Any) -> None:
    new(order, TYPES.INVOICE, number=7, full_number="7/FV/11/2026")
    with pytest.raises(AdoptionError, match="7/FV/11/2026"):
        new(order, TYPES.INVOICE)
    assert not Entry.objects.exists()


def test_it_counts_as_the_settings_say(order: Any, settings: Any) -> None:
    settings.PLANS_INVOICE_COUNTER_RESET = Invoice.NUMBERING.ANNUALLY
    made = [new(order, TYPES.INVOICE, day) for day in (date(2026, 11, 3), date(2026, 12, 1), date(2027, 1, 1))]
    assert [invoice.full_number for invoice in made] == ["1/FV/11/2026", "2/FV/12/2026", "1/FV/01/2027"]


def test_a_day_is_not_in_its_own_format(order: Any, settings: Any) -> None:
    settings.PLANS_INVOICE_COUNTER_RESET = Invoice.NUMBERING.DAILY
    with pytest.raises(InvalidSeries, match="PLANS_INVOICE_COUNTER_RESET = 1"):
        new(order, TYPES.INVOICE)
