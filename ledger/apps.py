"""The Django app: registers the system checks, and lets test databases be flushed."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = "Document numbers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ledger import checks, testing  # noqa: F401  (importing checks registers them)

        post_migrate.connect(testing.let_test_database_flush, sender=self)
