"""The Django app: registers the system checks, and the work after each ``migrate``."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from ledger.localization import lazily as _


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = _("Document numbers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ledger import after_migrate, checks  # noqa: F401  (importing checks registers them)

        post_migrate.connect(after_migrate.prepare, sender=self)
