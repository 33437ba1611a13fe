"""The Odoo adapter against its stand-in, by both interfaces: numbers at post, and our own if we number."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import run_checks

from ledger import define_series
from tests.accounting.choosing import only
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, check_wording, everything
from tests.accounting.standins.odoo import DATABASE, LOGIN, Complaint, OdooStandIn
from tests.accounting.standins.server import Fault
from workers.accounting import errors
from workers.accounting.base import NewInvoice, State, WhoNumbers
from workers.accounting.credentials import Credentials
from workers.accounting.odoo import Odoo, read_as

DAY = date(2026, 2, 1)
JSON_RPC = {"database": DATABASE, "api": "jsonrpc", "login": LOGIN}


class TestOdoo(Conformance):
    standin_class = OdooStandIn
    adapter_class = Odoo
    credentials = {"key": OdooStandIn.secret}
    options = {"database": DATABASE}
    organisation = "1"

    def invoice(self, number: str = "INV-2026-000001", reference: str = "order:1", **facts: Any) -> NewInvoice:
        return super().invoice(number, reference, **{"customer": "7", **facts})


class TestOdooByJsonRpc(TestOdoo):
    """The interface of versions before 19."""

    options = JSON_RPC


@only("push", "lost", "number", "cancel")
class TestOdooWithOurNumbers(TestOdoo):
    options = {"database": DATABASE, "our_numbers": True, "journal": 9}

    def test_the_capabilities_say_so(self, standin: OdooStandIn) -> None:
        with closing(connect(standin, **self.options)) as odoo:
            assert odoo.capabilities.who_numbers == {WhoNumbers.CALLER}


@pytest.fixture
def there() -> Iterator[OdooStandIn]:
    with OdooStandIn() as there:
        yield there


@pytest.fixture(params=[{"database": DATABASE}, JSON_RPC], ids=["json2", "jsonrpc"])
def odoo(there: OdooStandIn, request: pytest.FixtureRequest) -> Iterator[Odoo]:
    with closing(connect(there, **request.param)) as odoo:
        yield odoo


@pytest.fixture
def numbered_by_us(there: OdooStandIn) -> Iterator[Odoo]:
    with closing(connect(there, database=DATABASE, our_numbers=True, journal=9)) as odoo:
        yield odoo


def connect(there: OdooStandIn, **options: Any) -> Odoo:
    test = TestOdoo()
    settings = replace(test.settings(there), options=options)
    return Odoo(settings, test.http_options(FakeClock()))


def sale(reference: str, **facts: Any) -> NewInvoice:
    given: dict[str, Any] = {"reference": reference, "issued_on": DAY, "customer": "7", "total": Decimal("100.00")}
    return NewInvoice(**(given | facts))


def calls(method: str) -> Any:
    """Requests that call this method, by either interface."""
    return lambda request: request.path.endswith(f"/{method}") or f'"{method}"'.encode() in request.body


def locked() -> None:
    raise Complaint(409, "odoo.exceptions.LockError", "Cannot grab a lock on records")


class TestNumbers:
    def test_posting_numbers_one_after_the_other(self, odoo: Odoo) -> None:
        assert [odoo.push(sale(f"order:{n}")).number for n in range(3)] == [f"INV/2026/0000{n}" for n in (1, 2, 3)]

    def test_a_draft_bears_no_number_yet(self, there: OdooStandIn, odoo: Odoo) -> None:
        """Versions before 19 show the name that the first draft of a year would get."""
        there.add("INV/2026/00001", DAY, "order:1", State.DRAFT)
        there.add("/", DAY, "order:2", State.DRAFT)
        assert [each.number for each in everything(odoo.changed(None))] == ["", ""]
        assert list(odoo.find(number="INV/2026/00001")) == []

    def test_a_name_shown_early_is_no_hindrance(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.shows_names_early = True
        assert odoo.push(sale("order:1")).number == "INV/2026/00001"
        assert odoo.push(sale("order:2")).number == "INV/2026/00002"

    def test_what_was_reset_to_draft_keeps_its_number(self, there: OdooStandIn, odoo: Odoo) -> None:
        made = odoo.push(sale("order:1"))
        there.documents[made.remote_id].state = State.DRAFT
        [found] = odoo.find(number=made.number)
        assert found.state is State.DRAFT
        assert odoo.push(sale("order:1")).number == made.number

    def test_the_number_of_a_deleted_last_one_is_given_again(self, there: OdooStandIn, odoo: Odoo) -> None:
        first = odoo.push(sale("order:1"))
        there.delete(first.remote_id)
        second = odoo.push(sale("order:2"))
        assert second.number == first.number
        assert not odoo.capabilities.number_kept

    def test_a_credit_note_is_not_taken_for_our_invoice(self, there: OdooStandIn, odoo: Odoo) -> None:
        """It copies the source document."""
        there.add("", DAY, "order:1", State.DRAFT, move_type="out_refund")
        there.add("RINV/2026/00001", DAY, "order:2", move_type="out_refund")
        assert [odoo.push(sale(f"order:{n}")).number for n in (1, 2)] == ["INV/2026/00001", "INV/2026/00002"]
        assert there.facts()[0] == ("", "order:1", State.DRAFT)

    def test_a_locked_invoice_is_not_cancelled(self, there: OdooStandIn, odoo: Odoo) -> None:
        made = odoo.push(sale("order:1"))
        there.locked.add(made.remote_id)
        with pytest.raises(errors.Refused, match="locked") as caught:
            odoo.cancel(made.remote_id)
        check_wording(caught.value)
        assert there.facts() == [(made.number, "order:1", State.POSTED)]

    def test_what_odoo_asks_a_person_is_told(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.asks_first = True
        with pytest.raises(errors.Refused, match="action_post") as caught:
            odoo.push(sale("order:1"))
        check_wording(caught.value)
        there.asks_first = False
        assert odoo.push(sale("order:1")).state is State.POSTED
        assert len(there.facts()) == 1


class TestOurNumbers:
    def test_a_number_that_does_not_fit_the_date_leaves_no_draft(
        self, there: OdooStandIn, numbered_by_us: Odoo
    ) -> None:
        with pytest.raises(errors.NumberRefused, match="R2019-7") as caught:
            numbered_by_us.push(sale("order:1", number="R2019-7"))
        check_wording(caught.value)
        assert there.facts() == []

    @pytest.mark.parametrize("name", ["S15-7", "SHOP07/12", "INV/2026/03/7", "A-25-0001", "2025/0001"])
    def test_what_odoo_reads_as_another_date_is_refused_before_anything_is_made(
        self, there: OdooStandIn, numbered_by_us: Odoo, name: str
    ) -> None:
        with pytest.raises(errors.NumberRefused, match="isn't posted for 2026-02-01"):
            numbered_by_us.push(sale("order:1", number=name))
        assert there.count("POST") == 1, "looked for, and not made"

    @pytest.mark.parametrize("name", ["INV-2026-7", "S26-7", "INV/2026/02/7", "R7", "SHOP/000123", "2025-26/7"])
    def test_others_are_left_to_odoo(self, name: str) -> None:
        assert read_as(name) in {None, (2026, None), (2026, 2)}

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("template", "facts", "told"),
        [
            ("INV-{year}-{counter:06}", {}, ""),
            ("S15-{counter:06}", {"calendar": "never"}, "it refuses S15-000001 for"),
            ("INV-{fy_start}-{counter:04}", {"calendar": "fiscal-year", "fiscal_start": "04-01"}, "it is one of 20"),
        ],
    )
    def test_a_series_that_does_not_fit_is_told_when_it_is_set_up(
        self, settings: Any, template: str, facts: dict[str, Any], told: str
    ) -> None:
        define_series("invoice", template=template, **facts)
        settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"books": {"adapter": "odoo", "push": True}}}
        found = [one.msg for one in run_checks(databases=["default"]) if one.id == "ledger.W006"]
        assert len(found) == bool(told)
        assert told in "".join(found)
        settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"books": {"adapter": "odoo"}}}
        assert "ledger.W006" not in {one.id for one in run_checks(databases=["default"])}

    def test_a_draft_that_is_not_posted_does_not_keep_the_number(
        self, there: OdooStandIn, numbered_by_us: Odoo
    ) -> None:
        """Odoo itself judges a range of years."""
        with pytest.raises(errors.NumberRefused, match="was removed") as caught:
            numbered_by_us.push(sale("order:1", number="2024-25/7"))
        check_wording(caught.value)
        assert there.facts() == []

    def test_a_journal_of_its_own_is_needed(self, there: OdooStandIn) -> None:
        with pytest.raises(errors.Misconfigured, match="'journal'") as caught:
            connect(there, database=DATABASE, our_numbers=True)
        check_wording(caught.value)

    def test_a_create_that_outlasted_its_time_out_leaves_no_second_draft(
        self, there: OdooStandIn, numbered_by_us: Odoo
    ) -> None:
        for _ in range(2):
            there.add("INV-2026-7", DAY, "order:1", State.DRAFT, amount_total=100.0)
        made = numbered_by_us.push(sale("order:1", number="INV-2026-7"))
        assert there.facts() == [("INV-2026-7", "order:1", State.POSTED)]
        assert made.remote_id == "1"

    def test_a_number_taken_at_the_last_moment(self, there: OdooStandIn, numbered_by_us: Odoo) -> None:
        there.before_posting = lambda: there.add("INV-2026-7", DAY, "order:2")
        with pytest.raises(errors.NumberRefused, match="INV-2026-7") as caught:
            numbered_by_us.push(sale("order:1", number="INV-2026-7"))
        check_wording(caught.value)
        assert [reference for _, reference, state in there.facts() if state is State.POSTED] == ["order:2"]


class TestAmounts:
    def test_a_total_that_taxes_would_change_is_not_posted(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.adds_taxes = True
        with pytest.raises(errors.Refused, match=r"would be 115.0\d*, where 100.00 was asked for") as caught:
            odoo.push(sale("order:1"))
        check_wording(caught.value)
        assert there.facts() == []

    def test_it_tells_amount_currency_and_customer(self, odoo: Odoo) -> None:
        made = odoo.push(sale("order:1"))
        assert (made.total, made.currency, made.customer) == (Decimal("100.0"), "EUR", "7\nAda Ltd")


class TestCancelling:
    @pytest.mark.parametrize("state", ["paid", "in_payment", "partial", "reversed"])
    def test_what_was_paid_or_credited_is_left_to_a_person(self, there: OdooStandIn, odoo: Odoo, state: str) -> None:
        made = odoo.push(sale("order:1"))
        there.documents[made.remote_id].body["payment_state"] = state
        with pytest.raises(errors.Refused, match=f"is {state.replace('_', ' ')} in Odoo") as caught:
            odoo.cancel(made.remote_id)
        check_wording(caught.value)
        assert not caught.value.retryable
        assert there.facts() == [(made.number, "order:1", State.POSTED)]


class TestOnce:
    @pytest.mark.parametrize("method", ["create", "action_post"])
    @pytest.mark.parametrize("fault", [Fault.LOST, Fault.TRUNCATED])
    def test_pushing(self, there: OdooStandIn, odoo: Odoo, method: str, fault: Fault) -> None:
        there.fail_when(calls(method), fault)
        made = odoo.push(sale("order:1"))
        assert there.met == 1
        assert there.facts() == [(made.number, "order:1", State.POSTED)]
        assert odoo.push(sale("order:2")).number == "INV/2026/00002"

    def test_cancelling(self, there: OdooStandIn, odoo: Odoo) -> None:
        made = odoo.push(sale("order:1"))
        there.fail_when(calls("button_cancel"), Fault.LOST)
        assert odoo.cancel(made.remote_id).state is State.VOID
        assert there.met == 1

    def test_a_draft_of_an_earlier_run_is_posted(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.fail_when(calls("action_post"), *[Fault.ERROR_500] * 3)
        with pytest.raises(errors.ServerFault):
            odoo.push(sale("order:1"))
        assert [state for _, _, state in there.facts()] == [State.DRAFT]
        assert odoo.push(sale("order:1")).state is State.POSTED
        assert len(there.facts()) == 1


class TestChanges:
    def test_the_second_itself_is_in(self, there: OdooStandIn, odoo: Odoo) -> None:
        """Odoo keeps fractions of a second, and shows none."""
        there.now = datetime(2026, 3, 1, 12, 0, 0, 400_000, tzinfo=UTC)
        there.add("INV/2026/00001", DAY)
        assert len(everything(odoo.changed(there.now))) == 1
        assert everything(odoo.changed(there.now + timedelta(seconds=1))) == []

    def test_other_companies_and_kinds_are_none_of_ours(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.add("INV/2026/00001", DAY, company_id=2)
        there.add("BILL/2026/00001", DAY, move_type="in_invoice")
        there.add("RINV/2026/00001", DAY, move_type="out_refund")
        assert [each.number for each in everything(odoo.changed(None))] == ["RINV/2026/00001"]


class TestRefusals:
    @pytest.mark.parametrize("api", ["json2", "jsonrpc"])
    def test_a_wrong_key(self, there: OdooStandIn, api: str) -> None:
        test = TestOdoo()
        settings = replace(
            test.settings(there, **JSON_RPC | {"api": api}), credentials=Credentials("books", {"key": "outdated-key"})
        )
        with (
            closing(Odoo(settings, test.http_options(FakeClock()))) as odoo,
            pytest.raises(errors.AuthenticationFailed) as caught,
        ):
            everything(odoo.changed(None))
        check_wording(caught.value)
        assert "outdated-key" not in str(caught.value)

    def test_a_key_that_runs_out_between_two_calls(self, there: OdooStandIn) -> None:
        with closing(connect(there, **JSON_RPC)) as odoo:
            everything(odoo.changed(None))
            there.accepts = "another"
            with pytest.raises(errors.AuthenticationFailed, match="Access Denied") as caught:
                everything(odoo.changed(None))
            check_wording(caught.value)

    def test_what_is_not_there_is_named(self, there: OdooStandIn, odoo: Odoo) -> None:
        with pytest.raises(errors.Refused, match="partner") as caught:
            odoo.push(sale("order:1", customer="8"))
        check_wording(caught.value)
        with pytest.raises(errors.Refused, match="XXX") as caught:
            odoo.push(sale("order:1", currency="XXX"))
        check_wording(caught.value)
        with pytest.raises(errors.Misconfigured, match="Rosa") as misconfigured:
            odoo.push(sale("order:1", customer="Rosa"))
        check_wording(misconfigured.value)
        assert there.facts() == []

    def test_a_lock_held_by_somebody_else_passes(self, there: OdooStandIn, odoo: Odoo) -> None:
        there.before_posting = locked
        with pytest.raises(errors.ServerFault) as caught:
            odoo.push(sale("order:1"))
        check_wording(caught.value)
        there.before_posting = None
        assert odoo.push(sale("order:1")).state is State.POSTED
        assert len(there.facts()) == 1

    @pytest.mark.parametrize(
        "options", [{"api": "xmlrpc"}, {"api": "jsonrpc"}, {"api": "jsonrpc", "database": DATABASE}], ids=str
    )
    def test_the_interface_must_be_named_in_full(self, there: OdooStandIn, options: dict[str, str]) -> None:
        with pytest.raises(errors.Misconfigured) as caught:
            connect(there, **options)
        check_wording(caught.value)
