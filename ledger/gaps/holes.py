"""What a hole is: a value, or a range of them, below the highest one and without an entry."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from ledger.formats import NumberFormat


class State(StrEnum):
    """Where a hole stands."""

    #: A checkout holds the value, or has asked for it a moment ago.
    IN_FLIGHT = "in_flight"
    #: A free slot: the next checkout takes it.
    HEALING = "healing"
    #: No checkout holds it and none will: the next sweep makes it a gap.
    LEFT_OVER = "left_over"
    #: Nothing waits for it, which no rollback can bring about: rows were lost or tampered with.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole: ``value`` to ``through``, both inclusive and alike but for ranges of lost values.

    ``since`` is when it came into being, as far as the rows tell; ``evidence`` what is known of who asked for it.
    """

    tenant: str
    series: str
    period: int
    starts_on: date
    ends_on: date
    ordinal: int
    value: int
    through: int
    number: str
    state: State
    since: datetime | None
    evidence: Mapping[str, Any]
    #: Where it was found, and is flagged.
    database: str = field(default="", compare=False, repr=False)

    @property
    def count(self) -> int:
        """How many values it is."""
        return self.through - self.value + 1

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        told = asdict(self) | {"state": self.state.value, "count": self.count}
        del told["database"]
        return told


def number_of(prefix: str, width: int, suffix: str, value: int) -> str:
    """The number that ``value`` has, or would have."""
    return NumberFormat(prefix=prefix, width=width, suffix=suffix).shown(value)
