"""The stand-alone site as a Django app, for its commands and templates."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "ledger.site"
    label = "ledger_site"
    verbose_name = "Folio site"
