"""The adapter for Xero against a stand-in that answers as Xero's documentation says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import pytest

from ledger.kinds import Kind
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, everything
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.books import Books
from tests.accounting.standins.xero import XeroStandIn
from workers.accounting import errors
from workers.accounting.base import State
from workers.accounting.credentials import Credentials
from workers.accounting.http_options import HttpOptions
from workers.accounting.systems import System
from workers.accounting.xero import Xero


class TestXero(Conformance):
    standin_class = XeroStandIn
    adapter_class = Xero
    credentials: ClassVar[dict[str, str]] = {"client_id": "the-client-id", "client_secret": XeroStandIn.secret}
    makes_by = "PUT"

    def settings(self, standin: Books, **options: Any) -> System:
        return super().settings(standin, token_url=f"{standin.url}/connect/token", **options)

    def http_options(self, clock: FakeClock, **changes: Any) -> HttpOptions:
        return super().http_options(clock, **({"tokens": MemoryTokens()} | changes))

    def test_bills_are_no_invoices_of_ours(self, standin: XeroStandIn, system: Xero) -> None:
        standin.add("INV-1", date(2026, 2, 1))
        assert [each.number for each in everything(system.changed(None))] == ["INV-1"]
        asked = [each.asked("where") for each in standin.requests if each.path != "/connect/token"]
        assert asked == ['Type=="ACCREC"', 'Type=="ACCRECCREDIT"']

    def test_credit_notes_are_read_after_the_invoices(self, standin: XeroStandIn, clock: FakeClock) -> None:
        for n in range(3):
            standin.add(f"INV-{n}", date(2026, 2, 1))
            standin.add(f"CN-{n}", date(2026, 2, 1), f"refund:{n}", Type="ACCRECCREDIT")
        system = self.connect(standin, clock, page_size=2)
        found = everything(system.changed(None))
        assert sorted(each.number for each in found) == ["CN-0", "CN-1", "CN-2", "INV-0", "INV-1", "INV-2"]
        assert Kind.CREDIT_NOTE in system.capabilities.kinds
        lists = [each for each in standin.requests if each.method == "GET"]
        assert all(each.asked("summaryOnly") for each in lists if each.path == "/Invoices")

    @pytest.mark.parametrize(
        ("message", "kind"),
        [("Invoice # must be unique.", errors.NumberRefused), ("The Contact Name must be unique.", errors.Refused)],
    )
    def test_only_a_number_that_is_taken_is_a_matter_of_the_number(
        self, standin: XeroStandIn, system: Xero, message: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standin, "_write", lambda request, parts: standin._invalid({}, message))
        with pytest.raises(errors.Refused, match="must be unique") as caught:
            system.push(self.invoice())
        assert type(caught.value) is kind

    def test_a_draft_that_comes_back_posted_is_refused(
        self, standin: XeroStandIn, system: Xero, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add = standin.add

        def posted(number: str, on: date, reference: str, state: State, **body: Any) -> str:
            return add(number, on, reference, State.POSTED, **body)

        monkeypatch.setattr(standin, "add", posted)
        with pytest.raises(errors.UnexpectedAnswer, match="a posted document where a draft was asked for"):
            system.draft(self.invoice(number="", reference="slot:1"))

    @pytest.mark.parametrize(
        ("refresh", "options", "scope"),
        [
            ("", {}, "accounting.invoices"),
            ("", {"scopes": "accounting.transactions"}, "accounting.transactions"),
            ("yes", {}, ""),
            ("yes", {"scopes": "accounting.invoices offline_access"}, "accounting.invoices offline_access"),
        ],
    )
    def test_scopes_are_an_option(
        self, standin: XeroStandIn, clock: FakeClock, refresh: str, options: dict[str, Any], scope: str
    ) -> None:
        given = {"client_id": "the-client-id", "client_secret": XeroStandIn.secret}
        if refresh:
            given["refresh_token"] = f"refresh-{XeroStandIn.secret}"
        settings = replace(self.settings(standin, **options), credentials=Credentials("books", given))
        system = Xero(settings, self.http_options(clock))
        self.connected.append(system)
        everything(system.changed(None))
        [asked] = [each.form for each in standin.requests if each.path == "/connect/token"]
        assert asked.get("scope", "") == scope

    def test_a_number_of_the_dead_may_come_again(self, standin: XeroStandIn, system: Xero) -> None:
        dead = system.push(self.invoice())
        system.cancel(dead.remote_id)
        assert not system.capabilities.number_kept
        system.push(self.invoice(reference="order:2"))
        found = system.find(number="INV-2026-000001")
        assert {(each.reference, each.state) for each in found} == {("order:1", State.VOID), ("order:2", State.POSTED)}

    def test_an_organisation_that_is_not_ours(self, standin: XeroStandIn, clock: FakeClock) -> None:
        stranger = Xero(replace(self.settings(standin), organisation="org-2"), self.http_options(clock))
        self.connected.append(stranger)
        with pytest.raises(errors.AuthenticationFailed, match="AuthenticationUnsuccessful"):
            everything(stranger.changed(None))

    def test_what_xero_says_of_a_refusal_is_told(self, standin: XeroStandIn, system: Xero) -> None:
        lines = [{"Description": "Roses", "Quantity": 1, "UnitAmount": 5}]
        with pytest.raises(errors.Refused, match="Account code must be specified"):
            system.push(self.invoice(extra={"LineItems": lines}))

    def test_a_draft_that_somebody_else_used(self, standin: XeroStandIn, system: Xero) -> None:
        slot = system.draft(self.invoice(number="", reference="slot:1"))
        standin.documents[slot.remote_id].state = State.POSTED
        with pytest.raises(errors.NumberRefused, match="can't become XERO-0001: it is posted"):
            system.push(self.invoice(number=slot.number, draft_id=slot.remote_id))
        assert standin.facts() == [("XERO-0001", "slot:1", State.POSTED)]

    def test_drafts_without_a_number_are_a_matter_of_settings(self, standin: XeroStandIn, system: Xero) -> None:
        standin.add("", date(2026, 3, 1), "slot:1", State.DRAFT)
        with pytest.raises(errors.Misconfigured, match="was given no number"):
            system.draft(self.invoice(number="", reference="slot:1"))

    def test_every_request_is_a_new_attempt_of_the_same_one(self, standin: XeroStandIn, system: Xero) -> None:
        """The idempotency key is computed from the request, so that any process makes the same one."""
        system.push(self.invoice())
        standin.documents.clear()
        system.push(self.invoice())
        keys = [each.headers["idempotency-key"] for each in standin.requests if each.method == "PUT"]
        assert len(keys) == 2
        assert len(set(keys)) == 1
        assert standin.facts() == []
