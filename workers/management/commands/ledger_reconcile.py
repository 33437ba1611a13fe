"""``ledger_reconcile``: reads an accounting system, compares it with the ledger, and shows the differences."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.actions import acknowledge
from ledger.errors import ReconciliationError
from ledger.management.base import MOST_LINES, BadOptions, LedgerCommand
from ledger.models import RemoteReading
from ledger.reconciliation import Finding, count_findings, findings
from ledger.reconciliation.findings import count_confirmed
from ledger.reconciliation.mirror import LostDocuments
from ledger.timestamps import timestamp
from workers.accounting import errors, systems
from workers.reconciliation import Reconciled, reconcile

#: The exit code if the system could not be read.
UNREAD = 3


class Command(LedgerCommand):
    help = (
        "Reads what changed in an accounting system, compares it with the ledger by number, and shows the findings. "
        "run is what it does by default; findings shows them without asking the system; acknowledge says why one may "
        "stand. Exit code 0: no finding is unresolved; 1: some are, or it was refused; 2: the options are invalid; 3: "
        "the system could not be read, and the next run continues where this one ended."
    )
    examples = """  manage.py ledger_reconcile --system books
  manage.py ledger_reconcile --system books --full
  manage.py ledger_reconcile --system books --since 2026-03-01
  manage.py ledger_reconcile findings --system books --json | jq '.findings[] | select(.kind == "missing")'
  manage.py ledger_reconcile acknowledge 17 18 --reason 'entered by hand, see mail of 3 March' --by ada
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="run | findings | acknowledge")
        parser.set_defaults(action="run")
        self._reading(parser)
        self._reading(actions.add_parser("run", help="Read, compare and show what is unresolved."))
        showing = actions.add_parser("findings", help="Show what is unresolved, by the last comparison.")
        self._shared(showing)
        showing.add_argument("--resolved", action="store_true", help="Show the resolved ones as well.")
        saying = actions.add_parser("acknowledge", help="Say why findings may stand.")
        super().add_arguments(saying)
        saying.add_argument("finding", nargs="+", type=int, help="The id of the finding.")
        saying.add_argument("--reason", required=True, help="What an auditor will read.")
        self.add_actor(saying, "Who says so")

    def _shared(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--system", metavar="NAME", help="The system, by its name in LEDGER_ACCOUNTING.")

    def _reading(self, parser: CommandParser) -> None:
        self._shared(parser)
        since = "Read the changes since that day or time (UTC if it has no zone), not since the last reading."
        parser.add_argument("--since", type=iso_time, metavar="TIME", help=since)
        parser.add_argument("--full", action="store_true", help="Read everything, and compare everything.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if options["action"] == "acknowledge":
            self._acknowledge(alias, options)
            return
        system = self._system(options)
        done = self._run(system, alias, options) if options["action"] == "run" else None
        whose: dict[str, Any] = {"tenant": system.tenant, "system": system.name}
        reading = RemoteReading.objects.using(alias).filter(**whose).first()
        found = list(findings(**whose, resolved=options.get("resolved", False), using=alias))
        if options["json"]:
            told = {"run": None if done is None else done.as_dict(), "confirmed": self._confirmed(system, alias)}
            told |= {"reading": None if reading is None else _told(reading)}
            self.write_json(told | {"findings": [finding.as_dict() for finding in found]})
        else:
            self._show(system, found, done, alias)
        if reading is None or reading.compared_at is None:
            raise ReconciliationError(
                f"The accounting system {system.name!r} was never compared with the ledger.",
                rule="Only what was compared can be in order.",
                remedy=f"Run manage.py ledger_reconcile --system {system.name}.",
            )
        counts = count_findings(**whose, acknowledged=False, using=alias)
        if counts:
            each = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            raise CommandError(f"{sum(counts.values())} findings are unresolved ({each}).")

    def _system(self, options: dict[str, Any]) -> systems.System:
        if not options["system"]:
            names = ", ".join(systems.setting("SYSTEMS", {})) or "none"
            raise BadOptions(f"Name the system: --system NAME. The settings have: {names}.")
        if options.get("since") and options.get("full"):
            raise BadOptions("--full reads everything: leave --since out.")
        try:
            return systems.system(options["system"])
        except errors.Misconfigured as error:
            raise BadOptions(str(error)) from error

    def _run(self, system: systems.System, alias: str, options: dict[str, Any]) -> Reconciled:
        try:
            with self.progress(None, wanted=options["verbosity"] > 0) as begin:
                return reconcile(system.name, since=options["since"], full=options["full"], using=alias, progress=begin)
        except (errors.AccountingError, LostDocuments) as error:
            raise CommandError(str(error), returncode=UNREAD) from error

    def _acknowledge(self, alias: str, options: dict[str, Any]) -> None:
        how = {"reason": options["reason"], "by": self.actor(options), "using": alias}
        said = self.do_all(options["finding"], lambda finding: acknowledge(finding, **how), alias, turn="acknowledge")
        told = [{"finding": event.finding_id, "acknowledged_at": event.acknowledged_at} for event in said]
        self.answer(options, told, f"Acknowledged: {', '.join(map(str, options['finding']))}.")

    def _confirmed(self, system: systems.System, alias: str) -> int:
        return count_confirmed(org=system.tenant, system=system.name, using=alias)

    def _show(self, system: systems.System, found: list[Finding], done: Reconciled | None, alias: str) -> None:
        if done is not None:
            everything = " (everything)" if done.full_reading else ""
            self.stdout.write(f"{done.documents} documents on {done.pages} pages read{everything}.")
            if done.compared is None:
                self.stdout.write("Another process is reading this system, and compares it.")
            elif done.compared.unread:
                told = ", ".join(f"{code} ({kind})" for code, kind in done.compared.unread.items())
                self.stdout.write(f"Not compared, since {system.name} isn't read for such documents: {told}.")
        if found:
            header = ("id", "number", "what", "there", "document", "raised", "acknowledged")
            self.write_table(header, (_line(finding) for finding in found[:MOST_LINES]))
        if len(found) > MOST_LINES:
            self.stdout.write(f"The first {MOST_LINES} of {len(found)} findings; --json has all.")
        self.stdout.write(f"{self._confirmed(system, alias)} numbers are confirmed by {system.name}.")
        if not found:
            self.stdout.write(self.style.SUCCESS("Nothing differs."))


def iso_time(text: str) -> datetime:
    """A day or a time, in UTC if it has no zone. argparse reports the ValueError with the option's name."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


iso_time.__name__ = "time (YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SS)"


def _told(reading: RemoteReading) -> dict[str, Any]:
    names = ("begun_at", "finished_at", "read_from", "full_from", "compared_at", "error", "needs_person", "retry_at")
    return {name: getattr(reading, name) for name in names}


def _line(finding: Finding) -> tuple[Any, ...]:
    said = f"{finding.reason} ({finding.acknowledged_by or 'nobody named'})" if finding.is_acknowledged else ""
    over = " (over)" if finding.resolved_at else ""
    raised = timestamp(finding.raised_at)
    return (finding.id, finding.number, f"{finding.meaning}{over}", finding.there, finding.document, raised, said)
