"""France.

CGI annexe II, article 242 nonies A I-7° (secondary): invoices are numbered uniquely, in order of date and without a
break; dates never decrease within a series; an invoice is never deleted but credited; separate series need a reason in
the business. E-invoicing, BR-FR-01 (statute): at most 35 characters, which are letters, digits, ``+ - _ /``. It binds
large and mid-size firms since 1 September 2026, others from 1 September 2027 on; so it warns here, and the set
FR-einvoice refuses.
"""

from datetime import date

from ledger.rules.base import Basis, Characters, GapPolicy, Gaps, Length, Order, Rules, Source, Unique

_CODE = Source("CGI annexe II, article 242 nonies A I-7°", Basis.SECONDARY)
_NETWORK = Source("E-invoicing, BR-FR-01", Basis.STATUTE, since=date(2026, 9, 1))

RULES = Rules(
    code="FR",
    name="France",
    gaps=Gaps(GapPolicy.FORBIDDEN, _CODE),
    unique=Unique(_CODE),
    length=Length(35, _NETWORK, doubtful=True),
    characters=Characters("[A-Za-z0-9+_/-]+", "letters, digits, +, -, _ and /", _NETWORK, doubtful=True),
    order=Order(_CODE),
    unchecked=("An invoice is never deleted but credited.", "Separate series need a reason in the business."),
)
