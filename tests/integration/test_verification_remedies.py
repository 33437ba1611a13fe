"""The remedies that ``ledger_verify`` names for queues: after them, the ledger has no finding."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import issue
from ledger.gaps import sweep
from ledger.models import Entry, Reservation, Slot
from ledger.series import change_allocation
from tests.integration.full_ledger import ALIAS, DAY, TILL, TILL_PERIOD, checks


def test_a_hidden_slot_is_taken_once_its_pool_is_forgotten(
    tamper: Callable[..., None], ledger: BaseDatabaseWrapper
) -> None:
    tamper(f"UPDATE ledger_pool SET free_from = 7 WHERE {TILL}")
    assert checks() == {"slot-hidden"}
    with ledger.cursor() as cursor:
        cursor.execute(f"DELETE FROM ledger_pool WHERE {TILL}")
    assert checks() == set()
    with transaction.atomic(using=ALIAS):
        taken = [issue("till", org="acme", on=DAY, using=ALIAS).value for _ in range(4)]
    assert taken == [3, 5, 6, 7]
    assert checks() == set()


def test_a_stranded_slot_is_settled(tamper: Callable[..., None]) -> None:
    tamper("UPDATE ledger_series SET allocation = 'serial' WHERE code = 'till'")
    assert checks() == {"slot-stranded"}
    assert change_allocation("till", "serial", org="acme", using=ALIAS) == 1
    assert checks() == set()
    assert not Slot.objects.using(ALIAS).filter(period__prefix="T2025-").exists()
    assert Entry.objects.using(ALIAS).get(period__prefix="T2025-", value=3).kind == Entry.Kind.GAP


def test_a_row_too_many_is_deleted(tamper: Callable[..., None], ledger: BaseDatabaseWrapper) -> None:
    tamper(
        f"INSERT INTO ledger_slot (tenant, period_id, value) SELECT tenant, id, v FROM ledger_period,"
        f" unnest(ARRAY[2, 99]) v WHERE {TILL_PERIOD}"
    )
    assert checks() == {"slot-twice", "slot-beyond-counter", "counter"}
    with ledger.cursor() as cursor:
        cursor.execute(f"DELETE FROM ledger_slot WHERE {TILL} AND value IN (2, 99)")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert checks() == set()


def test_an_old_reservation_is_swept(tamper: Callable[..., None]) -> None:
    tamper("UPDATE ledger_reservation SET reserved_at = now() - interval '2 hours'")
    assert checks() == {"reservation-old"}
    assert sweep(grace=timedelta(hours=1), using=ALIAS).flagged == 1
    assert checks() == set()
    assert not Reservation.objects.using(ALIAS).exists()


def test_a_ticket_that_was_left_is_issued_again(tamper: Callable[..., None], ledger: BaseDatabaseWrapper) -> None:
    tamper(
        "SELECT ledger_leave_ticket('acme', 'late', '2025-05-05', NULL, ARRAY['order:late'], '', NULL, true, '')",
        "UPDATE ledger_ticket SET transaction_id = 3",
    )
    assert checks() == {"ticket-left"}
    with transaction.atomic(using=ALIAS):
        assert str(issue("late", org="acme", document="order:late", on=DAY, using=ALIAS)) == "L2025-002"
    with ledger.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_ticket WHERE transaction_id = 3")
    assert checks() == set()
