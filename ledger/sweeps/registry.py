"""Which sweeps there are. Other apps may register theirs when Django starts them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger import homes, missing_documents
from ledger.conf import ledger_settings
from ledger.errors import UnknownSweep
from ledger.gaps import reservation_ids
from ledger.periods import series_without_period
from ledger.sweeps import work

#: For a sweep of another app that ``LEDGER["SWEEPS"]`` doesn't name, in seconds.
_EVERY, _LIMIT = 3600.0, 300.0

#: How many ids make one batch, unless ``LEDGER["SWEEPS"]`` says so.
_BATCH = 500

#: The ids of a batch, which JSON can hold.
Ids = Sequence[int] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Batches:
    """Work that may be spread over processes, so that it is not one long task.

    ``find`` takes the database alias and how many ids make a batch, and yields batches of ids, each id once; ``do``
    takes the alias and the ids of one, and returns its counts, under the names of ``counted``. Things may change
    between the two, and a batch may be done twice, at once, or never: ``do`` checks again what there is to do. An id
    that can't be done now is logged and counted; an error in ``do`` ends its batch, and, if nothing is spread, the run.
    ``find`` may make smaller batches than it was asked for, such as one for each system.
    """

    find: Callable[[str, int], Iterator[Ids]]
    do: Callable[[str, Ids], Mapping[str, int]]
    counted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep. ``work`` takes the database alias, does everything in one go, and returns its counts.

    ``batches`` follow it, or are everything if ``work`` is None. One of several sweeps of a kind, such as the
    reconciliations of several systems, is named ``kind:which``. ``tenant`` is set for a sweep of one tenant, which runs
    in that tenant's home alone.
    """

    name: str
    title: str
    work: Callable[[str], Mapping[str, int]] | None = None
    batches: Batches | None = None
    tenant: str | None = None

    def is_of(self, alias: str) -> bool:
        """Whether it has anything to do in this home."""
        return self.tenant is None or not homes.are_many() or homes.home_of(self.tenant) == alias

    @property
    def every(self) -> timedelta:
        """How often it is due, by ``LEDGER["SWEEPS"]``."""
        return timedelta(seconds=self._times().get("every", _EVERY))

    @property
    def limit(self) -> timedelta:
        """How long a run, or a batch of one, may take before its process is ended, by ``LEDGER["SWEEPS"]``."""
        return timedelta(seconds=self._times().get("limit", _LIMIT))

    @property
    def batch_size(self) -> int:
        """How many ids make one batch, by ``LEDGER["SWEEPS"]``."""
        return max(1, int(self._times().get("batch", _BATCH)))

    def _times(self) -> Mapping[str, float]:
        """Its own, or those of its kind."""
        known = ledger_settings().sweeps
        return known.get(self.name) or known.get(self.name.partition(":")[0], {})


_sweeps: dict[str, Sweep] = {}
_kinds: dict[str, str] = {}


def register(sweep: Sweep) -> None:
    """Add a sweep, or replace the one of that name."""
    _sweeps[sweep.name] = sweep


def register_kind(name: str, remedy: str) -> None:
    """Make a kind known, even if it has no sweep yet; ``remedy`` says how to get one."""
    _kinds[name] = remedy


def registered(alias: str | None = None) -> list[Sweep]:
    """Every sweep, or those of one home, in the order in which to run them."""
    return [sweep for sweep in _sweeps.values() if alias is None or sweep.is_of(alias)]


def find_sweeps(name: str) -> list[Sweep]:
    """The sweep of that name, or all of that kind (``push`` for each ``push:…``); raises UnknownSweep."""
    found = [sweep for sweep in registered() if sweep.name.partition(":")[0] == name]
    if not found and name in _kinds:
        raise UnknownSweep(
            f"There is nothing to sweep for {name!r} here.",
            rule="Each accounting system has a sweep of its own, and no system is configured for this kind.",
            remedy=_kinds[name],
        )
    return found or [find_sweep(name)]


def find_sweep(name: str) -> Sweep:
    """The sweep of that name; raises UnknownSweep."""
    if name not in _sweeps:
        raise UnknownSweep(
            f"There is no sweep {name!r}.",
            rule="A sweep is one of Folio's, or one that an installed app has registered.",
            remedy=f"Choose one of {', '.join(_sweeps)}.",
        )
    return _sweeps[name]


for _sweep in (
    Sweep(
        "open_next_periods",
        "opening the periods of the days to come",
        batches=Batches(series_without_period, work.open_periods, ("opened", "failed")),
    ),
    Sweep("refill_pools", "minting ahead of use", batches=Batches(work.low_pools, work.refill, ("minted", "held"))),
    Sweep(
        "flag_gaps",
        "flagging what no checkout will fill",
        work.flag_slots,
        Batches(reservation_ids, work.flag_reservations, ("flagged", "in_flight", "settled")),
    ),
    Sweep("heal", "noting holes that were filled", work.heal),
    Sweep(
        "close_periods",
        "closing periods whose grace is over",
        batches=Batches(work.periods_to_close, work.close_periods, ("closed", "held")),
    ),
    Sweep(
        "missing_documents",
        "looking for documents that are gone",
        batches=Batches(missing_documents.numbers, work.look_for_documents, ("raised", "resolved")),
    ),
    Sweep("seal", "sealing what is new", work.seal),
    Sweep("verify", "checking every rule", work.verify),
):
    register(_sweep)
