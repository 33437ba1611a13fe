"""All that a shop has to write."""

from ledger.compat.oscar import OrderNumberGenerator

__all__ = ["OrderNumberGenerator"]
