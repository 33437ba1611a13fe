"""Finding entries among millions, by the indexes that the ledger has anyway.

A number or document typed in full is looked up in a unique index, once for each series. Otherwise the text is the
beginning of a number. An index on text would help only under the collation "C", so the periods' formats turn the text
into ranges of values, which the index of the counter's guard finds.
"""

import re
from collections.abc import Iterator

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Upper

from ledger.formats import MAX_VALUE
from ledger.models import Entry, Period

#: For more hits than these a person types more letters.
_MOST = 1000


def find_entries(term: str, alias: str | None = None, *, tenant: str | None = None) -> Q:
    """The condition on Entry for what a person typed: a whole number or document, else the beginning of a number.

    ``tenant`` is where to look; None looks everywhere.
    """
    whose = Q() if tenant is None else Q(tenant=tenant)
    exact = _exactly(term, alias, whose)
    return Q(pk__in=exact) if exact else _beginning(term, alias, whose)


def _exactly(term: str, alias: str | None, whose: Q) -> list[int]:
    # The join with the series gives the tenant, with which both unique indexes begin.
    entries = Entry.objects.using(alias).filter(whose, series__tenant=F("tenant"))
    by_number = entries.filter(number__iexact=term).values_list("pk", flat=True)[:_MOST]
    by_document = entries.filter(document=term, document__gt="").values_list("pk", flat=True)[:_MOST]
    return [*by_number, *by_document]


def _beginning(term: str, alias: str | None, whose: Q) -> Q:
    upper = term.upper()
    periods = Period.objects.using(alias).filter(whose).alias(start=Upper("prefix"), typed=Value(upper)).order_by("-pk")
    found = Q(pk__in=[])
    for batch in _by_tenant(periods.filter(start__startswith=upper)):
        found |= batch
    for period in periods.filter(typed__startswith=F("start"))[:_MOST]:
        rest = re.match(r"[0-9]+", upper[len(period.prefix) :])
        if rest is not None:
            for low, high in _values(rest[0], period.width):
                found |= Q(tenant=period.tenant, period=period.pk, value__gte=low, value__lte=high)
    # A previous system's numbers need not follow the format, but they contain their value.
    digits = re.search(r"([1-9][0-9]*)[^0-9]*$", upper)
    if digits is not None:
        ranges = Q()
        for low, high in _values(digits[1], 1):
            ranges |= Q(value__gte=low, value__lte=high)
        for batch in _by_tenant(periods.filter(series__adoptions__isnull=False).distinct()):
            found |= batch & Q(kind=Entry.Kind.ADOPTED) & ranges
    # The numbers in the ranges are compared letter by letter, so the ranges need only be wide enough.
    return Q(number__istartswith=term) & found


def _by_tenant(periods: QuerySet[Period]) -> Iterator[Q]:
    by_tenant: dict[str, list[int]] = {}
    for tenant, pk in periods.values_list("tenant", "pk")[:_MOST]:
        by_tenant.setdefault(tenant, []).append(pk)
    for tenant, pks in by_tenant.items():
        yield Q(tenant=tenant, period__in=pks)


def _values(digits: str, width: int) -> Iterator[tuple[int, int]]:
    """The ranges of values whose digits, padded to ``width``, begin with ``digits``."""
    for length in range(max(width, len(digits)), len(str(MAX_VALUE)) + 1):
        if length > width and digits.startswith("0"):
            return
        scale = 10 ** (length - len(digits))
        low = int(digits) * scale
        if low > MAX_VALUE:
            return
        yield low, min(low + scale - 1, MAX_VALUE)
