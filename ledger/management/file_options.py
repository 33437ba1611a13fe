"""The options that tell a command how to read a file that people exported, and what it says about such a file."""

from typing import Any

from ledger.kinds import Kind
from ledger.management.base import LedgerCommand
from ledger.spreadsheets import Layout, profile, profile_names

_DEFAULTS = Layout()


def add_layout(add: Any) -> None:
    """The options for any such file; ``add`` is the ``add_argument`` of a group."""
    names = ", ".join(profile_names())
    add("--profile", metavar="NAME", help=f"The layout of a program's export: {names}, or a file's path.")
    add("--number-column", metavar="COLUMN", help=f"By default {_DEFAULTS.number_column}.")
    add("--date-column", metavar="COLUMN", help=f"By default {_DEFAULTS.date_column}.")
    add("--document-column", metavar="COLUMN", help="The key of the document, such as order:17.")
    add("--customer-column", metavar="COLUMN", help="An adopted entry keeps it in its metadata; books compare it.")
    add("--void-column", metavar="COLUMN", help="Says which numbers are void, and which ones are drafts.")
    add("--kind-column", metavar="COLUMN", help="Says of what kind a document is.")
    kinds = "Which words of that column mean which kind, such as 'credit-note=Credit Memo'; rows with other words are "
    kinds += "left out. Without that column: the kind of all rows. May be repeated."
    add("--kinds", action="append", metavar="KIND=A|B", help=kinds)
    only = "Take only documents of this kind; when adopting, by default the series' own."
    add("--only-kind", choices=[kind.value for kind in Kind], help=only)
    for kind in ("void", "valid", "draft"):
        known = ", ".join(getattr(_DEFAULTS, f"{kind}_values"))
        told = f"What that column says if a number is {kind}, beside {known}; * is any other text."
        add(f"--{kind}-values", type=words, metavar="A,B,…", help=told)
    add("--where", action="append", metavar="COLUMN=A|B", help="Take only such rows; may be repeated.")
    add("--skip", action="append", metavar="COLUMN=A|B", help="Leave out such rows, such as 'No=Total*'.")
    add("--only-prefix", action="append", metavar="TEXT", help="Take only numbers with this prefix; may be repeated.")
    add("--sheet", metavar="NAME", help="The sheet of a workbook; by default the one that has the columns.")
    add("--header-row", type=int, metavar="N", help="By default the first row that has the columns.")
    add("--delimiter", type=_delimiter, help="One character, or tab; by default the one that gives the columns.")
    add("--encoding", metavar="NAME", help="By default UTF-8, or as the file's byte order mark says.")
    add("--date-format", metavar="FORMAT", help="Such as %%d/%%m/%%Y %%H:%%M; by default ISO 8601.")
    add("--language", metavar="CODE", help="Of month names in dates (%%B, %%b), such as de; by default English.")
    add("--years-from", metavar="DATE", help="Dates without a year aren't before this one.")
    add("--years-to", metavar="DATE", help="Dates without a year aren't after this one.")
    add("--file-time-zone", metavar="ZONE", help="Of the file's times, such as UTC; by default that of business dates.")


def add_settings(add: Any) -> None:
    """The settings of a series that a command creates; ``add`` is the ``add_argument`` of a group."""
    add("--template", help="Such as INV-{year}-{counter:06}.")
    add("--calendar", help="never, year, fiscal-year, quarter, month, day.")
    add("--fiscal-start", metavar="MM-DD", help="The first day of the fiscal year, such as 04-01.")
    add("--time-zone", metavar="ZONE", help="Decides business dates, such as Europe/Berlin.")
    add("--max-length", type=int, metavar="N", help="The longest number, in characters.")


def write_counts(command: LedgerCommand, read: Any) -> None:
    """Write which rows of a file were left out, and how its void column was read."""
    for reason, count in read.left_out.items():
        command.stdout.write(f"Left out: {count:,} rows ({reason}).")
    for value, said, count in read.statuses:
        command.stdout.write(f"The void column says {value or 'nothing'!r} {count:,} times: {said}.")


def layout_of(options: dict[str, Any]) -> Layout:
    """The layout of the profile, changed as the options say; raises InvalidArgument."""
    given = {name: options.get(name) for name in Layout.__dataclass_fields__ if name != "time_zone"}
    given["time_zone"] = options["file_time_zone"]
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }
    return Layout(**chosen) if options["profile"] is None else profile(options["profile"], **chosen)


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _delimiter(text: str) -> str:
    return "\t" if text in ("tab", "\\t") else text
