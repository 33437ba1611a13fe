"""A row that Python can't hold stops no command that reads and no sweep, and ``ledger_verify`` names it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, find_commands
from django.db import models

import ledger.management
import workers.management
from ledger.models.readable import DayField, FactsField, MomentField
from ledger.reconciliation import BookSettings, compare
from ledger.reports.formats import formats
from ledger.sweeps import registered, run
from ledger.verification import verify
from ledger.verification.content import _OF_OTHERS
from tests.accounting.pushing import system_settings
from tests.integration.poison import POISONS, Places, Poison, folios_models, places, poison

pytestmark = pytest.mark.django_db(transaction=True)

BOOKS = "berlin-secret books"
NFE = ["--cnpj", "12345678000195", "--state", "35", "--serie", "1", "--justification", "Falha do sistema na emissao"]

#: The ways in which each command reads rows. A command without any writes what it is given, and reads only settings.
READING: dict[str, list[list[str]]] = {
    "flush": [],
    "ledger_adopt": [],
    "ledger_books": [],
    "ledger_declare": [
        ["gstr1", "--tenant", "berlin", "--month", "2026-03", "--gstin", "27AAPFU0939F1ZV", "--map", "invoice=1"],
        *(
            ["nfe", "--tenant", "berlin", "--series", code, *NFE, "--output", "{folder}/nfe"]
            for code in ("invoice", "old")
        ),
    ],
    "ledger_documents": [[], ["--json"], ["look", "--tenant", "berlin"]],
    "ledger_drafts": [["list", "--system", BOOKS], ["list", "--system", BOOKS, "--json"]],
    "ledger_gaps": [[], ["--json"], ["list", "--full"], ["--tenant", "berlin"]],
    "ledger_grants": [],
    "ledger_home": [["list"], ["list", "--json"]],
    "ledger_install": [],
    "ledger_migrate_from": [],
    "ledger_period": [["list"], ["list", "--json"], ["list", "old", "--tenant", "berlin"], ["ahead"]],
    "ledger_push": [["--list"], ["--list", "--json"]],
    "ledger_ranges": [["list"], ["list", "--json"]],
    "ledger_reconcile": [["findings", "--system", BOOKS, "--resolved", *more] for more in ([], ["--json"])],
    "ledger_references": [],
    "ledger_register": [["--tenant", "berlin", "--output", "{folder}/register.json"]],
    "ledger_report": [
        *(
            ["--tenant", "berlin", "--format", name, "--output", f"{{folder}}/report{one.suffix}"]
            for name, one in formats().items()
        ),
        ["--tenant", "berlin", "--from", "2026-01-01", "--to", "2026-12-31", "--output", "{folder}/dated.json"],
        ["--tenant", "berlin", "--series", "old", "--output", "{folder}/old.json"],
    ],
    "ledger_rules": [[], ["--json"]],
    "ledger_seal": [["status"], ["status", "--json"], ["verify"]],
    "ledger_series": [
        *(["list", *more] for more in ([], ["--json"])),
        *(["show", code, "--tenant", "berlin", *more] for code in ("old", "invoice") for more in ([], ["--json"])),
    ],
    "ledger_status": [[], ["--json"], ["--tenant", "berlin"]],
    "ledger_sweep": [["--status"], ["--status", "--json"]],
    "ledger_verify": [[], ["--json"], ["--tenant", "berlin"], ["--series", "old"]],
}


@pytest.fixture
def there(unguarded: None, settings: Any) -> Places:
    described = system_settings("xero", "http://127.0.0.1:9", tenant="berlin")
    settings.LEDGER_ACCOUNTING = {"SYSTEMS": {BOOKS: described}}
    return places()


def command_output(name: str, arguments: list[str]) -> str:
    """What a command writes, with any exit code; one of Folio's errors is an answer too."""
    out = io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return f"{out.getvalue()}\n{error}" if "--json" not in arguments else out.getvalue()
    return out.getvalue()


def test_every_command_is_listed() -> None:
    found = {name for package in (ledger.management, workers.management) for name in find_commands(package.__path__[0])}
    assert found == set(READING)


@pytest.mark.parametrize("given", POISONS, ids=lambda one: one.name)
def test_every_command_answers(there: Places, given: Poison, tmp_path: Path) -> None:
    poison(there, given)
    for name, ways in READING.items():
        for way in ways:
            text = command_output(name, [each.replace("{folder}", str(tmp_path)) for each in way])
            if "--json" in way:
                json.loads(text, parse_constant=pytest.fail)
    for made in tmp_path.glob("*.json"):
        json.loads(made.read_bytes(), parse_constant=pytest.fail)
    assert {made.name for made in tmp_path.glob("report.*") if made.suffix != ".sha256"} == {
        f"report{one.suffix}" for one in formats().values()
    }


@pytest.mark.parametrize("given", POISONS, ids=lambda one: one.name)
def test_every_sweep_runs(there: Places, given: Poison) -> None:
    poison(there, given)
    for sweep in registered():
        if ":" not in sweep.name:  # those ask accounting systems; what they do here is below
            # Only the poisoned period may have something that could not be done.
            error = run(sweep.name).error
            assert error == "" or error.startswith("Not done: berlin/old"), sweep.name
            assert "mumbai" not in error
    compare(BookSettings(BOOKS, tenant="berlin", grace=timedelta(0)), full=True)
    compare(BookSettings("mumbai-secret books", tenant="mumbai", grace=timedelta(0)))


@pytest.mark.parametrize("given", [one for one in POISONS if one.moment or one.facts], ids=lambda one: one.name)
def test_every_poisoned_value_is_named(there: Places, given: Poison) -> None:
    poison(there, given)
    named = {(finding.table, finding.problem.split()[2]) for finding in verify() if finding.check == "unreadable"}
    wanted = set()
    of_readers = given.name not in ("shape and odd text", "other shape")
    for model in folios_models():
        for field in model._meta.concrete_fields if model._meta.app_label == "ledger" else ():
            if field in model._meta.pk_fields or (given.name == "large" and model.__name__ in _OF_OTHERS):
                continue
            bad_moment = given.moment and isinstance(field, MomentField)
            bad_day = given.day and isinstance(field, DayField) and given.name not in ("first", "last")
            bad_facts = given.facts and isinstance(field, FactsField) and of_readers
            if bad_moment or bad_day or bad_facts:
                wanted.add((model._meta.db_table, field.column))
    assert wanted <= named or not wanted
    assert wanted or not of_readers


def test_no_column_of_ours_is_a_plain_one() -> None:
    """A plain one would raise for a row that it can't hold."""
    plain = {models.DateTimeField, models.DateField, models.JSONField}
    for model in folios_models():
        for field in model._meta.concrete_fields:
            assert type(field) not in plain, f"{model.__name__}.{field.name}: see ledger/models/readable.py"
