"""The table of django-sequence."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.contenttypes.models import ContentType
from django.db import models


class Sequence(models.Model):
    """A counter of one scope of one organisation."""

    scope = models.CharField(max_length=50)
    org_content_type = models.ForeignKey(ContentType, null=True, blank=True, on_delete=models.CASCADE)
    org_id = models.CharField(max_length=255, blank=True, default="")
    prefix = models.CharField(max_length=20, blank=True, default="")
    current_value = models.PositiveBigIntegerField(default=0)
    pad_width = models.PositiveSmallIntegerField(default=6)
    include_year = models.BooleanField(default=True)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "org_content_type", "org_id"], name="old_sequence_scope")
        ]

    def __str__(self) -> str:
        return self.scope
