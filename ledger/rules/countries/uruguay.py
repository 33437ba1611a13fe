"""Uruguay.

CFE schema of the DGI (statute): a number of 1 to 7 digits. CFE format of the DGI (secondary): its serie has at most 2
letters; the numbers come from a range that the DGI grants (CAE) for two years, and what is not used is annulled and
reported. So each missing number has an explanation.
"""

from ledger.rules.base import Authorisation, Basis, Characters, Counter, GapPolicy, Gaps, Rules, Source

_CFE = Source("CFE format of the DGI", Basis.SECONDARY)
_SCHEMA = Source("CFE schema of the DGI", Basis.STATUTE)

RULES = Rules(
    code="UY",
    name="Uruguay",
    gaps=Gaps(GapPolicy.EXPLAIN, _CFE),
    characters=Characters("[A-Z]{0,2}[0-9]{1,7}", "at most 2 letters and 7 digits", _CFE, doubtful=True),
    counter=Counter(1, 9_999_999, _SCHEMA),
    authorisation=Authorisation(
        "UY DGI",
        "The numbers lie within a range that the DGI granted (CAE); what is not used is annulled and reported.",
        _CFE,
        doubtful=True,
        declared=True,
    ),
)
