"""A host project with ``USE_TZ = False``: Django reads moments without a zone there, and Folio shows them with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from textwrap import dedent

import pytest

from tests.databases import manage, migrated_database

SETTINGS = "tests.naive_settings"

#: Three hours behind UTC, all the year.
ZONE = "-03:00"

BOOKS = """
    from datetime import date
    from django.db import transaction
    from ledger import close_period, define_series, issue, void

    define_series("kept", template="K{year}-{counter}", allocation="reserved")
    with transaction.atomic():
        issue("kept", on=date(2025, 5, 5))
    with transaction.atomic():
        issue("kept", on=date(2025, 5, 5))
        transaction.set_rollback(True)
    with transaction.atomic():
        last = issue("kept", on=date(2025, 5, 5))
    void(last, reason="card refused", by="ada")
    close_period(last.period)  # flags the value that was rolled back
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with migrated_database("folio_naive") as url:
        run(url, BOOKS)
        done = manage("ledger_sweep", "heal", url=url, settings=SETTINGS)
        assert (done.returncode, "1 missing value is not explained" in done.stderr) == (1, True)
        yield url


def run(url: str, script: str) -> str:
    done = manage("shell", "--verbosity", "0", "-c", dedent(script), url=url, settings=SETTINGS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_page_opens(url: str) -> None:
    told = run(
        url,
        """
        import json
        from django.contrib.auth import get_user_model
        from django.test import Client
        from django.urls import reverse
        from ledger.models import Entry

        entry = Entry.objects.order_by("value").last()
        period = entry.period
        pages = [reverse(f"ledger:{name}") for name in ("overview", "gaps", "alarms", "findings", "workers")]
        pages += [reverse("ledger:series", args=[entry.series_id]), reverse("ledger:period", args=[period.pk])]
        pages += [reverse("ledger:number", args=[period.pk, value]) for value in (1, 2, 3)]
        client = Client()
        client.force_login(get_user_model().objects.create_superuser("root"))
        answers = {page: client.get(page) for page in pages}
        print(json.dumps({page: [answer.status_code, answer.text] for page, answer in answers.items()}))
        """,
    )
    pages = json.loads(told)
    assert {page: status for page, (status, _) in pages.items()} == dict.fromkeys(pages, 200)
    for page in pages:
        told_times = pages[page][1].count("<time ")
        assert pages[page][1].count(f'{ZONE}">') >= told_times, page
    assert sum(text.count("<time ") for _, text in pages.values()) > 5


def test_json_names_the_offset(url: str) -> None:
    done = manage("ledger_sweep", "--status", "--json", url=url, settings=SETTINGS)
    healed = next(sweep for sweep in json.loads(done.stdout) if sweep["sweep"] == "heal")
    assert healed["succeeded_at"].endswith(ZONE)
    health = run(url, "from django.test import Client; print(Client().get('/ledger/healthz').text)")
    assert any(str(sweep["succeeded_at"]).endswith(ZONE) for sweep in json.loads(health)["sweeps"])


def test_errors_name_the_zone(url: str) -> None:
    told = run(
        url,
        """
        from datetime import date
        from django.db import transaction
        from ledger import errors, issue, void

        for refused in (
            lambda: issue("kept", on=date(2025, 5, 5)),
            lambda: void("K2025-3", reason="again"),
        ):
            try:
                with transaction.atomic():
                    refused()
            except errors.LedgerError as error:
                print(error)
        """,
    )
    closed, voided = told.splitlines()
    assert "closed at" in closed
    assert "-03:00." in closed
    assert "-03:00, by ada" in voided


def test_requests_to_accounting_systems_are_counted(url: str) -> None:
    told = run(
        url,
        """
        from datetime import UTC, datetime, timedelta
        from workers.accounting.http_options import Limits
        from workers.accounting.quota import SharedLimiter

        now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        limiter = SharedLimiter("xero:org-1", Limits(per_minute=60))
        limiter.take(now)
        limiter.pause(now + timedelta(seconds=30))
        print(limiter.take(now + timedelta(seconds=1)).seconds)
        """,
    )
    assert told.strip() == "29.0"


def test_an_accounting_system_is_read_in_every_way(url: str) -> None:
    """Everything; what changed since the last time; and since a time that somebody named."""
    told = run(
        url,
        """
        from datetime import UTC, datetime, timedelta
        from ledger.reconciliation import BookSettings
        from ledger.reconciliation.mirror import ReadPolicy, begin, save_page

        books = BookSettings("books", "")
        policy = ReadPolicy(overlap=timedelta(minutes=15), full_every=timedelta(days=7), horizon=timedelta(days=30))
        named = datetime.now(UTC) - timedelta(days=1)
        for since in (named, None, None, named):
            reading = begin(books, policy, since=since)
            assert save_page(books, reading, [], next_cursor=None) is None
            print(reading.full, reading.since and reading.since.utcoffset() is not None, reading.since == named)
        """,
    )
    assert told.splitlines() == ["False True True", "True None False", "False True False", "False True True"]
