"""Folio's own pages, and what monitoring asks for.

access.py      who may see which tenant: every page goes through it; headers.py: what each sends along; texts.py: what
               no request may hold
overview.py    all series of a tenant, the periods of one, and finding a number
period.py      one period: numberline.py and charts.py draw it from counts.py (kept in the cache) and voided.py
number.py      one number; story.py tells its events; declaring it void
gaps.py        gaps (gap_rows.py), and explaining them; findings.py: findings, and acknowledging them
confirming.py  the page that asks before anything is written
exports.py     the report as a file
workers.py     the sweeps
shown.py       what surrounds every page; rows.py: tables that are sorted and paged
health.py      /healthz; metrics.py, figures.py: /metrics
"""
