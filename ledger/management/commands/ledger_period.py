"""``ledger_period``: opens, closes and lists periods, and opens the next ones ahead of time."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.actions import close_period, open_next_periods, open_period
from ledger.errors import NoPeriod
from ledger.management.base import BadOptions, LedgerCommand, iso_date
from ledger.management.commands.ledger_series import PERIOD_HEADER, described_period, period_line
from ledger.models import Period
from ledger.periods import find_period
from ledger.refusals import no_period, unknown_series
from ledger.series import find_series
from ledger.zones import today_in


class Command(LedgerCommand):
    help = (
        "Opens, closes and lists the periods of series. The first checkout of a period opens it; open one by hand "
        "where the calendar is explicit, or a counter starts elsewhere. Closing is final. Exit code 0: done; "
        "1: refused, with the reason; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_period open invoice --starts-on 2025-08-15 --ends-on 2025-12-31
  manage.py ledger_period open invoice --on 2026-01-01 --first-value 500
  manage.py ledger_period close invoice --on 2025-12-31
  manage.py ledger_period list --tenant shop.organization:42 --json
  manage.py ledger_period ahead --days 30
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="open | close | list | ahead")
        opening = actions.add_parser("open", help="Open the period of a day, or an explicit one.")
        opening.add_argument("--on", type=iso_date, metavar="DATE", help="Any day in it; today by default.")
        opening.add_argument("--starts-on", type=iso_date, metavar="DATE", help="Its first day; with --ends-on.")
        opening.add_argument("--ends-on", type=iso_date, metavar="DATE", help="Its last day; with --starts-on.")
        self.add_actor(opening, "Who opens it; kept with a period that is made by hand")
        opening.add_argument("--first-value", type=int, metavar="N", help="The first value of its counter.")
        opening.add_argument("--label", metavar="TEXT", help="What {label} is in its numbers, such as 2082/83.")
        closing = actions.add_parser("close", help="Close a period for good.")
        closing.add_argument("--on", type=iso_date, metavar="DATE", required=True, help="Any day in it.")
        self.add_actor(closing, "Who closes it; kept with the period and the gaps that it leaves")
        closing.add_argument("--early", action="store_true", help="Close it although it has not ended.")
        for one in (opening, closing):
            one.add_argument("code", help="The series, such as invoice.")
            self.add_tenant(one)
        every = actions.add_parser("list", help="The periods of a series, of a tenant, or all.")
        every.add_argument("code", nargs="?", help="The series, such as invoice.")
        self.add_chosen(every, series=False)
        ahead = actions.add_parser("ahead", help="Open the periods of the next days, for all series.")
        for one in (opening, closing, every, ahead):
            super().add_arguments(one)
        ahead.add_argument("--days", type=int, metavar="N", help="How many days; by default LEDGER['OPEN_AHEAD_DAYS'].")

    def _open(self, alias: str, options: dict[str, Any]) -> None:
        starts_on, ends_on = options["starts_on"], options["ends_on"]
        if (starts_on is None) != (ends_on is None) or (starts_on is not None and options["on"] is not None):
            raise BadOptions("An explicit period takes both --starts-on and --ends-on, and no --on.")
        if options["first_value"] is not None and options["first_value"] < 0:
            raise BadOptions("A counter starts at 0 or above: --first-value 1.")
        how = {name: options[name] for name in ("starts_on", "ends_on", "first_value", "label")}
        where = {"org": options["tenant"], "using": alias}
        period = open_period(options["code"], options["on"], by=self.actor(options), **where, **how)
        self._tell("Open", period, options)

    def _close(self, alias: str, options: dict[str, Any]) -> None:
        series = find_series(alias, options["tenant"], options["code"])
        if series is None:
            raise unknown_series(alias, options["tenant"], options["code"])
        period = find_period(series, options["on"], alias)
        if period is None:
            raise NoPeriod(
                no_period(series, options["on"], alias).problem,
                rule="Only an open period can be closed.",
                remedy=f"Choose a day in one of them (today is {today_in(series.time_zone, alias)}).",
            )
        closed = close_period(period, early=options["early"], by=self.actor(options), using=alias)
        self._tell("Closed", closed, options)

    def _list(self, alias: str, options: dict[str, Any]) -> None:
        self.refuse_unknown(alias, options["tenant"], options["code"])
        found = Period.objects.using(alias).select_related("series").order_by("tenant", "series__code", "starts_on")
        if options["tenant"] is not None:
            found = found.filter(tenant=options["tenant"])
        if options["code"] is not None:
            found = found.filter(series__code=options["code"])
        if options["json"]:
            self.write_json([described_period(period) for period in found])
            return
        lines = ((one.tenant, one.series.code, *period_line(one)) for one in found)
        self.write_table(("tenant", "series", *PERIOD_HEADER), lines)

    def _ahead(self, alias: str, options: dict[str, Any]) -> None:
        if options["days"] is not None and options["days"] < 0:
            raise BadOptions("--days is a whole number of days, 0 or more.")
        done = open_next_periods(ahead_days=options["days"], using=alias)
        if options["json"]:
            self.write_json(done)
        else:
            self.stdout.write(self.style.SUCCESS(f"Opened {done['opened']} periods."))
            for failure in done["failed"]:
                self.stdout.write(self.style.ERROR(f"{failure['series']}: {failure['error']}"))
        if done["failed"]:
            raise CommandError(f"{len(done['failed'])} series could not be opened.")

    def _tell(self, done: str, period: Period, options: dict[str, Any]) -> None:
        label, first, last, _ = period_line(period)
        told = f"{done}: {period.series}, {label}; first number {first}, last number {last}."
        self.answer(options, described_period(period), told)
