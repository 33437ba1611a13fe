"""Who may see and do what on Folio's pages: page by page and export by export, taken from the URLs themselves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from ledger.models import AlarmAcknowledged, FindingAcknowledged, GapExplained, NumberVoided
from ledger.reports.formats import formats
from ledger.urls import urlpatterns
from tests.integration.pages import Shop, addresses, client, shop

# The report of an export reads a snapshot of its own, which it can't inside a test's transaction.
pytestmark = pytest.mark.django_db(transaction=True)

#: Pages that have no tenant: for monitoring, by a token or without; and the sweeps of all tenants.
OF_NO_TENANT = {"healthz", "metrics", "workers"}

ACTING = ("void_number", "explain_gap", "acknowledge_finding", "acknowledge_alarm", "read_books", "add_authorisedrange")
EVERYTHING = ("view_entry", "view_findingraised", "view_sweeprun", *ACTING)
ACTIONS = {
    "void_number": "void_number",
    "explain_gaps": "explain_gap",
    "acknowledge_findings": "acknowledge_finding",
    "acknowledge_alarms": "acknowledge_alarm",
    "books": "read_books",
    "add_range": "add_authorisedrange",
}


@pytest.fixture
def shops() -> tuple[Shop, Shop]:
    return shop("berlin", "B"), shop("mumbai", "M")


def asked() -> dict[str, Any]:
    """The permission to act that each guarded page asks for, by name; None for the others."""
    return {pattern.name: getattr(pattern.callback, "does", None) for pattern in urlpatterns if pattern.name}


def all_of(place: Shop) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, ways in addresses(place).items():
        for address, query in ways:
            yield name, address, query


def body(response: Any) -> bytes:
    """All that was answered; what is in a zip is read out of it."""
    raw = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    if raw[:2] != b"PK":
        return bytes(raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def test_every_page_is_guarded_and_every_page_is_tested(shops: tuple[Shop, Shop]) -> None:
    pages = asked()
    assert {name for name, does in pages.items() if does is None} == {"healthz", "metrics"}
    assert set(pages) == set(addresses(shops[0])) | OF_NO_TENANT, (
        "a new page stands in tests.integration.pages.addresses"
    )
    assert {name: does for name, does in pages.items() if does} == ACTIONS
    assert {address.split("/")[-2] for address, query in addresses(shops[0])["export"] if not query} == set(formats())


def test_nobody_gets_in_without_a_login(shops: tuple[Shop, Shop]) -> None:
    for _, address, query in [*all_of(shops[0]), ("workers", "/ledger/workers/", {})]:
        answer = Client().get(address, query)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=")
        assert Client().post(address, query).status_code in (302, 405)


def test_nobody_gets_in_without_a_permission(shops: tuple[Shop, Shop]) -> None:
    nobody = client("nobody")
    for _, address, query in [*all_of(shops[0]), ("workers", "/ledger/workers/", {})]:
        answer = nobody.get(address, query)
        assert answer.status_code == 403, address
        assert b"secret" not in body(answer)


def test_a_permission_opens_all_tenants(shops: tuple[Shop, Shop]) -> None:
    staff = client("staff", *EVERYTHING)
    for place in shops:
        for name, address, query in all_of(place):
            answer = staff.get(address, query)
            assert answer.status_code == (302 if name == "find" else 200), address
            answer.close()
    assert staff.get("/ledger/workers/").status_code == 200


def test_an_auditor_sees_one_tenant(shops: tuple[Shop, Shop]) -> None:
    mine, _ = shops
    auditor = client("auditor", sees=(mine.tenant,))
    for name, address, query in all_of(mine):
        answer = auditor.get(address, query)
        expected = 403 if name in ACTIONS else 302 if name == "find" else 200
        assert answer.status_code == expected, address
        seen = body(answer)
        assert b"mumbai" not in seen, address
        if name in ("overview", "gaps", "findings", "period", "number", "series") and expected == 200:
            assert b"berlin" in seen
    assert auditor.get("/ledger/workers/").status_code == 403
    assert b"mumbai" not in body(auditor.get("/ledger/"))


def test_another_tenants_pages_do_not_exist(shops: tuple[Shop, Shop]) -> None:
    mine, other = shops
    # With every permission to act, and still only in one tenant.
    keeper = client("keeper", *ACTING, sees=(mine.tenant,))
    for _, address, query in all_of(other):
        for method in (keeper.get, keeper.post):
            where = f"tenant={query['tenant']}" if "tenant" in query else ""
            answer = method(address, {**query, "reason": "not mine"}, QUERY_STRING=where)
            assert answer.status_code in (404, 405), address
            assert b"mumbai" not in body(answer)
    assert not NumberVoided.objects.filter(tenant="mumbai", reason="not mine").exists()
    assert not GapExplained.objects.filter(explanation="not mine").exists()
    assert not FindingAcknowledged.objects.exists()
    assert AlarmAcknowledged.objects.count() == 2


def test_another_tenants_rows_can_not_be_named_under_ones_own(shops: tuple[Shop, Shop]) -> None:
    mine, other = shops
    keeper = client("keeper", *ACTING, sees=(mine.tenant,))
    said = {"reason": "not mine"}
    keeper.post("/ledger/gaps/explain/?tenant=berlin", {**said, "gap": [f"e{other.gaps[1].pk}"]})
    keeper.post("/ledger/findings/acknowledge/?tenant=berlin", {**said, "finding": [other.finding.pk]})
    keeper.post("/ledger/alarms/acknowledge/?tenant=berlin", {**said, "alarm": [other.alarm.pk]})
    answer = keeper.get("/ledger/find/", {"tenant": "berlin", "find-q": other.entries[0].number})
    assert b"Nothing was found for" in answer.content
    assert not GapExplained.objects.filter(explanation="not mine").exists()
    assert not FindingAcknowledged.objects.exists()
    assert AlarmAcknowledged.objects.count() == 2


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_needs_its_own_permission(shops: tuple[Shop, Shop], name: str) -> None:
    without = client("without", *(each for each in EVERYTHING if each != ACTIONS[name]))
    ((address, query),) = addresses(shops[0])[name]
    assert without.get(address, query).status_code == 403
    assert without.post(f"{address}?tenant=berlin", {**query, "reason": "because"}).status_code == 403
    assert NumberVoided.objects.count() == 2
    assert GapExplained.objects.count() == 2
    assert not FindingAcknowledged.objects.exists()
    assert AlarmAcknowledged.objects.count() == 2


def test_findings_have_a_permission_of_their_own(shops: tuple[Shop, Shop]) -> None:
    reader = client("reader", "view_entry")
    assert reader.get("/ledger/findings/", {"tenant": "berlin"}).status_code == 403
    told = reader.get(f"/ledger/period/{shops[0].period.pk}/10/").content
    assert b"Differs in" not in told
    assert (
        b"Differs in"
        in client("more", "view_entry", "view_findingraised").get(f"/ledger/period/{shops[0].period.pk}/10/").content
    )


def test_access_ends_when_it_is_revoked(shops: tuple[Shop, Shop]) -> None:
    auditor = client("auditor", sees=("berlin",))
    assert auditor.get("/ledger/").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_tenantaccess")
    assert auditor.get("/ledger/").status_code == 403


def test_a_form_from_elsewhere_is_refused(shops: tuple[Shop, Shop], settings: Any) -> None:
    """Also in a project that left Django's middleware for this out."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name.lower()]
    strict = Client(enforce_csrf_checks=True)
    user = client("staff", *EVERYTHING)
    strict.cookies = user.cookies
    for name in ACTIONS:
        ((address, query),) = addresses(shops[0])[name]
        assert strict.post(f"{address}?tenant=berlin", {**query, "reason": "because"}).status_code == 403


def test_headers(shops: tuple[Shop, Shop]) -> None:
    staff = client("staff", *EVERYTHING)
    answers: list[tuple[str, Any]] = [(name, staff.get(at, query)) for name, at, query in all_of(shops[0])]
    answers += [("nobody", Client().get("/ledger/")), ("missing", staff.get("/ledger/period/999999/"))]
    for name, answer in answers:
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; "), name
        assert "unsafe" not in policy
        for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert part in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "no-store" in answer["Cache-Control"]
        answer.close()


def test_styles_may_come_from_where_the_project_keeps_its_files(shops: tuple[Shop, Shop], settings: Any) -> None:
    settings.STATIC_URL = "https://static.example.com/x/"
    answer = client("staff", *EVERYTHING).get("/ledger/")
    assert "style-src https://static.example.com;" in answer["Content-Security-Policy"]


def test_exports_where_every_request_is_a_transaction(
    shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    staff = client("staff", *EVERYTHING)
    answer = staff.get(f"/ledger/period/{shops[0].period.pk}/export/json/")
    assert answer.status_code == 200
    assert b"B-2026-0002" in body(answer)
    assert staff.get(f"/ledger/period/{shops[0].period.pk}/").status_code == 200
