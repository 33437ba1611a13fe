from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from ledger.compat.standing_in import stand_in

_MODULES = {
    "": ("Sequence", "SequenceNotFoundError", "next_sequence"),
    "services": ("SequenceNotFoundError", "next_sequence"),
    "models": ("Sequence", "SequenceNotFoundError"),
    "exceptions": ("SequenceNotFoundError",),
}


class DjangoSequenceShimConfig(AppConfig):
    name = "ledger.compat.django_sequence_shim"
    label = "ledger_django_sequence_shim"
    verbose_name = "django-sequence, by Folio"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Now, since the models of other apps, which may import it, are loaded before any ready().
        stand_in("django_sequence", "django-sequence", self.name, "ledger.compat.django_sequence", _MODULES)
