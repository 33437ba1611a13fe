"""Seals by purpose: workers make them, by functions only; auditors verify and export; a checkout can do neither."""

import json
from typing import Any

import pytest
from django.db import Error as DatabaseError, connections, transaction

from ledger import define_series, issue
from ledger.seals import folio_verify
from ledger.seals.exporting import export, prove
from ledger.sweeps import run
from ledger.verification.seals import verify_seals
from tests.roles.logins import AUDITOR, CHECKOUT, DAY, FINANCE, WORKERS, refusal, rows


@pytest.fixture
def sealed() -> str:
    """A number, and the seal that the workers' role made over it."""
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
    """So they never choose what the database knows by itself: number, era, place, snapshot, times."""
    rest = {"UPDATE": " SET number = 1", "INSERT INTO": " (tenant) VALUES ('')"}.get(statement, "")
    assert "permission denied" in str(refusal(WORKERS, f"{statement} ledger_seal{rest}"))


#: Lists and heads of a seal without rows that a worker could pass, but no reader could read.
UNREADABLE: dict[str, dict[str, Any]] = {
    "negative counts": {"counts": "{9000000000,-9000000000}", "tables": "{ledger_entry,ledger_entry}"},
    "a table that is null": {"counts": "{0}", "tables": "{NULL}"},
    "a count that is null": {"counts": "{NULL}", "tables": "{ledger_entry}"},
    "a list of lists": {"counts": "{{0,0}}", "tables": "{ledger_entry,ledger_void}"},
    "a deep head": {"more": {"deep": json.loads("[" * 900 + "]" * 900)}},
}


@pytest.mark.parametrize("what", ["as it should be", *UNREADABLE])
def test_a_seal_that_no_reader_could_read_is_refused(sealed: str, what: str) -> None:
    given = UNREADABLE.get(what, {})
    with transaction.atomic(using=WORKERS):
        rows(WORKERS, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        [(text,)] = rows(WORKERS, "SELECT to_jsonb(n)::text FROM ledger_next_seal('') n")
        following = json.loads(text)
        head = {name: following[name] for name in ("number", "era", "place", "previous", "snapshot", "total")}
        head |= {
            "folio": folio_verify.SEAL,
            "tenant": "",
            "size": 0,
            "root": "0" * 64,
            "key": "",
            **given.get("more", {}),
        }
        lists = [json.dumps(head), given.get("tables", "{}"), given.get("counts", "{}")]
        call = "SELECT ledger_keep_seal('', %s, '', '', decode(repeat('00', 32), 'hex'), %s, %s, '{}', '', '', 0)"
        try:
            with transaction.atomic(using=WORKERS):
                rows(WORKERS, call, lists)
            refused = None
        except DatabaseError as error:
            refused = error.__cause__
        transaction.set_rollback(True, using=WORKERS)
    assert getattr(refused, "sqlstate", None) in ((None,) if not given else ("23514", "0A000"))


def test_a_session_that_quotes_all_names_seals_in_the_same_place(sealed: str) -> None:
    connections[WORKERS].close()
    try:
        rows(WORKERS, "SET quote_all_identifiers = on")
        assert run("seal", using=WORKERS).error == ""
    finally:
        connections[WORKERS].close()
