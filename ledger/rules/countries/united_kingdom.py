"""United Kingdom.

HMRC guidance on VAT invoices (secondary): sequential; spoilt and cancelled invoices are kept, to justify a break.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="UK",
    name="United Kingdom",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("HMRC guidance on VAT invoices", Basis.SECONDARY)),
    unchecked=("Spoilt and cancelled invoices are kept.",),
)
