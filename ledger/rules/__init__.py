"""What the law of a country asks of a series: rule sets, and the checks of a series against one.

Pure: no database, no Django, no clock. A series names its rule sets in ``rules``: a country's (``"DE"``), or several,
such as a country's and an e-invoicing network's (``"DE,FR-einvoice"``). Folio *checks* these rules; an adviser must say
whether a numbering satisfies the law. Each table of ``countries.toml`` is one rule set.
"""

from ledger.rules.base import Basis, GapPolicy, Rules, Source
from ledger.rules.checking import Finding, Outcome, Plan, as_of, check_period, check_settings, refuse_broken
from ledger.rules.finding import all_rules, combined_rules, find_rules, rules_text

__all__ = ["Basis", "Finding", "GapPolicy", "Outcome", "Plan", "Rules", "Source", "all_rules", "as_of", "check_period"]
__all__ += ["check_settings", "combined_rules", "find_rules", "refuse_broken", "rules_text"]
