"""The Celery app: ``celery -A workers worker`` and ``celery -A workers beat`` run as they are.

The broker is REDIS_URL, else the embedded Redis. A host project with a Celery app of its own imports ``workers.tasks``
and ``workers.schedule`` instead, and never this module.
"""

from __future__ import annotations

import os

from celery import Celery

from workers.schedule import schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")


def broker_url() -> str:
    """REDIS_URL, or that of the embedded Redis, which is started if need be."""
    if url := os.environ.get("REDIS_URL"):
        return url
    from ledger.site import embedded

    return embedded.redis_url()


app = Celery("folio")
app.conf.update(
    broker_url=broker_url(),
    result_backend=broker_url(),
    result_expires=3600,
    beat_schedule=schedule(),
    timezone="UTC",
    # Every task is a sweep over the database: one that is lost or runs twice does no harm, and the next one catches up.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=600,
    task_soft_time_limit=540,
    broker_connection_retry_on_startup=True,
)
app.autodiscover_tasks(["workers"])
