"""``apps.get_model("django_sequence", "Sequence")``, in data migrations too: no table, and objects of the ledger."""

from typing import Any, ClassVar

from django.db import models

_QUERIES = {name for name in dir(models.QuerySet) if not name.startswith("_")} & set(dir(models.Manager)) - {"db"}


class SequenceManager(models.Manager[Any]):
    """Hands every query to ``ledger.compat.django_sequence.Sequence.objects``."""

    use_in_migrations = True

    def __getattribute__(self, name: str) -> Any:
        if name not in _QUERIES:
            return super().__getattribute__(name)
        from ledger.compat.sequence_model import Sequences

        return getattr(Sequences(self._db), name)


class NothingManager(models.Manager[Any]):
    """Code that reads all models, such as dumpdata, finds no table and no rows here."""

    use_in_migrations = True

    def get_queryset(self) -> Any:
        """No rows."""
        return super().get_queryset().none()


class Sequence(models.Model):
    """The name of django-sequence's model, for code that asks the app registry for it."""

    scope = models.CharField(max_length=50)
    org_id = models.CharField(max_length=255, blank=True)
    prefix = models.CharField(max_length=20)
    current_value = models.PositiveBigIntegerField(default=0)
    pad_width = models.PositiveSmallIntegerField(default=6)
    include_year = models.BooleanField(default=True)

    objects: ClassVar[SequenceManager] = SequenceManager()
    nothing: ClassVar[NothingManager] = NothingManager()

    class Meta:
        app_label = "django_sequence"
        managed = False
        base_manager_name = "nothing"
        default_manager_name = "nothing"
        default_permissions = ()

    def __str__(self) -> str:
        return self.scope
