"""The admin: series can be set up here, the ledger can be read here, and a number is voided or a period closed by name.

base.py        what the pages share: read-only pages, a paginator for big tables
series.py      series, with a live preview of the next number (preview.py)
periods.py     periods and their counters, with what waits (ledger/queues.py); closing them (confirmed.py asks first)
entries.py     the ledger, found by search.py and filters.py, with its evidence (evidence.py); voiding numbers
queues.py      reservations
events.py      what happened to entries later, and adopted histories
holes.py       holes that sweeps have seen
drafts.py      drafts in accounting systems, and the pools of remote series
judged.py      how the ledger stands, by the judge
mirror.py      what accounting systems have
access.py      auditors, who see one tenant
"""

from ledger.admin import access, drafts, entries, events, holes, mirror, periods, queues, series

__all__ = ["access", "drafts", "entries", "events", "holes", "mirror", "periods", "queues", "series"]
