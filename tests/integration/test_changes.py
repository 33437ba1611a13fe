"""Changes of settings are events: what was, what is, and who."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from ledger import close_period, define_series, issue, open_period
from ledger.models import AccessChanged, Entry, PeriodChanged, Series, SeriesChanged, TenantAccess
from ledger.series import change_allocation

pytestmark = pytest.mark.django_db(transaction=True)


def history(series: Series) -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    return list(SeriesChanged.objects.filter(series=series).order_by("pk").values_list("old", "new", "actor"))


def test_a_series_tells_what_it_was() -> None:
    series = define_series("invoice", template="INV-{year}-{counter}", rules="FR", chronological=True, by="ada")
    define_series("invoice", rules="", chronological=False, by="eve")
    define_series("invoice", rules="FR", chronological=True, by="eve")
    define_series("invoice", rules="FR", by="eve")  # changes nothing, and so says nothing
    made, off, on = history(series)
    assert made[0] == {}
    assert (made[1]["rules"], made[1]["chronological"], made[2]) == ("FR", True, "ada")
    assert {"rules": "FR", "chronological": True}.items() <= off[0].items()
    assert {"rules": "", "chronological": False}.items() <= off[1].items()
    assert (off[2], on[2]) == ("eve", "eve")
    assert on[1].keys() == off[1].keys()


def test_also_one_changed_by_sql() -> None:
    series = define_series("invoice", template="INV-{year}-{counter}")
    Series.objects.filter(pk=series.pk).update(is_active=False)
    assert history(series)[-1] == ({"is_active": True}, {"is_active": False}, "")


def test_an_allocation_and_a_default_series() -> None:
    with transaction.atomic():
        issue("invoice")
    change_allocation("invoice", "at_commit", by="ada")
    series = Series.objects.get()
    assert [actor for _, _, actor in history(series)] == ["", "ada"]
    assert history(series)[1][1] == {"allocation": "at_commit"}


def test_a_closing_says_who() -> None:
    period = open_period(define_series("invoice", template="INV-{year}-{counter}"), date(2025, 1, 1))
    with transaction.atomic():
        issue("invoice", on=date(2025, 2, 2))
    assert not PeriodChanged.objects.exists(), "a counter that counts is no change of settings"
    close_period(period, by="ada")
    [event] = PeriodChanged.objects.all()
    assert (event.period_id, event.actor) == (period.pk, "ada")
    assert (event.old, list(event.new)) == ({"closed_at": None}, ["closed_at"])


def test_access_given_and_taken() -> None:
    user = get_user_model().objects.create_user("auditor")
    TenantAccess.grant(user, "shop-1").delete()
    events = AccessChanged.objects.order_by("pk").values_list("tenant", "user", "kind")
    assert list(events) == [("shop-1", f"auth.user:{user.pk}", kind) for kind in ("given", "taken")]


def test_every_event_bears_what_the_database_alone_knows() -> None:
    with transaction.atomic():
        entry = Entry.objects.get(pk=issue("invoice").pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        assert (entry.era, entry.db_login, entry.db_role) == (1, cursor.fetchone()[0], "none")


def test_the_ids_of_a_home() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_set_home(3)")
        assert issue("invoice").pk == 3 * 2**48 + 1
        assert Series.objects.get().pk == 3 * 2**48 + 1
        # The exclusion constraints count with ids of that size.
        assert open_period(Series.objects.get(), date(2031, 1, 1)).pk == 3 * 2**48 + 2
        transaction.set_rollback(True)
