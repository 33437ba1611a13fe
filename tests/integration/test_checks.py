"""The setting LEDGER, and the system checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.postgres import fields
from django.core.checks import Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings

from ledger import checks, define_series
from ledger.conf import ledger_settings
from tests.databases import database_alias
from tests.shop.models import Organization


def told(**options: Any) -> dict[str, str]:
    messages = run_checks(**options)
    return {str(message.id): f"{message.msg} {message.hint}" for message in messages if str(message.id)[:6] == "ledger"}


class TestTheSetting:
    @override_settings(TIME_ZONE="Europe/Paris")
    def test_is_not_needed(self) -> None:
        settings = ledger_settings()
        assert (settings.time_zone, settings.clock, settings.open_ahead_days) == ("Europe/Paris", "database", 30)
        assert set(settings.default_series) == {"invoice", "order", "receipt", "ticket"}

    @override_settings(LEDGER={"TIME_ZONE": "Asia/Tokyo", "CLOCK": "application", "OPEN_AHEAD_DAYS": 0})
    def test_is_read_at_each_call(self) -> None:
        settings = ledger_settings()
        assert (settings.time_zone, settings.clock, settings.open_ahead_days) == ("Asia/Tokyo", "application", 0)

    @pytest.mark.parametrize(
        ("setting", "told"),
        [
            ({"CLOK": "database"}, "unknown keys CLOK"),
            ({"CLOCK": "sundial"}, "'sundial'"),
            ({"OPEN_AHEAD_DAYS": -1}, "-1"),
            ({"OPEN_AHEAD_DAYS": True}, "True"),
            ({"SECOND_CONNECTIONS": {"default": "nowhere"}}, "'nowhere'"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, setting: dict[str, Any], told: str) -> None:
        with override_settings(LEDGER=setting), pytest.raises(ImproperlyConfigured, match=told):
            ledger_settings()


class TestChecks:
    def test_all_is_well_without_settings(self) -> None:
        assert told() == {}

    @override_settings(LEDGER={"CLOK": 1})
    def test_a_bad_setting(self) -> None:
        assert "unknown keys CLOK" in told()["ledger.E001"]

    @pytest.mark.parametrize(
        "series",
        [
            {"template": "CN-{counter:06}", "calendar": "year"},
            {"calendar": "year"},
            {"template": "CN-{year}-{counter:06}", "colour": "red"},
            {"template": "CN-{year}-{counter:06}", "time_zone": "Mars/Olympus"},
        ],
    )
    def test_a_bad_default_series(self, series: dict[str, Any]) -> None:
        with override_settings(LEDGER={"DEFAULT_SERIES": {"credit": series}}):
            assert "['credit']" in told()["ledger.E002"]

    @pytest.mark.django_db
    def test_the_owner_of_the_tables_is_warned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "ledger.W001" not in told(databases=["default"])  # a test runner owns what it makes
        monkeypatch.setattr(checks, "is_test_database", lambda connection: False)
        assert "owns the ledger's tables" in told(databases=["default"])["ledger.W001"]

    @pytest.mark.django_db
    def test_another_role_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "is_test_database", lambda connection: False)
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE ledger_check_test")
            cursor.execute("SET LOCAL ROLE ledger_check_test")
            try:
                assert "ledger.W001" not in told(databases=["default"])
            finally:
                cursor.execute("RESET ROLE")

    @pytest.mark.django_db
    @pytest.mark.parametrize("level", ["repeatable read", "serializable"])
    def test_isolation_that_costs_is_told(self, level: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL default_transaction_isolation = '{level}'")
        assert level.upper() in told(databases=["default"])["ledger.W002"]

    @pytest.mark.django_db
    def test_tenants_of_a_renamed_model_are_told(self) -> None:
        shop = Organization.objects.create(name="Shop")
        define_series("invoice", template="INV{year}-{counter}", org=shop)
        define_series("invoice", template="INV{year}-{counter}", org="no.app:1")
        assert "ledger.W004" not in told(databases=["default"])
        define_series("invoice", template="INV{year}-{counter}", org="shop.merchant:1")
        warned = told(databases=["default"])["ledger.W004"]
        assert "tenants shop.merchant:…" in warned
        assert "org=f'shop.merchant:{org.pk}'" in warned

    @pytest.mark.django_db
    def test_connections_that_end_with_each_request_are_told_where_they_cost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        define_series("a", template="A{year}-{counter}", allocation="pooled")
        assert "ledger.W003" not in told(databases=["default"])
        series = define_series("b", template="B{year}-{counter}", allocation="reserved")
        assert "two connections" in told(databases=["default"])["ledger.W003"]
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
        assert "ledger.W003" not in told(databases=["default"])
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
        with connection.cursor() as cursor, monkeypatch.context() as pooled:
            pooled.setitem(connection.settings_dict, "OPTIONS", {"pool": True})
            assert checks._check_connection_age("default", cursor) == []
        series.is_active = False
        series.save()
        assert "ledger.W003" not in told(databases=["default"])

    @pytest.mark.parametrize(
        ("changed", "problem"),
        [
            ({}, None),
            ({"NAME": "postgres"}, "leads to another server or database, or has another login"),
            ({"HOST": "127.0.0.1", "PORT": "1"}, "can't be opened"),
        ],
        ids=["same", "another", "none"],
    )
    def test_a_second_connection_leads_to_the_same_database(
        self,
        plain_database: str,
        monkeypatch: pytest.MonkeyPatch,
        django_db_blocker: Any,
        changed: dict[str, str],
        problem: str | None,
    ) -> None:
        monkeypatch.setitem(settings.DATABASES, "plain", {})
        monkeypatch.setitem(settings.DATABASES, "ahead", {})
        with (
            database_alias("plain", plain_database),
            database_alias("ahead", plain_database, **changed),
            override_settings(LEDGER={"SECOND_CONNECTIONS": {"plain": "ahead"}}),
            django_db_blocker.unblock(),
        ):
            found = told(databases=["plain"]).get("ledger.E004")
        assert found is None if problem is None else problem in str(found)


def test_arrays_need_no_line_in_installed_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django 6.1 wants ``django.contrib.postgres`` to be listed for them; whatever else it says is heard."""
    said = [Error("list the app", id="postgres.E005"), Error("something else", id="postgres.E001")]
    monkeypatch.setattr(fields.ArrayField, "check", lambda self, **kwargs: list(said))
    arrays = [
        field
        for model in apps.get_app_config("ledger").get_models()
        for field in model._meta.local_fields
        if isinstance(field, fields.ArrayField)
    ]
    assert arrays
    for field in arrays:
        assert [message.id for message in field.check()] == ["postgres.E001"], field
        assert field.deconstruct()[1] == "django.contrib.postgres.fields.ArrayField"
