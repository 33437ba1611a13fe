"""``ledger_status`` says when early release would help: if commits are slow and counters wait for them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from ledger import define_series

pytestmark = pytest.mark.django_db

COMMAND = "ledger.management.commands.ledger_status.commit_seconds"


def define(code: str, allocation: str, **settings: Any) -> None:
    define_series(code, template=f"{code}-{{counter}}", calendar="never", allocation=allocation, **settings)


def status(*options: str) -> str:
    out = StringIO()
    call_command("ledger_status", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMAND, lambda alias: 0.002)


@pytest.fixture
def never_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(alias: str) -> float:
        raise AssertionError("nobody would be helped")

    monkeypatch.setattr(COMMAND, measure)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("allocation", ["serial", "at_commit", "reserved"])
def test_a_slow_commit_and_a_counter_that_waits_for_it(allocation: str) -> None:
    define("a", allocation)
    told = "A commit takes 2.0 ms here, and 1 series keeps its counter locked for that time: none gives more than 500 "
    assert told in status()
    assert told in json.loads(status("--json"))["hint"]
    define("b", allocation)
    assert "and 2 series keep their counters locked for that time" in status()
    assert told in status("--series", "b")


@pytest.mark.usefixtures("never_measured")
def test_nothing_is_said_if_it_would_not_help() -> None:
    define("early", "serial", early_release=True)
    define("pool", "pooled")
    define("off", "serial", is_active=False)
    assert "--early-release" not in status()
    assert json.loads(status("--json"))["hint"] == ""


def test_a_fast_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    define("a", "serial")
    monkeypatch.setattr(COMMAND, lambda alias: 0.0009)
    assert "--early-release" not in status()
