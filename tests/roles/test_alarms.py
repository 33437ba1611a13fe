"""Alarms: the workers raise them and can't hide them; finance acknowledges and resolves them."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from psycopg import sql

from ledger import define_series, issue_many, void
from ledger.errors import NotGranted
from ledger.gaps import sweep
from ledger.judging import State, judge
from ledger.models import AlarmAcknowledged, AlarmRaised, AlarmResolved
from ledger.sweeps import run
from ledger.verification import watch
from ledger.verification.alarms import acknowledge_alarm, recheck
from tests.roles.logins import (
    AUDITOR,
    CHECKOUT,
    DAY,
    FINANCE,
    NOBODY,
    OWNER,
    USUAL,
    VOID,
    WORKERS,
    Logins,
    refusal,
    rows,
)

DENIED = "42501"


@pytest.fixture
def alarms(logins: Logins) -> tuple[AlarmRaised, AlarmRaised]:
    """Two alarms of a new tenant: a void that is older than its number, and a lost value."""
    tenant = f"alarmed {secrets.token_hex(4)}"
    define_series("invoice", org=tenant, template="AL{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        first, _ = issue_many("invoice", org=tenant, documents=["a", "b"], on=DAY, using=CHECKOUT)
    void(first, reason="returned", using=FINANCE)
    ante_date(logins, tenant, "2020-01-01")
    rows(OWNER, "UPDATE ledger_period SET last_value = 3 WHERE tenant = %s", [tenant])
    list(watch(using=WORKERS, refused=lambda _: None))
    found = AlarmRaised.objects.using(OWNER).filter(tenant=tenant)
    return found.get(kind="void-too-early"), found.get(kind="lost-or-tampered")


def ante_date(logins: Logins, tenant: str, moment: str) -> None:
    """Only the owner can do this, by switching the guard off."""
    change = sql.SQL("UPDATE ledger_numbervoided SET voided_at = {} WHERE tenant = {}").format(moment, tenant)
    with logins.superuser() as connection, connection.transaction():
        connection.execute("ALTER TABLE ledger_numbervoided DISABLE TRIGGER ledger_append_only_rows")
        connection.execute(change)
        connection.execute("ALTER TABLE ledger_numbervoided ENABLE ALWAYS TRIGGER ledger_append_only_rows")


def is_open(alarm: AlarmRaised) -> bool:
    return not AlarmResolved.objects.using(OWNER).filter(alarm=alarm).exists()


def test_finance_acknowledges_and_nobody_else(alarms: tuple[AlarmRaised, AlarmRaised], logins: Logins) -> None:
    early, _ = alarms
    for alias in (WORKERS, AUDITOR):
        with pytest.raises(NotGranted, match="--purpose finance"):
            acknowledge_alarm(early.pk, reason="known", using=alias)
    for alias in (CHECKOUT, VOID, WORKERS, AUDITOR, NOBODY):
        call = "SELECT ledger_acknowledge_alarms(ARRAY[%s]::bigint[], 'known', '')"
        assert refusal(alias, call, [early.pk]).sqlstate == DENIED
    event = acknowledge_alarm(early.pk, reason="the clock was set back", by="ada", using=FINANCE)
    assert (event.actor, event.db_login, event.db_role) == ("ada", logins.roles[FINANCE], "none")
    assert judge(tenant=early.tenant, sweeps=(), using=AUDITOR).verdict.acknowledged == 1


def test_a_login_bound_to_one_tenant_says_and_resolves_nothing_of_another(
    alarms: tuple[AlarmRaised, AlarmRaised], logins: Logins
) -> None:
    early, _ = alarms
    rows(OWNER, "INSERT INTO ledger_tenantbinding (login, tenant) VALUES (%s, 'ours')", [logins.roles[FINANCE]])
    try:
        with pytest.raises(NotGranted, match="tenantbinding"):
            acknowledge_alarm(early.pk, reason="known", using=FINANCE)
        assert rows(FINANCE, "SELECT ledger_resolve_alarms(ARRAY[%s]::bigint[])", [early.pk]) == [(0,)]
    finally:
        rows(OWNER, "DELETE FROM ledger_tenantbinding")
    assert is_open(early)
    assert not AlarmAcknowledged.objects.using(OWNER).filter(alarm=early).exists()


class TestWorkersHideNone:
    """By any call that they may make."""

    def test_by_resolving_it(self, alarms: tuple[AlarmRaised, AlarmRaised]) -> None:
        for alarm in alarms:
            call = "SELECT ledger_resolve_alarms(ARRAY[%s]::bigint[])"
            assert refusal(WORKERS, call, [alarm.pk]).sqlstate == DENIED
        assert recheck(using=WORKERS) == 0
        assert all(map(is_open, alarms))

    def test_by_a_look_that_claims_to_have_found_nothing(
        self, alarms: tuple[AlarmRaised, AlarmRaised], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ledger.verification.CHECKS", ())
        told: list[str] = []
        assert list(watch(using=WORKERS, refused=told.append)) == []
        [said] = told
        assert "alarms were not found again" in said
        assert "--purpose finance" in said
        assert all(map(is_open, alarms))

    def test_by_another_one_in_its_place(self, alarms: tuple[AlarmRaised, AlarmRaised]) -> None:
        """The true alarm is still raised, with its own kind."""
        early: dict[str, Any] = dict(AlarmRaised.objects.using(OWNER).filter(pk=alarms[0].pk).values()[0])
        rows(FINANCE, "SELECT ledger_resolve_alarms(ARRAY[%s]::bigint[])", [early["id"]])
        columns = (
            "tenant",
            "rule",
            "series",
            "ordinal",
            "value",
            "through",
            "number",
            "table_name",
            "row_id",
            "problem",
            "subject",
        )
        forged: dict[str, Any] = {name: early[name] for name in columns}
        forged |= {"starts_on": str(early["starts_on"]), "kind": "not-checked", "remedy": "There is nothing to do."}
        assert rows(WORKERS, "SELECT ledger_raise_alarms(%s)", [json.dumps([forged])]) == [(1,)]
        list(watch(using=WORKERS, refused=lambda _: None))
        again = AlarmRaised.objects.using(OWNER).filter(kind="void-too-early").latest("pk")
        assert again.pk > early["id"]
        assert judge(tenant=early["tenant"], sweeps=(), using=AUDITOR).verdict.state is State.LOST


def test_the_database_itself_sees_what_is_mended(alarms: tuple[AlarmRaised, AlarmRaised]) -> None:
    """A value that is accounted for again resolves its alarm, whoever calls."""
    early, lost = alarms
    rows(OWNER, "SELECT ledger_flag_lost(tenant, id, 3, '') FROM ledger_period WHERE tenant = %s", [lost.tenant])
    assert recheck(using=WORKERS) == 1
    assert (is_open(early), is_open(lost)) == (True, False)


def test_what_else_is_mended_a_look_of_finance_resolves(
    alarms: tuple[AlarmRaised, AlarmRaised], logins: Logins
) -> None:
    early, _ = alarms
    ante_date(logins, str(early.tenant), "2099-01-01")
    assert run("verify", using=WORKERS).counts["not_kept"] == 1
    assert is_open(early)
    sweep(grace=timedelta(0), using=WORKERS)
    assert is_open(early)
    list(watch(using=USUAL))
    assert not is_open(early)
