"""Every benchmark with its target."""

from __future__ import annotations

from tests.benchmarks import block, checkout, flat, one_number, pgbench
from tests.benchmarks.contest import Effort, Result, Steps


def benchmark(name: str, effort: Effort) -> tuple[Result, Steps]:
    """The benchmark of that name: its result, and the steps that fill it in."""
    peer, each = "django-sequences", "per s"
    match name:
        case "one-number" | "one-number-16":
            threads = 16 if name.endswith("-16") else 1
            title = f"one number with its ledger row, {_threads(threads)}"
            result = Result(name, title, each, 1.3, f"{peer} + ORM insert")
            return result, one_number.run(effort, threads, result)
        case "checkout" | "checkout-16":
            threads = 16 if name.endswith("-16") else 1
            result = Result(name, f"a whole checkout, {_threads(threads)}", each, 0.85, f"{peer}, no ledger")
            return result, checkout.run(effort, threads, result)
        case "pgbench":
            result = Result(name, "one number from Python", each, 0.5, "the same SQL by pgbench")
            return result, pgbench.run(effort, result)
        case "block":
            title = f"`issue_many` of {effort.block:,}"
            result = Result(name, title, "numbers per s", 0.7, "a bare `INSERT … SELECT`")
            return result, block.run(effort, result)
        case "flat":
            title = f"one issue in a ledger of {effort.rows:,}"
            # Within 20 %: a call may take 1.2 times as long.
            result = Result(name, title, each, 1 / 1.2, "in an empty ledger")
            return result, flat.run(effort, result)
    raise ValueError(name)


def _threads(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"
