"""What a rule set is made of: each rule with its source, and whether it is a ban or a doubt.

A ban is refused when a series is saved or a period opened, whatever its source. What is ``doubtful`` (the source leaves
it open, or it is Folio's caution alone) is a warning and no more; so is what a source asks from a later day on.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ledger.calendars import CalendarKind, FiscalStart


class Basis(StrEnum):
    """How far a source can be trusted."""

    #: The text of the law, or of an official schema.
    STATUTE = "statute"
    #: What practitioners and advisers say of it.
    SECONDARY = "secondary"
    #: Nobody was found who says it: Folio's caution.
    UNVERIFIED = "unverified"


class GapPolicy(StrEnum):
    """What is to happen with a number that no document bears."""

    #: There may be none.
    FORBIDDEN = "forbidden"
    #: It must be explained.
    EXPLAIN = "explain"
    #: It must be declared to the authority.
    DECLARE = "declare"
    #: Nothing is asked.
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule stands, and ``since`` which day it binds; None where that is long ago, or not known."""

    text: str
    basis: Basis
    since: date | None = None

    def binds(self, on: date) -> bool:
        """Whether it does on that day."""
        return self.since is None or self.since <= on

    def as_dict(self) -> dict[str, str | None]:
        """All of it, for JSON."""
        return {"text": self.text, "basis": self.basis.value, "since": self.since.isoformat() if self.since else None}

    def __str__(self) -> str:
        return f"{self.text} ({self.basis}{f', since {self.since}' if self.since else ''})"


@dataclass(frozen=True, slots=True)
class Gaps:
    """The policy for missing numbers.

    ``authority`` is whom they are declared to, as GapDeclared names it; ``due_day`` the day by which, of the
    month after the one in which the sequence broke, or after the quarter if ``quarterly``: 28 at most.
    """

    policy: GapPolicy
    source: Source
    doubtful: bool = False
    authority: str = ""
    due_day: int | None = None
    quarterly: bool = False

    def due(self, broke_on: date) -> date | None:
        """The last day to declare a number, if the sequence broke on that day; None if there is no such day."""
        if self.due_day is None:
            return None
        ends = broke_on.month + (-broke_on.month) % self._months
        year = broke_on.year + ends // 12
        return None if year > date.max.year else date(year, ends % 12 + 1, self.due_day)

    def begun(self, on: date) -> date:
        """The first day of the month, or the quarter, that is declared together with that day."""
        return date(on.year, on.month - (on.month - 1) % self._months, 1)

    def overdue_before(self, today: date) -> date | None:
        """A number whose sequence broke before this day is overdue; None if there is no day by which it is due."""
        if self.due_day is None:
            return None
        this = self.begun(today)
        last = self.begun(this - timedelta(days=1))
        due = self.due(last)
        return this if due is not None and today > due else last

    @property
    def _months(self) -> int:
        return 3 if self.quarterly else 1


@dataclass(frozen=True, slots=True)
class Length:
    """The longest number, in characters."""

    maximum: int
    source: Source
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Characters:
    """What a whole number must match; ``told`` says it in words. PostgreSQL reads the pattern too, so it is plain."""

    pattern: str
    told: str
    source: Source
    doubtful: bool = False

    def fit(self, number: str) -> bool:
        """Whether a number matches as a whole."""
        return re.fullmatch(self.pattern, number) is not None


@dataclass(frozen=True, slots=True)
class Counter:
    """The values that a counter may have."""

    lowest: int
    highest: int
    source: Source


@dataclass(frozen=True, slots=True)
class Order:
    """Dates never decrease within a period."""

    source: Source


@dataclass(frozen=True, slots=True)
class Reset:
    """When the counter may start again.

    ``refused`` calendars break the rule, ``doubted`` ones may. ``shortest`` is a period's length in days below which it
    is doubted; ``turns_on`` a day of the year over which no period should reach, but one that lasts for ever.
    """

    told: str
    source: Source
    refused: frozenset[CalendarKind] = frozenset()
    doubted: frozenset[CalendarKind] = frozenset()
    shortest: int = 1
    turns_on: FiscalStart | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """A number identifies one document; Folio keeps them unique without regard to case, whatever the rule asks."""

    source: Source
    any_case: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """An authority must know each number, under a reference of its own, so many days after its business date.

    ``authority`` is its name, as NumberRegistered has it.
    """

    authority: str
    days: int
    source: Source
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Numbers come from ranges that an authority granted, named as AuthorisedRange has it.

    Where it is not doubtful, no period is opened without one from the source's day on. ``declared`` says that the
    unused end of a range is declared to the authority.
    """

    authority: str
    told: str
    source: Source
    doubtful: bool = False
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one country, or of one e-invoicing network, for one series; what it says nothing of is None.

    ``aliases`` are other codes of the same set. ``unchecked``: what only people can see to.
    """

    code: str
    name: str
    gaps: Gaps | None = None
    unique: Unique | None = None
    length: Length | None = None
    characters: Characters | None = None
    counter: Counter | None = None
    order: Order | None = None
    reset: Reset | None = None
    registration: Registration | None = None
    authorisation: Authorisation | None = None
    unchecked: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that a rule names, once."""
        rules = (
            *(self.unique, self.gaps, self.length, self.characters, self.counter, self.order, self.reset),
            *(self.registration, self.authorisation),
        )
        return tuple(dict.fromkeys(rule.source for rule in rules if rule is not None))
