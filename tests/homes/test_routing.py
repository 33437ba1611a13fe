"""A call finds the home of its tenant, and one about another database is refused before it writes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client, override_settings

from ledger import close_period, define_series, homes, issue, issue_many, open_period, preview, void
from ledger.actions import change_allocation
from ledger.errors import TransactionRequired, WrongDatabase
from ledger.models import Entry, NumberVoided, Series
from ledger.reports.report import continuity_report
from tests.homes.conftest import HOMES, ROUTERS, TENANTS
from tests.shop.numbered import Ticket

ALLOCATIONS = ("serial", "at_commit", "pooled", "reserved")


def numbers(home: str, tenant: str) -> list[str]:
    return list(Entry.objects.using(home).filter(tenant=tenant).order_by("value").values_list("number", flat=True))


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_each_tenant_is_numbered_in_its_home(four: Any, allocation: str) -> None:
    for tenant, home in TENANTS.items():
        define_series("bill", org=tenant, template="B-{counter}", calendar="never", allocation=allocation)
        assert preview("bill", org=tenant) == "B-1"
        with transaction.atomic(using=homes.home_of(tenant)):
            number = issue("bill", org=tenant, document="order:1")
            issue_many("bill", org=tenant, documents=["order:2", "order:3"])
        void(number, reason="returned")
        void("B-2", org=tenant, reason="returned")
        assert numbers(home, tenant) == ["B-1", "B-2", "B-3"]
        assert NumberVoided.objects.using(home).filter(tenant=tenant).count() == 2
        with continuity_report(tenant=tenant) as report:
            assert report.verdict is not None
        assert not any(numbers(other, tenant) for other in HOMES if other != home)


def test_the_wrong_home_is_refused_before_it_writes(four: Any) -> None:
    define_series("bill", org="bob", template="B-{counter}", calendar="never")
    period = open_period("bill", org="bob")
    with transaction.atomic(using="first:south"):
        entry = issue("bill", org="bob")
    there: dict[str, Any] = {"org": "bob", "using": "first:north"}
    for act in (
        lambda: issue("bill", **there),
        lambda: issue_many("bill", documents=["x"], **there),
        lambda: void("B-1", reason="x", **there),
        lambda: void(entry, reason="x", using="first:north"),
        lambda: define_series("bill", max_length=20, **there),
        lambda: change_allocation("bill", "pooled", **there),
        lambda: open_period("bill", **there),
        lambda: close_period(period, early=True, using="first:north"),
    ):
        with transaction.atomic(using="first:north"), pytest.raises(WrongDatabase, match="lives in the home"):
            act()
    assert not Series.objects.using("first:north").exists()
    with transaction.atomic(using="first:north"), pytest.raises(TransactionRequired):
        issue("bill", org="bob")  # the transaction is open elsewhere
    assert numbers("first:south", "bob") == ["B-1"]


def test_ids_of_homes_never_meet(four: Any) -> None:
    made = [define_series("bill", org=tenant, template="B-{counter}", calendar="never").pk for tenant in TENANTS]
    assert len({pk >> 48 for pk in made}) == 4


def test_a_numbered_row_is_saved_in_the_home_of_its_org(four: Any) -> None:
    with override_settings(LEDGER={"HOMES": {"": "second:south"}}):
        row = Ticket(booking="b1")
        row.save()
        assert row._state.db == "second:south"
        assert row.number in numbers("second:south", "")
        with pytest.raises(WrongDatabase):
            Ticket(booking="b2").save(using="first:north")
        assert not Ticket.objects.using("first:north").exists()


def test_one_home_is_not_asked_for() -> None:
    with override_settings(LEDGER={}):
        assert homes.homes() == ["default"] == [homes.home_of("anybody")]
        assert not homes.are_many()
        assert homes.database_for("anybody", None) is None


def test_a_function_is_asked_once_for_each_tenant(four: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def home(tenant: str | None) -> Any:
        asked.append(tenant)
        return HOMES if tenant is None else "first:north"

    monkeypatch.setattr("tests.homes.conftest.mapping", home)
    with override_settings(LEDGER={"HOMES": "tests.homes.conftest.mapping"}):
        assert [homes.home_of("x") for _ in range(3)] == ["first:north"] * 3
        assert asked == ["x"]
        homes.forget("x")
        homes.home_of("x")
        assert asked == ["x", "x"]


def test_checks_tell_what_is_missing(four: Any) -> None:
    def told(**settings: Any) -> list[str]:
        with override_settings(**settings):
            return [message.id or "" for message in checks.run_checks(tags=["ledger"])]

    assert told() == []
    assert told(DATABASE_ROUTERS=ROUTERS[1:]) == ["ledger.E011"]
    assert told(LEDGER={"HOMES": {"x": "nrth"}}) == ["ledger.E010"]
    assert told(LEDGER={"HOMES": 7}) == ["ledger.E001", "ledger.E010"]
    router = "tests.homes.test_routing.NoShopInNorth"
    assert set(told(DATABASE_ROUTERS=[*ROUTERS, router])) == {"ledger.E012"}


class NoShopInNorth:
    """Keeps the shop's tables out of one home."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if (db, app_label) == ("first:north", "shop") else None


def test_commands_go_to_the_tenants_home_or_to_all(four: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ledger_series", "create", "bill", "--tenant", "cleo", "--template", "B-{year}-{counter}")
    assert Series.objects.using("second:north").get().tenant == "cleo"
    capsys.readouterr()
    with pytest.raises(CommandError) as error:  # no sweep has run
        call_command("ledger_sweep", "--status")
    assert error.value.returncode == 1
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(":")] == [f"{one}:" for one in HOMES]
    for command in ("ledger_verify", "ledger_status"):
        with suppress(CommandError):  # of a ledger whose owner is a superuser
            call_command(command, "--json")
        assert list(json.loads(capsys.readouterr().out)) == list(HOMES)


def test_pages_and_admin_show_the_home_of_the_tenant(four: Any, root: User, client: Client) -> None:
    for tenant in TENANTS:
        define_series(f"of-{tenant}", org=tenant, template="B-{counter}", calendar="never")
    client.force_login(root)
    for tenant, home in TENANTS.items():
        assert f"of-{tenant}" in client.get("/ledger/", {"tenant": tenant}).content.decode()
        pk = Series.objects.using(home).get().pk
        assert client.get(f"/ledger/series/{pk}/").status_code == 200  # by the cookie
        page = client.get("/admin/ledger/series/", {"home": home}).content.decode()
        assert [f"of-{one}" in page for one in TENANTS] == [one == tenant for one in TENANTS]
    assert client.get("/ledger/", {"home": "nowhere"}).status_code == 404
    assert client.get("/ledger/", {"tenant": "x" * 900}).status_code == 404


def test_a_schema_is_an_alias_that_looks_nowhere_else(four: Any) -> None:
    with connections["first:north"].cursor() as cursor:
        cursor.execute("SELECT current_schemas(false)")
        assert cursor.fetchone()[0] == ["north"]
