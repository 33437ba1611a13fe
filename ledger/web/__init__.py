"""Folio's own pages, and what monitoring asks for.

access.py      who may see which tenant: every page goes through it; wrappers.py: what each view is wrapped in
overview.py    all series of a tenant, and finding a number; series.py: one series, and its rules
period.py      one period: pictures.py draws it from counts.py (kept in the cache)
number.py      one number with all events that speak of it; declaring it void
gaps.py        gaps, and explaining them; findings.py: findings, and acknowledging them
confirming.py  the page that asks before anything is written
exports.py     the report as a file
workers.py     the sweeps
page.py        what surrounds every page; rows.py: tables that are sorted and paged
health.py      /healthz; metrics.py, figures.py: /metrics
"""
