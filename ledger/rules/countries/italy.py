"""Italy.

DPR 633/1972, article 21 (secondary): progressive and unique; the counter goes on or starts again yearly. Whether gaps
are tolerated is not known, so that they should be explained is Folio's caution (unverified). FatturaPA schema
(statute): at most 20 characters, one digit at least.
"""

from ledger.calendars import CalendarKind
from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Reset, Rules, Source, Unique

_DECREE = Source("DPR 633/1972, article 21", Basis.SECONDARY)
_SCHEMA = Source("FatturaPA schema", Basis.STATUTE)

RULES = Rules(
    code="IT",
    name="Italy",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(_DECREE),
    length=Length(20, _SCHEMA),
    characters=Characters(".*[0-9].*", "one digit at least", _SCHEMA),
    reset=Reset(
        "The counter goes on, or starts again yearly.",
        _DECREE,
        doubted=frozenset({CalendarKind.QUARTER, CalendarKind.MONTH, CalendarKind.DAY}),
    ),
)
