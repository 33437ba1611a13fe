"""The tasks of the sweeps in tests/broker/apps.py, and the broker's settings that a test changes."""

from __future__ import annotations

import os
from typing import Any

from workers.celery import app
from workers.tasks import _run, task

if "FOLIO_TEST_VISIBILITY" in os.environ:
    app.conf.broker_transport_options = {
        "visibility_timeout": float(os.environ["FOLIO_TEST_VISIBILITY"]),
        # How often a worker looks for what has become visible again; by default it may take 100 seconds.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@task(name="ledger.wait")
def wait() -> dict[str, Any]:
    return _run(wait, "wait", None)


@task(name="ledger.stubborn")
def stubborn() -> dict[str, Any]:
    return _run(stubborn, "stubborn", None)


@task(name="ledger.hesitate")
def hesitate() -> dict[str, Any]:
    return _run(hesitate, "hesitate", None)
