"""Hungary.

23/2014 NGM decree, section 8(1)(a) (statute): a billing program numbers its invoices continuously, without a gap and
without a repeat.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

_DECREE = Source("23/2014 NGM decree, section 8(1)(a)", Basis.STATUTE)

RULES = Rules(code="HU", name="Hungary", gaps=Gaps(GapPolicy.FORBIDDEN, _DECREE), unique=Unique(_DECREE))
