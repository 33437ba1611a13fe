"""Two homes on two servers of this machine against one, and what finding the home costs."""

from __future__ import annotations

from django.test import override_settings

from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import prepare, tenant, with_folio
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task
from tests.benchmarks.measuring.crowd import measure
from tests.benchmarks.measuring.sample import Sample
from tests.benchmarks.servers import SECOND

HOMES = 1000
_CONNECTIONS = 16
_PROCESSES = 4
_TENANTS = 200

#: The tenant that is measured lives in the default database, among a thousand others with a home each.
_SETTINGS = {
    "LEDGER": {"HOMES": {tenant("serial"): "default"} | {f"other-{at}": f"default:h{at}" for at in range(1, HOMES)}},
    "DATABASE_ROUTERS": ["ledger.homes.HomeRouter"],
}


def servers(effort: Effort) -> tuple[Contest, Steps]:
    """One home, and two on a server each, with the same connections and tenants in all."""
    crew = Crew(_PROCESSES)

    def side(title: str, alias: str) -> Side:
        task = Task("serial", _CONNECTIONS, effort.seconds, tenants=_TENANTS, alias=alias)
        return Side(title, lambda: crew.measure(task))

    sides = [side("one", "default"), side("two, on two servers", f"default+{SECOND}")]
    contest = Contest("homes", f"{_TENANTS} tenants in one home and in two", "per s", sides, sides[0])

    def steps() -> Steps:
        for using in ("default", SECOND):
            prepare("serial", tenants=_TENANTS, using=using)
        with crew:
            yield from take_turns(contest, effort.rounds)

    return contest, steps()


def look_up(effort: Effort) -> tuple[Contest, Steps]:
    """One number by one thread, with a thousand homes and without the setting."""

    def number(key: str) -> None:
        with_folio(tenant("serial"), key, lambda: None, "default")

    def among_many() -> Sample:
        with override_settings(**_SETTINGS):
            return measure(number, seconds=effort.seconds, threads=1)

    sides = [Side("not set", lambda: measure(number, seconds=effort.seconds, threads=1))]
    sides.append(Side(f"{HOMES:,} homes", among_many, 0.95))
    contest = Contest("homes-look-up", "one number, and the look-up of its home", "per s", sides, sides[0])

    def steps() -> Steps:
        prepare("serial")
        yield from take_turns(contest, effort.rounds)

    return contest, steps()
