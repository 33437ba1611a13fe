"""Poland, KSeF: for those whose invoices go to the national system.

KSeF (statute): each invoice gets a number of the system beside its own, which binds the largest firms since 1 February
2026 and others since 1 April 2026. What was issued offline is sent by the next working day; with weekends and holidays
Folio waits four days.
"""

from datetime import date

from ledger.rules.base import Basis, Registration, Rules, Source

RULES = Rules(
    code="PL-KSeF",
    name="Poland, KSeF",
    registration=Registration("PL KSeF", 4, Source("KSeF", Basis.STATUTE, since=date(2026, 2, 1))),
)
