"""The tasks: each runs one sweep, or one batch of it, and is safe to run twice, at once, or never.

Every task looks at the database for what there is to do, so a message that is lost or comes twice does no harm: the
next one catches up. Each run leaves a row (``ledger.models.SweepRun``). A host project with a Celery app of its own
needs this module alone::

    from workers.tasks import schedule      # Celery knows the tasks from now on

    app.conf.beat_schedule = {**app.conf.beat_schedule, **schedule()}
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task

from workers.schedule import longest, options, schedule

if TYPE_CHECKING:
    from ledger.models import SweepRun
    from ledger.sweeps import Ids

__all__ = [
    "close_periods",
    "flag_gaps",
    "heal",
    "longest",
    "missing_documents",
    "open_next_periods",
    "push",
    "reconcile",
    "refill_pools",
    "refill_remote_pools",
    "run_batch",
    "schedule",
    "seal",
    "verify",
]

#: As in ``workers.celery``, for the apps of host projects, whose own tasks may be of another kind.
task = partial(shared_task, acks_late=True, reject_on_worker_lost=True, ignore_result=True)


def _run(name: str) -> dict[str, Any]:
    # Imported here: a worker loads this module before Django has set up its apps.
    from ledger import sweeps

    return dict(sweeps.run(name, spread=_send).counts)


def _send(row: SweepRun, number: int, ids: Ids) -> None:
    run_batch.apply_async(args=[row.pk, number, list(ids)], **options(row.sweep))


@task(name="ledger.run_batch")
def run_batch(run: int, number: int, ids: list[Any]) -> dict[str, Any]:
    """Do one batch of a run that had too much to do for one task."""
    from ledger import sweeps

    return sweeps.run_batch(run, number, ids)


@task(name="ledger.open_next_periods")
def open_next_periods() -> dict[str, Any]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    return _run("open_next_periods")


@task(name="ledger.refill_pools")
def refill_pools() -> dict[str, Any]:
    """Mint for every pool that would be empty soon."""
    return _run("refill_pools")


@task(name="ledger.refill_remote_pools")
def refill_remote_pools(system: str | None = None) -> dict[str, Any]:
    """Refill the pools of drafts in one accounting system; without its name, send a message for each of them."""
    return _for_systems(refill_remote_pools, "refill_remote_pools", system)


@task(name="ledger.flag_gaps")
def flag_gaps() -> dict[str, Any]:
    """Flag every value that no checkout will take."""
    return _run("flag_gaps")


@task(name="ledger.heal")
def heal() -> dict[str, Any]:
    """Note of reported holes that a checkout has filled them."""
    return _run("heal")


@task(name="ledger.close_periods")
def close_periods() -> dict[str, Any]:
    """Close periods whose grace is over."""
    return _run("close_periods")


@task(name="ledger.missing_documents")
def missing_documents() -> dict[str, Any]:
    """Look for documents that are gone."""
    return _run("missing_documents")


@task(name="ledger.seal")
def seal() -> dict[str, Any]:
    """Seal what is new, for every tenant."""
    return _run("seal")


@task(name="ledger.verify")
def verify() -> dict[str, Any]:
    """Check every rule of the ledger."""
    return _run("verify")


@task(name="ledger.reconcile")
def reconcile(system: str | None = None) -> dict[str, Any]:
    """Reconcile one accounting system by its name in the settings; without one, send a message for each of them."""
    return _for_systems(reconcile, "reconcile", system)


@task(name="ledger.push")
def push(system: str | None = None) -> dict[str, Any]:
    """Write numbers back to one accounting system; without its name, send a message for each that is pushed to."""
    return _for_systems(push, "push", system)


def _for_systems(itself: Any, sort: str, system: str | None) -> dict[str, Any]:
    from workers import system_sweeps

    if system is not None:
        return _run(system_sweeps.sweep_name(sort, system))
    names = system_sweeps.systems_of(sort)
    for name in names:
        itself.apply_async(kwargs={"system": name}, **options(sort))
    return {"sent": len(names)}
