"""France.

CGI annexe II, article 242 nonies A I-7° (secondary): invoices are numbered uniquely, in order of date and without a
break; dates never decrease within a series; an invoice is never deleted but credited.
"""

from ledger.rules.base import Basis, GapPolicy, Gaps, Order, Rules, Source, Unique

_CODE = Source("CGI annexe II, article 242 nonies A I-7°", Basis.SECONDARY)

RULES = Rules(
    code="FR",
    name="France",
    gaps=Gaps(GapPolicy.FORBIDDEN, _CODE),
    unique=Unique(_CODE),
    order=Order(_CODE),
    unchecked=("An invoice is never deleted but credited.",),
)
