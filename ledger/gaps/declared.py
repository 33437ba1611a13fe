"""What of the missing numbers is still to be declared to an authority, and what was."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

from ledger.databases import database_of, expect, same_row
from ledger.gaps import ranges, sql
from ledger.models import GapDeclared, Period


@dataclass(frozen=True, slots=True)
class GapRange:
    """Missing values of one period, both ends inclusive."""

    period: Period
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many values it is."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" if self.last > self.first else f"{self.first}"


def undeclared(period: Period, authority: str, *, using: str | None = None) -> list[GapRange]:
    """What of a period is known to be missing and was not declared to ``authority`` yet, in order.

    Holes that no sweep has proven are left out: their checkouts may still run.
    """
    expect(period, Period, "period", "Pass the Period itself, such as entry.period.")
    alias = database_of(period, GapDeclared, using)
    same_row(period, alias)
    arguments: dict[str, Any] = {"tenant": period.tenant, "period": period.pk}
    with connections[alias].cursor() as cursor:
        cursor.execute(sql.MISSING_OF_PERIOD, arguments)
        missing = cursor.fetchall()
    declared = declared_spans(period, authority, using=alias)
    return [GapRange(period, first, last) for first, last in ranges.without(missing, declared)]


def declared_spans(period: Period, authority: str, *, using: str) -> list[ranges.Span]:
    """What of a period was declared to ``authority``."""
    found = GapDeclared.objects.using(using).filter(tenant=period.tenant, period=period, authority=authority)
    return list(found.order_by("first_value").values_list("first_value", "last_value"))
