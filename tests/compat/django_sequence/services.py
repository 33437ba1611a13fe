"""How django-sequence takes a number: a locked row, and the year of now in front of a counter that goes on for ever."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tests.compat.django_sequence.models import Sequence


def next_sequence(scope: str, prefix: str = "INV-") -> str:
    with transaction.atomic():
        Sequence.objects.get_or_create(scope=scope, defaults={"prefix": prefix})
        sequence = Sequence.objects.select_for_update().get(scope=scope)
        sequence.current_value += 1
        sequence.save(update_fields=["current_value"])
    year = f"{timezone.now().year}-" if sequence.include_year else ""
    return f"{sequence.prefix}{year}{sequence.current_value:0{sequence.pad_width}}"
