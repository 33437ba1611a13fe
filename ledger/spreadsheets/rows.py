"""The rows of a table that count: as long as the header, and chosen by the layout's conditions, with their status."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.errors import TableError
from ledger.spreadsheets.layout import Condition, Kinds, Layout, Statuses
from ledger.spreadsheets.reading import Table, text_of

# At most so many rules that left rows out are counted one by one: each word of a kind column is a rule.
_RULES = 50


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read, and why; a row with several faults comes once for each."""

    row: int
    problem: str
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.place or f'row {self.row}'}: {self.problem}"


class Chosen(NamedTuple):
    """A row that counts: its number, its cells, what its void column means, and its kind if the layout says that; or
    why it can't be read."""

    row: int
    cells: Sequence[Any]
    status: str = "valid"
    problem: str | None = None
    kind: str = ""


class ChosenRows:
    """The rows of a table that count, and why others don't. Raises TableError where a column is missing."""

    def __init__(self, table: Table, layout: Layout, *, drafts: bool = False) -> None:
        self.table = table
        self.layout = layout
        self.drafts = drafts
        self.statuses = Statuses(layout)
        self.kinds = Kinds(layout)
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
        self.document, self.void, self.customer, self.total, self.id, self.kind = (
            None if name is None else table.column(name)
            for name in (
                *(layout.document_column, layout.void_column, layout.customer_column),
                *(layout.total_column, layout.id_column, layout.kind_column),
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
            kind, reason = self.kinds.of("" if self.kind is None else text_of(cells[self.kind]))
            reason = self._unwanted(cells) or reason
            status = "" if reason else self._status(cells)
            if status == "draft" and not self.drafts:
                reason = f"drafts by {self.layout.void_column}"
            if reason:
                self.left_out[reason if len(self.left_out) < _RULES else "other rules"] += 1
            else:
                yield Chosen(record.row, cells, status, problem, kind)
        if not self.read:
            raise TableError(
                f"{self.table} has a header and no row.",
                rule="A file has one row for each document.",
                remedy="Export the numbers again, and make sure that there are some.",
            )

    def unclassified(self) -> str:
        """What is wrong with the values of the void column; empty where each is classified."""
        values = self.statuses.unclassified()
        told = ", ".join(f"{value!r} ({count:,})" for value, count in list(values.items())[:20])
        if not values:
            return ""
        return (
            f"The column {self.layout.void_column!r} of {self.table.name!r} has values that nobody has classified: "
            f"{told}{', …' if len(values) > 20 else ''}."
        )

    def _fitted(self, cells: list[Any]) -> str | None:
        """Add or remove empty cells, up to the header's length; says what is wrong where the row really differs."""
        count, wanted = len(cells), len(self.table.header)
        cells += [""] * (wanted - count)
        while len(cells) > wanted and not text_of(cells[-1]):
            cells.pop()
        if count < wanted or len(cells) > wanted:
            return f"it has {count} fields, and the header {wanted}"
        return None

    def _unwanted(self, cells: Sequence[Any]) -> str:
        """The condition by which the row doesn't count; empty where it does."""
        for reason, at, condition, wanted in self._conditions:
            if condition.holds(text_of(cells[at])) != wanted:
                return reason
        number = text_of(cells[self.number]).casefold()
        if self.layout.only_prefix and not any(number.startswith(one.casefold()) for one in self.layout.only_prefix):
            return f"not only prefix {', '.join(self.layout.only_prefix)}"
        return ""

    def _status(self, cells: Sequence[Any]) -> str:
        return "valid" if self.void is None else self.statuses.read(text_of(cells[self.void]))
