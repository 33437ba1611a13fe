"""An app that lets ``django_sequence.services`` and ``django_sequence.models`` import Folio's, by their old names."""
