"""Switzerland.

No rule found for numbers of invoices (unverified).
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source

RULES = Rules(code="CH", name="Switzerland", gaps=Gaps(GapPolicy.FREE, Source("No rule found", Basis.UNVERIFIED)))
