"""``ledger_verify`` as a command: what scripts read, exit codes, progress, memory."""

import json
import os
import sys
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.verification import CHECKS, verify
from ledger.verification.findings import Alarm
from tests.databases import manage, manage_here, new_database
from tests.integration.full_ledger import ALIAS, INVOICE, PERIOD


def test_json(tamper: Callable[..., None]) -> None:
    out = StringIO()
    call_command("ledger_verify", database=ALIAS, json=True, stdout=out)
    document = json.loads(out.getvalue())
    verdict = document.pop("verdict")
    assert (verdict["state"], verdict["facts"]) == ("in order", [])
    assert document == {
        "alarms": [],
        "ok": True,
        "found": 0,
        "rules": {},
        "notes": [],
        "checks": [check.title for check in CHECKS],
    }
    tamper(f"DELETE FROM ledger_entry WHERE {INVOICE} AND value IN (5, 7)")
    out = StringIO()
    with pytest.raises(CommandError, match="rule 1: 2"):
        call_command("ledger_verify", database=ALIAS, json=True, stdout=out)
    document = json.loads(out.getvalue())
    assert (document["ok"], document["found"], document["rules"]) == (False, 2, {"1": 2})
    first, second = document["alarms"]
    assert (first["value"], first["through"], second["value"]) == (5, 5, 7)
    assert set(first) == set(Alarm.__slots__)


def test_exit_codes(ledger: BaseDatabaseWrapper, verified_url: str) -> None:
    done = manage_here("ledger_verify", "--database", ALIAS, "--tenant", "acme")
    assert (done.returncode, done.stderr) == (0, "")
    with ledger.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_fits")
        try:
            done = manage("ledger_verify", url=verified_url)
        finally:
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")
    assert done.returncode == 2
    assert "ledger_entry_fits" in done.stdout
    assert "Lost or tampered: 1 alarm is unresolved." in done.stderr
    for options in (["--series", "invioce"], ["--tenant", "acmee"], ["--oops"], ["--database", "nowhere"]):
        done = manage_here("ledger_verify", "--database", ALIAS, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert options[-1] in done.stderr


def test_a_database_without_a_ledger() -> None:
    with new_database("folio_empty") as url:
        done = manage("ledger_verify", url=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Run manage.py migrate" in done.stderr


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress(
    ledger: BaseDatabaseWrapper, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By rich where it is installed, else a line for each check; never in what scripts read."""
    out = StringIO()
    call_command("ledger_verify", database=ALIAS, json=True, stdout=out, stderr=Terminal())
    assert json.loads(out.getvalue())["ok"]
    monkeypatch.setitem(sys.modules, "rich.console", None)
    terminal = Terminal()
    call_command("ledger_verify", database=ALIAS, stdout=StringIO(), stderr=terminal)
    for check in CHECKS:
        assert f"… checking {check.title}" in terminal.getvalue()
    silent = Terminal()
    call_command("ledger_verify", database=ALIAS, verbosity=0, stdout=StringIO(), stderr=silent)
    assert silent.getvalue() == ""


def test_memory_is_constant(tamper: Callable[..., None], ledger: BaseDatabaseWrapper) -> None:
    """100,000 holes in 200,000 rows: the rows stay with the server."""
    psutil = pytest.importorskip("psutil")
    with ledger.cursor() as cursor:
        cursor.execute(f"UPDATE ledger_period SET last_value = 200000 WHERE {PERIOD}")
        cursor.execute(
            "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor,"
            " metadata) SELECT tenant, series_id, period_id, v, 'issued', ledger_number('INV-2025-', 6, '', v, NULL),"
            f" 'order:' || v, issued_on, '', '{{}}' FROM ledger_entry, generate_series(10, 200000) v WHERE {INVOICE}"
            " AND value = 1"
        )
    tamper(f"DELETE FROM ledger_entry WHERE {INVOICE} AND value % 2 = 0 AND value > 10")
    process = psutil.Process(os.getpid())
    before = peak = process.memory_info().rss
    count = 0
    for count, _ in enumerate(verify(using=ALIAS), start=1):
        if count % 5000 == 0:
            peak = max(peak, process.memory_info().rss)
    assert count > 99_990
    assert peak - before < 30_000_000
