"""Philippines.

NIRC, section 237 (secondary): invoices are numbered serially, out of a range that the BIR grants (Authority to Print,
or the permit of a computerised system). Whether gaps are tolerated is not known, so that they should be explained is
Folio's caution (unverified).
"""

from ledger.rules.base import Authorisation, Basis, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="PH",
    name="Philippines",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(Source("NIRC, section 237", Basis.SECONDARY)),
    authorisation=Authorisation(
        "PH BIR",
        "The numbers lie within a range that the BIR granted.",
        Source("NIRC, section 237", Basis.SECONDARY),
        doubtful=True,
    ),
)
