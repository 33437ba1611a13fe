"""Brazil, NF-e and NFC-e: the request to void a range of numbers (inutilização), XML of schema inutNFe 4.00.

One document for each range of at most 10,000 missing numbers that was not declared before. Folio does not sign it: a
hook gets the bytes and returns them signed.
"""

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from ledger.errors import DeclarationError
from ledger.gaps import GapRange, undeclared
from ledger.host_functions import find_hook
from ledger.intervals import Span, pieces
from ledger.models import Entry, GapDeclared, Period, Series
from ledger.reports.official import Document, Format, nfe_xml
from ledger.reports.official.nfe_xml import Request
from ledger.series import find_series
from ledger.zones import today_in

#: How many numbers one request may void.
LONGEST = 10_000


class NFe(Format):
    """The requests for one series."""

    name = "nfe"
    title = "Brazil: NF-e inutilização, XML for each range of missing numbers"
    authority = "BR NF-e"
    several = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--series", required=True, metavar="CODE", help="The series, such as nfe-1.")
        parser.add_argument("--cnpj", required=True, help="The sender's: 14 characters, without punctuation.")
        parser.add_argument("--state", required=True, metavar="CODE", help="The state by its IBGE number, such as 35.")
        parser.add_argument("--model", default="55", choices=nfe_xml.MODELS, help="55 NF-e (default), 65 NFC-e.")
        parser.add_argument("--serie", required=True, help="The serie of the documents, 0 to 999.")
        parser.add_argument("--justification", required=True, help="Why the numbers are missing: 15 to 255 characters.")
        parser.add_argument("--year", help="Two digits; by default this year's.")
        parser.add_argument(
            "--environment", default="1", choices=nfe_xml.ENVIRONMENTS, help="1 production (default), 2 test."
        )
        parser.add_argument("--range", metavar="FIRST-LAST", help="Only these values, such as 120-125, or 120.")
        parser.add_argument(
            "--sign", metavar="MODULE:FUNCTION", help="Gets the XML as bytes and returns it signed; must be importable."
        )

    def documents(self, *, tenant: str, options: Mapping[str, Any], using: str) -> list[Document]:
        series = find_series(using, tenant, options["series"])
        if series is None:
            raise DeclarationError(
                f"Tenant {tenant!r} has no series {options['series']!r}.",
                rule="Numbers of one series are declared at a time.",
                remedy="Correct --series; manage.py ledger_series list shows all.",
            )
        year = options["year"] or f"{today_in(series.time_zone, using):%y}"
        sign = find_hook(options["sign"], "--sign", DeclarationError) if options["sign"] else None
        made = []
        given = {name: options[name] for name in ("environment", "state", "cnpj", "model", "serie", "justification")}
        for gap in _gaps(series, _span(options["range"]), self.authority, using):
            request = Request(**given, year=year, first=gap.first, last=gap.last)
            content = nfe_xml.write(request)
            if sign is not None:
                content = nfe_xml.checked(sign(content), content)
            told = f"{gap}: {gap.count:,} numbers of {gap.period.label}{'' if sign else ', to be signed'}"
            made.append(Document(f"{request.id}.xml", content, (gap,), told))
        return made

    def justification(self, options: Mapping[str, Any]) -> str:
        return str(options["justification"])

    def check_handed_in(self, documents: Sequence[Document], options: Mapping[str, Any]) -> None:
        if options["environment"] != "1":
            raise DeclarationError(
                f"The environment {options['environment']} is the authority's test environment.",
                rule="What was handed in for a test declares nothing.",
                remedy="Leave --handed-in out, or hand it in with --environment 1.",
            )
        if len(documents) > 1:
            raise DeclarationError(
                f"{len(documents)} ranges can't have been handed in under one protocol.",
                rule="Each request gets a protocol of its own.",
                remedy="Name the range that it was given for, such as --range "
                + f"{documents[0].gaps[0].first}-{documents[0].gaps[0].last}.",
            )


def _gaps(series: Series, wanted: Span | None, authority: str, using: str) -> Iterator[GapRange]:
    periods = Period.objects.using(using).filter(tenant=series.tenant, series=series).order_by("starts_on")
    missing = [gap for period in periods for gap in undeclared(period, authority, using=using)]
    for gap in missing if wanted is None else [_inside(missing, wanted, periods, authority, using)]:
        for first, last in pieces([(gap.first, gap.last)], LONGEST):
            yield GapRange(gap.period, first, last)


def _inside(
    missing: Iterable[GapRange], wanted: Span, periods: QuerySet[Period], authority: str, using: str
) -> GapRange:
    first, last = wanted
    if last - first + 1 > LONGEST:
        raise DeclarationError(
            f"The values {first} to {last} are {last - first + 1:,}.",
            rule=f"One request voids at most {LONGEST:,} numbers.",
            remedy="Ask for them in several ranges, or leave --range out: Folio cuts what is missing into such pieces.",
        )
    whole = [GapRange(gap.period, first, last) for gap in missing if gap.first <= first and last <= gap.last]
    if len(whole) == 1:
        return whole[0]
    if whole:
        raise DeclarationError(
            f"The values {first} to {last} are missing in {' and in '.join(gap.period.label for gap in whole)}.",
            rule="An NF-e series has one counter, whose values never come again.",
            remedy="Give each period an NF-e serie of its own; such a series can't be declared by --range.",
        )
    raise _why_not(wanted, periods, authority, using)


def _why_not(wanted: Span, periods: QuerySet[Period], authority: str, using: str) -> DeclarationError:
    """Why these values can't be declared."""
    first, last = wanted
    used = Entry.objects.using(using).filter(period__in=periods, value__range=wanted).exclude(kind="gap")
    entry = used.order_by("value").first()
    before = GapDeclared.objects.using(using).filter(
        period__in=periods, authority=authority, first_value__lte=last, last_value__gte=first
    )
    event = before.order_by("first_value").first()
    if entry is not None:
        what = f"the number {entry.number} is used"
        remedy = "Leave it out. A document that is not valid any more is cancelled, and not declared missing."
    elif event is not None:
        what = f"{event.first_value} to {event.last_value} were declared before, by {event.reference}"
        remedy = "Leave them out."
    else:
        what = "not all of them are known to be missing"
        remedy = "See manage.py ledger_gaps; manage.py ledger_gaps sweep flags what no checkout holds."
    return DeclarationError(
        f"The values {first} to {last} can't be declared: {what}.",
        rule="A number is declared once, if no document has it.",
        remedy=remedy,
    )


def _span(text: str | None) -> Span | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise DeclarationError(
            f"The range {text!r} can't be read.",
            rule="A range is its first and last value, the first one lower.",
            remedy="Write it like 120-125, or 120.",
        )
    return first, last


FORMAT = NFe()
