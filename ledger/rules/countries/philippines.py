"""Philippines.

NIRC, section 238 (statute): no authority to print invoices is granted unless they are serially numbered. Numbers of
computerised systems come from a range that the BIR's permit names; since Revenue Regulations 6-2022 it has no last day.
Whether gaps are tolerated is not known, so that they should be explained is Folio's caution (unverified).
"""

from ledger.rules.base import Authorisation, Basis, GapPolicy, Gaps, Rules, Source, Unique

_CODE = Source("NIRC, section 238", Basis.STATUTE)

RULES = Rules(
    code="PH",
    name="Philippines",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("Folio's caution", Basis.UNVERIFIED), doubtful=True),
    unique=Unique(_CODE),
    authorisation=Authorisation("PH BIR", "The numbers lie within a range that the BIR granted.", _CODE, doubtful=True),
)
