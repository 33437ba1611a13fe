"""Brazil, NF-e and NFC-e.

NF-e schema 4.00 (statute): values from 1 to 999,999,999 in each series. Ajuste SINIEF 07/05, clause 14 (statute): a
missing number is declared void to the authority (inutilização) by the 10th of the month after the one in which the
sequence broke.
"""

from ledger.rules.base import Basis, Counter, GapPolicy, Gaps, Rules, Source

#: As GapDeclared names it.
AUTHORITY = "BR NF-e"

RULES = Rules(
    code="BR",
    name="Brazil",
    gaps=Gaps(
        GapPolicy.DECLARE, Source("Ajuste SINIEF 07/05, clause 14", Basis.STATUTE), authority=AUTHORITY, due_day=10
    ),
    counter=Counter(1, 999_999_999, Source("NF-e schema 4.00", Basis.STATUTE)),
)
