"""Chile.

SII, Resolution 58/2017 (statute): folios come from a range that the SII grants in a CAF file; one that was granted
since 1 July 2018 lasts six months for most types of documents, and what is left then is annulled. So each missing folio
has an explanation. DTE schema (statute): a folio is a positive number of at most 10 digits.
"""

from datetime import date

from ledger.rules.base import Authorisation, Basis, Characters, Counter, GapPolicy, Gaps, Rules, Source

_RESOLUTION = Source("SII, Resolution 58/2017", Basis.STATUTE, since=date(2018, 7, 1))
_SCHEMA = Source("DTE schema", Basis.STATUTE)

RULES = Rules(
    code="CL",
    name="Chile",
    gaps=Gaps(GapPolicy.EXPLAIN, _RESOLUTION),
    characters=Characters("[1-9][0-9]{0,9}", "at most 10 digits", _SCHEMA),
    counter=Counter(1, 9_999_999_999, _SCHEMA),
    authorisation=Authorisation(
        "CL SII",
        "The folios lie within a range of a CAF file, and are used before it expires.",
        _RESOLUTION,
        doubtful=True,
    ),
)
