"""Each login calls its functions with arguments that Folio never passes: nothing is written, nothing stays locked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from ledger import define_series, issue
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, USUAL, WORKERS, rows

#: What a checkout may change, and the tables that a forged row would go into.
_STATE = """
    SELECT (SELECT count(*) FROM ledger_entry), (SELECT sum(last_value) FROM ledger_period),
           (SELECT count(*) FROM ledger_period), (SELECT count(*) FROM ledger_slot),
           (SELECT count(*) FROM ledger_reservation), (SELECT count(*) FROM ledger_ticket),
           (SELECT count(*) FROM ledger_series), (SELECT count(*) FROM ledger_numbervoided),
           (SELECT count(*) FROM ledger_gapexplained), (SELECT count(*) FROM ledger_draftmade),
           (SELECT max(last_issued_on) FROM ledger_period)
"""
MINE, THEIRS = "arguments-mine", "arguments-theirs"


@pytest.fixture(scope="module")
def known() -> dict[str, int]:
    """Ids of series and periods that an attacker has read, by owner and allocation."""
    found: dict[str, int] = {}
    for whose, tenant in (("mine", MINE), ("theirs", THEIRS)):
        for allocation in ("serial", "at_commit", "pooled", "reserved"):
            series = define_series(
                allocation,
                org=tenant,
                template=f"{allocation}-{{year}}-{{counter}}",
                allocation=allocation,
                max_days_ahead=400,
                using=FINANCE,
            )
            with transaction.atomic(using=CHECKOUT):
                entry = issue(allocation, org=tenant, document="first", on=DAY, using=CHECKOUT)
            found |= {f"{whose}_{allocation}": entry.period_id, f"{whose}_{allocation}_series": series.pk}
            found[f"{whose}_{allocation}_entry"] = entry.pk
    return found


def attempt(alias: str, statement: str, arguments: Any = None) -> Any:
    """A statement's answer, or the driver's error. It is committed; before that, no period of others may be locked."""
    try:
        with transaction.atomic(using=alias):
            answer = rows(alias, statement, arguments)
            held = rows(OWNER, "SELECT id FROM ledger_period WHERE tenant = %s FOR UPDATE SKIP LOCKED", [THEIRS])
            assert len(held) == 4, "a counter of another tenant is locked"
        return answer
    except DatabaseError as error:
        return error.__cause__


@pytest.fixture
def unharmed(known: dict[str, int]) -> Iterator[None]:
    """Fails if the test writes anything, or leaves a period locked."""
    before = rows(OWNER, _STATE)
    yield
    assert rows(OWNER, _STATE) == before
    free = "SELECT count(*) FROM (SELECT FROM ledger_period FOR UPDATE SKIP LOCKED) p"
    assert rows(OWNER, free) == rows(OWNER, "SELECT count(*) FROM ledger_period")


#: A call of each function that gives a number; the test chooses `on`, `document`, `actor` and `metadata`.
ISSUING = {
    "serial": "SELECT ledger_issue_serial('{t}', 'serial', %(on)s, NULL, %(document)s, %(actor)s, %(metadata)s)",
    "a block": "SELECT * FROM ledger_issue_serial_many('{t}', 'serial', %(on)s, NULL, ARRAY[%(document)s], %(actor)s,"
    " %(metadata)s, true)",
    "pooled": "SELECT ledger_issue_slot('pooled', '{t}', 'pooled', %(on)s, NULL, %(document)s, %(actor)s,"
    " %(metadata)s)",
    "a pooled block": "SELECT * FROM ledger_issue_slots('pooled', '{t}', 'pooled', %(on)s, NULL, ARRAY[%(document)s],"
    " %(actor)s, %(metadata)s, true)",
    "at commit": "SELECT ledger_leave_ticket('{t}', 'at_commit', %(on)s, NULL, ARRAY[%(document)s], %(actor)s,"
    " %(metadata)s, true, 'x')",
}
GOOD = {"on": DAY, "document": "x", "actor": "till", "metadata": "{}"}

DATES = ["9999-12-31", "infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "2999-01-01"]
METADATA = {
    "a list": "[1]",
    "a text": '"x"',
    "a number": "1",
    "null in JSON": "null",
    "3,000 levels": '{"a":' * 3000 + "1" + "}" * 3000,
    "33 levels": '{"a":' * 33 + "1" + "}" * 33,
    "two megabytes": json.dumps({"a": "x" * 2_000_000}),
    "a hundred thousand digits": '{"a": 1' + "0" * 100_000 + "}",
}
TEXTS = ["a\nb", "a\tb", "\x7f", " a", "a ", "a\u200bb", "\u202eabc", "x" * 201, "e\u0301" * 3]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("call", ISSUING.values(), ids=ISSUING)
class TestIssuing:
    @pytest.mark.parametrize("on", DATES)
    def test_dates(self, call: str, on: str) -> None:
        answer = attempt(CHECKOUT, call.format(t=MINE), {**GOOD, "on": on})
        assert "issued" not in str(answer)

    @pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
    def test_metadata(self, call: str, metadata: str) -> None:
        assert isinstance(attempt(CHECKOUT, call.format(t=MINE), {**GOOD, "metadata": metadata}), Exception)

    @pytest.mark.parametrize("text", TEXTS, ids=ascii)
    @pytest.mark.parametrize("name", ["document", "actor"])
    def test_texts(self, call: str, name: str, text: str) -> None:
        assert isinstance(attempt(CHECKOUT, call.format(t=MINE), {**GOOD, name: text}), Exception)

    @pytest.mark.parametrize("name", ["document", "actor"])
    def test_nulls(self, call: str, name: str) -> None:
        assert isinstance(attempt(CHECKOUT, call.format(t=MINE), {**GOOD, name: None}), Exception)


MOMENTS = ["infinity", "-infinity", "9999-12-31", "0044-03-15 BC", "2999-01-01"]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("moment", MOMENTS)
def test_moments(moment: str) -> None:
    """A call for the value of a sequence is refused, or gives no value."""
    answer = attempt(CHECKOUT, "SELECT ledger_next_value(%s, 'serial', %s)", [MINE, moment])
    assert isinstance(answer, Exception) or answer == [(None,)]


#: Calls by login, with the ids of `known`; none may change anything.
CALLS: dict[str, tuple[str, str]] = {
    "a reservation in 9999": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '9999-12-31', ARRAY['x'], '', 1)"),
    "a reservation at no day": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, NULL, ARRAY['x'], '', 1)"),
    "a reservation at the end": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, 'infinity', ARRAY['x'], '', 1)"),
    "another period's day": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2025-05-05', ARRAY['x'], '', 1)"),
    "a reservation for nothing": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', ARRAY[NULL], '', 1)"),
    "no list": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', NULL, '', 1)"),
    "twice the same": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', ARRAY['y', 'y'], '', 1)"),
    "no transaction": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', ARRAY['x'], '', NULL)"),
    "a hidden actor": (CHECKOUT, "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', ARRAY['x'], E'a\\nb', 1)"),
    "a hundred thousand and one": (
        CHECKOUT,
        "ledger_reserve('{m}', {mine_reserved}, '2026-05-05', array_fill('x'::text, ARRAY[100001]), '', 1)",
    ),
    "reserving in a serial series": (CHECKOUT, "ledger_reserve('{m}', {mine_serial}, '2026-05-05', ARRAY['x'], '', 1)"),
    "reserving for another tenant": (
        CHECKOUT,
        "ledger_reserve('{m}', {theirs_reserved}, '2026-05-05', ARRAY['x'], '', 1)",
    ),
    "a period that does not exist": (CHECKOUT, "ledger_reserve('{m}', -1, '2026-05-05', ARRAY['x'], '', 1)"),
    "taking what is not reserved": (
        CHECKOUT,
        "ledger_issue_reserved('{m}', {mine_reserved_series}, {mine_reserved}, '2026-05-05', ARRAY[-1, 0, NULL],"
        " ARRAY['x', 'y', 'z'], '', '{{}}')",
    ),
    "taking in another series": (
        CHECKOUT,
        "ledger_issue_reserved('{m}', {mine_serial_series}, {mine_reserved}, '2026-05-05', ARRAY[1], ARRAY['x'], '',"
        " '{{}}')",
    ),
    "minting for another tenant": (CHECKOUT, "ledger_mint('{m}', {theirs_pooled}, 16, 5)"),
    "minting in a serial series": (CHECKOUT, "ledger_mint('{m}', {mine_serial}, 1, 5)"),
    "minting in a period that does not exist": (CHECKOUT, "ledger_mint('{m}', NULL, 0, 5)"),
    "minting past another": (CHECKOUT, "ledger_mint('{m}', {mine_pooled}, -1, 5)"),
    "holding another tenant's counter": (CHECKOUT, "ledger_hold('{m}', {theirs_serial}, false)"),
    "slots of a serial series": (CHECKOUT, "ledger_issue_slot('serial', '{m}', 'serial', NULL, NULL, 'x', '', '{{}}')"),
    "slots of no allocation": (CHECKOUT, "ledger_issue_slot(NULL, '{m}', 'pooled', NULL, NULL, 'x', '', '{{}}')"),
    "a block of no allocation": (
        CHECKOUT,
        "ledger_issue_slots(NULL, '{m}', 'pooled', NULL, NULL, ARRAY['x'], '', '{{}}', false)",
    ),
    "a block with a null": (
        CHECKOUT,
        "ledger_issue_serial_many('{m}', 'serial', '2026-05-05', NULL, ARRAY['x', NULL], '', '{{}}', false)",
    ),
    "a block of nothing": (
        CHECKOUT,
        "ledger_issue_serial_many('{m}', 'serial', '2026-05-05', NULL, '{{}}', '', '{{}}', false)",
    ),
    "a block twice the same": (
        CHECKOUT,
        "ledger_issue_serial_many('{m}', 'serial', '2026-05-05', NULL, ARRAY['x', 'x'], '', '{{}}', false)",
    ),
    "a ticket for nothing": (
        CHECKOUT,
        "ledger_leave_ticket('{m}', 'at_commit', '2026-05-05', NULL, '{{}}', '', NULL, false, '')",
    ),
    "a ticket that begins elsewhere": (
        CHECKOUT,
        "ledger_leave_ticket('{m}', 'at_commit', '2026-05-05', NULL, '[5:5]={{x}}', '', NULL, false, '')",
    ),
    "a ticket of unknown wishes": (
        CHECKOUT,
        "ledger_leave_ticket('{m}', 'at_commit', '2026-05-05', NULL, ARRAY['x'], '', NULL, NULL, NULL)",
    ),
    "a ticket that does not exist": (CHECKOUT, "ledger_number_ticket(-1)"),
    "in place of a number that is not void": (
        CHECKOUT,
        "ledger_issue_serial('{m}', 'serial', '2026-05-05', NULL, 'first', '', '{{}}', {mine_serial_entry})",
    ),
    "in place of another tenant's": (
        CHECKOUT,
        "ledger_issue_serial('{m}', 'serial', '2026-05-05', NULL, 'first', '', '{{}}', {theirs_serial_entry})",
    ),
    "a period in 9999": (CHECKOUT, "ledger_open_period('{m}', 'serial', '9999-01-01')"),
    "a period three years ahead": (CHECKOUT, "ledger_open_period('{m}', 'serial', (now() + interval '3 years')::date)"),
    "a period before Christ": (CHECKOUT, "ledger_open_period('{m}', 'serial', '0044-03-15 BC')"),
    "a period at the end": (CHECKOUT, "ledger_open_period('{m}', 'serial', 'infinity')"),
    "a period at no day": (CHECKOUT, "ledger_open_period('{m}', 'serial', NULL)"),
    "a default that does not exist": (CHECKOUT, "ledger_make_default('{m}', 'mine')"),
    "a default in a foreign format": (CHECKOUT, "ledger_make_default('{m}', 'invoice', 'ticket')"),
    "a sequence in another tenant": (CHECKOUT, "ledger_make_default('{m}', 'invoice', '*django-sequences', 999999)"),
    "a void of another tenant": (USUAL, "ledger_void('{m}', {theirs_serial_entry}, 'x', '', '')"),
    "a void of nothing": (USUAL, "ledger_void('{m}', -1, 'x', '', '')"),
    "a void that can't be read": (USUAL, "ledger_void('{m}', {mine_serial_entry}, E'x\\u0007', '', '')"),
    "an explanation of an issued number": (
        FINANCE,
        "ledger_explain('{m}', ARRAY[{mine_serial_entry}], NULL, 'never was', '')",
    ),
    "an explanation for another tenant": (
        FINANCE,
        "ledger_explain('{m}', NULL, ARRAY[{theirs_serial_entry}], 'never was', '')",
    ),
    "closing by a null": (FINANCE, "ledger_close_period('{m}', {mine_serial}, NULL, '')"),
    "closing for another tenant": (FINANCE, "ledger_close_period('{m}', {theirs_serial}, true, '')"),
    "a gap for another tenant": (WORKERS, "ledger_flag_gap('{m}', {theirs_pooled}, 9, '')"),
    "a gap of a free slot": (WORKERS, "ledger_flag_gap('{m}', {mine_pooled}, 9, '')"),
    "a gap of a used value": (WORKERS, "ledger_flag_gap('{m}', {mine_serial}, 1, '')"),
    "a gap beyond the counter": (WORKERS, "ledger_flag_gap('{m}', {mine_serial}, 1000, '')"),
    "a slot without a draft withdrawn": (WORKERS, "ledger_withdraw_slot('{m}', {mine_pooled}, 9, '{{}}', '')"),
    "a draft without a claim": (
        WORKERS,
        "ledger_store_draft('{m}', {mine_serial_series}, {mine_serial}, 'x', '1 hour', 1, '1', 'ANYTHING', '', '')",
    ),
    "holes that do not exist": (
        WORKERS,
        "ledger_report_holes(ARRAY['{m}'], ARRAY[{mine_serial}::bigint], ARRAY[1::bigint])",
    ),
    "closing what is not due": (WORKERS, "ledger_close_due('{m}', {mine_serial}, '')"),
    "cancelling a draft that does not exist": (WORKERS, "ledger_cancel_draft('{m}', -1, 'void', '')"),
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("name", CALLS)
def test_calls(known: dict[str, int], name: str) -> None:
    alias, call = CALLS[name]
    answer = attempt(alias, f"SELECT * FROM {call.format(m=MINE, **known)}")
    if not isinstance(answer, Exception):
        done = ("issued", "minted", "opened", "made", "closed", "flagged", "withdrawn", "stored", "reserved", "held")
        assert not [word for word in done if f"'{word}'" in str(answer)], answer
