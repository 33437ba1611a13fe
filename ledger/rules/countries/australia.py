"""Australia.

No rule found for numbers of invoices (unverified).
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source

RULES = Rules(code="AU", name="Australia", gaps=Gaps(GapPolicy.FREE, Source("No rule found", Basis.UNVERIFIED)))
