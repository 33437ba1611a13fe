"""Every allocation under every isolation level: retries where PostgreSQL asks for them, never a duplicate or a gap."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from ledger import define_series, issue, issue_many
from ledger.models import Entry, Series
from tests.allocations import ALL, AT_COMMIT, DAY, POOLED, RESERVED, SERIAL, expect_all_accounted_for, values
from tests.concurrency.checkouts import checkouts, in_threads

pytestmark = pytest.mark.django_db(transaction=True)

LEVELS = pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
STRICT = pytest.mark.parametrize("level", ["repeatable read", "serializable"])

#: More tries than any checkout needs; one that never ends must fail the test, not hang it.
MANY = 200


def defined(allocation: str, code: str = "invoice", prefix: str = "INV") -> Series:
    return define_series(code, template=f"{prefix}-{{year}}-{{counter:06}}", allocation=allocation)


def retried(level: str, checkout: Callable[[], Any]) -> int:
    """Run a checkout as a host's wrapper does, until it commits; how often it had to be repeated."""
    for retries in range(MANY):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                checkout()
        except OperationalError:
            # Ours from issue(), Django's own where SERIALIZABLE fails at COMMIT: one clause catches both.
            assert level != "read committed", "READ COMMITTED needs no retry"
            continue
        return retries
    raise AssertionError(f"{MANY} tries were not enough")


@LEVELS
@pytest.mark.parametrize("documents", [True, False])
def test_many_checkouts(allocation: str, level: str, documents: bool) -> None:
    """Commits, rollbacks, savepoints, retries and blocks at once, from the first number of the series on."""
    defined(allocation)
    seeds = random.Random(2026)
    plans = [[seeds.random() for _ in range(12)] for _ in range(8)]

    def work(worker: int) -> int:
        retries = 0
        for step, chance in enumerate(plans[worker]):
            document = f"{worker}:{step}"
            with suppress(RuntimeError):
                retries += retried(level, lambda: one_checkout(document, chance, documents))  # noqa: B023
        return retries

    in_threads(8, work)
    expect_all_accounted_for()
    taken = values()
    assert len(taken) == len(set(taken))
    if allocation in (SERIAL, AT_COMMIT):
        assert taken == list(range(1, len(taken) + 1))
    if documents:
        kept = {
            f"{worker}:{step}" for worker, plan in enumerate(plans) for step, chance in enumerate(plan) if chance <= 0.8
        }
        assert {document.split("/")[0] for document in Entry.objects.values_list("document", flat=True)} == kept


def one_checkout(document: str, chance: float, documents: bool) -> None:
    named = document if documents else None
    if chance < 0.2:
        issue_many("invoice", documents=[f"{document}/{item}" for item in range(3)], on=DAY)
    elif chance < 0.35:
        try:
            with transaction.atomic():
                issue("invoice", document=f"{document}/savepoint" if documents else None, on=DAY)
                raise ZeroDivisionError
        except ZeroDivisionError:
            issue("invoice", document=named, on=DAY)
    else:
        entry = issue("invoice", document=named, on=DAY)
        if chance > 0.6:
            assert entry.value
        if documents:
            assert issue("invoice", document=named, on=DAY).pk == entry.pk
    if chance > 0.8:
        raise RuntimeError("the payment failed")


@STRICT
def test_alone_a_few_tries_are_enough(allocation: str, level: str) -> None:
    """With nobody else: series and period exist, or are made on the way."""
    defined(allocation)
    assert retried(level, lambda: issue("invoice", on=DAY)) <= 3
    for _ in range(40):
        assert retried(level, lambda: issue("invoice", on=DAY)) <= 1
    for number in range(3):
        documents = [f"{number}:{item}" for item in range(100)]
        assert retried(level, lambda: issue_many("invoice", documents=documents, on=DAY)) <= 1  # noqa: B023
    assert values() == list(range(1, 342))
    expect_all_accounted_for()


@STRICT
def test_several_numbers_without_a_document_in_one_transaction(allocation: str, level: str) -> None:
    """Each try advances by at least one number, so that the retries end."""
    defined(allocation)
    assert retried(level, lambda: [issue("invoice", on=DAY) for _ in range(4)]) <= 6
    assert len(values()) == 4
    expect_all_accounted_for()


@STRICT
def test_a_transaction_that_is_older_than_the_others(allocation: str, level: str) -> None:
    """It has taken its snapshot before they began: it asks for a retry, or gets a number of its own."""
    defined(allocation)
    with transaction.atomic():
        issue("invoice", on=DAY)
    with checkouts(1) as (old,):

        def begin() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                cursor.execute("SELECT count(*) FROM ledger_entry")

        old.begin()
        old.run(begin)
        for _ in range(40):
            with transaction.atomic():
                issue("invoice", on=DAY)
        try:
            old.run(lambda: issue("invoice", document="order:17", on=DAY).value)
        except OperationalError:
            old.rollback()
        else:
            old.commit()
        assert old.run(lambda: retried(level, lambda: issue("invoice", document="order:17", on=DAY))) <= 1
    assert Entry.objects.count() == 42
    expect_all_accounted_for()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_level_of_the_role_or_the_database(allocation: str, level: str) -> None:
    """Set on the server, it holds for every connection, the second one of a checkout too."""
    defined(allocation)
    with default_isolation(level):
        in_threads(8, lambda worker: [retried(level, lambda: issue("invoice", on=DAY)) for _ in range(6)])
        in_threads(
            8,
            lambda worker: [
                retried(level, lambda: issue("invoice", document=f"{order}", on=DAY))  # noqa: B023
                for order in range(6)
            ],
        )
    assert Entry.objects.count() == 54
    assert Entry.objects.exclude(document="").count() == 6
    expect_all_accounted_for()


@contextmanager
def default_isolation(level: str) -> Iterator[None]:
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {database} RESET default_transaction_isolation")


@LEVELS
def test_all_allocations_in_one_transaction(level: str) -> None:
    for code in ALL:
        defined(code, code, code[0].upper())

    def work(worker: int) -> None:
        for step in range(6):
            order = random.Random(f"{worker}:{step}").sample(sorted((SERIAL, AT_COMMIT, POOLED, RESERVED)), 4)
            # The serial counter last, so that nobody holds it while waiting for another.
            order = [code for code in order if code != SERIAL] + [SERIAL]
            retried(level, lambda: [issue(code, document=f"{worker}:{step}", on=DAY) for code in order])  # noqa: B023

    in_threads(6, work)
    for code in ALL:
        assert len(values(code)) == 36, code
    expect_all_accounted_for()
