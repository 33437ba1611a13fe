"""What the modules of ``workers/accounting`` may import: one way to the network, and little of Django."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_architecture import imports

FOLDER = Path(__file__).resolve().parents[2] / "workers" / "accounting"
MODULES = sorted(FOLDER.glob("*.py"))

#: The modules that send requests, or handle answers.
NETWORK = {"http", "http_options", "responses"}
#: The modules that read settings, or rows that processes share.
DJANGO = {"oauth", "quota", "systems"}
#: The modules that read books in files, which the ledger itself can do.
FILES = {"folder"}
BOOKS = {
    "ledger.calendars",
    "ledger.reconciliation",
    "ledger.reconciliation.describing",
    "ledger.reconciliation.files",
    "ledger.spreadsheets",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_one_way_to_the_network(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)}
    assert path.stem in NETWORK or not found & {"httpx", "requests", "urllib3", "socket"}
    assert path.stem in DJANGO or "django" not in found
    assert "celery" not in found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_of_the_ledger_nothing_but_its_errors(path: Path) -> None:
    """And the kinds of documents, what Django reads of moments, and guesses at misspelt words."""
    allowed = {"ledger.errors", "ledger.kinds", "ledger.misspelt"} | (
        {"ledger.timestamps"} if path.stem in DJANGO else set()
    )
    found = {name for name in imports(path) if name.split(".")[0] == "ledger"} - allowed
    assert found <= (BOOKS if path.stem in FILES else set())
