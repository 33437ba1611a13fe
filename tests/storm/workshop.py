"""Folio's workers as a merchant runs them, a Redis, a Celery worker and a beat, to be killed, stopped and wiped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from ledger.site import embedded
from tests import provision

ROOT = Path(__file__).resolve().parents[2]


class Workshop:
    """``kill`` and ``stop`` may be called in any thread; the rest belongs to one."""

    def __init__(self, folder: Path, database_ports: tuple[int, ...]) -> None:
        self.kills = 0
        self.stops = 0
        self.redis_kills = 0
        self.wipes = 0
        self._folder = folder
        self._redis_folder = folder / "redis"
        self._port = provision.free_port()
        self._environment = {
            **os.environ,
            "REDIS_URL": f"redis://127.0.0.1:{self._port}/0",
            "FOLIO_STORM_PORTS": " ".join(map(str, database_ports)),
        }
        self._redis: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._beat: subprocess.Popen[bytes] | None = None
        self._resume_at: dict[int, float] = {}
        self._lock = threading.Lock()

    def start_missing(self) -> None:
        """Start whatever isn't there, as a service manager would."""
        if _ended(self._redis):
            self._redis = self._start_redis()
        # Worker and beat must do without a Redis for a while, so nobody waits for it here.
        if _ended(self._worker):
            worker = self._celery("worker", "--concurrency=1", "--without-gossip", "--without-mingle")
            with self._lock:
                self._worker = worker
        if _ended(self._beat):
            # Killed, it left its file behind, and nobody else has it.
            schedule = self._folder / "beat-schedule"
            self._beat = self._celery("beat", f"--schedule={schedule}", "--pidfile=")

    def kill(self) -> None:
        """SIGKILL: by turns to the process that works, whatever it is at, and to the one that hands out the work."""
        with self._lock:
            processes = list(_family(self._worker))
            if processes:
                self.kills += 1
                _signal(processes[-1 if self.kills % 2 else 0], signal.SIGKILL)

    def stop(self, seconds: float) -> None:
        """SIGSTOP to all of the worker; `resume_due` lets it go on when its time has come."""
        with self._lock:
            for process in _family(self._worker):
                _signal(process, signal.SIGSTOP)
                self._resume_at[process.pid] = time.monotonic() + seconds
            self.stops += 1

    def resume_due(self, *, everyone: bool = False) -> None:
        with self._lock:
            due = [pid for pid, at in self._resume_at.items() if everyone or at <= time.monotonic()]
            for pid in due:
                del self._resume_at[pid]
                with suppress(psutil.Error):
                    _signal(psutil.Process(pid), signal.SIGCONT)

    def kill_redis(self, *, wipe: bool) -> None:
        """SIGKILL; with ``wipe`` all that it kept is gone too, every message that was on its way."""
        if self._redis is None:
            return
        self._redis.kill()
        self._redis.wait(10)
        if wipe:
            shutil.rmtree(self._redis_folder, ignore_errors=True)
            self.wipes += 1
        else:
            self.redis_kills += 1

    def end(self) -> None:
        """Kill all of it."""
        self.resume_due(everyone=True)
        for process in (self._beat, self._worker, self._redis):
            for member in [*_family(process)]:
                _signal(member, signal.SIGKILL)
            if process is not None:
                process.wait(10)

    def _start_redis(self) -> subprocess.Popen[bytes]:
        binary = embedded.redis_server()
        assert binary is not None, "the storm has a workshop only where there is a Redis"
        self._redis_folder.mkdir(exist_ok=True)
        # What it was told is on its disk at once: a kill loses nothing, and only a wipe does.
        options = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return self._open([str(binary), "--port", str(self._port), "--bind", "127.0.0.1", *options], "redis.log")

    def _celery(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "workers", *arguments, "--loglevel=WARNING"]
        return self._open(command, f"{arguments[0]}.log")

    def _open(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with (self._folder / log).open("ab") as file:
            return subprocess.Popen(
                command,
                cwd=self._redis_folder if "redis" in log else ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )


def is_possible() -> bool:
    """Whether this machine has a Redis to kill."""
    return embedded.redis_server() is not None


def _ended(process: subprocess.Popen[bytes] | None) -> bool:
    return process is None or process.poll() is not None


def _family(process: subprocess.Popen[bytes] | None) -> Iterator[psutil.Process]:
    """The process and those that it has started, if it is there."""
    if process is None:
        return
    with suppress(psutil.Error):
        parent = psutil.Process(process.pid)
        children = parent.children(recursive=True)
        yield parent
        yield from children


def _signal(process: psutil.Process, which: signal.Signals) -> None:
    with suppress(psutil.Error):
        process.send_signal(which)
