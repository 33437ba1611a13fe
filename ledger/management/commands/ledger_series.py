"""``ledger_series``: defines and lists series, and shows one with its periods and next number."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import DataError, transaction
from django.forms.models import model_to_dict

from ledger.actions import change_allocation, define_series
from ledger.calendars import CalendarKind
from ledger.errors import LedgerError
from ledger.form_changes import describe_form
from ledger.issuing import preview
from ledger.management.base import BadOptions, LedgerCommand, iso_date, seconds
from ledger.models import Allocation, Period, Series
from ledger.rules import Outcome
from ledger.series import SETTINGS, find_series, series_of
from ledger.zones import timestamp_in, today_in


class Command(LedgerCommand):
    help = (
        "Defines, lists and shows series. create makes a series, or changes an existing one; settings left out stay as "
        "they are. allocate changes how a series takes its numbers, also within a period, once no value waits "
        "in it. Exit code 0: done; 1: refused, with the reason; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_series create credit-note --template 'CN-{year}-{counter:06}'
  manage.py ledger_series create invoice --template 'R{fy_start}/{fy_end}-{counter:04}' \\
      --calendar fiscal-year --fiscal-start 04-01 --time-zone Asia/Kolkata --tenant shop.organization:42
  manage.py ledger_series create ticket --template 'TKT-{counter:08}' --from 2027-01-01
  manage.py ledger_series allocate invoice pooled --wait 10
  manage.py ledger_series list --json
  manage.py ledger_series show invoice --tenant shop.organization:42
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="create | allocate | list | show")
        create = actions.add_parser("create", help="Make a series, or change its settings.")
        add = create.add_argument
        add("--template", help="Such as INV-{year}-{counter:06}; needed for a new series.")
        add("--calendar", choices=[kind.value for kind in CalendarKind], help="When its counter starts again.")
        add("--fiscal-start", metavar="MM-DD", help="The first day of the fiscal year, such as 04-01.")
        add("--time-zone", help="Decides the business date, such as Europe/Berlin.")
        add("--allocation", choices=Allocation.values, help="How it takes its next value.")
        add("--start-value", type=int, metavar="N", help="The first value of each period; for one: ledger_period.")
        add("--max-length", type=int, metavar="N", help="The longest number, in characters.")
        add("--max-days-ahead", type=int, metavar="N", help="How many days after today a document's date may be.")
        add("--rules", metavar="CODES", help="The rule sets to check, such as DE or DE,FR-einvoice; '' for none.")
        add("--close-after-days", type=int, metavar="N", help="A sweep closes each period so many days after its end.")
        holds = "The first day of the new form, also within a period; by default the start of the next unused period."
        add("--from", dest="from_day", type=iso_date, metavar="DATE", help=holds)
        for name, yes, no in (
            ("chronological", "Refuse a date before the last one.", "Let dates go back."),
            ("give-back", "Pooled: a later document may get what a rollback gave back.", "It becomes a flagged gap."),
            ("early-release", "COMMIT releases the counter before its flush.", "It keeps the counter until then."),
            ("active", "Let it give numbers.", "Switch it off."),
        ):
            dest = "is_active" if name == "active" else name.replace("-", "_")
            either = create.add_mutually_exclusive_group()
            either.add_argument(f"--{name}", dest=dest, action="store_true", default=None, help=yes)
            either.add_argument(f"--no-{name}", dest=dest, action="store_false", default=None, help=no)
        self.add_actor(create, "Who decides; kept with the change")
        allocate = actions.add_parser("allocate", help="Change the allocation, also in the middle of a period.")
        self.add_actor(allocate, "Who decides; kept with the change and the gaps that it leaves")
        wait = "For checkouts that hold a value (10)."
        allocate.add_argument("--wait", type=seconds, default=10.0, metavar="SECONDS", help=wait)
        system = "Remote: the accounting system, as LEDGER_ACCOUNTING has it."
        for one in (create, allocate):
            one.add_argument("--system", metavar="NAME", help=system)
        every = actions.add_parser("list", help="All series, or those of one tenant.")
        self.add_chosen(every, series=False)
        show = actions.add_parser("show", help="One series, its periods and its next number.")
        for one in (create, allocate, show):
            one.add_argument("code", help="The series' code, such as invoice.")
            self.add_tenant(one)
        allocate.add_argument("allocation", choices=Allocation.values, help="How it takes its next value from now on.")
        for one in (create, allocate, every, show):
            super().add_arguments(one)

    def _create(self, alias: str, options: dict[str, Any]) -> None:
        settings = {name: options[name] for name in SETTINGS if options[name] is not None}
        who = {"org": options["tenant"], "by": self.actor(options), "using": alias}
        series = define_series(options["code"], from_day=options["from_day"], **who, **settings)
        for finding in series.rule_findings():
            if finding.outcome is Outcome.WARNED:
                self.stderr.write(f"{finding.rules}: {finding}", self.style.WARNING)
        if options["json"]:
            self.write_json(described(series) | {"holds_from": series.holds_from})
        else:
            number = _next(series, alias)
            self.stdout.write(self.style.SUCCESS(f"Series {series}: {series.template}, next number: {number}."))
            if answer := describe_form(series, today_in(series.time_zone, alias)):
                self.stdout.write(answer)

    def _allocate(self, alias: str, options: dict[str, Any]) -> None:
        code, tenant, allocation = options["code"], options["tenant"], options["allocation"]
        with transaction.atomic(using=alias):
            self.wait_at_most(alias, options["wait"])
            who = {"org": tenant, "by": self.actor(options), "using": alias}
            gaps = change_allocation(code, allocation, system=options["system"], **who)
        told = f"; {gaps} values became flagged gaps" if gaps else ""
        document = {"tenant": tenant, "series": code, "allocation": allocation, "gaps_flagged": gaps}
        self.answer(options, document, f"Series {code} takes its numbers by {allocation} now{told}.")

    def _list(self, alias: str, options: dict[str, Any]) -> None:
        self.refuse_unknown(alias, options["tenant"], None)
        found = series_of(alias, options["tenant"], None).order_by("tenant", "code")
        if options["json"]:
            self.write_json([described(series) for series in found])
            return
        columns = ("tenant", "code", "template", "calendar", "time_zone", "allocation")
        lines = ((*(getattr(one, name) for name in columns), "" if one.is_active else "off") for one in found)
        self.write_table((*(name.replace("_", " ") for name in columns), ""), lines)

    def _show(self, alias: str, options: dict[str, Any]) -> None:
        tenant, code = options["tenant"], options["code"]
        series = find_series(alias, tenant, code)
        if series is None:
            raise BadOptions(f"Tenant {tenant!r} has no series {code!r}. manage.py ledger_series list shows all.")
        periods = Period.objects.using(alias).select_related("series").filter(series=series).order_by("starts_on")
        if options["json"]:
            document = described(series) | {"next_number": _next(series, alias)}
            self.write_json(document | {"periods": [described_period(period) for period in periods]})
            return
        for name, value in (described(series) | {"next number": _next(series, alias)}).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        self.stdout.write("")
        self.write_table(PERIOD_HEADER, map(period_line, periods))


#: The columns of a list of periods.
PERIOD_HEADER = ("period", "first number", "last number", "state")


def described(series: Series) -> dict[str, Any]:
    return {"id": series.pk, **model_to_dict(series, ["tenant", "code", *SETTINGS])}


def described_period(period: Period) -> dict[str, Any]:
    return model_to_dict(period) | {"tenant": period.tenant, "code": period.series.code, "label": period.label}


def period_line(period: Period) -> tuple[str, str, str, str]:
    """A period's cells in the columns of PERIOD_HEADER."""
    last = period.number_of(period.last_value) if period.last_value >= period.first_value else "none yet"
    state = f"closed {timestamp_in(period.closed_at, period.series.time_zone)}" if period.closed_at else "open"
    return (period.label, period.number_of(period.first_value), last, state)


def _next(series: Series, alias: str) -> str | None:
    try:
        return preview(series.code, org=series.tenant, using=alias)
    except LedgerError as error:
        return f"none ({error.problem})"
    except DataError as error:
        return f"none ({str(error).partition(chr(10))[0]})"
