"""Dominican Republic.

e-CF format of the DGII (secondary): an e-NCF is the letter E, two digits of the type and ten digits, out of a range
that the DGII grants until a day. Whether gaps are tolerated is not known, so that they should be explained is Folio's
caution (unverified).
"""

from ledger.rules.base import Authorisation, Basis, Characters, GapPolicy, Gaps, Rules, Source

RULES = Rules(
    code="DO",
    name="Dominican Republic",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    characters=Characters(
        "E[0-9]{12}",
        "the letter E, two digits of the type and ten digits: E310000000005",
        Source("e-CF format of the DGII", Basis.SECONDARY),
    ),
    authorisation=Authorisation(
        "DO DGII",
        "The numbers lie within a range that the DGII granted, and are dated before its last day.",
        Source("e-CF format of the DGII", Basis.SECONDARY),
        doubtful=True,
    ),
)
