"""Germany.

UStG section 14(4) no. 4 (statute): a number identifies one invoice. UStAE 14.5(10), sentence 4: an unbroken sequence is
not required. Audit practice (secondary) asks for an explanation of each gap, so one without it is a doubt. Order is
free; several series, by branch or by period, are fine.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="DE",
    name="Germany",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Audit practice", Basis.SECONDARY), doubtful=True),
    unique=Unique(Source("UStG section 14(4) no. 4", Basis.STATUTE)),
)
