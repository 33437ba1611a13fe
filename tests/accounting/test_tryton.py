"""The Tryton adapter against a real Tryton 8.2, directly and through a proxy with faults."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.accounting import tryton_installation, tryton_server
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, check_wording, everything
from tests.accounting.standins.chosen_faults import Patience, path_ends
from tests.accounting.standins.server import Fault
from tests.accounting.tryton_proxy import TrytonProxy
from workers.accounting import errors
from workers.accounting.base import NewInvoice, State
from workers.accounting.credentials import Credentials
from workers.accounting.http import trusted_certificates
from workers.accounting.http_options import HttpOptions, Timeouts
from workers.accounting.systems import System
from workers.accounting.tryton import Tryton


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tryton_server.Server]:
    try:
        made = tryton_installation.installation()
    except tryton_installation.Unavailable as reason:
        pytest.skip(str(reason))
    with tryton_server.on_sqlite(made, tmp_path_factory.mktemp("tryton")) as server:
        TrytonProxy.server = server
        yield server


class TestTryton(Conformance):
    """What every adapter must do, answered by the real thing."""

    standin_class = TrytonProxy
    adapter_class = Tryton
    credentials = {"key": TrytonProxy.secret}
    organisation = "1"

    def http_options(self, clock: FakeClock, **changes: Any) -> HttpOptions:
        patient = {"transport": Patience(), "timeouts": Timeouts(total=60)}
        return super().http_options(clock, **(patient | changes))

    def invoice(self, number: str = "INV-2026-000001", reference: str = "order:1", **facts: Any) -> NewInvoice:
        # The books have this currency, and rates of no other.
        return super().invoice(number, reference, **{"currency": "USD", **facts})


def own(**options: Any) -> Tryton:
    """The adapter on the real server, without a proxy, and as patient as in production."""
    server = TrytonProxy.server
    system = System(
        name="books",
        adapter="tryton",
        credentials=Credentials("books", {"key": options.pop("key", server.facts["key"])}),
        organisation="1",
        url=f"{server.url}/{server.database}",
        options=options,
    )
    return Tryton(system, HttpOptions(clock=FakeClock()))


DAY = date(2025, 3, 1)


def sale(reference: str, on: date = DAY, **facts: Any) -> NewInvoice:
    return NewInvoice(reference=reference, issued_on=on, customer="C-1", total=Decimal("100.00"), **facts)


def administer(method: str, path: str, **options: Any) -> Any:
    """What an administrator does in Tryton's own program."""
    server = TrytonProxy.server
    headers = {"Authorization": f"Bearer {server.facts['admin_key']}", "Accept": "application/json"}
    url = f"{server.url}/{server.database}/rest/model/{path}"
    answer = httpx.request(method, url, headers=headers, timeout=60, verify=trusted_certificates(), **options)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@pytest.fixture
def books() -> Iterator[TrytonProxy]:
    """Empty books; the proxy is there to look into them and to go wrong."""
    with TrytonProxy() as books:
        yield books


@pytest.fixture
def tryton(books: TrytonProxy) -> Iterator[Tryton]:
    with closing(own()) as tryton:
        yield tryton


@pytest.fixture
def through(books: TrytonProxy) -> Iterator[Tryton]:
    """The adapter before the proxy, for faults."""
    test = TestTryton()
    with closing(Tryton(test.settings(books), test.http_options(FakeClock()))) as tryton:
        yield tryton


def value(number: str) -> int:
    return int(number.rpartition("-")[2])


class TestNumbers:
    def test_posting_numbers_one_after_the_other(self, tryton: Tryton) -> None:
        numbers = [tryton.push(sale(f"order:{n}")).number for n in range(2)]
        assert all(number.startswith("INV-2025-") for number in numbers)
        assert value(numbers[1]) == value(numbers[0]) + 1

    def test_each_fiscal_year_has_its_own(self, tryton: Tryton) -> None:
        assert tryton.push(sale("order:1", date(2024, 12, 31))).number.startswith("INV-2024-")
        assert tryton.push(sale("order:2", date(2025, 1, 1))).number.startswith("INV-2025-")

    def test_a_jump_of_the_counter_is_a_gap(self, books: TrytonProxy, tryton: Tryton) -> None:
        before = value(tryton.push(sale("order:1")).number)
        sequence = f"ir.sequence.strict/{books.server.facts['sequences']['2025']}"
        administer("PUT", sequence, json={"number_next": before + 5})
        after = tryton.push(sale("order:2")).number
        assert value(after) == before + 5
        assert [value(each.number) for each in everything(tryton.changed(None))] == [before, before + 5]
        assert list(tryton.find(number=f"INV-2025-{before + 1:05}")) == []

    def test_a_cancelled_invoice_keeps_its_number(self, tryton: Tryton) -> None:
        made = tryton.push(sale("order:1"))
        assert tryton.cancel(made.remote_id).number == made.number
        [found] = tryton.find(number=made.number)
        assert (found.state, found.reference) == (State.VOID, "order:1")
        assert value(tryton.push(sale("order:2")).number) == value(made.number) + 1

    def test_cancelling_is_refused_where_the_company_does_not_allow_it(self, tryton: Tryton) -> None:
        made = tryton.push(sale("order:1"))
        administer("PUT", "company.company/1", json={"cancel_invoice_out": False})
        try:
            with pytest.raises(errors.Refused, match=made.number) as caught:
                tryton.cancel(made.remote_id)
        finally:
            administer("PUT", "company.company/1", json={"cancel_invoice_out": True})
        check_wording(caught.value)
        assert [each.state for each in tryton.find(number=made.number)] == [State.POSTED]

    def test_an_earlier_date_is_refused_and_numbered_later(self, tryton: Tryton) -> None:
        """Tryton keeps the dates in the order of the numbers; the draft waits, and costs no number."""
        first = tryton.push(sale("order:1", date(2025, 6, 1)))
        with pytest.raises(errors.Refused, match="invoice date after") as caught:
            tryton.push(sale("order:2", date(2025, 5, 1)))
        check_wording(caught.value)
        assert [(each.number, each.state) for each in tryton.find(reference="order:2")] == [("", State.DRAFT)]
        assert value(tryton.push(sale("order:3", date(2025, 6, 1))).number) == value(first.number) + 1

    def test_a_number_of_ours_is_left_out_and_refused_if_forced(self, tryton: Tryton) -> None:
        assert tryton.push(sale("order:1", number="OURS-1")).number.startswith("INV-2025-")
        with pytest.raises(errors.Refused, match="Number"):
            tryton.push(sale("order:2", extra={"number": "OURS-2"}))

    def test_duplicates_are_shown(self, books: TrytonProxy, tryton: Tryton) -> None:
        """8.2 refuses them; older versions let them in, and SQLite under load does."""
        made = tryton.push(sale("order:1"))
        other = books.add(made.number, date(2025, 3, 2), "order:2")
        assert {each.remote_id for each in tryton.find(number=made.number)} == {made.remote_id, other}
        assert [each.number for each in everything(tryton.changed(None))] == [made.number] * 2


class TestOnce:
    """A lost answer burns no number."""

    @pytest.mark.parametrize("ending", ["/account.invoice", "/post"])
    def test_pushing(self, books: TrytonProxy, through: Tryton, ending: str) -> None:
        books.fail_when(lambda request: request.method == "POST" and request.path.endswith(ending), Fault.LOST)
        made = through.push(sale("order:1"))
        assert books.met == 1
        assert made.state is State.POSTED
        assert books.facts() == [(made.number, "order:1", State.POSTED)]
        assert value(through.push(sale("order:2")).number) == value(made.number) + 1

    def test_cancelling(self, books: TrytonProxy, through: Tryton) -> None:
        made = through.push(sale("order:1"))
        books.fail_when(path_ends("/cancel"), Fault.LOST)
        assert through.cancel(made.remote_id).state is State.VOID
        assert books.met == 1

    def test_a_draft_of_an_earlier_run_is_posted(self, books: TrytonProxy, through: Tryton) -> None:
        """The run before was killed between its two steps, or Tryton failed for longer than its patience."""
        books.fail_when(path_ends("/post"), *[Fault.ERROR_503] * 9)
        with pytest.raises(errors.ServerFault) as caught:
            through.push(sale("order:1"))
        assert caught.value.retryable
        assert [state for _, _, state in books.facts()] == [State.DRAFT]
        books.stop_failing()
        made = through.push(sale("order:1"))
        assert books.facts() == [(made.number, "order:1", State.POSTED)]

    def test_what_is_posted_counts_more_than_a_draft(self, books: TrytonProxy, tryton: Tryton) -> None:
        """Two runs at once, which should not be, made two documents; only one of them may get a number."""
        made = tryton.push(sale("order:1"))
        books.change(made.remote_id, id=int(made.remote_id) + 10)
        books.add("", date(2025, 3, 1), "order:1", State.DRAFT, id=int(made.remote_id))
        assert tryton.push(sale("order:1")).number == made.number


class TestChanges:
    def test_what_never_changed_is_told_by_its_creation(self, books: TrytonProxy, tryton: Tryton) -> None:
        key = books.add("INV-2025-90001", date(2025, 3, 1))
        books.change(key, write_date=None)
        [found] = everything(tryton.changed(books.now))
        assert found.changed_at == books.now
        assert everything(tryton.changed(books.now + timedelta(microseconds=1))) == []

    def test_a_change_of_state_is_a_change(self, tryton: Tryton) -> None:
        made = [tryton.push(sale(f"order:{n}")) for n in range(2)]
        # Tryton's own clock; what it wrote last of the two, it wrote before this.
        since = datetime.now(UTC)
        tryton.cancel(made[0].remote_id)
        assert [(each.number, each.state) for each in everything(tryton.changed(since))] == [
            (made[0].number, State.VOID)
        ]

    def test_microseconds_count(self, books: TrytonProxy, tryton: Tryton) -> None:
        books.now = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
        books.add("INV-2025-90001", date(2025, 3, 1))
        assert len(everything(tryton.changed(books.now))) == 1
        assert everything(tryton.changed(books.now + timedelta(microseconds=1))) == []

    def test_times_of_other_zones_are_the_same_moment(self, books: TrytonProxy, tryton: Tryton) -> None:
        books.add("INV-2025-90001", date(2025, 3, 1))
        kolkata = timezone(timedelta(hours=5, minutes=30))
        assert len(everything(tryton.changed(books.now.astimezone(kolkata)))) == 1
        assert everything(tryton.changed((books.now + timedelta(seconds=1)).astimezone(kolkata))) == []

    def test_supplier_invoices_and_other_companies_are_none_of_ours(self, books: TrytonProxy, tryton: Tryton) -> None:
        books.add("INV-2025-90001", date(2025, 3, 1), type="in")
        books.add("INV-2025-90001", date(2025, 3, 1), company=2)
        assert everything(tryton.changed(None)) == []
        assert list(tryton.find(number="INV-2025-90001")) == []

    @pytest.mark.parametrize(("there", "here"), [("validated", State.DRAFT), ("paid", State.POSTED)])
    def test_states_between(self, books: TrytonProxy, tryton: Tryton, there: str, here: State) -> None:
        key = books.add("INV-2025-90001", date(2025, 3, 1))
        books.change(key, state=there)
        assert [each.state for each in everything(tryton.changed(None))] == [here]

    def test_a_state_that_nobody_knows_is_told(self, books: TrytonProxy, tryton: Tryton) -> None:
        books.change(books.add("INV-2025-90001", date(2025, 3, 1)), state="archived")
        with pytest.raises(errors.UnexpectedAnswer, match="archived"):
            everything(tryton.changed(None))


class TestRefusals:
    def test_a_key_that_was_revoked(self, books: TrytonProxy) -> None:
        wrong = "0" * 40
        with closing(own(key=wrong)) as tryton, pytest.raises(errors.AuthenticationFailed) as caught:
            everything(tryton.changed(None))
        check_wording(caught.value)
        assert wrong not in str(caught.value)

    @pytest.mark.parametrize(
        ("facts", "named"),
        [({"customer": "C-404"}, "C-404"), ({"currency": "XXX"}, "XXX"), ({"extra": {"account": 999999}}, "Account")],
    )
    def test_what_is_not_there_is_named(self, tryton: Tryton, facts: dict[str, Any], named: str) -> None:
        with pytest.raises(errors.Refused, match=named) as caught:
            tryton.push(replace(sale("order:1"), **facts))
        check_wording(caught.value)

    def test_accounts_by_their_codes(self, books: TrytonProxy) -> None:
        facts = books.server.facts
        options = {"receivable_account": facts["receivable"], "revenue_account": facts["revenue"]}
        with closing(own(**options)) as tryton:
            assert tryton.push(sale("order:1")).state is State.POSTED
        with closing(own(revenue_account="no such")) as tryton, pytest.raises(errors.Refused, match="no such"):
            tryton.push(sale("order:2"))

    def test_the_user_of_the_key_can_do_no_more_than_keep_invoices(self, books: TrytonProxy) -> None:
        server = books.server
        answer = httpx.put(
            f"{server.url}/{server.database}/rest/model/ir.sequence.strict/{server.facts['sequences']['2025']}",
            headers={"Authorization": f"Bearer {server.facts['key']}", "Accept": "application/json"},
            json={"number_next": 1},
        )
        assert answer.status_code == httpx.codes.BAD_REQUEST

    def test_the_company_is_named_by_its_id(self) -> None:
        settings = System(
            name="books",
            adapter="tryton",
            credentials=Credentials("books", {"key": "irrelevant"}),
            organisation="Acme",
            url="http://127.0.0.1/books",
        )
        with pytest.raises(errors.Misconfigured, match="Acme") as caught:
            Tryton(settings, HttpOptions())
        check_wording(caught.value)
