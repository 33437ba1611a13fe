"""A ledger to tamper with: its content, how to break it, and what ``ledger_verify`` says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import close_period, define_series, issue, issue_many, remote, void
from ledger.models import (
    AdoptedGap,
    Adoption,
    Entry,
    FindingAcknowledged,
    FindingRaised,
    FindingResolved,
    GapExplained,
    HoleReported,
    Period,
    Series,
)
from ledger.models.tables import all_tables
from ledger.verification import verify
from ledger.verification.findings import Alarm
from tests.drafts import need, remote_series, stock

ALIAS = "verified"
DAY = date(2025, 5, 5)

# The invoices of acme in 2025: values 1 to 9, documents order:0 to order:8, value 4 void.
INVOICE = (
    "series_id = (SELECT id FROM ledger_series WHERE tenant = 'acme' AND code = 'invoice')"
    " AND period_id = (SELECT p.id FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id"
    " WHERE s.tenant = 'acme' AND s.code = 'invoice' AND p.starts_on = '2025-01-01')"
)
PERIOD = INVOICE.replace("period_id = ", "id = ")
# Of acme in 2025: the till, pooled, with values 1, 2 and 4, 3 given back and 5 to 16 minted ahead.
TILL = "period_id = (SELECT id FROM ledger_period WHERE prefix = 'T2025-')"
TILL_PERIOD = "prefix = 'T2025-'"
# What is shown before payment, reserved: 1 and 3 issued, and 2 reserved for order:left.
SHOWN = "period_id = (SELECT id FROM ledger_period WHERE prefix = 'S2025-')"
COPY = (
    "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)"
    f" SELECT tenant, series_id, period_id, {{}}, issued_on, actor, metadata FROM ledger_entry WHERE {INVOICE}"
    " AND value = 5"
)


def fill() -> None:
    """Two tenants, with every kind of event."""
    with transaction.atomic(using=ALIAS):
        for org in ("acme", "zenith"):
            entries = issue_many("invoice", documents=[f"order:{n}" for n in range(9)], org=org, on=DAY, using=ALIAS)
            void(entries[3], reason="wrong address", using=ALIAS)
            issue("ticket", org=org, on=DAY, using=ALIAS)
            old = issue("invoice", org=org, on=date(2024, 12, 31), using=ALIAS)
            close_period(old.period, using=ALIAS)
        dated = define_series("dated", org="acme", template="D{year}-{counter:03}", chronological=True, using=ALIAS)
        issue("dated", org="acme", on=DAY, using=ALIAS)
        adopt(dated)
    fill_queues()
    fill_drafts()


def fill_queues() -> None:
    """What the other allocations leave, also after checkouts that rolled back."""
    define_series("till", org="acme", template="T{year}-{counter:03}", allocation="pooled", using=ALIAS)
    define_series(
        "shown", org="acme", template="S{year}-{counter:03}", allocation="reserved", chronological=True, using=ALIAS
    )
    define_series("late", org="acme", template="L{year}-{counter:03}", allocation="at_commit", using=ALIAS)
    for code in ("till", "shown"):
        with transaction.atomic(using=ALIAS):
            issue(code, org="acme", on=DAY, using=ALIAS)
    with transaction.atomic(using=ALIAS):
        issue("late", org="acme", on=DAY, using=ALIAS)
        issue("till", org="acme", on=DAY, using=ALIAS)
    with transaction.atomic(using=ALIAS):
        issue("shown", org="acme", document="order:left", on=DAY, using=ALIAS)
        transaction.set_rollback(True, using=ALIAS)
    another = connections[ALIAS].copy()
    another.set_autocommit(False)
    try:
        with another.cursor() as cursor:
            cursor.execute(f"SELECT FROM ledger_slot WHERE {TILL} AND value = 3 FOR UPDATE")
        with transaction.atomic(using=ALIAS):
            issue("shown", org="acme", on=DAY, using=ALIAS)
            beyond = issue("till", org="acme", on=DAY, using=ALIAS)
    finally:
        another.rollback()
        another.close()
    HoleReported.objects.using(ALIAS).create(tenant="acme", period=beyond.period, value=3)
    fill_findings()


def fill_findings() -> None:
    """One finding that was resolved and came again, and one that is acknowledged, of acme."""
    entry = Entry.objects.using(ALIAS).get(tenant="acme", series__code="late")
    facts = {"tenant": "acme", "system": "books", "kind": "missing", "subject": entry.number, "number": entry.number}
    first = FindingRaised.objects.using(ALIAS).create(**facts, entry=entry)
    FindingResolved.objects.using(ALIAS).create(tenant="acme", finding=first)
    again = FindingRaised.objects.using(ALIAS).create(**facts, entry=entry, occurrence=2)
    FindingAcknowledged.objects.using(ALIAS).create(tenant="acme", finding=again, reason="on its way")


def fill_drafts() -> None:
    """A remote series: B-9 issued, A-1 free, and a draft that was refused and cancelled since."""
    series = remote_series("drafted", org="acme", using=ALIAS)
    period = stock(series, ["B-9", "A-1"], day=DAY, using=ALIAS)
    with transaction.atomic(using=ALIAS):
        issue("drafted", org="acme", on=DAY, using=ALIAS)
    claim = remote.claim(series, using=ALIAS)
    assert claim is not None
    remote.store(
        claim, need(period), ordinal=3, remote_id="3", number="B-11", refusal="it is deleted there", using=ALIAS
    )
    [unused] = remote.unused("books", using=ALIAS)
    remote.note_cancelled(unused.draft, state="deleted", using=ALIAS)


def adopt(series: Series) -> None:
    """Values 100, 105 and 106 of a previous system, and a range for what is missing between them."""
    period = Period.of(series, Period.objects.using(ALIAS).get(series=series).as_span(), first_value=100)
    period.starts_on, period.ends_on, period.prefix = date(2020, 1, 1), date(2020, 12, 31), "D2020-"
    period.last_value = 106
    period.save(using=ALIAS)
    adoption = Adoption.objects.using(ALIAS).create(tenant="acme", series=series, source="old.csv", digest="", rows=3)
    missing = AdoptedGap.objects.using(ALIAS).create(
        tenant="acme", adoption=adoption, period=period, first_value=101, last_value=104
    )
    GapExplained.objects.using(ALIAS).create(tenant="acme", adopted_gap=missing, explanation="never printed")
    for value in (100, 105, 106):
        Entry.objects.using(ALIAS).create(
            tenant="acme",
            series=series,
            period=period,
            value=value,
            kind=Entry.Kind.ADOPTED,
            number=f"OLD-{value}",
            issued_on=date(2020, 6, 1),
        )
    Period.objects.using(ALIAS).filter(pk=period.pk).update(last_issued_on=date(2020, 6, 1))


def tampered(connection: BaseDatabaseWrapper, *statements: str) -> None:
    """Run statements as a superuser can: meanwhile the guards of the tables that they name are switched off."""
    named = set(re.findall(r"\bledger_\w+", " ".join(statements)))
    tables = [table for table in all_tables() if table in named]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(
            "SELECT c.relname, string_agg(', ENABLE ALWAYS TRIGGER ' || t.tgname, '')"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.oid = ANY (%s::text[]::regclass[]) AND NOT t.tgisinternal GROUP BY 1",
            [tables],
        )
        always = dict(cursor.fetchall())
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL{always.get(table, '')}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def undone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with transaction.atomic(using=connection.alias):
        yield
        transaction.set_rollback(True, using=connection.alias)


def all_alarms(**options: Any) -> list[Alarm]:
    findings = list(verify(using=ALIAS, **options))
    for finding in findings:
        assert finding.problem
        assert finding.remedy
        assert str(finding).startswith(f"rule {finding.rule}")
    return findings


def checks(**options: Any) -> set[str]:
    return {finding.check for finding in all_alarms(**options)}
