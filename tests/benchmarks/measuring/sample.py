"""What was measured of one contestant in one round, and what a series of rounds says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil


@dataclass(frozen=True, slots=True)
class Load:
    """What was busy meanwhile: cores, as an average, and what the server's connections waited for."""

    #: Cores of the machine.
    cores: int
    #: Cores kept busy by PostgreSQL, by the clients, and by everything on the machine. ``server`` is None where
    #: PostgreSQL runs on another one.
    server: float | None
    clients: float
    machine: float
    #: Connections, as an average, by what they waited for when they were looked at, such as "Lock: advisory".
    waits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One contestant in one round: calls a second, the seconds of each call, and the load where it was watched."""

    rate: float
    calls: Sequence[float] = ()
    load: Load | None = None


def together(parts: Iterable[Sample], load: Load | None) -> Sample:
    """The sample of several crowds that worked at the same time."""
    parts = list(parts)
    calls = [seconds for part in parts for seconds in part.calls]
    return Sample(rate=sum(part.rate for part in parts), calls=calls, load=load)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
