"""Ranges that authorities granted: to look at, and to add; and what lapsed of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ledger.admin.base import WritingAdmin, link_to, shown_tenant
from ledger.admin.events import EventAdmin
from ledger.admin.filters import TenantFilter
from ledger.forms import RangeForm
from ledger.models import AuthorisedRange, RangeLapsed
from ledger.words import lazily as _
from ledger.words import period_told


@admin.register(AuthorisedRange)
class AuthorisedRangeAdmin(WritingAdmin):
    """Added here or by ``ledger_ranges``; never changed."""

    form = RangeForm
    list_display = ("series", "shown_tenant", "authority", "reference", "numbers", "valid_from", "valid_to", "used")
    list_select_related = ("series", "period")
    list_filter = (TenantFilter,)
    ordering = ("-pk",)
    sortable_by = ()
    readonly_fields = ("shown_period", "actor", "authorised_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What an authority said stays as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is part of the ledger."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What the form asks for, and of one that is there also who added it, and its period."""
        asked = list(RangeForm.base_fields)
        return asked if obj is None else [*asked, *self.readonly_fields]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the one door."""
        event = form.authorise(by=request.user)
        obj.pk, obj.tenant, obj.period = event.pk, event.tenant, event.period

    @admin.display(description=_("tenant"))
    def shown_tenant(self, obj: AuthorisedRange) -> str:
        """Whose numbers."""
        return shown_tenant(obj.tenant)

    @admin.display(description=_("used"))
    def used(self, obj: AuthorisedRange) -> int:
        """How many values its counter gave out."""
        return max(0, obj.period.last_value - obj.period.first_value + 1)

    @admin.display(description=_("period"))
    def shown_period(self, obj: AuthorisedRange) -> str:
        """The period that it is."""
        return link_to(obj.period, period_told(obj.period.label), self.admin_site)


@admin.register(RangeLapsed)
class RangeLapsedAdmin(EventAdmin):
    """What no document will ever bear."""

    list_display = ("authorised", "shown_tenant", "first_value", "last_value", "actor", "lapsed_at")
    list_select_related = ("authorised",)
    fields = ("authorised", "tenant", "first_value", "last_value", "actor", "lapsed_at", "transaction_id")
    readonly_fields = fields
