"""A storm over Folio: checkouts, crashes, and a checker. Run by `make storm`."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time


def main() -> int:
    """One storm, by the command line; 0 if every rule holds, 1 if one is broken, 2 without PostgreSQL."""
    arguments = _parse()
    from tests.storm import report
    from tests.storm.cluster import NoPostgres
    from tests.storm.weather import Forecast, storm

    # So that the servers and workers end with us, also when a test runner has had enough.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    forecast = Forecast(arguments.seed, arguments.seconds, arguments.workers, arguments.allocations, arguments.homes)
    began = time.monotonic()
    _say(f"seed {forecast.seed}; the same schedule again: {report.command(forecast)}")
    try:
        outcome = storm(forecast, _say)
    except NoPostgres as error:
        _say(str(error))
        return 2
    _say(f"took {time.monotonic() - began:.0f} s in all")
    text = report.as_json(forecast, outcome) if arguments.json else report.as_text(forecast, outcome)
    sys.stdout.write(f"{text}\n")
    return 1 if outcome.broken else 0


def _parse() -> argparse.Namespace:
    from tests.storm.plan import ALLOCATIONS

    parser = argparse.ArgumentParser(
        prog="python -m tests.storm",
        description=__doc__,
        epilog="Example: python -m tests.storm --seconds 3600 --json > storm.json. Runs on a PostgreSQL of its own in "
        "a temporary folder (TMPDIR), which stays if a rule is broken. Exit code 1: a rule is broken.",
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="N", help="how long the faults last (60)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="draws all faults and choices (random)")
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="processes that check out (8)")
    parser.add_argument(
        "--allocations",
        type=_allocations,
        default=tuple(ALLOCATIONS),
        metavar="A,B",
        help=f"of {', '.join(ALLOCATIONS)}",
    )
    parser.add_argument(
        "--homes",
        type=int,
        choices=(1, 2),
        default=1,
        help="servers that the tenants live on; with 2 one of them moves to and fro (1)",
    )
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(10**9)
    if arguments.workers < 2 or arguments.seconds <= 0:
        parser.error("a storm has at least 2 workers and lasts longer than nothing")
    return arguments


def _allocations(text: str) -> tuple[str, ...]:
    from tests.storm.plan import ALLOCATIONS

    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in ALLOCATIONS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(ALLOCATIONS)}")
    return names


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
