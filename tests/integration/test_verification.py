"""``ledger_verify``: each rule is broken in a real database, as a superuser can, and the row is named."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.models import Entry
from ledger.verification import CHECKS
from ledger.verification.findings import MEANINGS
from tests.integration.full_ledger import ALIAS, INVOICE, all_alarms, checks
from tests.integration.schema_tampering import BYPASSES
from tests.integration.tampering import CASES, QUEUED

# The schema's own are in tests/integration/test_verification_guards.py.
SCHEMA = {bypass.check for bypass in BYPASSES} | {"not-checked"}

# What is work for people, when nothing else is found: a reservation that waits too long, settings that can't work, and
# keys of an earlier version. Anything else was lost or tampered with.
WORK = {"reservation-old", "setting", "code-text", "document-text", "document-of-child", "document-form"}


def test_a_clean_ledger(ledger: BaseDatabaseWrapper) -> None:
    assert all_alarms() == []
    out = StringIO()
    call_command("ledger_verify", database=ALIAS, stdout=out)
    assert f"{len(CHECKS)} checks found nothing.\nIn order. Every value was looked at." in out.getvalue()


def test_everything_that_can_be_found_has_a_case() -> None:
    seals = {kind for kind in MEANINGS if kind.startswith("seal")}  # tests/integration/test_seals.py
    assert {case[2] for case in CASES} | SCHEMA | seals | {"superuser"} == set(MEANINGS)


@pytest.mark.parametrize(("statements", "rule", "check", "text"), CASES, ids=[case[2] for case in CASES])
def test_a_broken_row_is_named(
    tamper: Callable[..., None], statements: list[str], rule: int, check: str, text: str
) -> None:
    tamper(*statements)
    out = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("ledger_verify", database=ALIAS, json=True, stdout=out)
    assert raised.value.returncode == (1 if check in WORK else 2)
    alarms = json.loads(out.getvalue())["alarms"]
    assert all(alarm["problem"] and alarm["remedy"] for alarm in alarms)
    named = [alarm for alarm in alarms if alarm["check"] == check]
    assert named
    assert {alarm["rule"] for alarm in named} == {rule}
    assert any(text in alarm["problem"] for alarm in named)
    assert named[0]["tenant"] is not None


def test_a_row_is_named_with_all_that_finds_it(tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE ledger_entry SET number = 'INV-5' WHERE {INVOICE} AND value = 5")
    [finding] = all_alarms()
    assert (finding.tenant, finding.series, finding.period) == ("acme", "invoice", "2025-01-01 to 2025-12-31")
    assert (finding.value, finding.number, finding.table) == (5, "INV-5", "ledger_entry")
    assert finding.id in Entry.objects.using(ALIAS).filter(value=5).values_list("pk", flat=True)


def test_the_filters(tamper: Callable[..., None]) -> None:
    tamper(f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 5")
    assert checks(tenant="acme") == checks(series="invoice") == checks(tenant="acme", series="invoice")
    assert checks(tenant="acme") == {"lost-or-tampered"}
    assert checks(tenant="zenith") == checks(tenant="acme", series="ticket") == set()


@pytest.mark.parametrize(("statements", "rule", "check", "text"), QUEUED, ids=[case[2] for case in QUEUED])
def test_the_filters_hold_for_what_waits(
    tamper: Callable[..., None], statements: list[str], rule: int, check: str, text: str
) -> None:
    tamper(*statements)
    (tenant,) = {finding.tenant for finding in all_alarms() if finding.check == check}
    assert check in checks(tenant=tenant)
    assert check not in checks(tenant="zenith")
    assert check not in checks(series="invoice")


def test_a_duplicate_behind_a_corrupt_index_is_found(tamper: Callable[..., None], ledger: BaseDatabaseWrapper) -> None:
    """The index says that all is well, and so would every query that uses it."""
    tamper(
        "UPDATE pg_index SET indisready = false, indislive = true WHERE indexrelid = 'ledger_entry_number'::regclass",
        f"UPDATE ledger_entry SET number = 'inv-2025-000006' WHERE {INVOICE} AND value = 5",
        "UPDATE pg_index SET indisready = true WHERE indexrelid = 'ledger_entry_number'::regclass",
    )
    assert "number-twice" in checks()
