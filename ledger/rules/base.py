"""The parts of a rule set: each rule has a source, and is a ban or a doubt.

What breaks a ban is refused when a series is saved or a period opened, whatever the source. A ``doubtful`` rule (the
source leaves it open, or it is only Folio's caution) is no more than a warning, and so is a rule that binds later.
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
    #: What practitioners and advisers say.
    SECONDARY = "secondary"
    #: No source was found: it is Folio's caution.
    UNVERIFIED = "unverified"


class GapPolicy(StrEnum):
    """What must happen with a number that no document has."""

    #: No number may be missing.
    FORBIDDEN = "forbidden"
    #: It must be explained.
    EXPLAIN = "explain"
    #: It must be declared to the authority.
    DECLARE = "declare"
    #: Nothing is required.
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a rule, and ``since`` when it binds; None if that is long ago, or not known."""

    text: str
    basis: Basis
    since: date | None = None

    def binds(self, on: date) -> bool:
        """Whether the rule binds on that day."""
        return self.since is None or self.since <= on

    def as_dict(self) -> dict[str, str | None]:
        """All of it, for JSON."""
        return {"text": self.text, "basis": self.basis.value, "since": self.since.isoformat() if self.since else None}

    def __str__(self) -> str:
        return f"{self.text} ({self.basis}{f', since {self.since}' if self.since else ''})"


@dataclass(frozen=True, slots=True)
class Gaps:
    """The policy for missing numbers.

    They are declared to ``authority`` (as GapDeclared names it), by day ``due_day`` (at most 28) of the month after the
    one in which the sequence broke, or after the quarter if ``quarterly``.
    """

    policy: GapPolicy
    source: Source
    doubtful: bool = False
    authority: str = ""
    due_day: int | None = None
    quarterly: bool = False

    def due(self, broke_on: date) -> date | None:
        """The last day to declare a number if the sequence broke on that day; None without a due day."""
        if self.due_day is None:
            return None
        ends = broke_on.month + (-broke_on.month) % self._months
        year = broke_on.year + ends // 12
        return None if year > date.max.year else date(year, ends % 12 + 1, self.due_day)

    def begun(self, on: date) -> date:
        """The first day of the month, or the quarter, that is declared together with that day."""
        return date(on.year, on.month - (on.month - 1) % self._months, 1)

    def overdue_before(self, today: date) -> date | None:
        """Numbers are overdue if the sequence broke before this day; None if there is no due day."""
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
    """A pattern of the whole number; ``told`` says it in words. PostgreSQL reads it too, so it is kept simple."""

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

    ``refused`` calendars break the rule, ``doubted`` ones may. A period of fewer than ``shortest`` days is doubted, and
    so is one that reaches over the day ``turns_on`` of a year, unless it lasts for ever.
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
    """The authority (as NumberRegistered names it) must know each number within ``days`` after its business date."""

    authority: str
    days: int
    source: Source
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Numbers come from ranges that the authority (as AuthorisedRange names it) granted.

    Unless it is doubtful, no period is opened without a range from the source's day on. With ``declared``, the unused
    end of a range is declared to the authority.
    """

    authority: str
    told: str
    source: Source
    doubtful: bool = False
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one country, or of one e-invoicing network, for one series; None if it has no rule.

    ``aliases`` are other codes of the same set. ``unchecked`` are rules that only people can check.
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
