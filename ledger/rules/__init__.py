"""What the law of a country asks of a series: rule sets, and how a series is checked against one.

Pure: no database, no Django. A series names its rule set in ``rules`` (``"DE"``). Folio *checks* these rules; whether
a numbering satisfies the law is for an adviser to say. Each file of ``countries`` is one rule set: to add one, add a
file.
"""

from ledger.rules.base import Basis, GapPolicy, Rules, Source
from ledger.rules.checking import Finding, Outcome, Plan, check_period, check_settings, refuse_broken
from ledger.rules.finding import all_rules, find_rules

__all__ = [
    "Basis",
    "Finding",
    "GapPolicy",
    "Outcome",
    "Plan",
    "Rules",
    "Source",
    "all_rules",
    "check_period",
    "check_settings",
    "find_rules",
    "refuse_broken",
]
