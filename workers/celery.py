"""The Celery app: ``celery -A workers worker`` and ``celery -A workers beat`` run as they are.

The broker is REDIS_URL, else the embedded Redis. A host project with a Celery app of its own imports ``workers.tasks``
instead, and never this module.
"""

import os

from celery import Celery

from workers import broker
from workers.schedule import longest, schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")


def broker_url() -> str:
    """REDIS_URL, or that of the embedded Redis, which is started if need be."""
    if url := os.environ.get("REDIS_URL"):
        return url
    from ledger.site import embedded

    return embedded.redis_url()


broker.use()
app = Celery("folio")
app.conf.update(
    broker_url=broker_url(),
    # No result backend: what a sweep did stands in the database, and one thing less can fail.
    task_ignore_result=True,
    beat_schedule=schedule(),
    timezone="UTC",
    # Every task is a sweep over the database: one that is lost or runs twice does no harm, and the next one catches up.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Sweeps wait for the database more than they compute, and a long one must not keep the others from their turns.
    worker_concurrency=4,
    # For what is sent by hand; beat sends each sweep with limits of its own.
    task_time_limit=600,
    task_soft_time_limit=540,
    # A worker outlives its broker, however long that is away. What it is at, it finishes: the work is in the database.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Longer than the longest task, or Redis would have it done by a second worker meanwhile; which does no harm.
    broker_transport_options={"visibility_timeout": longest() + 60},
)
app.autodiscover_tasks(["workers"])
