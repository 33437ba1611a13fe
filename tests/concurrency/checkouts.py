"""Checkouts on real connections, which a test moves step by step, so that no test has to sleep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from django.db import connection, transaction

T = TypeVar("T")

#: How long a step may take before the test gives up, in seconds; a step that works takes milliseconds.
PATIENCE = 60.0


class Checkout:
    """One thread with one database connection; each call runs there, and `do` returns at once with its future."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._atomic: transaction.Atomic | None = None
        self._last: Future[Any] | None = None
        self.pid: int = self.run(self._connect)

    def do(self, call: Callable[[], T]) -> Future[T]:
        step = self._thread.submit(call)
        self._last = step
        return step

    def run(self, call: Callable[[], T]) -> T:
        return self.do(call).result(PATIENCE)

    def begin(self) -> None:
        def begin() -> None:
            self._atomic = transaction.atomic()
            self._atomic.__enter__()

        self.run(begin)

    def commit(self) -> None:
        self.run(lambda: self._leave(None))

    def rollback(self) -> None:
        self.run(lambda: self._leave(RuntimeError("rolled back by the test")))

    def end(self, how: str) -> None:
        """Commit or roll back: the twins of each race."""
        {"commit": self.commit, "rollback": self.rollback}[how]()

    def close(self) -> None:
        def close() -> None:
            try:
                if self._atomic is not None:
                    self._leave(RuntimeError("left open by the test"))
            finally:
                connection.close()

        if self._last is not None and not self._last.done():
            # A test that failed left it waiting; the next test must not wait for it too.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_cancel_backend(%s)", [self.pid])
        try:
            self.run(close)
        finally:
            self._thread.shutdown(wait=False)

    def _leave(self, error: Exception | None) -> None:
        atomic, self._atomic = self._atomic, None
        assert atomic is not None
        atomic.__exit__(type(error) if error else None, error, None)

    @staticmethod
    def _connect() -> int:
        with connection.cursor() as cursor:
            # So that a test which lets two of them wait for each other fails, instead of hanging.
            cursor.execute(f"SET lock_timeout = '{PATIENCE + 10:.0f}s'")
            cursor.execute("SELECT pg_backend_pid()")
            pid: int = cursor.fetchone()[0]
        return pid


@contextmanager
def checkouts(count: int) -> Iterator[list[Checkout]]:
    """That many checkouts; each is ended and disconnected with the block, whatever the test did."""
    with ExitStack() as all_closed:
        made = [Checkout() for _ in range(count)]
        for checkout in made:
            all_closed.callback(checkout.close)
        yield made


def wait_until_blocked(checkout: Checkout, step: Future[Any], *, or_done: bool = False) -> None:
    """Return when PostgreSQL says that the checkout waits for a lock; fail if its step ends instead.

    ``or_done`` where some allocations wait and others need not.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if or_done and step.done():
            return
        assert not step.done(), f"the step ended without waiting: {step.exception() or step.result()}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [checkout.pid])
            if cursor.fetchone()[0]:
                return
    raise AssertionError("the step neither ended nor waited for a lock")


def wait_until_somebody_waits_for(checkout: Checkout, step: Future[Any]) -> None:
    """Return when any connection, including the second one of ``step``, waits for this checkout."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not step.done(), f"the step ended without waiting: {step.exception() or step.result()}"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", [checkout.pid]
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the checkout")


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work(0)`, `work(1)`, … at once, each on a connection of its own; returns their results in that order."""

    def one(number: int) -> T:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as threads:
        return list(threads.map(one, range(count), timeout=PATIENCE * 4))
