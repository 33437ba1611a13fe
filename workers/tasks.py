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


@shared_task(name="ledger.refill_remote_pools")
def refill_remote_pools(system: str = "") -> dict[str, Any]:
    """Refill the pools of drafts in one accounting system; without a name, send one message for each system."""
    from ledger import remote
    from ledger.sweeps import find_sweep, registered

    if system:
        from workers import remote_pools

        return remote_pools.run_system(system)
    if "refill_remote_pools" not in {sweep.name for sweep in registered()}:
        return {"systems": 0}  # the project doesn't have the app "workers"
    names = remote.systems()
    if not names:
        return _run("refill_remote_pools")
    sweep = find_sweep("refill_remote_pools")
    every, limit = sweep.every.total_seconds(), int(sweep.limit.total_seconds())
    for name in names:
        refill_remote_pools.apply_async(
            kwargs={"system": name}, expires=every, soft_time_limit=limit, time_limit=limit + 30
        )
    return {"systems": len(names)}


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
