"""Reservations, tickets and tenants of others; and how far one call may move a counter."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from ledger import define_series, issue, issue_many, open_period, void
from ledger.calendars import NO_PLACES
from ledger.errors import InvalidSeries, NotGranted
from ledger.gaps import sweep
from ledger.models import Entry, Reservation, ScanPosition, Series, Slot, TenantAccess
from ledger.series import keep_default
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, USUAL, WORKERS, Logins, opened, refusal, rows

_TAKE = "SELECT entry_value FROM ledger_issue_reserved('', %s, %s, %s, %s::bigint[], %s::text[], '', '{}')"
_RESERVE = "SELECT outcome, reservation FROM ledger_reserve('', %s, %s, %s::text[], '', %s)"

_REMEMBER = "SELECT ledger_remember_scan(ARRAY[''], ARRAY[%s]::bigint[], ARRAY[%s]::bigint[])"


@pytest.fixture(scope="module")
def series() -> Series:
    return define_series("others", template="OT{year}-{counter}", allocation="reserved", using=FINANCE)


@pytest.fixture(scope="module")
def period(series: Series) -> int:
    with transaction.atomic(using=CHECKOUT):
        issue("others", on=DAY, document="first", using=CHECKOUT)
    return opened(series).pk


class TestReservations:
    def reserve(self, period: int, document: str, transaction_id: int) -> int:
        [(outcome, reservation)] = rows(CHECKOUT, _RESERVE, [period, DAY, [document], transaction_id])
        assert outcome == "reserved"
        return int(reservation)

    def take(self, alias: str, series: Series, period: int, reservation: int, document: str) -> list[tuple[Any, ...]]:
        return rows(alias, _TAKE, [series.pk, period, DAY, [reservation], [document]])

    def test_of_a_document_are_that_documents(self, series: Series, period: int) -> None:
        reservation = self.reserve(period, "theirs", 1)
        assert self.take(CHECKOUT, series, period, reservation, "mine") == []
        assert self.take(CHECKOUT, series, period, reservation, "") == []
        assert self.take(CHECKOUT, series, period, reservation, "theirs") != []

    def test_without_a_document_are_their_transactions(self, series: Series, period: int) -> None:
        """While it runs. What a rolled-back transaction left behind is free for its retry."""
        with transaction.atomic(using=USUAL):
            [(running,)] = rows(USUAL, "SELECT pg_current_xact_id()::text::bigint")
            reservation = self.reserve(period, "", running)
            assert self.take(CHECKOUT, series, period, reservation, "") == []
            transaction.set_rollback(True, using=USUAL)
        assert self.take(CHECKOUT, series, period, reservation, "") != []

    def test_a_claim_of_any_transaction_harms_no_sweep(self, series: Series, period: int) -> None:
        for claimed in (-5, 0, 3, 2**62):
            self.reserve(period, f"claims {claimed}", claimed)
        assert sweep(series="others", grace=timedelta(0), using=WORKERS).flagged == 4


def test_a_ticket_is_its_transactions() -> None:
    ticketed = define_series("ticketed", template="TT{year}-{counter}", allocation="at_commit", using=FINANCE)
    open_period(ticketed, using=FINANCE)
    with transaction.atomic(using=USUAL):
        left = rows(USUAL, "SELECT ledger_leave_ticket('', 'ticketed', NULL, NULL, ARRAY['x'], '', '{}', false, '')")
        ticket = int(left[0][0][5])
        assert rows(CHECKOUT, "SELECT ledger_number_ticket(%s)", [ticket]) == [(None,)]
        assert rows(USUAL, "SELECT ledger_number_ticket(%s)", [ticket])[0][0][0] == "issued"


def test_one_call_mints_so_many_at_most() -> None:
    """Otherwise a counter could be locked for minutes."""
    series = define_series("greedy", template="GR{year}-{counter}", allocation="pooled", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("greedy", on=DAY, using=CHECKOUT)
    period = opened(series)
    before = Slot.objects.using(OWNER).filter(period=period).count()
    assert rows(CHECKOUT, "SELECT ledger_mint('', %s, %s, 100000000)", [period.pk, period.last_value]) == [("minted",)]
    assert Slot.objects.using(OWNER).filter(period=period).count() - before == 100_000


def test_a_scan_begins_at_the_first_value_at_the_lowest() -> None:
    series = define_series("scanned", template="SC{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue_many("scanned", documents=["a", "b"], on=DAY, using=CHECKOUT)
    period = opened(series)
    for claimed, kept in ((-(10**18), 0), (10**18, 2)):
        rows(
            WORKERS,
            "SELECT ledger_remember_scan(ARRAY[''], ARRAY[%s]::bigint[], ARRAY[%s]::bigint[])",
            [period.pk, claimed],
        )
        assert ScanPosition.objects.using(OWNER).get(period=period).through == kept


def test_a_scan_hides_nothing() -> None:
    series = define_series("hidden", template="HI{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("hidden", on=DAY, using=CHECKOUT)
    rows(OWNER, "UPDATE ledger_period SET last_value = 3 WHERE series_id = %s", [series.pk])
    rows(WORKERS, _REMEMBER, [opened(series).pk, 3])
    assert not ScanPosition.objects.using(OWNER).filter(period__series=series).exists()


def test_a_default_begins_where_it_says() -> None:
    """Only sequences choose their first value."""
    assert rows(CHECKOUT, "SELECT ledger_make_default('begun', 'invoice', NULL, 999999)") == [("made",)]
    assert Series.objects.using(OWNER).get(tenant="begun").start_value == 1
    assert rows(CHECKOUT, "SELECT ledger_make_default('', 'tickets', '*django-sequences', 7)") == [("made",)]
    assert Series.objects.using(OWNER).get(tenant="", code="tickets").start_value == 7


@pytest.mark.parametrize(
    "settings",
    [
        '{"template": "A\\n{counter}", "calendar": "never", "time_zone": "UTC"}',
        '{"template": "A{counter}", "calendar": "never", "time_zone": "UTC", "max_days_ahead": 2147483647}',
        '{"template": "A{counter}", "calendar": null, "time_zone": "UTC"}',
        '{"template": "A{counter}", "calendar": "never", "time_zone": "Mars/Olympus"}',
        *(
            f'{{"template": "A{{counter}}", "calendar": "never", "time_zone": "{zone}"}}'
            for zone in (*sorted(NO_PLACES), "cet", "PST", "XXX+9:30", "Europe/Berlin+3", "europe/berlin", "-99:99")
        ),
        '{"template": "A{counter}", "calendar": "never", "time_zone": "UTC", "id": 1}',
        '{"template": "A{counter}", "calendar": "never", "time_zone": "UTC", "tenant": "theirs"}',
        '{"template": "A{counter}{counter}", "calendar": "never", "time_zone": "UTC"}',
        '{"template": "A{counter}", "calendar": "never", "time_zone": "UTC", "system": "a\\u0007"}',
        '["template"]',
        "1",
    ],
)
def test_settings_that_would_stop_a_series(settings: str) -> None:
    refusal(FINANCE, "SELECT ledger_define_series('', 'poisoned', %s, '')", [settings])
    for alias in (CHECKOUT, WORKERS):
        assert refusal(alias, "SELECT ledger_define_default('poisoned', %s)", [settings]).sqlstate == "42501"


class TestTenants:
    """A login that ledger_tenantbinding binds to one tenant can do everything for it, and nothing for others."""

    @pytest.fixture
    def bound(self, logins: Logins) -> Iterator[None]:
        logins_bound = [logins.roles[alias] for alias in (CHECKOUT, WORKERS, FINANCE, USUAL)]
        for code in ("serial", "at_commit", "pooled", "reserved"):
            for tenant in ("ours", "theirs"):
                define_series(code, org=tenant, template=f"B{code}{{year}}-{{counter}}", allocation=code, using=FINANCE)
                with transaction.atomic(using=CHECKOUT):
                    issue(code, org=tenant, on=DAY, document="first", using=CHECKOUT)
        for role in logins_bound:
            rows(OWNER, "INSERT INTO ledger_tenantbinding (login, tenant) VALUES (%s, 'ours')", [role])
        yield
        rows(OWNER, "DELETE FROM ledger_tenantbinding")

    @pytest.mark.usefixtures("bound")
    def test_it_all(self) -> None:
        for code in ("serial", "at_commit", "pooled", "reserved"):
            for document in ("new", "first"):
                with pytest.raises(NotGranted, match="tenantbinding"), transaction.atomic(using=CHECKOUT):
                    str(issue(code, org="theirs", on=DAY, document=document, using=CHECKOUT))
            with pytest.raises(NotGranted, match="tenantbinding"), transaction.atomic(using=CHECKOUT):
                issue_many(code, org="theirs", on=DAY, documents=["a", "b"], using=CHECKOUT)
            with transaction.atomic(using=CHECKOUT):
                assert str(issue(code, org="ours", on=DAY, document="new", using=CHECKOUT)) == f"B{code}2026-2"
        theirs = Entry.objects.using(OWNER).get(tenant="theirs", series__code="serial")
        with pytest.raises(NotGranted, match="tenantbinding"):
            void(theirs, reason="x", using=USUAL)
        with pytest.raises(NotGranted, match="tenantbinding"):
            define_series("serial", org="theirs", is_active=False, using=FINANCE)
        with pytest.raises(InvalidSeries, match="as the ledger's owner"):
            keep_default(FINANCE, "invoice", Series(code="invoice", template="X{counter}", time_zone="UTC"))
        TenantAccess.grant(Series(pk=1), "ours", using=FINANCE)
        assert not Reservation.objects.using(OWNER).filter(tenant="theirs").exists()

    @pytest.mark.usefixtures("bound")
    @pytest.mark.parametrize(
        ("alias", "call"),
        [
            (CHECKOUT, "ledger_reserve('theirs', {period}, '2026-05-05', ARRAY['x'], '', 1)"),
            (CHECKOUT, "ledger_issue_reserved('theirs', 1, {period}, '2026-05-05', ARRAY[1], ARRAY['x'], '', '{{}}')"),
            (CHECKOUT, "ledger_mint('theirs', {period}, 16, 1)"),
            (CHECKOUT, "ledger_hold('theirs', {period}, false)"),
            (CHECKOUT, "ledger_open_period('theirs', 'serial', '2020-01-01')"),
            (CHECKOUT, "ledger_make_default('theirs', 'invoice')"),
            (USUAL, "ledger_void('theirs', 1, 'x', '', '')"),
            (WORKERS, "ledger_add_references('theirs', ARRAY[1], 'x', ARRAY['y'], ARRAY[''], '')"),
            (WORKERS, "ledger_flag_gap('theirs', {period}, 1, '')"),
            (WORKERS, "ledger_withdraw_slot('theirs', {period}, 1, '{{}}', '')"),
            (WORKERS, "ledger_cancel_draft('theirs', 1, 'void', '')"),
            (WORKERS, "ledger_close_due('theirs', {period}, '')"),
            (WORKERS, "ledger_judge('theirs', 'books', ARRAY[1], ARRAY['invoice'], now(), now(), true, true)"),
            (WORKERS, "ledger_keep_stray('theirs', {period}, 1, 'books', '1', '1', '1')"),
            (WORKERS, "ledger_store_draft('theirs', 1, {period}, 'x', '1 hour', 1, '1', '1', '1', '')"),
            (FINANCE, "ledger_define_series('theirs', 'serial', '{{}}', '')"),
            (FINANCE, "ledger_change_allocation('theirs', 'serial', '{{}}', '')"),
            (FINANCE, "ledger_open_explicit('theirs', 'serial', '2020-01-01', '2020-12-31', 1, '')"),
            (FINANCE, "ledger_close_period('theirs', {period}, true, '')"),
            (FINANCE, "ledger_explain('theirs', ARRAY[1], NULL, 'x', '')"),
            (FINANCE, "ledger_declare('theirs', ARRAY[{period}], ARRAY[1], ARRAY[1], 'x', 'x', 'x', '')"),
            (FINANCE, "ledger_acknowledge('theirs', ARRAY[1], 'x', '')"),
            (FINANCE, "ledger_adopt('theirs', 1, 'x', 'x', 'x', '{{}}', 'x', NULL, '')"),
            (FINANCE, "ledger_adopt_counter('theirs', 1, {period}, 1, 'x', 'x', '{{}}', NULL, '')"),
            (FINANCE, "ledger_skip_taken('theirs', 'serial', NULL, '')"),
            (FINANCE, "ledger_skip_values('theirs', {period}, 9, '')"),
            (FINANCE, "ledger_flag_lost('theirs', {period}, 1, '')"),
            (FINANCE, "ledger_define_default('mine', NULL)"),
        ],
        ids=lambda value: value.partition("(")[0] if "(" in value else "",
    )
    def test_each_door(self, alias: str, call: str) -> None:
        period = opened(Series.objects.using(OWNER).get(tenant="theirs", code="pooled")).pk
        assert refusal(alias, f"SELECT {call.format(period=period)}").sqlstate == "42501"

    @pytest.mark.usefixtures("bound")
    def test_an_alarm_is_raised_for_ones_own(self) -> None:
        """And for what concerns all tenants, such as the schema."""
        alarm = {"kind": "trigger", "rule": 8, "series": "", "ordinal": 0, "number": "", "table_name": ""}
        alarm |= {"problem": "p", "remedy": "r"}
        for tenant, raised in (("theirs", 0), ("ours", 1), (None, 1)):
            call = "SELECT ledger_raise_alarms(%s)"
            assert rows(WORKERS, call, [json.dumps([{**alarm, "tenant": tenant}])]) == [(raised,)]

    @pytest.mark.usefixtures("bound")
    def test_access_is_given_to_ones_own(self) -> None:
        insert = "INSERT INTO ledger_tenantaccess (tenant, \"user\") VALUES (%s, 'auth.user:1')"
        assert refusal(FINANCE, insert, ["theirs"]).sqlstate == "42501"


#: Two tenants with the same 64-bit hash in PostgreSQL: the second name was computed for that.
SHOP, SQUATTER = "shop.organization:000042", "market:ybay24#EENO*>fKA1"


def test_a_name_that_was_made_for_it_keeps_nobodys_period_from_being_opened() -> None:
    """Periods of tenants are told apart by a hash for which nobody can compute a second name."""
    hashed = "hashtextextended(t || chr(31) || 'INV-2026-' || chr(31), 0)"
    alike = f"SELECT count(DISTINCT {hashed}) FROM unnest(%s::text[]) AS t"
    if rows(OWNER, alike, [[SHOP, SQUATTER]]) != [(1,)]:
        pytest.skip("this machine stores the highest byte first, where other names are alike")
    for tenant in (SQUATTER, SHOP):
        with transaction.atomic(using=CHECKOUT):
            assert str(issue("invoice", org=tenant, on=DAY, using=CHECKOUT)) == "INV-2026-000001"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-01-01", "10000-01-01"),
        ("2026-01-01", "5874897-12-31"),
        ("0001-12-31 BC", "2026-12-31"),
        ("4713-01-01 BC", "2026-12-31"),
        ("-infinity", "2026-12-31"),
        ("2026-01-01", "infinity"),
    ],
)
def test_days_beyond_all_calendars_keep_no_other_series_from_being_opened(first: str, last: str) -> None:
    """Series and day are one number to the constraint that keeps periods apart."""
    code = f"far {first} {last}"
    define_series(code, template="{series} {label}-{counter}", calendar="explicit", using=FINANCE)
    given = [code, first, last]
    refused = refusal(FINANCE, "SELECT ledger_open_explicit('', %s, %s, %s, 1, '', 'x')", given)
    assert refused.sqlstate in ("23514", "22008")
