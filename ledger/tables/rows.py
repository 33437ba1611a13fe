"""The rows of a table that count: as long as the header, chosen by the layout's conditions, each with its status."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.errors import TableError
from ledger.tables.layout import Condition, Layout, Statuses
from ledger.tables.reading import Table, text_of


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row can't be taken, and where it stands; a row with several faults comes once for each."""

    row: int
    problem: str
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.place or f'row {self.row}'}: {self.problem}"


class Chosen(NamedTuple):
    """A row that counts: where it stands, its cells, and what its void column means; or why it can't be read."""

    row: int
    cells: Sequence[Any]
    status: str = "valid"
    problem: str | None = None


class ChosenRows:
    """The rows of a table that count, and what became of the others. Raises TableError where a column is missing."""

    def __init__(self, table: Table, layout: Layout, *, drafts: bool = False) -> None:
        self.table = table
        self.layout = layout
        self.drafts = drafts
        self.statuses = Statuses(layout)
        #: How many rows were read, and how many of them were left out by which rule.
        self.read = 0
        self.left_out: Counter[str] = Counter()
        rules = [(text, f"not where {text}", True) for text in layout.where]
        rules += [(text, f"skip {text}", False) for text in layout.skip]
        self._conditions = [
            (told, table.column(condition.column), condition, wanted)
            for text, told, wanted in rules
            for condition in [Condition.parse(text)]
        ]
        self.number, self.date = table.column(layout.number_column), table.column(layout.date_column)
        self.document, self.void, self.customer, self.total, self.id = (
            None if name is None else table.column(name)
            for name in (
                layout.document_column,
                layout.void_column,
                layout.customer_column,
                layout.total_column,
                layout.id_column,
            )
        )

    def __iter__(self) -> Iterator[Chosen]:
        for record in self.table.records:
            cells = list(record.cells)
            if record.problem is None and not any(text_of(cell) for cell in cells):
                continue
            self.read += 1
            if record.problem is not None:
                yield Chosen(record.row, cells, problem=record.problem)
                continue
            problem = self._fitted(cells)
            reason, status = self._left_out(cells)
            if reason:
                self.left_out[reason] += 1
            else:
                yield Chosen(record.row, cells, status, problem)
        if not self.read:
            raise TableError(
                f"{self.table} has a header and no row.",
                rule="A file has one row for each document.",
                remedy="Export the numbers again, and see that there are some.",
            )

    def unclassified(self) -> str:
        """What is wrong with the values of the void column; empty where each of them was classified."""
        values = self.statuses.unclassified()
        told = ", ".join(f"{value!r} ({count:,})" for value, count in list(values.items())[:20])
        if not values:
            return ""
        return (
            f"The column {self.layout.void_column!r} of {self.table.name!r} has values that nobody has classified: "
            f"{told}{', …' if len(values) > 20 else ''}."
        )

    def _fitted(self, cells: list[Any]) -> str | None:
        """Bring the cells to as many as the header has; what is wrong if that isn't a matter of empty ones."""
        count, wanted = len(cells), len(self.table.header)
        cells += [""] * (wanted - count)
        while len(cells) > wanted and not text_of(cells[-1]):
            cells.pop()
        if count < wanted or len(cells) > wanted:
            return f"it has {count} fields, and the header {wanted}"
        return None

    def _left_out(self, cells: Sequence[Any]) -> tuple[str, str]:
        """By which rule the row doesn't count, empty where it does; and its status."""
        for reason, at, condition, wanted in self._conditions:
            if condition.holds(text_of(cells[at])) != wanted:
                return reason, ""
        number = text_of(cells[self.number]).casefold()
        if self.layout.only_prefix and not any(number.startswith(one.casefold()) for one in self.layout.only_prefix):
            return f"not only prefix {', '.join(self.layout.only_prefix)}", ""
        if self.void is None:
            return "", "valid"
        status = self.statuses.read(text_of(cells[self.void]))
        return (f"drafts by {self.layout.void_column}" if status == "draft" and not self.drafts else ""), status
