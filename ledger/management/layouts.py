"""The options by which a command is told how to read a file that people exported."""

from typing import Any

from ledger.kinds import Kind
from ledger.tables import Layout, profile, profile_names

_DEFAULTS = Layout()


def add_layout(add: Any) -> None:
    """The options for any such file; ``add`` is the ``add_argument`` of a group."""
    names = ", ".join(profile_names())
    add("--profile", metavar="NAME", help=f"The layout of a program's export: {names}, or a file's path.")
    add("--number-column", metavar="COLUMN", help=f"By default {_DEFAULTS.number_column}.")
    add("--date-column", metavar="COLUMN", help=f"By default {_DEFAULTS.date_column}.")
    add("--document-column", metavar="COLUMN", help="The key of the document, such as order:17.")
    add("--customer-column", metavar="COLUMN", help="Kept in an adopted entry's metadata; compared with books.")
    add("--void-column", metavar="COLUMN", help="Tells which numbers are void, and which ones are drafts.")
    add("--kind-column", metavar="COLUMN", help="Tells of what kind a document is.")
    add(
        "--kinds",
        action="append",
        metavar="KIND=A|B",
        help="Which words of that column mean which kind, such as 'credit-note=Credit Memo'; rows that say others are "
        "left out. "
        "Without that column: the kind of all rows. May be repeated.",
    )
    add(
        "--only-kind",
        choices=[*Kind],
        help="Take only documents of this kind; when adopting, by default the series' own.",
    )
    for kind in ("void", "valid", "draft"):
        known = ", ".join(getattr(_DEFAULTS, f"{kind}_values"))
        told = f"What that column says if it is {kind}, beside {known}; * is any other text."
        add(f"--{kind}-values", type=words, metavar="A,B,…", help=told)
    add("--where", action="append", metavar="COLUMN=A|B", help="Take only rows that say so; may be repeated.")
    add("--skip", action="append", metavar="COLUMN=A|B", help="Leave out rows that say so, such as 'No=Total*'.")
    add("--only-prefix", action="append", metavar="TEXT", help="Take only numbers that begin so; may be repeated.")
    add("--sheet", metavar="NAME", help="Of a workbook; by default the one that has the columns.")
    add("--header-row", type=int, metavar="N", help="By default the first one that has the columns.")
    add("--delimiter", type=_delimiter, help="One character, or tab; by default the one that gives the columns.")
    add("--encoding", metavar="NAME", help="By default UTF-8, or as the file's mark says.")
    add("--date-format", metavar="FORMAT", help="Such as %%d/%%m/%%Y %%H:%%M; by default ISO 8601.")
    add("--language", metavar="CODE", help="Of month names in dates (%%B, %%b), such as de; by default English.")
    add("--years-from", metavar="DATE", help="Dates without a year: not before this one.")
    add("--years-to", metavar="DATE", help="Dates without a year: not after this one.")
    add("--file-time-zone", metavar="ZONE", help="Of the file's times, such as UTC; by default that of business dates.")


def layout_of(options: dict[str, Any]) -> Layout:
    """The layout that the options say, over what the profile says; raises InvalidArgument."""
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
