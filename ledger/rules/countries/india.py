"""India, monthly filers.

CGST Rules 2017, rule 46(b) (statute): a consecutive serial number of at most 16 characters (letters, digits, hyphen,
slash), in one or more series, unique in the fiscal year from 1 April; without regard to case. GSTR-1 table 13
(statute): documents issued, with their breaks and cancellations, are declared by the 11th of the next month. That a
number begins with no zero is asked by the e-invoice schema alone: the set IN-einvoice. Quarterly filers have the set
IN-quarterly.
"""

from datetime import date

from ledger.calendars import FiscalStart
from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Reset, Rules, Source, Unique

#: As GapDeclared names it.
AUTHORITY = "IN GSTR-1"

_RULE_46 = Source("CGST Rules 2017, rule 46(b)", Basis.STATUTE, since=date(2017, 7, 1))

RULES = Rules(
    code="IN",
    name="India",
    gaps=Gaps(GapPolicy.DECLARE, Source("GSTR-1 table 13", Basis.STATUTE), authority=AUTHORITY, due_day=11),
    unique=Unique(_RULE_46, any_case=True),
    length=Length(16, _RULE_46),
    characters=Characters("[a-zA-Z0-9/-]+", "letters, digits, - and /", _RULE_46),
    reset=Reset(
        "Numbers are counted by the fiscal year from 1 April to 31 March.",
        _RULE_46,
        # A doubt and no ban: with the year in the number, it is unique in the fiscal year too.
        turns_on=FiscalStart(4, 1),
    ),
)
