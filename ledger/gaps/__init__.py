"""Holes and gaps: finding and proving them. What people do about them is in ``ledger.actions``.

A *hole* is a value below the highest one without an entry. It is not a *gap* yet, since its checkout may still run.
``find`` tells the state of each hole; ``sweep`` turns those that no checkout will fill into gaps, by claiming their
values in the unique index that issuing uses. That proof needs no clock, and no grace that could be too short.
"""

from ledger.gaps.finding import Hole, State, find
from ledger.gaps.flagged import Gap, GapRange, flagged_gaps, healed_holes, undeclared
from ledger.gaps.sweeping import Swept, flag_lost, raise_lost, reservation_ids, sweep, sweep_reservations, sweep_slots

__all__ = ["Gap", "GapRange", "Hole", "State", "Swept", "find", "flag_lost", "flagged_gaps", "healed_holes"]
__all__ += ["raise_lost", "reservation_ids", "sweep", "sweep_reservations", "sweep_slots", "undeclared"]
