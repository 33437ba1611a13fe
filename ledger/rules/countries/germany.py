"""Germany.

UStAE 14.5(10) (secondary): gaps are allowed and must be explainable; order is free; several series, by branch or by
period, are fine.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="DE",
    name="Germany",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("UStAE 14.5(10)", Basis.SECONDARY)),
)
