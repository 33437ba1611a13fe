"""/healthz and /metrics: what they show, to whom, and what they don't show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from ledger import define_series, issue
from ledger.conf import ledger_settings
from ledger.models import SweepRun
from ledger.sweeps import Sweep, register, registered, registry, run

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "a token for the tests, long enough"
SECRET = "postgresql://shop:hunter2@db/shop"


@pytest.fixture(autouse=True)
def few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folio's own."""
    monkeypatch.setattr(registry, "_sweeps", dict(registry._sweeps))


@pytest.fixture
def metered() -> Iterator[None]:
    with override_settings(LEDGER={"METRICS_TOKEN": TOKEN}):
        yield


def run_all() -> None:
    for sweep in registered():
        if sweep.name != "verify":  # a test database isn't guarded, which it would say at length
            run(sweep.name)
    SweepRun.objects.create(sweep="verify", process="here:1")
    SweepRun.objects.filter(sweep="verify").update(finished_at="2999-01-01T00:00Z")


def no_database(*arguments: Any, **named: Any) -> Any:
    raise OperationalError(f"connection to {SECRET} failed")


class TestHealth:
    def test_before_anything_has_run(self, client: Client) -> None:
        answer = client.get("/ledger/healthz")
        assert answer.status_code == 503
        document = answer.json()
        assert document["status"] == "overdue"
        assert [one["sweep"] for one in document["sweeps"]] == [sweep.name for sweep in registered()]
        assert all(one["overdue"] and one["succeeded_at"] is None for one in document["sweeps"])

    def test_when_all_is_well(self, client: Client) -> None:
        run_all()
        answer = client.get("/ledger/healthz")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert "no-cache" in answer["Cache-Control"]

    def test_a_sweep_that_has_not_succeeded_for_too_long(self, client: Client) -> None:
        run_all()
        SweepRun.objects.filter(sweep="heal").update(finished_at="2020-01-01T00:00Z", error="")
        answer = client.get("/ledger/healthz")
        assert answer.status_code == 503
        assert [one["sweep"] for one in answer.json()["sweeps"] if one["overdue"]] == ["heal"]

    def test_it_tells_names_and_times_and_nothing_else(self, client: Client) -> None:
        def fail(alias: str) -> dict[str, int]:
            raise RuntimeError(SECRET)

        run_all()
        register(Sweep("heal", "failing", fail))
        with pytest.raises(RuntimeError):
            run("heal")
        answer = client.get("/ledger/healthz")
        assert "hunter2" not in answer.content.decode()
        for one in answer.json()["sweeps"]:
            assert set(one) == {"sweep", "every", "succeeded_at", "overdue", "unfinished"}

    def test_no_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ledger.web.health.health", no_database)
        answer = client.get("/ledger/healthz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "unavailable", "sweeps": []}

    @override_settings(LEDGER={"METRICS_TOKEN": "a-token-for-tests"})
    @pytest.mark.parametrize("page", ["healthz", "metrics"])
    def test_no_transaction_is_opened_before_it_is_told(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, page: str
    ) -> None:
        """With ATOMIC_REQUESTS, opening one would fail before the view could say that the database doesn't answer."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/ledger/{page}", headers={"authorization": "Bearer a-token-for-tests"})
        assert asked.captured_queries
        assert not [query for query in asked.captured_queries if "SAVEPOINT" in query["sql"]]

    def test_it_is_read_only_and_cheap(self, client: Client) -> None:
        """A dozen statements over sets, however many tenants there are."""
        assert client.post("/ledger/healthz").status_code == 405

        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get("/ledger/healthz")
            return len(queries)

        with transaction.atomic():
            issue("invoice", org="first")
        run_all()
        before = asked()
        assert before <= 14
        for at in range(5):
            with transaction.atomic():
                issue("invoice", org=f"tenant-{at}")
        assert asked() == before

    def test_it_reads_few_rows_however_many_runs_are_remembered(self) -> None:
        from ledger.sweeps.sql import LATEST

        SweepRun.objects.bulk_create(SweepRun(sweep="heal", process="here:1") for _ in range(5000))
        SweepRun.objects.update(finished_at="2020-01-01T00:00Z")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE ledger_sweeprun")
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {LATEST}", [["heal", "verify"]])
            plan = str(cursor.fetchone()[0])
        assert "Seq Scan" not in plan
        assert "Sort" not in plan


class TestMetrics:
    def read(self, client: Client) -> dict[tuple[str, ...], float]:
        answer = client.get("/ledger/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
        }

    def test_there_are_none_without_a_token(self, client: Client) -> None:
        assert client.get("/ledger/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.usefixtures("metered")
    @pytest.mark.parametrize("given", ["", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ä"])
    def test_nobody_else_may_read_them(self, client: Client, given: str) -> None:
        answer = client.get("/ledger/metrics", headers={"Authorization": given})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert b"ledger_" not in answer.content

    @pytest.mark.usefixtures("metered")
    def test_what_they_tell(self, client: Client) -> None:
        define_series("invoice", template="I-{counter}", calendar="never", allocation="pooled", time_zone="UTC")
        define_series("shown", template="S-{counter}", calendar="never", allocation="reserved", time_zone="UTC")
        with transaction.atomic():
            issue("invoice", on=None)
        with transaction.atomic():
            issue("shown")
            transaction.set_rollback(True)
        before = self.read(client)
        assert before["ledger_sweep_overdue", "flag_gaps"] == 1
        assert ("ledger_sweep_last_success_timestamp_seconds", "flag_gaps") not in before
        run_all()
        figures = self.read(client)
        assert figures["ledger_sweep_overdue", "flag_gaps"] == 0
        assert figures["ledger_sweep_failed", "flag_gaps"] == 0
        assert figures["ledger_sweep_unfinished", "flag_gaps"] == 0
        assert figures["ledger_sweep_last_success_timestamp_seconds", "flag_gaps"] > 1_700_000_000
        assert 0 < figures["ledger_sweep_last_success_duration_seconds", "flag_gaps"] < 600
        assert figures["ledger_sweep_last_counted", "in_flight", "flag_gaps"] == 1
        assert (figures["ledger_pools",], figures["ledger_pools_low",]) == (1, 0)
        assert figures["ledger_reservations",] == 1
        assert figures["ledger_oldest_reservation_seconds",] > 0

    @pytest.mark.usefixtures("metered")
    def test_their_number_does_not_grow_with_the_ledger(self, client: Client) -> None:
        run_all()
        before = set(self.read(client))
        for at in range(5):
            with transaction.atomic():
                issue("invoice", org=f"tenant-{at}")
        run_all()
        after = self.read(client)
        assert set(after) == before
        assert not any("tenant" in part for name in after for part in name)

    @pytest.mark.usefixtures("metered")
    def test_no_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ledger.web.prometheus.health", no_database)
        answer = client.get("/ledger/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, b"hunter2" in answer.content) == (503, False)

    @pytest.mark.usefixtures("metered")
    def test_without_the_library_the_remedy_is_named(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "prometheus_client", None)
        with pytest.raises(ImproperlyConfigured, match=r"django-folio\[metrics\]") as raised:
            client.get("/ledger/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert TOKEN not in str(raised.value)

    @pytest.mark.parametrize("token", ["too short", 12345678901234567890, None])
    def test_an_invalid_token(self, token: Any) -> None:
        with (
            override_settings(LEDGER={"METRICS_TOKEN": token}),
            pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN") as raised,
        ):
            _ = ledger_settings().metrics_token
        assert str(token) not in str(raised.value).replace("16", "")

    @pytest.mark.usefixtures("metered")
    def test_the_token_is_not_shown_with_the_settings(self) -> None:
        assert TOKEN not in repr(ledger_settings())
