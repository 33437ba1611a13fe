"""The sweeps: regular work on the ledger. Each is safe to run twice, at once, or never.

A sweep looks at the database and returns counts. ``run`` records each run for the admin, the health check and the
metrics. Celery, ``manage.py ledger_sweep`` or cron may call it. A sweep that may have much to do is divided into
batches (``Batches``), which the caller of ``run`` may spread over processes.
"""

from ledger.sweeps.registry import Batches, Ids, Sweep, find_sweep, find_sweeps, register, register_kind, registered
from ledger.sweeps.running import run, run_batch

__all__ = ["Batches", "Ids", "Sweep", "find_sweep", "find_sweeps", "register", "register_kind", "registered", "run"]
__all__ += ["run_batch"]
