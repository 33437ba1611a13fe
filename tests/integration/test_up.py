"""`make up`, as a user starts it: everything comes up, all is healthy, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from ledger.site import embedded
from tests.broker.waiting import until
from tests.integration.test_admin_site import environment, needs_postgres

ROOT = Path(__file__).resolve().parents[2]

#: Seconds until everything must be healthy, and until it must have ended: they take less than a tenth of that.
PATIENCE = 120

pytestmark = [
    needs_postgres,
    pytest.mark.skipif(embedded.redis_server() is None, reason="no redis-server on this machine"),
]


@contextmanager
def everything(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str], threading.Event]]:
    """The command, its lines so far, and whether it has said where the site is."""
    environ = environment(FOLIO_HOME=str(home))
    environ.pop("REDIS_URL", None)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "up", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        start_new_session=True,
    )
    lines: list[str] = []
    up = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                up.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield process, lines, up
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE)
        reader.join(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


def wait_until_up(process: subprocess.Popen[str], lines: list[str], up: threading.Event) -> None:
    """Return when it has said where the site is; AssertionError at once if it ends without."""
    deadline = time.monotonic() + PATIENCE
    while not up.wait(0.1):
        assert process.poll() is None, "".join(lines)
        assert time.monotonic() < deadline, "".join(lines)


def of_home(home: Path) -> dict[int, str]:
    """Every process that works in that folder or for it, by what its environment, folder and command line say."""
    found = {}
    for process in psutil.process_iter():
        try:
            said = [process.cwd(), *process.cmdline(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(home) in text for text in said):
                found[process.pid] = " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def ask(address: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310  (our own process)
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return 0, {}


def test_all_of_it_comes_up_and_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with everything(home, "--port", str(port)) as (process, lines, up):
            wait_until_up(process, lines, up)
            told = dict(re.findall(r"^(\w+): +(\S+)$", "".join(lines), re.MULTILINE))
            assert f":{port}/" not in told["Health"]
            deadline = threading.Event()
            timer = threading.Timer(PATIENCE, deadline.set)
            timer.start()
            status = 0
            document: dict[str, Any] = {}
            while status != 200 and not deadline.wait(0.2):
                assert process.poll() is None, "".join(lines)
                status, document = ask(told["Health"])
            timer.cancel()
            assert status == 200, (document, "".join(lines))
            assert document["status"] == "ok"
            assert {one["sweep"] for one in document["sweeps"]} >= {"open_next_periods", "flag_gaps", "verify"}
            started = of_home(home)
            assert any("postgres" in command for command in started.values())
            assert any(re.search("redis-server|valkey-server", command) for command in started.values())
            # As a terminal does it: to every process of the foreground.
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(PATIENCE) == 0, "".join(lines)
    said = "".join(lines)
    for name in ("site", "worker", "beat"):
        assert re.search(rf"^\d\d:\d\d:\d\d {name} +\| ", said, re.MULTILINE), said
        assert f"{name} stopped" in said
    assert told["Password"] not in said.split("Ctrl-C stops it all.")[1]
    until(lambda: not of_home(home), lambda: f"{of_home(home)} still run")  # what was killed takes a moment to end


def test_what_fails_ends_the_others_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with everything(home) as (process, lines, up):
        wait_until_up(process, lines, up)
        killed: set[int] = set()
        while not killed and process.poll() is None:
            killed = {pid for pid, command in of_home(home).items() if "-A workers beat" in command}
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        assert process.wait(PATIENCE) == 1, "".join(lines)
    assert "One of the processes ended by itself" in "".join(lines)
    until(lambda: not of_home(home), lambda: f"{of_home(home)} still run")  # what was killed takes a moment to end
