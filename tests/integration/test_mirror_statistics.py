"""What PostgreSQL knows of the mirror after many rows came at once."""

from __future__ import annotations

import pytest
from django.db import connection

from ledger.models import RemoteDocument
from ledger.reconciliation.comparing import MANY, refresh_statistics
from tests.integration.paper_books import PaperSystem

pytestmark = pytest.mark.django_db(transaction=True)


def known() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'ledger_remotedocument'::regclass")
        return float(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def three_rows() -> None:
    system = PaperSystem()
    for n in range(3):
        system.put(f"key-{n}", f"X-{n}")
    system.read()
    assert RemoteDocument.objects.count() == 3


def test_many_rows_are_looked_at_at_once() -> None:
    assert known() != 3
    assert not refresh_statistics(MANY - 1)
    assert known() != 3
    assert refresh_statistics(MANY)
    assert known() == 3


def test_a_role_that_may_not_leaves_it_to_autovacuum() -> None:
    before = known()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE folio_reads_alone")
        try:
            cursor.execute("SET ROLE folio_reads_alone")
            assert not refresh_statistics(MANY)
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE folio_reads_alone")
    assert known() == before
