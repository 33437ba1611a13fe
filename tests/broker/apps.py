"""Sweeps that a test can stop: they wait for an advisory lock that the test holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig

#: The advisory lock; those who wait for it don't wait for each other.
LOCK = 20_26


class BrokerTestConfig(AppConfig):
    name = "tests.broker"
    label = "tests_broker"

    def ready(self) -> None:
        """Register the sweeps, as any app may."""
        from ledger.gaps import reservation_ids
        from ledger.sweeps import Batches, Sweep, register

        counted = ("flagged", "in_flight", "settled")
        register(Sweep("wait", "waiting", wait))
        register(Sweep("stubborn", "waiting, whatever the time limit", wait_stubbornly))
        if "FOLIO_TEST_HEAL" in os.environ:
            register(Sweep("heal", "waiting, in the place of Folio's own", wait))
        register(Sweep("hesitate", "flagging", batches=Batches(reservation_ids, flag_and_wait, counted)))


def wait(alias: str) -> dict[str, int]:
    """Wait for the test."""
    from django.db import connections

    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    return {"waited": 1}


def wait_stubbornly(alias: str) -> dict[str, int]:
    """Wait for the test, and ignore the soft time limit."""
    from celery.exceptions import SoftTimeLimitExceeded
    from django.db import connections

    while True:
        try:
            return wait(alias)
        except SoftTimeLimitExceeded:
            connections[alias].close()


def flag_and_wait(alias: str, ids: Sequence[Any]) -> dict[str, int]:
    """Do what flag_gaps does; then wait for the test, half-way through the task."""
    from ledger.sweeps import work

    counts = work.flag_reservations(alias, ids)
    wait(alias)
    return counts
