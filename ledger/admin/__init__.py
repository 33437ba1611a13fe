"""The admin: series can be set up here, the ledger can be read here, and a number is voided or a period closed by name.

base.py        what the pages share: read-only pages, a paginator for big tables
series.py      series, with a live preview of the next number (preview.py)
periods.py     periods and their counters; closing them (confirmed.py is the page that asks first)
entries.py     the ledger, found by search.py and filters.py; voiding numbers
events.py      what happened to entries later, and adopted histories
"""

from ledger.admin import entries, events, periods, series

__all__ = ["entries", "events", "periods", "series"]
