"""Whether throughput over many tenants grows with the connections until the cores are full."""

from __future__ import annotations

from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import prepare
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task

TENANTS = 200
CONNECTIONS = (1, 2, 4, 8, 16, 32)

# More than one, since Python runs one thread of a process at a time.
_PROCESSES = 4


def by_serial(effort: Effort) -> tuple[Contest, Steps]:
    """Series with a locked counter each."""
    return _question("serial", effort)


def by_pooled(effort: Effort) -> tuple[Contest, Steps]:
    """Series with a pool each."""
    return _question("pooled", effort)


def _question(allocation: str, effort: Effort) -> tuple[Contest, Steps]:
    crew = Crew(_PROCESSES)

    def side(connections: int) -> Side:
        task = Task(allocation, connections, effort.seconds, tenants=TENANTS)
        return Side(str(connections), lambda: crew.measure(task))

    sides = [side(connections) for connections in CONNECTIONS]
    contest = Contest(f"tenants-{allocation}", f"{TENANTS} tenants, `{allocation}`", "per s", sides, sides[0])

    def steps() -> Steps:
        prepare(allocation, tenants=TENANTS)
        with crew:
            yield from take_turns(contest, effort.tenant_rounds)

    return contest, steps()
