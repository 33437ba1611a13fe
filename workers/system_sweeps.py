"""The sweeps that ask accounting systems: each system has its own, such as ``reconcile:books``.

So one that fails, or takes long, keeps no other one waiting, and its own row tells. With Celery each is a message of
its own, which bears the system's name and nothing secret.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ledger.conf import ledger_settings
from ledger.sweeps import Sweep, register, register_kind
from workers.accounting import credentials


@dataclass(frozen=True, slots=True)
class SweepKind:
    """A kind of sweep: ``work`` takes the name of a system and a database alias.

    ``systems`` names those that it is for; ``configured``, as far as the settings alone can tell. ``remedy`` says how
    there would be one, if no system is configured.
    """

    name: str
    title: str
    remedy: str
    configured: Callable[[], Sequence[str]]
    systems: Callable[[], Sequence[str]]
    work: Callable[[str, str], Mapping[str, int]]


def _all_systems() -> list[str]:
    return list(credentials.named())


def _pushed_to() -> list[str]:
    # One with a mistake in its settings is told of by its own sweep, and keeps no other from its work.
    return [name for name, given in credentials.named().items() if given.get("push")]


# What speaks to a system needs an extra that a project without one has not installed, hence imports where they are due.


def _reconcile(system: str, alias: str) -> Mapping[str, int]:
    from workers.reconciliation import reconcile

    return reconcile(system, using=alias).counts()


def _push(system: str, alias: str) -> Mapping[str, int]:
    from workers.writing_back import push_system

    # The last document that is begun needs time to come to its end.
    run = push_system(system, using=alias, seconds=ledger_settings().sweeps["push"]["limit"] / 2)
    if run.trouble is not None:
        raise run.trouble
    return run.as_dict()


def _drafting_for_a_series() -> list[str]:
    """Those that a series names and the settings don't are told of in its pool."""
    from ledger import remote

    return sorted({*_all_systems(), *remote.systems()})


def _refill(system: str, alias: str) -> Mapping[str, int]:
    from ledger import remote

    if not remote.remote_series(system, using=alias):
        return {"drafted": 0}
    from workers.remote import refill_system

    return refill_system(alias, system)


_NAME_ONE = "Name an accounting system in LEDGER_ACCOUNTING['SYSTEMS']."
_PUSH_TO_ONE = "Say 'push': True of an accounting system in LEDGER_ACCOUNTING['SYSTEMS']."

SORTS = {
    kind.name: kind
    for kind in (
        SweepKind(
            "refill_remote_pools", "drafting numbers in {}", _NAME_ONE, _all_systems, _drafting_for_a_series, _refill
        ),
        SweepKind("reconcile", "reconciling {}", _NAME_ONE, _all_systems, _all_systems, _reconcile),
        SweepKind("push", "writing numbers back to {}", _PUSH_TO_ONE, _pushed_to, _pushed_to, _push),
    )
}


def register_sweeps() -> list[str]:
    """Register a sweep of each kind for each system of the settings, and ask no database; the names of the sweeps."""
    for kind in SORTS.values():
        register_kind(kind.name, kind.remedy)
    return [sweep_name(kind.name, system) for kind in SORTS.values() for system in kind.configured()]


def systems_of(kind: str) -> Sequence[str]:
    """The names of the systems that sweeps of this kind are for."""
    return SORTS[kind].systems()


def sweep_name(kind: str, system: str) -> str:
    """The sweep of this kind for this system, registered now, as one of the system's tenant."""
    tenant = credentials.named().get(system, {}).get("tenant", "")
    work = partial(SORTS[kind].work, system)
    sweep = Sweep(f"{kind}:{system}", SORTS[kind].title.format(system), work, tenant=str(tenant))
    register(sweep)
    return sweep.name
