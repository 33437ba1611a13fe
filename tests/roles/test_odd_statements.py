"""Functions called by statements that Folio never writes: many calls in one, EXPLAIN, COPY, immediate constraints."""

import pytest
from django.db import connections, transaction

from ledger import define_series, issue, issue_many, open_period
from ledger.models import Allocation, Entry
from ledger.verification import verify
from tests.allocations import expect_all_accounted_for
from tests.drafts import stock
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, WORKERS, rows


@pytest.mark.parametrize("allocation", Allocation.values)
def test_constraints_that_are_checked_at_once(allocation: str) -> None:
    """Triggers that usually wait for COMMIT run inside the function: the slot is gone, its entry isn't there yet."""
    code = f"at-once-{allocation}"
    system = "books" if allocation == "remote" else ""
    series = define_series(
        code, template=f"{code}-{{year}}-{{counter}}", allocation=allocation, system=system, using=FINANCE
    )
    if allocation == "remote":
        stock(series, [f"{code}-{n}" for n in range(5)], day=DAY, using=WORKERS)
    with transaction.atomic(using=CHECKOUT):
        rows(CHECKOUT, "SET CONSTRAINTS ALL IMMEDIATE")
        assert issue(code, on=DAY, document="one", using=CHECKOUT).value == 1
        block = issue_many(code, on=DAY, documents=["two", "three"], using=CHECKOUT)
        assert [entry.value for entry in block] == [2, 3]
    expect_all_accounted_for(OWNER)


#: A call for each of thirty documents, in one statement.
CALLS = {
    "serial": "SELECT ledger_issue_serial('', '{code}', '{day}', NULL, 'order:' || n, '', '{{}}') FROM {thirty}",
    "pooled": "SELECT ledger_issue_slot('pooled', '', '{code}', '{day}', NULL, 'order:' || n, '', '{{}}')"
    " FROM {thirty}",
    "at_commit": "SELECT ledger_leave_ticket('', '{code}', '{day}', NULL, ARRAY['order:' || n], '', '{{}}', true, 'x')"
    " FROM {thirty}",
}
FRAMES = {
    "SELECT": "{}",
    "EXPLAIN": "EXPLAIN (ANALYZE, VERBOSE) {}",
    "COPY": "COPY ({}) TO STDOUT",
    "a table": "CREATE TEMPORARY TABLE taken ON COMMIT DROP AS {}",
    "prepared": "PREPARE taking AS {}",
    "a cursor": "DECLARE taking CURSOR FOR {}",
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("allocation", CALLS)
def test_many_calls_in_one_statement(allocation: str, frame: str) -> None:
    code = f"{frame.replace(' ', '-')}-{allocation}"
    series = define_series(code, template=f"{code}-{{year}}-{{counter}}", allocation=allocation, using=FINANCE)
    open_period(series, DAY, using=FINANCE)
    if allocation == "pooled":
        with transaction.atomic(using=CHECKOUT):
            # Makes more than thirty slots.
            issue_many(code, on=DAY, documents=[f"order:{n}" for n in range(30)], using=CHECKOUT)
            transaction.set_rollback(True, using=CHECKOUT)
    call = FRAMES[frame].format(CALLS[allocation].format(code=code, day=DAY, thirty="generate_series(1, 30) n"))
    with transaction.atomic(using=CHECKOUT):
        if frame == "COPY":
            with connections[CHECKOUT].connection.cursor().copy(call) as lines:
                assert len(list(lines)) == 30
        else:
            rows(CHECKOUT, call)
        after = {"prepared": ("EXECUTE taking", "DEALLOCATE taking"), "a cursor": ("FETCH 30 FROM taking",)}
        for statement in after.get(frame, ()):
            rows(CHECKOUT, statement)
    entries = Entry.objects.using(OWNER).filter(series=series).order_by("value")
    assert list(entries.values_list("value", flat=True)) == list(range(1, 31))
    assert len(set(entries.values_list("document", flat=True))) == 30


def test_all_of_it_is_in_order() -> None:
    assert [str(alarm) for alarm in verify(using=OWNER)] == []
