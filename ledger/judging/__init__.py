"""The judge: how a period, a series, a tenant and the whole ledger stand, in one word, from facts with their time.

Commands and their exit codes, pages, ``/healthz``, ``/metrics``, the admin and the report all ask ``judge``; none of
them decides by itself. ``verdict.py`` is pure: the words, the facts, and ``decide``. ``facts.py`` reads the facts, in a
few statements, however many series there are.
"""

from ledger.judging.facts import Overdue, judge, kind_of
from ledger.judging.verdict import Fact, Judgement, Kind, State, Verdict, decide

__all__ = ["Fact", "Judgement", "Kind", "Overdue", "State", "Verdict", "decide", "judge", "kind_of"]
