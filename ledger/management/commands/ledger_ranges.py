"""``ledger_ranges``: adds ranges that an authority granted, also from a file, and shows what is left of them."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.actions import authorise
from ledger.caf import read_caf
from ledger.errors import RangeRefused
from ledger.host_functions import find_hook
from ledger.management.base import LedgerCommand, counted, iso_date, path
from ledger.models import AuthorisedRange
from ledger.ranges import levels
from ledger.zones import today_in

_HEADER = ("tenant", "series", "authority", "reference", "numbers", "valid", "used", "lapsed")


class Command(LedgerCommand):
    help = (
        "Adds ranges of numbers that an authority granted (DIAN, SII, DGI, AT and others), and lists them. The series "
        "then takes its numbers from them alone, in the order in which they were added. Exit code 0: done; "
        "1: refused, with the reason, or a listed series has little left; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_ranges add invoice --prefix SETP --first 1 --last 5000 --from 2026-01-01 \\
      --to 2027-12-31 --authority 'CO DIAN' --reference 18760000001 --key-reference vault:dian/setp --by ada
  manage.py ledger_ranges add 'FT A' --first 1 --from 2026-01-01 --authority 'PT AT' --reference CSDF7T5H --type FT
  manage.py ledger_ranges caf factura FoliosSII33.xml --verify shop.sii:check_signature
  manage.py ledger_ranges list --tenant shop.organization:42
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="add | caf | list")
        adding = actions.add_parser("add", help="Add a range.")
        add = adding.add_argument
        add("--prefix", default="", metavar="TEXT", help="As the authority writes it: {label}.")
        add("--first", type=int, required=True, metavar="N", help="The first value.")
        add("--last", type=int, metavar="N", help="The last value; left out for a range without end.")
        add("--from", dest="valid_from", type=iso_date, required=True, metavar="DATE", help="Its first day.")
        add("--to", dest="valid_to", type=iso_date, metavar="DATE", help="Its last day, if it has one.")
        add("--authority", required=True, metavar="NAME", help="Who granted it, such as 'CO DIAN'.")
        add("--reference", required=True, metavar="TEXT", help="Its resolution, CAE or code.")
        add("--type", default="", metavar="TEXT", help="The authority's type of document, such as FT.")
        caf = actions.add_parser("caf", help="Add the range of a CAF file (Chile).")
        caf.add_argument("--rut", metavar="RUT", help="Refuse the file of another company: 76354771-K.")
        caf.add_argument("--verify", metavar="MODULE:FUNCTION", help="Checks the signature of the file, as bytes.")
        every = actions.add_parser("list", help="The ranges of a series, of a tenant, or all.")
        every.add_argument("code", nargs="?", help="The series, such as invoice.")
        self.add_chosen(every, series=False)
        for one in (adding, caf):
            one.add_argument("code", help="The series, such as invoice.")
            self.add_tenant(one)
            one.add_argument("--key-reference", default="", metavar="TEXT", help="Where the technical key is kept.")
            one.add_argument("--document", default="", metavar="TEXT", help="Where the authority's document is kept.")
            self.add_actor(one, "Who adds it")
        caf.add_argument("file", type=path, help="The XML that the SII gave.")
        for one in (adding, caf, every):
            super().add_arguments(one)

    def _add(self, alias: str, options: dict[str, Any]) -> None:
        names = ("prefix", "first", "last", "valid_from", "valid_to", "authority", "reference")
        self._authorise(alias, options, document_type=options["type"], **{name: options[name] for name in names})

    def _caf(self, alias: str, options: dict[str, Any]) -> None:
        hook = find_hook(options["verify"], "--verify", RangeRefused) if options["verify"] else None
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise RangeRefused(
                f"The file {str(options['file'])!r} can't be read: {error.strerror}.",
                rule="A CAF file is the XML that the SII gives.",
                remedy="Check its path and its permissions.",
            ) from error
        caf = read_caf(content, verify=hook)
        if options["rut"] not in (None, caf.tax_id):
            raise RangeRefused(
                f"The file grants folios to {caf.tax_id}, not to {options['rut']}.",
                rule="A company takes its numbers from its own folios.",
                remedy="Choose the company's own file, or correct --rut.",
            )
        self._authorise(alias, options, **caf.as_range())

    def _authorise(self, alias: str, options: dict[str, Any], **facts: Any) -> None:
        where = {name: options[name] for name in ("key_reference", "document")}
        event = authorise(options["code"], org=options["tenant"], by=self.actor(options), using=alias, **where, **facts)
        told = "Known already" if event.repeated else "Added"
        self.answer(options, _as_dict(event), f"{told}: {event.series}, {event}; {event.period.label}.")

    def _list(self, alias: str, options: dict[str, Any]) -> None:
        self.refuse_unknown(alias, options["tenant"], options["code"])
        found = AuthorisedRange.objects.using(alias).select_related("series", "period").prefetch_related("lapses")
        limits = {"tenant": options["tenant"], "series__code": options["code"]}
        found = found.filter(**{name: value for name, value in limits.items() if value is not None})
        ranges = list(found.order_by("tenant", "series__code", "period__ordinal"))
        whose = {"tenant": options["tenant"], "series": options["code"]}
        known = levels(alias, lambda series: today_in(series.time_zone, alias), **whose)
        low = [level for level in known if level.problems]
        if options["json"]:
            self.write_json({"ranges": [_as_dict(one) for one in ranges], "low": [str(level) for level in low]})
        else:
            self.write_table(_HEADER, ([*_as_dict(one).values()][: len(_HEADER)] for one in ranges))
            for level in low:
                self.stdout.write(self.style.WARNING(f"{level}."))
        if low:
            raise CommandError(f"{counted(len(low), 'series has', 'series have')} little left.")


def _as_dict(one: AuthorisedRange) -> dict[str, Any]:
    period = one.period
    lapsed = [f"{lapse.first_value} to {lapse.last_value}" for lapse in one.lapses.all()]
    return {
        "tenant": one.tenant,
        "series": one.series.code,
        "authority": one.authority,
        "reference": one.reference,
        "numbers": one.numbers,
        "valid": f"{one.valid_from} to {one.valid_to}" if one.valid_to else f"{one.valid_from} onwards",
        "used": max(0, period.last_value - period.first_value + 1),
        "lapsed": ", ".join(lapsed),
        "document_type": one.document_type,
        "period": period.label,
        "authorised_at": one.authorised_at,
    }
