"""The notice that brings a number along with COMMIT: it saves a query, and nothing depends on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from ledger import define_series, issue, issue_many
from ledger.errors import NotIssued

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def invoice() -> None:
    define_series("invoice", template="INV-{counter:04}", calendar="never", allocation="at_commit")


def test_the_number_costs_no_query_after_the_commit(django_assert_num_queries: Any) -> None:
    with transaction.atomic():
        entry = issue("invoice", document="order:1", metadata={"a": 1})
    with django_assert_num_queries(0):
        assert (str(entry), entry.value, entry.metadata) == ("INV-0001", 1, {"a": 1})
        assert entry.issued_at is not None
    told = dict(entry.__dict__)
    entry.refresh_from_db()
    # What nobody told, as who was logged in, is read when it is asked for.
    assert {name: entry.__dict__[name] for name in told if name != "_state"} == {
        name: value for name, value in told.items() if name != "_state"
    }


def test_several_of_one_transaction_are_told_apart(django_assert_num_queries: Any) -> None:
    define_series("order", template="O-{counter}", calendar="never", allocation="at_commit")
    with transaction.atomic():
        entries = [issue(series) for series in ("order", "invoice", "order")]
    with django_assert_num_queries(0):
        assert sorted(map(str, entries)) == ["INV-0001", "O-1", "O-2"]
        assert str(entries[1]) == "INV-0001"


def test_without_notices_it_is_read(django_assert_num_queries: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = warning")
    try:
        with transaction.atomic():
            entry = issue("invoice", document="order:1")
        with django_assert_num_queries(1):
            assert str(entry) == "INV-0001"
    finally:
        connection.close()


def test_a_block_is_read_with_one_query(django_assert_num_queries: Any) -> None:
    with transaction.atomic():
        entries = issue_many("invoice", documents=["a", "b", "c"])
    with django_assert_num_queries(1):
        assert [str(entry) for entry in entries] == ["INV-0001", "INV-0002", "INV-0003"]


def test_a_commit_that_fails_after_the_notice_takes_it_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parent (id int PRIMARY KEY)")
        cursor.execute("CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    try:
        checkout = transaction.atomic()
        checkout.__enter__()
        entry = issue("invoice", document="order:1")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO child VALUES (7)")  # checked after the ticket was numbered
        with pytest.raises(IntegrityError, match="child"):
            checkout.__exit__(None, None, None)
        with pytest.raises(NotIssued):
            str(entry)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE child, parent")
