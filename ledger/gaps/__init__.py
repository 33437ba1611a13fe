"""Holes and gaps: finding them, and proving them. What people do about them stands in ``ledger.actions``.

A *hole* is a value below the highest one without an entry. It is not a *gap* yet, since its checkout may still run.
``find`` tells where each hole stands; ``sweep`` turns those that no checkout will fill into gaps, by claiming their
values in the unique index that issuing uses: there is no clock in that proof, and no grace that could be too short.
"""

from ledger.gaps.declared import GapRange, undeclared
from ledger.gaps.finding import find
from ledger.gaps.flagged import Gap, flagged_gaps, healed_holes
from ledger.gaps.holes import Hole, State
from ledger.gaps.sweeping import Swept, flag_lost, raise_lost, reservation_ids, sweep, sweep_reservations, sweep_slots

__all__ = ["Gap", "GapRange", "Hole", "State", "Swept", "find", "flag_lost", "flagged_gaps", "healed_holes"]
__all__ += ["raise_lost", "reservation_ids", "sweep", "sweep_reservations", "sweep_slots", "undeclared"]
