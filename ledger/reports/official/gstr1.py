"""India, GSTR-1 table 13, documents issued: JSON as API v4.0 takes it.

A month's documents of each type, in rows of consecutive numbers: a row ends where the serial breaks. A void number
counts as issued and as cancelled. A missing number isn't counted. It ends the row, and so is declared.
"""

import json
import re
from argparse import ArgumentParser
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.cursors import fetch, stream
from ledger.errors import DeclarationError
from ledger.formats import NumberFormat
from ledger.gaps import GapRange
from ledger.gaps.flagged import declared_spans
from ledger.intervals import Span, without
from ledger.models import Period, Series
from ledger.reports.official import Document, Format
from ledger.rules import find_rules
from ledger.zones import today_in

#: The twelve kinds of documents that the table knows, by their number.
DOCUMENT_TYPES = {
    1: "invoices for outward supply",
    2: "invoices for inward supply from unregistered person",
    3: "revised invoice",
    4: "debit note",
    5: "credit note",
    6: "receipt voucher",
    7: "payment voucher",
    8: "refund voucher",
    9: "delivery challan for job work",
    10: "delivery challan for supply on approval",
    11: "delivery challan in case of liquid gas",
    12: "delivery challan in other cases",
}

# Arguments of both: tenant, series (id), first and last day of the month.
# The documents dated in the month, in the order of their values.
_ISSUED = """
    SELECT e.period_id, p.prefix, p.width, p.suffix, e.value, e.number,
           EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
      AND p.starts_on <= %(last)s AND p.ends_on >= %(first)s
      AND e.issued_on BETWEEN %(first)s AND %(last)s AND e.kind IN ('issued', 'adopted')
    ORDER BY p.starts_on, e.value
"""

# The missing numbers that belong to the month: those whose next document is dated in it; after the last document of a
# period, those that are dated so themselves.
_GAPS = """
    SELECT g.period_id, g.first_value, g.last_value
    FROM (
        SELECT e.period_id, e.value AS first_value, e.value AS last_value, e.issued_on
        FROM ledger_period p
        JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id AND e.kind = 'gap'
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
        UNION ALL
        SELECT a.period_id, a.first_value, a.last_value, NULL
        FROM ledger_period p
        JOIN ledger_adoptedgap a ON a.tenant = p.tenant AND a.period_id = p.id
        WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
    ) g
    LEFT JOIN LATERAL (
        SELECT e.issued_on FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = g.period_id AND e.value > g.last_value
          AND e.kind IN ('issued', 'adopted')
        ORDER BY e.value LIMIT 1
    ) follows ON true
    WHERE coalesce(follows.issued_on, g.issued_on) BETWEEN %(first)s AND %(last)s
    ORDER BY g.period_id, g.first_value
"""


_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def gstin_check(gstin: str) -> str:
    """The check character of a GSTIN, by its first 14: each counts once or twice in turn, modulo 36."""
    total = 0
    for place, character in enumerate(gstin[:14]):
        product = _BASE_36.index(character) * (place % 2 + 1)
        total += product // 36 + product % 36
    return _BASE_36[-total % 36]


def is_gstin(text: str) -> bool:
    """Whether a text has the shape of a GSTIN, and its check character."""
    return re.fullmatch(r"[0-9]{2}[0-9A-Z]{13}", text) is not None and gstin_check(text) == text[14]


@dataclass(frozen=True, slots=True)
class Issued:
    """One document as the table counts it. ``run`` is what the numbers of one run share: see ``run_of``."""

    run: tuple[int, str, str]
    value: int
    number: str
    void: bool


@dataclass(slots=True)
class Row:
    """A run of numbers without a break: first and last number as texts, how many, and how many of them are void."""

    first: str
    last: str
    total: int
    cancelled: int

    def as_dict(self, num: int) -> dict[str, Any]:
        """As the table has it; ``num`` counts the rows of a document type from 1."""
        counts = {"totnum": self.total, "cancel": self.cancelled, "net_issue": self.total - self.cancelled}
        return {"num": num, "from": self.first, "to": self.last, **counts}


def rows(documents: Iterable[Issued]) -> Iterator[Row]:
    """The rows of documents in the order of their values: a row ends where the next value doesn't follow."""
    row: Row | None = None
    before: Issued | None = None
    for document in documents:
        if row and before and document.run == before.run and document.value == before.value + 1:
            row.last = document.number
            row.total += 1
            row.cancelled += document.void
        else:
            if row:
                yield row
            row = Row(document.number, document.number, 1, int(document.void))
        before = document
    if row:
        yield row


def run_of(period: int, numbers: NumberFormat, value: int, number: str) -> tuple[int, str, str]:
    """What the numbers of one run share: their period, and the text around the counter.

    Adopted numbers may have other letters than the period (C536379 between 536378 and 536380). To a reader of the table
    those are no run, so the row ends there as well.
    """
    if numbers.value_of(number) == value:
        return period, numbers.prefix, numbers.suffix
    before, found, after = number.rpartition(str(value))
    return (period, before.rstrip("0"), after) if found else (period, number, "")


class Gstr1(Format):
    """The table of one GSTIN and month."""

    name = "gstr1"
    title = "India: GSTR-1 table 13, documents issued in a month, as JSON"
    authority = "IN GSTR-1"
    several = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", required=True, metavar="YYYY-MM", help="The month, such as 2026-04.")
        parser.add_argument("--gstin", required=True, help="Whose documents these are: 15 characters.")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            required=True,
            metavar="SERIES=TYPE",
            help="A series and its document type, such as invoice=1 or credit-note=5; may be repeated. Types: "
            + "; ".join(f"{number} {told}" for number, told in DOCUMENT_TYPES.items())
            + ".",
        )

        parser.add_argument(
            "--allow-serials",
            action="store_true",
            help="Write serials that rule 46(b) forbids all the same, with a warning; else they are refused.",
        )

    def documents(self, *, tenant: str, options: Mapping[str, Any], using: str) -> list[Document]:
        first, last = _month(options["month"])
        gstin = _gstin(options["gstin"])
        types = _types(options["map"])
        series = {one.code: one for one in Series.objects.using(using).filter(tenant=tenant, code__in=types)}
        unknown = sorted(set(types) - set(series))
        if unknown:
            raise DeclarationError(
                f"Tenant {tenant!r} has no series {', '.join(unknown)}.",
                rule="Each series of the table exists.",
                remedy="Correct --map; manage.py ledger_series list shows all.",
            )
        table: dict[int, list[dict[str, Any]]] = defaultdict(list)
        gaps: list[GapRange] = []
        warnings = list(_warnings(series.values(), tenant, last, using))
        for code in sorted(types, key=lambda code: (types[code], code)):
            wanted = {"tenant": tenant, "series": series[code].pk, "first": first, "last": last}
            of_type = table[types[code]]
            for row in rows(_forbidden(_issued(wanted, using), code, warnings, allowed=options["allow_serials"])):
                of_type.append(row.as_dict(len(of_type) + 1))
            gaps += _gaps(wanted, self.authority, using)
        content = {
            "gstin": gstin,
            "fp": f"{first:%m%Y}",
            "doc_issue": {"doc_det": [{"doc_num": number, "docs": docs} for number, docs in table.items() if docs]},
        }
        count = sum(doc["totnum"] for docs in table.values() for doc in docs)
        cancelled = sum(doc["cancel"] for docs in table.values() for doc in docs)
        return [
            Document(
                name=f"gstr1-doc-issue-{gstin}-{first:%m%Y}.json",
                content=(json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode(),
                gaps=tuple(gaps),
                told=f"{first:%Y-%m}: {count:,} documents, {cancelled:,} cancelled, in "
                f"{sum(map(len, table.values())):,} rows; {sum(gap.count for gap in gaps):,} missing numbers",
                warnings=tuple(warnings),
            )
        ]


def _month(text: str) -> tuple[date, date]:
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    if found is None or found[1] == "0000":
        raise DeclarationError(
            f"The month {text!r} can't be read.", rule="A month is YYYY-MM.", remedy="Write it like 2026-04."
        )
    year, month = int(found[1]), int(found[2])
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _gstin(text: str) -> str:
    if is_gstin(text):
        return text
    rule = "A GSTIN has 15 characters: two digits of the state, then digits and capital letters."
    remedy = "Write it like 27AAPFU0939F1ZV."
    if re.fullmatch(r"[0-9]{2}[0-9A-Z]{13}", text) is not None:
        rule = f"The last character of a GSTIN checks the others: here it would be {gstin_check(text)}."
        remedy = "Correct --gstin."
    raise DeclarationError(f"The GSTIN {text!r} can't be one.", rule=rule, remedy=remedy)


def _types(pairs: Iterable[str]) -> dict[str, int]:
    types: dict[str, int] = {}
    for pair in pairs:
        code, _, number = pair.rpartition("=")
        if not code or number not in map(str, DOCUMENT_TYPES) or code in types:
            raise DeclarationError(
                f"The mapping {pair!r} can't be read, or names a series twice.",
                rule="Each series has one document type, 1 to 12.",
                remedy="Write it like --map invoice=1 --map credit-note=5; --help tells the types.",
            )
        types[code] = int(number)
    return types


def _issued(wanted: dict[str, Any], using: str) -> Iterator[Issued]:
    # One snapshot, streamed, so that memory doesn't grow with the documents of a month.
    for period, prefix, width, suffix, value, number, void in stream(using, _ISSUED, wanted):
        yield Issued(run_of(period, NumberFormat(prefix, width, suffix), value, number), value, number, void)


def _gaps(wanted: dict[str, Any], authority: str, using: str) -> Iterator[GapRange]:
    """The missing numbers that break this month's rows, and were not declared before."""
    of_period: dict[int, list[Span]] = defaultdict(list)
    for period, first, last in fetch(using, _GAPS, wanted):
        of_period[period].append((first, last))
    periods = Period.objects.using(using).in_bulk(list(of_period))
    for pk, spans in of_period.items():
        declared = declared_spans(periods[pk], authority, using=using)
        yield from (GapRange(periods[pk], first, last) for first, last in without(spans, declared))


def _warnings(chosen: Iterable[Series], tenant: str, last: date, using: str) -> Iterator[str]:
    codes = {series.code for series in chosen}
    for series in chosen:
        if today_in(series.time_zone, using) <= last:
            yield f"The month is not over yet in {series.time_zone}: series {series.code} may still get numbers."
    others = Series.objects.using(using).filter(tenant=tenant, rules__regex="(^|,)IN(-quarterly)?(,|$)")
    others = others.exclude(code__in=codes)
    for code in others.order_by("code").values_list("code", flat=True):
        yield f"Series {code} has the rules of India, and is not in the table."


def _forbidden(numbers: Iterable[Issued], code: str, warnings: list[str], *, allowed: bool) -> Iterator[Issued]:
    """Pass the numbers on. At the end, refuse those that rule 46(b) forbids, or warn of them with --allow-serials.

    Raises DeclarationError.
    """
    rules = find_rules("IN")
    length, characters = rules.length, rules.characters
    assert length is not None
    assert characters is not None
    count, first = 0, ""
    for issued in numbers:
        if len(issued.number) > length.maximum or not characters.fit(issued.number):
            count, first = count + 1, first or issued.number
        yield issued
    if not count:
        return
    rule = f"A serial has at most {length.maximum} characters: {characters.told} ({length.source})."
    told = f"Series {code}: {count:,} serials, such as {first!r}, break rule 46(b)."
    if not allowed:
        raise DeclarationError(
            told,
            rule=rule,
            remedy="Give the series a template that keeps the rule (rules=IN checks it). To hand in these as they are: "
            "--allow-serials; the portal may refuse them.",
        )
    warnings.append(f"{told} {rule} The portal may refuse them.")


FORMAT = Gstr1()
