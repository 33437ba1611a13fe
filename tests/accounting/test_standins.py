"""The stand-in as a process of its own: an adapter reads there what was planted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.accounting.conformance import everything
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.__main__ import STANDINS
from workers.accounting import systems
from workers.accounting.base import RemoteInvoice, State
from workers.accounting.http_options import HttpOptions

ROOT = Path(__file__).resolve().parents[2]

ISSUED = [
    {"number": f"INV-{n:03}", "issued_on": "2026-02-03", "reference": f"order:{n}", "void": n == 12}
    for n in range(1, 13)
]


@pytest.fixture(params=sorted(STANDINS))
def running(request: pytest.FixtureRequest, settings: Any) -> Any:
    """What the process said, and the documents that the adapter reads from it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.accounting.standins", request.param],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(ISSUED) + "\n")
        process.stdin.flush()
        said = json.loads(process.stdout.readline())
        settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"books": said["system"]}}
        assert systems.system("books").url == said["system"]["url"]
        adapter = systems.connect("books", HttpOptions(tokens=MemoryTokens()))
        there = everything(adapter.changed(None))
        adapter.close()
        yield said["planted"], there
    finally:
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        process.stdout.close()


def test_what_was_planted_is_there(running: tuple[list[dict[str, str]], list[RemoteInvoice]]) -> None:
    planted, there = running
    numbers = {each["kind"]: each["number"] for each in planted}
    live = Counter(each.number for each in there if each.state is State.POSTED)
    void = {each.number for each in there if each.state is State.VOID}
    assert len(planted) >= 8
    assert live[numbers["missing there"]] == 0
    assert live[numbers["unknown here"]] == 1
    assert numbers["void there only"] in void
    assert live[numbers["void here only"]] == 1
    assert live.get(numbers.get("twice there", ""), 2) == 2
    assert live[numbers["another number there"]] == 0
    assert live[numbers["deleted there"]] == 0
    assert live[numbers["used again there"]] == 1
    untouched = {str(each["number"]) for each in ISSUED} - set(numbers.values())
    assert all(live[number] == 1 for number in untouched)
