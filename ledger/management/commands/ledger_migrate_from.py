"""``ledger_migrate_from``: takes over the counters and numbers of another system, or shows what it would do."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from ledger.compat.lorikeet import lorikeet_settings
from ledger.compat.moving.counters import Moved
from ledger.compat.moving.history import History
from ledger.compat.moving.pool import Pool, TakenOver, move_pool
from ledger.compat.moving.systems import DJANGO_SEQUENCE, DJANGO_SEQUENCES, Wanted, move_counters, move_model
from ledger.errors import InvalidArgument, LockTimeout, UnknownSeries
from ledger.keys import tenant_key
from ledger.management.base import BadOptions, LedgerCommand, counted, iso_date, seconds
from ledger.management.file_options import add_settings

_MODEL = "model"
_LORIKEET = "lorikeet"
_POOL = ("pool", "id_field", "leave", "on", "system_name")
_SETTINGS = ("template", "calendar", "fiscal_start", "time_zone", "max_length")


class Command(LedgerCommand):
    help = (
        "Takes over the numbering of another system: its counters, and its history where a model has it; from "
        "Lorikeet's recipe for external invoice IDs, the table of numbers, as the pool of a remote series. Shows what "
        "it would do; --apply does it, all or nothing, and waits for checkouts that hold an old number. "
        "Exit code 0: done; 1: refused; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_migrate_from django-sequences
  manage.py ledger_migrate_from django-sequences --only invoice --model shop.Invoice \\
      --number-field number --date-field created_at --apply
  manage.py ledger_migrate_from django-sequence --apply
  manage.py ledger_migrate_from lorikeet --pool shop.InvoiceID --series invoice --dry-run
  manage.py ledger_migrate_from model --model shop.Invoice --number-field number --date-field created_at \\
      --org-field shop --series invoice --template 'INV-{year}-{counter:06}' --apply
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        systems = (DJANGO_SEQUENCES, DJANGO_SEQUENCE, _LORIKEET, _MODEL)
        add("system", choices=systems, help="What has given the numbers so far.")
        either = parser.add_mutually_exclusive_group().add_argument
        either("--apply", action="store_true", help="Do it; without this, only show what it would do.")
        either("--dry-run", action="store_true", help="Show what it would do, and change nothing: the default.")
        add("--wait", type=seconds, default=10.0, metavar="SECONDS", help="For checkouts that hold an old number (10).")
        self.add_actor(parser, "Who takes the numbers over; kept with each entry")
        add("--explain-gaps", metavar="TEXT", help="Why numbers are missing; the explanation of every old gap.")
        old = parser.add_argument_group("the counters (django-sequences, django-sequence)").add_argument
        old("--only", action="append", default=[], metavar="NAME", help="This sequence or scope; may be repeated.")
        old("--table", metavar="TABLE", help="Their table, if it isn't the package's own.")
        pool = parser.add_argument_group("the table of invoice IDs (lorikeet)").add_argument
        pool("--pool", metavar="APP.MODEL", help="The recipe's model, if it isn't the only one called InvoiceID.")
        pool("--id-field", metavar="FIELD", help="The accounting system's own key, if it isn't the number.")
        pool("--leave", type=int, metavar="N", help="Leave the last N rows to checkouts of the old code.")
        pool("--on", type=iso_date, metavar="DATE", help="A day of the period that they belong to; today by default.")
        history = parser.add_argument_group("the numbers that documents have").add_argument
        history("--model", metavar="APP.MODEL", help="Such as shop.Invoice.")
        history("--number-field", metavar="FIELD", help="The number as a text, or the bare counter.")
        history("--date-field", metavar="FIELD", help="The business date, or the time of issue.")
        history("--org-field", metavar="FIELD", help="Who owns the number, such as shop.")
        history("--where", action="append", metavar="LOOKUP=A|B", help="Rows that count, such as status=paid|void.")
        history("--pattern", metavar="REGEX", help="Matches a number; (?P<counter>…) has the digits of its value.")
        made = parser.add_argument_group("the series, if it doesn't exist yet").add_argument
        made("--series", metavar="CODE", help="model: the series; lorikeet: by default that of LEDGER_LORIKEET.")
        made("--tenant", metavar="KEY", help="Who owns the series; model: if there is no --org-field.")
        add_settings(made)
        system = "lorikeet: the accounting system, as LEDGER_ACCOUNTING has it."
        made("--system", dest="system_name", metavar="NAME", help=system)

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_options_of_others(options["system"], options)
        history = _history(options)
        settings = {name: options[name] for name in _SETTINGS if options[name] is not None}
        alias = self.alias(options)
        common: dict[str, Any] = {name: options[name] for name in ("explain_gaps", "apply")}
        common |= {"alias": alias, "by": self.actor(options)}
        try:
            with transaction.atomic(using=alias):
                self.wait_at_most(alias, options["wait"])
                moved, taken = self._move(options, history, settings, common)
        except (InvalidArgument, UnknownSeries) as error:
            raise BadOptions(str(error)) from error
        except LockTimeout as error:
            raise CommandError(
                f"A checkout has held an old number for {options['wait']:g} seconds. Nothing was moved: first it must "
                "be known what becomes of that number. Run it again when there is less to do, or with a longer --wait."
            ) from error
        self._tell(moved, taken, options)

    def _move(
        self, options: dict[str, Any], history: History | None, settings: dict[str, Any], common: dict[str, Any]
    ) -> tuple[list[Moved], TakenOver | None]:
        system = options["system"]
        if system == _LORIKEET:
            chosen = lorikeet_settings()
            if options["system_name"] is not None:
                settings["system"] = options["system_name"]
            return move_pool(
                Pool(options["pool"] or "", options["id_field"] or "", options["leave"] or 0),
                options["series"] or chosen["SERIES"],
                settings,
                tenant=tenant_key(chosen["ORG"]) if options["tenant"] is None else options["tenant"],
                on=options["on"],
                history=history,
                **common,
            )
        if system != _MODEL:
            wanted = Wanted(tuple(options["only"]), options["table"], tuple(settings.items()))
            return move_counters(system, wanted, history=history, **common), None
        if history is None or not options["series"]:
            raise BadOptions(
                "Name the numbers, --model shop.Invoice --number-field number --date-field created_at, and the series "
                "that continues them: --series invoice."
            )
        return move_model(history, options["series"], settings, tenant=options["tenant"] or "", **common), None

    def _tell(self, moved: list[Moved], taken: TakenOver | None, options: dict[str, Any]) -> None:
        if options["json"]:
            pool = {} if taken is None else {"pool": asdict(taken)}
            told = {"ok": True, "applied": options["apply"], "moved": [asdict(one) for one in moved]}
            self.write_json(told | pool)
            return
        if taken is None or moved:
            self._tell_moved(moved, options)
        if taken is not None:
            self._tell_taken(taken, options)
        if not options["apply"]:
            self.stdout.write(self.style.WARNING("Nothing was written; --apply does it."))
        else:
            self.stdout.write("See manage.py ledger_status, and manage.py ledger_verify.")

    def _tell_taken(self, taken: TakenOver, options: dict[str, Any]) -> None:
        verb = "came" if options["apply"] else "would come"
        numbers = counted(taken.numbers, "invoice ID", "invoice IDs")
        self.stdout.write(self.style.SUCCESS(f"{numbers} {verb} into the pool of the series."))
        if taken.left:
            left = counted(taken.left, "is", "are")
            self.stdout.write(f"{left} left to the old code: run it again when that is gone.")
        if taken.in_flight:
            held = counted(taken.in_flight, "is held by a checkout", "are held by checkouts")
            self.stdout.write(f"{held} just now: run it again when that is over.")

    def _tell_moved(self, moved: list[Moved], options: dict[str, Any]) -> None:
        lines = []
        for one in moved:
            state = one.state if options["apply"] or one.state != "moved" else "would be moved"
            last = "-" if one.last is None else one.last
            counts = (f"{one.adopted:,}", f"{one.missing:,}")
            lines.append((one.series, one.tenant or "-", state, *counts, last, one.next_number or "-"))
        self.write_table(("series", "tenant", "state", "adopted", "missing", "last value", "next number"), lines)


def _refuse_options_of_others(system: str, options: dict[str, Any]) -> None:
    if system != _LORIKEET and any(options[name] is not None for name in _POOL):
        raise BadOptions("--pool, --id-field, --leave, --on and --system go with 'lorikeet'.")
    if system in (DJANGO_SEQUENCES, DJANGO_SEQUENCE):
        if options["series"] or options["tenant"]:
            raise BadOptions("--series and --tenant go with 'model' and 'lorikeet'; a sequence is its own series.")
    elif options["only"] or options["table"]:
        raise BadOptions("--only and --table go with the counters of a package.")


def _history(options: dict[str, Any]) -> History | None:
    named = [name for name in ("model", "number_field", "date_field") if options[name]]
    if not named:
        if options["org_field"] or options["pattern"] or options["where"]:
            raise BadOptions("--org-field, --pattern and --where go with --model.")
        return None
    if len(named) < 3:
        raise BadOptions("--model, --number-field and --date-field go together.")
    return History(
        options["model"],
        options["number_field"],
        options["date_field"],
        options["org_field"],
        options["pattern"],
        tuple(options["where"] or ()),
    )
