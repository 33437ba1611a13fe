"""Reconciliation: what an accounting system has against what the ledger has, by number, in sets, in SQL.

``mirror`` keeps what was read of the system, page by page; ``compare`` raises and resolves findings; ``findings`` tells
them, and which numbers the system knows. Who reads the system is a matter of
``workers``: nothing here speaks to anybody but the database.
"""

from ledger.reconciliation.books import BookSettings
from ledger.reconciliation.comparing import Compared, compare
from ledger.reconciliation.findings import (
    Confirmed,
    Finding,
    confirmed_numbers,
    count_confirmed,
    count_findings,
    findings,
)

__all__ = ["BookSettings", "Compared", "Confirmed", "Finding", "compare", "confirmed_numbers", "count_confirmed"]
__all__ += ["count_findings", "findings"]
