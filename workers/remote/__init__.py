"""Drafts in accounting systems that number them: the half of ``ledger.remote`` that asks the network.

refilling.py  makes drafts ahead for ``remote`` series
looking.py    looks after those that wait: what was deleted or used there is withdrawn
unused.py     cancels those that no document got
"""

from workers.remote.refilling import refill_system
from workers.remote.unused import cancel_unused

__all__ = ["cancel_unused", "refill_system"]
