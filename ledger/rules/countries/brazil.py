"""Brazil, NF-e and NFC-e.

NF-e schema 4.00 and MOC, inutilização (statute): values from 1 to 999,999,999 in each series; a missing number is
declared void to the authority by the 10th of the next month.
"""

from ledger.rules.base import Basis, Counter, GapPolicy, Gaps, Rules, Source

_NFE = Source("NF-e schema 4.00 and MOC, inutilização", Basis.STATUTE)

RULES = Rules(
    code="BR",
    name="Brazil",
    gaps=Gaps(GapPolicy.DECLARE, _NFE, authority="BR NF-e", due_day=10),
    counter=Counter(1, 999_999_999, _NFE),
)
