"""A number template, checked once and compiled for each period into prefix, width and suffix.

    R{fy_start}/{fy_end}-{counter:04}    a template, of a series
    R2022/2023- · 4 · (nothing)          its format, of the period 2022-04-01 to 2023-03-31
    R2022/2023-0001                      the number of value 1

Every date token renders as digits of a fixed width, and the rest of the text is the same in every period. So all
prefixes of a template are equally long, and so are its suffixes; what lies between them is the counter, even if it has
outgrown its width. Two periods could repeat a number only if all their date tokens agreed, and `parse_template` refuses
a template whose tokens don't distinguish the periods of its calendar.

The tokens of the document's own date stay in the format, and each number fills them in:

    BILL/{year}/{doc_month}/{counter:04}    a template, of a series
    BILL/2026/{doc_month}/ · 4 · (nothing)  its format, of the period 2026
    BILL/2026/11/0042, BILL/2026/--/0043    the number of value 42, and of value 43, which has no document

They don't distinguish periods, so other tokens must. A number without a document has hyphens there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from string import Formatter

from ledger.calendars import Calendar, CalendarKind, FiscalStart, Span, fiscal_year, quarter
from ledger.errors import InvalidDate, InvalidTemplate
from ledger.formats import DOCUMENT_TOKENS, NumberFormat, counter_pattern
from ledger.texts import flaw

#: The longest text of a template, in characters.
MAX_TEMPLATE_LENGTH = 200

#: The longest label of a period, in characters.
LONGEST_LABEL = 20

#: A good template for each calendar, shown in errors.
examples: dict[CalendarKind, str] = {
    CalendarKind.NEVER: "TKT-{counter:06}",
    CalendarKind.YEAR: "INV-{year}-{counter:06}",
    CalendarKind.FISCAL_YEAR: "R{fy_start}/{fy_end}-{counter:04}",
    CalendarKind.QUARTER: "INV-{year}-Q{quarter}-{counter:05}",
    CalendarKind.MONTH: "INV-{year}{month}-{counter:05}",
    CalendarKind.DAY: "INV-{year}{month}{day}-{counter:04}",
    CalendarKind.EXPLICIT: "INV-{year}{month}{day}-{counter:04}",
}

# Which date tokens a template may have, since they stay the same throughout a period, and which ones it needs, to
# distinguish two periods. A fiscal year holds each quarter and each day once, so its tokens serve as a year.
_UNITS: Mapping[CalendarKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    CalendarKind.NEVER: ((), ()),
    CalendarKind.YEAR: (("year",), ("year",)),
    CalendarKind.FISCAL_YEAR: (("year",), ("year",)),
    CalendarKind.QUARTER: (("year", "quarter"), ("year", "quarter")),
    CalendarKind.MONTH: (("year", "quarter", "month"), ("year", "month")),
    CalendarKind.DAY: (("year", "quarter", "month", "day"), ("year", "month", "day")),
    # Any date token or a label will do: its periods are rows, which the database compares.
    CalendarKind.EXPLICIT: (("year", "quarter", "month", "day", "label"), ()),
}

#: The token of the label that explicit periods may have.
LABEL = "{label}"

_COUNTER_SPEC = re.compile(r"0([1-9]|1[0-8])")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a template, which becomes ``width`` digits, or the label that an explicit period is opened with.

    ``unit`` is what it tells: "year", "quarter", "month" or "day" of a period's first day, its "label"; or "document",
    whose date stays in the format of a period, and each number fills it in.
    """

    text: str
    unit: str
    width: int
    value: Callable[[date, FiscalStart], int] | None = None

    def render(self, starts_on: date, fiscal_start: FiscalStart, label: str | None) -> str:
        """Its text in the period that starts on that day; `InvalidDate` if its year has five digits."""
        if self.value is None:
            return (label or "") if self.unit == "label" else self.text
        value = self.value(starts_on, fiscal_start)
        if value > date.max.year:
            raise InvalidDate(
                f"The fiscal year that starts in {date.max.year} has no {self.text}.",
                rule="A year in a number lies between 0 and 9999, so that it always has four digits.",
                remedy="Use an earlier date, such as 2026-04-01.",
            )
        return f"{value % 10**self.width:0{self.width}}"


#: The tokens by name and format.
TOKENS: Mapping[tuple[str, str], Token] = {
    ("year", ""): Token("{year}", "year", 4, lambda on, _: on.year),
    ("year", "2"): Token("{year:2}", "year", 2, lambda on, _: on.year),
    ("fy_start", ""): Token("{fy_start}", "year", 4, lambda on, start: fiscal_year(on, start)[0]),
    ("fy_start", "2"): Token("{fy_start:2}", "year", 2, lambda on, start: fiscal_year(on, start)[0]),
    ("fy_end", ""): Token("{fy_end}", "year", 4, lambda on, start: fiscal_year(on, start)[1]),
    ("fy_end", "2"): Token("{fy_end:2}", "year", 2, lambda on, start: fiscal_year(on, start)[1]),
    ("quarter", ""): Token("{quarter}", "quarter", 1, quarter),
    ("month", ""): Token("{month}", "month", 2, lambda on, _: on.month),
    ("day", ""): Token("{day}", "day", 2, lambda on, _: on.day),
    ("label", ""): Token(LABEL, "label", 1),
    **{(text[1:-1], ""): Token(text, "document", width) for text, width in DOCUMENT_TOKENS.items()},
}

# Literal text, or a token whose text depends on the period or on the document.
_Part = str | Token


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template of one series, made by `parse_template`."""

    text: str
    calendar: Calendar
    before: tuple[_Part, ...]
    width: int
    after: tuple[_Part, ...]

    @property
    def has_label(self) -> bool:
        """Whether each of its periods is opened with a label."""
        return any(isinstance(part, Token) and part.unit == "label" for part in (*self.before, *self.after))

    def compile(self, span: Span, label: str | None = None) -> NumberFormat:
        """The format of the numbers of a period; its date tokens are those of the day on which it starts.

        Raises `InvalidDate` for a fiscal year that ends in the year 10000, and `InvalidTemplate` if a label is missing,
        not allowed, or has no token.
        """
        self._check_label(label)

        def render(parts: tuple[_Part, ...]) -> str:
            period = (span.starts_on, self.calendar.fiscal_start, label)
            return "".join(part if isinstance(part, str) else part.render(*period) for part in parts)

        return NumberFormat(prefix=render(self.before), width=self.width, suffix=render(self.after))

    def _check_label(self, label: str | None) -> None:
        problem = remedy = ""
        if self.has_label and not label:
            problem, remedy = "was opened without one", "Open it with a label: open_period(…, label='2082/83')."
        elif label and not self.has_label:
            problem, remedy = f"has no place for {label!r}", f"Leave the label out, or write {LABEL} into the template."
        elif label and ("{" in label or "}" in label or len(label) > LONGEST_LABEL):
            problem, remedy = f"can't have {label!r}", f"Choose up to {LONGEST_LABEL} characters without braces."
        elif label and (found := flaw(label, longest=LONGEST_LABEL)):
            problem, remedy = f"can't have {label!a}, which {found.problem}", found.remedy
        if problem:
            raise InvalidTemplate(
                f"A period of the template {self.text!r} {problem}.",
                rule=f"{LABEL} is filled in with the label of its own that each explicit period is opened with.",
                remedy=remedy,
            )

    def pattern(self, *, padded: bool = True) -> re.Pattern[str]:
        """Matches any complete number of any period; the group ``counter`` has the digits of its value.

        ``padded``: with the zeros that the series writes; otherwise with any or none.
        """

        def pattern_of(parts: tuple[_Part, ...]) -> str:
            return "".join(
                re.escape(p) if isinstance(p, str) else ".+?" if p.unit == "label" else f"[0-9]{{{p.width}}}"
                for p in parts
            )

        counter = f"(?P<counter>{counter_pattern(self.width) if padded else '[0-9]+'})"
        # \A and \Z, so that search() can't find a number inside a longer one either.
        return re.compile(rf"\A{pattern_of(self.before)}{counter}{pattern_of(self.after)}\Z")


def parse_template(text: str, calendar: Calendar, *, max_length: int = 60, series: str, tenant: str) -> Template:
    """Check the template of a series and take it apart.

    ``max_length`` is the longest number in characters; ``series`` and ``tenant`` are the texts of those two tokens.
    Two-digit years count as distinct: they repeat after 100 years, and then the database refuses the period.

    Raises `InvalidTemplate` with the reason and an example if the text is unreadable or has hidden characters, has no
    counter or two, is too long, or if two periods of the calendar could render the same number.
    """
    parser = _Parser(text, calendar.kind, {"series": series, "tenant": tenant})
    parts, width = parser.parts()
    counter_at = parts.index(None)
    before = tuple(part for part in parts[:counter_at] if part is not None)
    after = tuple(part for part in parts[counter_at + 1 :] if part is not None)
    parser.check_text(before, width, after, max_length)
    parser.check_tokens((before, after))
    parser.check_periods([part for part in before + after if isinstance(part, Token) and part.unit != "document"])
    return Template(text=text, calendar=calendar, before=before, width=width, after=after)


@dataclass(frozen=True, slots=True)
class _Parser:
    """Reads one template; all its methods refuse with the same kind of message."""

    text: str
    kind: CalendarKind
    constants: Mapping[str, str]

    def parts(self) -> tuple[list[_Part | None], int]:
        """The parts in their order, None for the counter, and the counter's width."""
        parts: list[_Part | None] = []
        widths: list[int] = []
        for literal, name, spec, conversion in self._fields():
            if literal:
                parts.append(literal)
            if name is None:
                continue
            if name == "counter" and not conversion:
                widths.append(self._counter_width(spec or ""))
                parts.append(None)
            else:
                parts.append(self._token(name, spec or "", conversion))
        if len(widths) != 1:
            raise self._refusal(
                "has no {counter}" if not widths else f"has {len(widths)} counters",
                "A template has one {counter}, which tells the numbers of a period apart.",
            )
        return parts, widths[0]

    def check_text(self, before: tuple[_Part, ...], width: int, after: tuple[_Part, ...], max_length: int) -> None:
        """Refuse numbers that can't be a key, or are longer than the series allows."""
        parts = (*before, "0" * width, *after)
        sample = "".join(part if isinstance(part, str) else "0" * part.width for part in parts)
        if found := flaw(sample, longest=len(sample)):
            raise self._refusal(
                f"renders a number that {found.problem}",
                "A number has no hidden characters, no white space but ordinary spaces (U+0020) between others, and is "
                "in Unicode's normal form NFC.",
                found.remedy,
            )
        if len(sample) > max_length:
            raise self._refusal(
                f"renders numbers of {len(sample)} characters",
                f"A number of this series has at most {max_length} characters.",
            )

    def check_tokens(self, affixes: tuple[tuple[_Part, ...], ...]) -> None:
        """Refuse text that only looks like a token of the document's date, since it would be filled in too."""
        for token in DOCUMENT_TOKENS:
            meant = sum(isinstance(part, Token) and part.text == token for parts in affixes for part in parts)
            # Another token can't become part of one: it renders digits, or a label without braces.
            texts = ["".join(_shown(part) for part in parts) for parts in affixes]
            if sum(text.count(token) for text in texts) != meant:
                raise self._refusal(
                    f"renders the text {token}, which is a token of the document's date",
                    "That text is filled in for each document, even if it comes from the series, the tenant, or "
                    "doubled braces.",
                )

    def check_periods(self, tokens: list[Token]) -> None:
        """Refuse tokens that change within a period, and a template that can't distinguish two periods."""
        allowed, required = _UNITS[self.kind]
        for token in tokens:
            if token.unit == "label" and self.kind is not CalendarKind.EXPLICIT:
                raise self._refusal(
                    f"has {LABEL}, which no period of the calendar '{self.kind}' has",
                    "Only explicit periods are opened with a label of their own.",
                )
            if self.kind is CalendarKind.NEVER:
                raise self._refusal(
                    f"has {token.text}, but its counter never starts anew",
                    "The calendar 'never' has one period, so a date in its numbers would never change. The tokens "
                    f"{', '.join(DOCUMENT_TOKENS)} are those of the document's own date.",
                )
            if token.unit not in allowed:
                raise self._refusal(
                    f"has {token.text}, which is finer than the calendar '{self.kind}'",
                    f"A date token is that of a period's first day, so {token.text} would never change in it. The "
                    f"tokens {', '.join(DOCUMENT_TOKENS)} are those of the document's own date.",
                )
        present = {token.unit for token in tokens}
        missing = [unit for unit in required if unit not in present]
        if self.kind is CalendarKind.EXPLICIT and not tokens:
            missing = ["date or label"]
        if missing:
            raise self._refusal(
                f"has no {' and no '.join(missing)}, so two periods would render the same number",
                f"The counter starts anew with each period ('{self.kind}'), so a number must name it.",
            )

    def _fields(self) -> list[tuple[str, str | None, str | None, str | None]]:
        if not self.text.strip():
            raise self._refusal("is empty", "A template has one {counter}, and text around it.")
        if len(self.text) > MAX_TEMPLATE_LENGTH:
            raise self._refusal(
                f"has {len(self.text)} characters", f"A template has at most {MAX_TEMPLATE_LENGTH} characters."
            )
        try:
            return list(Formatter().parse(self.text))
        except ValueError as error:
            raise self._refusal(
                f"has an unbalanced brace ({error})",
                "Each token stands in one pair of braces; a brace meant as text is doubled: {{ or }}.",
            ) from error

    def _counter_width(self, spec: str) -> int:
        if not spec:
            return 1
        found = _COUNTER_SPEC.fullmatch(spec)
        if found is None:
            raise self._refusal(
                f"has the unknown format {{counter:{spec}}}",
                "A counter is written {counter}, or with its width in digits {counter:01} to {counter:018}.",
            )
        return int(found[1])

    def _token(self, name: str, spec: str, conversion: str | None) -> _Part:
        if conversion:
            raise self._refusal(f"has the conversion !{conversion}", "A token has no conversion such as !r.")
        if "." in name or "[" in name:
            raise self._refusal(f"reaches into {{{name}}}", "A token is a plain name, without attributes or indexes.")
        if name in self.constants and not spec:
            return self.constants[name]
        if (token := TOKENS.get((name, spec))) is not None:
            return token
        if name in self.constants or (name, "") in TOKENS:
            raise self._refusal(
                f"has the unknown format {{{name}:{spec}}}",
                "Only the counter and years have a format: {counter:06}, {year:2}, {fy_start:2}, {fy_end:2}.",
            )
        names = ("counter", *(name for name, spec in TOKENS if not spec), *self.constants)
        known = ", ".join(f"{{{name}}}" for name in names)
        raise self._refusal(f"has the unknown token {{{name}}}", f"The tokens are {known}.")

    def _refusal(self, what: str, rule: str, remedy: str = "") -> InvalidTemplate:
        shown = self.text if len(self.text) <= MAX_TEMPLATE_LENGTH else self.text[:40] + "…"
        visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in what)
        return InvalidTemplate(
            f"The template {shown!r} {visible}.",
            rule=rule,
            remedy=remedy or f"For the calendar '{self.kind}' write it like {examples[self.kind]} instead.",
        )


def _shown(part: _Part) -> str:
    """The text of a part in the format of a period, with a digit for what the period tells."""
    return part if isinstance(part, str) else part.text if part.unit == "document" else "0"
