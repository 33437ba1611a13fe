"""Turkey, e-invoices.

UBL-TR schematron (statute): ``[A-Z0-9]{3}20[0-9]{2}[0-9]{9}``, which is a prefix of three characters, the year, and a
counter of nine digits that starts again each year. Whether gaps are tolerated is not known, so that they should be
explained is Folio's caution (unverified).
"""

from ledger.calendars import CalendarKind
from ledger.rules.base import Basis, Characters, Counter, GapPolicy, Gaps, Reset, Rules, Source

_UBL = Source("UBL-TR schematron", Basis.STATUTE)

RULES = Rules(
    code="TR",
    name="Turkey",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    characters=Characters(
        "[A-Z0-9]{3}20[0-9]{2}[0-9]{9}", "three characters, the year and nine digits: ABC2026000000001", _UBL
    ),
    counter=Counter(1, 999_999_999, _UBL),
    reset=Reset(
        "The counter starts again each year, whose digits the number has.",
        _UBL,
        doubted=frozenset({CalendarKind.NEVER, CalendarKind.QUARTER, CalendarKind.MONTH, CalendarKind.DAY}),
    ),
)
