"""Whether a pool stays fast while PostgreSQL may not clear away the slots that were used up.

Three databases, since a snapshot holds back what is cleared in its own database alone.
"""

from __future__ import annotations

import threading

from django.db import connections, transaction

from ledger import issue, issue_many
from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import prepare, tenant
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task

_CALM, _SNAPSHOT, _IDLE = "empty", "snapshot", "idle"
_THREADS = 16
_BLOCK = 500


def question(effort: Effort) -> tuple[Contest, Steps]:
    """Use many slots while somebody holds a transaction open, then measure."""
    crew = Crew(1)

    def side(title: str, alias: str, target: float | None = None) -> Side:
        task = Task("pooled", _THREADS, effort.seconds, alias=alias)
        return Side(title, lambda: crew.measure(task), target)

    calm = side("nobody holds a transaction open", _CALM)
    sides = [
        calm,
        side("a snapshot from before is open", _SNAPSHOT, 0.8),
        side("an idle checkout holds the lowest slot", _IDLE, 0.8),
    ]
    contest = Contest("old-snapshot", f"`pooled`, {effort.slots:,} slots used since", "per s", sides, calm)

    def steps() -> Steps:
        for alias in (_CALM, _SNAPSHOT, _IDLE):
            prepare("pooled", using=alias)
        with crew, transaction.atomic(using=_SNAPSHOT), transaction.atomic(using=_IDLE):
            with connections[_SNAPSHOT].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT count(*) FROM ledger_slot")
            issue("invoice", org=tenant("pooled"), document="the idle one", using=_IDLE)
            for alias in (_CALM, _SNAPSHOT, _IDLE):
                _use(effort.slots, alias)
                yield f"{contest.title}: {alias}"
            yield from take_turns(contest, effort.rounds)

    return contest, steps()


def _use(slots: int, alias: str) -> None:
    """Take so many slots, in blocks, by a thread, whose connection isn't the one that is held open."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for first in range(0, slots, _BLOCK):
                with transaction.atomic(using=alias):
                    documents = [f"used:{at}" for at in range(first, first + _BLOCK)]
                    issue_many("invoice", org=tenant("pooled"), documents=documents, using=alias)
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            connections[alias].close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
