"""The sweeps: what looks after the ledger while nobody does. Each is safe to run twice, at once, or never.

A sweep looks at the database and returns what it counted. ``run`` records each run, so that the admin, the health check
and the metrics can tell. Celery, ``manage.py ledger_sweep`` or cron may call it. A sweep that may have much to do says
how its work falls into batches (``Batches``), and who calls ``run`` may spread those over processes.
"""

from ledger.sweeps.registry import Batches, Ids, Sweep, find_sweep, find_sweeps, register, register_kind, registered
from ledger.sweeps.running import run, run_batch

__all__ = ["Batches", "Ids", "Sweep", "find_sweep", "find_sweeps", "register", "register_kind", "registered", "run"]
__all__ += ["run_batch"]
