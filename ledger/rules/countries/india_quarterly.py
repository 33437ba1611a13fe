"""India, quarterly filers (QRMP).

As monthly filers, CGST Rules 2017, rule 46(b) (statute); but GSTR-1 table 13 (statute) is due by the 13th of the month
after the quarter.
"""

from dataclasses import replace

from ledger.rules.countries import india

RULES = replace(
    india.RULES,
    code="IN-quarterly",
    name="India, quarterly filers",
    gaps=india.RULES.gaps and replace(india.RULES.gaps, due_day=13, quarterly=True),
)
