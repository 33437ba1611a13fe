"""What can be imported in the place of django-sequences, and what is said of the rest."""

PACKAGE = "sequences"
DISTRIBUTION = "django-sequences"
OURS = "ledger.compat.django_sequences"

MODULES = {"": ("Sequence", "delete", "get_last_value", "get_next_value", "get_next_values")}

GONE = {
    "models": "Folio stands in for django-sequences, and keeps no table of last values: they are in the ledger. Read "
    "one with sequences.get_last_value(name), let a sequence begin again with sequences.delete(name); all of them are "
    "the series that Folio's admin and manage.py ledger_status show."
}
