"""Random takes, rollbacks, refills and withdrawals of one pool of drafts, against a list in the order of arrival."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ledger import close_period, issue_many, open_period, remote
from ledger.errors import PoolExhausted
from ledger.models import GapFlagged, NumberIssued
from tests.allocations import DAY, expect_all_accounted_for
from tests.concurrency.checkouts import Checkout, checkouts
from tests.databases import savepoint
from tests.drafts import claimed, remote_series, stock
from tests.stateful import profile

pytestmark = pytest.mark.django_db(transaction=True)

_tenants = count(1)
_documents = count(1)

who = st.sampled_from([0, 1, 2])


class Drafts(RuleBasedStateMachine):
    """Three checkouts that take blocks, while a worker brings drafts and withdraws some."""

    threads: list[Checkout]

    @initialize()
    def begin(self) -> None:
        self.tenant = f"drafts:{next(_tenants)}"
        self.series = remote_series(org=self.tenant)
        self.period = open_period(self.series, DAY)
        self.arrived: list[str] = []
        self.issued: set[str] = set()
        self.withdrawn: set[str] = set()
        self.held: dict[int, set[str]] = {}

    def free(self) -> list[str]:
        gone = self.issued | self.withdrawn | set().union(*self.held.values())
        return [number for number in self.arrived if number not in gone]

    # A number that begins with a space is refused, as any key that does.
    @rule(
        texts=st.lists(
            st.text("aB9/-. é", min_size=1, max_size=3).filter(lambda text: text[0] != " "), min_size=1, max_size=5
        )
    )
    def refill(self, texts: list[str]) -> None:
        numbers = [f"{text}{len(self.arrived) + place}" for place, text in enumerate(texts)]
        stock(self.series, numbers)
        self.arrived += numbers

    @rule(who=who, size=st.sampled_from([1, 1, 1, 2, 3]))
    def take(self, who: int, size: int) -> None:
        if who not in self.held:
            self.threads[who].begin()
            self.held[who] = set()
        expected = self.free()[:size]
        if len(expected) < size:
            with pytest.raises(PoolExhausted):
                self.numbers(who, size)
            return
        assert self.numbers(who, size) == expected, "the earliest free drafts"
        self.held[who].update(expected)

    def numbers(self, who: int, size: int, *, back: bool = False) -> list[str]:
        documents = [str(next(_documents)) for _ in range(size)]

        def step() -> list[str]:
            mark = savepoint() if back else ""
            entries = issue_many("invoice", documents=documents, org=self.tenant, on=DAY)
            if back:
                transaction.savepoint_rollback(mark)
            return [entry.number for entry in entries]

        return self.threads[who].run(step)

    @rule(who=who)
    def take_and_give_back_at_a_savepoint(self, who: int) -> None:
        if self.held.get(who) is not None and (expected := self.free()[:1]):
            assert self.numbers(who, 1, back=True) == expected

    @rule(who=who, kept=st.booleans())
    def end(self, who: int, kept: bool) -> None:
        if who in self.held:
            self.threads[who].end("commit" if kept else "rollback")
            numbers = self.held.pop(who)
            if kept:
                self.issued |= numbers

    @rule(place=st.integers(0, 30))
    def withdraw(self, place: int) -> None:
        claim = claimed(self.series)
        drafts = remote.free_drafts(claim)
        remote.release(claim)
        assert [draft.number for draft in drafts] == [
            number for number in self.arrived if number not in self.issued | self.withdrawn
        ]
        if drafts:
            draft = drafts[place % len(drafts)]
            is_held = draft.number in set().union(*self.held.values())
            assert remote.withdraw(draft, {"state": "deleted"}) == ("in_flight" if is_held else "withdrawn")
            if not is_held:
                self.withdrawn.add(draft.number)

    def teardown(self) -> None:
        for who in list(getattr(self, "held", {})):
            self.end(who, kept=False)
        if hasattr(self, "tenant"):
            close_period(self.period, early=True)
            issued = set(NumberIssued.objects.filter(tenant=self.tenant).values_list("number", flat=True))
            gaps = set(GapFlagged.objects.filter(tenant=self.tenant).values_list("number", flat=True))
            assert issued == self.issued
            assert gaps == set(self.arrived) - self.issued


def test_drafts() -> None:
    with checkouts(3) as threads:
        machine: Any = type("Drafts", (Drafts,), {"threads": threads})
        run_state_machine_as_test(machine, settings=profile(examples=25, steps=40))
    expect_all_accounted_for()
