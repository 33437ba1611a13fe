"""Folio's speed against its yardsticks. Run by `make bench`; a full run writes docs/benchmarks.md and its chart."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks import servers
from tests.benchmarks.catalogue import CATALOGUE, question
from tests.benchmarks.contest import Contest
from tests.benchmarks.effort import FULL, QUICK, Effort

_DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> int:
    """Run the benchmarks that the command line names; 0 when every target is met, else 1."""
    arguments = _parse()
    chosen = arguments.only or list(CATALOGUE)
    effort = QUICK if arguments.quick else replace(FULL, rounds=arguments.rounds)
    with servers.fresh_databases(servers.ALIASES) as facts:
        contests = _run(chosen, effort)
        from tests.benchmarks import report

        _write(report.as_json(contests, facts) if arguments.json else report.as_text(contests))
        if arguments.write or (not arguments.quick and not arguments.only):
            before = (_DOCS / "benchmarks.md").read_text(encoding="utf-8")
            for name, text in report.documents(contests, facts, effort, before).items():
                (_DOCS / name).write_text(text, encoding="utf-8")
                sys.stderr.write(f"written: docs/{name}\n")
    missed = [(contest, side) for contest in contests for side in contest.missed]
    for contest, side in missed:
        why = contest.not_run or f"{contest.ratio(side):.2f}, where {side.target:.2f} is the target"
        sys.stderr.write(f"MISSED: {contest.title}, {side.title}: {why}\n")
    return 1 if missed else 0


def _run(chosen: list[str], effort: Effort) -> list[Contest]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    for alias in (*servers.ALIASES, servers.SECOND):
        call_command("migrate", database=alias, verbosity=0, run_syncdb=True)
    contests = []
    try:
        with _progress() as show:
            for name in chosen:
                contest, steps = question(name, effort)
                for step in steps:
                    show(step)
                contests.append(contest)
    finally:
        connections.close_all()
    return contests


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog="Example: python -m tests.benchmarks --quick --only payment --only flat. "
        "Runs on an embedded PostgreSQL in a temporary folder (TMPDIR), or on the server of DATABASE_URL, whose role "
        "must be allowed to create databases and to run CHECKPOINT. Exit code 1: a target is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="a glance in a few seconds, too short to judge by")
    parser.add_argument(
        "--rounds", type=int, metavar="N", default=FULL.rounds, help=f"rounds of the short contests ({FULL.rounds})"
    )
    parser.add_argument("--json", action="store_true", help="print every round as JSON instead of the table")
    parser.add_argument(
        "--only", action="append", choices=CATALOGUE, metavar="NAME", help=f"one of {', '.join(CATALOGUE)}"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with --only: put these sections into docs/benchmarks.md, dated by themselves",
    )
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("--quick is too short for the page: leave --write out")
    return arguments


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
