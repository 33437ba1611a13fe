"""The form in which people add a range that an authority granted, for the pages and the admin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from ledger.actions import authorise
from ledger.errors import LedgerError
from ledger.models import AuthorisedRange, Series
from ledger.words import lazily as _

if TYPE_CHECKING:
    _RangeModelForm = forms.ModelForm[AuthorisedRange]
else:
    _RangeModelForm = forms.ModelForm

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class RangeForm(_RangeModelForm):
    """Tries what ``authorise`` would do, and takes it back; ``authorise`` then does it."""

    class Meta:
        model = AuthorisedRange
        fields = (
            *("series", "authority", "reference", "document_type", "prefix", "first_value", "last_value"),
            *("valid_from", "valid_to", "key_reference", "document"),
        )
        widgets = {"valid_from": _DATE, "valid_to": _DATE}
        help_texts = {
            "last_value": _("Inclusive; empty for a range without an end."),
            "valid_to": _("Inclusive; empty for a range that doesn't expire."),
        }

    def clean(self) -> dict[str, Any] | None:
        """Show what the database would refuse."""
        cleaned = super().clean()
        if not self.errors:
            alias = self.cleaned_data["series"]._state.db
            try:
                with transaction.atomic(using=alias):
                    self.authorise()
                    transaction.set_rollback(True, using=alias)
            except LedgerError as error:
                raise ValidationError(str(error)) from error
        return cleaned

    def of_tenant(self, tenant: str) -> "RangeForm":
        """The same for the series of one tenant."""
        series: Any = self.fields["series"]
        series.queryset = Series.objects.filter(tenant=tenant).exclude(allocation="remote")
        return self

    def authorise(self, *, by: Any = None) -> AuthorisedRange:
        """Add the range."""
        given = dict(self.cleaned_data)
        first, last = given.pop("first_value"), given.pop("last_value")
        return authorise(given.pop("series"), first=first, last=last, by=by, **given)
