"""Keeps rows whose numbers aren't void from being deleted by Django."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django.db import models

from ledger.errors import NumberProtected
from ledger.models import Entry
from ledger.replacing import valid

#: How many rows' numbers are looked up at a time.
_BATCH = 500


class Protector:
    """Keeps rows with valid numbers from being deleted. It is one of a model's private fields, like a GenericRelation.

    Before Django deletes rows, it asks these fields which other rows go with them.
    """

    is_relation = one_to_many = hidden = True
    many_to_one = one_to_one = many_to_many = auto_created = concrete = editable = False
    remote_field = related_model = column = None
    model: type[models.Model]

    def __init__(self, number: str) -> None:
        self.number, self.name = number, f"{number}_protector"

    def contribute_to_class(self, cls: type[models.Model], name: str = "") -> None:
        """Django does this with the copies for children and proxies."""
        self.model = cls
        cls._meta.add_field(self, private=True)  # type: ignore[arg-type]

    def is_cached(self, instance: models.Model) -> bool:
        """There is nothing to cache."""
        return False

    def bulk_related_objects(self, objs: Sequence[models.Model], using: str) -> list[models.Model]:
        """No other rows go with these. Raises NumberProtected if one of them has a number that isn't void."""
        number: Any = self.model._meta.get_field(self.number)
        for start in range(0, len(objs), _BATCH):
            keys = [row.pk for row in objs[start : start + _BATCH]]
            # Read again, since Django has read only the keys of what a cascade deletes.
            rows = self.model._base_manager.using(using).filter(pk__in=keys, **{f"{self.number}__gt": ""})
            if kept := _valid_numbers(number, rows, using):
                named = ", ".join(list(kept)[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
                raise Protected(
                    f"Rows of {number.model._meta.label} can't be deleted: their numbers aren't void: {named}.",
                    rule="A number that isn't void says that there is a document with it.",
                    remedy="Void the numbers first: void(number, reason=…). Or let rows be deleted and numbers stay: "
                    f"{number.name} = NumberField(…, on_delete=KEEP).",
                    rows=kept.values(),
                )
        return []


class Protected(NumberProtected, models.RestrictedError):
    """A RestrictedError, since a cascade replaces a ProtectedError by its own. The admin knows both."""

    def __init__(self, problem: str, *, rule: str, remedy: str, rows: Iterable[models.Model] = ()) -> None:
        self.problem, self.rule, self.remedy = problem, rule, remedy
        models.RestrictedError.__init__(self, problem, set(rows))
        self.args = (f"{problem} {rule} {remedy}",)


def _valid_numbers(number: Any, rows: Iterable[models.Model], alias: str) -> dict[str, models.Model]:
    """The rows whose documents have numbers that aren't void, by these numbers."""
    places = {number.place_of(row): row for row in rows}
    kept: dict[str, models.Model] = {}
    for (tenant, series), group in groupby(sorted(places), lambda place: place[:2]):
        documents = [document for _, _, document in group]
        known = Entry.objects.using(alias).filter(tenant=tenant, series__code=series, document__in=documents)
        for text, document in valid(known).order_by("value").values_list("number", "document"):
            kept[text] = places[tenant, series, document]
    return kept
