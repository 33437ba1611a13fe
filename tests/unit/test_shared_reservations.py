"""Threads that share one transaction: each has its own rows and its own error, and all waits end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, NamedTuple

import pytest

from ledger.allocation import shared_reservations
from ledger.allocation.shared_reservations import Rows, reserve

PATIENCE = 60.0
COUNTER = ("default", "acme", 7)

Asked = list[tuple[Any, ...]]


class Reserved(NamedTuple):
    """A row of ``ledger_reserve``, as far as sharing needs it."""

    outcome: str
    place: int
    value: str


def given(name: str) -> Rows:
    """What a call of that name is given, alone or together with others."""
    return [Reserved("reserved", 1, name)]


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody continues because of the clock while a test looks, unless the test says so."""
    monkeypatch.setattr(shared_reservations, "_PATIENCE", 2 * PATIENCE)
    monkeypatch.setattr(shared_reservations, "_AT_ONCE", 1)


class Server:
    """Reserves values one after another, and notes which requests came together."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.fails: BaseException | None = None
        self.refuses: set[str] = set()

    def alone(self, name: str) -> Rows:
        if name in self.refuses:
            raise ValueError(name)
        self.asked.append([(name,)])
        return given(name)

    def together(self, calls: Sequence[Sequence[Any]]) -> Rows:
        self.asked.append([tuple(call) for call in calls])
        if self.fails is not None:
            raise self.fails
        return [
            Reserved("reserved", place, name)
            for place, (name,) in enumerate(calls, start=1)
            if name not in self.refuses
        ]

    def call(self, name: str) -> Rows:
        return reserve(COUNTER, (name,), lambda: self.alone(name), self.together)


@contextmanager
def lined_up(server: Server, *names: str) -> Iterator[tuple[list[Future[Rows]], Callable[[], None]]]:
    """The calls of these names, which wait for another thread; and what lets that one go on."""
    begun, may_end = Event(), Event()

    def slow() -> Rows:
        begun.set()
        assert may_end.wait(PATIENCE)
        return []

    with ThreadPoolExecutor(len(names) + 1) as threads:
        first = threads.submit(reserve, COUNTER, ("first",), slow, server.together)
        assert begun.wait(PATIENCE)
        calls = []
        for count, name in enumerate(names, start=1):
            calls.append(threads.submit(server.call, name))
            deadline = time.monotonic() + PATIENCE
            while len(shared_reservations._lines[COUNTER].waiting) < count:
                assert time.monotonic() < deadline
        try:
            yield calls, may_end.set
        finally:
            may_end.set()
        first.result(PATIENCE)
    assert shared_reservations._lines == {}


def test_one_call_is_made_alone() -> None:
    server = Server()
    assert [server.call("a"), server.call("b")] == [given("a"), given("b")]
    assert server.asked == [[("a",)], [("b",)]]


def test_those_that_wait_are_asked_for_together() -> None:
    server = Server()
    with lined_up(server, "a", "b", "c") as (calls, go_on):
        go_on()
        assert [call.result(PATIENCE) for call in calls] == [given("a"), given("b"), given("c")]
    assert server.asked == [[("a",), ("b",), ("c",)]]


def test_another_counter_does_not_wait() -> None:
    server = Server()
    with lined_up(server, "a") as (_, _go_on):
        assert reserve("another", (), lambda: given("at once"), server.together) == given("at once")


def test_an_error_reaches_the_one_whose_it_is() -> None:
    server = Server()
    server.fails, server.refuses = RuntimeError("one of them is wrong"), {"b"}
    with lined_up(server, "a", "b", "c") as (calls, go_on):
        go_on()
        assert [calls[0].result(PATIENCE), calls[2].result(PATIENCE)] == [given("a"), given("c")]
        with pytest.raises(ValueError, match="b"):
            calls[1].result(PATIENCE)


def test_one_that_ends_takes_nobody_with_it() -> None:
    server = Server()
    server.fails = SystemExit()
    with lined_up(server, "dies", "b", "c") as (calls, go_on):
        go_on()
        assert [call.result(PATIENCE) for call in calls[1:]] == [given("b"), given("c")]
        with pytest.raises(SystemExit):
            calls[0].result(PATIENCE)


def test_one_that_waits_too_long_asks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    with lined_up(server, "a") as (calls, go_on):
        monkeypatch.setattr(shared_reservations, "_PATIENCE", 0.0)
        assert server.call("hurried") == given("hurried")
        go_on()
        assert calls[0].result(PATIENCE) == given("a")


def test_a_fork_while_another_thread_reserves() -> None:
    server = Server()
    with lined_up(server, "a") as (_, _go_on):
        if (child := os.fork()) == 0:
            os._exit(0 if server.call("child") == given("child") else 1)
        assert os.waitpid(child, 0)[1] == 0
