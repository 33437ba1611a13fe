"""Which sweeps there are. Other apps may register theirs when Django starts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ledger.conf import ledger_settings
from ledger.errors import UnknownSweep
from ledger.sweeps import work

#: For a sweep of another app that ``LEDGER["SWEEPS"]`` doesn't name, in seconds.
_EVERY, _LIMIT = 3600.0, 300.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep: ``work`` takes the database alias, and returns what it counted.

    One of several of a sort, such as the reconciliations of several systems, is named ``sort:which``.
    """

    name: str
    title: str
    work: Callable[[str], Mapping[str, int]]

    @property
    def every(self) -> timedelta:
        """How often it is due, by ``LEDGER["SWEEPS"]``."""
        return timedelta(seconds=self._times().get("every", _EVERY))

    @property
    def limit(self) -> timedelta:
        """How long a run may take before its process is ended, by ``LEDGER["SWEEPS"]``."""
        return timedelta(seconds=self._times().get("limit", _LIMIT))

    def _times(self) -> Mapping[str, float]:
        """Its own, or those of its sort."""
        known = ledger_settings().sweeps
        return known.get(self.name) or known.get(self.name.partition(":")[0], {})


_sweeps: dict[str, Sweep] = {}


def register(sweep: Sweep) -> None:
    """Add a sweep, or replace the one of that name."""
    _sweeps[sweep.name] = sweep


def registered() -> list[Sweep]:
    """Every sweep, in the order in which one after the other makes sense."""
    return list(_sweeps.values())


def find_sweep(name: str) -> Sweep:
    """The sweep of that name; raises UnknownSweep."""
    if name not in _sweeps:
        raise UnknownSweep(
            f"There is no sweep {name!r}.",
            rule="A sweep is one of Folio's, or one that an installed app has registered.",
            remedy=f"Choose one of {', '.join(_sweeps)}.",
        )
    return _sweeps[name]


register(Sweep("open_next_periods", "opening the periods of the days to come", work.open_next_periods))
register(Sweep("refill_pools", "minting ahead of use", work.refill_pools))
register(Sweep("flag_gaps", "flagging what no checkout will fill", work.flag_gaps))
register(Sweep("heal", "noting holes that were filled", work.heal))
register(Sweep("close_periods", "closing periods whose grace is over", work.close_periods))
register(Sweep("verify", "checking every rule", work.verify))
