"""The figures of a storm, for people and for programs."""

from __future__ import annotations

import json
import shlex
from typing import Any

from tests.storm.weather import Forecast, Outcome

#: What is shown, in this order, and what it means.
LINES = {
    "checkouts": "checkouts begun",
    "retries": "transactions run again",
    "rolled_back": "rolled back on purpose",
    "savepoint": "savepoints rolled back after issuing",
    "refused": "refused: period closed, date too early",
    "refused_at_commit": "refused by COMMIT",
    "deadlock": "deadlocks",
    "lock_timeout": "lock timeouts",
    "serialization": "serialization failures",
    "in_doubt": "errors at COMMIT, in doubt",
    "broken": "connections found broken elsewhere",
    "kills": "workers killed (SIGKILL)",
    "stops": "workers stopped (SIGSTOP)",
    "database_crashes": "database crashes",
    "cut_connections": "connections cut on purpose",
    "stalls": "messages held back",
    "celery_kills": "Celery workers killed",
    "redis_kills": "Redis killed",
    "redis_wipes": "Redis killed and wiped",
    "swept": "sweeps during the storm, by janitors",
    "celery_runs": "sweeps by Celery",
    "celery_broken_off": "of them broken off",
    "periods_closed": "periods closed",
    "moved": "moves of a tenant to another home",
    "tenant_moved": "checkouts refused meanwhile, and run again",
    "voids": "numbers declared void",
    "acknowledged": "numbers acknowledged",
    "entries": "entries in the ledger",
    "seals": "seals",
    "gaps_flagged": "gaps flagged",
    "healed_late": "gaps whose document got another number",
    "free_slots": "free slots left",
    "events_seen": "events seen by the watcher",
    "lost": "LOST",
    "phantoms": "PHANTOMS",
    "unexplained": "UNEXPLAINED",
}


def as_text(forecast: Forecast, outcome: Outcome) -> str:
    """A table of the figures, and the rows that break a rule."""
    figures = {"checkouts": outcome.figures["checkout"], **outcome.figures}
    lines = [f"storm of {forecast.seconds:.0f} s, seed {forecast.seed}, {', '.join(forecast.allocations)}"]
    lines += [f"  {figures.get(name, 0):>10,}  {meaning}" for name, meaning in LINES.items()]
    if not outcome.broken:
        return "\n".join([*lines, "every rule holds"])
    lines += ["", "BROKEN", *(str(found) for found in outcome.broken), ""]
    lines += [f"the files are in {outcome.folder}; the same schedule again:", f"  {command(forecast)}"]
    return "\n".join(lines)


def as_json(forecast: Forecast, outcome: Outcome) -> str:
    """The same for programs, with every count there is."""
    found: dict[str, Any] = {
        "seed": forecast.seed,
        "seconds": forecast.seconds,
        "workers": forecast.workers,
        "allocations": list(forecast.allocations),
        "homes": forecast.homes,
        "figures": outcome.figures,
        "broken": [
            {"rule": broken.number, "name": broken.name, "count": broken.count, "rows": broken.rows}
            for broken in outcome.broken
        ],
    }
    if outcome.broken:
        found["folder"] = str(outcome.folder)
    return json.dumps(found, indent=2, default=str)


def command(forecast: Forecast) -> str:
    """The command line for the same schedule."""
    arguments = ["python", "-m", "tests.storm", "--seed", str(forecast.seed), "--seconds", f"{forecast.seconds:g}"]
    arguments += ["--workers", str(forecast.workers), "--allocations", ",".join(forecast.allocations)]
    arguments += ["--homes", str(forecast.homes)]
    return shlex.join(arguments)
