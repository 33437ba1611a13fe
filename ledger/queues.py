"""What waits in the queues of periods, read with the periods in one query: free slots and reservations."""

from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from ledger.models import Allocation, Entry, Reservation, Slot

#: Below every value.
_NONE = Value(-1, output_field=BigIntegerField())


def with_next_slot(periods: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``next_slot`` to each period: the free slot that comes next, or None.

    Where nothing may be given back to a later document, that is the lowest one above all that was issued.
    """
    its_own = {"tenant": OuterRef("tenant"), "period": OuterRef("pk")}
    highest = Entry.objects.filter(**its_own).order_by("-value").values("value")[:1]
    above = Case(When(series__give_back=True, then=_NONE), default=Coalesce(Subquery(highest), _NONE))
    free = Slot.objects.filter(**its_own, value__gt=OuterRef("slots_above")).order_by("value").values("value")[:1]
    annotated: QuerySet[Any] = periods.annotate(slots_above=above, next_slot=Subquery(free))
    return annotated


def with_waiting(periods: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``free_slots`` and ``reserved`` to each period, and what ``with_next_slot`` adds."""
    counts = {"free_slots": _counted(Slot), "reserved": _counted(Reservation)}
    annotated: QuerySet[Any] = with_next_slot(periods).annotate(**counts)
    return annotated


def upcoming(period: Any) -> int:
    """The value that would come next in a period that ``with_next_slot`` has read."""
    if period.series.allocation in (Allocation.POOLED, Allocation.REMOTE) and period.next_slot is not None:
        return int(period.next_slot)
    return int(period.last_value) + 1


def _counted(queue: type[Slot] | type[Reservation]) -> Coalesce:
    rows = queue._base_manager.filter(tenant=OuterRef("tenant"), period=OuterRef("pk")).order_by()
    count = rows.values("period_id").annotate(rows=Count(F("value"))).values("rows")
    return Coalesce(Subquery(count), Value(0))
