"""European Union, for members without a rule set of their own.

VAT Directive 2006/112/EC, article 226(2) (statute): "a sequential number, based on one or more series, which uniquely
identifies the invoice". It says nothing of gaps; that they should be explained is Folio's caution (unverified), so a
gap without explanation warns.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

_DIRECTIVE = Source("VAT Directive 2006/112/EC, article 226(2)", Basis.STATUTE)

RULES = Rules(
    code="EU",
    name="European Union",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(_DIRECTIVE),
)
