"""Three kinds of tables: configuration and counters, queues, and events, which are only ever inserted.

Beside them the diary of the sweeps, which is no part of the ledger.
"""

from ledger.models.events import (
    AdoptedGap,
    Adoption,
    Entry,
    GapDeclared,
    GapExplained,
    GapFlagged,
    HoleHealed,
    HoleReported,
    NumberAdopted,
    NumberIssued,
    NumberVoided,
)
from ledger.models.queues import Pool, Reservation, ScanPosition, Slot, Ticket
from ledger.models.runs import SweepRun
from ledger.models.series import Allocation, Period, Series

__all__ = [
    "AdoptedGap",
    "Adoption",
    "Allocation",
    "Entry",
    "GapDeclared",
    "GapExplained",
    "GapFlagged",
    "HoleHealed",
    "HoleReported",
    "NumberAdopted",
    "NumberIssued",
    "NumberVoided",
    "Period",
    "Pool",
    "Reservation",
    "ScanPosition",
    "Series",
    "Slot",
    "SweepRun",
    "Ticket",
]
