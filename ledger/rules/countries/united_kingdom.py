"""United Kingdom.

VAT Regulations 1995, regulation 14(1)(a) (statute): "a sequential number based on one or more series which uniquely
identifies the document". HMRC guidance on VAT invoices (secondary): spoilt and cancelled invoices are kept, to justify
a break.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="UK",
    aliases=("GB",),
    name="United Kingdom",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("HMRC guidance on VAT invoices", Basis.SECONDARY)),
    unique=Unique(Source("VAT Regulations 1995, regulation 14(1)(a)", Basis.STATUTE)),
    unchecked=("Spoilt and cancelled invoices are kept.",),
)
