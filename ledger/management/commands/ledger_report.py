"""``ledger_report``: the continuity report of one tenant, as a file."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser
from django.utils.text import capfirst

from ledger.calendars import Span, named_span
from ledger.errors import InvalidArgument, ReportError
from ledger.management.base import BadOptions, LedgerCommand, iso_date
from ledger.management.whole_file import whole_file
from ledger.reports.formats import Format, format_named, formats
from ledger.reports.formats.csv_tables import separated_by
from ledger.reports.formats.json_document import json_schema
from ledger.reports.package import write_package
from ledger.reports.report import Report, continuity_report

#: Summing up, and the parts.
_STEPS = 5


class Command(LedgerCommand):
    help = (
        "Writes the continuity report of one tenant: every number from first to last, issued, void, in progress or "
        "missing, and why. It reads one snapshot; checkouts continue meanwhile. Exit code 0: everything adds up, and "
        "nothing is left to do; 1: people have work to do; 2: values are lost, come twice or don't add up, which the "
        "report says in red, or the options are invalid, or the format's library is not installed."
    )
    judges = True
    examples = """  manage.py ledger_report --series invoice --on 2026-01-01 --format pdf --output invoices-2026.pdf
  manage.py ledger_report --tenant shop.organization:42 --tax-id DE123456789 --from 2026-01-01 --to 2026-03-31 \\
      --format xlsx --output first-quarter.xlsx
  manage.py ledger_report --format json | jq '.parts.gaps[] | select(.explanation == "")'
  manage.py ledger_report --format csv --part gaps --separator ';' > gaps.csv
  manage.py ledger_report --tenant shop.organization:42 --package 2026-11 --output november.zip
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.add_tenant(parser)
        self.add_actor(parser, "Who makes the report")
        add = parser.add_argument
        tax_id = "Shown as it is; by default what LEDGER['TENANT_TAX_ID'] says."
        add("--tax-id", metavar="ID", default="", help=tax_id)
        add("--series", metavar="CODE", help="Only this series, such as invoice.")
        add("--on", "--period", type=iso_date, metavar="DATE", help="Only the period of this day.")
        add("--from", type=iso_date, metavar="DATE", help="The first business date, with --to or alone.")
        add("--to", type=iso_date, metavar="DATE", help="The last business date, inclusive.")
        add("--format", choices=formats(), help="By default as --output ends, or json.")
        output = "The file, with FILE.sha256 beside it; without it, json and csv go to standard output."
        add("--output", metavar="FILE", help=output)
        add("--part", metavar="NAME", help="Only this part, such as summary, voids or gaps.")
        separator = "Of csv: spreadsheets in countries with a decimal comma expect ';'."
        add("--separator", choices=(",", ";", "tab"), default=",", help=separator)
        package = "All of it for these dates as one zip: PDF, XLSX, JSON, register, seals. DATES is a month such as "
        package += "2026-11, a year, or 2026-01-01..2026-03-31."
        add("--package", type=_named_span, metavar="DATES", help=package)
        made_at = "The time in the report, such as 2026-11-21T12:00:00+00:00; now by default. With the same time, the "
        add("--made-at", type=iso_moment, metavar="TIME", help=f"{made_at}same ledger gives the same bytes.")
        add("--schema", action="store_true", help="Print the JSON Schema of --format json, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["schema"]:
            self.write_json(json_schema())
            return
        alias = self.alias(options)
        separator = "\t" if options["separator"] == "tab" else options["separator"]
        package = options["package"]
        if package is None:
            chosen = self._format(options, separator)
        else:
            beside = [name for name in ("on", "from", "to", "part", "format") if options[name] is not None]
            if beside:
                raise BadOptions(f"--package has its own dates and formats: leave out --{' and --'.join(beside)}.")
            options |= {"from": package.starts_on, "to": package.ends_on}
            options["output"] = options["output"] or f"folio-{package.starts_on}-{package.ends_on}.zip"
        warnings: list[str] = []
        asked = {name: options[name] for name in ("tenant", "series", "tax_id", "on", "made_at")}
        asked |= {"since": options["from"], "until": options["to"], "made_by": self.actor(options)}
        try:
            with (
                self.progress(_STEPS, wanted=options["verbosity"] > 0) as begin,
                continuity_report(**asked, progress=begin, using=alias) as made,
            ):
                report = made if options["part"] is None else made.only(options["part"])
                with self._target(options["output"]) as target:
                    if package is None:
                        chosen.write(report, target, warnings.append)
                    else:
                        write_package(report, target, warnings.append, using=alias, separator=separator)
        except (ReportError, InvalidArgument) as error:
            raise BadOptions(str(error)) from error
        self._tell(report, warnings, options)
        if not report.ok:
            state = report.verdict.state
            said = " ".join(map(str, [report.sentence, *report.problems[:20]]))
            raise CommandError(f"{capfirst(state)}: {said}", returncode=state.exit_code)

    def _format(self, options: dict[str, Any], separator: str) -> Format:
        suffix = Path(options["output"]).suffix.lower() if options["output"] else ""
        of_suffix = {known.suffix: known.name for known in formats().values()} | {".csv": "csv"}
        if suffix not in {"", *of_suffix} and not options["format"]:
            raise BadOptions(f"No format ends with {suffix}: choose one with --format, or {', '.join(of_suffix)}.")
        chosen = format_named(options["format"] or of_suffix.get(suffix, "json"))
        if options["output"] is None and (not chosen.streams or options["json"]):
            raise BadOptions(f"{chosen.title} goes to a file: add --output report{chosen.suffix}.")
        if suffix == ".csv" and options["part"] is None:
            raise BadOptions("A report has several tables: CSV is a zip of them. Use --output report.zip, or --part.")
        return separated_by(separator) if chosen.name == "csv" else chosen

    @contextmanager
    def _target(self, output: str | None) -> Iterator[IO[bytes]]:
        """The file, which is in place only once it is complete; or standard output."""
        if output is None:
            stream = getattr(self.stdout, "buffer", None)
            yield (target := stream or BytesIO())
            if isinstance(target, BytesIO):  # the caller of call_command wants text
                self.stdout.write(target.getvalue().decode(), ending="")
            target.flush()
            return
        place = Path(output)
        try:
            with whole_file(place) as file:
                yield file
            if place.is_file():  # and no device or pipe
                with place.open("rb") as written:
                    digest = hashlib.file_digest(written, "sha256").hexdigest()
                with whole_file(place.with_name(f"{place.name}.sha256")) as beside:
                    beside.write(f"{digest}  {place.name}\n".encode())
        except OSError as error:
            raise BadOptions(f"Nothing can be written to {output}: {error.strerror}.") from error

    def _tell(self, report: Report, warnings: list[str], options: dict[str, Any]) -> None:
        for warning in warnings:
            self.stderr.write(warning, self.style.WARNING)
        if options["json"]:
            said = {"state": report.verdict.state.value, "ok": report.ok, "sentence": report.sentence}
            more = {"problems": report.problems, "warnings": warnings}
            self.write_json({"output": options["output"], **said, **more})
        elif options["output"] is not None and report.ok:
            self.stdout.write(self.style.SUCCESS(f"{options['output']}: {report.sentence} Everything adds up."))


def _named_span(text: str) -> Span:
    return named_span(text)


_named_span.__name__ = "month, year or span of dates (such as 2026-11)"


def iso_moment(text: str) -> datetime:
    """An option that is a moment with its offset."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None or not 1900 <= moment.year < 3000:
        raise ValueError(json.dumps(text))
    return moment


iso_moment.__name__ = "time with its zone (such as 2026-11-21T12:00:00+00:00)"
