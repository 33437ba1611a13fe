from typing import Any

from django.apps import AppConfig

from ledger.compat.standing_in import Package, stand_in

_ERRORS = ("SequenceError", "SequenceLockedError", "SequenceNotFoundError")
_MODULES = {
    "": ("Sequence", *_ERRORS, "next_sequence"),
    "services": (*_ERRORS, "next_sequence"),
    "models": ("Sequence", *_ERRORS),
    "exceptions": _ERRORS,
}


class DjangoSequenceShimConfig(AppConfig):
    name = "ledger.compat.django_sequence_shim"
    label = "django_sequence"  # which migrations of the project may depend on
    verbose_name = "django-sequence, by Folio"
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Now, since the models of other apps, which may import it, are loaded before any ready().
        stand_in(Package("django_sequence", "django-sequence", "ledger.compat.django_sequence", _MODULES), self.name)
