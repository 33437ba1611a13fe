"""Colombia.

Estatuto Tributario, article 617(d) (secondary): invoices are numbered consecutively. DIAN numbering resolutions
(secondary), as DIAN's pages tell it: the numbers come from a range that a resolution of DIAN grants, with its prefix of
at most 4 letters or digits, its bounds and its last day. Whether gaps are tolerated is not known, so that they should
be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Authorisation, Basis, Characters, GapPolicy, Gaps, Rules, Source, Unique

RULES = Rules(
    code="CO",
    name="Colombia",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(Source("Estatuto Tributario, article 617(d)", Basis.SECONDARY)),
    characters=Characters(
        "[A-Za-z0-9]{0,4}[0-9]+",
        "a prefix of at most 4 letters or digits, and the counter",
        Source("DIAN numbering resolutions", Basis.SECONDARY),
        doubtful=True,
    ),
    authorisation=Authorisation(
        "CO DIAN",
        "The numbers lie within a range that DIAN granted, and are dated before its last day.",
        Source("DIAN numbering resolutions", Basis.SECONDARY),
        doubtful=True,
    ),
)
