"""Random histories of a tenant that moves from home to home, between its checkouts and in the middle of them."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from ledger import define_series, moving
from ledger.errors import LockTimeout, MoveError
from tests.concurrency.checkouts import checkouts
from tests.homes import conftest
from tests.homes.conftest import HOMES
from tests.stateful import profile
from tests.stateful.model import Ledger
from tests.stateful.test_ledger import Histories

pytestmark = pytest.mark.live

_tenants = count(1)


class Moves(Histories):
    """The steps of a history, and moves. The model knows nothing of homes."""

    @initialize()
    def begin(self) -> None:
        self.tenant = f"moves:{next(_tenants)}"
        self.home = conftest.TENANTS[self.tenant] = HOMES[0]
        self.model = Ledger(self.allocation)
        define_series("invoice", org=self.tenant, template="INV-{year}-{counter:03}", allocation=self.allocation)

    @rule(to=st.sampled_from(HOMES), often=st.integers(0, 2), drops=st.booleans())
    def move(self, to: str, often: int, drops: bool) -> None:
        if often or to == self.home:
            return  # rarely, so that other steps happen too
        if any(checkout.taken for checkout in self.model.checkouts.values()):
            with pytest.raises((LockTimeout, MoveError)):
                moving.move(self.tenant, to, patience=0.1)
            with suppress(MoveError):  # the checkout that holds its counter was in time
                moving.stay(self.tenant, self.home)
            return
        for who in list(self.model.checkouts):
            self.roll_back(who)
        old = self.home
        with suppress(MoveError):
            moving.drop(self.tenant, to)  # the copy of an earlier stay
        moving.move(self.tenant, to, hook=lambda tenant, _, new: conftest.TENANTS.update({tenant: new}))
        self.home = to
        if drops:
            moving.drop(self.tenant, old)


@pytest.mark.parametrize("allocation", ["serial", "at_commit", "pooled", "reserved"])
def test_histories_over_homes(
    allocation: str, four: Any, django_db_setup: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "TENANTS", dict(conftest.TENANTS))
    with checkouts(3) as three:
        machine = type("Moves", (Moves,), {"allocation": allocation, "threads": three})
        try:
            run_state_machine_as_test(machine, settings=profile(examples=4, steps=40))
        finally:
            for thread in three:
                thread.run(connections.close_all)
