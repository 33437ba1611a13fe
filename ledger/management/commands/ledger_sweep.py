"""``ledger_sweep``: runs the sweeps without Celery, once or for ever, and shows their health."""

import time
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from ledger import homes
from ledger.errors import LedgerError
from ledger.judging import Verdict, judge
from ledger.management.base import BadOptions, LedgerCommand
from ledger.sweeps import Sweep, find_sweeps, registered, run
from ledger.sweeps.health import health
from ledger.sweeps.running import renew
from ledger.timestamps import timestamp


class Command(LedgerCommand):
    help = (
        "Runs the sweeps that look after the ledger, all of them or those that you name, as Celery's workers do: for "
        "cron, or as a process of its own (--forever). Exit code 0: all went well, and the ledger is in order; 1: a "
        "sweep failed or is overdue, or people have work to do; 2: the ledger is lost or tampered, or the options are "
        "invalid."
    )
    judges = True
    examples = """  manage.py ledger_sweep
  manage.py ledger_sweep flag_gaps open_next_periods --json
  manage.py ledger_sweep --forever
  manage.py ledger_sweep --status
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("sweep", nargs="*", help=f"One of {', '.join(sweep.name for sweep in registered())}.")
        parser.add_argument("--forever", action="store_true", help="Run each whenever it is due, until interrupted.")
        parser.add_argument("--status", action="store_true", help="Run nothing; show when each last succeeded.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["forever"] and (options["json"] or options["status"]):
            raise BadOptions("--forever goes on for ever: leave --json and --status out.")
        try:
            sweeps = [sweep for name in options["sweep"] for sweep in find_sweeps(name)]
        except LedgerError as error:
            raise BadOptions(str(error)) from error
        if options["forever"]:
            one = options["database"] or not homes.are_many()
            self._forever([self.alias(options)] if one else homes.homes(), sweeps or registered())
            return
        alias = self.alias(options)
        sweeps = [sweep for sweep in sweeps or registered() if sweep.is_of(alias)]
        if options["status"]:
            self._status(alias, {sweep.name for sweep in sweeps}, as_json=options["json"])
        else:
            self._once(alias, sweeps, as_json=options["json"], verbosity=options["verbosity"])

    def _once(self, alias: str, sweeps: list[Sweep], *, as_json: bool, verbosity: int) -> None:
        rows: list[dict[str, Any]] = []
        with self.progress(len(sweeps), wanted=verbosity > 0) as begin:
            for sweep in sweeps:
                begin(sweep.title)
                rows.append(_outcome(sweep, alias))
        if as_json:
            self.write_json(rows)
        else:
            self.write_table(("sweep", "counted", "error"), (_line(row) for row in rows))
        renew(alias)
        failed = [row["sweep"] for row in rows if row["error"]]
        said = f"These sweeps failed: {', '.join(failed)}." if failed else ""
        self.conclude(self._verdict(alias, {sweep.name for sweep in sweeps}), first=said, quiet=as_json)

    def _verdict(self, alias: str, wanted: set[str]) -> Verdict:
        """The verdict on the whole ledger and on the ``wanted`` sweeps."""
        return judge(sweeps=[one for one in health(using=alias) if one.sweep in wanted], using=alias).verdict

    def _forever(self, every: list[str], sweeps: list[Sweep]) -> None:
        due = {sweep.name: time.monotonic() for sweep in sweeps}
        try:
            while True:
                sweep = min(sweeps, key=lambda sweep: due[sweep.name])
                time.sleep(max(0.0, due[sweep.name] - time.monotonic()))
                due[sweep.name] = time.monotonic() + sweep.every.total_seconds()
                for home, row, error in homes.ask_all(partial(_outcome, sweep), filter(sweep.is_of, every)):
                    named = (home,) if homes.are_many() else ()
                    self.stdout.write("  ".join((*named, *(_line(row) if error is None else (sweep.name, str(error))))))
        except KeyboardInterrupt:
            self.stdout.write("Interrupted; each sweep that had begun has ended.")

    def _status(self, alias: str, wanted: set[str], *, as_json: bool) -> None:
        found = [one for one in health(using=alias) if one.sweep in wanted]
        if as_json:
            self.write_json([one.as_dict() for one in found])
        else:
            lines = []
            for one in found:
                last = timestamp(one.succeeded_at) or "never"
                lines.append((one.sweep, one.every, last, one.error[:60], "overdue" if one.overdue else ""))
            self.write_table(("sweep", "every", "last success", "last error", ""), lines)
        self.conclude(self._verdict(alias, wanted), quiet=as_json)


def _outcome(sweep: Sweep, alias: str) -> dict[str, Any]:
    """What a run counted, or why it failed; the other sweeps run anyway."""
    try:
        row = run(sweep.name, using=alias)
        return {"sweep": sweep.name, "counts": row.counts, "error": row.error}
    except Exception as error:  # noqa: BLE001  (any error is shown, and kept in the run's row)
        return {"sweep": sweep.name, "counts": {}, "error": f"{type(error).__name__}: {error}"}


def _line(row: dict[str, Any]) -> tuple[str, str, str]:
    counted = ", ".join(f"{count} {name}" for name, count in row["counts"].items() if count)
    return (row["sweep"], counted or ("" if row["error"] else "nothing to do"), row["error"])
