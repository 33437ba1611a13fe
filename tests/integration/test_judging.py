"""The facts of the judge, each of them from rows: what makes which state, where, since when, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freezegun import freeze_time

from ledger import close_period, define_series, issue, issue_many, open_period
from ledger.actions import acknowledge, declare, explain
from ledger.exhaustion import rates
from ledger.gaps import GapRange, find
from ledger.judging import Kind, State, Verdict, facts as judging_facts, judge
from ledger.judging.facts import kind_of
from ledger.models import Entry, GapFlagged, Period, RemotePool, Series
from ledger.reconciliation import findings
from ledger.sweeps.health import health
from ledger.verification.findings import MEANINGS
from tests.drafts import remote_series
from tests.integration.full_ledger import tampered
from tests.integration.pages import flag, shop
from tests.integration.paper_books import PaperSystem
from tests.integration.queues import pooled, reserve, reserving, take

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 1)


def verdict(**scope: Any) -> Verdict:
    return judge(**scope, sweeps=()).verdict


def kinds(**scope: Any) -> dict[Kind, int]:
    return {fact.kind: fact.count for fact in verdict(**scope).facts}


def numbers(count: int = 10, **settings: Any) -> Period:
    define_series("invoice", **{"template": "I-{year}-{counter:04}", "time_zone": "UTC", **settings})
    issue_many("invoice", documents=[f"order:{n}" for n in range(count)], on=DAY)
    return Period.objects.select_related("series").get()


def test_nothing_is_in_order() -> None:
    assert verdict().is_in_order
    assert verdict().looks_now


class TestLost:
    """The counter shows which rows are gone, in each allocation. The guards are off in these tests."""

    @pytest.mark.parametrize("values", [(1,), (4, 5), (10,), tuple(range(1, 11))])
    def test_entries(self, values: tuple[int, ...]) -> None:
        period = numbers()
        self.delete("ledger_entry", values)
        (fact,) = verdict().facts
        assert (fact.kind, fact.count, fact.place) == (Kind.LOST, len(values), "invoice from 2026-01-01")
        assert judge(sweeps=()).of("", "invoice", period.starts_on).is_lost
        assert judge(sweeps=()).of("", "another").is_in_order

    def test_in_a_closed_period(self) -> None:
        close_period(numbers(), early=True)
        self.delete("ledger_entry", (4,))
        assert kinds() == {Kind.LOST: 1}

    def test_slots_and_reservations(self) -> None:
        till, shown = pooled(), reserving()
        take(till, 2)
        reserve(shown)
        assert verdict().is_in_order, "what waits is known"
        self.delete("ledger_slot", (1,))
        assert kinds() == {Kind.LOST: 1}
        self.delete("ledger_slot", tuple(range(11, 17)))
        assert kinds() == {Kind.LOST: 7}
        self.delete("ledger_reservation", (1,))
        assert sum(fact.count for fact in verdict(series="shown").facts) == 1

    @pytest.mark.parametrize(("counter", "found"), [(12, {Kind.LOST: 2}), (8, {Kind.DISAGREES: 1})])
    def test_a_counter_that_was_moved(self, counter: int, found: dict[Kind, int]) -> None:
        numbers()
        tampered(connection, f"UPDATE ledger_period SET last_value = {counter}")
        assert kinds() == found

    def test_in_a_large_ledger_the_end_of_it_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What came since the last scan, and where the counter stands; what lies below waits for the full look."""
        monkeypatch.setattr(judging_facts, "_MOST", 5)
        numbers()
        list(find())
        issue_many("invoice", documents=["a", "b", "c"], on=DAY)
        assert (verdict().state, verdict().looked_at) == (State.IN_ORDER, None)
        self.delete("ledger_entry", (4,))
        assert verdict().is_in_order
        self.delete("ledger_entry", (12,))
        assert kinds() == {Kind.LOST: 1}
        self.delete("ledger_entry", (13,))
        assert kinds() == {Kind.LOST: 2}
        issue_many("invoice", documents=[f"later:{n}" for n in range(9)], on=DAY)
        assert verdict().is_in_order, "more than may be looked at has come since"
        self.delete("ledger_entry", (22,))
        assert kinds() == {Kind.LOST: 1}, "the counter stands above its rows"

    def delete(self, table: str, values: tuple[int, ...]) -> None:
        tampered(connection, f"DELETE FROM {table} WHERE value IN ({', '.join(map(str, values))})")


def test_every_alarm_is_told_as_something() -> None:
    """What Folio's guards refuse was tampered with; so may be what was read and written past them. A reservation that
    waits is work for the workers, and what somebody set or granted, or called a document in an earlier version, is for
    people to see to.
    """
    told = {check: kind_of(check).state for check in [*MEANINGS, "country-rule"]}
    late = {"reservation-old", "not-checked"}
    keys = {f"{of}-{what}" for of in ("document", "tenant") for what in ("text", "form", "of-child")} | {"code-text"}
    broken = {"country-rule", "setting", "owner", "superuser", "privilege", "revoked", "definer"} | keys
    assert {check for check, state in told.items() if state is State.OVERDUE} == late
    assert {check for check, state in told.items() if state is State.BROKEN} == broken
    assert {check for check, state in told.items() if state is State.LOST} == set(MEANINGS) - late - broken


def test_a_difference_from_the_books_until_it_is_acknowledged() -> None:
    system = PaperSystem()
    system.put("1", "NOBODY-1")
    system.read()
    system.compare()
    (fact,) = verdict(tenant="").facts
    assert (fact.kind, fact.series, fact.place) == (Kind.DIFFERENCE, None, "the tenant without a name")
    assert fact.since is not None
    assert verdict(tenant="another").is_in_order
    acknowledge(next(findings()), reason="of the shop before", by="ada")
    assert verdict().is_in_order


def test_an_explanation_is_what_a_gap_needs() -> None:
    here = shop("berlin", "B")
    judgement = judge(tenant="berlin", sweeps=())
    assert judgement.verdict.state is State.DIFFERS
    by_kind = {fact.kind: fact for fact in judgement.facts}
    assert by_kind[Kind.UNEXPLAINED].since == here.gaps[1].issued_at
    explain(here.gaps[1], explanation="card refused")
    assert kinds(tenant="berlin") == {Kind.DIFFERENCE: 1}


class TestUndeclared:
    @pytest.fixture(autouse=True)
    def by_its_own_clock(self, settings: Any) -> None:
        settings.LEDGER = {"CLOCK": "application"}

    def missing(self, on: date | None = None, **settings: Any) -> Period:
        period = numbers(template="{counter}", calendar="never", rules="BR", **settings)
        flag(period, "a", on=on or datetime.now(UTC).date())
        gap = GapFlagged.objects.get()
        explain(gap, explanation="card refused")
        return period

    def test_from_the_first_of_the_month_after_on(self) -> None:
        period = self.missing()
        assert verdict().is_in_order, "this month may still bring others"
        with freeze_time(datetime.now(UTC) + timedelta(days=32)):
            (fact,) = verdict().facts
            assert (fact.kind, fact.count) == (Kind.UNDECLARED, 1)
            declare([GapRange(period, 11, 11)], authority="BR NF-e", reference="1350001")
            assert verdict().is_in_order

    def test_it_counts_from_the_day_of_the_number_and_not_from_the_flagging(self) -> None:
        self.missing(on=datetime.now(UTC).date().replace(day=1) - timedelta(days=1))
        assert kinds() == {Kind.UNDECLARED: 1}

    def test_a_combined_rule_set_asks_for_it_too(self) -> None:
        self.missing(on=DAY)
        Series.objects.update(rules="IT,BR")
        assert kinds() == {Kind.UNDECLARED: 1}
        Series.objects.update(rules="IT,IN-einvoice")
        assert kinds() == {}

    def test_a_zone_that_nobody_knows_stops_nobody(self) -> None:
        self.missing()
        Series.objects.update(time_zone="Mars/Olympus")
        with freeze_time(datetime.now(UTC) + timedelta(days=32)):
            assert kinds() == {Kind.UNDECLARED: 1}


class TestRunningOut:
    def used(self, last: int, highest: int = 999) -> Period:
        """So many numbers since ten days ago."""
        today = datetime.now(UTC).date()
        series = define_series("invoice", template="I{counter:03}", calendar="never", max_length=4, time_zone="UTC")
        period = open_period(series, today)
        issue_many("invoice", documents=[f"order:{n}" for n in range(last)], on=today - timedelta(days=9))
        assert Period.objects.get().max_value == highest
        return period

    def test_before_its_period_ends(self) -> None:
        self.used(100)
        (fact,) = verdict().facts
        runs_out = datetime.now(UTC).date() + timedelta(days=89)
        assert (fact.kind, fact.detail) == (Kind.RUNNING_OUT, f"invoice for ever, about {runs_out}")

    def test_one_that_lasts(self) -> None:
        self.used(9)
        assert verdict().is_in_order

    def test_one_that_is_used_up(self) -> None:
        self.used(999)
        assert kinds() == {Kind.USED_UP: 1}
        close_period(Period.objects.get(), early=True)
        assert verdict().is_in_order, "nothing more is to come of it"

    def test_rules_that_nobody_knows_stop_nobody(self) -> None:
        self.used(100)
        Series.objects.update(rules="ZZ")
        assert kinds() == {Kind.RUNNING_OUT: 1}

    def test_the_rate_is_that_of_the_last_year(self) -> None:
        """A few dozen probes find the rate of a counter that runs for ever. Counting every row gives the same."""
        today = datetime.now(UTC).date()
        series = define_series("invoice", template="I{counter:06}", calendar="never", time_zone="UTC")
        period = open_period(series, today)
        for at, days in enumerate((900, 700, 500, 360, 200, 100, 3, 0)):
            documents = [f"order:{at}:{n}" for n in range(40)]
            issue_many("invoice", documents=documents, on=today - timedelta(days=days))
        rate = rates([period.pk], "default", today=today)[period.pk]
        since = today - timedelta(days=365)
        counted = Entry.objects.filter(issued_on__gte=since)
        assert since <= rate.since
        assert counted.filter(issued_on__gte=rate.since).count() >= rate.used >= counted.count() / 2

    def test_a_pool_that_could_not_be_refilled(self) -> None:
        series = remote_series()
        pool = RemotePool.objects.create(tenant="", series=series, system="books")
        assert verdict().is_in_order
        RemotePool.objects.filter(pk=pool.pk).update(error="the licence has ended")
        assert kinds() == {Kind.POOL: 1}


def test_a_reservation_that_waits_too_long() -> None:
    reserve(reserving())
    assert verdict().is_in_order
    tampered(connection, "UPDATE ledger_reservation SET reserved_at = now() - interval '61 minutes'")
    assert kinds() == {Kind.RESERVED: 1}


def test_sweeps_that_are_overdue_concern_everybody() -> None:
    judgement = judge(tenant="berlin", sweeps=health())
    assert judgement.verdict.state is State.OVERDUE
    assert judgement.of("berlin", "invoice").count(State.OVERDUE) == len(health())


def test_a_moment_that_python_cannot_read_is_no_answer_of_500() -> None:
    period = numbers()
    flag(period, "a")
    tampered(connection, "UPDATE ledger_entry SET issued_at = '-infinity' WHERE kind = 'gap'")
    (fact,) = verdict().facts
    assert (fact.kind, fact.since) == (Kind.UNEXPLAINED, None)


def test_no_query_more_for_more_tenants() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            judge(sweeps=())
        return len(queries)

    for rules in ("", "BR"):
        define_series("first", org=f"tenant-{rules}", template="F{counter}", calendar="never", rules=rules)
        issue("first", org=f"tenant-{rules}")
    before = asked()
    assert before <= 13
    for at in range(20):
        org = f"tenant-{at}"
        define_series("invoice", org=org, template="{counter:03}", calendar="never", rules="BR" if at % 2 else "")
        issue_many("invoice", org=org, documents=[f"order:{n}" for n in range(3)])
        flag(Period.objects.get(tenant=org), "a")
    assert asked() == before
    assert len(judge(sweeps=()).facts) == 30, "20 to explain, and 10 of Brazil to declare"
