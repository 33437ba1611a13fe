"""Mexico.

CFDI schema (secondary): a Serie of at most 25 characters and a Folio of at most 40. No rule found for gaps or order
(unverified).
"""

from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="MX",
    name="Mexico",
    gaps=Gaps(GapPolicy.FREE, Source("No rule found", Basis.UNVERIFIED)),
    characters=Characters(
        ".{0,25}[0-9]{1,40}",
        "a Serie of at most 25 characters, and a Folio that is the counter",
        Source("CFDI schema", Basis.SECONDARY),
        doubtful=True,
    ),
)
