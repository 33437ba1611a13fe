"""The rows of a table that count: as long as the header, chosen by the layout's conditions, each with its status."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.errors import TableError
from ledger.tables.layout import Condition, Kinds, Layout, Statuses
from ledger.tables.reading import Table, text_of

# So many rules are told apart that left rows out: each word of a kind column is one.
_RULES = 50


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row can't be taken, and where it stands; a row with several faults comes once for each."""

    row: int
    problem: str
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.place or f'row {self.row}'}: {self.problem}"


class Chosen(NamedTuple):
    """A row that counts: where it stands, its cells, what its void column means, and its kind, where somebody has said;
    or why it can't be read."""

    row: int
    cells: Sequence[Any]
    status: str = "valid"
    problem: str | None = None
    kind: str = ""


class ChosenRows:
    """The rows of a table that count, and what became of the others. Raises TableError where a column is missing."""

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
                layout.document_column,
                layout.void_column,
                layout.customer_column,
                layout.total_column,
                layout.id_column,
                layout.kind_column,
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

    def _unwanted(self, cells: Sequence[Any]) -> str:
        """By which condition the row doesn't count; empty where it does."""
        for reason, at, condition, wanted in self._conditions:
            if condition.holds(text_of(cells[at])) != wanted:
                return reason
        number = text_of(cells[self.number]).casefold()
        if self.layout.only_prefix and not any(number.startswith(one.casefold()) for one in self.layout.only_prefix):
            return f"not only prefix {', '.join(self.layout.only_prefix)}"
        return ""

    def _status(self, cells: Sequence[Any]) -> str:
        return "valid" if self.void is None else self.statuses.read(text_of(cells[self.void]))
