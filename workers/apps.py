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
        """Add what the workers do, and what their tables need, to what the ledger knows of its own."""
        from ledger import grants, sweeps
        from workers.privileges import table_grants

        sweeps.register(sweeps.Sweep("push", "writing numbers back to accounting systems", _push))
        grants.contribute("workers", table_grants)


def _push(alias: str) -> Mapping[str, int]:
    # Imported here: it needs the models.
    from workers.writing_back import push_all, share_of_a_run

    return push_all(alias, seconds=share_of_a_run())
