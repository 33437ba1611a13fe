"""Random takes, rollbacks, commits and refills of one pool, against a set of free values: none is ever hidden."""

from __future__ import annotations

from itertools import count, islice
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger import define_series, issue_many, open_period
from tests.allocations import DAY, POOLED, expect_all_accounted_for
from tests.concurrency.checkouts import Checkout, checkouts
from tests.databases import savepoint
from tests.stateful import profile

pytestmark = pytest.mark.django_db(transaction=True)

_tenants = count(1)
_documents = count(1)

who = st.sampled_from([0, 1, 2, 3])

#: The mark, and the slots that it hides. Both as of now, so no checkout may hold what another one waits for.
_HIDDEN = """
    SELECT s.value FROM ledger_slot s JOIN ledger_pool l ON l.tenant = s.tenant AND l.period_id = s.period_id
    WHERE s.tenant = %s AND s.value < l.free_from AND s.value <> ALL (l.stragglers)
"""


class Pools(RuleBasedStateMachine):
    """Four checkouts that take blocks of any size, so that slots are held over many batches."""

    threads: list[Checkout]

    @initialize()
    def begin(self) -> None:
        self.tenant = f"pool:{next(_tenants)}"
        series = define_series("invoice", org=self.tenant, template="I{counter}", calendar="never", allocation=POOLED)
        self.period = open_period(series, DAY)
        self.used: set[int] = set()
        self.held: dict[int, set[int]] = {}

    def free(self, size: int) -> list[int]:
        taken = self.used.union(*self.held.values())
        return list(islice((value for value in count(1) if value not in taken), size))

    @rule(who=who, size=st.sampled_from([1, 1, 1, 2, 5, 13, 40, 120]))
    def take(self, who: int, size: int) -> None:
        if who not in self.held:
            self.threads[who].begin()
        expected = self.free(size)
        documents = [str(next(_documents)) for _ in range(size)]
        told = self.threads[who].run(
            lambda: [entry.value for entry in issue_many("invoice", documents=documents, org=self.tenant, on=DAY)]
        )
        assert told == expected, "the lowest free values, whatever the mark says"
        self.held.setdefault(who, set()).update(told)

    @rule(who=who, size=st.integers(1, 60))
    def take_and_give_back_at_a_savepoint(self, who: int, size: int) -> None:
        if who not in self.held:
            return
        expected = self.free(size)
        documents = [str(next(_documents)) for _ in range(size)]

        def step() -> list[int]:
            mark = savepoint()
            entries = issue_many("invoice", documents=documents, org=self.tenant, on=DAY)
            transaction.savepoint_rollback(mark)
            return [entry.value for entry in entries]

        assert self.threads[who].run(step) == expected

    @rule(who=who, kept=st.booleans())
    def end(self, who: int, kept: bool) -> None:
        if who in self.held:
            self.threads[who].end("commit" if kept else "rollback")
            values = self.held.pop(who)
            if kept:
                self.used |= values

    @rule()
    def refill(self) -> None:
        self.period.refresh_from_db()
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_mint(%s, %s, %s, 1)", [self.tenant, self.period.pk, self.period.last_value])
            assert cursor.fetchone() == ("minted",)

    @invariant()
    def no_slot_is_hidden(self) -> None:
        if hasattr(self, "tenant"):
            with connection.cursor() as cursor:
                cursor.execute(_HIDDEN, [self.tenant])
                assert cursor.fetchall() == []

    def teardown(self) -> None:
        for who in list(getattr(self, "held", {})):
            self.end(who, kept=False)
        if hasattr(self, "tenant"):
            self.no_slot_is_hidden()


def test_pools() -> None:
    with checkouts(4) as threads:
        machine: Any = type("Pools", (Pools,), {"threads": threads})
        run_state_machine_as_test(machine, settings=profile(examples=25, steps=40))
    expect_all_accounted_for()
