"""Findings and the mirror in the admin: shown with both sides' facts, and acknowledged by who may."""

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.test import Client

from ledger.actions import acknowledge
from ledger.models import Entry, FindingAcknowledged, FindingRaised
from tests.integration.admin_pages import staff, text, url
from tests.integration.mirrored import There

pytestmark = pytest.mark.django_db


@pytest.fixture
def raised(invoices: list[Entry]) -> dict[str, FindingRaised]:
    """Two open findings, an acknowledged and a resolved one, by their subjects."""
    there = There()
    for at, entry in enumerate(invoices):
        there.put(f"r{at}", entry.number, reference=entry.document, issued_on=entry.issued_on)
    there.put("f1", "FOREIGN-1")
    there.put("f2", "<b>FOREIGN-2</b>", reference="somebody's")
    there.put("f3", "FOREIGN-3")
    there.change("r0", state="void")
    there.differs()
    there.change("f3", state="deleted")
    there.differs()
    acknowledge(FindingRaised.objects.get(subject="FOREIGN-1"), reason="a test document", by="ada")
    return {each.subject: each for each in FindingRaised.objects.all()}


def ask(client: Client, findings: list[FindingRaised], **said: Any) -> str:
    chosen = {"action": "acknowledge_selected", ACTION_CHECKBOX_NAME: [each.pk for each in findings]}
    response = client.post(url("findingraised"), chosen | said, follow=True)
    return str(response.content.decode())


def listed(client: Client, **query: Any) -> set[str]:
    response = client.get(url("findingraised"), query)
    assert response.status_code == 200
    return {each.subject for each in response.context["cl"].result_list}


def test_the_filters(root: Client, raised: dict[str, FindingRaised]) -> None:
    one, markup = "INV-2026-000001", "<B>FOREIGN-2</B>"
    assert listed(root) == set(raised) == {one, "FOREIGN-1", markup, "FOREIGN-3"}
    assert listed(root, state="unresolved") == {one, markup}
    assert listed(root, state="acknowledged") == {"FOREIGN-1"}
    assert listed(root, state="resolved") == {"FOREIGN-3"}
    assert listed(root, kind="void-there") == {one}
    assert listed(root, system="books", tenant="") == set(raised)
    assert listed(root, system="others") == set()
    assert listed(root, q="foreign") == {"FOREIGN-1", "FOREIGN-3"}
    assert listed(root, q="somebody's") == {markup}


def test_a_page_shows_both_sides_as_text(root: Client, raised: dict[str, FindingRaised]) -> None:
    page = text(root, url("findingraised", "change", raised["INV-2026-000001"].pk))
    for told in ("order:1", "issued", "2026-01-01 to 2026-12-31", "void", "r0"):
        assert told in page
    page = text(root, url("findingraised", "change", raised["<B>FOREIGN-2</B>"].pk))
    assert "&lt;b&gt;FOREIGN-2&lt;/b&gt;" in page
    assert "<b>FOREIGN-2" not in page
    assert "a test document" in text(root, url("findingraised", "change", raised["FOREIGN-1"].pk))


def test_acknowledging_asks_for_a_reason(root: Client, raised: dict[str, FindingRaised]) -> None:
    chosen = [raised["INV-2026-000001"], raised["<B>FOREIGN-2</B>"]]
    assert "Acknowledge findings" in ask(root, chosen)
    assert "This field is required." in ask(root, chosen, confirmed="yes", reason=" ")
    assert FindingAcknowledged.objects.count() == 1
    assert "Acknowledged: 2." in ask(root, chosen, confirmed="yes", reason="seen by the bookkeeper")
    assert FindingAcknowledged.objects.filter(reason="seen by the bookkeeper", actor="admin").count() == 2
    assert listed(root, state="unresolved") == set()


def test_all_or_nothing(root: Client, raised: dict[str, FindingRaised]) -> None:
    page = ask(root, list(raised.values()), confirmed="yes", reason="all of them")
    assert "is resolved" in page
    assert FindingAcknowledged.objects.count() == 1


def test_it_needs_a_permission_of_its_own(raised: dict[str, FindingRaised]) -> None:
    chosen = [raised["INV-2026-000001"]]
    ask(staff("view_findingraised"), chosen, confirmed="yes", reason="without right")
    assert FindingAcknowledged.objects.count() == 1
    User.objects.all().delete()
    ask(staff("view_findingraised", "acknowledge_finding"), chosen, confirmed="yes", reason="with right")
    assert FindingAcknowledged.objects.get(reason="with right").actor == "maria"


def test_the_mirror_is_searched(root: Client, raised: dict[str, FindingRaised]) -> None:
    for term in ("foreign-1", "f1"):
        page = root.get(url("remotedocument"), {"q": term})
        assert [each.remote_id for each in page.context["cl"].result_list] == ["f1"]
    page = root.get(url("remotedocument"), {"q": "order:2"})
    assert [each.number for each in page.context["cl"].result_list] == ["INV-2026-000002"]
    assert "books" in text(root, url("remotereading"))
