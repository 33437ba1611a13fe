"""A worker of the storm: one checkout after the other, each noted in the journal, and retried while in doubt."""

from __future__ import annotations

import sys
import time
from datetime import date, datetime
from multiprocessing import parent_process
from random import Random
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from ledger import errors, issue, issue_many, void
from ledger.homes import home_of
from ledger.models import Entry
from tests.storm.crowd import Setup
from tests.storm.journal import Journal, Kind, in_one_line, lines_of
from tests.storm.plan import Checkout, Clock, Isolation, Item, Planner, Savepoint, all_series
from tests.storm.setting_up import connect_through

#: A refusal that a caller has to expect, and does not answer by a retry.
_REFUSALS: tuple[type[Exception], ...] = (errors.PeriodClosed, errors.OutOfOrder)
#: Refused while COMMIT ran: by a period that closed meanwhile, or a document that was numbered meanwhile.
_AT_COMMIT = errors.CommitRefused

_BY_CLASS: dict[type[Exception], Kind] = {
    errors.DeadlockDetected: Kind.DEADLOCK,
    errors.SerializationFailure: Kind.SERIALIZATION,
    errors.LockTimeout: Kind.LOCK_TIMEOUT,
    errors.TenantMoved: Kind.TENANT_MOVED,
}
_BY_STATE = {
    "40001": Kind.SERIALIZATION,
    "40P01": Kind.DEADLOCK,
    "55P03": Kind.LOCK_TIMEOUT,
    "57014": Kind.LOCK_TIMEOUT,
}
_REMEMBERED = 40


class _Rollback(Exception):
    """Rolls the transaction or the savepoint back."""


class _GivenUp(Exception):
    """The storm has been over for long, and no answer has come."""


def run(setup: Setup) -> None:
    """The life of a worker process."""
    connect_through(setup.ports)
    if setup.slot % 2:
        # Without a date, half of the workers leave it to the database's clock, half to their own.
        settings.LEDGER = {**settings.LEDGER, "CLOCK": "application"}
    _Worker(setup).run()


class _Worker:
    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.journal = Journal(setup.journal())
        clock = Clock(setup.began, skew_days=setup.slot % 3 - 1)
        planned = Random(f"{setup.seed}/{setup.name}")
        self.planner = Planner(planned, setup.name, clock, all_series(setup.allocations))
        # What depends on how things went is drawn aside, so that the plans don't.
        self.random = Random(f"{setup.seed}/{setup.name}/aside")
        self.numbers: list[tuple[str, str]] = []  # what was acknowledged of late, as tenant and number
        self.attempts = 0
        self.at_commit = False  # whether the body of the transaction is through

    def run(self) -> None:
        left_open = unresolved(self.setup)
        for checkout in left_open:
            self._ask(checkout)
        for checkout in left_open:
            self._check_out(checkout)
        while time.time() < self.setup.ends:
            checkout = self.planner.draw()
            if checkout.voids and self.numbers:
                self._declare_void(*self.random.choice(self.numbers))
            else:
                self._check_out(checkout)
            time.sleep(min(checkout.rest, 0.2))
        self.journal.note(Kind.DONE)

    def _ask(self, checkout: Checkout) -> None:
        for item in checkout.items:
            for document in item.documents:
                self._note(Kind.ASKED, item, document, number="" if checkout.on is None else checkout.on.isoformat())

    def _check_out(self, checkout: Checkout) -> None:
        self._ask(checkout)
        self.journal.note(Kind.CHECKOUT)
        try:
            entries = self._until_answered(checkout)
            if entries is not None:
                self._acknowledge(checkout, entries)
        except _GivenUp:
            self._resolve(checkout, Kind.GIVEN_UP)

    def _until_answered(self, checkout: Checkout) -> list[tuple[Item, str, Entry]] | None:
        """Retry while the answer is in doubt; None if there is no number in the end, for a good reason."""
        refused_at_commit = 0
        while True:
            self.attempts += 1
            self.journal.note(Kind.ATTEMPT)
            self.at_commit = False
            try:
                with transaction.atomic(using=_home(checkout)):
                    entries = self._body(checkout)
                    if checkout.rolls_back:
                        raise _Rollback
                    self.at_commit = True
            except _Rollback:
                self._resolve(checkout, Kind.ROLLED_BACK)
                return None
            except _REFUSALS as error:
                self._resolve(checkout, Kind.REFUSED, error)
                return None
            except errors.TenantMoved as error:
                self._after_failure(error)
            except _AT_COMMIT as error:
                refused_at_commit += 1
                self.journal.note(Kind.REFUSED_AT_COMMIT, number=in_one_line(error))
                if refused_at_commit == 3:
                    self._resolve(checkout, Kind.REFUSED, error)
                    return None
            except (OperationalError, InterfaceError, errors.CommitInDoubt) as error:
                self._after_failure(error)
            except Exception as error:  # noqa: BLE001  (whatever it is, the storm must tell)
                self._resolve(checkout, Kind.ERROR, error)
                connections.close_all()
                return None
            else:
                return entries
            checkout = checkout.again()

    def _body(self, checkout: Checkout) -> list[tuple[Item, str, Entry]]:
        if checkout.isolation is not Isolation.READ_COMMITTED:
            with connections[_home(checkout)].cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {checkout.isolation}")
        entries: list[tuple[Item, str, Entry]] = []
        for place, item in enumerate(checkout.items):
            if place or checkout.savepoint is Savepoint.NONE:
                entries += self._number(checkout, item)
            else:
                entries += self._number_in_savepoint(checkout, item)
            if checkout.payment:
                time.sleep(min(checkout.payment, 0.2))
        return entries

    def _number_in_savepoint(self, checkout: Checkout, item: Item) -> list[tuple[Item, str, Entry]]:
        entries: list[tuple[Item, str, Entry]] = []
        try:
            with transaction.atomic(using=_home(checkout)):
                entries = self._number(checkout, item)
                if checkout.savepoint is not Savepoint.KEPT:
                    raise _Rollback
        except _Rollback:
            self.journal.note(Kind.SAVEPOINT)
            return self._number(checkout, item) if checkout.savepoint is Savepoint.TWICE else []
        return entries

    def _number(self, checkout: Checkout, item: Item) -> list[tuple[Item, str, Entry]]:
        """The shop's row and the number, for each document of the item."""
        attempt = f"{self.setup.name}/{self.attempts}"
        with connections[_home(checkout)].cursor() as cursor:
            cursor.execute(
                "INSERT INTO storm_checkout (attempt, tenant, series, document)"
                " SELECT %s, %s, %s, d FROM unnest(%s::text[]) AS d",
                [attempt, item.tenant, item.series, list(item.documents)],
            )
        facts: dict[str, Any] = {"org": item.tenant, "on": checkout.on, "by": self.setup.name}
        if len(item.documents) == 1:
            entries = [issue(item.series, document=item.documents[0], **facts)]
        else:
            entries = list(issue_many(item.series, documents=item.documents, **facts))
        found = [(item, document, entry) for document, entry in zip(item.documents, entries, strict=True)]
        for _, document, entry in found:
            if item.allocation == "reserved":
                self._note(Kind.SHOWN, item, document, number=str(entry))
            elif item.allocation != "at_commit" or checkout.early:
                self._note(Kind.RETURNED, item, document, number=str(entry))
            if checkout.on_commit:
                transaction.on_commit(lambda entry=entry: str(entry), using=_home(checkout))  # type: ignore[misc]
        return found

    def _acknowledge(self, checkout: Checkout, entries: list[tuple[Item, str, Entry]]) -> None:
        """Note what COMMIT has made certain, and the numbers."""
        for item, document, _ in entries:
            self._note(Kind.COMMITTED, item, document)
        for item, document, entry in entries:
            number = self._number_of(checkout, item, document, entry)
            if number is not None:
                self._note(Kind.ACKNOWLEDGED, item, document, number=number)
                # What several share is not declared void: a late one would be refused, and rightly.
                if not document.startswith("shared-"):
                    self.numbers = [*self.numbers[1 - _REMEMBERED :], (item.tenant, number)]
        if not entries:
            self._resolve(checkout, Kind.ROLLED_BACK)

    def _number_of(self, checkout: Checkout, item: Item, document: str, entry: Entry) -> str | None:
        """The number after COMMIT. Of `at_commit` it may take a query, hence more than one try."""
        while True:
            try:
                return str(entry)
            except (OperationalError, InterfaceError) as error:
                self._after_failure(error)
            except Exception as error:  # noqa: BLE001
                self._note(Kind.ERROR, item, document, number=self.journal.keep(error))
                return None
            try:
                with transaction.atomic(using=_home(checkout)):
                    entry = issue(item.series, org=item.tenant, document=document, on=checkout.on)
            except (OperationalError, InterfaceError) as error:
                self._after_failure(error)
            except Exception as error:  # noqa: BLE001  (it is committed: nothing may refuse it now)
                self._note(Kind.ERROR, item, document, number=self.journal.keep(error))
                return None

    def _declare_void(self, tenant: str, number: str) -> None:
        self.journal.note(Kind.VOID_ASKED, tenant=tenant, number=number)
        while True:
            self.at_commit = False
            try:
                with transaction.atomic(using=home_of(tenant)):
                    void(number, org=tenant, reason="storm", by=self.setup.name)
                    self.at_commit = True
            except errors.AlreadyVoided:
                break
            except (OperationalError, InterfaceError) as error:
                try:
                    self._after_failure(error)
                except _GivenUp:
                    return
            except Exception as error:  # noqa: BLE001
                self.journal.note(Kind.ERROR, tenant=tenant, number=self.journal.keep(error))
                connections.close_all()
                return
            else:
                break
        self.journal.note(Kind.VOIDED, tenant=tenant, number=number)

    def _after_failure(self, error: Exception) -> None:
        """Write down what failed, wait a moment, and go on, unless the storm is long over."""
        kind = _BY_CLASS.get(type(error)) or _BY_STATE.get(_state(error))
        if kind is None:
            kind = Kind.IN_DOUBT if self.at_commit else Kind.BROKEN
            connections.close_all()
        self.journal.note(kind, number=in_one_line(error))
        controller = parent_process()
        if controller is not None and not controller.is_alive():
            sys.exit(1)  # killed, so nobody will stop the storm
        if time.time() > self.setup.ends + self.setup.patience:
            raise _GivenUp
        time.sleep(self.random.uniform(0.01, 0.1))

    def _resolve(self, checkout: Checkout, kind: Kind, error: Exception | None = None) -> None:
        said = "" if error is None else self.journal.keep(error) if kind is Kind.ERROR else in_one_line(error)
        for item in checkout.items:
            for document in item.documents:
                self._note(kind, item, document, number=said)

    def _note(self, kind: Kind, item: Item, document: str, number: str = "") -> None:
        attempt = str(self.attempts)
        self.journal.note(
            kind, tenant=item.tenant, series=item.series, document=document, number=number, attempt=attempt
        )


def unresolved(setup: Setup) -> list[Checkout]:
    """The request to which the process before, in this slot, noted no answer: it was killed meanwhile."""
    if setup.generation == 0:
        return []
    open_: dict[tuple[str, str, str], date | datetime | None] = {}
    for kind, tenant, series, document, number, _ in lines_of(setup.journal(setup.generation - 1)):
        if kind == Kind.ASKED:
            open_[tenant, series, document] = _date(number)
        elif kind in (Kind.ACKNOWLEDGED, Kind.ROLLED_BACK, Kind.REFUSED, Kind.GIVEN_UP, Kind.ERROR):
            open_.pop((tenant, series, document), None)
    allocations = {series.code: series.allocation for series in all_series(setup.allocations)}
    return [
        Checkout(items=(Item(tenant, series, allocations[series], (document,)),), on=on)
        for (tenant, series, document), on in open_.items()
    ]


def _home(checkout: Checkout) -> str:
    """The database where its tenant lives, which is the same in all items."""
    return home_of(checkout.items[0].tenant)


def _date(text: str) -> date | datetime | None:
    """What was asked for, as it was written down."""
    if not text:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _state(error: BaseException | None) -> str:
    """PostgreSQL's code, from the error in the chain of causes that has it."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return ""
