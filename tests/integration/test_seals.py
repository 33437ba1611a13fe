"""Seals: each row is in exactly one, in any order of ids and commits; and each later change is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from ledger import authorise, close_period, define_series, issue, issue_many
from ledger.errors import SealError
from ledger.failures import Failures
from ledger.models import (
    AdoptedGap,
    AlarmAcknowledged,
    AlarmRaised,
    AlarmResolved,
    Entry,
    GapDeclared,
    HoleHealed,
    HoleReported,
    LedgerSeal,
    NumberRegistered,
    Period,
    SealAnchored,
    Series,
    TenantAccess,
)
from ledger.models.tables import event_models, event_tables
from ledger.seals import folio_verify, sql
from ledger.seals.exporting import export
from ledger.seals.sealing import Held, seal, seal_all, tenants_with_news
from ledger.verification.findings import Alarm
from ledger.verification.seals import read_known, verify_seals
from tests.databases import database_alias, migrated_database
from tests.integration import full_ledger
from tests.integration.full_ledger import ALIAS, DAY, INVOICE, PERIOD, TILL

#: A private key, and another.
KEY, OTHER_KEY = "11" * 32, "22" * 32


def with_key(key: str = "KEY", **more: Any) -> override_settings:
    """The settings with a key: the dotted path of a function of this file."""
    seals = {"key": f"{__name__}.{key.lower()}", **more} if key else more
    return override_settings(LEDGER={**settings.LEDGER, "SEALS": seals})


def key() -> str:
    return KEY


def other_key() -> str:
    return OTHER_KEY


@pytest.fixture(scope="module")
def sealed(django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    """A ledger with every kind of event, sealed twice: all of it, then some more numbers of acme."""
    with (
        migrated_database("folio_sealed") as url,
        database_alias(ALIAS, url) as connection,
        django_db_blocker.unblock(),
        with_key(),
    ):
        full_ledger.fill()
        fill_the_rest()
        seal_now()
        first = LedgerSeal.objects.using(ALIAS).get(tenant=None)
        SealAnchored.objects.using(ALIAS).create(tenant=None, seal=first, kind="host", token="a log's line 7")
        with transaction.atomic(using=ALIAS):
            issue_many("invoice", documents=["late:1", "late:2", "late:3"], org="acme", on=DAY, using=ALIAS)
        seal_now(database=True)
        yield connection


def fill_the_rest() -> None:
    """What ``full_ledger.fill`` leaves out, so that each event table has a row of acme, or of no tenant."""
    [adopted] = AdoptedGap.objects.using(ALIAS).all()
    GapDeclared.objects.using(ALIAS).create(
        tenant="acme",
        period=adopted.period,
        first_value=101,
        last_value=104,
        authority="BR NF-e",
        reference="receipt 1",
    )
    hole = HoleReported.objects.using(ALIAS).get()
    HoleHealed.objects.using(ALIAS).create(tenant="acme", hole=hole, entry=Entry.objects.using(ALIAS).earliest("pk"))
    TenantAccess.objects.using(ALIAS).create(tenant="acme", user="auth.user:7")
    for tenant in ("acme", None):
        told = {"kind": "trigger", "problem": "gone", "remedy": "make it", "subject": "0" * 64}
        alarm = AlarmRaised.objects.using(ALIAS).create(tenant=tenant, **told)
        AlarmResolved.objects.using(ALIAS).create(tenant=tenant, alarm=alarm)
        told |= {"kind": "void-too-early", "subject": "1" * 64}
        known = AlarmRaised.objects.using(ALIAS).create(tenant=tenant, **told)
        AlarmAcknowledged.objects.using(ALIAS).create(tenant=tenant, alarm=known, reason="known")
    define_series("granted", org="acme", template="{label}-{counter}", calendar="explicit", using=ALIAS)
    days = {"valid_from": date(2025, 1, 1), "valid_to": date(2025, 12, 31)}
    facts: dict[str, Any] = {"prefix": "CAE", "authority": "UY DGI", "reference": "1", **days}
    granted = authorise("granted", org="acme", first=1, last=9, using=ALIAS, **facts)
    close_period(granted.period, early=True, using=ALIAS)
    entry = Entry.objects.using(ALIAS).filter(tenant="acme", kind="issued").earliest("pk")
    NumberRegistered.objects.using(ALIAS).create(tenant="acme", entry=entry, authority="PL KSeF", reference="K-1")


def seal_now(**wanted: Any) -> dict[str, int]:
    failures = Failures()
    counts = seal_all(failures, using=ALIAS, **wanted)
    assert failures.told == []
    return counts


@pytest.fixture
def tamper(sealed: BaseDatabaseWrapper) -> Iterator[Callable[..., None]]:
    """Run statements with the guards off; all is undone after the test."""
    with with_key(), full_ledger.undone(sealed):
        yield partial(full_ledger.tampered, sealed)


def seal_alarms(**wanted: Any) -> list[Alarm]:
    alarms = list(verify_seals(ALIAS, **wanted))
    for alarm in alarms:
        assert str(alarm).startswith("rule 8, seal")
    return alarms


def alarm_checks(**wanted: Any) -> set[tuple[str, str | None]]:
    return {(alarm.check, alarm.table) for alarm in seal_alarms(**wanted)}


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_what_nobody_touched_is_as_it_was_sealed(tamper: object) -> None:
    assert seal_alarms() == []


@pytest.mark.parametrize("table", event_tables())
def test_every_row_of_every_event_table_is_in_exactly_one_seal(tamper: object, table: str) -> None:
    of_the_database = rows(f"SELECT id FROM {table} WHERE tenant IS NULL") if table != "ledger_seal" else []
    wanted = rows(f"SELECT id FROM {table} WHERE tenant IS NOT NULL AND ledger_era() = era")
    assert wanted or of_the_database, "there is one to be sealed"
    covered = rows(
        "SELECT z.id FROM (SELECT DISTINCT tenant FROM ledger_seal) t, ledger_sealed_rows(ARRAY[t.tenant]) z"
        f" WHERE z.source = '{table}'"
    )
    assert sorted(covered) == sorted(of_the_database + wanted)


def columns() -> list[tuple[str, Field[Any, Any]]]:
    return [
        (model._meta.db_table, field)
        for model in event_models()
        if model._meta.db_table != "ledger_seal"
        for field in model._meta.concrete_fields
        if not field.primary_key
    ]


def changed(field: Field[Any, Any]) -> str:
    """Another value of a column, as an expression."""
    column, kind = f'"{field.column}"', field.get_internal_type()
    if field.column in ("series_id", "period_id"):
        other = f"SELECT max(o.id) FROM ledger_{field.column[:-3]} o WHERE o.id <> t.{column}"
        # Also where it begins on the same day.
        return f"({other} AND o.tenant = t.tenant)"
    kinds = {
        "JSONField": """'{"else": 1}'""",
        "DateTimeField": f"{column} + interval '1 microsecond'",
        "DateField": f"coalesce({column} + 1, '2026-01-01')",
    }
    is_number = "Integer" in kind or "Key" in kind
    return kinds.get(kind, f"coalesce({column}, 0) + 1000" if is_number else f"coalesce({column}, '') || 'x'")


@pytest.mark.parametrize(("table", "field"), [pytest.param(t, f, id=f"{t}.{f.column}") for t, f in columns()])
def test_one_column_of_one_row(tamper: Callable[..., None], table: str, field: Field[Any, Any]) -> None:
    [[row]] = rows(f"SELECT max(id) FROM {table} WHERE tenant = 'acme' OR '{table}' = 'ledger_sealanchored'")
    constraints = rows(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'f', 'x')"
    )
    tamper(
        *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for (name,) in constraints),
        f'UPDATE {table} t SET "{field.column}" = {changed(field)} WHERE id = {row}',
    )
    assert ("sealed-row-changed", table, row) in {(alarm.check, alarm.table, alarm.id) for alarm in seal_alarms()}


def test_an_entry_in_a_period_of_another_series_that_begins_on_the_same_day(tamper: Callable[..., None]) -> None:
    [[row]] = rows(f"SELECT max(id) FROM ledger_entry WHERE {INVOICE}")
    tamper(f"UPDATE ledger_entry SET {TILL} WHERE id = {row}")
    [[days]] = rows("SELECT count(DISTINCT starts_on) FROM ledger_period WHERE prefix IN ('T2025-', 'INV-2025-')")
    assert days == 1
    assert ("sealed-row-changed", row) in {(alarm.check, alarm.id) for alarm in seal_alarms()}


def test_the_newest_numbers_deleted_and_the_counter_lowered(tamper: Callable[..., None]) -> None:
    lost = rows(f"SELECT id FROM ledger_entry WHERE {INVOICE} AND value > 9 ORDER BY id")
    tamper(
        f"DELETE FROM ledger_entry WHERE {INVOICE} AND value > 9",
        f"UPDATE ledger_period SET last_value = 9 WHERE {PERIOD}",
    )
    alarms = seal_alarms()
    assert [(alarm.id,) for alarm in alarms if alarm.check == "sealed-row-gone"] == lost
    [counter] = [alarm for alarm in alarms if alarm.check == "sealed-setting"]
    assert "counter 12 → 9 since seal 2" in counter.problem
    assert full_ledger.checks(tenant="acme") == {"sealed-row-gone", "sealed-setting"}, "nothing else can know"


def test_a_middle_number_deleted_and_the_rest_renumbered(tamper: Callable[..., None]) -> None:
    [[gone]] = rows(f"SELECT id FROM ledger_entry WHERE {INVOICE} AND value = 5")
    tamper(
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value",
        "DROP INDEX ledger_entry_number",
        f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 5",
        f"UPDATE ledger_entry SET value = value - 1, number = 'INV-2025-' || lpad((value - 1)::text, 6, '0')"
        f" WHERE {INVOICE} AND value > 5",
    )
    alarms = seal_alarms()
    assert [alarm.id for alarm in alarms if alarm.check == "sealed-row-gone"] == [gone]
    renumbered = {alarm.number for alarm in alarms if alarm.check == "sealed-row-changed"}
    assert renumbered == {f"INV-2025-{value:06}" for value in range(5, 12)}


def test_rows_rewritten_by_a_change_of_the_column_with_every_guard_on(sealed: BaseDatabaseWrapper) -> None:
    with with_key(), full_ledger.undone(sealed):
        rows(
            "ALTER TABLE ledger_entry ALTER COLUMN document TYPE text"
            " USING CASE WHEN document = 'order:7' THEN 'order:of a friend' ELSE document END"
        )
        alarms = seal_alarms()
        assert {alarm.check for alarm in alarms} == {"sealed-row-changed"}
        assert {alarm.number for alarm in alarms} == {"INV-2025-000008"}


def test_a_void_deleted(tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM ledger_numbervoided WHERE tenant = 'acme'")
    assert alarm_checks() == {("sealed-row-gone", "ledger_numbervoided")}


@pytest.mark.parametrize(
    ("transaction_id", "era"),
    [("7", "1"), ("pg_current_xact_id()::text::bigint + 1000000", "1"), ("-5", "1"), ("7", "2"), ("7", "0")],
)
def test_a_row_that_pretends_to_be_old_or_of_another_era(
    tamper: Callable[..., None], transaction_id: str, era: str
) -> None:
    """The rule by which seals find new rows would miss it."""
    tamper(
        "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor, transaction_id, era)"
        f" SELECT 'acme', max(e.id), 'never mind', '', '', {transaction_id}, {era} FROM ledger_entry e WHERE {INVOICE}"
    )
    assert alarm_checks() == {("sealed-row-added", "ledger_numbervoided")}


def test_rows_copied_into_another_era(tamper: Callable[..., None]) -> None:
    tamper("UPDATE ledger_numbervoided SET era = 2 WHERE tenant = 'acme'")
    assert alarm_checks() == {("sealed-row-changed", "ledger_numbervoided")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ledger_series SET template = 'X-{year}-{counter}' WHERE tenant = 'acme' AND code = 'invoice'", "template"),
        ("ledger_series SET chronological = true WHERE tenant = 'acme' AND code = 'invoice'", "chronological"),
        (f"ledger_period SET first_value = 0 WHERE {PERIOD}", "first_value 1 → 0"),
        ("ledger_period SET closed_at = NULL WHERE tenant = 'acme' AND ordinal = 0", "closed_at"),
        (f"ledger_period SET last_value = 11 WHERE {PERIOD}", "counter 12 → 11"),
    ],
)
def test_a_setting_changed_past_the_trigger_that_notes_it(tamper: Callable[..., None], change: str, words: str) -> None:
    tamper(f"UPDATE {change}")
    [alarm] = seal_alarms()
    assert alarm.check == "sealed-setting"
    assert words in alarm.problem


def test_a_setting_that_was_switched_between_two_seals_shows_after_the_next_one(sealed: BaseDatabaseWrapper) -> None:
    """Each seal has the lines of series and periods that were written since the one before."""
    with migrated_database("folio_switched") as url, database_alias("switched", url), with_key():
        series = define_series("invoice", template="INV-{counter}", calendar="never", using="switched")
        failures = Failures()
        seal_all(failures, using="switched")
        define_series("invoice", template="INV-{counter}", calendar="never", max_length=50, using="switched")
        seal_all(failures, using="switched")
        assert list(verify_seals("switched")) == [], "an event tells of it"
        with connections["switched"].cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_series DISABLE TRIGGER ledger_series_noted")
            cursor.execute("UPDATE ledger_series SET chronological = true WHERE id = %s", [series.pk])
        with transaction.atomic(using="switched"):
            issue("invoice", using="switched")
        seal_all(failures, using="switched")
        [alarm] = verify_seals("switched")
        assert "chronological False → True in seal 3" in alarm.problem
        assert failures.told == []


def test_a_period_and_a_series_that_are_gone(tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM ledger_period WHERE prefix = 'L2025-'", "DELETE FROM ledger_series WHERE code = 'late'")
    assert {("sealed-row-gone", "ledger_period"), ("sealed-row-gone", "ledger_series")} < alarm_checks()


def test_two_seals_swapped(tamper: Callable[..., None]) -> None:
    tamper(
        "UPDATE ledger_seal SET number = 10 - number WHERE tenant = 'acme'",
        "UPDATE ledger_seal SET number = number - 7 WHERE tenant = 'acme'",
    )
    assert ("seal-broken", "ledger_seal") in alarm_checks()


@pytest.mark.parametrize("column", ["leaves", "salt", "ids", "head", "signature", "root", "snapshot", "state", "key"])
def test_a_seal_that_was_changed(tamper: Callable[..., None], column: str) -> None:
    other = {
        "leaves": "substr(leaves, 33) || substr(leaves, 1, 32)",
        "salt": "sha256(salt)",
        "ids": "ids[2:] || ids[1]",
        "head": "replace(head, 'acme', 'acne')",
        "signature": "reverse(signature)",
        "root": "encode(sha256(leaves), 'hex')",
        "snapshot": "'1:1:'",
        "state": "replace(state, 'INV', 'INX')",
        "key": "repeat('0', 64)",
    }[column]
    tamper(f"UPDATE ledger_seal SET {column} = {other} WHERE tenant = 'acme' AND number = 1")
    alarms = seal_alarms()
    assert alarms
    assert {alarm.check for alarm in alarms} <= {"seal-broken", "sealed-row-changed", "sealed-setting"}


def test_the_last_seal_dropped_is_found_by_a_head_that_was_kept(tamper: Callable[..., None], tmp_path: Path) -> None:
    keep(tmp_path)
    tamper(
        "DELETE FROM ledger_seal WHERE tenant = 'acme' AND number = 2",
        # With all that it covered, and what the database had sealed of it: from inside it looks well.
        f"DELETE FROM ledger_entry WHERE {INVOICE} AND value > 9",
        f"UPDATE ledger_period SET last_value = 9 WHERE {PERIOD}",
        "DELETE FROM ledger_seal WHERE tenant IS NULL AND number = 2",
    )
    assert seal_alarms() == []
    alarms = seal_alarms(known=read_known(tmp_path))
    assert {(alarm.check, alarm.tenant) for alarm in alarms} == {("seal-gone", "acme"), ("seal-gone", None)}


def test_the_last_seal_of_a_tenant_dropped_is_found_by_the_databases_seal(tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM ledger_seal WHERE tenant = 'acme' AND number = 2")
    assert ("sealed-row-gone", "ledger_seal") in alarm_checks()


def test_all_seals_dropped(tamper: Callable[..., None], tmp_path: Path) -> None:
    keep(tmp_path)
    tamper("DELETE FROM ledger_seal")
    assert seal_alarms() == []
    assert {alarm.check for alarm in seal_alarms(known=read_known(tmp_path))} == {"seal-gone"}


def keep(folder: Path) -> None:
    for tenant in ("acme", "zenith", None):
        name = f"{tenant}.jsonl"
        (folder / name).write_text("\n".join(export(ALIAS, tenant, heads=True)), encoding="utf-8")


def test_re_signed_with_another_key(sealed: BaseDatabaseWrapper, tmp_path: Path) -> None:
    """The owner makes everything again: rows, seals and signatures. A trusted key or a kept head reveals it."""
    keep(tmp_path)
    mine = connections[ALIAS].cursor()
    with mine as cursor:
        cursor.execute("SELECT key FROM ledger_seal WHERE tenant = 'acme' LIMIT 1")
        trusted = cursor.fetchone()[0]
    with migrated_database("folio_forged") as url, database_alias("forged", url), with_key("OTHER_KEY"):
        with transaction.atomic(using="forged"):
            issue_many("invoice", documents=["order:of a friend"], org="acme", on=DAY, using="forged")
        seal_all(Failures(), using="forged")
        assert list(verify_seals("forged")) == []
        alarms = list(verify_seals("forged", known=read_known(tmp_path)))
        assert {alarm.check for alarm in alarms} == {"seal-other", "seal-gone"}
        with with_key("OTHER_KEY", trusted=[trusted]):
            alarms = list(verify_seals("forged"))
            assert {alarm.check for alarm in alarms} == {"seal-broken"}
            assert "which is not a key that you named" in alarms[0].problem


def test_a_backup_played_back_after_an_exported_seal(sealed: BaseDatabaseWrapper, tmp_path: Path) -> None:
    with migrated_database("folio_played") as url, database_alias("played", url), with_key():
        with transaction.atomic(using="played"):
            issue_many("invoice", documents=["order:1"], on=DAY, using="played")
        seal_all(Failures(), using="played")
        (tmp_path / "early").write_text("\n".join(export("played", "")), encoding="utf-8")
        backup = rows_of_all("played")
        with transaction.atomic(using="played"):
            issue_many("invoice", documents=["order:2"], on=DAY, using="played")
        seal_all(Failures(), using="played")
        (tmp_path / "late").write_text("\n".join(export("played", "")), encoding="utf-8")
        assert list(verify_seals("played", known=read_known(tmp_path))) == []
        play_back("played", backup)
        assert list(verify_seals("played")) == []
        [alarm] = verify_seals("played", known=read_known(tmp_path))
        assert (alarm.check, alarm.problem[:21]) == ("seal-gone", "Seal 2 was kept outsi")
        with transaction.atomic(using="played"):
            issue_many("invoice", documents=["order:another"], on=DAY, using="played")
        seal_all(Failures(), using="played")
        [alarm] = verify_seals("played", known=read_known(tmp_path))
        assert alarm.check == "seal-other"
        (tmp_path / "now").write_text("\n".join(export("played", "")), encoding="utf-8")
        with pytest.raises(SealError, match="contradict each other"):
            read_known(tmp_path)
        report = folio_verify.check_files([str(tmp_path / "late"), str(tmp_path / "now")], [])
        assert report.exit_code == 2


_KEPT = ("ledger_entry", "ledger_seal", "ledger_period", "ledger_serieschanged")


def rows_of_all(alias: str) -> dict[str, list[Any]]:
    with connections[alias].cursor() as cursor:
        found = {}
        for table in _KEPT:
            cursor.execute(f"SELECT to_json(t)::text FROM {table} t")
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def play_back(alias: str, backup: dict[str, list[Any]]) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for table, kept in backup.items():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            cursor.execute(f"DELETE FROM {table}")
            for row in kept:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s)", [row])
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


def test_a_large_seal_tells_how_far_it_is(tamper: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.verification.seals._TOLD_ROWS", 10)
    steps: list[str] = []
    assert seal_alarms(tenant="acme", progress=steps.append) == []
    size = LedgerSeal.objects.using(ALIAS).get(tenant="acme", number=1).size
    assert steps[:3] == ["seal 1 of 'acme'", *(f"seal 1 of 'acme', {rows} of {size} rows" for rows in (10, 20))]


@pytest.mark.parametrize(("rows", "seals", "chains"), [(1, 1, 1), (7, 2, 2), (10_000, 500, 1000)])
def test_however_much_is_read_at_a_time_the_same_is_found(
    tamper: Callable[..., None], monkeypatch: pytest.MonkeyPatch, rows: int, seals: int, chains: int
) -> None:
    tamper(
        "DELETE FROM ledger_entry WHERE document = 'late:2'",
        "UPDATE ledger_numbervoided SET reason = 'another' WHERE tenant = 'zenith'",
        f"UPDATE ledger_period SET last_value = 11 WHERE {PERIOD}",
        "UPDATE ledger_seal SET ids = array_append(ids[2:], ids[1]) WHERE tenant IS NULL AND number = 1",
        "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor, transaction_id)"
        f" SELECT 'acme', max(e.id), 'never mind', '', '', 7 FROM ledger_entry e WHERE {INVOICE}",
    )
    once = sorted(map(str, seal_alarms()))
    monkeypatch.setattr("ledger.seals.reading._ROWS", rows)
    monkeypatch.setattr("ledger.seals.reading._SEALS", seals)
    monkeypatch.setattr("ledger.verification.seals._CHAINS", chains)
    assert sorted(map(str, seal_alarms())) == once
    assert {text.partition(" (")[0] for text in once} == {
        *(f"rule 8, sealed-row-{what}" for what in ("gone", "changed", "added")),
        "rule 8, sealed-setting",
    }


def test_it_is_part_of_ledger_verify(tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM ledger_numbervoided WHERE tenant = 'zenith'")
    assert "sealed-row-gone" in full_ledger.checks()
    assert "sealed-row-gone" in full_ledger.checks(tenant="zenith")
    assert "sealed-row-gone" not in full_ledger.checks(tenant="acme")


# ---- Which rows, and how many seals --------------------------------------------------------------------------------


@pytest.fixture
def fresh(django_db_blocker: Any) -> Iterator[str]:
    """The URL of a ledger of its own, with one series."""
    with migrated_database("folio_fresh") as url, database_alias("fresh", url), django_db_blocker.unblock(), with_key():
        define_series("invoice", template="INV-{year}-{counter:06}", using="fresh")
        yield url


def numbers(*documents: str) -> None:
    with transaction.atomic(using="fresh"):
        issue_many("invoice", documents=list(documents), using="fresh")


def sealed_documents() -> list[tuple[str, int]]:
    """Of each entry, in the order of ids: its document, and in how many seals it is."""
    with connections["fresh"].cursor() as cursor:
        cursor.execute(
            "SELECT e.document, count(z.id) FROM ledger_entry e LEFT JOIN ledger_sealed_rows(ARRAY['']) z"
            " ON z.source = 'ledger_entry' AND z.id = e.id GROUP BY e.id, e.document ORDER BY e.id"
        )
        found: list[tuple[str, int]] = cursor.fetchall()
    return found


def test_a_row_that_commits_after_a_later_one_was_sealed(fresh: str) -> None:
    """Its id is lower than the last one sealed, and its transaction is older."""
    define_series("other", template="O-{counter}", calendar="never", using="fresh")
    with transaction.atomic(using="fresh"):
        issue("other", document="first", using="fresh")
    with psycopg.connect(fresh) as slow:
        slow.execute("SELECT ledger_issue_serial('', 'other', NULL, NULL, 'slow', '', '{}', NULL)")
        numbers("quick")
        seal_all(Failures(), using="fresh")
        assert sealed_documents() == [("first", 1), ("quick", 1)]
        slow.commit()
    assert sealed_documents() == [("first", 1), ("slow", 0), ("quick", 1)]
    seal_all(Failures(), using="fresh")
    assert sealed_documents() == [("first", 1), ("slow", 1), ("quick", 1)]
    assert list(verify_seals("fresh")) == []


def test_nothing_new_makes_no_seal_and_costs_one_query_for_all_tenants(fresh: str) -> None:
    for tenant in range(20):
        with transaction.atomic(using="fresh"):
            issue("invoice", org=f"tenant {tenant}", using="fresh")
    assert seal_all(Failures(), using="fresh")["sealed"] == 22
    with CaptureQueriesContext(connections["fresh"]) as queries:
        assert seal_all(Failures(), using="fresh")["sealed"] == 0
    about_tenants = [query["sql"] for query in queries if "ledger_lines" in query["sql"]]
    assert len(about_tenants) == 1
    assert len(queries) <= 4


def test_small_tenants_are_verified_together(fresh: str) -> None:
    counts = []
    for tenants in (range(2), range(2, 30)):
        for tenant in tenants:
            with transaction.atomic(using="fresh"):
                issue("invoice", org=f"tenant {tenant}", using="fresh")
        seal_all(Failures(), using="fresh", database=True)
        with CaptureQueriesContext(connections["fresh"]) as queries:
            assert list(verify_seals("fresh")) == []
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_a_change_that_is_sealed_while_seals_are_verified(fresh: str) -> None:
    """The seal that has the change comes too late to be compared, and the series is as the change left it."""
    series: dict[str, Any] = {"template": "INV-{counter}", "calendar": "never", "using": "fresh"}
    define_series("invoice", **series)
    seal_all(Failures(), using="fresh")
    told: list[str] = []

    def progress(step: str) -> None:
        told.append(step)
        if step == "seal 1 of ''":
            define_series("invoice", max_length=50, **series)
            assert seal_all(Failures(), using="fresh")["sealed"] == 1

    assert list(verify_seals("fresh", progress=progress)) == []
    assert told == ["seal 1 of the database", "seal 1 of ''"]


def test_once_a_day_the_database_seals_the_heads_of_all_tenants(fresh: str) -> None:
    numbers("one")
    counts = seal_all(Failures(), using="fresh")
    assert counts["sealed"] == 2, "the tenant, and the database's first seal, which says where it lives"
    with connections["fresh"].cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_seal DISABLE TRIGGER ledger_append_only_rows")
        cursor.execute("UPDATE ledger_seal SET sealed_at = sealed_at - interval '1 day' WHERE tenant IS NULL")
        cursor.execute("ALTER TABLE ledger_seal ENABLE ALWAYS TRIGGER ledger_append_only_rows")
    assert seal_all(Failures(), using="fresh")["sealed"] == 1
    last = LedgerSeal.objects.using("fresh").filter(tenant=None).latest("number")
    assert (last.number, last.tables, last.counts) == (2, ["ledger_seal"], [1])
    assert last.horizon is not None
    numbers("two")
    assert tenants_with_news("fresh", last.horizon) == [""], "from the horizon on"
    assert seal_all(Failures(), using="fresh")["sealed"] == 1


def test_an_anchor_alone_asks_for_no_seal_and_the_next_one_covers_it(fresh: str) -> None:
    numbers("one")
    seal_all(Failures(), using="fresh", database=True)
    anchored = LedgerSeal.objects.using("fresh").filter(tenant=None).latest("number")
    SealAnchored.objects.using("fresh").create(tenant=None, seal=anchored, kind="host", token="line 7")
    assert seal_all(Failures(), using="fresh", database=True)["sealed"] == 0
    numbers("two")
    seal_all(Failures(), using="fresh", database=True)
    last = LedgerSeal.objects.using("fresh").filter(tenant=None).latest("number")
    assert sorted(zip(last.tables, last.counts, strict=True)) == [("ledger_seal", 1), ("ledger_sealanchored", 1)]


def test_no_statement_reads_a_whole_table_for_one_tenant(fresh: str) -> None:
    """With sequential scans switched off, the planner uses one only where there is nothing else."""
    numbers("one")
    seal_all(Failures(), using="fresh")
    wanted: dict[str, Any] = {"tenant": "", "era": 1, "since": "900:900:"}
    wanted |= {"tenants": [""], "numbers": [1], "eras": [1], "snapshots": ["900:900:"]}
    of_one_tenant = [
        sql.new_rows("", number=1, since=None),
        sql.new_rows("", number=2, since=None),
        sql.new_rows("", number=2, since=wanted["since"]),
        *(sql.STATE, sql.STATE_NOW, sql.STANDING, sql.SNAPSHOTS, sql.NEW_CHANGES, sql.TWICE),
        sql.UNSEALED,
    ]
    of_all = [sql.new_rows(None, number=2, since=wanted["since"]), sql.TENANTS_WITH_NEWS]
    with transaction.atomic(using="fresh"), connections["fresh"].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in of_one_tenant + of_all:
            cursor.execute(f"EXPLAIN {statement}", {**wanted, "horizon": 900})
            read = [line for (line,) in cursor.fetchall() if "Seq Scan on ledger_" in line]
            assert [line for line in read if "on ledger_tenantmove" not in line] == [], statement


def test_two_workers_at_once(fresh: str) -> None:
    numbers("one")
    seal_all(Failures(), using="fresh")
    numbers("two")
    with psycopg.connect(fresh) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute(sql.NEXT_SEAL, [""])
        with pytest.raises(Held):
            seal("", using="fresh")
        assert seal_all(Failures(), using="fresh")["held"] == 1
    assert seal_all(Failures(), using="fresh")["sealed"] == 1
    assert sealed_documents() == [("one", 1), ("two", 1)]


def test_a_seal_is_of_one_snapshot_and_durable(fresh: str) -> None:
    numbers("one")
    with pytest.raises(SealError, match="inside a transaction"), transaction.atomic(using="fresh"):
        seal("", using="fresh")
    with connections["fresh"].cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    with CaptureQueriesContext(connections["fresh"]) as queries:
        seal_all(Failures(), using="fresh")
    texts = [query["sql"] for query in queries]
    for begun in [place for place, text in enumerate(texts) if "REPEATABLE READ" in text]:
        assert texts[begun + 1].strip().startswith("SELECT set_config('synchronous_commit', 'on', true)")
    with connections["fresh"].cursor() as cursor:
        with pytest.raises(Exception, match="must be REPEATABLE READ"):
            cursor.execute(sql.NEXT_SEAL, [""])
        cursor.execute("SET synchronous_commit = on")


def test_a_head_that_says_something_else_is_refused(fresh: str) -> None:
    numbers("one")
    seal_all(Failures(), using="fresh")
    head = json.loads(LedgerSeal.objects.using("fresh").get(tenant="").head)
    for changed_facts in ({"number": 2, "total": 9}, {"number": 2, "previous": "0" * 64}, {"number": 3}, {"era": 2}):
        text = json.dumps(head | {"size": 0} | changed_facts)
        with psycopg.connect(fresh) as plain:
            plain.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with pytest.raises(psycopg.errors.CheckViolation, match="not the next seal"):
                plain.execute(sql.KEEP_SEAL, ["", text, "", "", b"0" * 32, [], [], [], b"", "", None])


# ---- One root in every session -------------------------------------------------------------------------------------


def test_two_zones_and_two_date_styles_make_one_root(sealed: BaseDatabaseWrapper) -> None:
    """Every line is the same text, so every hash of them is."""
    lines = []
    with psycopg.connect(**sealed.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as plain:
        for zone, style, interval in (
            ("UTC", "ISO, MDY", "postgres"),
            ("Asia/Kathmandu", "German, DMY", "iso_8601"),
            ("America/St_Johns", "SQL, MDY", "sql_standard"),
        ):
            plain.execute(f"SET TimeZone = '{zone}'")
            plain.execute(f"SET DateStyle = '{style}'")
            plain.execute(f"SET IntervalStyle = '{interval}'")
            plain.execute("SET extra_float_digits = 0")
            lines.append(plain.execute("SELECT line, personal FROM ledger_lines_v1() ORDER BY source, id").fetchall())
    assert len(lines[0]) > 80
    assert lines[0] == lines[1] == lines[2]


def test_a_line_has_what_the_verifier_says(tamper: object) -> None:
    for source, line, personal in rows("SELECT source, line, personal FROM ledger_lines_v1()"):
        assert len(json.loads(line)) == len(folio_verify.COLUMNS[source]), source
        assert json.loads(line)[0] == source
        assert len(json.loads(personal or "[]")) == len(folio_verify.PERSONAL[source]), source
        assert "\n" not in line
    tables = {source for (source,) in rows("SELECT DISTINCT source FROM ledger_lines_v1()")}
    assert tables == {*event_tables(), "ledger_series", "ledger_period"}
    assert tables == folio_verify.COLUMNS.keys()


@pytest.mark.parametrize("model", [Series, Period])
def test_a_line_of_state_has_every_setting(tamper: object, model: type[Model]) -> None:
    """All but when it was made, what the counter drags along, and whether its tenant is on the move."""
    table = model._meta.db_table
    [(line,), *_] = rows(f"SELECT line FROM ledger_lines_v1() WHERE source = '{table}'")
    told = dict(zip(folio_verify.COLUMNS[table], json.loads(line), strict=True))
    columns = {field.column for field in model._meta.concrete_fields} - {"series_id"}
    assert columns - told.keys() - told["settings"].keys() <= {"created_at", "opened_at", "last_issued_on", "moves"}
