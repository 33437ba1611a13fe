"""India.

CGST Rules 2017, rule 46(b) (secondary): a consecutive serial number of at most 16 characters (letters, digits, hyphen,
slash), in one or more series, unique in the fiscal year from 1 April, without regard to case. E-invoice schema
(statute): ``^([a-zA-Z1-9]{1}[a-zA-Z0-9/-]{0,15})$``, so it starts with a letter or a digit from 1 to 9. GSTR-1 table 13
(statute): documents issued, with their breaks and cancellations, are declared.
"""

from ledger.calendars import FiscalStart
from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Reset, Rules, Source, Unique

_RULE_46 = Source("CGST Rules 2017, rule 46(b)", Basis.SECONDARY)

RULES = Rules(
    code="IN",
    name="India",
    gaps=Gaps(GapPolicy.DECLARE, Source("GSTR-1 table 13", Basis.STATUTE), authority="IN GSTR-1"),
    unique=Unique(_RULE_46, any_case=True),
    length=Length(16, _RULE_46),
    characters=Characters(
        "[a-zA-Z1-9][a-zA-Z0-9/-]{0,15}",
        "letters, digits, - and /, and neither 0, - nor / at the beginning",
        Source("E-invoice schema", Basis.STATUTE),
    ),
    reset=Reset(
        "Numbers are counted by the fiscal year from 1 April to 31 March.",
        _RULE_46,
        # A doubt and no ban: with the year in the number, it is unique in the fiscal year too.
        turns_on=FiscalStart(4, 1),
    ),
)
