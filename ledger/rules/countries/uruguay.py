"""Uruguay.

CFE format of the DGI (secondary): a serie of at most 2 letters and a number of at most 7 digits, out of a range that
the DGI grants (CAE) for two years; what is not used is annulled and reported. So each missing number has an
explanation.
"""

from ledger.rules.base import Authorisation, Basis, Characters, Counter, GapPolicy, Gaps, Rules, Source

_CFE = Source("CFE format of the DGI", Basis.SECONDARY)

RULES = Rules(
    code="UY",
    name="Uruguay",
    gaps=Gaps(GapPolicy.EXPLAIN, _CFE),
    characters=Characters("[A-Z]{0,2}[0-9]{1,7}", "at most 2 letters and 7 digits", _CFE, doubtful=True),
    counter=Counter(1, 9_999_999, _CFE),
    authorisation=Authorisation(
        "UY DGI",
        "The numbers lie within a range that the DGI granted (CAE); what is not used is annulled and reported.",
        _CFE,
        doubtful=True,
        declared=True,
    ),
)
