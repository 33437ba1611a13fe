"""GSTR-1 table 13: the rows of a month's documents."""

from __future__ import annotations

import itertools

from hypothesis import given, strategies as st

from ledger.formats import NumberFormat
from ledger.reports.official.gstr1 import Issued, rows, run_of

RUN = (1, "INV-", "")


def document(value: int, *, void: bool = False, run: tuple[int, str, str] = RUN) -> Issued:
    return Issued(run, value, f"{run[1]}{value}{run[2]}", void)


def test_a_row_ends_where_the_serial_breaks() -> None:
    found = list(rows([document(1), document(2, void=True), document(3), document(5), document(6)]))
    assert [row.as_dict(num) for num, row in enumerate(found, 1)] == [
        {"num": 1, "from": "INV-1", "to": "INV-3", "totnum": 3, "cancel": 1, "net_issue": 2},
        {"num": 2, "from": "INV-5", "to": "INV-6", "totnum": 2, "cancel": 0, "net_issue": 2},
    ]


def test_a_row_ends_where_the_period_or_the_letters_change() -> None:
    found = rows([document(1), document(2, run=(2, "INV-", "")), document(3, run=(2, "C-", ""))])
    assert [row.total for row in found] == [1, 1, 1]


def test_no_documents_no_rows() -> None:
    assert list(rows([])) == []


@given(st.dictionaries(st.tuples(st.integers(1, 2), st.integers(1, 50)), st.booleans(), max_size=60))
def test_the_parts_put_together_give_the_whole(made: dict[tuple[int, int], bool]) -> None:
    documents = [document(value, void=made[run, value], run=(run, f"S{run}-", "")) for run, value in sorted(made)]
    found = list(rows(documents))
    assert sum(row.total for row in found) == len(documents)
    assert sum(row.cancelled for row in found) == sum(document.void for document in documents)
    seen = []
    for row in found:
        stem, first = row.first.split("-")
        same, last = row.last.split("-")
        assert stem == same
        assert row.total == int(last) - int(first) + 1
        seen += [f"{stem}-{value}" for value in range(int(first), int(last) + 1)]
        assert row.as_dict(1)["net_issue"] == row.total - row.cancelled
    assert seen == [document.number for document in documents]
    for before, after in itertools.pairwise(found):
        stem, last = before.last.split("-")
        assert after.first != f"{stem}-{int(last) + 1}", "as few rows as possible"


class TestRuns:
    NUMBERS = NumberFormat("", 1, "")

    def test_other_letters_are_another_run(self) -> None:
        plain, cancelled = (run_of(1, self.NUMBERS, 536_379, number) for number in ("536379", "C536379"))
        assert plain != cancelled
        assert cancelled == run_of(1, self.NUMBERS, 536_380, "C536380")

    def test_a_suffix_that_looks_like_the_counter_is_no_break(self) -> None:
        numbers = NumberFormat("", 1, "/2026")
        assert len({run_of(1, numbers, value, numbers.number(value)) for value in range(1, 3000)}) == 1

    def test_adopted_numbers_may_be_padded_otherwise(self) -> None:
        numbers = NumberFormat("NEW-", 6, "")
        assert len({run_of(1, numbers, value, f"OLD{value:05}") for value in range(1, 3000)}) == 1

    def test_a_number_without_its_value_stands_alone(self) -> None:
        assert run_of(1, self.NUMBERS, 7, "seven") != run_of(1, self.NUMBERS, 8, "eight")
