"""The sweeps that ask accounting systems: each system has its own, such as ``reconcile:books``.

So a system that fails, or takes long, doesn't delay the others, and its own row shows it. With Celery each sweep is a
message of its own, with the system's name and nothing secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ledger.conf import ledger_settings
from ledger.sweeps import Sweep, register, register_kind
from workers.accounting import systems


@dataclass(frozen=True, slots=True)
class SweepKind:
    """A kind of sweep: ``work`` takes the name of a system and a database alias.

    ``remedy`` says how to get one, if no system is configured. ``pushed``: only for systems that numbers are pushed to.
    ``drafting``: also for systems that a series names but the settings don't; its pool then shows the mistake.
    """

    title: str
    work: Callable[[str, str], Mapping[str, int]]
    remedy: str = "Name an accounting system in LEDGER_ACCOUNTING['SYSTEMS']."
    pushed: bool = False
    drafting: bool = False

    def configured(self) -> list[str]:
        """Its systems in the settings; a system's own sweep reports a mistake in its settings."""
        return [name for name, given in systems.named().items() if not self.pushed or given.get("push")]


# Adapters need an extra, which a project without accounting systems hasn't installed, so imports are inside functions.


def _reconcile(system: str, alias: str) -> Mapping[str, int]:
    from workers.reconciliation import reconcile

    return reconcile(system, using=alias).counts()


def _push(system: str, alias: str) -> Mapping[str, int]:
    from workers.writing_back import push_system

    # The last document that is begun needs time to finish.
    run = push_system(system, using=alias, seconds=ledger_settings().sweeps["push"]["limit"] / 2)
    if run.trouble is not None:
        raise run.trouble
    return run.as_dict()


def _refill(system: str, alias: str) -> Mapping[str, int]:
    from ledger import remote

    if not remote.remote_series(system, using=alias):
        return {"drafted": 0}
    from workers.remote import refill_system

    return refill_system(alias, system)


KINDS = {
    "refill_remote_pools": SweepKind("drafting numbers in {}", _refill, drafting=True),
    "reconcile": SweepKind("reconciling {}", _reconcile),
    "push": SweepKind(
        "writing numbers back to {}",
        _push,
        remedy="Set 'push': True for an accounting system in LEDGER_ACCOUNTING['SYSTEMS'].",
        pushed=True,
    ),
}


def register_sweeps() -> list[str]:
    """Register a sweep of each kind for each system of the settings, without a database; the sweeps' names."""
    for name, kind in KINDS.items():
        register_kind(name, kind.remedy)
    return [sweep_name(name, system) for name, kind in KINDS.items() for system in kind.configured()]


def systems_of(kind: str) -> list[str]:
    """The names of the systems for which there are sweeps of this kind."""
    from ledger import remote

    named = KINDS[kind].configured()
    return sorted({*named, *remote.systems()}) if KINDS[kind].drafting else named


def sweep_name(kind: str, system: str) -> str:
    """Register the sweep of this kind for this system, as one of the system's tenant; its name."""
    tenant = systems.named().get(system, {}).get("tenant", "")
    work = partial(KINDS[kind].work, system)
    sweep = Sweep(f"{kind}:{system}", KINDS[kind].title.format(system), work, tenant=str(tenant))
    register(sweep)
    return sweep.name
