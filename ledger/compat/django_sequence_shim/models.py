"""``apps.get_model("django_sequence", "Sequence")``, in data migrations too: no table, and objects of the ledger."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

_OURS = (
    *("all", "count", "create", "exists", "filter", "first", "get", "get_or_create", "last", "order_by"),
    *("select_for_update", "update", "using"),
)


class SequenceManager(models.Manager[Any]):
    """Hands everything to ``ledger.compat.django_sequence.Sequence.objects``; its own queryset is empty."""

    use_in_migrations = True

    def __getattribute__(self, name: str) -> Any:
        if name not in _OURS:
            return super().__getattribute__(name)
        from ledger.compat.sequence_model import Sequences

        return getattr(Sequences(self._db), name)

    def get_queryset(self) -> Any:
        """Nothing: what walks over all models finds no table here."""
        return super().get_queryset().none()


class Sequence(models.Model):
    """The name of django-sequence's model, for those who ask the app registry for it."""

    scope = models.CharField(max_length=50)
    org_id = models.CharField(max_length=255, blank=True)
    prefix = models.CharField(max_length=20)
    current_value = models.PositiveBigIntegerField(default=0)
    pad_width = models.PositiveSmallIntegerField(default=6)
    include_year = models.BooleanField(default=True)

    objects: ClassVar[SequenceManager] = SequenceManager()

    class Meta:
        app_label = "django_sequence"
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return self.scope
