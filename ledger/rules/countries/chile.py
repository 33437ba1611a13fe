"""Chile.

SII, Resolution 58/2017 (secondary): folios come from a range that the SII grants in a CAF file, which lasts six months
for most types of documents; what is left then is annulled. So each missing folio has an explanation. DTE schema
(secondary): a folio has at most 10 digits.
"""

from ledger.rules.base import Authorisation, Basis, Characters, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="CL",
    name="Chile",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("SII, Resolution 58/2017", Basis.SECONDARY)),
    characters=Characters("[1-9][0-9]{0,9}", "at most 10 digits", Source("DTE schema", Basis.SECONDARY)),
    authorisation=Authorisation(
        "CL SII",
        "The folios lie within a range of a CAF file, and are used before it expires.",
        Source("SII, Resolution 58/2017", Basis.SECONDARY),
        doubtful=True,
    ),
)
