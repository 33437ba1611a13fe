from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from ledger.compat.standing_in import stand_in

_MODULES = {"": ("Sequence", "delete", "get_last_value", "get_next_value", "get_next_values")}

_GONE = {
    "models": "Folio stands in for django-sequences, and keeps no table of last values: they are in the ledger. Read "
    "one with sequences.get_last_value(name), let a sequence begin again with sequences.delete(name); all of them are "
    "the series that Folio's admin and manage.py ledger_status show.",
}


class SequencesShimConfig(AppConfig):
    name = "ledger.compat.sequences_shim"
    label = "ledger_sequences_shim"
    verbose_name = "django-sequences, by Folio"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Now, since other apps, which may import it, are loaded before any ready().
        stand_in("sequences", "django-sequences", self.name, "ledger.compat.django_sequences", _MODULES, _GONE)
