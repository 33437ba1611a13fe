"""What accounting systems have, in the admin. Findings have a page of their own."""

import pytest
from django.test import Client

from ledger.models import Entry
from tests.integration.admin_pages import text, url
from tests.integration.paper_books import PaperSystem

pytestmark = pytest.mark.django_db


def test_the_mirror_is_searched(root: Client, invoices: list[Entry]) -> None:
    system = PaperSystem()
    for at, entry in enumerate(invoices):
        system.put(f"r{at}", entry.number, reference=entry.document, issued_on=entry.issued_on)
    system.put("f1", "FOREIGN-1")
    system.read()
    for term in ("foreign-1", "f1"):
        page = root.get(url("remotedocument"), {"q": term})
        assert [each.remote_id for each in page.context["cl"].result_list] == ["f1"]
    page = root.get(url("remotedocument"), {"q": "order:2"})
    assert [each.number for each in page.context["cl"].result_list] == ["INV-2026-000002"]
    assert "books" in text(root, url("remotereading"))
