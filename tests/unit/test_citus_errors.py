"""Errors as they come from a schema that Citus distributes: constraints with a shard's number, or only words."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ledger import errors as e
from ledger.database_errors import _ours_at_commit as at_commit, constraint_of, retry

FACTS = {"reason": "closed", "tenant": "ada", "series": "bill", "on": "2026-01-01", "count": 1, "document": "order:1"}


def error(state: str, constraint: str | None, message: str = "", detail: str = "") -> Any:
    diagnosis = SimpleNamespace(
        sqlstate=state, constraint_name=constraint, message_primary=message, message_detail=detail, context=""
    )
    return SimpleNamespace(sqlstate=state, diag=diagnosis)


@pytest.mark.parametrize("name", ["ledger_entry_document", "ledger_entry_document_102037"])
def test_a_constraint_is_known_with_a_shards_number(name: str) -> None:
    assert isinstance(retry(error("23505", name), "x"), e.SerializationFailure)
    said = f'duplicate key value violates unique constraint "{name}"'
    assert isinstance(retry(error("XX000", None, said), "x"), e.SerializationFailure)


def test_other_names_stay() -> None:
    assert constraint_of(None) == ""
    assert constraint_of(error("23505", "ledger_form_42").diag) == "ledger_form_42"
    assert retry(error("23505", "shop_order_document"), "x") is None


def test_a_move_is_known() -> None:
    detail = json.dumps({"tenant": "ada", "state": "leaving", "home": "north"})
    for one in (
        error("55006", "ledger_tenant_moves", detail=detail),
        error("XX000", "ledger_tenant_moves", "", detail),
    ):
        assert isinstance(retry(one, "x"), e.TenantMoved)


def test_a_refusal_at_commit_is_known_by_its_words() -> None:
    said = "the commit was refused, since period 7 gives out no number: closed"
    for one in (
        error("23000", "ledger_ticket_closed", said, json.dumps(FACTS)),
        error("23000", "ledger_ticket_closed_102037", said, json.dumps(FACTS)),
        error("XX000", None, said, json.dumps(FACTS)),
    ):
        found = at_commit(one)
        assert isinstance(found, e.CommitRefused)
        assert isinstance(found, e.PeriodClosed)
    taken = error("XX000", None, 'duplicate key value violates unique constraint "ledger_entry_number_102037"')
    assert isinstance(at_commit(taken), e.NumberTaken)
    assert at_commit(error("XX000", None, "out of memory")) is None
