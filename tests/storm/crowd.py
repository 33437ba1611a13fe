"""The worker processes of a storm: started, killed, stopped, started again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

#: Forks each worker from a process that has imported everything, in milliseconds, whatever threads run here.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["tests.storm.entrances", "tests.storm.checkouts", "tests.storm.homes", "tests.storm.janitor"]
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker must know."""

    seed: int
    slot: int
    generation: int
    ports: tuple[int, ...]  # of the proxies, one for each home
    folder: Path
    began: float
    ends: float
    patience: float  # seconds after the end in which what was begun may be finished
    allocations: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"w{self.slot}.{self.generation}"

    def journal(self, generation: int | None = None) -> Path:
        """The file of this process, or of an earlier one in its place."""
        return self.folder / f"w{self.slot}.{self.generation if generation is None else generation}.journal"


class Crowd:
    """One process for each slot. `kill` and `stop` may be called in any thread; the rest belongs to one."""

    def __init__(self, work: Sequence[Callable[[Setup], None]], setups: list[Setup]) -> None:
        self.kills = 0
        self.stops = 0
        self._work = work
        self._setups = setups
        self._processes: list[BaseProcess | None] = [None] * len(setups)
        self._handles: list[int | None] = [None] * len(setups)
        self._resume_at: dict[int, float] = {}
        self._lock = threading.Lock()

    def start_missing(self) -> None:
        """Start every worker that isn't there; one that was killed begins with what it left open."""
        for slot, process in enumerate(self._processes):
            if process is None:
                self._start(slot)
            elif not process.is_alive():
                self._forget(slot)
                self._setups[slot] = replace(self._setups[slot], generation=self._setups[slot].generation + 1)
                self._start(slot)

    def kill(self, slot: int) -> None:
        """SIGKILL it, in the middle of anything."""
        self.kills += self._signal(slot, signal.SIGKILL)

    def stop(self, slot: int, seconds: float) -> None:
        """SIGSTOP it; `resume_due` resumes it in its time."""
        if self._signal(slot, signal.SIGSTOP):
            self.stops += 1
            with self._lock:
                self._resume_at[slot] = time.monotonic() + seconds

    def resume_due(self, *, everyone: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            due = [slot for slot, at in self._resume_at.items() if everyone or at <= now]
            for slot in due:
                del self._resume_at[slot]
        for slot in due:
            self._signal(slot, signal.SIGCONT)

    def alive(self) -> list[int]:
        """The slots whose process runs."""
        return [slot for slot, process in enumerate(self._processes) if process is not None and process.is_alive()]

    def end(self) -> None:
        """Kill the processes that are left."""
        for slot, process in enumerate(self._processes):
            if process is not None:
                process.kill()
                process.join(10)
                self._forget(slot)

    def _start(self, slot: int) -> None:
        process = CONTEXT.Process(target=self._work[slot], args=(self._setups[slot],), daemon=True)
        process.start()
        assert process.pid is not None
        with self._lock:
            self._processes[slot] = process
            # A handle names this very process, also when its number has gone to another one.
            self._handles[slot] = None
            with suppress(ProcessLookupError):  # it has ended already
                self._handles[slot] = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None

    def _forget(self, slot: int) -> None:
        with self._lock:
            process, self._processes[slot] = self._processes[slot], None
            handle, self._handles[slot] = self._handles[slot], None
            self._resume_at.pop(slot, None)
        if handle is not None:
            os.close(handle)
        if process is not None:
            process.close()

    def _signal(self, slot: int, which: signal.Signals) -> bool:
        """Whether there was a process to send it to."""
        with self._lock:
            process, handle = self._processes[slot], self._handles[slot]
            if process is None:
                return False
            try:
                if handle is not None:
                    signal.pidfd_send_signal(handle, which)
                elif process.pid is not None:
                    os.kill(process.pid, which)
            except ProcessLookupError:
                return False
            return True
