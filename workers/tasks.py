"""The tasks: each runs one sweep, and is safe to run twice, at once, or never.

Every task looks at the database for what there is to do, so a message that is lost or comes twice does no harm: the
next one catches up. Each run leaves a row (``ledger.models.SweepRun``).
"""

from __future__ import annotations

from typing import Any

from celery import shared_task


def _run(name: str) -> dict[str, Any]:
    # Imported here: a worker loads this module before Django has set up its apps.
    from ledger import sweeps

    return dict(sweeps.run(name).counts)


@shared_task(name="ledger.open_next_periods")
def open_next_periods() -> dict[str, Any]:
    """Open what the next days need, so that the first checkout of the year finds its period."""
    return _run("open_next_periods")


@shared_task(name="ledger.refill_pools")
def refill_pools() -> dict[str, Any]:
    """Mint for every pool that would be empty soon."""
    return _run("refill_pools")


@shared_task(name="ledger.flag_gaps")
def flag_gaps() -> dict[str, Any]:
    """Flag every value that no checkout will take."""
    return _run("flag_gaps")


@shared_task(name="ledger.heal")
def heal() -> dict[str, Any]:
    """Note of reported holes that a checkout has filled them."""
    return _run("heal")


@shared_task(name="ledger.close_periods")
def close_periods() -> dict[str, Any]:
    """Close periods whose grace is over."""
    return _run("close_periods")


@shared_task(name="ledger.verify")
def verify() -> dict[str, Any]:
    """Check every rule of the ledger."""
    return _run("verify")


@shared_task(name="ledger.push")
def push(system: str | None = None) -> dict[str, Any]:
    """Write numbers back to one accounting system; without its name, send one message for each that is pushed to."""
    from ledger import sweeps
    from workers import writing_back

    if system is None:
        names = writing_back.pushing()
        for name in names:
            push.apply_async(kwargs={"system": name}, **_as_this_one(push))
        return {"systems": len(names)} if names else _run("push")

    def part(alias: str) -> dict[str, int]:
        run = writing_back.push_system(system, using=alias, seconds=writing_back.share_of_a_run())
        if run.trouble is not None:
            raise run.trouble
        return run.as_dict()

    return dict(sweeps.run("push", part=part).counts)


def _as_this_one(task: Any) -> dict[str, Any]:
    """The limits under which this task runs, for those that it sends."""
    hard, soft = task.request.timelimit or (None, None)
    return {"soft_time_limit": soft, "time_limit": hard, "expires": 600}
