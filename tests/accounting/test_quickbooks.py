"""The adapter for QuickBooks Online against a stand-in that answers as Intuit's documentation says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

import pytest

from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, everything
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.books import Books
from tests.accounting.standins.quickbooks import QuickBooksStandIn
from workers.accounting import errors, quickbooks
from workers.accounting.base import State
from workers.accounting.http_options import HttpOptions
from workers.accounting.quickbooks import QuickBooks
from workers.accounting.systems import System


class TestQuickBooks(Conformance):
    standin_class = QuickBooksStandIn
    adapter_class = QuickBooks
    credentials: ClassVar[dict[str, str]] = {
        "client_id": "the-client-id",
        "client_secret": QuickBooksStandIn.secret,
        "refresh_token": f"refresh-{QuickBooksStandIn.secret}",
    }

    def settings(self, standin: Books, **options: Any) -> System:
        return super().settings(standin, token_url=f"{standin.url}/oauth2/v1/tokens/bearer", **options)

    def http_options(self, clock: FakeClock, **changes: Any) -> HttpOptions:
        return super().http_options(clock, **({"tokens": MemoryTokens()} | changes))

    def test_a_company_that_numbers_by_itself(self, standin: QuickBooksStandIn, system: QuickBooks) -> None:
        standin.custom_numbers = False
        with pytest.raises(errors.Misconfigured, match="numbers its invoices itself"):
            system.push(self.invoice())
        assert standin.facts() == []

    def test_quickbooks_would_take_a_number_twice(self, standin: QuickBooksStandIn, system: QuickBooks) -> None:
        """Its warning can be off; then only the look before it keeps a number from being given twice."""
        standin.warns_of_duplicates = False
        system.push(self.invoice())
        with pytest.raises(errors.NumberRefused, match=r"INV-2026-000001 is taken by the document 1 \(order:1\)"):
            system.push(self.invoice(reference="order:2"))
        assert len(standin.facts()) == 1

    def test_a_number_taken_between_look_and_post(self, standin: QuickBooksStandIn, system: QuickBooks) -> None:
        refused = errors.NumberRefused
        there = standin.add("INV-2026-000001", date(2026, 3, 1))
        system.find = lambda **_: []  # type: ignore[method-assign]
        with pytest.raises(refused, match="INV-2026-000001 was refused for its number"):
            system.push(self.invoice())
        assert standin.keys() == [there]

    def test_a_note_alone_makes_no_void(self, standin: QuickBooksStandIn, system: QuickBooks) -> None:
        standin.add("INV-1", date(2026, 2, 1), PrivateNote="Voided the old one for Rosa")
        assert [each.state for each in everything(system.changed(None))] == [State.POSTED]

    @pytest.mark.parametrize("word", ["Voided", "Annulé", "Storniert", "無効"])
    def test_a_void_is_one_in_any_language(self, standin: QuickBooksStandIn, system: QuickBooks, word: str) -> None:
        standin.void_word = word
        made = system.push(self.invoice())
        assert system.cancel(made.remote_id).state is State.VOID
        standin.void(standin.add("INV-2", date(2026, 2, 1)))
        assert [each.state for each in everything(system.changed(None))] == [State.VOID, State.VOID]

    @pytest.mark.parametrize(
        "body",
        [
            {"PrivateNote": "Voided cheque enclosed"},
            {"PrivateNote": "Voided cheque enclosed", "TotalAmt": 0, "Line": [
                {"Amount": 0, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"Qty": 2, "UnitPrice": 0}}]},
            {"PrivateNote": "Folio: order:9", "TotalAmt": 0},
            {"TotalAmt": 0},
        ],
    )  # fmt: skip
    def test_what_is_free_or_noted_is_no_void(
        self, standin: QuickBooksStandIn, system: QuickBooks, body: dict[str, Any]
    ) -> None:
        standin.add("INV-1", date(2026, 2, 1), **body)
        assert [each.state for each in everything(system.changed(None))] == [State.POSTED]

    def test_other_sales_documents_are_read_too(self, standin: QuickBooksStandIn, clock: FakeClock) -> None:
        for entity in quickbooks.ENTITIES:
            for n in range(3):
                standin.add(f"{entity}-{n}", date(2026, 2, 1), entity=entity)
        system = self.connect(standin, clock, page_size=2)
        for since in (None, standin.now - timedelta(days=1)):
            found = everything(system.changed(since))
            assert {each.number for each in found} == {
                f"{entity}-{n}" for entity in quickbooks.ENTITIES for n in range(3)
            }
            assert len({each.remote_id for each in found}) == 12
        with pytest.raises(errors.Unsupported, match="CreditMemo"):
            system.cancel("CreditMemo:4")

    @pytest.mark.parametrize("number", ["RÉ-2026-1", "R-2026-Ü", "№7", "it's 50 %"])
    def test_numbers_beyond_ascii_are_found(self, standin: QuickBooksStandIn, system: QuickBooks, number: str) -> None:
        standin.add(number, date(2026, 2, 1))
        standin.add("RX-2026-1", date(2026, 2, 1))
        assert [each.number for each in system.find(number=number)] == [number]

    def test_a_void_keeps_the_reference(self, system: QuickBooks) -> None:
        made = system.push(self.invoice())
        gone = system.cancel(made.remote_id)
        assert (gone.state, gone.reference, gone.number) == (State.VOID, "order:1", "INV-2026-000001")

    def test_beyond_thirty_days_deletions_are_unknown(
        self, standin: QuickBooksStandIn, system: QuickBooks, clock: FakeClock
    ) -> None:
        assert system.capabilities.horizon == timedelta(days=30)
        standin.add("INV-1", date(2026, 2, 1))
        pages = list(system.changed(clock.now() - timedelta(days=31)))
        assert [each.number for page in pages for each in page.invoices] == ["INV-1"]
        assert not any(page.deletions_known for page in pages)

    def test_more_changes_than_are_captured(
        self, standin: QuickBooksStandIn, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quickbooks, "CAPTURED_AT_MOST", 4)
        standin.captured_at_most = 4
        for n in range(9):
            standin.add(f"INV-{n}", date(2026, 2, 1))
        pages = list(self.connect(standin, clock, page_size=3).changed(standin.now))
        assert {each.number for page in pages for each in page.invoices} == {f"INV-{n}" for n in range(9)}
        assert not any(page.deletions_known for page in pages)

    @pytest.mark.parametrize("apart", [timedelta(), timedelta(seconds=1)])
    def test_a_deletion_meanwhile_pushes_none_out(
        self, standin: QuickBooksStandIn, clock: FakeClock, apart: timedelta
    ) -> None:
        keys = []
        for n in range(10):
            keys.append(standin.add(f"INV-{n}", date(2026, 2, 1)))
            standin.now += apart
        seen: set[str] = set()
        for number, page in enumerate(self.connect(standin, clock, page_size=3).changed(None)):
            seen |= {each.remote_id for each in page.invoices}
            if number < 2:
                standin.delete(keys[number])
        assert seen == set(keys)
