"""Sweeps, tasks, health, metrics and the operator's page cover all homes; only one that is down is red."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from threading import Barrier, Semaphore
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families

from ledger import define_series, homes, issue
from ledger.errors import WrongDatabase
from ledger.models import Period, SweepRun, TenantAccess
from ledger.sweeps import Sweep, register, registered, run
from tests.homes import conftest
from tests.homes.conftest import HOMES, TENANTS
from tests.integration.pages import flag
from workers import tasks

TOKEN = "a token for the tests, long enough"
DOWN = "second:down"


@pytest.fixture
def one_down(four: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """A fifth home, on a port where nobody answers."""
    monkeypatch.setattr(conftest, "HOMES", (*HOMES, DOWN))
    there = connections.settings[homes.registered(DOWN)]
    there["HOST"], there["PORT"] = "127.0.0.1", "9"
    yield (*HOMES, DOWN)
    monkeypatch.undo()
    del connections.settings[DOWN]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the tasks send to themselves."""
    found: list[dict[str, Any]] = []
    for task in (tasks.open_next_periods, tasks.reconcile):
        monkeypatch.setattr(task, "apply_async", lambda kwargs, **_: found.append(kwargs))
    return found


def test_a_task_sends_itself_to_each_home(four: Any, sent: list[dict[str, Any]]) -> None:
    for tenant in TENANTS:
        define_series("bill", org=tenant, template="B-{year}-{counter}", calendar="year")
    assert tasks.open_next_periods() == {"sent": 4}
    assert [one["home"] for one in sent] == list(HOMES)
    for message in sent:
        assert tasks.open_next_periods(**message)["opened"] >= 1
    assert all(Period.objects.using(home).exists() for home in HOMES)
    assert all(SweepRun.objects.using(home).count() == 1 for home in HOMES)


def test_a_tenants_sweep_runs_in_its_home_alone(four: Any) -> None:
    register(Sweep("reconcile:books", "", lambda alias: {"done": 1}, tenant="cleo"))
    there = [home for home in HOMES if "reconcile:books" in {sweep.name for sweep in registered(home)}]
    assert there == ["second:north"]


def test_a_sweep_writes_where_it_runs(four: Any) -> None:
    """And so do calls in it that name no database."""
    register(Sweep("mine", "", lambda alias: {"there": int(SweepRun.objects.db == alias)}))
    for home in HOMES:
        assert run("mine", using=home).counts == {"there": 1}


def test_a_home_that_is_down_holds_up_no_other(one_down: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=f"{DOWN}: The database could not be asked"):
        call_command("ledger_sweep", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told[DOWN] is None
    assert all(len(told[home]) == len(registered(home)) for home in HOMES)
    with pytest.raises(CommandError, match="don't answer"):
        call_command("ledger_home", "list", "--json")
    listed = {row["home"]: row for row in json.loads(capsys.readouterr().out)}
    assert [home for home in one_down if listed[home]["error"]] == [DOWN]
    assert sorted(listed[home]["number"] for home in HOMES) == [0, 1, 2, 3]
    with pytest.raises(CommandError, match=f"Not migrated: {DOWN}. Run it again"):
        call_command("ledger_home", "migrate")
    assert [line for line in capsys.readouterr().out.splitlines() if "migrated;" in line] == [
        f"{home}: migrated; its ids are those of home {listed[home]['number']}." for home in HOMES
    ]


def test_so_many_are_asked_at_once_and_no_more(four: Any) -> None:
    """No home waits for another, up to the limit of threads."""
    two, asked = Barrier(2), Semaphore(2)

    def ask(home: str) -> str:
        assert asked.acquire(blocking=False), "three at once"
        two.wait(30)  # one alone would wait for ever
        asked.release()
        return home

    assert [one.value for one in homes.ask_all(ask, HOMES, at_once=2)] == list(HOMES)


def test_health_and_metrics_tell_each_home(one_down: tuple[str, ...], client: Client) -> None:
    for home in HOMES:
        for sweep in registered(home):
            SweepRun.objects.using(home).create(sweep=sweep.name, process="here:1", finished_at="2999-01-01T00:00Z")
    answer = client.get("/ledger/healthz")
    assert answer.status_code == 503
    told = answer.json()
    assert told["status"] == "unavailable"
    assert {home: one["status"] for home, one in told["homes"].items()} == {
        **dict.fromkeys(HOMES, "ok"),
        DOWN: "unavailable",
    }
    assert client.get("/ledger/healthz", {"home": HOMES[2]}).status_code == 200
    assert client.get("/ledger/healthz", {"home": DOWN}).status_code == 503
    assert client.get("/ledger/healthz", {"home": "nowhere"}).status_code == 404

    given = {"HOMES": "tests.homes.conftest.mapping", "METRICS_TOKEN": TOKEN}
    with override_settings(LEDGER=given):
        text = client.get("/ledger/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    up = {sample.labels["home"]: sample.value for sample in found["ledger_home_up"]}
    assert up == {**dict.fromkeys(HOMES, 1.0), DOWN: 0.0}
    assert {sample.labels["home"] for sample in found["ledger_sweep_overdue"]} == set(HOMES)


def test_the_operators_page_shows_all(one_down: tuple[str, ...], root: User, client: Client) -> None:
    client.force_login(root)
    page = client.get("/ledger/workers/", {"home": HOMES[1]}).content.decode()
    assert all(home in page for home in one_down)
    assert page.count("does not answer") == 1


def overview(client: Client, **query: str) -> list[list[str]]:
    """The cells of its table, as text."""
    page = client.get("/ledger/", query).content.decode()
    body = page.partition('id="series">')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("<tr>")[1:]]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in rows]


def test_the_overview_is_of_all_homes(one_down: tuple[str, ...], root: User, client: Client) -> None:
    """The worst first, in any home; each line leads to its home; a home that is down is shown."""
    for tenant, home in TENANTS.items():
        define_series("bill", org=tenant, template="B-{year}-{counter}", calendar="year", time_zone="UTC")
        with transaction.atomic(using=home):
            issue("bill", org=tenant, document="order:1", on=date(2026, 3, 1))
    with homes.entered(TENANTS["cleo"]):
        flag(Period.objects.get(), "card")
    client.force_login(root)
    rows = overview(client)
    assert rows[0][1:3] == ["cleo", TENANTS["cleo"]]
    assert sorted((row[1], row[2]) for row in rows) == sorted(TENANTS.items())
    page = client.get("/ledger/").content.decode()
    assert f"nothing is known about them: {DOWN}" in page
    assert "1 missing value is not explained" in page
    address = re.search(r'href="(/ledger/period/\d+/\?home=second%3Anorth)"', page)
    assert address
    assert "card" in client.get(address[1].replace("&amp;", "&")).content.decode()
    # Asked about one home, it shows that one only.
    assert [row[1].split()[0] for row in overview(client, home=TENANTS["bob"])] == ["bill"]


def test_who_sees_one_tenant_sees_it_wherever_it_lives(root: User, client: Client) -> None:
    for tenant in ("ada", "dora"):
        define_series("bill", org=tenant, template="B-{year}-{counter}", calendar="year", time_zone="UTC")
    auditor = User.objects.create_user("auditor")
    try:
        client.force_login(auditor)
        refused = client.get("/ledger/")
        assert refused.status_code == 403
        assert "ledger.view_entry" in refused.content.decode()
        TenantAccess.grant(auditor, org="dora")
        with pytest.raises(WrongDatabase):
            TenantAccess.grant(auditor, org="dora", using=TENANTS["ada"])
        assert [row[1:3] for row in overview(client)] == [["dora", TENANTS["dora"]]]
        assert "ada" not in client.get("/ledger/").content.decode()
        # The same in the admin, whichever home it shows.
        client.force_login(root)
        form = {"name": "auditor", "tenant": "ada"}
        client.post(f"/admin/ledger/tenantaccess/add/?home={TENANTS['dora']}", form)
        given = {home: list(TenantAccess.objects.using(home).values_list("tenant", flat=True)) for home in HOMES}
        assert given == {
            home: ["ada"] * (home == TENANTS["ada"]) + ["dora"] * (home == TENANTS["dora"]) for home in HOMES
        }
    finally:
        auditor.delete()
