"""Who may see one tenant on Folio's pages. Access can be given and taken away here, but not edited."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ledger.admin.base import WritingAdmin
from ledger.errors import InvalidTenant
from ledger.homes import database_for
from ledger.instances import find_row, instance_key
from ledger.keys import tenant_key
from ledger.localization import lazily as _
from ledger.models import Series, TenantAccess


class TenantAccessForm(forms.ModelForm):  # type: ignore[type-arg]
    """A user by name, and a tenant that has a series."""

    name = forms.CharField(label=_("User"), max_length=254, help_text=_("As the user logs in."))

    class Meta:
        model = TenantAccess
        fields = ("tenant",)

    def clean_name(self) -> str:
        users: Any = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(self.cleaned_data["name"])
        except users.DoesNotExist as error:
            raise ValidationError(_("There is no user of that name.")) from error
        self.instance.user = instance_key(user, InvalidTenant, "user")
        return str(self.cleaned_data["name"])

    def clean_tenant(self) -> str:
        """Refuses a misspelt tenant: it would give access to nothing, and nobody would know why."""
        tenant = tenant_key(self.cleaned_data["tenant"].strip())
        self.home = database_for(tenant, None, reads=True)
        if not Series.objects.using(self.home).filter(tenant=tenant).exists():
            raise ValidationError(_("This tenant has no series."))
        return tenant

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if {"name", "tenant"} <= set(cleaned):
            given = TenantAccess.objects.using(self.home).filter(tenant=cleaned["tenant"], user=self.instance.user)
            if given.exists():
                raise ValidationError(_("This user has access to this tenant."))
        return cleaned


@admin.register(TenantAccess)
class TenantAccessAdmin(WritingAdmin):
    """Auditors, and whoever works for one tenant alone."""

    form = TenantAccessForm
    fields = ("name", "tenant")
    list_display = ("shown_user", "shown_tenant", "granted_at")
    search_fields = ("tenant",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saves it where the tenant's numbers are, whichever home the page shows."""
        obj.save(using=form.home)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To change access, take it away and give it again."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj is None else ("shown_user", "tenant", "granted_at")

    @admin.display(description=_("user"))
    def shown_user(self, obj: TenantAccess) -> str:
        found: Any = find_row(get_user_model(), obj.user)
        return str(found.get_username()) if found else obj.user
