"""The Celery app, for ``celery -A workers worker`` and ``celery -A workers beat``.

The broker is REDIS_URL, or else the embedded Redis. A project with a Celery app of its own imports ``workers.tasks``
instead of this module.
"""

import os

from celery import Celery

from workers import broker
from workers.schedule import longest, schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")


def broker_url() -> str:
    """REDIS_URL, or the URL of the embedded Redis, which is started if necessary."""
    if url := os.environ.get("REDIS_URL"):
        return url
    from ledger.site import embedded

    return embedded.redis_url()


broker.use()
app = Celery("folio")
app.conf.update(
    broker_url=broker_url(),
    # No result backend: the database has what a sweep did, and one thing less can fail.
    task_ignore_result=True,
    beat_schedule=schedule(),
    timezone="UTC",
    # Every task is a sweep over the database: one that is lost or runs twice does no harm, and the next one catches up.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Sweeps mostly wait for the database, and a long one must not block the others.
    worker_concurrency=4,
    # For tasks that are sent by hand; beat sends each sweep with limits of its own.
    task_time_limit=600,
    task_soft_time_limit=540,
    # A worker survives however long the broker is away, and finishes its task: the work is in the database.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Longer than the longest task; otherwise Redis would give it to a second worker meanwhile, which does no harm.
    broker_transport_options={"visibility_timeout": longest() + 60},
)
app.autodiscover_tasks(["workers"])
