"""Folio's speed against its yardsticks. Run by `make bench`; a full run writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks import servers

_DATABASES = ("default", "empty", "full")
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
_NAMES = ("one-number", "one-number-16", "checkout", "checkout-16", "pgbench", "block", "flat")


def main() -> int:
    """Run the benchmarks that the command line names; 0 when every target is met, else 1."""
    arguments = _parse()
    chosen = arguments.only or list(_NAMES)
    with servers.fresh_databases(_DATABASES) as facts:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        for alias in _DATABASES:
            call_command("migrate", database=alias, verbosity=0, run_syncdb=True)

        from tests.benchmarks import report
        from tests.benchmarks.catalogue import benchmark
        from tests.benchmarks.contest import WARM_UP, Effort

        effort = Effort(rounds=arguments.rounds, seconds=1.0, block=100_000, block_rounds=5, rows=5_000_000)
        if arguments.quick:
            effort = Effort(rounds=3, seconds=0.3, block=10_000, block_rounds=3, rows=100_000)
        results = []
        try:
            with _progress() as show:
                for name in chosen:
                    result, steps = benchmark(name, effort)
                    for step in steps:
                        show(step)
                    results.append(result)
        finally:
            connections.close_all()
    _write(report.as_json(results, facts) if arguments.json else "\n".join(map(report.line, results)))
    for result in results:
        if not result.met:
            why = result.not_run or f"{result.ratio:.2f}, where {result.target:.2f} is the target"
            sys.stderr.write(f"MISSED: {result.title}: {why}\n")
    if not arguments.quick and not arguments.only:
        _PAGE.write_text(report.page(results, facts, effort, WARM_UP), encoding="utf-8")
        sys.stderr.write(f"written: docs/{_PAGE.name}\n")
    return 0 if all(result.met for result in results) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog="Example: python -m tests.benchmarks --quick --only one-number --only flat. "
        "Runs on an embedded PostgreSQL in a temporary folder (TMPDIR), or on the server of DATABASE_URL, whose role "
        "must be allowed to create databases and to run CHECKPOINT. Exit code 1: a target is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="a glance in a few seconds, too short to judge by")
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="rounds for each side (11)")
    parser.add_argument("--json", action="store_true", help="print every round as JSON instead of the table")
    parser.add_argument("--only", action="append", choices=_NAMES, metavar="NAME", help=f"one of {', '.join(_NAMES)}")
    return parser.parse_args()


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Shows each step in place, or, where there is no rich or no terminal, each on a line of its own."""
    if find_spec("rich") and sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("starting") as status:
            yield status.update
    else:
        yield lambda step: print(step, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
