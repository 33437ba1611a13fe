"""Two tenants with everything that a page can show, and clients for all kinds of users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client

from ledger import define_series, issue, void
from ledger.actions import explain
from ledger.models import AlarmRaised, Entry, FindingRaised, Period, Series, TenantAccess
from ledger.reconciliation import BookSettings
from ledger.verification.alarms import acknowledge_alarm
from tests.integration.paper_books import PaperSystem

#: What a template that escapes nothing would run.
SCRIPT = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Shop:
    """One tenant: ten numbers of 2026, the second void, the fifth and ninth gaps; a finding; and an
    alarm that somebody has acknowledged.
    """

    tenant: str
    series: Series
    period: Period
    entries: list[Entry]
    gaps: list[Entry]
    finding: FindingRaised
    alarm: AlarmRaised


def shop(tenant: str, prefix: str, *, code: str = "invoice", mark: str = "") -> Shop:
    """A shop with its ``mark``, by default its tenant's name, in every text."""
    mark = mark or f"{tenant}-secret"
    series = define_series(code, org=tenant, template=f"{prefix}-{{year}}-{{counter:04}}", time_zone="UTC")
    issued = []
    for n in range(1, 11):
        if n in (5, 9):
            flag(Period.objects.get(tenant=tenant, series=series), mark)
            continue
        with transaction.atomic():
            issued.append(issue(code, org=tenant, document=f"{mark}:{n}", on=date(2026, 3, n), by=f"{mark} till"))
    void(issued[1], reason=f"{mark} payment reversed", by=f"{mark} maria", replacement=f"{mark} credit")
    period = Period.objects.select_related("series").get(tenant=tenant, series=series)
    gaps = list(Entry.objects.filter(tenant=tenant, kind="gap").order_by("value"))
    explain(gaps[0], explanation=f"{mark} card refused", by=f"{mark} ada")
    system = PaperSystem(books=BookSettings(f"{mark} books", tenant=tenant, grace=timedelta(0)))
    for entry in issued[:-1]:
        system.put(
            f"{mark} {entry.value}",
            entry.number,
            state="void" if entry == issued[1] else "posted",
            issued_on=entry.issued_on,
            reference=entry.document,
        )
    system.read()
    system.compare()
    finding = FindingRaised.objects.get(tenant=tenant)
    alarm = AlarmRaised.objects.create(
        tenant=tenant,
        kind="document-text",
        series=code,
        starts_on=period.starts_on,
        number=issued[3].number,
        problem=f"{mark} problem",
        remedy=f"{mark} remedy",
        subject="0" * 64,
    )
    acknowledge_alarm(alarm, reason=f"{mark} printed so", by=f"{mark} ada")
    return Shop(tenant, series, period, issued, gaps, finding, alarm)


def flag(period: Period, mark: str, on: date | None = None) -> None:
    """The next value, which was reserved for a document of that day, becomes a flagged gap."""
    value = period.last_value + 1
    Period.objects.filter(pk=period.pk).update(last_value=value)
    Entry.objects.create(
        tenant=period.tenant,
        series=period.series,
        period=period,
        value=value,
        kind="gap",
        number=period.as_format().number(value),
        issued_on=on or date(2026, 3, 1) + timedelta(value % 28),
        actor="sweep",
        metadata={
            "cause": f"{mark} cause",
            "reservation": {"document": f"{mark}:{value}", "at": "2026-03-01T10:00:00Z"},
        },
    )


def user(name: str, *permissions: str, sees: tuple[str, ...] = ()) -> User:
    """A user with Folio's permissions of these names, and access to these tenants."""
    made = User.objects.create_user(name, password="correct horse")
    for codename in permissions:
        made.user_permissions.add(Permission.objects.get(content_type__app_label="ledger", codename=codename))
    for tenant in sees:
        TenantAccess.grant(made, tenant)
    return made


def client(name: str, *permissions: str, sees: tuple[str, ...] = ()) -> Client:
    """Logged in as such a user."""
    made = Client()
    made.force_login(user(name, *permissions, sees=sees))
    return made


def addresses(shop: Shop) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """By the name of each page: its address and its query for a shop."""
    period, whose = f"/ledger/period/{shop.period.pk}", {"tenant": shop.tenant}
    files = ("csv", "json", "xlsx", "pdf")
    parts = ("summary", "voids", "gaps", "in_progress")
    return {
        "overview": [("/ledger/", whose)],
        "find": [("/ledger/find/", {**whose, "find-q": shop.entries[2].document})],
        "series": [(f"/ledger/series/{shop.series.pk}/", {})],
        "rules": [(f"/ledger/series/{shop.series.pk}/rules/", {})],
        "period": [(f"{period}/", {}), (f"{period}/", {"from": "2", "to": "7"})],
        "export": [
            *((f"{period}/export/{name}/", {}) for name in files),
            *((f"{period}/export/csv/", {"part": part}) for part in parts),
        ],
        "register": [("/ledger/register/", whose), ("/ledger/register/", {**whose, "register-state": "missing"})],
        "register_file": [(f"/ledger/register/{name}/", whose) for name in files],
        "package": [("/ledger/package/", {**whose, "month": "2026-03"})],
        "number": [(f"{period}/{value}/", {}) for value in (1, 2, 5, 9)],
        "void_number": [(f"{period}/1/void/", {})],
        "gaps": [("/ledger/gaps/", {**whose, "gaps-state": "all"})],
        "explain_gaps": [("/ledger/gaps/explain/", {**whose, "gap": f"e{shop.gaps[1].pk}"})],
        "alarms": [("/ledger/alarms/", {**whose, "alarms-state": "all"})],
        "acknowledge_alarms": [("/ledger/alarms/acknowledge/", {**whose, "alarm": shop.alarm.pk})],
        "ranges": [("/ledger/ranges/", whose)],
        "add_range": [("/ledger/ranges/add/", whose)],
        "findings": [("/ledger/findings/", whose)],
        "books": [("/ledger/books/", whose)],
        "acknowledge_findings": [("/ledger/findings/acknowledge/", {**whose, "finding": shop.finding.pk})],
    }
