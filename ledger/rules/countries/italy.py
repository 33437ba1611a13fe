"""Italy.

DPR 633/1972, article 21 (secondary): progressive and unique; the counter goes on or starts again yearly. Whether gaps
are tolerated is not known, so that they should be explained is Folio's caution (unverified). FatturaPA schema
(statute): 1 to 20 characters of Basic Latin, ``\\p{IsBasicLatin}{1,20}``. FatturaPA schema and control 00425 (statute):
that there is a digit is asked by the control of the Sistema di Interscambio, not by the schema.
"""

from ledger.calendars import CalendarKind
from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Reset, Rules, Source, Unique

_DECREE = Source("DPR 633/1972, article 21", Basis.SECONDARY)

RULES = Rules(
    code="IT",
    name="Italy",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(_DECREE),
    length=Length(20, Source("FatturaPA schema", Basis.STATUTE)),
    characters=Characters(
        "[ -~]*[0-9][ -~]*",
        "characters of Basic Latin (ASCII), with one digit at least",
        Source("FatturaPA schema and control 00425", Basis.STATUTE),
    ),
    reset=Reset(
        "The counter goes on, or starts again yearly.",
        _DECREE,
        doubted=frozenset({CalendarKind.QUARTER, CalendarKind.MONTH, CalendarKind.DAY}),
    ),
)
