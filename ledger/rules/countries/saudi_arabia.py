"""Saudi Arabia, the counter of an invoicing unit (ICV).

E-invoicing implementation standards, ICV (statute): the counter grows by one with each document of a unit, and never
starts again. A series with these rules is the counter of one unit; what people read on the invoice is free.
"""

from ledger.calendars import CalendarKind
from ledger.rules.base import Basis, GapPolicy, Gaps, Reset, Rules, Source, Unique

_ICV = Source("E-invoicing implementation standards, ICV", Basis.STATUTE)

RULES = Rules(
    code="SA",
    name="Saudi Arabia",
    gaps=Gaps(GapPolicy.FORBIDDEN, _ICV),
    unique=Unique(_ICV),
    reset=Reset(
        "The counter never starts again.",
        _ICV,
        refused=frozenset(set(CalendarKind) - {CalendarKind.NEVER, CalendarKind.EXPLICIT}),
        doubted=frozenset({CalendarKind.EXPLICIT}),
    ),
    unchecked=("Each document carries the hash of the one before it.",),
)
