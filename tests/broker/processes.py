"""Workers and beats in processes of their own, on the database of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection

from tests.broker.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
_numbers = count(1)


class CeleryProcess:
    """One ``celery worker`` or ``celery beat``, the leader of a process group; its output goes to a file."""

    def __init__(self, folder: Path, arguments: list[str], environment: Mapping[str, str], cwd: Path = ROOT) -> None:
        self._log = folder / f"celery-{next(_numbers)}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", *arguments],
                cwd=cwd,
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def says(self, text: str) -> None:
        """Wait until its output has this text."""
        until(lambda: self._has_said(text), lambda: f"it never said {text!r}:\n{self.said}")

    def _has_said(self, text: str) -> bool:
        assert self.process.poll() is None or text in self.said, f"it ended:\n{self.said}"
        return text in self.said

    def kill(self) -> None:
        """SIGKILL to the process and all its children, as when the machine fails."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """As an operator stops it: running tasks are finished."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise


class Crew:
    """Starts workers and beats of a test on one broker; none outlives the test."""

    def __init__(self, folder: Path, url: str, ledger: Mapping[str, Any] | None = None, **environment: str) -> None:
        self._folder = folder
        self._started: list[CeleryProcess] = []
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tests.broker.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "REDIS_URL": url,
            "FOLIO_TEST_LEDGER": json.dumps(ledger or {}),
            **environment,
        }

    def worker(self, *, concurrency: int = 1, is_ready: bool = True) -> CeleryProcess:
        """A worker that is ready to take tasks."""
        options = [f"--concurrency={concurrency}", f"--hostname=w{next(_numbers)}@%h", "--loglevel=INFO"]
        started = self._start(["-A", "workers", "worker", *options, "--include=tests.broker.tasks"])
        if is_ready:
            started.says("ready.")
        return started

    def beat(self, schedule: Path | None = None) -> CeleryProcess:
        """A beat, with a memory of its own."""
        path = schedule or self._folder / f"schedule-{next(_numbers)}"
        return self._start(["-A", "workers", "beat", f"--schedule={path}", "--pidfile=", "--loglevel=INFO"])

    def _start(self, arguments: list[str]) -> CeleryProcess:
        started = CeleryProcess(self._folder, arguments, self.environment)
        self._started.append(started)
        return started

    def end(self) -> None:
        for started in self._started:
            started.kill()


@contextmanager
def crew(folder: Path, url: str, ledger: Mapping[str, Any] | None = None, **environment: str) -> Iterator[Crew]:
    """``Crew``, ended with the block."""
    made = Crew(folder, url, ledger, **environment)
    try:
        yield made
    finally:
        made.end()
