"""The tasks: each runs one sweep, or one batch of it, and is safe to run twice, at the same time, or never.

Every task finds its work in the database, so a message that is lost or comes twice does no harm: the next one catches
up. Each run leaves a row (``ledger.models.SweepRun``). A project with a Celery app of its own needs only this module::

    from workers.tasks import schedule      # now Celery knows the tasks

    app.conf.beat_schedule = {**app.conf.beat_schedule, **schedule()}
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task

from workers.schedule import longest, options, schedule

if TYPE_CHECKING:
    from ledger.models import SweepRun
    from ledger.sweeps import Ids

# A project needs these too.
__all__ = ["longest", "options", "schedule"]

#: As in ``workers.celery``, for apps of other projects, whose own tasks may have other options.
task = partial(shared_task, acks_late=True, reject_on_worker_lost=True, ignore_result=True)


@task(name="ledger.run_batch")
def run_batch(run: int, number: int, ids: list[Any], home: str | None = None) -> dict[str, Any]:
    """Do one batch of a run that had too much to do for one task."""
    # Imported here, as below, because a worker loads this module before Django has set up its apps.
    from ledger import sweeps

    return sweeps.run_batch(run, number, ids, using=home)


def _send(home: str | None, row: "SweepRun", number: int, ids: "Ids") -> None:
    there = {} if home is None else {"home": home}
    run_batch.apply_async(args=[row.pk, number, list(ids)], kwargs=there, **options(row.sweep))


def _run(itself: Any, name: str, home: str | None) -> dict[str, Any]:
    """Run the sweep in one home; without a home, if there are several, send a message for each of them."""
    from ledger import homes, sweeps

    if home is None and homes.are_many():
        every = homes.homes()
        for each in every:
            itself.apply_async(kwargs={"home": each}, **options(name))
        return {"sent": len(every)}
    return dict(sweeps.run(name, using=home, spread=partial(_send, home)).counts)


def _sweep(name: str, what: str) -> Any:
    """The task of a sweep, for one home or for all."""

    def run(home: str | None = None) -> dict[str, Any]:
        return _run(made, name, home)

    run.__doc__ = what
    made = task(name=f"ledger.{name}")(run)
    return made


open_next_periods = _sweep(
    "open_next_periods", "Open the periods of the next days, so that the first checkout of the year finds its period."
)
refill_pools = _sweep("refill_pools", "Mint for every pool that would be empty soon.")
flag_gaps = _sweep("flag_gaps", "Flag every value that no checkout will take.")
heal = _sweep("heal", "Note that a checkout has filled a reported hole.")
close_periods = _sweep("close_periods", "Close periods whose grace is over.")
missing_documents = _sweep("missing_documents", "Look for documents that were deleted.")
seal = _sweep("seal", "Seal what is new, for every tenant.")
verify = _sweep("verify", "Check every rule of the ledger.")


def _system_sweep(kind: str, what: str) -> Any:
    """The task of a sweep that asks accounting systems: for one system, or a message for each of them."""

    def run(system: str | None = None) -> dict[str, Any]:
        from ledger.homes import are_many, home_of
        from ledger.sweeps import find_sweep
        from workers import system_sweeps

        if system is not None:
            name = system_sweeps.sweep_name(kind, system)
            return _run(made, name, home_of(find_sweep(name).tenant) if are_many() else None)
        names = system_sweeps.systems_of(kind)
        for name in names:
            made.apply_async(kwargs={"system": name}, **options(kind))
        return {"sent": len(names)}

    run.__doc__ = what
    made = task(name=f"ledger.{kind}")(run)
    return made


refill_remote_pools = _system_sweep("refill_remote_pools", "Refill the pools of drafts in accounting systems.")
reconcile = _system_sweep("reconcile", "Reconcile accounting systems.")
push = _system_sweep("push", "Write numbers back to the accounting systems that are pushed to.")
