"""The facts about a ledger, and the verdict that follows from them. Pure: no database, no clock."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any

from django.utils.translation import gettext, ngettext, ngettext_lazy

from ledger.localization import day_told, quantity, to_translate

#: How many places a sentence names; pages and JSON list all of them.
_PLACES = 3


class State(StrEnum):
    """How a period, a series, a tenant or the whole ledger stands. The worst comes first."""

    LOST = to_translate("lost or tampered")
    BROKEN = to_translate("rules broken")
    DIFFERS = to_translate("differs from the books")
    UNEXPLAINED = to_translate("unexplained")
    UNDECLARED = to_translate("undeclared")
    RUNNING_OUT = to_translate("running out")
    OVERDUE = to_translate("overdue")
    IN_ORDER = to_translate("in order")

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return gettext(self.value)

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]

    @property
    def exit_code(self) -> int:
        """What a command ends with: 0 in order, 1 work for people, 2 lost or tampered."""
        return {State.LOST: 2, State.IN_ORDER: 0}.get(self, 1)

    @property
    def badge(self) -> str:
        """The class of its badge on a page."""
        return {State.IN_ORDER: "good", State.RUNNING_OUT: "note", State.OVERDUE: "note"}.get(self, "bad")


_RANKS = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True, eq=False)
class _Wording:
    """``text`` follows a count, ``n``; ``remedy`` says what to do. Without __eq__, which would translate the texts."""

    state: State
    text: Any
    remedy: str


class Kind(Enum):
    """The kinds of facts, each with the state that it leads to."""

    LOST = _Wording(
        State.LOST,
        ngettext_lazy("value is lost or was tampered with", "values are lost or were tampered with", "n"),
        to_translate("Restore them from a backup; manage.py ledger_verify names each."),
    )
    DISAGREES = _Wording(
        State.LOST,
        ngettext_lazy("counter disagrees with its rows", "counters disagree with their rows", "n"),
        to_translate("manage.py ledger_verify names the rows."),
    )
    TAMPERED = _Wording(
        State.LOST,
        ngettext_lazy("alarm is unresolved", "alarms are unresolved", "n"),
        to_translate("The page of alarms names the rows; manage.py ledger_verify looks again."),
    )
    RULE = _Wording(
        State.BROKEN,
        ngettext_lazy("rule of a country is broken", "rules of a country are broken", "n"),
        to_translate("manage.py ledger_rules names them."),
    )
    SETUP = _Wording(
        State.BROKEN,
        ngettext_lazy(
            "alarm about settings, keys or privileges is unresolved",
            "alarms about settings, keys or privileges are unresolved",
            "n",
        ),
        to_translate("The page of alarms names them; manage.py ledger_verify looks again."),
    )
    DIFFERENCE = _Wording(
        State.DIFFERS,
        ngettext_lazy("difference from the books is unresolved", "differences from the books are unresolved", "n"),
        to_translate("Mend it on the side that is wrong, or acknowledge it with a reason."),
    )
    UNEXPLAINED = _Wording(
        State.UNEXPLAINED,
        ngettext_lazy("missing value is not explained", "missing values are not explained", "n"),
        to_translate("manage.py ledger_gaps explain"),
    )
    NO_DOCUMENT = _Wording(
        State.UNEXPLAINED,
        ngettext_lazy("number has lost its document", "numbers have lost their documents", "n"),
        to_translate("Void them, or say why they may stand: manage.py ledger_documents explain"),
    )
    LEFT_OVER = _Wording(
        State.UNEXPLAINED,
        ngettext_lazy(
            "value is left over, and no checkout will take it",
            "values are left over, and no checkout will take them",
            "n",
        ),
        to_translate("manage.py ledger_gaps sweep flags what no checkout will fill."),
    )
    UNDECLARED = _Wording(
        State.UNDECLARED,
        ngettext_lazy("missing value is due to be declared", "missing values are due to be declared", "n"),
        to_translate("manage.py ledger_declare"),
    )
    USED_UP = _Wording(
        State.RUNNING_OUT,
        ngettext_lazy("counter is used up", "counters are used up", "n"),
        to_translate("Open another period, or issue from another series."),
    )
    RUNNING_OUT = _Wording(
        State.RUNNING_OUT,
        ngettext_lazy("counter runs out before its period ends", "counters run out before their periods end", "n"),
        to_translate("Choose a shorter prefix for the next period, a shorter period, or a second series."),
    )
    RANGE = _Wording(
        State.RUNNING_OUT,
        ngettext_lazy(
            "series has little left of its authorised ranges", "series have little left of their authorised ranges", "n"
        ),
        to_translate("Ask the authority for the next range, and add it: manage.py ledger_ranges add"),
    )
    POOL = _Wording(
        State.RUNNING_OUT,
        ngettext_lazy("pool of drafts could not be refilled", "pools of drafts could not be refilled", "n"),
        to_translate("manage.py ledger_status tells why."),
    )
    RESERVED = _Wording(
        State.OVERDUE,
        ngettext_lazy(
            "reservation waits for longer than a sweep lets it",
            "reservations wait for longer than a sweep lets them",
            "n",
        ),
        to_translate("Run manage.py ledger_gaps sweep, and make sure that a worker runs it."),
    )
    UNCHECKED = _Wording(
        State.OVERDUE,
        ngettext_lazy("check could not be made", "checks could not be made", "n"),
        to_translate("manage.py ledger_verify says why."),
    )
    SWEEP = _Wording(
        State.OVERDUE,
        ngettext_lazy("sweep is overdue", "sweeps are overdue", "n"),
        to_translate("manage.py ledger_sweep --status tells more."),
    )

    @property
    def state(self) -> State:
        """The state that such a fact leads to."""
        return self.value.state

    @property
    def remedy(self) -> str:
        """What to do."""
        return gettext(self.value.remedy)

    def counted(self, count: int) -> str:
        """``3 values are lost or were tampered with``."""
        return f"{quantity(count)} {self.value.text % {'n': count}}"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is not as it should be, since when, and where.

    ``tenant`` is None if it concerns all of them; then ``series``, a code, and ``starts_on``, the first day of the
    period, are None too; ``ordinal`` is the period's place where it is an authorised range, else 0. A fact of a tenant
    alone, such as a number in the books that the ledger doesn't know, has no series, and one of a series alone no
    period. ``detail`` names what ``count`` counts, where that has names.
    """

    kind: Kind
    count: int
    tenant: str | None = None
    series: str | None = None
    starts_on: date | None = None
    ordinal: int = 0
    since: datetime | None = None
    detail: str = ""

    @property
    def place(self) -> str:
        """Where it is, in words; empty if it concerns all."""
        if self.tenant is None:
            return ""
        if self.series is None:
            return self.tenant or gettext("the tenant without a name")
        name = f"{self.tenant}/{self.series}" if self.tenant else self.series
        if self.starts_on is None:
            return name
        told = gettext("%(name)s for ever") % {"name": name}
        if self.starts_on != date.min:
            told = gettext("%(name)s from %(day)s") % {"name": name, "day": day_told(self.starts_on)}
        if self.ordinal:
            told = gettext("%(place)s, range %(ordinal)s") % {"place": told, "ordinal": self.ordinal}
        return told

    def concerns(self, tenant: str | None, series: str | None, starts_on: date | None, ordinal: int) -> bool:
        """Whether it belongs to a place; to all of a tenant or series where the rest of the place is None."""
        return self.tenant is None or (
            (tenant is None or self.tenant == tenant)
            and (series is None or self.series == series)
            and (starts_on is None or (self.starts_on, self.ordinal) == (starts_on, ordinal))
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "state": self.kind.state.value,
            "kind": self.kind.name.lower().replace("_", "-"),
            "count": self.count,
            "tenant": self.tenant,
            "series": self.series,
            "period": self.starts_on,
            "range": self.ordinal or None,
            "since": self.since,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Sentence:
    """All facts of one kind in one sentence."""

    state: State
    text: str
    since: datetime | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one place stands. ``as_of`` is when the facts were read; ``looked_at`` when every value was last checked: the
    same moment in a small ledger, else that of the last full check, or None if there never was one. ``acknowledged``
    counts the alarms that were acknowledged: they don't count for the state, but are shown.
    """

    state: State
    facts: tuple[Fact, ...]
    as_of: datetime
    looked_at: datetime | None
    acknowledged: int = 0

    @property
    def is_in_order(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is State.IN_ORDER

    @property
    def is_lost(self) -> bool:
        """Whether rows were lost or tampered with."""
        return self.state is State.LOST

    @property
    def looks_now(self) -> bool:
        """Whether every value was checked for this very verdict."""
        return self.looked_at is not None and self.looked_at >= self.as_of

    def count(self, state: State) -> int:
        """How much there is of one state."""
        return sum(fact.count for fact in self.facts if fact.kind.state is state)

    def sentences(self) -> Iterator[Sentence]:
        """A sentence for each kind of fact, the worst first."""
        for kind in Kind:
            facts = [fact for fact in self.facts if fact.kind is kind]
            if not facts:
                continue
            since = min((fact.since for fact in facts if fact.since is not None), default=None)
            names = list(dict.fromkeys(filter(None, (fact.detail or fact.place for fact in facts))))
            places = ", ".join(names[:_PLACES])
            if len(names) > _PLACES:
                more = {"places": places, "n": quantity(len(names) - _PLACES)}
                places = gettext("%(places)s and %(n)s more") % more
            text = kind.counted(sum(fact.count for fact in facts))
            yield Sentence(kind.state, f"{text} ({places})" if places else text, since, kind.remedy)

    @property
    def acknowledged_text(self) -> str:
        """``2 alarms are acknowledged``; empty if none is."""
        if not self.acknowledged:
            return ""
        told = ngettext("%(n)s alarm is acknowledged", "%(n)s alarms are acknowledged", self.acknowledged)
        return told % {"n": quantity(self.acknowledged)}

    def __str__(self) -> str:
        said = "; ".join(filter(None, [*(one.text for one in self.sentences()), self.acknowledged_text]))
        return f"{self.state.label}: {said}" if said else self.state.label

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "state": self.state.value,
            "as_of": self.as_of,
            "looked_at": self.looked_at,
            "acknowledged": self.acknowledged,
            "facts": [fact.as_dict() for fact in self.facts],
        }


def decide(facts: Iterable[Fact], *, as_of: datetime, looked_at: datetime | None, acknowledged: int = 0) -> Verdict:
    """**The one place that decides the state**: that of the worst fact; without facts, all is in order."""
    ordered = sorted(facts, key=lambda fact: fact.kind.state.rank)
    state = ordered[0].kind.state if ordered else State.IN_ORDER
    return Verdict(state, tuple(ordered), as_of, looked_at, acknowledged)
