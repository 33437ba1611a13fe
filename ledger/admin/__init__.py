"""The admin: series can be set up here, the ledger can be read here, and a number is voided or a period closed by name.

base.py        what the pages share: read-only pages, a paginator for big tables, columns, and asking before an act
filters.py     filters, and the search box for entries
series.py      series, with a live preview of the next number
periods.py     periods and their counters, what waits, how they stand; closing them
entries.py     the ledger with its evidence; voiding numbers
events.py      what happened to entries later, queues, drafts, and what accounting systems have
access.py      auditors, who see one tenant
"""

from ledger.admin import access, entries, events, periods, series

__all__ = ["access", "entries", "events", "periods", "series"]
