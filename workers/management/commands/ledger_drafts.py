"""``ledger_drafts``: lists unused drafts in an accounting system, and cancels them there."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger import remote
from ledger.management.base import BadOptions, LedgerCommand, iso_date
from ledger.zones import series_zones, timestamp_in
from workers.accounting import systems
from workers.accounting.errors import Misconfigured
from workers.remote import cancel_unused


class Command(LedgerCommand):
    help = (
        "Lists drafts of remote series that no document has or will get: those of closed periods, those that were "
        "withdrawn, and those whose number could not be taken. cancel cancels them in the accounting system, and may "
        "be run again; a draft that somebody uses there is left alone. Exit code 0: done, or nothing to do; 1: some "
        "could not be cancelled, or are in use there; 2: the options are invalid."
    )
    examples = """  manage.py ledger_drafts list --system books
  manage.py ledger_drafts list --system books --series invoice --json
  manage.py ledger_drafts cancel --system books --period 2026-12-31 --by ada
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list | cancel")
        self._shared(actions.add_parser("list", help="Show what is left there, without asking the system."))
        cancel = actions.add_parser("cancel", help="Cancel it there.")
        self._shared(cancel)
        self.add_actor(cancel, "Who decides; kept with each draft")

    def _shared(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--system", required=True, metavar="NAME", help="The system, as LEDGER_ACCOUNTING has it.")
        self.add_chosen(parser)
        parser.add_argument("--period", type=iso_date, metavar="DATE", help="Only those of periods with this day.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            systems.system(options["system"])
        except Misconfigured as error:
            raise BadOptions(str(error)) from error
        self.refuse_unknown(self.alias(options), options["tenant"], options["series"])
        super().handle(*args, **options)

    def _list(self, alias: str, options: dict[str, Any]) -> None:
        unused = list(remote.unused(options["system"], **_wanted(options), using=alias))
        if options["json"]:
            self.write_json([one.as_dict() for one in unused])
        elif unused:
            zones, lines = series_zones(alias), []
            for one in unused:
                series = f"{one.draft.tenant}/{one.series}" if one.draft.tenant else one.series
                drafted = timestamp_in(one.draft.drafted_at, zones[one.draft.tenant, one.series])
                period = f"{one.starts_on} to {one.ends_on}"
                lines.append((one.draft.number, series, period, drafted, one.cause, one.said))
            self.write_table(("number", "series", "period", "drafted at", "why it is left", "there"), lines)
        else:
            self.stdout.write(f"{options['system']} has no unused drafts.")

    def _cancel(self, alias: str, options: dict[str, Any]) -> None:
        system, wanted = options["system"], _wanted(options)
        total = sum(1 for _ in remote.unused(system, **wanted, using=alias))
        with self.progress(total, wanted=options["verbosity"] > 0 and not options["json"]) as begin:
            how: dict[str, Any] = {"by": self.actor(options), "using": alias}
            done = list(cancel_unused(system, **wanted, **how, tell=lambda one: begin(one.draft.number)))
        left = [one for one in done if one.outcome in ("used", "failed")]
        if options["json"]:
            self.write_json([one.as_dict() for one in done])
        else:
            count = Counter(one.outcome for one in done)
            self.stdout.write(f"{count['cancelled']} drafts cancelled in {system}, {count['gone']} were gone before.")
            for one in left:
                self.stderr.write(f"{one.unused.draft.number}: {one.error or 'somebody uses it there'}")
        if left:
            raise CommandError(f"{len(left)} drafts were not cancelled.")


def _wanted(options: dict[str, Any]) -> dict[str, Any]:
    return {"tenant": options["tenant"], "series": options["series"], "day": options["period"]}
