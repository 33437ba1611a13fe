"""What every adapter must do, whatever its vendor: a test class to subclass, with a stand-in and a way to connect.

    class TestXero(Conformance):
        standin_class = XeroStandIn
        adapter_class = Xero

The stand-in offers what ``Books`` names, so that a test can do what people do there, behind our back.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.accounting.clocks import TIMEOUTS, FakeClock
from tests.accounting.meter import Meter
from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault, StandIn
from workers.accounting import errors
from workers.accounting.base import AccountingSystem, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.credentials import Credentials
from workers.accounting.http_options import HttpOptions, Limits, Retries
from workers.accounting.systems import System

ROOT = Path(__file__).resolve().parents[2]

#: A fault that another attempt gets over, if the request can be repeated.
PASSING = [
    Fault.CUT,
    Fault.TRUNCATED,
    Fault.ERROR_500,
    Fault.ERROR_503,
    Fault.LIMITED,
    Fault.LIMITED_SILENTLY,
    Fault.HTML,
    Fault.MALFORMED,
]
#: The error when they don't pass.
TOLD: dict[Fault, type[errors.AccountingError]] = {
    Fault.CUT: errors.Unreachable,
    Fault.TRUNCATED: errors.Unreachable,
    Fault.TIMEOUT: errors.Unreachable,
    Fault.ERROR_500: errors.ServerFault,
    Fault.ERROR_503: errors.ServerFault,
    Fault.LIMITED: errors.RateLimited,
    Fault.LIMITED_SILENTLY: errors.RateLimited,
    Fault.HTML: errors.UnexpectedAnswer,
    Fault.MALFORMED: errors.UnexpectedAnswer,
    Fault.WRONG_SHAPE: errors.UnexpectedAnswer,
    Fault.EMPTY: errors.UnexpectedAnswer,
    Fault.OVERSIZED: errors.UnexpectedAnswer,
    Fault.REDIRECT: errors.UnexpectedAnswer,
}


class Conformance:
    """Every test holds for every adapter; what its capabilities exclude must be refused."""

    standin_class: ClassVar[type[Books]]
    adapter_class: ClassVar[type[AccountingSystem]]
    #: Names of the credentials that the adapter asks for; each is given the stand-in's secret.
    credentials: ClassVar[dict[str, str]] = {}
    options: ClassVar[dict[str, Any]] = {}
    organisation: ClassVar[str] = "org-1"
    #: The method of the request that makes a document.
    makes_by: ClassVar[str] = "POST"
    #: The path of the request that turns a draft into a document.
    fills_in_by: ClassVar[str] = "POST"
    #: The option that sets how many documents a page has.
    page_size_option: ClassVar[str] = "page_size"

    # Set-up ---------------------------------------------------------------------------------------------

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def standin(self) -> Iterator[Books]:
        with self.standin_class() as standin:
            yield standin

    @pytest.fixture
    def system(self, standin: Books, clock: FakeClock) -> AccountingSystem:
        return self.connect(standin, clock)

    @pytest.fixture(autouse=True)
    def closing(self) -> Iterator[None]:
        """Close all that ``connect`` has made."""
        self.connected: list[AccountingSystem] = []
        yield
        for system in self.connected:
            system.close()

    def settings(self, standin: Books, **options: Any) -> System:
        """The system as in the settings."""
        return System(
            name="books",
            adapter=self.adapter_class.name,
            credentials=Credentials("books", dict.fromkeys(self.credentials, standin.secret) | self.credentials),
            organisation=self.organisation,
            url=standin.url,
            options={**self.options, **options},
        )

    def http_options(self, clock: FakeClock, **changes: Any) -> HttpOptions:
        given: dict[str, Any] = {
            "clock": clock,
            "timeouts": TIMEOUTS,
            "retries": Retries(attempts=3, jitter=lambda: 0.5),
            "largest_answer": 1_000_000,
        }
        return HttpOptions(**(given | changes))

    def connect(self, standin: Books, clock: FakeClock, **options: Any) -> AccountingSystem:
        system = self.adapter_class(self.settings(standin, **options), self.http_options(clock))
        self.connected.append(system)
        return system

    def invoice(self, number: str = "INV-2026-000001", reference: str = "order:1", **facts: Any) -> NewInvoice:
        given: dict[str, Any] = {
            "reference": reference,
            "issued_on": date(2026, 3, 1),
            "number": number,
            "customer": "C-1",
            "total": Decimal("100.00"),
            "currency": "EUR",
        }
        return NewInvoice(**(given | facts))

    # Reading --------------------------------------------------------------------------------------------

    def test_nothing_there_is_no_page_with_anything(self, system: AccountingSystem) -> None:
        assert everything(system.changed(None)) == []

    def test_every_document_comes_once_over_many_pages(self, standin: Books, clock: FakeClock) -> None:
        there = {standin.add(f"INV-{n:03}", date(2026, 2, 1), f"order:{n}") for n in range(1, 8)}
        system = self.connect(standin, clock, **{self.page_size_option: 3})
        pages = list(system.changed(None))
        assert len(pages) >= 3
        assert pages[-1].next_cursor is None
        assert all(page.next_cursor for page in pages[:-1])
        got = [each for page in pages for each in page.invoices]
        assert {each.remote_id for each in got} == there
        assert len(got) == 7
        assert {each.number for each in got} == {f"INV-{n:03}" for n in range(1, 8)}
        assert {each.issued_on for each in got} == {date(2026, 2, 1)}
        assert {each.state for each in got} == {State.POSTED}
        assert all(each.changed_at is not None and each.changed_at.tzinfo is not None for each in got)

    def test_references_are_read_back(self, standin: Books, system: AccountingSystem) -> None:
        standin.add("INV-1", date(2026, 2, 1), "order:77")
        assert [each.reference for each in everything(system.changed(None))] == ["order:77"]

    def test_since_leaves_out_what_did_not_change(self, standin: Books, system: AccountingSystem) -> None:
        since = standin.now + timedelta(hours=1)
        if not system.capabilities.changed_since:
            with pytest.raises(errors.Unsupported):
                list(system.changed(since))
            return
        standin.add("OLD", date(2026, 2, 1))
        touched = standin.add("TOUCHED", date(2026, 2, 1))
        standin.now = since + timedelta(hours=1)
        standin.touch(touched)
        standin.add("NEW", date(2026, 2, 1))
        assert {each.number for each in everything(system.changed(since))} == {"TOUCHED", "NEW"}

    def test_a_change_at_the_very_moment_of_since_is_seen(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.changed_since:
            pytest.skip("the system lists no changes")
        standin.add("INV-1", date(2026, 2, 1))
        assert len(everything(system.changed(standin.now))) == 1

    def test_a_void_shows_as_void_with_its_number(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.voids:
            pytest.skip("the system has no voids")
        key = standin.add("INV-1", date(2026, 2, 1))
        standin.void(key)
        assert [(each.number, each.state) for each in everything(system.changed(None))] == [("INV-1", State.VOID)]

    def test_deletions_show_as_the_capabilities_say(self, standin: Books, system: AccountingSystem) -> None:
        gone = standin.add("INV-1", date(2026, 2, 1))
        stays = standin.add("INV-2", date(2026, 2, 1))
        before = standin.now
        standin.now += timedelta(hours=1)
        standin.delete(gone)
        if not system.capabilities.changed_since:
            assert {each.remote_id for each in everything(system.changed(None))} == {stays}
            return
        seen = {each.remote_id: each.state for each in everything(system.changed(before))}
        assert seen.get(gone) == (State.DELETED if system.capabilities.deletions else None)
        assert seen[stays] == State.POSTED

    def test_drafts_show_as_drafts(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.drafts:
            pytest.skip("the system has no drafts")
        standin.add("", date(2026, 2, 1), "order:5", State.DRAFT)
        assert [each.state for each in everything(system.changed(None))] == [State.DRAFT]

    def test_a_cursor_goes_on_in_another_process(self, standin: Books, clock: FakeClock) -> None:
        for n in range(1, 8):
            standin.add(f"INV-{n:03}", date(2026, 2, 1))
        system = self.connect(standin, clock, **{self.page_size_option: 3})
        first = next(iter(system.changed(None)))
        rest = self.in_another_process(standin, first.next_cursor, {self.page_size_option: 3})
        ids = {each.remote_id for each in first.invoices} | set(rest)
        assert ids == set(standin.keys())

    def test_a_document_that_changes_meanwhile_pushes_none_out(self, standin: Books, clock: FakeClock) -> None:
        for n in range(1, 8):
            standin.add(f"INV-{n:03}", date(2026, 2, 1))
            standin.now += timedelta(minutes=1)
        system = self.connect(standin, clock, **{self.page_size_option: 3})
        seen: set[str] = set()
        for page in system.changed(None):
            seen |= {each.remote_id for each in page.invoices}
            standin.now += timedelta(minutes=1)
            if page.invoices:
                standin.touch(page.invoices[0].remote_id)
            if len(standin.keys()) < 9:
                standin.add(f"LATE-{len(standin.keys())}", date(2026, 2, 1))
        assert seen >= set(standin.keys()[:7])

    def test_a_repeated_page_ends_the_loop(self, standin: Books, clock: FakeClock) -> None:
        for n in range(1, 8):
            standin.add(f"INV-{n:03}", date(2026, 2, 1))
        system = self.connect(standin, clock, **{self.page_size_option: 3})
        standin.repeats_pages = True
        with pytest.raises(errors.EndlessPages) as caught:
            list(islice(system.changed(None), 20))
        check_wording(caught.value)

    def test_find_by_number(self, standin: Books, system: AccountingSystem) -> None:
        key = standin.add("INV-1", date(2026, 2, 1))
        standin.add("INV-10", date(2026, 2, 1))
        assert [each.remote_id for each in system.find(number="INV-1")] == [key]
        assert list(system.find(number="INV-2")) == []

    def test_find_by_number_takes_it_as_it_is(self, standin: Books, system: AccountingSystem) -> None:
        """No character of a number can break out of a filter."""
        standin.add("INV-1", date(2026, 2, 1))
        for odd in ("O'Brien-1", 'a"b', "x\\", "INV-%", "INV-_", "a,b", "a&b=c", "100% é", "' or '1'='1"):
            assert [each.number for each in system.find(number=odd)] == []
        key = standin.add("A'B/1", date(2026, 2, 1))
        assert [each.remote_id for each in system.find(number="A'B/1")] == [key]

    def test_find_shows_duplicates(self, standin: Books, system: AccountingSystem) -> None:
        if not standin.allows_duplicates:
            pytest.skip("the system has no two documents of one number")
        keys = {standin.add("INV-1", date(2026, 2, 1)), standin.add("INV-1", date(2026, 2, 2))}
        assert {each.remote_id for each in system.find(number="INV-1")} == keys

    def test_find_by_reference(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.finds_references:
            with pytest.raises(errors.Unsupported) as caught:
                system.find(reference="order:1")
            check_wording(caught.value)
            return
        key = standin.add("INV-1", date(2026, 2, 1), "order:1")
        standin.add("INV-2", date(2026, 2, 1), "order:12")
        assert [each.remote_id for each in system.find(reference="order:1")] == [key]
        assert list(system.find(reference="order:3")) == []

    # Writing --------------------------------------------------------------------------------------------

    def test_push_makes_one_document(self, standin: Books, system: AccountingSystem) -> None:
        made = system.push(self.invoice())
        assert made.state is State.POSTED
        assert made.reference == "order:1"
        assert made.issued_on == date(2026, 3, 1)
        assert standin.facts() == [(made.number, "order:1", State.POSTED)]
        if WhoNumbers.CALLER in system.capabilities.who_numbers:
            assert made.number == "INV-2026-000001"
        if system.capabilities.finds_references:
            assert [each.remote_id for each in system.find(reference="order:1")] == [made.remote_id]
        assert [each.remote_id for each in system.find(number=made.number)] == [made.remote_id]

    def test_push_twice_is_one_document(self, standin: Books, system: AccountingSystem) -> None:
        first = system.push(self.invoice())
        assert system.push(self.invoice()).remote_id == first.remote_id
        assert len(standin.facts()) == 1

    @pytest.mark.parametrize("fault", [Fault.LOST, Fault.TRUNCATED])
    def test_a_lost_answer_is_one_document(
        self, standin: Books, system: AccountingSystem, clock: FakeClock, fault: Fault
    ) -> None:
        standin.fail(fault, method=self.makes_by)
        first = system.push(self.invoice())
        assert [reference for _, reference, _ in standin.facts()] == ["order:1"]
        again = self.connect(standin, clock)
        assert again.push(self.invoice()).remote_id == first.remote_id
        assert len(standin.facts()) == 1

    def test_every_answer_lost_is_one_document_in_the_end(
        self, standin: Books, system: AccountingSystem, clock: FakeClock
    ) -> None:
        """A push that fails for good raises an error, and the next run neither repeats nor forgets the document."""
        standin.fail(*[Fault.LOST] * 3, method=self.makes_by)
        standin.fail(*[Fault.ERROR_500] * 12)
        error = error_of(lambda: system.push(self.invoice()))
        if error is not None:
            # Where the first look after a lost answer finds the document, there is nothing to tell.
            assert error.retryable
            check_wording(error)
        standin.faults.clear()
        self.connect(standin, clock).push(self.invoice())
        assert [reference for _, reference, _ in standin.facts()] == ["order:1"]

    @pytest.mark.parametrize("fault", [Fault.CUT, Fault.ERROR_500, Fault.LIMITED, Fault.TIMEOUT])
    def test_a_push_that_fails_is_made_by_the_next_one(
        self, standin: Books, system: AccountingSystem, fault: Fault
    ) -> None:
        standin.fail(fault, method=self.makes_by)
        error = error_of(lambda: system.push(self.invoice()))
        assert error is None or error.retryable
        system.push(self.invoice())
        assert [reference for _, reference, _ in standin.facts()] == ["order:1"]

    def test_another_document_with_the_number_is_refused(self, standin: Books, system: AccountingSystem) -> None:
        if standin.allows_duplicates or WhoNumbers.CALLER not in system.capabilities.who_numbers:
            pytest.skip("the system takes a number twice, or none of ours")
        system.push(self.invoice())
        with pytest.raises(errors.NumberRefused) as caught:
            system.push(self.invoice(reference="order:2"))
        check_wording(caught.value)
        assert "INV-2026-000001" in str(caught.value)
        assert len(standin.facts()) == 1

    def test_a_number_that_is_too_long_is_refused_before_it_is_sent(
        self, standin: Books, system: AccountingSystem
    ) -> None:
        longest = system.capabilities.max_number_length
        if longest is None or WhoNumbers.CALLER not in system.capabilities.who_numbers:
            pytest.skip("the system has no such limit, or takes no number of ours")
        with pytest.raises(errors.NumberRefused) as caught:
            system.push(self.invoice(number="9" * (longest + 1)))
        check_wording(caught.value)
        assert standin.facts() == []

    def test_drafts_are_numbered_by_the_system_once(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.drafts:
            with pytest.raises(errors.Unsupported) as caught:
                system.draft(self.invoice(number=""))
            check_wording(caught.value)
            return
        first = system.draft(self.invoice(number="", reference="slot:1"))
        second = system.draft(self.invoice(number="", reference="slot:2"))
        assert first.state is second.state is State.DRAFT
        if WhoNumbers.AT_DRAFT in system.capabilities.who_numbers:
            assert first.number
            assert first.number != second.number
        assert system.draft(self.invoice(number="", reference="slot:1")).remote_id == first.remote_id
        assert len(standin.facts()) == 2

    def test_a_draft_whose_answer_was_lost_is_one(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.drafts:
            pytest.skip("the system has no drafts")
        standin.fail(Fault.LOST, method=self.makes_by)
        system.draft(self.invoice(number="", reference="slot:1"))
        assert [reference for _, reference, _ in standin.facts()] == ["slot:1"]

    @pytest.mark.parametrize("lost", [False, True])
    def test_a_draft_of_the_pool_becomes_the_document(
        self, standin: Books, system: AccountingSystem, lost: bool
    ) -> None:
        if WhoNumbers.AT_DRAFT not in system.capabilities.who_numbers:
            pytest.skip("the system's drafts have no numbers")
        slot = system.draft(self.invoice(number="", reference="slot:1"))
        invoice = self.invoice(number=slot.number, reference="order:9", draft_id=slot.remote_id)
        if lost:
            standin.fail(Fault.LOST, method=self.fills_in_by)
            error_of(lambda: system.push(invoice))
        made = system.push(invoice)
        assert (made.number, made.reference, made.state) == (slot.number, "order:9", State.POSTED)
        assert standin.facts() == [(slot.number, "order:9", State.POSTED)]

    def test_cancel_voids_once(self, standin: Books, system: AccountingSystem) -> None:
        made = system.push(self.invoice())
        assert system.cancel(made.remote_id).state in {State.VOID, State.DELETED}
        assert system.cancel(made.remote_id).state in {State.VOID, State.DELETED}
        assert standin.facts() in ([(made.number, "order:1", State.VOID)], [])

    def test_cancel_of_a_draft(self, standin: Books, system: AccountingSystem) -> None:
        if not system.capabilities.drafts:
            pytest.skip("the system has no drafts")
        made = system.draft(self.invoice(number="", reference="slot:1"))
        assert system.cancel(made.remote_id).state in {State.VOID, State.DELETED}
        assert [state for _, _, state in standin.facts()] in ([], [State.VOID], [State.DELETED])

    def test_cancel_of_what_is_not_there(self, system: AccountingSystem) -> None:
        with pytest.raises(errors.NotThere) as caught:
            system.cancel("99999999-0000-0000-0000-000000000000" if "-" in self.some_key() else "99999999")
        check_wording(caught.value)

    # Faults ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", PASSING)
    def test_reading_gets_over_a_fault_that_passes(
        self, standin: Books, system: AccountingSystem, clock: FakeClock, fault: Fault
    ) -> None:
        standin.add("INV-1", date(2026, 2, 1))
        everything(system.changed(None))
        clock.slept.clear()
        standin.fail(fault, fault)
        assert len(everything(system.changed(None))) == 1
        assert len(clock.slept) >= 2
        if fault is Fault.LIMITED:
            assert all(seconds >= StandIn.retry_after for seconds in clock.slept)

    @pytest.mark.parametrize("fault", [*TOLD])
    def test_a_fault_that_stays_is_an_error_of_ours(
        self, standin: Books, system: AccountingSystem, fault: Fault
    ) -> None:
        standin.add("INV-1", date(2026, 2, 1))
        everything(system.changed(None))
        standin.fail(*[fault] * 12)
        with pytest.raises(TOLD[fault]) as caught:
            everything(system.changed(None))
        check_wording(caught.value)
        if isinstance(caught.value, errors.RateLimited):
            assert caught.value.retry_at is not None

    def test_a_refused_login_is_an_error_of_ours(self, standin: Books, system: AccountingSystem) -> None:
        standin.fail(*[Fault.EXPIRED] * 12)
        with pytest.raises(errors.AuthenticationFailed) as caught:
            everything(system.changed(None))
        check_wording(caught.value)
        assert standin.count() <= 6

    def test_a_token_that_runs_out_is_renewed_or_told(self, standin: Books, system: AccountingSystem) -> None:
        everything(system.changed(None))
        standin.fail(Fault.EXPIRED)
        error = error_of(lambda: everything(system.changed(None)))
        assert error is None or isinstance(error, errors.AuthenticationFailed)

    @pytest.mark.parametrize("fault", [*TOLD, Fault.EXPIRED])
    def test_no_secret_in_any_error_log_or_address(
        self, standin: Books, clock: FakeClock, fault: Fault, caplog: pytest.LogCaptureFixture
    ) -> None:
        with everything_said(caplog) as said:
            system = self.connect(standin, clock)
            print(repr(system), str(system), vars(system), file=said)
            everything(system.changed(None))
            standin.fail(*[fault] * 12)
            standin.echoes_secrets = True
            for call in (
                lambda: everything(system.changed(None)),
                lambda: system.push(self.invoice()),
                lambda: system.cancel(self.some_key()),
            ):
                error = error_of(call)
                if error is not None:
                    traceback.print_exception(error, file=said)
                    print(repr(error), error.problem, vars(error), file=said)
                    assert error.__cause__ is None
                    assert error.__context__ is None
        assert len(said.getvalue()) > 200
        for secret in standin.secrets():
            assert secret not in said.getvalue()
        for request in standin.requests:
            for secret in standin.secrets():
                assert secret not in request.path
                assert secret not in json.dumps(dict(request.query))

    def test_limits_are_kept(self, standin: Books, clock: FakeClock) -> None:
        meter = Meter(Limits(per_minute=20, concurrent=2, per_day=70))
        system = self.adapter_class(self.settings(standin), self.http_options(clock, limiter=meter.limiter))
        self.connected.append(system)
        for _ in range(30):
            system.find(number="INV-1")
        assert meter.most_in_a_minute() <= 20
        assert clock.slept
        error = None
        while error is None:
            error = error_of(lambda: system.find(number="INV-1"))
        assert isinstance(error, errors.RateLimited)
        assert error.retry_at == datetime(2026, 3, 2, tzinfo=UTC)
        check_wording(error)

    def test_the_requests_fit_what_the_vendor_publishes(self, standin: Books, system: AccountingSystem) -> None:
        """The stand-in checks each request and each answer against the vendor's shape, and keeps what doesn't fit."""
        made = system.push(self.invoice())
        everything(system.changed(None))
        system.find(number=made.number)
        if system.capabilities.finds_references:
            system.find(reference=made.reference)
        system.cancel(made.remote_id)
        assert standin.misfits == []

    # Help -----------------------------------------------------------------------------------------------

    def some_key(self) -> str:
        """The form of this vendor's keys."""
        return self.standin_class.example_key

    def in_another_process(self, standin: Books, cursor: str | None, options: dict[str, Any]) -> list[str]:
        """The keys that a fresh process reads from ``cursor`` on."""
        given = {
            "module": type(self).__module__,
            "test": type(self).__qualname__,
            "url": standin.url,
            "cursor": cursor,
            "options": options,
        }
        code = (
            "import sys, django; django.setup(); from tests.accounting.conformance import read_on; read_on(sys.argv[1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(given)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        keys: list[str] = json.loads(done.stdout)
        return keys


def read_on(argument: str) -> None:
    """The other process: it connects again, and prints the keys from the cursor on."""
    import importlib
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    given = json.loads(argument)
    test = getattr(importlib.import_module(given["module"]), given["test"])()
    test.connected = []
    system = test.connect(_Elsewhere(given["url"], test.standin_class), FakeClock(), **given["options"])
    print(json.dumps([each.remote_id for page in system.changed(None, given["cursor"]) for each in page.invoices]))


class _Elsewhere:
    """A stand-in in another process, with the attributes that ``Conformance.connect`` needs."""

    def __init__(self, url: str, kind: type[Books]) -> None:
        self.url = url
        self.secret = kind.secret


def everything(pages: Iterator[Page]) -> list[RemoteInvoice]:
    return [each for page in pages for each in page.invoices]


def check_wording(error: errors.AccountingError) -> None:
    """An error names the system and the endpoint, and has a problem, a rule and a remedy in whole sentences."""
    assert error.system == "books"
    assert error.problem.startswith("books")
    for sentence in (error.problem, error.rule, error.remedy):
        assert sentence.rstrip("”").endswith((".", "…"))
    assert "?" not in error.endpoint
    assert "Traceback" not in str(error)


def error_of(call: Callable[[], object]) -> errors.AccountingError | None:
    """The error of a call; None if it went well."""
    try:
        call()
    except errors.AccountingError as error:
        return error
    return None


@contextmanager
def everything_said(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """Everything that the libraries log at the finest level, and what a test adds."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG):
            yield said
    finally:
        root.removeHandler(handler)
