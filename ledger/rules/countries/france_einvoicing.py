"""France, e-invoicing: for all who send invoices by a French platform, from whatever country.

E-invoicing, BR-FR-01 (statute): at most 35 characters, which are letters, digits, ``+ - _ /``. It binds large and
mid-size firms since 1 September 2026, others from 1 September 2027 on.
"""

from dataclasses import replace

from ledger.rules.base import Rules
from ledger.rules.countries import france

RULES = Rules(
    code="FR-einvoice",
    name="France, e-invoicing",
    length=france.RULES.length and replace(france.RULES.length, doubtful=False),
    characters=france.RULES.characters and replace(france.RULES.characters, doubtful=False),
)
