"""The app of the workers' own tables. A project that uses no accounting system need not install it."""

from collections.abc import Mapping

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    # Not "workers": a host project may well have an app of that name.
    label = "ledger_workers"
    verbose_name = "Ledger workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ledger.sweeps import Sweep, register

        register(Sweep("refill_remote_pools", "drafting numbers in accounting systems", _refill_remote_pools))


def _refill_remote_pools(alias: str) -> Mapping[str, int]:
    # What speaks to accounting systems comes with an extra, which a project without a remote series doesn't need.
    from ledger import remote

    if not remote.systems(using=alias):
        return {"drafted": 0}
    from workers import remote_pools

    return remote_pools.refill(alias)
