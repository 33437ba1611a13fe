"""Spain.

RD 1619/2012, article 6 (secondary): numbering is "correlativa"; gaps are tolerated when evidenced; no yearly reset is
required; corrective invoices go into a series of their own. Invoice record schema (statute): 1 to 60 characters.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Length, Rules, Source

RULES = Rules(
    code="ES",
    name="Spain",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("RD 1619/2012, article 6", Basis.SECONDARY)),
    length=Length(60, Source("Invoice record schema", Basis.STATUTE)),
    unchecked=("Corrective invoices go into a series of their own.",),
)
