"""What is known of everything that was asked about; every part of it can be judged from it. Pure, like ``verdict``."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from ledger.judging.verdict import Fact, Verdict, decide


@dataclass(frozen=True, slots=True)
class Judgement:
    """The facts of everything that was asked about; every part of it can be judged from them."""

    facts: tuple[Fact, ...]
    as_of: datetime
    looked_at: datetime | None
    #: Acknowledged alarms.
    acknowledged: tuple[Fact, ...] = ()
    _by_place: dict[tuple[str | None, str | None, date | None, int], Verdict] = field(
        default_factory=dict, init=False, compare=False
    )
    #: The facts of each series and of each tenant (series: None), and those that concern all (both None).
    _index: dict[tuple[str | None, str | None], list[Fact]] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        for fact in self.facts:
            for near in {(fact.tenant, None), (fact.tenant, fact.series)}:
                self._index.setdefault(near, []).append(fact)
        for fact in self.acknowledged:
            for near in ((fact.tenant, None), (fact.tenant, fact.series)):
                self._index.setdefault(near, [])

    @property
    def verdict(self) -> Verdict:
        """The verdict on everything."""
        return self.of()

    def of(
        self, tenant: str | None = None, series: str | None = None, starts_on: date | None = None, ordinal: int = 0
    ) -> Verdict:
        """The verdict on a tenant, on one of its series, or on the period with that first day and ordinal."""
        if tenant is not None and (tenant, series) not in self._index:
            # Most of thousands of places have no fact of their own: they share the verdict of what concerns all.
            tenant, series, starts_on = None, "", None
        place = (tenant, series, starts_on, ordinal)
        if place not in self._by_place:
            near: Iterable[Fact] = self.facts
            if tenant is not None:
                near = [*self._index.get((None, None), ()), *self._index.get((tenant, series), ())]
            facts = (fact for fact in near if fact.concerns(*place))
            known = sum(fact.count for fact in self.acknowledged if fact.concerns(*place))
            verdict = decide(facts, as_of=self.as_of, looked_at=self.looked_at, acknowledged=known)
            self._by_place[place] = verdict
        return self._by_place[place]

    def narrowed(self, tenants: Collection[str]) -> "Judgement":
        """The same for people who may see only these tenants."""

        def seen(facts: Iterable[Fact]) -> tuple[Fact, ...]:
            return tuple(fact for fact in facts if fact.tenant is None or fact.tenant in tenants)

        return replace(self, facts=seen(self.facts), acknowledged=seen(self.acknowledged))

    def including(self, facts: Iterable[Fact]) -> "Judgement":
        """The same with more facts; the larger count is kept of facts that both have."""
        return replace(self, facts=merged([*self.facts, *facts]))


def merged(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Each fact once: two checks that found the same in the same place have not found twice as much."""
    found: dict[tuple[Any, ...], Fact] = {}
    for fact in facts:
        key = (fact.kind, fact.tenant, fact.series, fact.starts_on, fact.ordinal, fact.detail)
        known = found.get(key)
        if known is not None:
            since = min(filter(None, (known.since, fact.since)), default=None)
            fact = replace(known, count=max(known.count, fact.count), since=since)
        found[key] = fact
    return tuple(found.values())
