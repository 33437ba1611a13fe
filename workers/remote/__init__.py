"""Drafts in accounting systems that number them: the half of ``ledger.remote`` that sends requests.

refilling.py  makes drafts in advance for ``remote`` series, and withdraws those that were deleted or used there
unused.py     cancels drafts that no document got
"""

from workers.remote.refilling import refill_system
from workers.remote.unused import cancel_unused

__all__ = ["cancel_unused", "refill_system"]
