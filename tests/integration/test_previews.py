"""Previews only read: they lock no row and write nothing, even in a caller's transaction (ATOMIC_REQUESTS)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from ledger import define_series, issue, preview
from ledger.models import Allocation, Period
from ledger.zones import today_in
from tests.drafts import remote_series, stock
from tests.integration.admin_pages import SETTINGS, url
from tests.integration.pages import client
from tests.integration.test_poison_pages import EVERYTHING

pytestmark = pytest.mark.django_db(transaction=True)

# What this transaction holds of the ledger beyond what reading holds.
LOCKS = """
    SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND starts_with(c.relname, 'ledger_') AND l.mode <> 'AccessShareLock'
    UNION ALL
    SELECT l.locktype, l.mode FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory'
"""


@contextmanager
def locks_nothing() -> Iterator[None]:
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute(LOCKS)
            assert cursor.fetchall() == []
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NULL")
            assert cursor.fetchone() == (True,), "nothing was written"


@pytest.fixture(params=[one.value for one in Allocation])
def used(request: pytest.FixtureRequest) -> str:
    """The allocation of a series that has given out a number, and has another template since."""
    today = today_in("Europe/Berlin", "default")
    if request.param == Allocation.REMOTE:
        stock(remote_series("invoice"), ["B-1", "B-2"], day=today)
    else:
        define_series(
            "invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin", allocation=request.param
        )
    with transaction.atomic():
        issue("invoice")
    return str(request.param)


def test_the_api_and_the_command(used: str) -> None:
    with locks_nothing():
        assert preview("invoice")
    with locks_nothing():
        call_command("ledger_series", "show", "invoice", stdout=StringIO())


def test_the_admin_also_once_a_setting_is_touched(used: str, admin_client: Client) -> None:
    period = Period.objects.get()
    changes: list[dict[str, Any]] = [{"allocation": allocation} for allocation in Allocation.values]
    changes += [{"template": "NEW-{year}-{counter}"}, {"calendar": "month"}, {"max_length": 20}]
    for change in changes:
        settings = {**SETTINGS, "system": "books", "series": period.series_id, "allocation": used, **change}
        with locks_nothing():
            answer = admin_client.get(url("series", "preview"), settings)
        assert answer.status_code == 200
        told = json.loads(answer.content)
        assert told["lines"] or told["refusals"]


def test_pages_of_the_admin(used: str, admin_client: Client) -> None:
    series = Period.objects.get().series_id
    for address in (url("series"), url("series", "change", series), url("series", "add"), url("period")):
        with locks_nothing():
            assert admin_client.get(address).status_code == 200


def test_pages(used: str) -> None:
    staff = client("staff", *EVERYTHING)
    period = Period.objects.get()
    for page in ("", f"series/{period.series_id}/", f"period/{period.pk}/"):
        with locks_nothing():
            assert staff.get(f"/ledger/{page}").status_code == 200


def test_a_form_that_lies_ahead() -> None:
    today = today_in("UTC", "default")
    define_series("t", template="A-{counter}", calendar="never", time_zone="UTC")
    with transaction.atomic():
        issue("t", on=today)
    define_series("t", template="B-{counter}", from_day=today + timedelta(days=2))
    with locks_nothing():
        assert preview("t", on=today + timedelta(days=2)) == "B-2"
