import importlib

from django.apps import AppConfig


class DjangoPlansConfig(AppConfig):
    name = "ledger.compat.django_plans"
    label = "ledger_django_plans"
    verbose_name = "django-plans, numbered by Folio"

    def ready(self) -> None:
        from ledger.compat.django_plans.numbering import numbered

        invoice = importlib.import_module("plans.base.models").AbstractInvoice
        invoice.save = numbered(invoice.save)
