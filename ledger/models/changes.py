"""Changes of settings: the rows of series, periods and access may change, and their old values are kept here."""

from typing import ClassVar

from django.db import models

from ledger.models.columns import Event, facts, key, written_at
from ledger.models.periods import Period
from ledger.models.series import Series


class SeriesChanged(Event):
    """A series was made, or its settings changed. ``old`` and ``new`` hold what changed; ``old`` is empty at first."""

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="changes")
    old = facts(default=dict)
    new = facts(default=dict)
    actor = key(blank=True, default="")
    changed_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "changes of series"
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_serieschanged_of")]

    def __str__(self) -> str:
        return f"{self.series}: {', '.join(self.new)}"


class PeriodChanged(Event):
    """A period was closed, or compiled again while it was empty. ``old`` and ``new`` hold what changed."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="changes")
    old = facts(default=dict)
    new = facts(default=dict)
    actor = key(blank=True, default="")
    changed_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "changes of periods"
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_periodchanged_of")]

    def __str__(self) -> str:
        return f"{self.period}: {', '.join(self.new)}"


class AccessChanged(Event):
    """A user got or lost access to the tenant's numbers, or a login (``login:NAME``) the right to act for it."""

    class Kind(models.TextChoices):
        GIVEN = "given", "given"
        TAKEN = "taken", "taken away"

    user = key()
    kind = key(choices=Kind.choices)
    actor = key(blank=True, default="")
    changed_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "changes of access"
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_accesschanged_of")]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"
