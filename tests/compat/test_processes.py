"""Moving over while processes of old and of new code take numbers: none comes twice, and none is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import sequences
from django.core.management import call_command
from django.db import connection, transaction

from ledger import issue
from ledger.compat import django_sequence as folio_sequence, django_sequences as folio
from ledger.compat.moving import systems
from ledger.models import Adoption, Entry
from ledger.verification import verify
from tests.compat.django_sequence.models import Sequence as OldSequence
from tests.compat.django_sequence.services import next_sequence as old_next_sequence
from tests.databases import ROOT

PATIENCE = 60

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sound() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        for table, _, _ in systems.TABLES.values():
            cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_counter ON {table}")
            cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_new_counter ON {table}")
    assert list(verify()) == []


@contextmanager
def processes(system: str, *roles: str) -> Iterator[list[subprocess.Popen[str]]]:
    """One process for each kind of code, all started at once, and ended with the test, whatever it did."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE": connection.settings_dict["NAME"],
    }
    with ExitStack() as ended:
        crew = []
        for role in roles:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.compat.process", system, role],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            ended.callback(process.wait)
            ended.callback(process.kill)
            crew.append(process)
        for process in crew:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield crew


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Ends a process, and returns what it printed."""
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    document: dict[str, Any] = json.loads(output)
    return document


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "the processes take no numbers"
        time.sleep(0.01)


def test_django_sequences() -> None:
    sequences.get_next_values(10, "invoice")
    with processes("django-sequences", "old", "old", "new") as crew:
        wait_until(lambda: (sequences.get_last_value("invoice") or 0) > 40)
        call_command("ledger_migrate_from", "django-sequences", "--apply", verbosity=0)
        begun = Adoption.objects.latest("pk").options["last"]
        wait_until(lambda: (folio.get_last_value("invoice") or 0) > begun + 30)
        said = [result_of(process) for process in crew]
    numbers = sorted(number for one in said for number in one["numbers"])
    assert numbers == list(range(11, 11 + len(numbers)))
    assert folio.get_last_value("invoice") == numbers[-1]
    assert Entry.objects.count() == numbers[-1] - begun
    for text in {error for one in said for error in one["errors"]}:
        assert any(known in text for known in ("was moved to Folio", "could not obtain lock", "is held by another")), (
            text
        )
    # Both go on, each from where the other is.
    after = numbers[-1]
    assert [folio.get_next_value("invoice"), sequences.get_next_value("invoice")] == [after + 1, after + 2]
    with transaction.atomic():
        assert issue("invoice").value == after + 3


def test_django_sequence() -> None:
    for _ in range(10):
        old_next_sequence("invoice")

    def counted() -> Any:
        return OldSequence.objects.values_list("current_value", flat=True).get()

    with processes("django-sequence", "old", "old", "new") as crew:
        wait_until(lambda: counted() > 20)
        call_command("ledger_migrate_from", "django-sequence", "--apply", verbosity=0)
        begun = Adoption.objects.latest("pk").options["last"]
        wait_until(lambda: folio_sequence.Sequence.objects.get(scope="invoice").current_value > begun + 20)
        said = [result_of(process) for process in crew]
    numbers = sorted(number for one in said for number in one["numbers"])
    assert numbers == list(range(11, 11 + len(numbers)))
    assert Entry.objects.count() == numbers[-1] - begun
    for text in {error for one in said for error in one["errors"]}:
        assert "was moved to Folio, which has counted to" in text
