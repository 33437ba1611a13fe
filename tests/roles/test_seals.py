"""Seals by purpose: workers make them by functions alone; auditors verify and export; a checkout can do neither."""

import json

import pytest
from django.db import transaction

from ledger import define_series, issue
from ledger.seals import folio_verify
from ledger.seals.exporting import export, prove
from ledger.sweeps import run
from ledger.verification.seals import verify_seals
from tests.roles.logins import AUDITOR, CHECKOUT, DAY, FINANCE, WORKERS, refusal


@pytest.fixture
def sealed() -> str:
    """A number, and the seal of the workers' role over it."""
    define_series("sealed", template="SEALED{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        entry = issue("sealed", on=DAY, document="sealed", using=CHECKOUT)
    assert run("seal", using=WORKERS).error == ""
    return entry.number


def test_an_auditor_verifies_exports_and_proves(sealed: str) -> None:
    assert list(verify_seals(AUDITOR)) == []
    lines = list(export(AUDITOR, ""))
    assert json.loads(lines[0])["folio"] == folio_verify.EXPORT
    [proof] = prove(AUDITOR, "", sealed)
    row, _ = folio_verify.check_proof(json.loads(proof), [])
    assert row["number"] == sealed


@pytest.mark.parametrize("login", [AUDITOR, CHECKOUT, FINANCE])
@pytest.mark.parametrize(
    "call",
    [
        "ledger_next_seal('')",
        "ledger_keep_seal('', '{}', '', '', '', '{}', '{}', '{}', '', '', NULL)",
        "ledger_keep_anchor(1, 'host', 'mine')",
    ],
)
def test_nobody_else_seals(login: str, call: str) -> None:
    assert "permission denied for function" in str(refusal(login, f"SELECT {call}"))


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE", "INSERT INTO", "TRUNCATE"])
def test_the_workers_write_seals_by_functions_alone(sealed: str, statement: str) -> None:
    """So what the database knows by itself (number, era, place, snapshot, times) is never theirs to say."""
    rest = {"UPDATE": " SET number = 1", "INSERT INTO": " (tenant) VALUES ('')"}.get(statement, "")
    assert "permission denied" in str(refusal(WORKERS, f"{statement} ledger_seal{rest}"))
