"""What a ledger must contain, in dictionaries: nothing here asks a database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.allocations import AT_COMMIT, POOLED, RESERVED, SERIAL

#: A value of a year's counter.
Place = tuple[int, int]


@dataclass
class Taken:
    """One number that an open checkout took; ``value`` is None until at_commit has decided it."""

    document: str
    year: int
    value: int | None


@dataclass
class OpenCheckout:
    """A transaction: the numbers it took, in order, and the length of that list at each savepoint."""

    taken: list[Taken] = field(default_factory=list)
    savepoints: list[int] = field(default_factory=list)
    #: It was refused a block for a reason that only the counter's lock can tell.
    refused: bool = False

    def find(self, document: str) -> Taken | None:
        return next((one for one in self.taken if document and one.document == document), None)

    def holds(self, year: int) -> set[int]:
        return {one.value for one in self.taken if one.year == year and one.value is not None}


@dataclass
class Ledger:
    """The series of one tenant."""

    allocation: str
    entries: dict[Place, str] = field(default_factory=dict)
    gaps: set[Place] = field(default_factory=set)
    voided: set[Place] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    #: reserved: of each year's counter, and what waits.
    counters: dict[int, int] = field(default_factory=dict)
    reservations: dict[Place, str] = field(default_factory=dict)
    checkouts: dict[int, OpenCheckout] = field(default_factory=dict)

    def place_of(self, document: str) -> Place | None:
        return next((place for place, whose in self.entries.items() if document and whose == document), None)

    def pending(self, document: str) -> bool:
        return any(checkout.find(document) for checkout in self.checkouts.values())

    def would_wait(self, who: int) -> bool:
        """Whether a checkout that takes a number now has to wait for another one to end."""
        return self.allocation == SERIAL and any(
            checkout.taken or checkout.refused for other, checkout in self.checkouts.items() if other != who
        )

    def in_use(self, year: int) -> bool:
        return any(one.year == year for checkout in self.checkouts.values() for one in checkout.taken)

    def used(self, year: int) -> set[int]:
        committed = {value for at, value in [*self.entries, *self.gaps] if at == year}
        return committed.union(*(checkout.holds(year) for checkout in self.checkouts.values()))

    def _free(self, year: int) -> Iterator[int]:
        used = self.used(year)
        value = 0
        while True:
            value += 1
            if value not in used:
                yield value

    def take(self, who: int, year: int, documents: list[str]) -> list[int | None]:
        """The values that these documents, which have no numbers, must get now."""
        checkout = self.checkouts[who]
        free = self._free(year)
        values: list[int | None] = []
        for document in documents:
            if self.allocation == AT_COMMIT:
                value = None
            elif self.allocation == RESERVED:
                value = self._reserve(year, document)
            else:
                value = next(free)
            checkout.taken.append(Taken(document, year, value))
            values.append(value)
        return values

    def _reserve(self, year: int, document: str) -> int:
        for (at, value), whose in self.reservations.items():
            if document and (at, whose) == (year, document):
                return value
        self.counters[year] = self.counters.get(year, 0) + 1
        self.reservations[(year, self.counters[year])] = document
        return self.counters[year]

    def roll_back_to_savepoint(self, who: int) -> None:
        checkout = self.checkouts[who]
        del checkout.taken[checkout.savepoints.pop() :]

    def commit(self, who: int) -> list[Taken]:
        """The checkout commits; returns its numbers, all with values now, periods in their order."""
        checkout = self.checkouts.pop(who)
        for one in checkout.taken:
            if one.value is None:
                one.value = len(self.used(one.year)) + 1
            assert one.value is not None
            self.entries[(one.year, one.value)] = one.document
            self.reservations.pop((one.year, one.value), None)
        return checkout.taken

    def sweep(self) -> None:
        """Reservations that no checkout holds are gaps from now on; a pool's free values wait for the next."""
        for place in list(self.reservations):
            if not any(place[1] in checkout.holds(place[0]) for checkout in self.checkouts.values()):
                del self.reservations[place]
                self.gaps.add(place)

    def close(self, year: int) -> None:
        """Nobody is in the period. What waits below its highest number becomes a gap; what lies above never was."""
        self.closed.add(year)
        for place in [place for place in self.reservations if place[0] == year]:
            del self.reservations[place]
            self.gaps.add(place)
        used = self.used(year)
        if self.allocation == POOLED:
            self.gaps |= {(year, value) for value in range(1, max(used, default=0)) if value not in used}
