"""What the database refuses to everybody in the queues: a value waits rightly, doesn't change, and is never lost."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.models import Period, Reservation, Slot
from tests.integration.full_ledger import ALIAS, SHOWN, TILL, undone

RESTRICT, CHECK = "23001", "23514"

QUEUE = (
    "INSERT INTO ledger_slot (tenant, period_id, value) SELECT {}, {}, {} FROM ledger_period WHERE prefix = 'T2025-'"
)
RESERVE = (
    "INSERT INTO ledger_reservation (tenant, series_id, period_id, value, document, issued_on, actor,"
    " checkout_transaction_id) SELECT {}, series_id, {}, {}, '', '2025-05-05', '', 1 FROM ledger_period"
    " WHERE prefix = 'T2025-'"
)


@pytest.fixture(params=["origin", "replica"])
def mode(request: pytest.FixtureRequest, ledger: BaseDatabaseWrapper) -> Iterator[str]:
    with ledger.cursor() as cursor:
        cursor.execute(f"SET session_replication_role = {request.param}")
        yield request.param
        cursor.execute("SET session_replication_role = origin")


def refused(ledger: BaseDatabaseWrapper, *statements: str, state: str, told: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        with pytest.raises(DatabaseError, match=told) as raised, transaction.atomic(using=ALIAS):  # noqa: PT012
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as COMMIT would
        assert raised.value.__cause__.sqlstate == state  # type: ignore[union-attr]


@pytest.mark.parametrize("insert", [QUEUE, RESERVE], ids=["slot", "reservation"])
@pytest.mark.parametrize(
    ("tenant", "period", "value", "told"),
    [
        ("'acme'", "id", "17", "never gave it out"),
        ("'acme'", "id", "0", "never gave it out"),
        ("'zenith'", "id", "6", "of another tenant"),
        ("'acme'", "-1", "6", "is closed or of another tenant"),
        ("'acme'", "id", "2", "has an entry"),
        ("'acme'", "(SELECT id FROM ledger_period WHERE tenant = 'acme' AND prefix = 'INV-2024-')", "1", "is closed"),
    ],
)
def test_a_value_that_can_not_wait_is_refused(
    ledger: BaseDatabaseWrapper, mode: str, insert: str, tenant: str, period: str, value: str, told: str
) -> None:
    refused(ledger, insert.format(tenant, period, value), state=CHECK, told=told)


def test_a_value_waits_once_in_each_queue(ledger: BaseDatabaseWrapper, mode: str) -> None:
    refused(ledger, QUEUE.format("'acme'", "id", "6"), state="23505", told="ledger_slot_pkey")
    again = RESERVE.replace("T2025-", "S2025-").format("'acme'", "id", "2")
    refused(ledger, again, state="23505", told="ledger_reservation_value")
    document = again.replace(", 2, ''", ", 2, 'order:left'").replace("series_id, id, 2", "series_id, id, 4")
    raised = "UPDATE ledger_period SET last_value = 4 WHERE prefix = 'S2025-'"
    refused(ledger, raised, document, state="23505", told="ledger_reservation_document")


@pytest.mark.parametrize("model", [Slot, Reservation])
def test_what_waits_never_changes(ledger: BaseDatabaseWrapper, mode: str, model: type[Slot | Reservation]) -> None:
    table = model._meta.db_table
    for field in model._meta.concrete_fields:
        if field.column is not None:
            change = f"UPDATE {table} SET {field.column} = {field.column}"
            refused(ledger, change, state=RESTRICT, told=f"{table} is a queue")


@pytest.mark.parametrize(("table", "which"), [("ledger_slot", f"{TILL} AND value = 9"), ("ledger_reservation", SHOWN)])
def test_a_value_does_not_leave_without_an_entry(
    ledger: BaseDatabaseWrapper, mode: str, table: str, which: str
) -> None:
    refused(ledger, f"DELETE FROM {table} WHERE {which}", state=RESTRICT, told="left ledger_.* without an entry")


def test_a_value_may_change_its_queue_or_fall_with_the_counter(ledger: BaseDatabaseWrapper, mode: str) -> None:
    with undone(ledger), ledger.cursor() as cursor:
        cursor.execute(f"DELETE FROM ledger_slot WHERE {TILL} AND value >= 9")
        cursor.execute("UPDATE ledger_period SET last_value = 9 WHERE prefix = 'T2025-'")
        cursor.execute(RESERVE.format("'acme'", "id", "9"))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("prefix", ["T2025-", "S2025-"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("closed_at = now()", "has values that wait"),
        ("last_value = 1", "may not fall from .* below its highest entry or waiting value"),
    ],
)
def test_a_period_is_neither_closed_nor_taken_back_over_what_waits(
    ledger: BaseDatabaseWrapper, mode: str, prefix: str, change: str, told: str
) -> None:
    refused(ledger, f"UPDATE ledger_period SET {change} WHERE prefix = '{prefix}'", state=RESTRICT, told=told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE ledger_period SET last_value = 0", "may not fall"),
        ("UPDATE ledger_period SET prefix = 'X'", "cannot change"),
        ("DELETE FROM ledger_period", "it cannot be deleted"),
    ],
)
@pytest.mark.parametrize("insert", [QUEUE, RESERVE], ids=["slot", "reservation"])
def test_a_period_in_which_values_wait_keeps_its_shape(
    ledger: BaseDatabaseWrapper, mode: str, insert: str, change: str, told: str
) -> None:
    """Also where nothing was issued yet."""
    empty = Period.objects.using(ALIAS).get(prefix="T2025-")
    empty.pk, empty.prefix, empty.last_value = None, "T2031-", 1
    empty.starts_on, empty.ends_on = empty.starts_on.replace(year=2031), empty.ends_on.replace(year=2031)
    with undone(ledger):
        empty.save(using=ALIAS)
        refused(
            ledger,
            insert.format("'acme'", "id", "1").replace("T2025-", "T2031-"),
            f"{change} WHERE id = {empty.pk}",
            state=RESTRICT,
            told=told,
        )
