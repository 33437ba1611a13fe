"""Spain.

RD 1619/2012, article 6 (secondary): numbering is "correlativa"; gaps are tolerated when evidenced; no yearly reset is
required; separate series need a reason; corrective invoices go into a series of their own. Invoice record schema
(statute): 1 to 60 characters. VeriFactu validations 1.2.2 (statute): characters 32 to 126 of ASCII without
``" ' < > =``. VeriFactu binds companies from 1 January 2027 and others from 1 July 2027 (RDL 15/2025); Folio takes the
first of the two days.
"""

from datetime import date

from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Rules, Source

RULES = Rules(
    code="ES",
    name="Spain",
    gaps=Gaps(GapPolicy.EXPLAIN, Source("RD 1619/2012, article 6", Basis.SECONDARY)),
    length=Length(60, Source("Invoice record schema", Basis.STATUTE)),
    characters=Characters(
        "[ !#-&(-;?-~]+",
        "characters of ASCII without \" ' < > =, by VeriFactu (RDL 15/2025), which binds companies from 2027-01-01 and "
        "others from 2027-07-01",
        Source("VeriFactu validations 1.2.2", Basis.STATUTE, since=date(2027, 1, 1)),
    ),
    unchecked=("Separate series need a reason.", "Corrective invoices go into a series of their own."),
)
