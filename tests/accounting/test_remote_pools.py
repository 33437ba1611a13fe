"""Remote pools end to end: real HTTP to stand-ins that number drafts, and the ledger that gives their numbers out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings

from ledger import close_period, issue, open_period, remote, sweeps, verification
from ledger import errors as e
from ledger.compat.moving.pool import Pool, move_pool
from ledger.models import DraftCancelled, DraftMade, Entry, GapFlagged, Period, RemotePool, Series, Slot, SweepRun
from ledger.series import change_allocation
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.processes import ROOT
from tests.accounting.standins.books import Books
from tests.accounting.standins.erpnext import API_KEY, ERPNextStandIn
from tests.accounting.standins.server import Fault
from tests.accounting.standins.xero import XeroStandIn
from tests.allocations import expect_all_accounted_for, rolled_back
from tests.drafted import remote_series
from tests.shop.lorikeet import KeyedInvoiceID
from workers import drafting
from workers.accounting import errors, systems
from workers.accounting.base import NewInvoice, State
from workers.accounting.plumbing import Plumbing, Timeouts
from workers.accounting.retries import Retries
from workers.system_sweeps import sweep_name, systems_of

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timedelta(0)


class Vendor:
    """A stand-in, how the settings name it, and the numbers that it gives."""

    def __init__(self, standin: Books, name: str) -> None:
        self.standin = standin
        self.name = name

    def settings(self, **options: Any) -> dict[str, Any]:
        common: dict[str, Any] = {"drafts": {"least": 4, "most": 40, "customer": "C-1"}}
        credentials = {"key": API_KEY, "secret": self.standin.secret}
        if self.name == "xero":
            common["token_url"] = f"{self.standin.url}/connect/token"
            credentials = {"client_id": "the-client-id", "client_secret": self.standin.secret}
        books = {
            "adapter": self.name,
            "organisation": "org-1",
            "url": self.standin.url,
            "credentials": credentials,
            "options": common | options,
        }
        return {"SYSTEMS": {"books": books}}

    def number(self, place: int) -> str:
        return f"XERO-{place:04}" if self.name == "xero" else f"ACC-SINV-2026-{place:05}"

    def numbers(self, *places: int) -> list[str]:
        return [self.number(place) for place in places]

    def key(self, number: str) -> str:
        [found] = [key for key, each in self.standin.documents.items() if each.number == number]
        return found

    def drafts(self) -> list[str]:
        return [number for number, _, state in self.standin.facts() if state is State.DRAFT]


@pytest.fixture(params=["xero", "erpnext"])
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    standin: Books = XeroStandIn() if request.param == "xero" else ERPNextStandIn()
    standin.now = datetime.now(UTC)
    with standin:
        found = Vendor(standin, str(request.param))
        with override_settings(LEDGER_ACCOUNTING=found.settings()):
            yield found
    assert standin.misfits == []


def plumbing() -> Plumbing:
    return Plumbing(
        timeouts=Timeouts(connect=2, read=0.3, write=2, total=10),
        retries=Retries(attempts=1, jitter=lambda: 0.5),
        tokens=MemoryTokens(),
    )


def refill(look_every: timedelta = NOW) -> dict[str, int]:
    return drafting.refill_system("default", "books", plumbing=plumbing(), look_every=look_every)


def number(document: str | None = None) -> str:
    with transaction.atomic():
        return str(issue("invoice", document=document))


def free() -> list[str]:
    slots = Slot.objects.values_list("period", "value").order_by("period", "value")
    return [DraftMade.objects.get(period=period, value=value).number for period, value in slots]


def all_is_well() -> None:
    expect_all_accounted_for()
    # A test database lets itself be flushed, which to a guard looks like tampering.
    assert [finding for finding in verification.verify() if finding.check != "trigger"] == []


def test_filled_taken_given_back_and_filled_again(vendor: Vendor) -> None:
    remote_series()
    assert refill()["drafted"] == 4
    assert vendor.drafts() == free() == vendor.numbers(1, 2, 3, 4)
    asked = vendor.standin.count()
    assert number("order:1") == vendor.number(1)
    with rolled_back():
        assert str(issue("invoice", document="order:2")) == vendor.number(2)
    assert number("order:3") == vendor.number(2)
    assert vendor.standin.count() == asked, "no checkout talks to the network"
    assert refill()["drafted"] == 2
    assert free() == vendor.numbers(3, 4, 5, 6)
    assert refill()["drafted"] == 0
    pool = RemotePool.objects.get()
    assert (pool.error, pool.claimed_by, pool.wanted) == ("", "", 4)
    assert pool.refilled_at is not None
    all_is_well()


def test_the_entry_finds_its_draft_which_becomes_the_document(vendor: Vendor) -> None:
    remote_series()
    refill()
    with transaction.atomic():
        entry = issue("invoice", document="order:1")
    draft = remote.draft_of(entry)
    assert draft is not None
    assert (draft.system, draft.number) == ("books", str(entry))
    system = systems.connect("books", plumbing())
    try:
        pushed = system.push(
            NewInvoice(
                reference=entry.document,
                issued_on=entry.issued_on,
                number=entry.number,
                customer="C-1",
                draft_id=draft.remote_id,
            )
        )
    finally:
        system.close()
    assert (pushed.number, pushed.reference, pushed.state) == (entry.number, "order:1", State.POSTED)
    refill()
    assert not GapFlagged.objects.exists(), "a draft that we posted was not used by somebody else"
    all_is_well()


def test_the_mark_follows_the_rate_of_use(vendor: Vendor) -> None:
    remote_series()
    refill()
    for _ in range(3):
        number()
    assert refill()["drafted"] == 5, "three in the last hour: six are wanted, and one is left"
    assert RemotePool.objects.get().wanted == 6
    for _ in range(6):
        number()
    refill()
    assert RemotePool.objects.get().wanted == 18
    assert len(free()) == 18


def test_a_low_pool_is_told(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    remote_series()
    refill()
    assert "is low" not in caplog.text
    for _ in range(4):
        number()
    refill()
    assert "The pool of invoice is low: 0 drafts are free in books, 8 are wanted" in caplog.text


@pytest.mark.parametrize("look", ["changes", "each"])
def test_a_draft_that_was_deleted_there(vendor: Vendor, look: str) -> None:
    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(2)))
    if look == "each":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_remotepool SET full_look_at = now() - interval '25 hours'")
    done = refill(NOW if look == "changes" else timedelta(hours=1))
    assert done["withdrawn"] == 1
    gap = GapFlagged.objects.get()
    assert (gap.number, gap.metadata["said"]["state"]) == (vendor.number(2), "deleted")
    assert free() == vendor.numbers(1, 3, 4), "half of what is wanted is free"
    assert [number(), number()] == vendor.numbers(1, 3)
    all_is_well()


def test_a_draft_that_somebody_used_there(vendor: Vendor) -> None:
    remote_series()
    refill()
    documents = vendor.standin.documents
    posted, taken = vendor.key(vendor.number(1)), vendor.key(vendor.number(2))
    documents[posted].state = State.POSTED
    documents[taken].reference = "PO 4711"
    vendor.standin.touch(posted)
    vendor.standin.touch(taken)
    done = refill()
    assert (done["withdrawn"], done["drafted"]) == (2, 2)
    gaps = GapFlagged.objects.order_by("value")
    assert [gap.number for gap in gaps] == vendor.numbers(1, 2)
    assert [gap.metadata["said"]["problem"] for gap in gaps] == [
        "somebody posted it there",
        "somebody uses it there, under another reference",
    ]
    assert number() == vendor.number(3)
    all_is_well()


@pytest.mark.parametrize("id_field", ["key", ""])
def test_drafts_that_were_taken_over_are_looked_at_too(vendor: Vendor, id_field: str) -> None:
    """Somebody else made them, so they bear no reference of ours: that alone is no reason to withdraw them."""
    remote_series()
    numbers = vendor.numbers(901, 902, 903)
    for each in numbers:
        vendor.standin.add(each, datetime.now(UTC).date(), reference="web shop", state=State.DRAFT)
        KeyedInvoiceID.objects.create(number=each, key=vendor.key(each))
    move_pool(Pool("shop.KeyedInvoiceID", id_field), "invoice", {})
    vendor.standin.delete(vendor.key(numbers[1]))
    for each in (numbers[0], numbers[2]):
        vendor.standin.touch(vendor.key(each))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_remotepool SET full_look_at = now() - interval '25 hours'")
    assert refill()["withdrawn"] == 1
    assert free()[:2] == [numbers[0], numbers[2]]
    assert number() == numbers[0]
    all_is_well()


def test_a_checkout_in_flight_keeps_the_draft_that_was_deleted(vendor: Vendor) -> None:
    from tests.concurrency.checkouts import checkouts

    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(1)))
    with checkouts(1) as (checkout,):
        checkout.begin()
        assert checkout.run(lambda: str(issue("invoice"))) == vendor.number(1)
        done = refill()
        assert (done["withdrawn"], done["in_flight"]) == (0, 1)
        checkout.rollback()
    assert refill()["withdrawn"] == 1
    assert number() == vendor.number(2)
    all_is_well()


def test_an_empty_pool_names_the_error_and_recovers(vendor: Vendor) -> None:
    series = remote_series()
    with pytest.raises(e.PoolExhausted, match="no worker has filled its pool yet"):
        number()
    vendor.standin.fail(*[Fault.ERROR_503] * 20)
    assert refill()["failed"] == 1
    with pytest.raises(e.PoolExhausted, match="last refilled never, and the last try, at .* failed: books: ") as told:
        number()
    assert "A person" not in str(told.value)
    assert "503" in RemotePool.objects.get().error
    vendor.standin.faults.clear()
    assert refill()["failed"] == 0
    assert number() == vendor.number(1)
    assert str(series) == "invoice"


def test_wrong_credentials_need_a_person(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "shared", plumbing)
    remote_series()
    given = vendor.settings()
    given["SYSTEMS"]["books"]["credentials"] = dict.fromkeys(given["SYSTEMS"]["books"]["credentials"], "wrong-secret")
    with override_settings(LEDGER_ACCOUNTING=given):
        with pytest.raises(errors.AuthenticationFailed):
            sweeps.run(sweep_name("refill_remote_pools", "books"))
        with pytest.raises(e.PoolExhausted, match="A person must mend that"):
            number()
    assert SweepRun.objects.get().error.startswith("AuthenticationFailed")
    pool = RemotePool.objects.get()
    assert pool.needs_person
    assert "wrong-secret" not in pool.error
    assert refill()["drafted"] == 4
    pool.refresh_from_db()
    assert (pool.needs_person, pool.error) == (False, "")


def test_an_answer_that_is_lost_leaves_no_orphan(vendor: Vendor) -> None:
    remote_series()
    makes_by = "PUT" if vendor.name == "xero" else "POST"
    standin = vendor.standin
    standin.fail(Fault.LOST, method=makes_by)
    refill()
    refill()
    assert len(vendor.drafts()) == DraftMade.objects.count() == 4
    assert sorted(vendor.drafts()) == sorted(free())
    all_is_well()


KILLED = """
import os, signal
from datetime import timedelta
from django.conf import settings
from ledger import remote
from tests.accounting.test_remote_pools import plumbing
from workers import drafting

stored = []
store = remote.store

def store_two(*arguments, **facts):
    if len(stored) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    stored.append(1)
    return store(*arguments, **facts)

remote.store = store_two
settings.LEDGER_ACCOUNTING = ACCOUNTING
drafting.refill_system("default", "books", plumbing=plumbing(), look_every=timedelta(0))
"""


def killed_worker(vendor: Vendor) -> None:
    """A worker process that is killed by SIGKILL after its third draft is made there, before it is stored here."""
    code = "import django\ndjango.setup()\n" + KILLED.replace("ACCOUNTING\n", f"{vendor.settings()!r}\n", 1)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(vendor.drafts()) == 3
    assert DraftMade.objects.count() == 2


def claims_run_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_remotepool SET claimed_until = now() - interval '1 second'")


def test_a_worker_killed_between_draft_and_storing_leaves_no_orphan(vendor: Vendor) -> None:
    remote_series()
    killed_worker(vendor)
    assert refill()["drafted"] == 0, "its claim holds for a while"
    claims_run_out()
    # Two of four are left, which is low.
    assert refill()["drafted"] == 2
    assert sorted(vendor.drafts()) == sorted(free()) == sorted(vendor.numbers(1, 2, 3, 4))
    all_is_well()


def test_two_workers_at_once_make_each_draft_once(vendor: Vendor) -> None:
    from tests.concurrency.checkouts import in_threads

    remote_series()
    done = in_threads(4, lambda _: refill())
    assert sum(each["drafted"] for each in done) == 4
    assert vendor.drafts() == free()
    all_is_well()


def test_a_number_that_the_system_gives_again_is_not_taken(vendor: Vendor) -> None:
    """ERPNext takes its counter back when the last draft is deleted; in Xero somebody may set the counter back."""
    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(4)))
    if isinstance(vendor.standin, XeroStandIn):
        vendor.standin.next_number = 4
    number()
    done = refill()
    assert (done["withdrawn"], done["refused"], done["drafted"]) == (1, 1, 2)
    assert free() == vendor.numbers(2, 3, 5, 6)
    refused = DraftMade.objects.get(value=None)
    assert refused.number == vendor.number(4)
    assert "stands in the ledger" in refused.refusal
    assert GapFlagged.objects.get().number == vendor.number(4)
    all_is_well()


def test_numbers_that_all_stand_in_the_ledger_stop_the_refill_for_an_hour(vendor: Vendor) -> None:
    remote_series()
    from ledger import define_series

    define_series("old", template=vendor.number(1)[:-4] + "{counter:04}", calendar="never")
    with transaction.atomic():
        for _ in range(12):
            issue("old")
    for _ in range(3):
        with pytest.raises(errors.NumberRefused, match="the last 5 drafts for 'invoice' could not be taken"):
            refill()
    assert vendor.drafts() == vendor.numbers(1, 2, 3, 4, 5)
    assert "A person must mend that" in _told()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_draftmade DISABLE TRIGGER ledger_append_only_rows")
        cursor.execute("UPDATE ledger_draftmade SET drafted_at = drafted_at - interval '61 minutes'")
        cursor.execute("ALTER TABLE ledger_draftmade ENABLE ALWAYS TRIGGER ledger_append_only_rows")
    with pytest.raises(errors.NumberRefused):
        refill()
    assert len(vendor.drafts()) == 10


def _told() -> str:
    with pytest.raises(e.PoolExhausted) as told:
        number()
    return str(told.value)


def test_a_run_whose_time_is_over_leaves_the_rest_to_the_next(vendor: Vendor) -> None:
    remote_series()
    with override_settings(LEDGER={"SWEEPS": {"refill_remote_pools": {"limit": 1e-9}}}):
        assert refill() == {"drafted": 0, "refused": 0, "withdrawn": 0, "in_flight": 0, "failed": 0}
    assert vendor.drafts() == []
    assert refill()["drafted"] == 4


def test_a_worker_whose_claim_ran_out_makes_no_draft(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was held up until another one had the pool; both would make the same draft."""
    series = remote_series()
    needs = remote.needs

    def held_up(*arguments: Any, **options: Any) -> Any:
        found = needs(*arguments, **options)
        claims_run_out()
        assert remote.claim(series) is not None
        return found

    monkeypatch.setattr(remote, "needs", held_up)
    assert refill()["drafted"] == 0
    assert vendor.drafts() == []


def test_numbers_that_are_too_long_make_one_draft_and_no_more(vendor: Vendor) -> None:
    series = remote_series(template="{year}/{counter}", max_length=8)
    for _ in range(3):
        with pytest.raises(errors.NumberRefused, match="characters"):
            refill()
    assert len(vendor.drafts()) == 1
    assert "max_length" in RemotePool.objects.get().error
    from ledger import define_series

    define_series(series.code, max_length=40)
    assert refill()["drafted"] == 4
    assert len(vendor.drafts()) == 4
    all_is_well()


def test_the_next_period_gets_some_before_it_begins(vendor: Vendor) -> None:
    """Its calendar is by day, so the next one begins tomorrow."""
    series = remote_series(template="D{year}{month}{day}-{counter}", calendar="day")
    refill()
    today = Period.objects.get()
    tomorrow = open_period(series, today.ends_on + timedelta(days=1))
    far = open_period(series, today.ends_on + timedelta(days=9))
    refill()
    counts = {period.pk: Slot.objects.filter(period=period).count() for period in Period.objects.all()}
    assert counts == {today.pk: 4, tomorrow.pk: 1, far.pk: 0}
    [draft] = [each for each in vendor.standin.documents.values() if str(tomorrow.starts_on) in each.reference]
    assert draft.issued_on == tomorrow.starts_on


def test_one_series_that_is_refused_does_not_keep_the_others_from_theirs(vendor: Vendor) -> None:
    remote_series("a", calendar="explicit", template="a-{year}{month}{day}/{counter}")
    remote_series("invoice")
    with pytest.raises(e.NoPeriod):
        refill()
    assert Series.objects.get(code="invoice").periods.exists()
    assert free() == vendor.numbers(1, 2, 3, 4)
    errors_of = {pool.series.code: pool.error for pool in RemotePool.objects.select_related("series")}
    assert errors_of["invoice"] == ""
    assert "No period" in errors_of["a"]


def test_a_system_that_makes_no_drafts(vendor: Vendor) -> None:
    remote_series()
    given = vendor.settings()
    given["SYSTEMS"]["books"] |= {
        "adapter": "tryton",
        "organisation": "1",
        "credentials": {"key": "k"},
        "options": {},
    }
    with override_settings(LEDGER_ACCOUNTING=given), pytest.raises(errors.Unsupported, match="no drafts can be kept"):
        refill()
    with override_settings(LEDGER_ACCOUNTING={}), pytest.raises(errors.Misconfigured, match="no accounting system"):
        refill()
    bad = vendor.settings(drafts={"least": 0, "colour": "red"})
    with override_settings(LEDGER_ACCOUNTING=bad), pytest.raises(errors.Misconfigured, match="'colour'.*'least'"):
        refill()


class TestDraftsThatNobodyUsed:
    def run(self, action: str, **options: Any) -> Any:
        out = StringIO()
        call_command("ledger_drafts", action, "--json", system="books", stdout=out, **options)
        return json.loads(out.getvalue())

    def closed_with_three_left(self, vendor: Vendor) -> Period:
        remote_series()
        refill()
        assert number("order:1") == vendor.number(1)
        period = Period.objects.get()
        close_period(period, early=True)
        return period

    @pytest.fixture(autouse=True)
    def quickly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(systems, "shared", plumbing)

    def test_at_years_end_they_are_listed_and_cancelled_once(self, vendor: Vendor) -> None:
        period = self.closed_with_three_left(vendor)
        listed = self.run("list", period=str(period.ends_on))
        assert [each["number"] for each in listed] == vendor.numbers(2, 3, 4)
        assert {each["cause"] for each in listed} == {"period closed"}
        assert self.run("list", period="1999-01-01") == []
        done = self.run("cancel", by="ada")
        assert [(each["number"], each["outcome"]) for each in done] == [
            (number, "cancelled") for number in vendor.numbers(2, 3, 4)
        ]
        assert vendor.drafts() == [vendor.number(1)], "the one that a document has is not touched"
        assert set(DraftCancelled.objects.values_list("actor", flat=True)) == {"ada"}
        asked = vendor.standin.count("PUT") + vendor.standin.count("POST")
        assert self.run("list") == self.run("cancel") == []
        assert vendor.standin.count("PUT") + vendor.standin.count("POST") <= asked + 1, "but for a token"
        assert Entry.objects.filter(kind="gap").count() == 3
        all_is_well()

    def test_one_that_somebody_uses_is_left_alone(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        key = vendor.key(vendor.number(3))
        vendor.standin.documents[key].state = State.POSTED
        with pytest.raises(CommandError, match="1 drafts were not cancelled") as raised:
            self.run("cancel")
        assert raised.value.returncode == 1
        assert vendor.standin.documents[key].state is State.POSTED
        assert [each["number"] for each in self.run("list")] == [vendor.number(3)]

    def test_one_that_is_gone_is_noted(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        vendor.standin.delete(vendor.key(vendor.number(3)))
        outcomes = {each["number"]: each["outcome"] for each in self.run("cancel")}
        assert outcomes[vendor.number(3)] == "gone"
        assert self.run("list") == []

    def test_a_stray_of_a_killed_worker_is_found_after_the_period_was_closed(self, vendor: Vendor) -> None:
        remote_series()
        killed_worker(vendor)
        close_period(Period.objects.get(), early=True)
        done = self.run("cancel")
        assert [each["number"] for each in done] == vendor.numbers(1, 2, 3)
        assert vendor.drafts() == []
        all_is_well()

    def test_a_stray_of_a_series_that_takes_its_numbers_otherwise_now(self, vendor: Vendor) -> None:
        remote_series()
        killed_worker(vendor)
        assert change_allocation("invoice", "serial") == 2
        assert [each["number"] for each in self.run("cancel")] == vendor.numbers(1, 2, 3)
        assert vendor.drafts() == []
        all_is_well()

    def test_without_a_connection_it_stops_and_can_be_run_again(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        vendor.standin.fail(*[Fault.ERROR_503] * 50)
        with pytest.raises(CommandError, match="503"):
            self.run("cancel")
        vendor.standin.faults.clear()
        assert len(self.run("cancel")) == 3
        assert self.run("list") == []

    def test_for_people(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        out = StringIO()
        call_command("ledger_drafts", "list", system="books", stdout=out)
        assert vendor.number(2) in out.getvalue()
        call_command("ledger_drafts", "cancel", system="books", stdout=out, stderr=StringIO())
        assert "3 drafts cancelled in books, 0 were gone before." in out.getvalue()
        with pytest.raises(CommandError) as raised:
            call_command("ledger_drafts", "list", system="nope", stdout=out)
        assert raised.value.returncode == 2


def test_the_sweep_does_every_system(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "shared", plumbing)
    assert sweeps.run(sweep_name("refill_remote_pools", "books")).counts == {"drafted": 0}
    remote_series()
    remote_series("other", system="nowhere", template="o/{year}/{counter}")
    assert systems_of("refill_remote_pools") == ["books", "nowhere"]
    with pytest.raises(errors.Misconfigured, match="no accounting system 'nowhere'"):
        sweeps.run(sweep_name("refill_remote_pools", "nowhere"))
    assert sweeps.run(sweep_name("refill_remote_pools", "books")).counts["drafted"] == 4
    assert free() == vendor.numbers(1, 2, 3, 4)
    runs = SweepRun.objects.order_by("pk")
    assert [bool(run.error) for run in runs] == [False, True, False]
