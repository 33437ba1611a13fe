"""Hungary.

23/2014 NGM decree, section 8(1)(a) (statute): since 1 July 2014 a billing program numbers its invoices continuously,
without a gap and without a repeat.
"""

from datetime import date

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

_DECREE = Source("23/2014 NGM decree, section 8(1)(a)", Basis.STATUTE, since=date(2014, 7, 1))

RULES = Rules(code="HU", name="Hungary", gaps=Gaps(GapPolicy.FORBIDDEN, _DECREE), unique=Unique(_DECREE))
