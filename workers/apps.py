"""The app of the workers' own tables. A project that uses no accounting system need not install it."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    # Not "workers": a host project may well have an app of that name.
    label = "ledger_workers"
    verbose_name = "Ledger workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add what the workers do, and what their tables need, to what the ledger knows of its own."""
        from ledger import grants
        from workers import checks  # noqa: F401  (importing checks registers them)
        from workers.privileges import table_grants
        from workers.system_sweeps import register_sweeps

        grants.contribute("workers", table_grants)
        register_sweeps()
