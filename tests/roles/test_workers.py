"""The workers' role runs the sweeps, keeps the mirror, fills remote pools and pushes, by the functions for that."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connections, transaction

from ledger import define_series, issue, issue_many, open_period, remote, void
from ledger.gaps import sweep
from ledger.models import DraftCancelled, Entry, HoleHealed, HoleReported, Period, ScanPosition, Series, SweepRun
from ledger.reconciliation import BookSettings, compare, count_confirmed, findings
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from ledger.sweeps import registered, run
from ledger.sweeps.health import health
from tests.drafts import claimed, need, stock
from tests.integration.paper_books import Paper
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, VOID, WORKERS, opened, rows
from tests.roles.routing import everything_to
from workers.accounting.base import RemoteInvoice, State
from workers.accounting.credentials import Credentials, Secret
from workers.accounting.http_options import Limits
from workers.accounting.oauth import SharedTokens, Token
from workers.accounting.quota import SharedLimiter
from workers.accounting.systems import System
from workers.writing_back.queue import PushQueue


def remote_series(code: str) -> Series:
    return define_series(
        code, template=f"{code}-{{year}}-{{counter}}", allocation="remote", system="books", using=FINANCE
    )


def test_every_sweep_runs() -> None:
    """Each run is in the diary, and the health of each can be read."""
    define_series("due", template="DUE{year}-{counter}", close_after_days=1, using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("due", on=DAY.replace(year=2020), using=CHECKOUT)
    ours = [
        sweep.name for sweep in registered() if ":" not in sweep.name and not sweep.name.startswith("refill_remote")
    ]
    assert "verify" in ours
    for name in ours:
        if name != "verify":
            assert run(name, using=WORKERS).error == ""
    assert run("verify", using=WORKERS).finished_at is not None
    assert Period.objects.using(WORKERS).get(prefix="DUE2020-").closed_at is not None
    assert SweepRun.objects.using(WORKERS).filter(sweep="heal").exists()
    assert {found.sweep for found in health(using=WORKERS)} >= set(ours)


def test_gaps_are_flagged_and_the_scan_remembered() -> None:
    define_series("shown", template="SH{year}-{counter}", allocation="reserved", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("shown", on=DAY, using=CHECKOUT)
        issue("shown", on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    with transaction.atomic(using=CHECKOUT):
        issue("shown", on=DAY, using=CHECKOUT)
    assert sweep(series="shown", grace=timedelta(0), using=WORKERS).flagged == 2
    gap = Entry.objects.using(WORKERS).filter(series__code="shown", kind="gap").first()
    assert gap is not None
    assert (gap.actor, gap.db_login.split()[1]) == ("sweep", '"workers"')
    assert gap.metadata["reservation"]["transaction_status"] == "aborted"
    assert ScanPosition.objects.using(WORKERS).get(period=gap.period).through == 3


def test_a_hole_is_reported_and_healed() -> None:
    series = define_series("till", template="T{year}-{counter}", allocation="pooled", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("till", on=DAY, using=CHECKOUT)
    period = opened(series)
    with transaction.atomic(using=OWNER):
        rows(OWNER, "SELECT FROM ledger_slot WHERE period_id = %s AND value = 2 FOR UPDATE", [period.pk])
        with transaction.atomic(using=CHECKOUT):
            assert issue("till", on=DAY, using=CHECKOUT).value == 3
    swept = sweep(series="till", grace=timedelta(0), using=WORKERS)
    assert (swept.healing, swept.reported) == (1, 1)
    with transaction.atomic(using=CHECKOUT):
        assert issue("till", on=DAY, using=CHECKOUT).value == 2
    run("heal", using=WORKERS)
    hole = HoleReported.objects.using(WORKERS).get(period=period)
    assert HoleHealed.objects.using(WORKERS).get(hole=hole).entry.value == 2


def test_drafts_are_stored_withdrawn_and_cancelled() -> None:
    series = remote_series("drafted")
    period = stock(series, ["D1", "D2", "D3"], day=DAY, using=WORKERS)
    with transaction.atomic(using=CHECKOUT):
        assert str(issue("drafted", on=DAY, using=CHECKOUT)) == "D1"
    claim = claimed(series, WORKERS)
    first, _ = remote.free_drafts(claim, using=WORKERS)
    assert remote.withdraw(first, {"state": "deleted"}, using=WORKERS) == "withdrawn"
    refused = remote.store(claim, need(period), ordinal=4, remote_id="4", number="D1", using=WORKERS)
    assert refused == "refused"
    remote.keep_stray(period, ordinal=5, system="books", remote_id="5", number="D5", using=WORKERS)
    remote.release(claim, using=WORKERS)
    unused = list(remote.unused("books", series="drafted", using=WORKERS))
    assert [one.draft.number for one in unused] == ["D2", "D1", "D5"]
    for one in unused:
        remote.note_cancelled(one.draft, state="void", using=WORKERS)
    assert DraftCancelled.objects.using(WORKERS).filter(draft__period=period).count() == 3
    assert not list(remote.unused("books", series="drafted", using=WORKERS))


def test_the_mirror_is_kept_and_compared() -> None:
    with transaction.atomic(using=CHECKOUT):
        issue("invoice", org="reconciled", document="order:1", on=DAY, using=CHECKOUT)
    books = BookSettings("books", tenant="reconciled", grace=timedelta(0))
    policy = ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7))
    for papers, kinds in (
        ([], {"missing"}),
        ([Paper("1", "INV-2026-000001", issued_on=DAY), Paper("2", "X")], {"unknown"}),
        ([Paper("1", "INV-2026-000001", issued_on=DAY)], set()),
    ):
        reading = begin(books, policy, full=True, using=WORKERS)
        save_page(books, reading, papers, next_cursor=None, using=WORKERS)
        compare(books, using=WORKERS)
        assert {finding.kind for finding in findings(tenant="reconciled", using=WORKERS)} == kinds
        compare(books, full=True, using=WORKERS)
    assert count_confirmed(org="reconciled", using=WORKERS) == 1


def test_pools_are_minted_and_the_next_periods_opened() -> None:
    series = define_series("ahead", template="AH{year}-{counter}", allocation="pooled", using=FINANCE)
    assert open_period(series, DAY, using=WORKERS).last_value == 0
    assert rows(WORKERS, "SELECT ledger_mint('', %s, 0, 5)", [opened(series).pk]) == [("minted",)]


def test_tokens_limits_and_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_TOKEN_KEYS", Fernet.generate_key().decode())
    now = datetime(2026, 3, 1, tzinfo=UTC)
    system = System("books", "xero", Credentials("books", {}), tenant="pushed", series=("invoice",), push=True)
    there = RemoteInvoice("7", "INV-2026-000001", State.POSTED, DAY, "order:1", None)
    with transaction.atomic(using=CHECKOUT):
        entries = issue_many("invoice", documents=["order:1", "b"], org="pushed", on=DAY, using=CHECKOUT)
    with everything_to(WORKERS):
        with SharedTokens().hold("books") as hold:
            hold.renewed = Token(Secret("access"), Secret("refresh"), now, now, "origin")
        limiter = SharedLimiter("xero:org-1", Limits(concurrent=2))
        admitted = limiter.take(now)
        assert isinstance(admitted, str)
        limiter.give_back(admitted)
    queue = PushQueue(system, WORKERS)
    assert queue.look() == (2, 0)
    first = queue.claim(now)
    assert first is not None
    assert queue.pushed(first, there)
    void(entries[0], reason="reversed", using=VOID)
    assert queue.look() == (0, 1)
    again, other = queue.claim(now), queue.claim(now)
    assert again is not None
    assert other is not None
    assert queue.cancelled(again, there)
    assert queue.conflict(other, there, {"number": "X"})
    assert queue.retry() == 1
    queue.note("")
    assert sorted(queue.rows().values_list("state", flat=True)) == ["cancelled", "waiting"]


def test_the_second_connection_is_of_the_same_role() -> None:
    """Pools are refilled on that connection."""
    define_series("side", template="SI{year}-{counter}", allocation="pooled", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        entry = issue("side", on=DAY, using=CHECKOUT)
    rows(OWNER, "UPDATE ledger_pool SET batch = 1000, minted_at = now() WHERE period_id = %s", [entry.period_id])
    assert run("refill_pools", using=WORKERS).counts["minted"] >= 1
    connections[WORKERS].close()
