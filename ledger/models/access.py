"""Access to the numbers of one tenant, where Django's permissions would give access to all tenants."""

from typing import Any, ClassVar

from django.db import models, router

from ledger.errors import InvalidActor, InvalidTenant
from ledger.homes import database_for, find_at_home, refuse_moved
from ledger.instances import instance_key
from ledger.keys import tenant_key
from ledger.models.columns import HiddenModel, ShortTextField, key, written_at
from ledger.models.series import Series
from ledger.texts import shown


class TenantAccess(models.Model):
    """A user may read all of one tenant in Folio's pages, and nothing of any other: an auditor's access.

    ``user`` is the user's key, such as ``auth.user:7``, and no foreign key, so that Folio runs in projects without
    users, or with users in another database. It gives no right to act: Django's permissions say what a user may do
    (void, explain, acknowledge), and this row says for which tenant.
    """

    tenant = key(blank=True)
    user = key()
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
    def grant(cls, user: Any, org: Any = None, *, using: str | None = None) -> "TenantAccess":
        """Let ``user``, a saved instance, read the numbers of ``org`` (as in ``issue``), and return the row.

        Safe to call again. To take the access away, delete the row. Raises InvalidActor, or InvalidTenant, also if the
        tenant has no series yet: a misspelt name would give access to nothing, or later to another tenant.
        """
        if not isinstance(user, models.Model):
            raise InvalidActor(
                f"user={shown(user, 60)} is of type {type(user).__name__}.",
                rule="Access is given to a user that is kept in the database.",
                remedy="Pass the saved instance: TenantAccess.grant(User.objects.get(…)).",
            )
        alias, tenant = database_for(org, using) or router.db_for_write(cls), tenant_key(org)
        whose: Any = {"tenant": tenant, "user": instance_key(user, InvalidActor, "user")}
        if not find_at_home(alias, tenant, Series.objects.using(alias).filter(tenant=tenant).exists):
            raise InvalidTenant(
                f"The tenant {tenant!r} has no series.",
                rule="Access is given to a tenant that has numbers, or is about to have them.",
                remedy="Spell it as its series have it (manage.py ledger_series list), or define its first series.",
            )
        refuse_moved(alias, tenant)
        return cls.objects.using(alias).get_or_create(**whose)[0]


class TenantBinding(HiddenModel):
    """A database login that serves this tenant, and others only if it has a row for them too.

    A login without such a row serves every tenant. The owner of the ledger fills this table by SQL.
    """

    pk = models.CompositePrimaryKey("login", "tenant")
    login = models.TextField(help_text="The role that the connection logs in as.")
    tenant = key(blank=True)

    def __str__(self) -> str:
        return f"{self.login}: {self.tenant or 'the tenant without a name'}"


class TenantMove(HiddenModel):
    """A tenant that leaves for another home, has left, or has come from one. The function ``ledger_move`` writes it.

    While this row exists and its state isn't ``arrived``, nothing is written for the tenant in this home. ``mover`` is
    the transaction that may copy or drop its rows past the guards, or that brought them. ``digest`` is that of all
    moved rows.
    """

    class State(models.TextChoices):
        LEAVING = "leaving", "is leaving"
        LEFT = "left", "has left; its rows are an old copy"
        ARRIVING = "arriving", "is arriving"
        ARRIVED = "arrived", "has arrived"
        DROPPED = "dropped", "has left; its old copy was dropped"

    tenant = key(primary_key=True, blank=True)
    state = ShortTextField(max_length=10, choices=State.choices)
    home = ShortTextField(max_length=200, help_text="Where it goes, or where it came from.")
    digest = ShortTextField(max_length=64, blank=True, default="")
    mover = models.BigIntegerField(null=True)
    changed_at = written_at()

    def __str__(self) -> str:
        return f"{self.tenant or 'the tenant without a name'} {self.state} ({self.home})"


class RolePurpose(HiddenModel):
    """What ``ledger_grants`` granted to a database role; it is granted again whenever functions are made anew."""

    pk = models.CompositePrimaryKey("role", "purpose")
    role = models.TextField()
    purpose = models.TextField()

    def __str__(self) -> str:
        return f"{self.role}: {self.purpose}"
