"""Connections that are cut, and a server that is started again: what runs for long goes on, or ends with an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction

from ledger import define_series, issue, sweeps
from ledger.models import SweepRun
from ledger.sweeps import Batches, Sweep, register
from tests.broker.waiting import until
from tests.ctrl_c import heard
from tests.databases import ROOT, manage
from tests.provision import database_url
from tests.storm.cluster import Cluster, NoPostgres

#: Ends all other connections of the database.
_CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture
def cut(transactional_db: None) -> Callable[[], None]:
    """Cuts this process's connections."""

    def cut() -> None:
        settings: Any = connection.settings_dict
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute(_CUT, [settings["NAME"]])

    connection.ensure_connection()
    return cut


@pytest.mark.parametrize("name", [sweep.name for sweep in sweeps.registered()])
def test_a_sweep_after_its_connection_was_cut(cut: Callable[[], None], name: str) -> None:
    define_series("invoice", template="I-{year}-{counter}", allocation="pooled", time_zone="UTC")
    with transaction.atomic():
        str(issue("invoice"))
    assert sweeps.run(name).error == ""
    cut()
    assert sweeps.run(name).error == ""


def test_a_batch_after_its_connection_was_cut(cut: Callable[[], None]) -> None:
    sent: list[tuple[Any, ...]] = []
    register(Sweep("parts", "of two", batches=Batches(lambda *_: iter([[1], [2]]), lambda *_: {"did": 1}, ("did",))))
    sweeps.run("parts", spread=lambda *batch: sent.append(batch))
    for run, number, ids in sent:
        cut()
        assert sweeps.run_batch(run.pk, number, ids) == {"did": 1}
    assert SweepRun.objects.get(sweep="parts").finished_at is not None


def test_a_sweep_whose_connection_is_cut_while_it_works(cut: Callable[[], None]) -> None:
    def work(alias: str) -> dict[str, int]:
        cut()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {}

    register(Sweep("unlucky", "being cut", work))
    with pytest.raises(OperationalError):
        sweeps.run("unlucky")
    row = SweepRun.objects.get()
    assert "OperationalError" in row.error
    assert row.finished_at is not None
    with pytest.raises(CommandError, match="These sweeps failed: unlucky") as ended:
        call_command("ledger_sweep", "unlucky", "heal")
    assert ended.value.returncode == 1
    assert SweepRun.objects.get(sweep="heal").error == ""


@pytest.mark.parametrize(
    "command",
    [
        ("ledger_gaps",),
        ("ledger_verify",),
        ("ledger_status",),
        ("ledger_rules",),
        ("ledger_report", "--format", "json"),
    ],
    ids=" ".join,
)
def test_another_command_ends_with_an_error(
    cut: Callable[[], None], command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut after its first statement, and says so in a sentence."""
    define_series("invoice", template="I-{year}-{counter}", time_zone="UTC")
    done: list[str] = []

    def once(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not done:
            done.append(sql)
            cut()
        return answer

    with connection.execute_wrapper(once), pytest.raises(CommandError, match="could not be asked") as ended:
        call_command(*command)
    assert ended.value.returncode == 1
    connection.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A migrated server that may be restarted, unlike the one that all tests share."""
    try:
        made = Cluster(tmp_path_factory.mktemp("cut"))
    except NoPostgres as error:
        pytest.skip(str(error))
    made.create()
    try:
        done = manage("migrate", "--verbosity", "0", url=made.url)
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.stop()
        made.remove()


@contextmanager
def sweeping(cluster: Cluster, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``ledger_sweep --forever``, a few times a second."""
    environment = {
        "DATABASE_URL": cluster.url,
        "DJANGO_SETTINGS_MODULE": "tests.broker.settings",
        "FOLIO_TEST_LEDGER": json.dumps({"SWEEPS": {"heal": {"every": 0.2}, "refill_pools": {"every": 0.2}}}),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "ledger_sweep", "heal", "refill_pools", "--forever"]
    with log.open("wb") as said, heard():
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_sweeping_for_ever(cluster: Cluster, tmp_path: Path) -> None:
    """Through a cut connection, and through a server that is away for a while."""
    log = tmp_path / "said"
    seen = [0]

    def swept() -> bool:
        """Whether each of the sweeps has had a success since this was asked with another answer."""
        with psycopg.connect(cluster.url) as asking:
            statement = "SELECT sweep, max(id) FROM ledger_sweeprun WHERE id > %s AND error = '' GROUP BY 1"
            latest: dict[str, int] = dict(asking.execute(statement, [seen[0]]).fetchall())
        if len(latest) < 2:
            return False
        seen[0] = max(latest.values())
        return True

    def goes_on() -> None:
        with psycopg.connect(cluster.url) as asking:
            seen[0] = asking.execute("SELECT coalesce(max(id), 0) FROM ledger_sweeprun").fetchone()[0]  # type: ignore[index]
        until(swept, lambda: f"no sweep any more:\n{log.read_text()}")

    with sweeping(cluster, log) as process:
        until(swept, lambda: f"no sweep at all:\n{log.read_text()}")
        with psycopg.connect(cluster.url, autocommit=True) as asking:
            asking.execute(_CUT, ["storm"])
        goes_on()
        cluster.stop()
        until(lambda: "OperationalError" in log.read_text(), "it did not notice")
        cluster.start()
        goes_on()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert "Interrupted" in log.read_text()
