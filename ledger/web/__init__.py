"""Folio's own pages, and what monitoring asks for.

access.py      who may see which tenant: every page goes through it; decorators.py: what each view is wrapped in
overview.py    all series of a tenant; series.py: one series, and its rules
period.py      one period: charts.py draws it from counts.py (kept in the cache)
number.py      one number with all its events; finding it, declaring it void
gaps.py        gaps, and explaining them; findings.py, alarms.py: these, and acknowledging them
register.py    every number of a tenant; exports.py: reports and the register as files
books.py       comparing an export of an accounting program; ranges.py: authorised ranges
confirming.py  the page that asks before anything is written
workers.py     the sweeps
page.py        what surrounds every page; query_string.py: tables that are sorted and paged, filters and dates
health.py      /healthz; metrics.py, prometheus.py: /metrics
"""
