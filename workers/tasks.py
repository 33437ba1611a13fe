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


@shared_task(name="ledger.reconcile")
def reconcile(system: str | None = None) -> dict[str, Any]:
    """Reconcile one accounting system by its name in the settings; without one, send a message for each of them."""
    from workers.accounting import credentials
    from workers.schedule import schedule

    if system is None:
        names = list(credentials.setting("SYSTEMS", {}))
        for name in names:
            # One that fails, or takes long, keeps no other one waiting.
            reconcile.apply_async(kwargs={"system": name}, **schedule()["ledger-reconcile"]["options"])
        return {"sent": len(names)}
    from workers import reconciliation

    return _run(reconciliation.sweep_name(system))
