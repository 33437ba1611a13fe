"""Books in a file: compares the export of any accounting program with the ledger, as if it were a live system.

A file has the whole books, or all of them within a span of days. It is read in one transaction: if one row is bad,
nothing of it is kept.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import router, transaction

from ledger.calendars import day_after, zone
from ledger.conf import ledger_settings
from ledger.database_errors import translate_database_errors
from ledger.errors import InvalidDate, ReconciliationError
from ledger.kinds import Kind, RemoteInvoice, State
from ledger.models import RemoteReading
from ledger.reconciliation.books import BookSettings
from ledger.reconciliation.comparing import Compared, compare
from ledger.reconciliation.describing import Describe, describe_numbers
from ledger.reconciliation.findings import Finding, findings
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from ledger.spreadsheets import BadRow, Chosen, ChosenRows, Dates, Layout, UnreadableDate, open_table, text_of

#: Documents saved at a time.
_PAGE = 1_000

# How many bad rows an error names.
_EXAMPLES = 5

# Each file states its own span and kinds.
_POLICY = ReadPolicy(overlap=timedelta(0), full_every=timedelta.max)

_STATES = {"void": State.VOID, "valid": State.POSTED, "draft": State.DRAFT}


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a file had, and what differs. ``rows_read`` counts its rows, ``documents`` the documents in them, ``kinds``
    these by kind, if the layout has kinds.

    ``left_out`` counts rows by the rule that left them out, ``statuses`` the values of the void column, each with its
    meaning. ``described`` is false if there were so many amounts to compare that the next run must continue to ask for
    them. ``findings`` are those that are open afterwards.
    """

    source: str
    digest: str
    rows_read: int
    documents: int
    kinds: Mapping[str, int]
    left_out: Mapping[str, int]
    statuses: tuple[tuple[str, str, int], ...]
    described: bool
    compared: Compared
    findings: tuple[Finding, ...]
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "findings": [finding.as_dict() for finding in self.findings]}


def reconcile_file(
    path: Path | str,
    books: BookSettings,
    layout: Layout,
    *,
    complete: tuple[date, date] | None = None,
    as_of: date | datetime | None = None,
    describe: Describe | None = None,
    on_bad_row: Callable[[BadRow], None] | None = None,
    dry_run: bool = False,
    using: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> FileRead:
    """Read a file as the books, and compare them; a document that the file doesn't have is gone there.

    ``complete`` are the first and the last day between which the file has everything; None: it has everything.
    ``as_of`` is when the file was exported, or the day at whose end; by default the last day of ``complete``, or now.
    What was issued later can't be missing in it. ``describe`` returns the amount and the customer of a number, which
    are compared if the file has them; by default LEDGER["DESCRIBE"] does.

    The layout's document column is the reference to our document. Without a column of the program's own keys the number
    is the key: rows that repeat it with the same date are one document, and a renumbered document is another. If the
    layout says which kinds the file has, a series is compared only with documents of its kind, or not at all. A
    ``dry_run`` returns all of it, and writes nothing.

    Raises ReconciliationError if rows are bad (``on_bad_row`` is called with each), values of the void column aren't
    classified, or a file that should have everything has no document; TableError if it is no table; NotGranted for a
    role without the workers' rights.
    """
    alias = using or router.db_for_write(RemoteReading)
    here = zone(ledger_settings().time_zone)
    since = None if complete is None else datetime.combine(complete[0], time.min, here)
    books = _exported(books, complete, as_of)
    ours = translate_database_errors(books.system, wanted="comparing books needs")
    with open_table(path, layout) as table, ours, transaction.atomic(using=alias):
        reader = _Reader(ChosenRows(table, table.completed(layout), drafts=True), complete)
        books = replace(books, reads=reader.rows.kinds.read)
        reading = begin(books, _POLICY, since=since, full=complete is None, using=alias)
        page: list[RemoteInvoice] = []
        for document in reader.documents(on_bad_row or (lambda row: None)):
            page.append(document)
            if len(page) == _PAGE:
                reading = save_page(books, reading, page, next_cursor=str(reader.count), using=alias) or reading
                page = []
        reader.refuse(whole=complete is None)
        save_page(books, replace(reading, within=complete), page, next_cursor=None, using=alias)
        describe = describe or ledger_settings().describe
        described = describe is None or describe_numbers(books, describe, using=alias)
        compared = compare(books, using=alias, progress=progress)
        result = FileRead(
            source=table.name,
            digest=table.source.sha256(),
            rows_read=reader.rows.read,
            documents=reader.count,
            kinds=dict(reader.kinds),
            left_out=dict(reader.rows.left_out),
            statuses=reader.rows.statuses.told(),
            described=described,
            compared=compared,
            findings=tuple(findings(tenant=books.tenant, system=books.system, using=alias)),
            dry_run=dry_run,
        )
        if dry_run:
            transaction.set_rollback(True, using=alias)
    return result


def _exported(books: BookSettings, complete: tuple[date, date] | None, as_of: date | datetime | None) -> BookSettings:
    """The books with a grace, so that nothing issued after the export is missing in the file."""
    last = as_of or (complete[1] if complete else None)
    if last is None:
        return books
    if not 1900 <= last.year < 3000:
        raise InvalidDate(
            f"The file can't have been exported on {last}.",
            rule="The dates of books lie in the years 1900 to 2999.",
            remedy="Correct --as-of, or --from and --to.",
        )
    here = zone(ledger_settings().time_zone)
    ended = last if isinstance(last, datetime) else datetime.combine(day_after(last), time.min, here)
    return replace(books, grace=max(books.grace, datetime.now(UTC) - ended))


class _Reader:
    """Makes documents of the rows of a file; rows that repeat what is said of a number are one document."""

    def __init__(self, rows: ChosenRows, complete: tuple[date, date] | None) -> None:
        self.rows = rows
        self.count = 0
        self.kinds: Counter[str] = Counter()
        self.bad: list[BadRow] = []
        self.problems = 0
        self._complete = complete
        self._dates = Dates(rows.layout)
        self._zone = zone(ledger_settings().time_zone)
        # What has been read of each number so far.
        self._seen: dict[str, list[tuple[date, str, str]]] = {}

    def documents(self, on_bad_row: Callable[[BadRow], None]) -> Iterator[RemoteInvoice]:
        """The documents of all rows that count; bad rows are reported, and remembered."""
        for row in self.rows:
            problem, document = row.problem, None
            try:
                document = self._document(row) if problem is None else None
            except UnreadableDate as error:
                problem = f"column {self.rows.layout.date_column!r}: {error}"
            except ValueError as error:
                problem = str(error)
            if problem is not None:
                bad = BadRow(row.row, problem, self.rows.table.place(row.row))
                on_bad_row(bad)
                self.problems += 1
                self.bad += [bad] if len(self.bad) < _EXAMPLES else []
            elif document is not None:
                self.count += 1
                self.kinds.update([document.kind] if document.kind else [])
                yield document

    def refuse(self, *, whole: bool) -> None:
        """Raise ReconciliationError where the file can't be taken as the books."""
        table = self.rows.table
        problem = self.rows.unclassified()
        remedy = "Name them: --void-values, --valid-values, --draft-values; '*' is any other text."
        if self.problems:
            told = "; ".join(str(row) for row in self.bad)
            problem = f"{table} has {self.problems} bad rows: {told}{'; …' if self.problems > len(self.bad) else ''}."
            remedy = "Correct these rows, or the options that say how to read them, and read it again."
        elif not problem and whole and not self.count:
            problem = f"{table} has no document: by it, everything would be gone."
            remedy = "See whether it is the right file, and which rows --where and --skip leave out; or name the span."
        if problem:
            raise ReconciliationError(problem, rule="A file is read as a whole or not at all.", remedy=remedy)

    def _document(self, row: Chosen) -> RemoteInvoice | None:
        """The document of a row; None if the row has none, or an earlier row had the same."""
        rows = self.rows
        key = "" if rows.id is None else text_of(row.cells[rows.id])
        # Not stripped: a number with a trailing space is another number.
        cell = row.cells[rows.number]
        number = cell.lstrip(" ") if isinstance(cell, str) else text_of(cell)
        if not number.strip():
            if row.status != "draft":
                raise ValueError(f"column {rows.layout.number_column!r}: it has no number")
            if not key:
                return None
        _, day = self._dates.moment(row.cells[rows.date], self._zone)
        if self._complete is not None and not self._complete[0] <= day <= self._complete[1]:
            rows.left_out["not within the days that are complete"] += 1
            return None
        state = _STATES.get(row.status, State.POSTED)
        reference = "" if rows.document is None else text_of(row.cells[rows.document])
        silent = rows.void is not None and not text_of(row.cells[rows.void])
        # A document of another kind is another document, even with the same number and key.
        apart = "" if row.kind in ("", Kind.INVOICE) else f"{row.kind}:"
        known = self._seen.setdefault(apart + (key or number.upper()), [])
        if any(
            day == earlier and (silent or state == said) and reference in ("", other) for earlier, said, other in known
        ):
            return None
        if key and known:
            raise ValueError(f"column {rows.layout.id_column!r}: {key!r} came before, with another date or status")
        known.append((day, state, reference))
        total = None if rows.total is None else _amount(row.cells[rows.total], comma=rows.layout.decimal_comma)
        again = f" #{len(known)}" if len(known) > 1 else ""
        its_key = apart + (key or f"{number}{again}")
        customer = "" if rows.customer is None else text_of(row.cells[rows.customer])
        return RemoteInvoice(its_key, number, state, day, reference, None, total, customer=customer, kind=row.kind)


def _amount(cell: Any, *, comma: bool) -> Decimal | None:
    """An amount as a person writes it, without its currency; None if the cell is empty. Raises ValueError."""
    text = "".join(one for one in text_of(cell) if one in "0123456789.,-")
    text = text.replace(".", "").replace(",", ".") if comma and isinstance(cell, str) else text.replace(",", "")
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        raise ValueError(f"the amount {text_of(cell)[:40]!r} can't be read") from None
