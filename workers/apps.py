"""The app of the workers' own tables. A project that uses no accounting system need not install it."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    # Not "workers": a host project may well have an app of that name.
    label = "ledger_workers"
    verbose_name = "Ledger workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Reconciling each accounting system of the settings is a sweep like the others."""
        from workers.accounting import credentials

        # What speaks to a system needs an extra that a project without one has not installed.
        if credentials.setting("SYSTEMS", {}):
            from workers import reconciliation

            reconciliation.register_sweeps()
