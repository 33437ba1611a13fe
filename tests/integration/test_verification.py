"""``ledger_verify``: each rule is broken in a real database, as a superuser can, and the row is named."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.models import Entry
from ledger.verification import CHECKS
from ledger.verification.findings import MEANINGS
from tests.integration.verified import ALIAS, COPY, INVOICE, PERIOD, checks, found

GUARDS = {"trigger", "index", "constraint", "function"}  # tests/integration/test_verification_guards.py

# What is done, and the rule, the check and the words that name it.
CASES: list[tuple[list[str], int, str, str]] = [
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value IN (5, 6)"], 1, "lost-or-tampered", "5 to 6"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 1"], 1, "lost-or-tampered", "for 1,"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 9"], 1, "lost-or-tampered", "for 9,"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE}"], 1, "lost-or-tampered", "1 to 9"),
    (["DELETE FROM ledger_adoptedgap"], 1, "lost-or-tampered", "101 to 104"),
    (
        [
            "UPDATE ledger_series SET allocation = 'pooled' WHERE tenant = 'acme'",
            f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 5",
        ],
        1,
        "hole",
        "No entry for 5.",
    ),
    (
        [
            "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value",
            COPY.format("value, kind, 'twin', 'order:twin'"),
        ],
        1,
        "value-twice",
        "5",
    ),
    (["UPDATE ledger_adoptedgap SET last_value = 105"], 1, "entry-in-gap", "105"),
    (
        [
            "INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)"
            " SELECT tenant, adoption_id, period_id, 103, 104 FROM ledger_adoptedgap"
        ],
        1,
        "gap-overlaps",
        "103 to 104",
    ),
    (["UPDATE ledger_adoptedgap SET first_value = 99"], 1, "gap-outside", "100 to 106"),
    ([f"UPDATE ledger_period SET first_value = 2 WHERE {PERIOD}"], 1, "below-first", "below 2"),
    ([f"DELETE FROM ledger_period WHERE {PERIOD}"], 1, "no-period", "does not exist"),
    (
        [
            f"UPDATE ledger_entry SET tenant = 'nobody' WHERE {INVOICE} AND value = 5",
        ],
        1,
        "other-period",
        "",
    ),
    (
        [
            f"UPDATE ledger_entry SET kind = 'odd' WHERE {INVOICE} AND value = 5",
        ],
        1,
        "unknown-kind",
        "'odd'",
    ),
    ([f"UPDATE ledger_period SET last_value = 20 WHERE {PERIOD}"], 2, "counter", "stands at 20"),
    ([f"UPDATE ledger_period SET last_value = 7 WHERE {PERIOD}"], 2, "counter", "stands at 7"),
    ([f"UPDATE ledger_period SET last_value = 7 WHERE {PERIOD}"], 2, "beyond-counter", "8 lies above 7"),
    (["UPDATE ledger_period SET last_issued_on = '2025-05-04' WHERE prefix = 'D2025-'"], 2, "latest-date", "05-05"),
    (["UPDATE ledger_period SET last_issued_on = NULL WHERE prefix = 'D2025-'"], 2, "latest-date", "nothing"),
    (
        [
            "ALTER TABLE ledger_period DROP CONSTRAINT ledger_period_no_overlap",
            "UPDATE ledger_period SET ends_on = '2025-01-02' WHERE ends_on = '2024-12-31' AND tenant = 'acme'",
        ],
        2,
        "period-overlaps",
        "2025-01-02",
    ),
    ([f"UPDATE ledger_period SET tenant = 'nobody' WHERE {PERIOD}"], 2, "period-of-stranger", "another tenant"),
    (
        [
            "DROP INDEX ledger_entry_number",
            f"UPDATE ledger_entry SET number = 'inv-2025-000006' WHERE {INVOICE} AND value = 5",
        ],
        3,
        "number-twice",
        "",
    ),
    (
        [
            "DROP INDEX ledger_entry_document",
            f"UPDATE ledger_entry SET document = 'order:7' WHERE {INVOICE} AND value = 5",
        ],
        3,
        "document-twice",
        "order:7",
    ),
    (
        [f"UPDATE ledger_entry SET number = 'INV-5' WHERE {INVOICE} AND value = 5"],
        3,
        "wrong-number",
        "INV-2025-000005",
    ),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 4"], 5, "void-of-nothing", "does not exist"),
    (["UPDATE ledger_numbervoided SET tenant = 'other' WHERE tenant = 'acme'"], 5, "void-of-stranger", "'acme'"),
    (
        ["UPDATE ledger_numbervoided SET voided_at = '2020-01-01' WHERE tenant = 'acme'"],
        5,
        "void-too-early",
        "2020",
    ),
    (
        [
            "ALTER TABLE ledger_numbervoided DROP CONSTRAINT ledger_numbervoided_once",
            "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)"
            " SELECT tenant, entry_id, reason, '', '' FROM ledger_numbervoided WHERE tenant = 'acme'",
        ],
        5,
        "void-twice",
        "void already",
    ),
    (
        [f"UPDATE ledger_entry SET kind = 'gap', document = '' WHERE {INVOICE} AND value = 4"],
        6,
        "void-of-gap",
        "which is a gap",
    ),
    (
        [
            f"UPDATE ledger_entry SET kind = 'gap' WHERE {INVOICE} AND value = 5",
        ],
        6,
        "gap-with-document",
        "order:4",
    ),
    (
        [
            "INSERT INTO ledger_gapexplained (tenant, entry_id, explanation, actor)"
            f" SELECT tenant, id, 'no', '' FROM ledger_entry WHERE {INVOICE} AND value = 5"
        ],
        6,
        "explained-no-gap",
        "is no gap",
    ),
    ([f"UPDATE ledger_period SET closed_at = '2025-01-01' WHERE {PERIOD}"], 7, "after-closing", "after its period"),
    (
        [f"UPDATE ledger_entry SET issued_on = '2026-01-01' WHERE {INVOICE} AND value = 5"],
        7,
        "date-outside",
        "2026",
    ),
    (["UPDATE ledger_adoption SET tenant = 'other'"], 8, "adoption-of-nothing", "another tenant"),
    (["UPDATE ledger_adoption SET tenant = 'other'"], 8, "gap-of-nothing", "another tenant"),
]


def test_a_clean_ledger(ledger: BaseDatabaseWrapper) -> None:
    assert found() == []
    out = StringIO()
    call_command("ledger_verify", database=ALIAS, stdout=out)
    assert f"All is well: {len(CHECKS)} checks" in out.getvalue()


def test_everything_that_can_be_found_has_a_case() -> None:
    assert {case[2] for case in CASES} | GUARDS == set(MEANINGS)


@pytest.mark.parametrize(("statements", "rule", "check", "text"), CASES, ids=[case[2] for case in CASES])
def test_a_broken_row_is_named(
    tamper: Callable[..., None], statements: list[str], rule: int, check: str, text: str
) -> None:
    tamper(*statements)
    named = [finding for finding in found() if finding.check == check]
    assert named
    assert {finding.rule for finding in named} == {rule}
    assert any(text in finding.problem for finding in named)
    assert named[0].tenant is not None
    with pytest.raises(CommandError) as raised:
        call_command("ledger_verify", database=ALIAS, stdout=StringIO())
    assert raised.value.returncode == 1


def test_a_row_is_named_with_all_that_finds_it(tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE ledger_entry SET number = 'INV-5' WHERE {INVOICE} AND value = 5")
    [finding] = found()
    assert (finding.tenant, finding.series, finding.period) == ("acme", "invoice", "2025-01-01 to 2025-12-31")
    assert (finding.value, finding.number, finding.table) == (5, "INV-5", "ledger_entry")
    assert finding.id in Entry.objects.using(ALIAS).filter(value=5).values_list("pk", flat=True)


def test_the_filters(tamper: Callable[..., None]) -> None:
    tamper(f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 5")
    assert checks(tenant="acme") == checks(series="invoice") == checks(tenant="acme", series="invoice")
    assert checks(tenant="acme") == {"lost-or-tampered"}
    assert checks(tenant="zenith") == checks(tenant="acme", series="ticket") == set()


def test_a_duplicate_behind_a_corrupt_index_is_found(tamper: Callable[..., None], ledger: BaseDatabaseWrapper) -> None:
    """The index says that all is well, and so would every query that uses it."""
    tamper(
        "UPDATE pg_index SET indisready = false, indislive = true WHERE indexrelid = 'ledger_entry_number'::regclass",
        f"UPDATE ledger_entry SET number = 'inv-2025-000006' WHERE {INVOICE} AND value = 5",
        "UPDATE pg_index SET indisready = true WHERE indexrelid = 'ledger_entry_number'::regclass",
    )
    assert "number-twice" in checks()
