"""Random histories of one tenant, told to the ledger and to a model of dictionaries: they must agree at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import close_period, define_series, errors as e, issue, issue_many, preview, void
from ledger.gaps import sweep
from ledger.models import Entry, NumberVoided, Period
from ledger.verification import verify
from tests.allocations import POOLED, RESERVED, SERIAL, expect_all_accounted_for
from tests.concurrency.checkouts import Checkout, checkouts
from tests.stateful import profile
from tests.stateful.model import Ledger, OpenCheckout

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")

#: Two business years of the past, so that each can be closed.
YEARS = (2024, 2025)

who = st.sampled_from([0, 1, 2])
year = st.sampled_from(YEARS)
document = st.sampled_from(["", "a", "b", "c", "d", "e", "f"])
blocks = st.lists(st.sampled_from("abcdefghijklm"), min_size=1, max_size=6)

_tenants = count(1)


class Histories(RuleBasedStateMachine):
    """Three checkouts at most are open at a time; none is asked to wait for another."""

    allocation = SERIAL
    threads: list[Checkout]
    #: Where the tenant's numbers are.
    home = "default"

    @initialize()
    def begin(self) -> None:
        self.tenant = f"{self.allocation}:{next(_tenants)}"
        self.model = Ledger(self.allocation)
        define_series("invoice", org=self.tenant, template="INV-{year}-{counter:03}", allocation=self.allocation)

    # What a checkout does ------------------------------------------------------------------------------------

    @rule(who=who, year=year, document=document, ask=st.booleans())
    def issue(self, who: int, year: int, document: str, ask: bool) -> None:
        self.give_out(who, year, [document], lambda day: [self.one(document, day)])

    @rule(who=who, year=year, documents=blocks)
    def issue_many(self, who: int, year: int, documents: list[str]) -> None:
        self.give_out(
            who, year, documents, lambda day: issue_many("invoice", documents=documents, org=self.tenant, on=day)
        )

    def one(self, document: str, day: date) -> Entry:
        return issue("invoice", org=self.tenant, document=document or None, on=day)

    def give_out(self, who: int, year: int, documents: list[str], call: Callable[[date], list[Entry]]) -> None:
        model = self.model
        mine = model.checkouts.get(who, OpenCheckout())
        others = [whose for whose in documents if model.pending(whose) and not mine.find(whose)]
        if others or model.would_wait(who):
            return  # it would wait for another checkout, as it should
        if void_ones := [whose for whose in documents if model.place_of(whose) in model.voided]:
            if documents == void_ones[:1]:
                self.open(who)
                errors = (e.DocumentVoided, e.DocumentConflict, e.PeriodClosed)
                self.refused(who, errors, lambda: call(date(year, 6, 1)))
                model.checkouts[who].refused = True
            return
        self.open(who)
        mine = model.checkouts[who]
        places = {whose: model.place_of(whose) for whose in documents}
        years = [place[0] for place in places.values() if place]
        years += [own.year for whose in documents if (own := mine.find(whose))]
        elsewhere = any(at != year for at in years)
        fresh = [whose for whose in dict.fromkeys(documents) if not (model.place_of(whose) or mine.find(whose))]
        if documents == [""]:
            fresh = [""]
        day = date(year, 6, 1)
        if elsewhere:
            # In a closed period there are two reasons, and either will do.
            also = e.PeriodClosed if year in model.closed else e.DocumentConflict
            self.refused(who, (e.DocumentConflict, also), lambda: call(day))
            mine.refused = True
        elif year in model.closed and fresh:
            self.refused(who, (e.PeriodClosed,), lambda: call(day))
        else:
            expected = dict(zip(fresh, model.take(who, year, fresh), strict=True))
            for whose in documents:
                own = mine.find(whose)
                if place := model.place_of(whose):
                    expected[whose] = place[1]
                elif whose and own:
                    expected[whose] = own.value
            told = self.run(who, lambda: [self.known_value(entry) for entry in call(day)])
            assert told == [expected[whose] for whose in documents]

    @staticmethod
    def known_value(entry: Entry) -> int | None:
        """Without asking at_commit for a number that it hasn't decided."""
        value: int | None = entry.__dict__.get("value")
        return value

    def refused(self, who: int, error: tuple[type[Exception], ...], call: Callable[[], Any]) -> None:
        with pytest.raises(error):
            self.run(who, call)

    @precondition(lambda self: self.model.checkouts)
    @rule(who=who)
    def savepoint(self, who: int) -> None:
        if checkout := self.model.checkouts.get(who):
            self.run(who, lambda: self.atomics(who).append(self.entered()))
            checkout.savepoints.append(len(checkout.taken))

    @precondition(lambda self: any(checkout.savepoints for checkout in self.model.checkouts.values()))
    @rule(who=who, kept=st.booleans())
    def end_savepoint(self, who: int, kept: bool) -> None:
        checkout = self.model.checkouts.get(who)
        if checkout is None or not checkout.savepoints:
            return
        self.run(who, lambda: self.left(self.atomics(who).pop(), kept))
        if kept:
            checkout.savepoints.pop()
        else:
            self.model.roll_back_to_savepoint(who)

    @precondition(lambda self: self.model.checkouts)
    @rule(who=who)
    def commit(self, who: int) -> None:
        if who in self.model.checkouts:
            self.run(who, lambda: self.leave_all(who, True))
            taken = self.model.commit(who)
            stored = dict(self.entries().exclude(document="").values_list("document", "value"))
            assert all(stored[one.document] == one.value for one in taken if one.document)

    @precondition(lambda self: self.model.checkouts)
    @rule(who=who)
    def roll_back(self, who: int) -> None:
        if who in self.model.checkouts:
            self.run(who, lambda: self.leave_all(who, False))
            del self.model.checkouts[who]

    # What others do ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.entries)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.model.entries)))
        entry = self.entries().get(period__starts_on__year=place[0], value=place[1])
        if place in self.model.voided:
            with pytest.raises(e.AlreadyVoided):
                void(entry, org=self.tenant, reason="again")
        else:
            void(entry, org=self.tenant, reason="payment reversed")
            self.model.voided.add(place)

    @rule()
    def sweep(self) -> None:
        sweep(grace=timedelta(0), using=self.home)
        self.model.sweep()

    @rule(year=year, often=st.integers(0, 7))
    def close(self, year: int, often: int) -> None:
        if often or self.model.in_use(year):
            return  # seldom, or little would happen; and it waits for checkouts
        if period := Period.objects.using(self.home).filter(tenant=self.tenant, starts_on__year=year).first():
            close_period(period)
            self.model.close(year)

    @rule(year=year)
    def look_ahead(self, year: int) -> None:
        if year in self.model.closed:
            with pytest.raises(e.PeriodClosed):
                preview("invoice", org=self.tenant, on=date(year, 6, 1))
        elif not self.model.in_use(year):
            told = int(preview("invoice", org=self.tenant, on=date(year, 6, 1)).rpartition("-")[2])
            if self.allocation == RESERVED:
                assert told == self.model.counters.get(year, 0) + 1
            else:
                assert told == next(self.model._free(year))

    # What must hold ------------------------------------------------------------------------------------------

    @invariant()
    def the_rows_are_those_of_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.entries().values_list("period__starts_on__year", "value", "kind", "document")
        found = {(at, value): (kind, whose) for at, value, kind, whose in rows}
        expected = {place: ("issued", whose) for place, whose in self.model.entries.items()}
        expected |= dict.fromkeys(self.model.gaps, ("gap", ""))
        assert found == expected

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for who in list(self.model.checkouts):
            self.roll_back(who)
        self.the_rows_are_those_of_the_model()
        voids = NumberVoided.objects.using(self.home).filter(tenant=self.tenant)
        assert voids.count() == len(self.model.voided)
        assert [alarm for alarm in verify(tenant=self.tenant, using=self.home) if alarm.check != "superuser"] == []

    # The machinery -------------------------------------------------------------------------------------------

    def entries(self) -> Any:
        return Entry.objects.using(self.home).filter(tenant=self.tenant)

    def run(self, who: int, step: Callable[[], T]) -> T:
        return self.threads[who].run(step)

    def open(self, who: int) -> None:
        if who not in self.model.checkouts:
            self.model.checkouts[who] = OpenCheckout()
            self.run(who, lambda: self.atomics(who).append(self.entered()))

    def atomics(self, who: int) -> list[transaction.Atomic]:
        stacks: dict[int, list[transaction.Atomic]] = self.__dict__.setdefault("_stacks", {})
        return stacks.setdefault(who, [])

    def entered(self) -> transaction.Atomic:
        atomic = transaction.atomic(using=self.home)
        atomic.__enter__()
        return atomic

    @staticmethod
    def left(atomic: transaction.Atomic, well: bool) -> None:
        error = None if well else RuntimeError("rolled back by the test")
        atomic.__exit__(type(error) if error else None, error, None)

    def leave_all(self, who: int, well: bool) -> None:
        """Open savepoints end as the transaction does."""
        while stack := self.atomics(who):
            self.left(stack.pop(), well)


@pytest.fixture
def three() -> Iterator[list[Checkout]]:
    with ExitStack() as stack:
        yield stack.enter_context(checkouts(3))


@pytest.mark.parametrize("allocation", [SERIAL, "at_commit", POOLED, RESERVED])
def test_histories(allocation: str, three: list[Checkout]) -> None:
    machine = type("Histories", (Histories,), {"allocation": allocation, "threads": three})
    run_state_machine_as_test(machine, settings=profile(examples=20, steps=40))
    expect_all_accounted_for()
