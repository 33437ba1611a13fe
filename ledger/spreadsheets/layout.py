"""What the columns of a table are, which rows count, and what the words of a status column mean."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ledger.errors import InvalidArgument
from ledger.kinds import Kind

#: Known words of a void column. Codes in digits aren't among them: they differ from program to program.
VOID_WORDS = ("void", "voided", "cancelled", "canceled", "storniert", "storno", "annulé", "annulée", "true", "yes")
VALID_WORDS = (
    *("valid", "ok", "paid", "unpaid", "partially paid", "open", "sent", "overdue", "posted", "authorised"),
    *("awaiting payment", "no", "false"),
)
DRAFT_WORDS = ("draft", "entwurf")

#: Matches any text that no other word of the column does, as in a column of cancellation dates.
ANY = "*"

# At most so many values of a column are counted one by one.
_VALUES = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a table are, and which of its rows count.

    Columns are named as in the header; ``header_row`` is the header's row if these names don't find it.
    ``pattern`` is a regular expression that the whole number matches; its group ``counter`` has the digits of the
    value, and its other named groups go into the entry's metadata. By default it is the series' own template.
    ``restore_zeros``: the series writes the number again from its counter, where a spreadsheet has dropped zeros.

    ``where`` and ``skip`` are conditions such as ``Status=Paid|Void``: a row counts if it meets all of the first and
    none of the second, and if its number begins with one of ``only_prefix``. ``void_values``, ``valid_values`` and
    ``draft_values`` classify the texts of the void column, in any case; ``*`` is any other text. Drafts are left out.
    ``keep_columns`` and the customer are kept in the metadata.

    ``kinds`` says which words of ``kind_column`` mean which kind of document, such as ``credit-note=Credit Memo``; rows
    with other words are left out. Without that column, it is the kind of all rows, such as ``invoice``. If
    ``only_kind`` is named, other kinds are left out.

    ``date_format`` is one of ``strptime``, by default ISO 8601; ``language`` (such as de) is that of its month names.
    Dates without a year lie in ``years_from`` to ``years_to`` (ISO dates), at most a year apart. ``time_zone`` is that
    of times without an offset, by default the series' own. ``sheet``, ``delimiter`` and ``encoding`` are found where
    they are None; the encoding is UTF-8, or as the file's byte order mark says.

    Books have ``id_column``, the program's own key of a document, and ``total_column``, its amount; with
    ``decimal_comma`` it is written like 1.234,50.
    """

    number_column: str = "number"
    date_column: str = "issued_at"
    document_column: str | None = None
    customer_column: str | None = None
    id_column: str | None = None
    total_column: str | None = None
    kind_column: str | None = None
    kinds: tuple[str, ...] = ()
    only_kind: str | None = None
    void_column: str | None = None
    void_values: tuple[str, ...] = VOID_WORDS
    valid_values: tuple[str, ...] = VALID_WORDS
    draft_values: tuple[str, ...] = DRAFT_WORDS
    keep_columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    only_prefix: tuple[str, ...] = ()
    pattern: str | None = None
    restore_zeros: bool = False
    sheet: str | None = None
    header_row: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    date_format: str | None = None
    language: str | None = None
    years_from: str | None = None
    years_to: str | None = None
    time_zone: str | None = None
    decimal_comma: bool = False

    def columns(self) -> list[str]:
        """The columns that the header must have."""
        named: list[str | None] = [self.number_column, self.date_column, self.document_column, self.customer_column]
        named += [self.void_column, self.id_column, self.total_column, self.kind_column]
        conditions = (Condition.parse(text).column for text in (*self.where, *self.skip))
        return list(dict.fromkeys(name for name in (*named, *self.keep_columns, *conditions) if name))


@dataclass(frozen=True, slots=True)
class Condition:
    """The texts that a cell may have, in any case; ``*`` in a text stands for any characters."""

    text: str
    column: str
    matcher: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read ``Status=Paid|Void``; raises InvalidArgument."""
        column, equals, values = text.partition("=")
        if not equals or not column.strip():
            raise InvalidArgument(
                f"The condition {text!r} names no column.",
                rule="A condition is a column, '=', and one or more texts with '|' between them; * is any text.",
                remedy="Write it like Status=Paid|Void, or Number=Total*; 'Number=' is an empty cell.",
            )
        parts = (
            ".*".join(re.escape(piece) for piece in value.strip().casefold().split("*")) for value in values.split("|")
        )
        return cls(text, column.strip(), re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL))

    def holds(self, cell: str) -> bool:
        """Whether a cell has one of the texts."""
        return self.matcher.fullmatch(cell.strip().casefold()) is not None


class Kinds:
    """The kind of each row. Raises InvalidArgument for a layout that doesn't say the kinds clearly."""

    def __init__(self, layout: Layout) -> None:
        self._column = layout.kind_column
        parted = [(text.partition("=")[0].strip(), "=" in text, text) for text in layout.kinds]
        named = [kind for kind, _, _ in parted]
        strange = sorted({*named, layout.only_kind or Kind.INVOICE} - set(Kind))
        worded = {has_words for _, has_words, _ in parted}
        if strange or worded != ({self._column is not None} if named or self._column else set()):
            raise InvalidArgument(
                f"The kinds {', '.join(strange or layout.kinds) or '(none)'} don't say which rows have them.",
                rule=f"Kinds are {', '.join(Kind)}; beside a kind column each one has its words there.",
                remedy="Write them like --kind-column Type --kinds 'invoice=Sales Invoice' --kinds 'credit-note=Credit "
                "Note|Credit Memo'; or, where all rows are of one kind and no column says so, --kinds invoice.",
            )
        #: The kinds that are read; None if the layout names none.
        self.read = frozenset([layout.only_kind] if layout.only_kind else named) or None
        self._words = [(kind, Condition.parse(text)) for kind, has_words, text in parted if has_words]
        self._all = named[0] if len(named) == 1 else ""

    def of(self, text: str) -> tuple[str, str]:
        """The kind of a row with ``text`` in its kind column, and the rule by which it doesn't count, or empty."""
        if self._column is None:
            return self._all, ""
        kind = next((kind for kind, words in self._words if words.holds(text)), "")
        return kind, "" if kind in (self.read or ()) else f"no kind that is taken: {self._column}={text[:40]}"


class Statuses:
    """What the values of the void column mean, and how often each occurs."""

    def __init__(self, layout: Layout) -> None:
        # The caller's words override the known ones.
        columns: Sequence[tuple[tuple[str, ...], tuple[str, ...], str]] = (
            (layout.draft_values, DRAFT_WORDS, "draft"),
            (layout.valid_values, VALID_WORDS, "valid"),
            (layout.void_values, VOID_WORDS, "void"),
        )
        self.meanings = {word: said for _, words, said in columns for word in words} | {
            value.strip().casefold(): said for values, words, said in columns if values is not words for value in values
        }
        #: Each value as written, with its meaning ("" if nobody has classified it), and how often it occurs.
        self.counts: dict[tuple[str, str], int] = {}

    def read(self, text: str) -> str:
        """Count a cell, and return its meaning: ``void``, ``valid``, ``draft``, or "" if nobody has classified it."""
        said = self.meaning(text)
        key = (text if text.casefold() in self.meanings or not (said and text) else "any other text", said)
        if key in self.counts or len(self.counts) < _VALUES:
            self.counts[key] = self.counts.get(key, 0) + 1
        return said

    def meaning(self, text: str) -> str:
        """What a cell means; an empty cell is valid, unless the layout says otherwise."""
        return (
            self.meanings.get(text.casefold(), self.meanings.get(ANY, "")) if text else self.meanings.get("", "valid")
        )

    def told(self) -> tuple[tuple[str, str, int], ...]:
        """Each value, its meaning, and how often it occurs."""
        return tuple((value, said, count) for (value, said), count in self.counts.items())

    def unclassified(self) -> Mapping[str, int]:
        """The values that nobody has classified, with their counts."""
        return {text: count for (text, said), count in self.counts.items() if not said}


_FOLDER = Path(__file__).parent / "exports"


def profile_names() -> list[str]:
    """The profiles that Folio brings."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def profile(name: str, **changes: Any) -> Layout:
    """The layout of a profile, by name or by the path of a file, with ``changes``; raises InvalidArgument."""
    path = _FOLDER / f"{name}.json" if name in profile_names() else Path(name)
    known = {field.name: field for field in fields(Layout)}
    try:
        given = json.loads(path.read_text("utf-8"))["layout"]
        made = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        if unknown := sorted(set(made) - set(known)):
            raise ValueError(f"a layout has no {', '.join(unknown)}")
        return Layout(**(made | changes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"The profile {name!r} can't be read: {error}.",
            rule="A profile is one that Folio brings, or a JSON file with a layout.",
            remedy=f"Pass one of {', '.join(profile_names())}, or the path of a file like them.",
        ) from error
