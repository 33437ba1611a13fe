"""What people do to the ledger. Pages, admin, commands and API all call these functions.

Each is atomic, and keeps who acts as ``by``. The same call again by the same person writes nothing and returns the
first event, marked as ``repeated``. ``all_or_none`` does one of them to many rows.
"""

from ledger.actions.bulk import Done, all_or_none
from ledger.actions.findings import acknowledge
from ledger.actions.gaps import Skipped, declare, explain, skip_taken
from ledger.actions.voiding import void
from ledger.adoption import adopt
from ledger.adoption.retiring import retire
from ledger.gaps.sweeping import flag_lost
from ledger.periods import close_period, open_next_periods, open_period
from ledger.ranges import authorise
from ledger.series import change_allocation, define_series
from ledger.verification.alarms import acknowledge_alarm

__all__ = ["Done", "Skipped", "acknowledge", "acknowledge_alarm", "adopt", "all_or_none", "authorise"]
__all__ += ["change_allocation", "close_period", "declare", "define_series", "explain", "flag_lost"]
__all__ += ["open_next_periods", "open_period", "retire", "skip_taken", "void"]
