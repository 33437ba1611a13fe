"""Romania.

OMFP 2634/2015 (statute): numbers are sequential, in ranges that the company's own written decision gives out for each
fiscal year. Whether gaps are tolerated is not known, so that they should be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="RO",
    name="Romania",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(Source("OMFP 2634/2015", Basis.STATUTE)),
    unchecked=("A written decision of the company gives out the ranges of the fiscal year.",),
)
