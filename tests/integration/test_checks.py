"""The setting LEDGER, and the system checks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.postgres import fields
from django.core.checks import Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings

from ledger import checks, define_series, issue
from ledger.conf import _KEYS, SWEEPS, ledger_settings
from tests.databases import database_alias
from tests.shop.models import Organization
from workers.schedule import schedule
from workers.system_sweeps import register_sweeps


def ledger_messages(**options: Any) -> dict[str, str]:
    messages = run_checks(**options)
    return {str(message.id): f"{message.msg} {message.hint}" for message in messages if str(message.id)[:6] == "ledger"}


#: The wrong key, the setting, and the message.
WRONG: list[tuple[str, Any, str]] = [
    ("CLOCK", {"CLOK": "application"}, "LEDGER has unknown keys CLOK (CLOCK?); known are"),
    ("CLOCK", {"CLOCK": "sundial"}, "'sundial'"),
    ("TIME_ZONE", {"TIMEZONE": "Asia/Tokyo"}, "unknown keys TIMEZONE (TIME_ZONE?)"),
    ("OPEN_AHEAD_DAYS", {"OPEN_AHEAD_DAYS": -1}, "-1"),
    ("OPEN_AHEAD_DAYS", {"OPEN_AHEAD_DAYS": True}, "True"),
    ("MAX_DAYS_AHEAD", {"MAX_DAY_AHEAD": 7}, "unknown keys MAX_DAY_AHEAD (MAX_DAYS_AHEAD?)"),
    ("SECOND_CONNECTIONS", {"SECOND_CONNECTIONS": {"default": "defualt"}}, "names 'defualt' (default?)"),
    ("SECOND_CONNECTIONS", {"SECOND_CONNECTIONS": ["default"]}, "it must be a dict"),
    ("SWEEPS", {"SWEEPS": {"heal": {"evry": 60}}}, "has 'evry': 60 (every?)"),
    ("SWEEPS", {"SWEEPS": {"heal": {"every": "60"}}}, "has 'every': '60'; known are"),
    ("SWEEPS", {"SWEEPS": {"heal": 60}}, "it must be a dict of times"),
    ("SWEEPS", {"SWEEPS": ["heal"]}, "it must be a dict"),
    ("SWEEPS", {"SWEEP": {}}, "unknown keys SWEEP (SWEEPS?)"),
    ("DEFAULT_SERIES", {"DEFAULT_SERIES": {"bill": "B{counter}"}}, "it must be a dict of settings"),
    ("DEFAULT_SERIES", {"DEFAULT_SERIE": {}}, "unknown keys DEFAULT_SERIE (DEFAULT_SERIES?)"),
    ("METRICS_TOKEN", {"METRICS_TOKEN": "short"}, "16 characters"),
    ("", {"x": 1}, "unknown keys x; known are"),
]


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

    @pytest.mark.parametrize(("key", "setting", "problem"), WRONG)
    def test_a_mistake_stops_who_needs_that_value_and_nobody_else(self, key: str, setting: Any, problem: str) -> None:
        with override_settings(LEDGER=setting):
            asked = ledger_settings()
            for each in _KEYS:
                if each == key:
                    with pytest.raises(ImproperlyConfigured, match=re.escape(problem)):
                        getattr(asked, each.lower())
                else:
                    getattr(asked, each.lower())
            assert problem in ledger_messages()["ledger.E001"]

    @pytest.mark.django_db
    @pytest.mark.parametrize(("key", "setting", "problem"), WRONG)
    def test_what_a_checkout_does_not_need_does_not_stop_it(self, key: str, setting: Any, problem: str) -> None:
        define_series("bill", template="B{year}-{counter:03}", time_zone="UTC", max_days_ahead=400)
        with override_settings(LEDGER=setting):
            if key == "CLOCK":
                with pytest.raises(ImproperlyConfigured, match=re.escape(problem)):
                    issue("bill")
            else:
                assert str(issue("bill")).endswith("-001")

    @pytest.mark.parametrize("setting", [None, [], "CLOCK"])
    def test_anything_but_a_dict_is_reported(self, setting: Any) -> None:
        with override_settings(LEDGER=setting):
            assert ledger_settings().clock == "database"
            assert ledger_messages()["ledger.E001"].startswith("LEDGER must be a dict")


class TestChecks:
    def test_all_is_well_without_settings(self) -> None:
        assert ledger_messages() == {}

    @override_settings(LEDGER={"CLOK": 1})
    def test_a_bad_setting(self) -> None:
        assert "unknown keys CLOK" in ledger_messages()["ledger.E001"]

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
            assert "['credit']" in ledger_messages()["ledger.E002"]

    @pytest.mark.parametrize(
        ("setting", "value", "check", "problem"),
        [
            ("LEDGER", {"SWEEPS": {"flag_gap": {"every": 9}}}, "E006", "names 'flag_gap' (flag_gaps?)"),
            (
                "LEDGER",
                {"SWEEPS": {"push:books": {"every": 9}}},
                "E006",
                "names 'push:books', and there is no such sweep",
            ),
            ("LEDGER_ACCOUNTING", {"SYSTMES": {}}, "E008", "LEDGER_ACCOUNTING has unknown keys SYSTMES (SYSTEMS?)"),
            ("LEDGER_ACCOUNTING", {"SYSTEMS": []}, "E008", "LEDGER_ACCOUNTING['SYSTEMS'] is []"),
            ("LEDGER_ACCOUNTING", ["SYSTEMS"], "E008", "LEDGER_ACCOUNTING is of type list"),
            ("LEDGER_ACCOUNTING", {"SYSTEMS": {"books": 1}}, "E008", "['books'] is of type int"),
            ("LEDGER_ACCOUNTING", {"SYSTEMS": {"books": {"adaptor": "xero"}}}, "E008", "adaptor (adapter?)"),
            ("LEDGER_ACCOUNTING", {"SYSTEMS": {"books": {"adapter": "zero"}}}, "E008", "no adapter 'zero' (xero?)"),
            ("LEDGER_ACCOUNTING", {"SYSTEMS": {"books": {}}}, "E008", "books: 'adapter' is missing"),
            ("LEDGER_COMPAT", {"SEQUENCE_TENANT": ""}, "E007", "SEQUENCE_TENANT (SEQUENCES_TENANT?)"),
            ("LEDGER_COMPAT", {"HIDE_ORIGINALS": 1}, "E007", "must be True or False"),
            ("LEDGER_COMPAT", {"OLD_NAMES": {"(": {"series": "a"}}}, "E007", "no regular expression"),
            ("LEDGER_COMPAT", {"GENERATORS": {"invoicing": {"serie": "a"}}}, "E007", "unknown keys serie (series?)"),
            ("LEDGER_LORIKEET", {"SERIE": ""}, "E007", "unknown keys SERIE (SERIES?)"),
            ("LEDGER_LORIKEET", "invoice", "E007", "must be a dict"),
            ("LEDGER_ACOUNTING", {}, "W005", "Folio has no setting LEDGER_ACOUNTING (LEDGER_ACCOUNTING?)"),
        ],
    )
    def test_a_misspelt_word_is_told_with_the_nearest_known_one(
        self, setting: str, value: Any, check: str, problem: str
    ) -> None:
        with override_settings(**{setting: value}):
            assert problem in ledger_messages()[f"ledger.{check}"]

    @override_settings(LEDGER_ACCOUNTING={"SYSTEMS": {"books": {"adapter": "xero"}, "bad": {"adaptor": 1, "push": 1}}})
    def test_the_sweeps_of_a_system_may_be_named(self) -> None:
        register_sweeps()
        with override_settings(LEDGER={"SWEEPS": {"reconcile:books": {"every": 9}, "push:bad": {"every": 9}}}):
            assert "ledger.E006" not in ledger_messages()

    def test_a_setting_of_the_host_may_begin_like_folios(self) -> None:
        with override_settings(LEDGERS_OF_THE_SHOP=[], LEDGER_X={}):
            assert ledger_messages() == {}

    @pytest.mark.parametrize("setting", [{"SYSTMES": {}}, {"SYSTEMS": []}, None, {"SYSTEMS": {"books": {"x": 1}}}])
    def test_a_mistake_in_the_accounting_stops_no_process(self, setting: Any) -> None:
        with override_settings(LEDGER_ACCOUNTING=setting):
            apps.get_app_config("ledger_workers").ready()

    def test_no_task_is_scheduled_that_nobody_has(self) -> None:
        with override_settings(LEDGER={"SWEEPS": {"flag_gap": {"every": 9}, "push:books": {"every": 9}}}):
            tasks = {entry["task"].removeprefix("ledger.") for entry in schedule().values()}
        assert tasks == set(SWEEPS)

    @pytest.mark.django_db
    def test_the_owner_of_the_tables_is_warned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "ledger.W001" not in ledger_messages(databases=["default"])  # a test runner owns what it makes
        monkeypatch.setattr(checks, "is_test_database", lambda connection: False)
        assert "owns the ledger's tables" in ledger_messages(databases=["default"])["ledger.W001"]

    @pytest.mark.django_db
    def test_another_role_is_not_warned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "is_test_database", lambda connection: False)
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE ledger_check_test")
            cursor.execute("SET LOCAL ROLE ledger_check_test")
            try:
                assert "ledger.W001" not in ledger_messages(databases=["default"])
            finally:
                cursor.execute("RESET ROLE")

    @pytest.mark.django_db
    @pytest.mark.parametrize("level", ["repeatable read", "serializable"])
    def test_expensive_isolation_is_reported(self, level: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL default_transaction_isolation = '{level}'")
        assert level.upper() in ledger_messages(databases=["default"])["ledger.W002"]

    @pytest.mark.django_db
    def test_tenants_of_a_renamed_model_are_told(self) -> None:
        shop = Organization.objects.create(name="Shop")
        define_series("invoice", template="INV{year}-{counter}", org=shop)
        define_series("invoice", template="INV{year}-{counter}", org="no.app:1")
        assert "ledger.W004" not in ledger_messages(databases=["default"])
        define_series("invoice", template="INV{year}-{counter}", org="shop.merchant:1")
        warned = ledger_messages(databases=["default"])["ledger.W004"]
        assert "tenants shop.merchant:…" in warned
        assert "org=f'shop.merchant:{org.pk}'" in warned

    @pytest.mark.django_db
    def test_connections_that_end_with_each_request_are_reported_where_they_cost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        define_series("a", template="A{year}-{counter}", allocation="pooled")
        assert "ledger.W003" not in ledger_messages(databases=["default"])
        series = define_series("b", template="B{year}-{counter}", allocation="reserved")
        assert "two connections" in ledger_messages(databases=["default"])["ledger.W003"]
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
        assert "ledger.W003" not in ledger_messages(databases=["default"])
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
        with monkeypatch.context() as pooled:
            pooled.setitem(connection.settings_dict, "OPTIONS", {"pool": True})
            assert list(checks._check_connection_age("default")) == []
        series.is_active = False
        series.save()
        assert "ledger.W003" not in ledger_messages(databases=["default"])

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
            found = ledger_messages(databases=["plain"]).get("ledger.E004")
        assert found is None if problem is None else problem in str(found)


def test_arrays_need_no_line_in_installed_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django 6.1 wants ``django.contrib.postgres`` to be listed for them; all its other checks still count."""
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
