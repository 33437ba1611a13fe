"""Three kinds of tables: configuration and counters, queues (none yet), and events, which are only ever inserted."""

from ledger.models.events import (
    AdoptedGap,
    Adoption,
    Entry,
    GapExplained,
    GapFlagged,
    NumberAdopted,
    NumberIssued,
    NumberVoided,
)
from ledger.models.series import Allocation, Period, Series

__all__ = [
    "AdoptedGap",
    "Adoption",
    "Allocation",
    "Entry",
    "GapExplained",
    "GapFlagged",
    "NumberAdopted",
    "NumberIssued",
    "NumberVoided",
    "Period",
    "Series",
]
