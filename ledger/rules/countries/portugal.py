"""Portugal.

SAF-T (PT) schema and invoicing rules (statute): numbering is chronological and without a break; a number reads like
"FT A2026/123" (``[^ ]+ [^/^ ]+/[0-9]+``, at most 60 characters). Despacho 8632/2014 (statute): a series lasts a fiscal
year at least, and is never used again. Portaria 195/2020, article 3
(statute): since 1 January 2023 each series is told to the authority before its first use; the code that it gives makes
the ATCUD, code-number.
"""

from datetime import date

from ledger.calendars import CalendarKind
from ledger.rules.base import (
    Authorisation,
    Basis,
    Characters,
    GapPolicy,
    Gaps,
    Length,
    Order,
    Reset,
    Rules,
    Source,
    Unique,
)

#: As AuthorisedRange names it.
AUTHORITY = "PT AT"

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
        "A series lasts a fiscal year at least.",
        Source("Despacho 8632/2014", Basis.STATUTE),
        refused=frozenset({CalendarKind.QUARTER, CalendarKind.MONTH, CalendarKind.DAY}),
        # A first year may be short, but a year that was cut in two by hand gets a warning.
        shortest=365,
    ),
    authorisation=Authorisation(
        AUTHORITY,
        "Each series is told to the AT before its first use, with its type, first number and start; the code that it "
        "gives makes the ATCUD of each number: code-number.",
        Source("Portaria 195/2020, article 3", Basis.STATUTE, since=date(2023, 1, 1)),
    ),
)
