"""Explaining, acknowledging and voiding on the pages; what people typed is text; what stands in files is safe."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from ledger import define_series
from ledger.errors import InvalidActor, InvalidTenant
from ledger.models import FindingAcknowledged, GapExplained, NumberVoided, TenantAccess
from tests.integration.pages import SCRIPT, Shop, client, shop, user

pytestmark = pytest.mark.django_db

#: What a spreadsheet would run.
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def berlin() -> Shop:
    return shop("berlin", "B")


@pytest.fixture
def keeper() -> Client:
    return client("keeper", "view_entry", "view_findingraised", "void_number", "explain_gap", "acknowledge_finding")


def explain(client: Client, shop: Shop, reason: str, *keys: str) -> Any:
    named = list(keys) or [f"e{gap.pk}" for gap in shop.gaps]
    return client.post(f"/ledger/gaps/explain/?tenant={shop.tenant}", {"gap": named, "reason": reason}, follow=True)


def test_many_gaps_are_explained_at_once(keeper: Client, berlin: Shop) -> None:
    answer = explain(keeper, berlin, "incident 17")
    assert "Done: 2." in answer.content.decode()
    said = GapExplained.objects.filter(explanation="incident 17")
    assert set(said.values_list("tenant", "entry", "actor")) == {("berlin", gap.pk, "keeper") for gap in berlin.gaps}


def test_a_form_that_is_sent_twice_does_it_once(keeper: Client, berlin: Shop) -> None:
    explain(keeper, berlin, "incident 17")
    answer = explain(keeper, berlin, "incident 17")
    assert "it was done before" in answer.content.decode()
    assert GapExplained.objects.filter(explanation="incident 17").count() == 2
    explain(keeper, berlin, "more is known now")
    assert GapExplained.objects.filter(explanation="more is known now").count() == 2
    for _ in range(2):
        keeper.post(f"/ledger/period/{berlin.period.pk}/1/void/", {"reason": "returned"})
        keeper.post(
            "/ledger/findings/acknowledge/?tenant=berlin", {"finding": [berlin.finding.pk], "reason": "by hand"}
        )
    assert NumberVoided.objects.filter(reason="returned", actor="keeper").count() == 1
    assert FindingAcknowledged.objects.filter(reason="by hand", actor="keeper").count() == 1


def test_a_system_is_in_order_when_nothing_differs_there(keeper: Client, berlin: Shop) -> None:
    def state(reader: Client) -> str:
        systems = reader.get("/ledger/?tenant=berlin").content.decode().partition('id="systems"')[2]
        return systems.partition('<span class="badge')[2].partition("</span>")[0].lstrip()

    assert state(keeper) == 'note">1 differs'
    assert state(client("clerk", "view_entry")) == '">read', "who may not see findings is told of none"
    keeper.post("/ledger/findings/acknowledge/?tenant=berlin", {"finding": [berlin.finding.pk], "reason": "by hand"})
    assert state(keeper) == 'good">no differences'


def test_a_number_is_void_once(keeper: Client, berlin: Shop) -> None:
    """The second entry is void for another reason."""
    answer = keeper.post(f"/ledger/period/{berlin.period.pk}/2/void/", {"reason": "another"})
    assert "Nothing was done" in answer.content.decode()
    assert NumberVoided.objects.get(tenant="berlin").reason == "berlin-secret payment reversed"
    answer = keeper.post(f"/ledger/period/{berlin.period.pk}/5/void/", {"reason": "a gap"})
    assert "Explain the gap instead" in answer.content.decode()


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 1001, "hidden \x1b escape"])
def test_a_reason_is_needed(keeper: Client, berlin: Shop, reason: str) -> None:
    answer = explain(keeper, berlin, reason)
    assert 'role="alert"' in answer.content.decode()
    assert GapExplained.objects.count() == 1


def test_nothing_chosen_and_too_much_chosen(keeper: Client, berlin: Shop) -> None:
    assert "Nothing was selected" in explain(keeper, berlin, "why", "e999999999", "b7", "'; DROP").content.decode()
    answer = keeper.get("/ledger/gaps/explain/", {"tenant": "berlin", "gap": ["e1"] * 900}, follow=True)
    assert answer.status_code == 200
    assert GapExplained.objects.count() == 1


def test_asking_does_nothing(keeper: Client, berlin: Shop) -> None:
    keeper.get("/ledger/gaps/explain/", {"tenant": "berlin", "gap": f"e{berlin.gaps[1].pk}", "reason": "why"})
    keeper.get(f"/ledger/period/{berlin.period.pk}/1/void/", {"reason": "why"})
    assert GapExplained.objects.count() == 1
    assert NumberVoided.objects.count() == 1


def test_what_people_typed_is_text(keeper: Client) -> None:
    evil = shop(SCRIPT, "E", code=SCRIPT, mark=SCRIPT)
    period = f"/ledger/period/{evil.period.pk}"
    whose = {"tenant": SCRIPT, "gaps-state": "all", "gaps-q": SCRIPT, "find-q": f"{SCRIPT}?"}
    pages = ["/ledger/", f"/ledger/series/{evil.series.pk}/", f"{period}/", "/ledger/gaps/", "/ledger/findings/"]
    for address in [*pages, f"{period}/2/", f"{period}/5/", f"{period}/1/void/", "/ledger/find/"]:
        seen = keeper.get(address, whose).content.decode()
        assert "&lt;script&gt;" in seen, address
        assert "<script" not in seen.lower(), address


@pytest.mark.parametrize(
    "query",
    [
        {"from": "x", "to": "-1"},
        {"from": "9" * 40, "to": "9" * 18},
        {"from": "٣", "to": "²"},
        {"gaps-page": "9" * 30, "voids-page": "-3", "gaps-sort": "evil; --", "voids-sort": "-"},
        {"gaps-q": "100%_\\", "voids-q": "%'"},
    ],
)
def test_an_address_that_somebody_changed(keeper: Client, berlin: Shop, query: dict[str, str]) -> None:
    assert keeper.get(f"/ledger/period/{berlin.period.pk}/", query).status_code == 200


def test_addresses_without_a_page(keeper: Client, berlin: Shop) -> None:
    period = f"/ledger/period/{berlin.period.pk}"
    wrong = ["/ledger/?tenant=nobody", "/ledger/series/0/", f"{period}/{10**30}/", f"{period}/export/exe/"]
    for address in [*wrong, f"{period}/export/csv/?part=secrets", f"{period}/77/void/"]:
        assert keeper.get(address).status_code == 404, address
    assert b"not reached this value" in keeper.get(f"{period}/77/").content


@pytest.mark.django_db(transaction=True)
def test_cells_that_a_spreadsheet_would_run(keeper: Client) -> None:
    odd = shop("odd", "O", mark=FORMULA)
    answer: Any = keeper.get(f"/ledger/period/{odd.period.pk}/export/csv/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        told = archive.read("voids.csv").decode()
    answer.close()
    assert f"'{FORMULA} payment reversed" in told
    assert f",{FORMULA}" not in told
    assert answer["Content-Disposition"].startswith('attachment; filename="odd_invoice_2026-01-01')


def test_access_is_given_and_taken_in_the_admin(root: Client, berlin: Shop) -> None:
    user("ada")
    add = "/admin/ledger/tenantaccess/add/"
    assert "There is no user" in root.post(add, {"name": "nobody", "tenant": "berlin"}).content.decode()
    assert "has no series" in root.post(add, {"name": "ada", "tenant": "berlim"}).content.decode()
    assert root.post(add, {"name": "ada", "tenant": "berlin"}).status_code == 302
    given = TenantAccess.objects.get()
    auditor = Client()
    auditor.login(username="ada", password="correct horse")
    assert auditor.get("/ledger/").status_code == 200
    assert "has access" in root.post(add, {"name": "ada", "tenant": "berlin"}).content.decode()
    assert "ada" in root.get("/admin/ledger/tenantaccess/").content.decode()
    assert root.get(f"/admin/ledger/tenantaccess/{given.pk}/change/").status_code == 200
    assert root.post(f"/admin/ledger/tenantaccess/{given.pk}/delete/", {"post": "yes"}).status_code == 302
    assert auditor.get("/ledger/").status_code == 403


def test_access_is_given_in_code(berlin: Shop) -> None:
    ruth = user("ruth")
    given = TenantAccess.grant(ruth, "berlin")
    assert TenantAccess.grant(ruth, "berlin") == given
    assert (given.tenant, given.user) == ("berlin", f"auth.user:{ruth.pk}")
    with pytest.raises(InvalidTenant, match="has no series"):
        TenantAccess.grant(ruth)
    define_series("invoice", template="I-{year}-{counter}")
    assert TenantAccess.grant(ruth).tenant == ""
    auditor = Client()
    auditor.force_login(ruth)
    assert auditor.get("/ledger/", {"tenant": "berlin"}).status_code == 200
    assert auditor.get("/ledger/", {"tenant": "mumbai"}).status_code == 404
    with pytest.raises(InvalidActor, match="is not saved"):
        TenantAccess.grant(User(username="nobody"), "berlin")
    with pytest.raises(InvalidTenant):
        TenantAccess.grant(ruth, 7)


def test_the_page_says_which_gaps_are_left_out(keeper: Client, berlin: Shop) -> None:
    explain(keeper, berlin, "spoilt")
    assert "No gap waits for an explanation." in keeper.get("/ledger/gaps/", {"tenant": "berlin"}).content.decode()
    assert "spoilt" in keeper.get("/ledger/gaps/", {"tenant": "berlin", "gaps-state": "all"}).content.decode()
    nothing = {"tenant": "berlin", "gaps-state": "all", "gaps-q": "no such"}
    assert "No gaps here." in keeper.get("/ledger/gaps/", nothing).content.decode()
