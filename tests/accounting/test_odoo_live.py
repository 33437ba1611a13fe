"""The Odoo adapter against a real Odoo 19, directly and through a proxy that loses answers."""

import csv
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger import define_series, void
from ledger.models import Entry, RemoteReading
from ledger.reconciliation import BookSettings, count_confirmed
from ledger.reconciliation.files import reconcile_file
from ledger.spreadsheets import profile
from tests.accounting import odoo_server
from tests.accounting.choosing import only
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, check_wording, everything
from tests.accounting.odoo_proxy import OdooProxy
from tests.accounting.pushing import sell
from tests.accounting.reconciling import open_findings
from tests.accounting.standins.chosen_faults import Patience
from tests.accounting.standins.server import Fault
from tests.integration.admin_pages import flag_gap
from workers.accounting import errors
from workers.accounting.base import NewInvoice, State
from workers.accounting.http_options import HttpOptions, Timeouts
from workers.accounting.odoo import Odoo, read_as
from workers.reconciliation import reconcile
from workers.writing_back import push_system

pytestmark = pytest.mark.live

DAY = date(2026, 5, 4)
JSON_RPC = {"database": "folio", "api": "jsonrpc", "login": "folio"}


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[odoo_server.Server]:
    try:
        with odoo_server.running() as server:
            OdooProxy.server = server
            yield server
    except odoo_server.Unavailable as reason:
        pytest.skip(str(reason))


@only("push", "lost", "find", "page", "since", "void", "delet", "cancel", "login", "token", "requests")
class TestOdoo(Conformance):
    """What every adapter must do, answered by the real thing."""

    standin_class = OdooProxy
    adapter_class = Odoo
    credentials = {"key": OdooProxy.secret}
    organisation = "1"

    def http_options(self, clock: FakeClock, **changes: Any) -> HttpOptions:
        patient = {"transport": Patience(), "timeouts": Timeouts(total=60)}
        return super().http_options(clock, **(patient | changes))

    def invoice(self, number: str = "INV-2026-000001", reference: str = "order:1", **facts: Any) -> NewInvoice:
        return super().invoice(number, reference, **{"customer": customer(), **facts})


@only("push", "cancel", "login")
class TestOdooByJsonRpc(TestOdoo):
    """The interface of versions before 19."""

    options = JSON_RPC


@pytest.fixture
def there() -> Iterator[OdooProxy]:
    with OdooProxy() as there:
        yield there


@pytest.fixture
def odoo(there: OdooProxy) -> Iterator[Odoo]:
    with closing(connect(there)) as odoo:
        yield odoo


@pytest.fixture(params=[{}, JSON_RPC], ids=["json2", "jsonrpc"])
def numbered_by_us(there: OdooProxy, request: pytest.FixtureRequest) -> Iterator[Odoo]:
    with closing(connect(there, **ours(), **request.param)) as odoo:
        yield odoo


def connect(there: OdooProxy, **options: Any) -> Odoo:
    test = TestOdoo()
    return Odoo(replace(test.settings(there), options=options), test.http_options(FakeClock()))


def customer() -> str:
    return str(OdooProxy.server.facts["customer"])


def ours() -> dict[str, Any]:
    return {"our_numbers": True, "journal": OdooProxy.server.facts["journal"]}


def sale(reference: str = "order:1", number: str = "", **facts: Any) -> NewInvoice:
    given: dict[str, Any] = {"issued_on": DAY, "customer": customer(), "total": Decimal("100.00"), "currency": "EUR"}
    return NewInvoice(reference=reference, number=number, **(given | facts))


def calls(method: str) -> Any:
    """Requests that call this method, by either interface."""
    return lambda request: request.path.endswith(f"/{method}") or f'"{method}"'.encode() in request.body


class TestOurNumbers:
    @pytest.mark.parametrize("method", ["create", "action_post"])
    def test_an_answer_that_is_lost_doubles_nothing(self, there: OdooProxy, numbered_by_us: Odoo, method: str) -> None:
        there.fail_when(calls(method), Fault.LOST)
        made = numbered_by_us.push(sale(number="INV-2026-7"))
        assert (there.met, made.state) == (1, State.POSTED)
        assert there.facts() == [("INV-2026-7", "order:1", State.POSTED)]

    def test_a_create_that_outlasted_its_time_out_leaves_no_second_draft(
        self, there: OdooProxy, numbered_by_us: Odoo
    ) -> None:
        there.fail_when(calls("create"), Fault.LOST, Fault.LOST)
        there.fail_when(calls("search_read"), *[Fault.ERROR_500] * 3)
        with pytest.raises(errors.AccountingError) as caught:
            numbered_by_us.push(sale(number="INV-2026-7"))
        assert caught.value.retryable
        there.stop_failing()
        numbered_by_us.push(sale(number="INV-2026-7"))
        assert there.facts() == [("INV-2026-7", "order:1", State.POSTED)]

    def test_odoo_reads_names_as_we_say(self, there: OdooProxy) -> None:
        """Odoo would refuse what we refuse, and leave a draft; it posts what we let through."""
        names = ["INV-2026-7", "S26-7", "INV/2026/05/7", "R7", "SHOP/000123", "2025-26/7", "2026/27-8", "A-2026-05-9"]
        names += ["S15-7", "SHOP07/12", "INV/2026/03/7", "A-25-0001", "2025/0001", "2027/28-8", "A-2026-04-9"]
        differing = {}
        for name in names:
            key = there.invoice(name, DAY, post=False)
            posted = there.try_person("action_post", key)
            read = read_as(name)
            if read is not None and posted != (read == (DAY.year, read[1] and DAY.month)):
                differing[name] = posted
            there.clear()
        assert differing == {}

    def test_a_draft_that_odoo_refuses_to_post_is_removed(self, there: OdooProxy, numbered_by_us: Odoo) -> None:
        """Only Odoo judges a range of years."""
        with pytest.raises(errors.NumberRefused, match="was removed") as caught:
            numbered_by_us.push(sale(number="2027-28/7"))
        check_wording(caught.value)
        assert there.facts() == []

    def test_a_manual_invoice_in_our_journal_takes_our_next_number(
        self, there: OdooProxy, numbered_by_us: Odoo
    ) -> None:
        numbered_by_us.push(sale(number="INV-2026-7"))
        there.invoice(on=DAY)
        with pytest.raises(errors.NumberRefused, match="INV-2026-8") as caught:
            numbered_by_us.push(sale("order:2", number="INV-2026-8"))
        check_wording(caught.value)
        assert there.facts() == [("INV-2026-7", "order:1", State.POSTED), ("INV-2026-8", "", State.POSTED)]

    def test_a_credit_note_is_not_taken_for_our_invoice(self, there: OdooProxy, numbered_by_us: Odoo) -> None:
        """It copies the source document."""
        made = numbered_by_us.push(sale(number="INV-2026-7"))
        there.credit(made.remote_id, "refund_moves")
        [(refund, reference)] = there.rows("id, invoice_origin")[1:]
        assert reference == "order:1"
        there.delete(made.remote_id)
        again = numbered_by_us.push(sale(number="INV-2026-7"))
        assert (again.number, again.state) == ("INV-2026-7", State.POSTED)
        assert min(there.rows("id, state")) == (refund, "draft")
        there.person("action_post", str(refund))
        assert numbered_by_us.push(sale(number="INV-2026-7")) == again


class TestAmounts:
    def test_the_tax_of_a_product_is_not_posted(self, there: OdooProxy) -> None:
        product = OdooProxy.server.facts["product"]
        with (
            closing(connect(there, product=product)) as odoo,
            pytest.raises(errors.Refused, match=r"would be 115.0\d*, where 100.00 was asked for") as caught,
        ):
            odoo.push(sale())
        check_wording(caught.value)
        assert there.facts() == []

    def test_it_tells_amount_currency_and_customer(self, odoo: Odoo) -> None:
        made = odoo.push(sale())
        assert (made.total, made.currency, made.customer) == (Decimal("100.0"), "EUR", f"{customer()}\nAda Ltd")


class TestCancelling:
    def test_what_was_paid_is_left_to_a_person(self, there: OdooProxy, odoo: Odoo) -> None:
        made = odoo.push(sale())
        there.pay(made.remote_id)
        refused(odoo, made.remote_id, "paid in Odoo|in payment in Odoo")

    def test_what_was_credited_is_left_to_a_person(self, there: OdooProxy, odoo: Odoo) -> None:
        made = odoo.push(sale())
        there.credit(made.remote_id, "modify_moves")
        refused(odoo, made.remote_id, "reversed in Odoo")

    def test_a_lost_answer(self, there: OdooProxy, odoo: Odoo) -> None:
        made = odoo.push(sale())
        there.fail_when(calls("button_cancel"), Fault.LOST)
        assert odoo.cancel(made.remote_id).state is State.VOID
        assert there.facts() == [(made.number, "order:1", State.VOID)]


def refused(odoo: Odoo, key: str, told: str) -> None:
    with pytest.raises(errors.Refused, match=told) as caught:
        odoo.cancel(key)
    check_wording(caught.value)
    assert [each.state for each in everything(odoo.changed(None)) if each.remote_id == key] == [State.POSTED]


class TestRefusals:
    @pytest.mark.parametrize(
        ("facts", "named"), [({"customer": "999999"}, "999999|exist|partner"), ({"currency": "XXX"}, "XXX")]
    )
    def test_what_is_not_there_is_named(
        self, there: OdooProxy, numbered_by_us: Odoo, facts: dict[str, Any], named: str
    ) -> None:
        with pytest.raises(errors.Refused, match=named) as caught:
            numbered_by_us.push(sale(number="INV-2026-7", **facts))
        check_wording(caught.value)
        assert there.facts() == []

    @pytest.mark.parametrize("options", [{}, JSON_RPC], ids=["json2", "jsonrpc"])
    def test_a_wrong_key(self, there: OdooProxy, options: dict[str, Any]) -> None:
        there.user = "login"
        with closing(connect(there, **options)) as odoo, pytest.raises(errors.AuthenticationFailed) as caught:
            everything(odoo.changed(None))
        check_wording(caught.value)


def describe(entry: Entry) -> dict[str, Any]:
    return {"customer": customer(), "total": Decimal("100.00"), "currency": "EUR"}


@pytest.mark.django_db(transaction=True)
class TestReconciling:
    """What people do in Odoo, and what Folio says of it."""

    @pytest.fixture(autouse=True)
    def books(self, there: OdooProxy, settings: Any) -> None:
        # The fiscal year hides in which calendar year a document is.
        define_series(
            "invoice",
            template="INV-{fy_start}-{counter:03}",
            calendar="fiscal-year",
            fiscal_start="04-01",
            time_zone="UTC",
        )
        system = {
            "adapter": "odoo",
            "url": there.url,
            "organisation": "1",
            "credentials": {"key": there.secret},
            "options": {**ours(), "page_size": 5},
            "series": ["invoice"],
            "push": True,
            "describe": f"{__name__}:describe",
            "grace": 0,
        }
        settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"books": system}}

    def test_every_finding(self, there: OdooProxy) -> None:
        entries = sell(*(f"order:{n}" for n in range(1, 13)), on=DAY)
        assert push_system("books").as_dict()["pushed"] == 12
        reconcile("books")
        assert (open_findings(), count_confirmed(system="books")) == (set(), 12)
        keys = dict(zip((each.number for each in entries), there.keys(), strict=True))
        numbers = iter(keys)
        beside = {"journal_id": OdooProxy.server.facts["beside"]}
        expected = {("unknown", "FOREIGN-0001")}
        there.invoice("FOREIGN-0001", DAY, **beside)

        def each(kind: str) -> str:
            number = next(numbers)
            expected.add((kind, number))
            return number

        def edit(number: str, **values: Any) -> None:
            there.person("button_draft", keys[number])
            there.person("write", keys[number], vals=values)
            there.person("action_post", keys[number])

        def remove(number: str) -> None:
            there.person("button_draft", keys[number])
            there.person("unlink", keys[number])

        there.person("button_draft", keys[each("missing")])
        there.person("button_cancel", keys[each("void-there")])
        void(each("void-here"), reason="wrong address")
        there.invoice(each("duplicate"), DAY, **beside)
        edit(each("other-number"), name="X-1")
        edit(each("other-period"), invoice_date="2026-02-01")
        edit(each("other-amount"), invoice_line_ids=[[5, 0, 0], [0, 0, {"name": "x", "quantity": 1, "price_unit": 7}]])
        number = each("other-spelling")
        edit(number, name=f"{number}-1", invoice_origin=False)
        remove(each("deleted"))
        remove(number := each("reused"))
        there.invoice(number, DAY)
        # It isn't the one that we pushed.
        expected.add(("other-document", number))
        remove(number := each("other-document"))
        there.invoice(number, DAY, total=55.0, invoice_origin="order:99")
        expected.add(("reused", number))
        gap = flag_gap(DAY)
        there.invoice(gap.number, DAY)
        expected.add(("gap", gap.number))

        reconcile("books", full=True)
        assert open_findings() == expected

    def test_a_user_who_sees_less_raises_nothing(self, there: OdooProxy) -> None:
        sell(*(f"order:{n}" for n in range(1, 6)), on=DAY)
        push_system("books")
        reconcile("books")
        there.user = "narrow_key"
        with pytest.raises(Exception, match="found 0 documents; 5 of the 5 known"):
            reconcile("books", full=True)
        assert (RemoteReading.objects.get().needs_person, open_findings()) == (True, set())

    def test_its_own_list_as_a_file(self, there: OdooProxy, tmp_path: Path) -> None:
        """The profile has Odoo's columns and words, and Odoo exports the same facts that it returns live."""
        layout = profile("odoo")
        columns = ["name", "invoice_date", "invoice_partner_display_name"]
        columns += ["amount_total_in_currency_signed", "status_in_payment"]
        fields = there.person("fields_get", allfields=columns, attributes=["string", "selection"])
        named = (layout.number_column, layout.date_column, layout.customer_column, layout.total_column)
        assert [fields[one]["string"] for one in columns] == [*named, layout.void_column]
        known = {*layout.void_values, *layout.valid_values, *layout.draft_values}
        assert {label.lower() for _, label in fields["status_in_payment"]["selection"]} <= known
        numbers = [each.number for each in sell(*(f"order:{n}" for n in range(1, 5)), on=DAY)]
        push_system("books")
        keys = there.keys()
        there.person("button_cancel", keys[0])
        there.person("button_draft", keys[1])
        there.pay(keys[2])
        rows = there.person("export_data", *keys, fields_to_export=columns)["datas"]
        path = tmp_path / "account.move.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([[fields[one]["string"] for one in columns], *rows])
        read = reconcile_file(path, BookSettings("file", grace=timedelta(0)), layout)
        assert {(one.kind, one.number) for one in read.findings} == {
            ("void-there", numbers[0]),
            ("missing", numbers[1]),
        }
