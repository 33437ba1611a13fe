"""Client processes, each with a crowd of threads: as many checkouts in flight as a shop with several workers has."""

from __future__ import annotations

import multiprocessing
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Self

from tests.benchmarks.measuring.sample import Sample, together


@dataclass(frozen=True, slots=True)
class Task:
    """What the processes shall do: which contestant, by how many threads in all, how long, and with what payment."""

    contestant: str
    threads: int
    seconds: float
    #: Seconds that the payment takes, inside the transaction.
    payment: float = 0.0
    #: Over how many tenants the calls are spread, one series each.
    tenants: int = 1
    alias: str = "default"


@dataclass(frozen=True, slots=True)
class _Failure:
    traceback: str


class Crew:
    """Processes that wait for tasks, from ``with`` on; they outlive a round, so none waits for Python to start."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._members: list[tuple[BaseProcess, Connection[Any, Any]]] = []

    def __enter__(self) -> Self:
        # Not forked: a copy of this process would share the sockets of its connections.
        context = multiprocessing.get_context("spawn")
        for _ in range(self._processes):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there,), daemon=True)
            process.start()
            there.close()
            self._members.append((process, here))
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in self._members:
            pipe.close()
            process.join(5)
            if process.is_alive():
                process.terminate()
        self._members.clear()

    def measure(self, task: Task) -> Sample:
        """One round: the threads are dealt out evenly, start together, and the machine is watched meanwhile."""
        from tests.benchmarks.measuring.load import LOOK_EVERY, Watch

        shares = [len(range(at, task.threads, len(self._members))) for at in range(len(self._members))]
        busy = [(process, pipe, share) for (process, pipe), share in zip(self._members, shares, strict=True) if share]
        for _process, pipe, share in busy:
            pipe.send((task, share))
        for _process, pipe, _share in busy:
            _received(pipe)
        watch = Watch([process.pid for process, _, _ in busy if process.pid])
        for _process, pipe, _share in busy:
            pipe.send("go")
        working, parts = [pipe for _, pipe, _ in busy], []
        while working:
            for pipe in [pipe for pipe in working if pipe in wait(working, timeout=LOOK_EVERY)]:
                parts.append(_received(pipe))
                working.remove(pipe)
            if working:
                watch.look()
        return together(parts, watch.load())


def _received(pipe: Connection[Any, Any]) -> Any:
    answer = pipe.recv()
    if isinstance(answer, _Failure):
        raise RuntimeError(f"a client process failed:\n{answer.traceback}")
    return answer


def _serve(pipe: Connection[Any, Any]) -> None:
    """What a process of the crew does: its part of each task, until nobody asks any more."""
    import django

    django.setup()
    from tests.benchmarks.contestants import job
    from tests.benchmarks.measuring import crowd

    def ready() -> None:
        pipe.send("ready")
        pipe.recv()

    while True:
        try:
            task, threads = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(
                crowd.measure(
                    job(task, task.payment), warm=job(task, 0), threads=threads, seconds=task.seconds, at_start=ready
                )
            )
        except Exception:  # noqa: BLE001  (whatever it was, the one who asked must hear of it)
            pipe.send(_Failure(traceback.format_exc()))
