"""Each extra of the wheel in an environment of its own: what it is for imports, and its main command runs.

So do the combinations that a page of the documentation names. Nothing of our own environment is in reach there, so a
package that an extra forgets is missing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger.site.database import database_settings
from tests.broker.redis_server import RedisServer
from tests.databases import manage, migrated_database
from tests.environments import ROOT, make, run, strangers_environment
from tests.integration.test_exports import spreadsheet
from tests.integration.test_ranges_shown import CAF

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: The extras of people who work on Folio itself; `make install` installs them, and everything else uses them.
FOR_DEVELOPERS = {"test", "lint", "bench", "docs", "dev"}
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in FOR_DEVELOPERS}

#: The extra that brings each package which a module of Folio imports.
BROUGHT_BY = {
    **dict.fromkeys(("celery", "kombu", "packaging", "redis"), "workers"),
    **dict.fromkeys(("cryptography", "httpcore", "httpx"), "accounting"),
    **dict.fromkeys(("fontTools", "fpdf", "uharfbuzz", "xlsxwriter"), "reports"),
    "defusedxml": "ranges",
    "python_calamine": "spreadsheets",
    "prometheus_client": "metrics",
}

#: Imports every module of ours, and prints which ones could not be imported, and the package that each one misses.
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import django
django.setup()
missing = {}
for package in ("ledger", "workers"):
    root = importlib.import_module(package)
    assert "site-packages" in root.__file__, root.__file__
    for found in pkgutil.walk_packages(root.__path__, package + ".", onerror=lambda name: None):
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            missing[found.name] = error.name.partition(".")[0]
json.dump(missing, sys.stdout)
"""

ASK_FOR_METRICS = """
import django
django.setup()
from django.test import Client
answer = Client(headers={"Authorization": "Bearer 0123456789abcdef"}).get("/metrics")
assert answer.status_code == 200, answer
assert b"ledger_reservations" in answer.content
"""

START_SERVERS = """
import psycopg, pathlib, sys
from ledger.site import embedded
with psycopg.connect(embedded.database_url()) as connection:
    assert connection.execute("SELECT 1").fetchone() == (1,)
assert embedded.redis_server() == embedded.wheel_redis_server() is not None
assert embedded._ask_redis(embedded.redis_url(), "PING") == "+PONG"
"""

ON_A_TERMINAL = """
import pty, sys
status = pty.spawn([sys.executable, "-m", "django", "ledger_verify"])
assert status == 0, status
"""


def combinations() -> Iterator[frozenset[str]]:
    """Each extra alone, and each combination that README.md or a page under docs/ installs."""
    yield from (frozenset({name}) for name in EXTRAS)
    named = set()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for found in re.findall(r"django-folio\[([\w,]+)\]", page.read_text(encoding="utf-8")):
            named.add(frozenset(found.split(",")))
    yield from sorted((names for names in named if len(names) > 1), key=sorted)


def with_what_they_include(names: frozenset[str]) -> set[str]:
    """These extras and those that they bring, as `up` brings `site`."""
    known = set(names)
    for name in names:
        for line in EXTRAS[name]:
            if included := re.match(r"django-folio\[([\w,]+)\]", line):
                known |= with_what_they_include(frozenset(included[1].split(",")))
    return known


def marked(names: frozenset[str]) -> object:
    """One combination as a parameter; what most merchants install is tried at each run of the tests."""
    is_quick = names == {"binary", "workers"}
    return pytest.param(names, id=",".join(sorted(names)), marks=() if is_quick else pytest.mark.live)


@pytest.fixture(scope="module")
def ledger_url() -> Iterator[str]:
    """A ledger with one number, which nobody changes."""
    checkout = (
        "from ledger import issue\nfrom django.db import transaction\nwith transaction.atomic(): issue('invoice')"
    )
    with migrated_database("folio_extras") as url:
        done = manage("shell", "-c", checkout, url=url)
        assert done.returncode == 0, done.stderr
        yield url


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not in pytest's own folder: each other run of pytest closes that to the user that the embedded server runs as."""
    with TemporaryDirectory(prefix="folio-extras-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def host(tmp_path: Path, ledger_url: str) -> Path:
    """The folder of a host project whose settings are in its ``host.py``."""
    folder = tmp_path / "host"
    folder.mkdir()
    apps = [f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "messages", "sessions")]
    (folder / "host.py").write_text(
        "SECRET_KEY = 'for tests'\n"
        "ALLOWED_HOSTS = ['*']\n"
        "USE_TZ = True\n"
        "ROOT_URLCONF = 'ledger.site.urls'\n"
        f"INSTALLED_APPS = {[*apps, 'ledger', 'workers']}\n"
        f"DATABASES = {{'default': {database_settings(ledger_url)!r}}}\n"
        "LEDGER = {'METRICS_TOKEN': '0123456789abcdef'}\n"
        "LEDGER_ACCOUNTING = {'SYSTEMS': {'books': {'adapter': 'xero', 'organisation': '1',\n"
        "    'credentials': {'ENV': 'XERO_'}}}}\n",
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize("names", [marked(names) for names in combinations()])
def test_all_that_an_extra_is_for_is_there(names: frozenset[str], wheel: Path, host: Path, tmp_path: Path) -> None:
    extras = with_what_they_include(names)
    # psycopg needs a libpq: the system's, or the one of the extra `binary`.
    installed = names if find_library("pq") else names | {"binary"}
    python = make(tmp_path / "venv", Path(sys.executable), f"{wheel}[{','.join(sorted(installed))}]")
    environment = {
        "DJANGO_SETTINGS_MODULE": "host",
        "PYTHONPATH": str(host),
        # A broker that nobody asks, unless a command below says so.
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "FOLIO_HOME": str(tmp_path / "home"),
    }
    missing = json.loads(run(python, "-c", IMPORT_ALL, cwd=host, env=environment))
    forgotten = {module: package for module, package in missing.items() if BROUGHT_BY.get(package) in extras}
    assert not forgotten, "an extra that is installed should have brought these packages"
    assert set(missing.values()) <= set(BROUGHT_BY), "packages that no extra brings"
    for name in sorted(extras):
        MAIN_COMMANDS[name](python, host, environment)


def test_every_extra_has_a_main_command() -> None:
    assert set(MAIN_COMMANDS) == set(EXTRAS)


def use_binary(python: Path, host: Path, environment: dict[str, str]) -> None:
    run(python, "-c", "import psycopg; assert psycopg.pq.__impl__ == 'binary'", cwd=host, env=environment)
    run(python, "-m", "django", "ledger_verify", cwd=host, env=environment)


def use_workers(python: Path, host: Path, environment: dict[str, str]) -> None:
    """Celery on our app, which asks a real broker through its Redis transport."""
    with broker(host) as url:
        said = run(
            python, "-m", "celery", "-A", "workers", "purge", "--force", cwd=host, env=environment | {"REDIS_URL": url}
        )
    assert "No messages purged from 1 queue" in said


def use_accounting(python: Path, host: Path, environment: dict[str, str]) -> None:
    """Exit code 1: the books were never compared, since nobody can log in to them here."""
    findings = ["ledger_reconcile", "findings", "--system", "books", "--json"]
    said = run(python, "-m", "django", *findings, cwd=host, code=1, env=environment)
    assert json.loads(said)["run"] is None


def use_cli(python: Path, host: Path, environment: dict[str, str]) -> None:
    said = run(python, "-c", ON_A_TERMINAL, cwd=host, env=environment | {"TERM": "xterm"})
    assert "\x1b[" in said, "progress, as rich draws it on a terminal"
    assert "…" not in said, "the plain lines that stand in for it"


def use_embedded(python: Path, host: Path, environment: dict[str, str]) -> None:
    """Both servers out of their wheels: none on PATH is in reach."""
    own = {name: text for name, text in environment.items() if name != "REDIS_URL"}
    run(python, "-c", START_SERVERS, cwd=host, env=own | {"PATH": str(python.parent)})


def use_site(python: Path, host: Path, environment: dict[str, str]) -> None:
    run(python, "-m", "gunicorn", "--check-config", "ledger.site.wsgi", cwd=host, env=environment)


def use_metrics(python: Path, host: Path, environment: dict[str, str]) -> None:
    run(python, "-c", ASK_FOR_METRICS, cwd=host, env=environment)


def use_reports(python: Path, host: Path, environment: dict[str, str]) -> None:
    for kind, magic in (("pdf", b"%PDF"), ("xlsx", b"PK")):
        output = host / f"report.{kind}"
        run(python, "-m", "django", "ledger_report", "--output", output, cwd=host, env=environment)
        assert output.read_bytes().startswith(magic)


def use_spreadsheets(python: Path, host: Path, environment: dict[str, str]) -> None:
    (host / "old.ods").write_bytes(spreadsheet([["number", "issued_at"], ["1", "2025-01-02"]]))
    adopting = ["ledger_adopt", "old.ods", "--series=old", "--template={counter}", "--calendar=never", "--json"]
    assert json.loads(run(python, "-m", "django", *adopting, cwd=host, env=environment))["rows"] == 1


def use_ranges(python: Path, host: Path, environment: dict[str, str]) -> None:
    (host / "caf.xml").write_text(CAF.format(granted="2026-08-31"), encoding="latin-1")
    read = "import pathlib\nfrom ledger.caf import read_caf\nprint(read_caf(pathlib.Path('caf.xml').read_bytes()).last)"
    assert run(python, "-c", read, cwd=host, env=environment).split() == ["60"]


def use_seals(python: Path, host: Path, environment: dict[str, str]) -> None:
    (host / "sealing.py").write_text(
        "from host import *\nLEDGER['SEALS'] = {'key': 'env:SEAL_KEY'}\n", encoding="utf-8"
    )
    own = environment | {"DJANGO_SETTINGS_MODULE": "sealing", "SEAL_KEY": "11" * 32}
    run(python, "-m", "django", "ledger_seal", "now", cwd=host, env=own)
    said = run(python, "-m", "django", "ledger_seal", "export", cwd=host, env=own)
    assert json.loads(json.loads(said.splitlines()[1])["head"])["key"], "it is signed"


def use_up(python: Path, host: Path, environment: dict[str, str]) -> None:
    """The whole product out of wheels: every process of it tells something, and Ctrl-C ends it."""
    own = {"FOLIO_HOME": environment["FOLIO_HOME"], "PATH": str(python.parent)}
    process = subprocess.Popen(
        [python, "-m", "django", "up", "--settings", "ledger.site.settings"],
        cwd=host,
        env=strangers_environment(**own),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    waiting = {"site", "worker", "beat"}
    try:
        for line in process.stdout:
            said += line
            if begun := re.match(r"\d\d:\d\d:\d\d (\w+) +\| ", line):
                waiting.discard(begun[1])
            if not waiting:
                os.killpg(process.pid, signal.SIGINT)
                break
        said += process.stdout.read()
        assert process.wait(60) == 0, said
        assert not waiting, said
    finally:
        process.stdout.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


MAIN_COMMANDS: dict[str, Callable[[Path, Path, dict[str, str]], None]] = {
    "binary": use_binary,
    "workers": use_workers,
    "accounting": use_accounting,
    "embedded": use_embedded,
    "cli": use_cli,
    "site": use_site,
    "metrics": use_metrics,
    "up": use_up,
    "reports": use_reports,
    "ranges": use_ranges,
    "seals": use_seals,
    "spreadsheets": use_spreadsheets,
}


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A broker of the test's own; it is ours, since what is tested here is the client."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server.url
    finally:
        server.kill()
