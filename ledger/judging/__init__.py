"""The judge: says in one word how a period, a series, a tenant or the whole ledger stands, by facts with their time.

Commands and their exit codes, pages, ``/healthz``, ``/metrics``, the admin and the report all ask ``judge``; none of
them decides by itself. ``verdict.py`` is pure: the states, the facts, and ``decide``; so is ``judgement.py``, which
judges each part of the whole. ``facts.py`` reads the facts.
"""

from ledger.judging.facts import Overdue, judge, kind_of
from ledger.judging.judgement import Judgement
from ledger.judging.verdict import Fact, Kind, State, Verdict, decide

__all__ = ["Fact", "Judgement", "Kind", "Overdue", "State", "Verdict", "decide", "judge", "kind_of"]
