"""The pages' figures are the ledger's, also from the cache, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger import define_series, issue, issue_many, void
from ledger.models import AdoptedGap, Adoption, Entry, NumberVoided, Period
from ledger.reports.continuity import summarise
from ledger.verification.alarms import lost_values, raise_alarms
from ledger.web import counts
from ledger.web.charts import number_line
from ledger.web.counts import Bucket, period_counts
from tests.integration.full_ledger import tampered
from tests.integration.pages import flag, shop
from tests.integration.queues import pooled, reserve, reserving, take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_BLOCK", 10)
    cache.clear()


@pytest.fixture
def period() -> Period:
    """Values 1 to 100: every 17th a gap, four void."""
    define_series("invoice", template="I-{year}-{counter:04}", time_zone="UTC")
    issued: list[Entry] = []
    for n in range(1, 101):
        if n % 17 == 0:
            flag(Period.objects.get(), "no")
        else:
            issued.append(issue("invoice", document=f"order:{n}", on=date(2026, 1, 1 + n % 28)))
    for entry in (issued[0], issued[1], issued[50], issued[-1]):
        void(entry, reason="returned")
    return Period.objects.select_related("series").get()


def figures(bucket: Bucket) -> tuple[int, ...]:
    return bucket.issued, bucket.void, bucket.flagged, bucket.in_progress, bucket.lost


def states() -> list[tuple[int, str, bool]]:
    """Value and kind of every entry, and whether it is void."""
    entries = Entry.objects.order_by("value").values_list("value", "kind", "voids")
    return [(value, kind, void is not None) for value, kind, void in entries]


def by_hand(first: int, last: int, entries: list[tuple[int, str, bool]] | None = None) -> tuple[int, ...]:
    """The figures of a stretch, counted one by one among ``entries``, else among those that are there now."""
    inside = [(kind, void) for value, kind, void in entries or states() if first <= value <= last]
    issued, gaps = (sum(kind == one for kind, _ in inside) for one in ("issued", "gap"))
    return issued, sum(void for _, void in inside), gaps, 0, last - first + 1 - issued - gaps


def test_every_stretch_at_every_zoom(period: Period) -> None:
    entries = states()
    for _ in range(2):  # the second time out of the cache
        for most in (1, 3, 7, 10, 40, 400):
            for first, last in ((1, 100), (1, 7), (13, 58), (40, 40), (95, 100)):
                if most == 1 and (first, last) != (1, 100):
                    continue
                found = period_counts(period).buckets(first, last, most)
                assert found[0].first <= first
                assert found[-1].last >= last
                assert [each.first for each in found[1:]] == [each.last + 1 for each in found[:-1]]
                for bucket in found:
                    assert figures(bucket) == by_hand(bucket.first, bucket.last, entries), (most, first, last, bucket)


def test_the_sums_are_those_of_the_continuity_report(period: Period) -> None:
    (summary,) = summarise()
    total = period_counts(period).total()
    assert (total.used, total.void, total.flagged) == (summary.used, summary.void, summary.flagged)
    assert (total.size, total.missing) == (summary.expected, summary.flagged + summary.missing)
    assert sum(period_counts(period).days.values()) == summary.used


def test_what_comes_later_is_seen_at_once(period: Period) -> None:
    period_counts(period).buckets(1, 100)
    issue_many("invoice", documents=[f"later:{n}" for n in range(7)], on=date(2026, 2, 1))
    void(Entry.objects.get(value=30), reason="returned later")
    period.refresh_from_db()
    found = period_counts(period)
    assert figures(found.total()) == by_hand(1, 107)
    assert sum(found.days.values()) == Entry.objects.filter(kind="issued").count()
    assert [figures(each) for each in found.buckets(1, 107, 11)] == [
        by_hand(low, min(107, low + 9)) for low in range(1, 108, 10)
    ]


def test_a_void_that_commits_late_has_a_lower_id_than_others(period: Period) -> None:
    """Ids don't commit in order: the rows above the highest id that was seen may not be all new ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('ledger_numbervoided', 'id'))")
        taken = cursor.fetchone()[0]
    void(Entry.objects.get(value=20), reason="committed first")
    assert list(period_counts(period).voids) == [1, 2, 20, 54, 100]
    late = Entry.objects.get(value=10)
    NumberVoided.objects.create(id=taken, tenant="", entry=late, reason="committed last")
    void(Entry.objects.get(value=30), reason="and one that is new")
    for _ in range(2):
        assert list(period_counts(period).voids) == [1, 2, 10, 20, 30, 54, 100]


def test_full_blocks_are_read_once(period: Period) -> None:
    def reads() -> int:
        with CaptureQueriesContext(connection) as asked:
            period_counts(period).buckets(1, 100, 10)
        return sum("GROUP BY 1, 2, 3" in query["sql"] for query in asked)

    assert reads() == 1
    assert reads() == 0
    issue("invoice", document="the next", on=date(2026, 2, 1))
    period.refresh_from_db()
    assert reads() == 1  # only the last block
    assert reads() == 1


def test_a_hole_that_is_filled_counts_then(period: Period) -> None:
    """A block that isn't full may not be kept: what was in flight commits later."""
    define_series("till", template="T{year}-{counter}", time_zone="UTC")
    till = pooled("pool")
    for value in (1, 2, 4):
        take(till, value)
    before = period_counts(till).total()
    assert (before.issued, before.free, before.lost) == (3, 13, 0)
    take(till, 3)
    after = period_counts(till).total()
    assert (after.issued, after.free, after.lost) == (4, 12, 0)


def test_queues_and_lost_values() -> None:
    shown = reserving()
    reserve(shown, "order:1")
    Period.objects.filter(pk=shown.pk).update(last_value=3)
    shown.refresh_from_db()
    total = period_counts(shown).total()
    assert (total.size, total.reserved, total.lost, total.missing) == (3, 1, 2, 2)


def test_what_a_previous_system_left_out() -> None:
    define_series("invoice", template="I-{year}-{counter:04}", time_zone="UTC")
    issue("invoice", document="first", on=date(2026, 1, 1))
    period = Period.objects.get()
    Period.objects.update(last_value=45)
    adoption = Adoption.objects.create(tenant="", series=period.series, source="old.csv", digest="0" * 64, rows=0)
    for first, last in ((2, 8), (11, 31), (33, 45)):
        AdoptedGap.objects.create(tenant="", period=period, first_value=first, last_value=last, adoption=adoption)
    period.refresh_from_db()
    found = period_counts(period).buckets(1, 45, 5)
    assert [each.known for each in found] == [7, 8, 9, 8, 9]
    assert [each.lost for each in found] == [1, 1, 0, 1, 0]
    assert number_line(period_counts(period)).lanes[2].count == 44  # type: ignore[union-attr]


def test_confirmed_numbers_are_those_of_reconciliation() -> None:
    from ledger.reconciliation import count_confirmed

    here = shop("berlin", "B")
    total = period_counts(here.period).total()
    assert total.confirmed == count_confirmed(org="berlin", period=here.period.pk) == 7


def test_many_stretches_that_are_not_full(period: Period, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_MOST_RUNS", 1)
    Period.objects.update(last_value=160)
    for value in (105, 125, 145):
        Entry.objects.create(
            tenant="",
            series=period.series,
            period=period,
            value=value,
            kind="issued",
            number=period.as_format().number(value),
            issued_on=date(2026, 5, 5),
        )
    period.refresh_from_db()
    for _ in range(2):
        found = period_counts(period)
        assert figures(found.total()) == by_hand(1, 160)
        assert sum(found.days.values()) == Entry.objects.filter(kind="issued").count()


def test_a_bar_is_as_high_as_its_share_and_never_too_low_to_see() -> None:
    from ledger.web.charts import LINE_HEIGHT as HEIGHT, _path

    assert _path([(0, 10), (10, 10), (10, 10), (0, 10)]) == f"M1 {HEIGHT}v-{HEIGHT}h2v{HEIGHT}z"
    assert _path([(1, 25_000)]) == f"M0 {HEIGHT}v-7h1v7z"
    assert _path([(0, 1)]) == ""


def test_the_parts_of_the_line_hold_every_value_once(period: Period) -> None:
    for first, last in ((None, None), (3, 13), (20, 25), (7, 7), (500, 900), (50, 2)):
        line: Any = number_line(period_counts(period), first, last)
        assert line.steps[0].first == line.first
        assert line.steps[-1].last == line.last
        assert all(a.last + 1 == b.first for a, b in zip(line.steps, line.steps[1:], strict=False))
        assert len(line.steps) <= 10


def test_no_query_more_for_ten_times_as_many_numbers(period: Period, client: Any, admin_user: Any) -> None:
    client.force_login(admin_user)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/ledger/period/{period.pk}/").status_code == 200
            assert client.get("/ledger/").status_code == 200
            assert client.get("/ledger/gaps/").status_code == 200
        return len(asked)

    before = queries()
    with transaction.atomic():
        issue_many("invoice", documents=[f"more:{n}" for n in range(1000)], on=date(2026, 2, 1))
    for entry in Entry.objects.filter(value__gt=1000):
        void(entry, reason="returned")
    for _ in range(20):
        flag(Period.objects.get(pk=period.pk), "no")
    assert queries() <= before + 1
    assert before < 80


@pytest.mark.parametrize(("count", "pace"), [(999, "about 999 a day"), (1000, "1,000 a day or more")])
def test_a_pace_is_no_more_than_was_counted(admin_client: Client, count: int, pace: str) -> None:
    """Only the last thousand documents are looked at, and they may all be of today."""
    issue_many("invoice", org="berlin", documents=[f"order:{n}" for n in range(count)])
    assert pace in admin_client.get("/ledger/?tenant=berlin").text


@pytest.mark.parametrize(
    ("value", "state"), [(7, "never used"), (8, "issued"), (9, "not used yet")], ids=["below", "first", "above"]
)
def test_values_beside_those_of_the_counter(admin_client: Client, value: int, state: str) -> None:
    define_series("invoice", org="berlin", template="B-{year}-{counter}", start_value=8)
    entry = issue("invoice", org="berlin")
    assert f">{state}</span>" in admin_client.get(f"/ledger/period/{entry.period_id}/{value}/").text


def test_an_alarm_makes_sums_be_counted_anew(period: Period) -> None:
    """Deleted rows stay in sums that are kept, which say as of when they are, until a look has found it."""
    assert period_counts(period).counted_at is None
    tampered(connection, "DELETE FROM ledger_entry WHERE value IN (21, 22, 23)")
    kept = period_counts(period)
    assert kept.counted_at is not None
    assert kept.total().lost == 0
    raise_alarms([lost_values("", "invoice", period.starts_on, period.ends_on, 0, 21, 23)])
    anew = period_counts(period)
    assert (anew.counted_at, anew.total().lost) == (None, 3)
    assert period_counts(period, fresh=True).total().lost == 3


def test_another_version_reads_nothing_that_this_one_kept(period: Period, monkeypatch: pytest.MonkeyPatch) -> None:
    before = period_counts(period)
    assert before.counted_at is None
    assert period_counts(period).counted_at is not None, "out of the cache"
    monkeypatch.setattr(counts, "_SCHEMA", counts._SCHEMA + 1)
    assert period_counts(period).counted_at is None
    # If you change one of these, raise the number.
    kept = {kind: [one.name for one in fields(kind)] for kind in (counts._Settled, counts._Kept)}
    assert kept == {counts._Settled: ["blocks", "days", "since"], counts._Kept: ["count", "through", "values"]}
