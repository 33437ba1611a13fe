"""Norway.

Bookkeeping regulations, chapter 5 (statute): sales documents are numbered beforehand or by a machine, the series is
intact, and cancelled ones are kept. So each missing number has an explanation.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

_REGULATIONS = Source("Bookkeeping regulations, chapter 5", Basis.STATUTE)

RULES = Rules(
    code="NO",
    name="Norway",
    gaps=Gaps(GapPolicy.EXPLAIN, _REGULATIONS),
    unique=Unique(_REGULATIONS),
    unchecked=("Cancelled documents are kept.",),
)
