"""Books that differ from the ledger in every way that reconciliation knows, each difference noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from tests.accounting.standins.books import Books
from workers.accounting.base import State


@dataclass(frozen=True)
class Issued:
    """A number as the ledger has it."""

    number: str
    issued_on: date
    reference: str
    void: bool = False


@dataclass(frozen=True)
class Planted:
    """One discrepancy: its kind, and the number under which it shows."""

    kind: str
    number: str
    reference: str


def keep(books: Books, issued: Iterable[Issued]) -> dict[str, str]:
    """Make the books agree with the ledger; the keys of the documents by number."""
    keys = {}
    for each in issued:
        keys[each.number] = books.add(each.number, each.issued_on, each.reference, State.POSTED)
        if each.void:
            books.void(keys[each.number])
    return keys


def plant(books: Books, issued: list[Issued]) -> list[Planted]:
    """Books that agree, except for one discrepancy of each kind that this vendor can have, among the first numbers."""
    keys = keep(books, issued)
    return list(_planted(books, issued, keys))


def _planted(books: Books, issued: list[Issued], keys: dict[str, str]) -> Iterator[Planted]:
    living = iter([each for each in issued if not each.void])
    void = next((each for each in issued if each.void), None)

    each = next(living)
    books.lose(keys[each.number])
    yield Planted("missing there", each.number, each.reference)

    books.add("FOREIGN-0001", each.issued_on, "")
    yield Planted("unknown here", "FOREIGN-0001", "")

    each = next(living)
    books.void(keys[each.number])
    yield Planted("void there only", each.number, each.reference)

    if void is not None:
        books.documents[keys[void.number]].state = State.POSTED
        yield Planted("void here only", void.number, void.reference)

    if books.allows_duplicates:
        each = next(living)
        books.add(each.number, each.issued_on, "somebody else's")
        yield Planted("twice there", each.number, each.reference)

    each = next(living)
    books.renumber(keys[each.number], f"{each.number}-A")
    yield Planted("another number there", each.number, each.reference)

    each = next(living)
    books.documents[keys[each.number]].issued_on = each.issued_on.replace(year=each.issued_on.year - 1, day=1)
    books.touch(keys[each.number])
    yield Planted("another period there", each.number, each.reference)

    each = next(living)
    books.delete(keys[each.number])
    yield Planted("deleted there", each.number, each.reference)

    each = next(living)
    books.delete(keys[each.number])
    books.add(each.number, each.issued_on, "somebody else's")
    yield Planted("used again there", each.number, each.reference)
