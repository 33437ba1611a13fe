from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from ledger.compat.standing_in import stand_in

_MODULES = {"": ("Sequence", "delete", "get_last_value", "get_next_value", "get_next_values")}


class SequencesShimConfig(AppConfig):
    name = "ledger.compat.sequences_shim"
    label = "ledger_sequences_shim"
    verbose_name = "django-sequences, by Folio"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Now, since the models of other apps, which may import it, are loaded before any ready().
        stand_in("sequences", "django-sequences", self.name, "ledger.compat.django_sequences", _MODULES)
