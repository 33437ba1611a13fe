"""Portugal.

SAF-T (PT) schema and invoicing rules (statute): numbering is chronological and without a break; a number reads like
"FT A2026/123" (``[^ ]+ [^/^ ]+/[0-9]+``, at most 60 characters); a series lasts a fiscal year at least, is never used
again, and names its year.
"""

from ledger.calendars import CalendarKind
from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Order, Reset, Rules, Source, Unique

_SAFT = Source("SAF-T (PT) schema and invoicing rules", Basis.STATUTE)

RULES = Rules(
    code="PT",
    name="Portugal",
    gaps=Gaps(GapPolicy.FORBIDDEN, _SAFT),
    unique=Unique(_SAFT),
    length=Length(60, _SAFT),
    characters=Characters("[^ ]+ [^/^ ]+/[0-9]+", "a type, a blank, a series, a slash and digits: FT A2026/123", _SAFT),
    order=Order(_SAFT),
    reset=Reset(
        "A series lasts a fiscal year at least, and names its year.",
        _SAFT,
        refused=frozenset({CalendarKind.QUARTER, CalendarKind.MONTH, CalendarKind.DAY}),
        # Its one period can't name a year; that the year belongs there is not said to be a condition of validity.
        doubted=frozenset({CalendarKind.NEVER}),
        # A first year may be short; but whoever cuts a year in two by hand should hear of it.
        shortest=365,
    ),
)
