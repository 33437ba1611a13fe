from typing import Any

from django.apps import AppConfig

from ledger.compat.sequences_shim import SEQUENCES
from ledger.compat.standing_in import stand_in


class SequencesShimConfig(AppConfig):
    name = "ledger.compat.sequences_shim"
    label = "sequences"  # which migrations of the project may depend on
    verbose_name = "django-sequences, by Folio"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Now, since other apps, which may import it, are loaded before any ready().
        stand_in(SEQUENCES, self.name)
