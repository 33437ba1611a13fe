"""Seals: they reveal a later change of any event, even by the owner of the database (``ledger.seals``)."""

from typing import ClassVar

from django.db import models

from ledger.models.columns import ArrayField, EventOfAny, ShortTextField, written_at


class LedgerSeal(EventOfAny):
    """The rows of a tenant that were new at one moment, under one root; each seal names the one before it.

    ``tenant`` is null for the seals of the database, which cover rows without a tenant, and the tenants' seals.
    ``head`` is the signed text, ``key`` the public key, ``cosignature`` the signature by the key before, if the key
    changed; all empty without a key. The first ``counts[0]`` of ``ids`` belong to the table ``tables[0]``, and so on;
    ``leaves`` has 32 bytes for each of them, and then for each line of ``state``: series and periods as they were.
    ``salt`` is the key of the leaves' salts. ``horizon``, only in the database's seals: the rows of all earlier
    transactions were sealed by then.
    """

    number = models.IntegerField()
    place = models.TextField(help_text="System identifier of the server, database, schema.")
    snapshot = models.TextField(help_text="What was visible: pg_current_snapshot().")
    size = models.BigIntegerField(help_text="How many leaves it has.")
    total = models.BigIntegerField(help_text="How many it has with all seals before it.")
    root = ShortTextField(max_length=64)
    previous = ShortTextField(max_length=64, blank=True, default="")
    head = models.TextField()
    key = ShortTextField(max_length=64, blank=True, default="")
    signature = ShortTextField(max_length=128, blank=True, default="")
    cosignature = ShortTextField(max_length=128, blank=True, default="")
    salt = models.BinaryField()
    tables = ArrayField(models.TextField())
    counts = ArrayField(models.BigIntegerField())
    ids = ArrayField(models.BigIntegerField())
    leaves = models.BinaryField()
    state = models.TextField(blank=True, default="")
    horizon = models.BigIntegerField(null=True, blank=True)
    sealed_at = written_at()

    class Meta(EventOfAny.Meta):
        db_table = "ledger_seal"
        verbose_name_plural = "seals"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="ledger_seal_number", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealAnchored(EventOfAny):
    """Somebody outside knows of a seal: a time stamp authority, or whoever the host's own function tells.

    ``token`` is the answer, in base64 if it is binary (RFC 3161).
    """

    seal = models.ForeignKey(LedgerSeal, on_delete=models.PROTECT, related_name="anchors")
    kind = ShortTextField(max_length=20)
    token = models.TextField()
    anchored_at = written_at()

    class Meta(EventOfAny.Meta):
        verbose_name_plural = "seals anchored"

    def __str__(self) -> str:
        return f"{self.seal}: {self.kind}"
