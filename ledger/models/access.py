"""Who may look at the numbers of one tenant, where Django's permissions would open all of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from ledger.errors import InvalidActor
from ledger.keys import KEY_LENGTH, instance_key, tenant_key
from ledger.models.events import written_at


class TenantAccess(models.Model):
    """A user may read all of one tenant in Folio's pages, and nothing of any other: an auditor's access.

    ``user`` is the user's key, such as ``auth.user:7``: no foreign key, so that Folio runs in projects without users,
    or with users in another database. It gives no right to act: what a user may do (void, explain, acknowledge) is for
    Django's permissions to say, and where is what this row says.
    """

    tenant = models.CharField(max_length=KEY_LENGTH, blank=True)
    user = models.CharField(max_length=KEY_LENGTH)
    granted_at = written_at()

    class Meta:
        verbose_name = "access to a tenant"
        verbose_name_plural = "access to tenants"
        default_permissions = ("add", "delete", "view")
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "user"], name="ledger_tenantaccess_once")]
        indexes: ClassVar = [models.Index(fields=["user"], name="ledger_tenantaccess_user")]

    def __str__(self) -> str:
        return f"{self.user}: {self.tenant or 'the tenant without a name'}"

    @classmethod
    def grant(cls, user: Any, org: Any = None, *, using: str | None = None) -> TenantAccess:
        """Let ``user``, a saved instance, read the numbers of ``org`` (as in ``issue``), and return the row.

        Safe to call again. To take the access away, delete the row. Raises InvalidActor or InvalidTenant.
        """
        rows = cls.objects.using(using)
        return rows.get_or_create(tenant=tenant_key(org), user=instance_key(user, InvalidActor, "user"))[0]
