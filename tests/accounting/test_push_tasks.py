"""The task ``ledger.push``: one message for each system, with a real worker and a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from ledger.models import SweepRun
from tests.accounting.pushing import environment, sell, system_settings
from tests.accounting.standins.quickbooks import QuickBooksStandIn
from tests.accounting.standins.xero import XeroStandIn
from tests.broker.waiting import until
from tests.integration.test_workers import client as client
from workers.models import Push, PushPosition


@pytest.fixture
def two() -> Iterator[tuple[XeroStandIn, QuickBooksStandIn]]:
    with XeroStandIn() as xero, QuickBooksStandIn() as quickbooks:
        yield xero, quickbooks


@pytest.fixture
def known(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts both systems, and one with wrong settings, into the environment before the worker starts."""
    xero, quickbooks = two
    given = environment(
        xero=system_settings("xero", xero.url),
        astray=system_settings("xero", xero.url, describe=""),
        quickbooks=system_settings("quickbooks", quickbooks.url),
    )
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def finished(count: int) -> list[SweepRun]:
    """The rows of the sweep, as soon as that many are finished."""
    runs = SweepRun.objects.filter(sweep__startswith="push:").exclude(finished_at=None).order_by("pk")
    until(lambda: runs.count() == count, lambda: f"not {count} runs: {list(SweepRun.objects.values())}")
    return list(runs)


def test_each_system_has_a_message_and_a_row_of_its_own(two: Any, known: None, client: Celery) -> None:
    sell("order:1", "order:2")
    client.send_task("ledger.push")
    runs = finished(3)
    assert {run.sweep for run in runs} == {"push:xero", "push:astray", "push:quickbooks"}
    assert sorted(run.counts.get("pushed", 0) for run in runs) == [0, 2, 2]
    [failed] = [run for run in runs if run.error]
    assert failed.error.startswith("Misconfigured: astray: its 'describe' is ''")
    assert [len(books.facts()) for books in two] == [2, 2]
    assert Push.objects.filter(state="pushed").count() == 4
    assert dict(PushPosition.objects.values_list("pk", "error"))["xero"] == ""
    client.send_task("ledger.push", kwargs={"system": "xero"})
    assert finished(4)[-1].counts["pushed"] == 0
