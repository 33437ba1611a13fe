"""The sweeps: what looks after the ledger while nobody does. Each is safe to run twice, at once, or never.

A sweep is a function of no arguments that looks at the database and returns what it counted. ``run`` records each run,
so that the admin, the health check and the metrics can tell. Celery, ``manage.py ledger_sweep`` or cron may call it.
"""

from ledger.sweeps.registry import Sweep, find_sweep, register, registered
from ledger.sweeps.running import run

__all__ = ["Sweep", "find_sweep", "register", "registered", "run"]
