"""Poland.

VAT Act, article 106e(1)(2) (secondary): consecutive, in one or more series. Whether gaps are tolerated is not known, so
that they should be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="PL",
    name="Poland",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(Source("VAT Act, article 106e(1)(2)", Basis.SECONDARY)),
)
