"""Lists that end, records that are read field by field, and documents that are made once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest

from workers.accounting import errors
from workers.accounting.base import Page, RemoteInvoice, State, live_first, make_once
from workers.accounting.credentials import Credentials
from workers.accounting.folder import Folder
from workers.accounting.http_options import HttpOptions
from workers.accounting.responses import Record
from workers.accounting.systems import System


def invoice(key: str = "1", state: State = State.POSTED) -> RemoteInvoice:
    return RemoteInvoice(key, f"INV-{key}", state, date(2026, 3, 1), "order:1", datetime(2026, 3, 1, tzinfo=UTC))


#: The plainest of the adapters, for what all of them share.
ADAPTER = Folder(System("books", "file", Credentials("books", {})), HttpOptions())


def read(answers: dict[str | None, Page]) -> list[str]:
    return [each.remote_id for page in ADAPTER.pages(lambda at: answers[at], None) for each in page.invoices]


def test_pages_end() -> None:
    assert read({None: Page([invoice("1")], "2"), "2": Page([], "3"), "3": Page([invoice("2")], None)}) == ["1", "2"]


@pytest.mark.parametrize(
    "answers",
    [
        {None: Page([invoice("1")], "2"), "2": Page([invoice("1")], "3")},
        {None: Page([invoice("1")], "2"), "2": Page([invoice("2")], "3"), "3": Page([invoice("1")], "4")},
        {None: Page([invoice("1")], "2"), "2": Page([], "2")},
        {None: Page([], "2"), "2": Page([], "3"), "3": Page([], "2")},
    ],
)
def test_a_circle_is_seen(answers: dict[str | None, Page]) -> None:
    with pytest.raises(errors.EndlessPages):
        read(answers)


def test_a_list_without_end_is_cut() -> None:
    numbers = count()
    endless = ADAPTER.pages(lambda at: Page([], str(next(numbers))), None, longest=50)
    with pytest.raises(errors.EndlessPages, match="not ended after 50 pages"):
        list(endless)


def record(**fields: Any) -> Record:
    return Record(fields, system="books", endpoint="GET things")


def test_records_read_what_is_there() -> None:
    row = record(a="x", n=7, d="2026-03-01T00:00:00", t="2026-03-01T12:00:00+01:00", r={"b": "y"}, rs=[{"b": "z"}])
    assert (row.text("a"), row.text("n"), row.whole("n"), row.date("d")) == ("x", "7", 7, date(2026, 3, 1))
    assert row.time("t") == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert (row.record("r").text("b"), row.records("rs")[0].text("b")) == ("y", "z")
    assert (row.text("none", ""), row.date("none", None), row.records("none", [])) == ("", None, [])


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (lambda row: row.text("none"), "has no 'none'"),
        (lambda row: row.text("list"), "a list in 'list', where a text"),
        (lambda row: row.text("flag"), "true or false in 'flag'"),
        (lambda row: row.whole("a"), "where a whole number"),
        (lambda row: row.date("a"), "where a date"),
        (lambda row: row.date("n"), "where a date"),
        (lambda row: row.time("naive"), "a time with its zone"),
        (lambda row: row.record("a"), "a text where a record"),
        (lambda row: row.records("a"), "where a list"),
        (lambda row: row.records("list"), "a number where a record"),
    ],
)
def test_records_say_what_is_wrong(reading: Any, told: str) -> None:
    row = record(a="x", n=7, list=[1], flag=True, naive="2026-03-01T12:00:00")
    with pytest.raises(errors.UnexpectedAnswer, match=told) as caught:
        reading(row)
    assert caught.value.endpoint == "GET things"


def test_the_living_come_first() -> None:
    assert live_first([]) is None
    assert live_first([invoice("1", State.VOID), invoice("2")]) == invoice("2")
    assert live_first([invoice("1", State.VOID)]) == invoice("1", State.VOID)


def lost() -> RemoteInvoice:
    raise errors.AnswerLost("p.", rule="r.", remedy="r.", system="books")


def test_what_is_there_is_not_made() -> None:
    assert make_once(lambda: [invoice()], lost) == invoice()


def test_what_a_lost_answer_has_made_is_found() -> None:
    looks = iter([[], [invoice()]])
    assert make_once(lambda: next(looks), lost) == invoice()


def test_what_may_still_come_is_not_made_again() -> None:
    made = []

    def make() -> RemoteInvoice:
        made.append(1)
        return lost()

    with pytest.raises(errors.AnswerLost):
        make_once(list, make)
    assert len(made) == 1
