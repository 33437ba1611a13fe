"""``ledger_verify`` reports the keys that Folio would not make today, and no others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import verification
from ledger.verification import keys
from ledger.verification.findings import Alarm
from tests.integration.full_ledger import ALIAS, INVOICE

ONE = "550e8400-e29b-41d4-a716-446655440000"

#: What the finding says about a document or tenant, and the words that name it.
OTHERS = [
    ("shop.flashsale:17", "of-child", "shop.flashsale:17, today shop.sale:…"),
    ("shop.giftsale:17", "of-child", "shop.giftsale:17, today shop.sale:…"),
    ("shop.bookreview:17", "of-child", "shop.bookreview:17, today shop.book or shop.article:…"),
    ("shop.order:+17", "form", "shop.order:+17"),
    (f"shop.byuuid:{ONE.upper()}", "form", "550E8400"),
    (f"shop.byuuid:{ONE.replace('-', '')}", "form", "550e8400e29b"),
    (f"shop.byuuid:urn:uuid:{ONE}", "form", "urn:uuid"),
    (f"shop.keeperofkeeper:{ONE.upper()}", "form", "550E8400"),
    ("shop.bydecimal:1.0", "form", "1.0"),
    ("shop.bydecimal:1e2", "form", "1e2"),
    ("shop.bydate:2026-3-1", "form", "2026-3-1"),
    ("shop.bymoment:2026-03-01 10:30:00+01:00", "form", "+01:00"),
    ("shop.bytruth:t", "form", "shop.bytruth:t"),
    (f"shop.line:(UUID('{ONE}'), 7, 'EUR')", "form", "'EUR')"),
    (f"shop.line:{ONE},07,EUR", "form", "07,EUR"),
    ("order:4 ", "text", "'order:4 ' is a text that can't be a key"),
    (" shop.order:4", "text", "' shop.order:4' is a text that can't be a key"),
    ("\u3000", "text", r"'\u3000' is a text"),
]
#: The keys of rows as they are today, and texts that a host made from them.
TODAYS = [
    "order:017",
    "shop.order:17",
    "shop.order:-1",
    "shop.order:17#2",
    "shop.order:17/copy",
    "shop.order:",
    "shop.websale:17/copy",
    "shop.sale:17",
    f"shop.byuuid:{ONE}",
    f"shop.keeper:{ONE}",
    "shop.bydecimal:-1.00",
    "shop.bydecimal:0.50",
    "shop.bydate:2026-03-01",
    "shop.bymoment:2026-03-01 09:30:00+00:00",
    "shop.bymoment:2026-03-01 09:30:00.500000+00:00",
    "shop.bytruth:True",
    "shop.bycode:017",
    f"shop.line:{ONE},7,EUR",
    f"shop.line:{ONE},7,a\\,b",
    "shop.gone:017",
    "shop:017",
    "Café №7",
]


def key_alarms(ledger: BaseDatabaseWrapper, **wanted: Any) -> list[Alarm]:
    """What this one check says."""
    arguments: dict[str, Any] = {"tenant": None, "series": None, **wanted}
    return list(verification._offending_rows(ledger, keys.KEYS, **arguments))


@pytest.mark.parametrize(("key", "check", "text"), OTHERS, ids=[other[0] for other in OTHERS])
def test_another_key_is_told(
    ledger: BaseDatabaseWrapper, tamper: Callable[..., None], key: str, check: str, text: str
) -> None:
    written = key.replace("'", "''")
    tamper(
        f"UPDATE ledger_entry SET document = '{written}' WHERE {INVOICE} AND value = 5",
        f"UPDATE ledger_series SET tenant = '{written}' WHERE tenant = 'zenith' AND code = 'ticket'",
    )
    problems = {each.check: each.problem for each in key_alarms(ledger)}
    assert set(problems) == {f"document-{check}", f"tenant-{check}"}
    assert all(text in problem for problem in problems.values())


def test_todays_keys_are_not_told(ledger: BaseDatabaseWrapper, tamper: Callable[..., None]) -> None:
    with ledger.cursor() as cursor:
        cursor.execute("SELECT id FROM ledger_entry WHERE kind <> 'gap' ORDER BY id LIMIT %s", [len(TODAYS)])
        entries = [row[0] for row in cursor.fetchall()]
    keys_of = zip(entries, TODAYS, strict=True)
    tamper(*(f"UPDATE ledger_entry SET document = '{key}' WHERE id = {entry}" for entry, key in keys_of))
    assert key_alarms(ledger) == []


def test_keys_of_one_kind_are_told_once_for_each_series(
    ledger: BaseDatabaseWrapper, tamper: Callable[..., None]
) -> None:
    tamper(
        f"UPDATE ledger_entry SET document = 'shop.websale:' || value WHERE {INVOICE} AND value BETWEEN 2 AND 6",
        f"UPDATE ledger_entry SET document = 'shop.order:0' || value WHERE {INVOICE} AND value IN (7, 8)",
        f"UPDATE ledger_entry SET document = 'a ' || value || ' ' WHERE {INVOICE} AND value IN (1, 9)",
    )
    found = {(each.check, each.value): each.problem for each in key_alarms(ledger)}
    assert set(found) == {("document-of-child", 2), ("document-form", 7), ("document-text", 1), ("document-text", 9)}
    assert "shop.websale:2 and 4 more, today shop.sale:…" in found["document-of-child", 2]
    assert "shop.order:07 and 1 more." in found["document-form", 7]


def test_a_tenant_is_told_once(ledger: BaseDatabaseWrapper, tamper: Callable[..., None]) -> None:
    tamper("UPDATE ledger_series SET tenant = 'shop.websale:17' WHERE tenant = 'acme'")
    [finding] = key_alarms(ledger)
    assert finding.problem.endswith("the key: shop.websale:17, today shop.sale:….")
    assert (finding.check, finding.tenant, finding.table) == ("tenant-of-child", "shop.websale:17", "ledger_series")
    assert [each.series for each in key_alarms(ledger, series="till")] == ["till"]


def test_the_filters(ledger: BaseDatabaseWrapper, tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE ledger_entry SET document = 'shop.websale:17' WHERE {INVOICE} AND value = 5")
    for wanted in ({"tenant": "acme"}, {"series": "invoice"}, {"tenant": "acme", "series": "invoice"}):
        assert [each.check for each in key_alarms(ledger, **wanted)] == ["document-of-child"]
    assert key_alarms(ledger, tenant="zenith") == key_alarms(ledger, series="ticket") == []


def test_the_entries_are_read_once_whatever_the_models(ledger: BaseDatabaseWrapper) -> None:
    wanted: dict[str, Any] = {"tenant": None, "series": None, **keys.expected_keys()}
    with ledger.cursor() as cursor:
        cursor.execute(f"EXPLAIN {keys.KEYS}", wanted)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert ledger.alias == ALIAS
    assert plan.count("on ledger_entry") == 1
    assert "Hash" in plan


def test_labels_without_a_model_are_left_out() -> None:
    """A text as a primary key is as it is, under the label of its own table."""
    rows = list(zip(*keys.expected_keys().values(), strict=True))
    assert "shop.bycode" not in {row[0] for row in rows}
    assert {("shop.websale", "shop.sale"), ("shop.sale", None)} <= {row[:2] for row in rows}
