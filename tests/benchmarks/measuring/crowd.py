"""Threads of one process that do one job as often as they can, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from secrets import token_hex

from django.db import connections

from tests.benchmarks.measuring.sample import Sample

#: Calls that each connection makes before the clock starts: PL/pgSQL compiles, and settles on a plan after five.
WARM_UP = 20

#: What is done for one document; the argument is its key.
Job = Callable[[str], object]

# Several processes make documents at the same time, and none may be taken for a retry of another.
_keys = (f"order:{token_hex(4)}-{at}-" for at in count(1))
_next_key = threading.Lock()


def measure(
    job: Job, *, seconds: float, threads: int = 1, warm: Job | None = None, at_start: Callable[[], None] | None = None
) -> Sample:
    """Calls of ``job`` per second, each with a new key, by so many threads.

    Before the clock starts each thread calls ``warm`` (by default the job itself) a few times; ``at_start`` is called
    when all have done so.
    """
    start = threading.Barrier(threads, action=at_start)
    calls: list[list[float]] = [[] for _ in range(threads)]
    elapsed, failures = [0.0] * threads, []

    def work(at: int) -> None:
        try:
            with _next_key:
                prefix = next(_keys)
            for key in range(WARM_UP):
                (warm or job)(f"{prefix}w{key}")
            start.wait()
            calls[at], elapsed[at] = _repeat(job, prefix, seconds)
        except BaseException as failure:
            failures.append(failure)
            start.abort()
            raise
        finally:
            connections.close_all()

    if threads == 1:
        work(0)
    else:
        crew = [threading.Thread(target=work, args=(at,)) for at in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    if failures:
        # Those who found the barrier broken failed because of the one who broke it.
        raise next((each for each in failures if not isinstance(each, threading.BrokenBarrierError)), failures[0])
    rate = sum(len(mine) / spent for mine, spent in zip(calls, elapsed, strict=True))
    return Sample(rate=rate, calls=[each for mine in calls for each in mine])


def _repeat(job: Job, prefix: str, seconds: float) -> tuple[list[float], float]:
    """Call the job until the time is up; the seconds of each call, and of all."""
    calls: list[float] = []
    began = before = time.perf_counter()
    while before < began + seconds:
        job(f"{prefix}{len(calls)}")
        now = time.perf_counter()
        calls.append(now - before)
        before = now
    return calls, before - began
