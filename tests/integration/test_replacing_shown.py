"""A number that replaces a void one, and the void one: each names the other wherever people read it."""

from datetime import date
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import transaction
from django.test import Client
from django.urls import reverse

from ledger import issue, void
from ledger.models import Entry
from ledger.reports.report import continuity_report

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chain(transactional_db: Any) -> tuple[Entry, Entry]:
    with transaction.atomic():
        first = issue("invoice", document="order:17", on=date(2026, 3, 4))
    void(first, reason="wrong address", by="ann", replacement="see the letter")
    with transaction.atomic():
        second = issue("invoice", document="order:17", on=date(2026, 3, 5), by="bob", replaces=first)
    return Entry.objects.get(pk=first.pk), Entry.objects.get(pk=second.pk)


def test_on_their_pages(chain: tuple[Entry, Entry], admin_client: Client) -> None:
    first, second = chain

    def page(one: Entry) -> str:
        return admin_client.get(reverse("ledger:number", args=[one.period_id, one.value])).content.decode()

    assert f">{second.number}</a>" in page(first).split("<dt>Replaced by</dt>")[1].split("</dd>")[0]
    assert "Its document got another number" in page(first)
    assert f">{first.number}</a>" in page(second).split("<dt>Replaces</dt>")[1].split("</dd>")[0]
    assert "Replaced by" not in page(second)


def test_in_the_admin(chain: tuple[Entry, Entry], admin_client: Client) -> None:
    first, second = chain
    admin = site._registry[Entry]
    assert second.number in admin.shown_replaced_by(first)  # type: ignore[attr-defined]
    assert first.number in admin.shown_replaces(second)  # type: ignore[attr-defined]
    assert admin.shown_replaces(first) == admin.shown_replaced_by(second) == "–"  # type: ignore[attr-defined]
    for one in chain:
        assert admin_client.get(reverse("admin:ledger_entry_change", args=[one.pk])).status_code == 200


def test_in_the_report(chain: tuple[Entry, Entry]) -> None:
    with continuity_report(tenant="") as report:
        rows: list[Any] = next(list(part.rows()) for part in report.parts if part.name == "voids")
    assert [(row.number, row.replacement) for row in rows] == [(chain[0].number, chain[1].number)]
