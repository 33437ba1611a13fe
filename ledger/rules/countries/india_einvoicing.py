"""India, e-invoicing: for those whose invoices go to the Invoice Registration Portal.

E-invoice schema (statute): ``^([a-zA-Z1-9]{1}[a-zA-Z0-9/-]{0,15})$``, so a number begins with a letter or a digit from
1 to 9. The first firms were bound on 1 October 2020. Advisory of 5 November 2024 (secondary): from 1 April 2025 on,
firms of a turnover of 10 crore or more send an invoice to the portal within 30 days, so one without an IRN warns then.
"""

from datetime import date

from ledger.rules.base import Basis, Characters, Length, Registration, Rules, Source

_SCHEMA = Source("E-invoice schema", Basis.STATUTE, since=date(2020, 10, 1))

RULES = Rules(
    code="IN-einvoice",
    name="India, e-invoicing",
    length=Length(16, _SCHEMA),
    characters=Characters(
        "[a-zA-Z1-9][a-zA-Z0-9/-]{0,15}", "letters, digits, - and /, and neither 0, - nor / at the beginning", _SCHEMA
    ),
    registration=Registration(
        "IN IRP", 30, Source("Advisory of 5 November 2024", Basis.SECONDARY, since=date(2025, 4, 1)), doubtful=True
    ),
)
