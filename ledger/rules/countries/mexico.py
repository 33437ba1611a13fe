"""Mexico.

CFDI schema (statute): a Serie of at most 25 characters and a Folio of at most 40, neither with ``|``. The fiscal number
is the UUID. No rule found for gaps or order (unverified).
"""

from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="MX",
    name="Mexico",
    gaps=Gaps(GapPolicy.FREE, Source("No rule found", Basis.UNVERIFIED)),
    characters=Characters(
        "[^|]{1,65}",
        "a Serie of at most 25 characters and a Folio of at most 40, neither with |",
        Source("CFDI schema", Basis.STATUTE),
    ),
)
