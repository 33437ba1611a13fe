"""Drafts in accounting systems that number them: made ahead for ``remote`` series, looked after, and cancelled."""

from workers.remote.refilling import refill_system
from workers.remote.unused import cancel_unused

__all__ = ["cancel_unused", "refill_system"]
