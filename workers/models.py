"""What worker processes share about the accounting systems. Nothing of the ledger is here, and nothing that lasts."""

from __future__ import annotations

from django.db import models


class SealedToken(models.Model):
    """The OAuth token that a system has renewed last, sealed by a key that isn't in the database.

    Whoever renews it holds the row's lock, so that no refresh token is ever used twice.
    """

    system = models.CharField(primary_key=True, max_length=200, help_text="Its name in LEDGER_ACCOUNTING.")
    sealed = models.TextField(blank=True, default="")
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.system


class Quota(models.Model):
    """How much of a vendor's limits one organisation has used up: see ``workers.accounting.metering``."""

    organisation = models.CharField(primary_key=True, max_length=400)
    room = models.FloatField(null=True, help_text="What is left of a minute's requests, as of counted_at.")
    counted_at = models.DateTimeField(null=True)
    day = models.CharField(max_length=10, blank=True, default="")
    used_today = models.IntegerField(default=0)
    tickets = models.JSONField(default=dict, help_text="The requests under way, and until when each one counts.")
    paused_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.organisation
