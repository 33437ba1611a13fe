"""Lets ``from sequences import get_next_value`` import Folio's. List it first, instead of ``"sequences"``.

To have it before ``django.setup()`` too, ``import ledger.compat.sequences_shim`` where it is first needed.
"""

from ledger.compat.standing_in import Package, make_modules, original

_GONE = {
    "models": "Folio stands in for django-sequences, and keeps no table of last values: they are in the ledger. Read "
    "one with sequences.get_last_value(name), let a sequence begin again with sequences.delete(name); all of them are "
    "the series that Folio's admin and manage.py ledger_status show."
}
SEQUENCES = Package(
    "sequences",
    "django-sequences",
    "ledger.compat.django_sequences",
    {"": ("Sequence", "delete", "get_last_value", "get_next_value", "get_next_values")},
    _GONE,
)

if original(SEQUENCES.name) is None:
    make_modules(SEQUENCES)
