"""Declaring missing numbers to an authority: what is still to be declared, and the event that says it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections, router, transaction

from ledger.database_errors import not_granted
from ledger.errors import DeclarationError
from ledger.gaps import ranges, sql
from ledger.keys import KEY_LENGTH, actor_name, printable, reason_text
from ledger.models import GapDeclared, Period
from ledger.sql import DECLARE

_AUTHORITY_LENGTH = 60
_CHECK, _EXCLUSION, _UNIQUE = "23514", "23P01", "23505"


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

    Holes that no sweep has proven are none of it: their checkouts may still run.
    """
    alias = using or router.db_for_read(GapDeclared)
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


def declare(
    gaps: Iterable[GapRange],
    *,
    authority: str,
    reference: str,
    justification: str = "",
    by: Any = None,
    using: str | None = None,
) -> list[GapDeclared]:
    """Append GapDeclared for each range, all or none, and return them.

    ``authority`` is whom they were declared to, such as "BR NF-e"; ``reference`` the protocol or receipt that it gave.

    Raises DeclarationError where a value is used, is not known to be missing, or was declared to the same authority
    before; and InvalidReason, InvalidActor.
    """
    alias = using or router.db_for_write(GapDeclared)
    _check_text("authority", authority, _AUTHORITY_LENGTH)
    _check_text("reference", reference, KEY_LENGTH)
    reason = reason_text(justification) if justification else ""
    actor = actor_name(by)
    every = list(gaps)
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            return _declared(cursor, every, alias, [authority, reference, reason, actor])
    except DatabaseError as error:
        raise not_granted(error, "a declaration needs") or _ours(error, authority) from error


def _declared(cursor: Any, gaps: Sequence[GapRange], alias: str, facts: list[str]) -> list[GapDeclared]:
    """Declare the ranges, one call for each tenant among them; the events in the order of the ranges."""
    made: dict[tuple[int, int], GapDeclared] = {}
    for tenant in dict.fromkeys(gap.period.tenant for gap in gaps):
        mine = [gap for gap in gaps if gap.period.tenant == tenant]
        ranges = [[gap.period.pk for gap in mine], [gap.first for gap in mine], [gap.last for gap in mine]]
        cursor.execute(DECLARE, [tenant, *ranges, *facts])
        for event in GapDeclared.objects.using(alias).in_bulk([row[0] for row in cursor.fetchall()]).values():
            made[(event.period_id, event.first_value)] = event
    return [made[(gap.period.pk, gap.first)] for gap in gaps]


def _check_text(what: str, text: str, longest: int) -> None:
    if text and text == text.strip() and len(text) <= longest and printable(text):
        return
    raise DeclarationError(
        f"The {what} {text[:60]!r} says nothing, is too long, or holds hidden characters.",
        rule=f"It is a printable text of 1 to {longest} characters, without white space around it.",
        remedy="Pass what the authority's receipt says.",
    )


def _ours(error: DatabaseError, authority: str) -> Exception:
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state in (_EXCLUSION, _UNIQUE):
        return DeclarationError(
            f"Some of these values were declared to {authority!r} before.",
            rule="A missing number is declared to an authority once.",
            remedy="Leave them out; the admin's page of declared gaps shows what was declared.",
        )
    if state == _CHECK:
        return DeclarationError(
            f"{cause.diag.message_primary[:1].upper()}{cause.diag.message_primary[1:]}.",
            rule="Declared is what no document bears: flagged gaps, and ranges of an adopted history.",
            remedy="See manage.py ledger_gaps; manage.py ledger_gaps sweep flags what no checkout holds.",
        )
    return error
