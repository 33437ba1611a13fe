"""A series that nobody can work with keeps no other from being swept, shown, verified and reported."""

from __future__ import annotations

import io
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from ledger import define_series, open_period
from ledger.models import Entry, Period, Reservation, Series, Slot, SweepRun
from ledger.sweeps import registered, run, run_batch
from ledger.sweeps.health import health
from ledger.verification import verify
from tests.integration.pages import client
from tests.integration.queues import reserve
from tests.integration.test_poison_commands import READING, command_output
from tests.integration.test_poison_pages import EVERYTHING, body, staff_of_admin

pytestmark = pytest.mark.django_db(transaction=True)

HIGHEST = 2**63 - 1
OPEN, POOL, CLOSE, FLAG = "open", "pool", "close", "flag"
#: What each sweep does, told by the good series: the name of the sweep, and the series.
SWEPT = {"open_next_periods": OPEN, "refill_pools": POOL, "close_periods": CLOSE, "flag_gaps": FLAG}

#: Statements that spoil the series whose codes begin with ``bad``; and the sweeps that must say so.
SPOILT: dict[str, tuple[str, set[str]]] = {
    "time zone": (
        "UPDATE ledger_series SET time_zone = 'Mars/Olympus' WHERE code LIKE 'bad%'",
        {"open_next_periods", "refill_pools", "close_periods", "flag_gaps"},
    ),
    "template": ("UPDATE ledger_series SET template = 'no counter' WHERE code LIKE 'bad%'", {"open_next_periods"}),
    "calendar": ("UPDATE ledger_series SET calendar = 'lunar' WHERE code LIKE 'bad%'", {"open_next_periods"}),
    "fiscal start": (
        "UPDATE ledger_series SET fiscal_start = 'XX-YY', calendar = 'fiscal_year' WHERE code LIKE 'bad%'",
        {"open_next_periods"},
    ),
    "allocation": ("UPDATE ledger_series SET allocation = 'odd' WHERE code LIKE 'bad%'", set()),
    "rules": ("UPDATE ledger_series SET rules = 'XX' WHERE code LIKE 'bad%'", {"open_next_periods"}),
    "counter": (
        f"UPDATE ledger_period p SET last_value = {HIGHEST}, max_value = {HIGHEST} FROM ledger_series s"
        " WHERE s.id = p.series_id AND s.code LIKE 'bad%'",
        set(),
    ),
    "counter from the lowest": (
        f"UPDATE ledger_period p SET first_value = {-HIGHEST - 1} FROM ledger_series s"
        " WHERE s.id = p.series_id AND s.code LIKE 'bad%'",
        set(),
    ),
}


@pytest.fixture
def both(unguarded: None, settings: Any) -> None:
    """Good and bad series that give every sweep something to do."""
    settings.LEDGER = {"METRICS_TOKEN": "token-of-the-tests"}
    for quality in ("bad", "good"):
        filled(quality)


def filled(quality: str) -> None:
    def series(what: str, **given: Any) -> Series:
        template = f"{quality}{what}".upper() + "-{year}-{counter:04}"
        return define_series(f"{quality}-{what}", template=template, time_zone="UTC", **given)

    series(OPEN)
    today = timezone.now().date()
    open_period(series(POOL, allocation="pooled"), today)
    open_period(series(CLOSE, close_after_days=1), date(2020, 5, 5))
    period = open_period(series(FLAG, allocation="reserved"), today)
    reserve(period, f"{quality}:1", today)
    Reservation.objects.update(reserved_at=timezone.now() - timedelta(hours=2))


def spoil(what: str) -> set[str]:
    statement, named = SPOILT[what]
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("%'", "%%'"), [])
    return named


def done(what: str) -> bool:
    """Whether the good series got its due."""
    code = f"good-{what}"
    if what == OPEN:
        return Period.objects.filter(series__code=code, ends_on__gte=timezone.now().date()).exists()
    if what == POOL:
        return Slot.objects.filter(period__series__code=code).exists()
    if what == CLOSE:
        return Period.objects.filter(series__code=code, closed_at__isnull=False).exists()
    return Entry.objects.filter(series__code=code, kind="gap").exists()


@pytest.mark.parametrize("what", SPOILT)
def test_every_sweep_goes_on_beside_a_spoilt_series(both: None, what: str) -> None:
    named = spoil(what)
    for sweep in registered():
        row = run(sweep.name)
        assert row.finished_at is not None
        assert row.counts.get("failed", 0) > 0 or not row.error
        if sweep.name in named:
            assert row.error.startswith("Not done: "), sweep.name
            assert "bad-" in row.error
            assert "good-" not in row.error
        if sweep.name in SWEPT:
            assert done(SWEPT[sweep.name]), sweep.name
    assert not [one.sweep for one in health() if one.overdue], "a series that nobody can work with is no stopped sweep"
    assert {one.sweep for one in health() if one.error} >= named


@pytest.mark.parametrize("what", SPOILT)
def test_every_batch_of_a_spread_run_goes_on(both: None, what: str) -> None:
    named = spoil(what)
    for name, its_own in SWEPT.items():
        sent: list[tuple[int, list[Any]]] = []
        sweep = next(one for one in registered() if one.name == name)
        assert sweep.batches is not None
        row = run(name, spread=partial(_kept, sent))
        for number, ids in sent:
            run_batch(row.pk, number, ids)
        row = SweepRun.objects.get(pk=row.pk)
        assert row.finished_at is not None
        assert ("Not done: " in row.error) is (name in named) or what.startswith("counter")
        assert done(its_own), name


def _kept(sent: list[tuple[int, list[Any]]], row: SweepRun, number: int, ids: Any) -> None:
    sent.append((number, list(ids)))


@pytest.mark.parametrize("what", SPOILT)
def test_every_page_and_command_goes_on(both: None, what: str) -> None:
    spoil(what)
    staff = client("staff", *EVERYTHING)
    staff.raise_request_exception = False
    root = staff_of_admin()
    root.raise_request_exception = False
    asked = ["/ledger/", "/ledger/gaps/", "/ledger/workers/", "/ledger/healthz", "/ledger/metrics"]
    asked += [f"/ledger/series/{one.pk}/" for one in Series.objects.all()]
    for period in Period.objects.all():
        page = f"/ledger/period/{period.pk}/"
        asked += [page, f"{page}1/", *(f"{page}export/{name}/" for name in ("csv", "json"))]
    failed = []
    for address in asked:
        answer = staff.get(address, headers={"Authorization": "Bearer token-of-the-tests"})
        if answer.status_code not in (200, 503 if address == "/ledger/healthz" else 200):
            failed.append((answer.status_code, address))
        body(answer)
    for model in ("series", "period", "entry", "reservation"):
        base = f"/admin/ledger/{model}/"
        rows = {"series": Series, "period": Period, "entry": Entry, "reservation": Reservation}[model]
        for address in [base, *(f"{base}{row.pk}/change/" for row in rows._base_manager.all())]:
            if (answer := root.get(address)).status_code != 200:
                failed.append((answer.status_code, address))
    assert not failed
    page = staff.get("/ledger/").content.decode()
    for code in ("good-open", "good-pool", "bad-open", "bad-pool"):
        assert code in page
    # Those that a tenant of their own asks for are of test_poison_commands.py.
    for name in ("ledger_status", "ledger_series", "ledger_period", "ledger_rules", "ledger_gaps", "ledger_verify"):
        for way in READING[name]:
            if "berlin" not in way and "old" not in way and way != ["ahead"]:
                assert "good-" in command_output(name, way) or name in ("ledger_verify", "ledger_gaps", "ledger_rules")
    for code in ("good-close", "bad-close"):
        assert code in command_output("ledger_series", ["show", code])


@pytest.mark.parametrize("what", SPOILT)
def test_verify_names_the_spoilt_series_and_checks_the_others(both: None, what: str) -> None:
    spoil(what)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_period SET last_value = last_value + 3 WHERE prefix LIKE 'GOODCLOSE%%'", [])
    found = list(verify())
    assert "bad-pool" in {finding.series for finding in found} or what == "rules"
    assert "good-close" in {finding.series for finding in found if finding.check in ("counter", "lost-or-tampered")}
    with pytest.raises(CommandError):
        call_command("ledger_verify", stdout=io.StringIO())
