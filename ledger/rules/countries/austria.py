"""Austria.

UStG 1994, section 11(1) no. 3 lit. h (statute): consecutive and unique; a daily restart is allowed. Whether gaps are
tolerated is not known, so that they should be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="AT",
    name="Austria",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(Source("UStG 1994, section 11(1) no. 3 lit. h", Basis.STATUTE)),
)
