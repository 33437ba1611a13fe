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

__all__ = ["close_periods", "flag_gaps", "heal", "longest", "missing_documents", "open_next_periods", "push"]
__all__ += ["reconcile", "refill_pools", "refill_remote_pools", "run_batch", "schedule", "seal", "verify"]

#: As in ``workers.celery``, for the apps of host projects, whose own tasks may be of another kind.
task = partial(shared_task, acks_late=True, reject_on_worker_lost=True, ignore_result=True)


def _run(itself: Any, name: str, home: str | None) -> dict[str, Any]:
    """Run it in one home; without a home, where there are several, send a message for each of them."""
    # Imported here: a worker loads this module before Django has set up its apps.
    from ledger import homes, sweeps

    if home is None and homes.are_many():
        every = homes.homes()
        for each in every:
            itself.apply_async(kwargs={"home": each}, **options(name))
        return {"sent": len(every)}
    return dict(sweeps.run(name, using=home, spread=partial(_send, home)).counts)


def _send(home: str | None, row: SweepRun, number: int, ids: Ids) -> None:
    there = {} if home is None else {"home": home}
    run_batch.apply_async(args=[row.pk, number, list(ids)], kwargs=there, **options(row.sweep))


@task(name="ledger.run_batch")
def run_batch(run: int, number: int, ids: list[Any], home: str | None = None) -> dict[str, Any]:
    """Do one batch of a run that had too much to do for one task."""
    from ledger import sweeps

    return sweeps.run_batch(run, number, ids, using=home)


@task(name="ledger.open_next_periods")
def open_next_periods(home: str | None = None) -> dict[str, Any]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    return _run(open_next_periods, "open_next_periods", home)


@task(name="ledger.refill_pools")
def refill_pools(home: str | None = None) -> dict[str, Any]:
    """Mint for every pool that would be empty soon."""
    return _run(refill_pools, "refill_pools", home)


@task(name="ledger.refill_remote_pools")
def refill_remote_pools(system: str | None = None) -> dict[str, Any]:
    """Refill the pools of drafts in one accounting system; without its name, send a message for each of them."""
    return _for_systems(refill_remote_pools, "refill_remote_pools", system)


@task(name="ledger.flag_gaps")
def flag_gaps(home: str | None = None) -> dict[str, Any]:
    """Flag every value that no checkout will take."""
    return _run(flag_gaps, "flag_gaps", home)


@task(name="ledger.heal")
def heal(home: str | None = None) -> dict[str, Any]:
    """Note of reported holes that a checkout has filled them."""
    return _run(heal, "heal", home)


@task(name="ledger.close_periods")
def close_periods(home: str | None = None) -> dict[str, Any]:
    """Close periods whose grace is over."""
    return _run(close_periods, "close_periods", home)


@task(name="ledger.missing_documents")
def missing_documents(home: str | None = None) -> dict[str, Any]:
    """Look for documents that are gone."""
    return _run(missing_documents, "missing_documents", home)


@task(name="ledger.seal")
def seal(home: str | None = None) -> dict[str, Any]:
    """Seal what is new, for every tenant."""
    return _run(seal, "seal", home)


@task(name="ledger.verify")
def verify(home: str | None = None) -> dict[str, Any]:
    """Check every rule of the ledger."""
    return _run(verify, "verify", home)


@task(name="ledger.reconcile")
def reconcile(system: str | None = None) -> dict[str, Any]:
    """Reconcile one accounting system by its name in the settings; without one, send a message for each of them."""
    return _for_systems(reconcile, "reconcile", system)


@task(name="ledger.push")
def push(system: str | None = None) -> dict[str, Any]:
    """Write numbers back to one accounting system; without its name, send a message for each that is pushed to."""
    return _for_systems(push, "push", system)


def _for_systems(itself: Any, sort: str, system: str | None) -> dict[str, Any]:
    from ledger.homes import are_many, home_of
    from ledger.sweeps import find_sweep
    from workers import system_sweeps

    if system is not None:
        name = system_sweeps.sweep_name(sort, system)
        home = home_of(find_sweep(name).tenant) if are_many() else None
        return _run(itself, name, home)
    names = system_sweeps.systems_of(sort)
    for name in names:
        itself.apply_async(kwargs={"system": name}, **options(sort))
    return {"sent": len(names)}
