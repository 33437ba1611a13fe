"""Dominican Republic.

e-CF format of the DGII (secondary), as the DGII's help pages tell it: an e-NCF is the letter E, two digits of the type
and ten digits, out of a range that the DGII grants until 31 December of the next year. Whether gaps are tolerated is
not known, so that they should be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Authorisation, Basis, Characters, Counter, GapPolicy, Gaps, Rules, Source

_FORMAT = Source("e-CF format of the DGII", Basis.SECONDARY)

RULES = Rules(
    code="DO",
    name="Dominican Republic",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    characters=Characters("E[0-9]{12}", "the letter E, two digits of the type and ten digits: E310000000005", _FORMAT),
    counter=Counter(1, 9_999_999_999, _FORMAT),
    authorisation=Authorisation(
        "DO DGII",
        "The numbers lie within a range that the DGII granted, and are dated before its last day.",
        _FORMAT,
        doubtful=True,
    ),
)
