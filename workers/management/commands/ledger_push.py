"""``ledger_push``: pushes numbers to accounting systems, and shows what waits, failed, or differs there."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, F

from ledger.management.base import MOST_LINES, BadOptions, LedgerCommand
from ledger.timestamps import timestamp
from workers import system_sweeps, writing_back
from workers.accounting import systems
from workers.accounting.errors import AccountingError, Misconfigured
from workers.models import PushPosition
from workers.writing_back.queue import DUE, STUCK, PushQueue

#: The columns of a row in the JSON output.
_ROW = ("number", "document", "issued_on", "state", "attempts", "next_attempt_at", "last_error", "remote_id", "facts")


class Command(LedgerCommand):
    help = (
        "Pushes issued numbers, and their voids, to the accounting systems whose settings say so; then shows what "
        "waits and what needs a person. Exit code 0: nothing needs a person; 1: something does, or a system stopped "
        "the run; 2: the options are invalid."
    )
    examples = """  manage.py ledger_push
  manage.py ledger_push --system books --list
  manage.py ledger_push --system books --retry
  manage.py ledger_push --system books --retry --number INV-2026-000124
  manage.py ledger_push --json | jq '.[].stuck[].last_error'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        add("--system", metavar="NAME", help="Only this one, by its name in LEDGER_ACCOUNTING.")
        add("--list", action="store_true", help="Push nothing; show what waits or needs a person.")
        retry = "First put numbers that needed a person, and were corrected, back into the queue."
        add("--retry", action="store_true", help=retry)
        add("--number", action="append", default=[], help="With --retry: only this number; may be repeated.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if options["list"] and options["retry"]:
            raise BadOptions("--list changes nothing: leave --retry out.")
        if options["number"] and not (options["retry"] and options["system"]):
            raise BadOptions("--number goes with --retry and --system.")
        told: list[dict[str, Any]] = []
        names = self._names(options["system"])
        with self.progress(len(names), wanted=options["verbosity"] > 0) as begin:
            for name in names:
                begin(f"pushing to {name}")
                queue = PushQueue(systems.system(name), alias)
                retried = self._retry(queue, options["number"]) if options["retry"] else 0
                counts, error = ({}, "") if options["list"] else _pushed(name, alias)
                told.append({"system": name, "retried": retried, "counts": counts, "error": error, **_queue(queue)})
        if options["json"]:
            self.write_json(told)
        else:
            for each in told:
                self._show(each)
        wrong = [each["system"] for each in told if each["error"] or each["stuck"]]
        if wrong:
            raise CommandError(f"These need a person: {', '.join(wrong)}.")

    def _names(self, chosen: str | None) -> list[str]:
        try:
            names = list(system_sweeps.systems_of("push"))
            if chosen is not None and not systems.system(chosen).push:
                raise BadOptions(f"The settings of {chosen!r} have no 'push'.")
        except Misconfigured as error:
            raise BadOptions(str(error)) from error
        return names if chosen is None else [chosen]

    def _retry(self, queue: PushQueue, numbers: list[str]) -> int:
        known = set(queue.rows().filter(state__in=STUCK, number__in=numbers).values_list("number", flat=True))
        if missing := sorted(set(numbers) - known):
            raise BadOptions(f"These don't need a person: {', '.join(missing)}.")
        return queue.retry(numbers)

    def _show(self, told: dict[str, Any]) -> None:
        counted = ", ".join(f"{count} {name}" for name, count in told["counts"].items() if count)
        states = ", ".join(f"{count} {state}" for state, count in told["states"].items()) or "nothing so far"
        self.stdout.write(f"{told['system']}: {f'{counted} just now; ' if counted else ''}in all {states}.")
        rows = [*told["stuck"], *told["due"]][:MOST_LINES]
        if rows:
            header = ("number", "document", "state", "attempts", "next", "what is the matter")
            self.write_table(header, (_line(row) for row in rows))
        if told["error"]:
            self.stderr.write(told["error"], self.style.ERROR)


def _pushed(name: str, alias: str) -> tuple[dict[str, int], str]:
    """A run's counts, and the error that stopped it: one system must not keep the others from their turn."""
    try:
        run = writing_back.push_system(name, using=alias)
    except AccountingError as error:
        return {}, str(error)
    return run.as_dict(), "" if run.trouble is None else str(run.trouble)


def _queue(queue: PushQueue) -> dict[str, Any]:
    """The count of rows in each state, the first rows that wait or need a person, and the last run."""
    rows = queue.rows()
    counted = rows.order_by().values_list("state").annotate(Count("pk"))
    due = rows.filter(state__in=DUE).order_by(F("next_attempt_at").asc(nulls_first=True), "pk")
    position = PushPosition.objects.using(queue.alias).filter(pk=queue.system.name).first()
    return {
        "states": dict(sorted(counted)),
        "stuck": list(rows.filter(state__in=STUCK).order_by("pk").values(*_ROW)[:MOST_LINES]),
        "due": list(due.values(*_ROW)[:MOST_LINES]),
        "last_run": None if position is None else {"ran_at": position.ran_at, "error": position.error},
    }


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    next_at = timestamp(row["next_attempt_at"])
    return (row["number"], row["document"], row["state"], str(row["attempts"]), next_at, row["last_error"])
