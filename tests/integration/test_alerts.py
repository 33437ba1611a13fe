"""The alert rules for Prometheus: each is silent, fires when it is provoked, and has its section in the runbook."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.db import connection, transaction
from prometheus_client.core import Metric

from ledger import define_series, issue, issue_many
from ledger.failures import Failures
from ledger.models import AlarmRaised, Period, SweepRun
from ledger.seals.sealing import seal_all
from ledger.sweeps import registered, registry
from ledger.web.prometheus import LedgerCollector
from tests.integration.full_ledger import tampered
from tests.integration.pages import flag, shop
from tests.integration.queues import pooled, reserve, reserving

pytestmark = pytest.mark.django_db(transaction=True)

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
RUNBOOK = (GUIDES / "runbook.md").read_text(encoding="utf-8")
(GROUP,) = yaml.safe_load((GUIDES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
ALERTS = {rule["alert"]: rule for rule in GROUP["rules"]}
DAY = 86_400
_EXPRESSION = re.compile(r'(time\(\) - )?(\w+)(?:\{state="([^"]+)"\})? (==|>) (\d+)')


@pytest.fixture(autouse=True)
def few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folio's own; all have just succeeded."""
    monkeypatch.setattr(registry, "_sweeps", dict(registry._sweeps))
    for sweep in registered():
        SweepRun.objects.create(sweep=sweep.name, process="here:1")
    SweepRun.objects.update(finished_at=datetime.now(UTC) + timedelta(seconds=1))


def fires(name: str, later: float = 0) -> bool:
    """Whether the expression of an alert is true of some figure, now or so many seconds later."""
    match = _EXPRESSION.fullmatch(ALERTS[name]["expr"])
    assert match, f"{name}: the test reads no such expression"
    age, metric, state, sign, limit = match.groups()
    found: list[Metric] = list(LedgerCollector().collect())
    named = [each for each in found if each.name == metric]
    assert named, f"{name}: there is no figure {metric}"
    values = [
        time.time() + later - sample.value if age else sample.value
        for each in named
        for sample in each.samples
        if state is None or sample.labels["state"] == state
    ]
    assert state is None or values, f"{name}: there is no state {state}"
    return any(value == float(limit) if sign == "==" else value > float(limit) for value in values)


def numbers(count: int = 3, **settings: Any) -> Period:
    define_series("invoice", **{"template": "I-{counter}", "calendar": "never", "time_zone": "UTC", **settings})
    with transaction.atomic():
        issue_many("invoice", documents=[f"order:{n}" for n in range(count)], on=date(2026, 3, 1))
    return Period.objects.get()


def lost() -> None:
    numbers()
    tampered(connection, "DELETE FROM ledger_entry WHERE value = 2")


def failed() -> None:
    SweepRun.objects.create(sweep="heal", process="here:2")
    SweepRun.objects.filter(process="here:2").update(error="boom", finished_at=datetime.now(UTC))


def broken() -> None:
    AlarmRaised.objects.create(kind="setting", problem="p", remedy="r", subject="0" * 64)


def emptied() -> None:
    pooled()
    tampered(connection, "DELETE FROM ledger_slot")


def waiting() -> None:
    reserve(reserving())
    tampered(connection, "UPDATE ledger_reservation SET reserved_at = now() - interval '3 hours'")


def sealed() -> None:
    with transaction.atomic():
        issue("invoice")
    seal_all(Failures(), using="default")


def undeclared() -> None:
    flag(numbers(rules="BR", template="{counter}"), "card", date(2026, 3, 1))


#: How each is provoked, and how many seconds later it fires.
PROVOKED: dict[str, tuple[Callable[[], object], float]] = {
    "FolioLostOrTampered": (lost, 0),
    "FolioSweepOverdue": (lambda: tampered(connection, "DELETE FROM ledger_sweeprun"), 0),
    "FolioSweepFailed": (failed, 0),
    "FolioRulesBroken": (broken, 0),
    "FolioRunningOut": (lambda: numbers(9, template="{counter}", max_length=1), 0),
    "FolioPoolsLow": (emptied, 0),
    "FolioReservationsWait": (waiting, 0),
    "FolioNoFullLook": (numbers, 3 * DAY),
    "FolioNotCompared": (lambda: shop("berlin", "B"), 3 * DAY),
    "FolioNotSealed": (sealed, 3 * DAY),
    "FolioDiffersFromTheBooks": (lambda: shop("berlin", "B"), 0),
    "FolioUnexplained": (lambda: flag(numbers(), "card"), 0),
    "FolioUndeclared": (undeclared, 0),
}


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_silent_and_then_fires(name: str) -> None:
    provoke, later = PROVOKED[name]
    assert not fires(name)
    provoke()
    assert fires(name, later)
    assert not later or not fires(name), "too early"


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    assert re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE) == list(ALERTS)
    assert all(rule["labels"]["severity"] in ("page", "ticket", "finance") for rule in ALERTS.values())


def test_the_runbook_names_existing_commands() -> None:
    assert set(re.findall(r"manage\.py (\w+)", RUNBOOK)) <= set(get_commands())
