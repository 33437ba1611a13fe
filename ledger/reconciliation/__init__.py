"""Reconciliation: compares the numbers of an accounting system with the ledger's, in set-based SQL.

``mirror`` saves what was read of the system, page by page; ``compare`` raises and resolves findings; ``findings`` lists
them and the numbers that the system confirms. ``workers`` reads the system: code here uses only the database.
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
