"""The format of a period's numbers: prefix, width and suffix. ``ledger.number_templates`` compiles it from a template.

The tokens of the document's own date stay in it, and each number fills them in: ``BILL/2026/{doc_month}/`` with width 4
gives ``BILL/2026/11/0042``. A number without a document has hyphens there: ``BILL/2026/--/0043``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ledger.errors import InvalidArgument

#: The highest value of a counter: PostgreSQL keeps it as a bigint.
MAX_VALUE = 2**63 - 1

#: The tokens of the document's date, and how many digits each becomes, or hyphens without a date.
DOCUMENT_TOKENS: Mapping[str, int] = {"{doc_year}": 4, "{doc_month}": 2, "{doc_day}": 2}


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The numbers of one period: ``prefix``, the value padded with zeros to ``width`` digits, ``suffix``."""

    prefix: str
    width: int
    suffix: str

    @property
    def is_dated(self) -> bool:
        """Whether a number also depends on the date of its document."""
        return any(token in self.prefix or token in self.suffix for token in DOCUMENT_TOKENS)

    def number(self, value: int, on: date | None = None) -> str:
        """The number of a value; more digits than the width are never cut: 10000 at width 4 stays 10000.

        ``on`` is the business date of the document; without one, such as in a gap, there are hyphens in its place.
        Raises `InvalidArgument` for a value that no counter can have.
        """
        if not 0 <= value <= MAX_VALUE:
            raise InvalidArgument(
                f"No counter has the value {value}.",
                rule=f"A value lies between 0 and {MAX_VALUE}.",
                remedy="Pass one such as 123.",
            )
        return f"{dated(self.prefix, on)}{value:0{self.width}}{dated(self.suffix, on)}"

    def shown(self, value: int, on: date | None = None) -> str:
        """The number of a value for a reader, also of one that no counter can have."""
        return self.number(value, on) if 0 <= value <= MAX_VALUE else f"{self.prefix}{value}{self.suffix}"

    def highest_value(self, max_length: int) -> int:
        """The highest value whose number has at most ``max_length`` characters; 0 if none fits."""
        digits = max_length - len(dated(self.prefix, None)) - len(dated(self.suffix, None))
        if digits < self.width:
            return 0
        # No value has more than 19 digits, so a huge limit builds no huge power of ten.
        return min(int("9" * min(digits, 19)), MAX_VALUE)

    def value_of(self, number: str) -> int | None:
        """The value whose number this is; None if it is no number of this format. The inverse of `number`."""
        start, end = len(dated(self.prefix, None)), len(number) - len(dated(self.suffix, None))
        before, digits, after = number[:start], number[start : max(start, end)], number[max(start, end) :]
        if re.fullmatch(counter_pattern(self.width), digits) is None or not self._is_around(before, after):
            return None
        value = int(digits)
        return value if value <= MAX_VALUE else None

    def _is_around(self, before: str, after: str) -> bool:
        """Whether these texts may surround the counter: with digits in place of all tokens, or with hyphens."""
        if (before, after) == (dated(self.prefix, None), dated(self.suffix, None)):
            return True
        pattern = re.escape(self.prefix) + "\0" + re.escape(self.suffix)
        for token, width in DOCUMENT_TOKENS.items():
            pattern = pattern.replace(re.escape(token), f"[0-9]{{{width}}}")
        return re.fullmatch(pattern, f"{before}\0{after}") is not None


def dated(text: str, on: date | None) -> str:
    """A prefix or suffix whose tokens of the document's date are filled in with digits, or hyphens without a date."""
    if "{doc_" not in text:
        return text
    shown = ("----", "--", "--") if on is None else (f"{on.year:04}", f"{on.month:02}", f"{on.day:02}")
    for token, digits in zip(DOCUMENT_TOKENS, shown, strict=True):
        text = text.replace(token, digits)
    return text


def counter_pattern(width: int) -> str:
    """A regular expression for the digits of a value."""
    # A counter longer than its width has no leading zero, and none has more digits than MAX_VALUE. ASCII digits only.
    return f"[0-9]{{{width}}}|[1-9][0-9]{{{width},18}}"
