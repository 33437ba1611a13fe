"""Takes over the numbers of a previous system: a whole table in one transaction, or none of it.

The table is copied into a staging table, where SQL finds its faults. Then each row becomes a ``NumberAdopted``, the
counters jump to the highest values, and the holes between them are kept as ranges.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import refusals
from ledger.adoption import sql
from ledger.adoption.rows import RowReader
from ledger.calendars import day_after, zone
from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.databases import expect
from ledger.errors import AdoptionError, LedgerError
from ledger.homes import database_for
from ledger.keys import actor_name, reason_text, tenant_key
from ledger.kinds import kind_of
from ledger.models import Adoption, Period, Series
from ledger.periods import find_period, open_period
from ledger.rules import rules_text
from ledger.series import check_code, define_series, find_series, make_default_series
from ledger.spreadsheets import BadRow, Layout, Table, open_table
from ledger.zones import timestamp_in

__all__ = ["VOID_REASON", "AdoptedPeriod", "AdoptedRun", "AdoptionResult", "BadRow", "Layout", "Progress", "adopt"]

#: The default reason for numbers that the previous system had voided.
VOID_REASON = "void in the previous system"

# Rows between two reports of progress; how many bad rows an error names.
_TELL_EVERY = 5_000
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class AdoptedPeriod:
    """One period as it stands after the adoption: its run of values, and the holes in it."""

    label: str
    rows: int
    first_value: int
    last_value: int
    missing: int
    missing_ranges: int
    next_number: str | None


@dataclass(frozen=True, slots=True)
class AdoptedRun:
    """The numbers with one prefix: how many, the first and the last one, and the first and last date."""

    prefix: str
    numbers: int
    first_number: str
    last_number: str
    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class AdoptionResult:
    """What was taken over, or would be in a dry run. ``adoption`` is the id of the event, None in a dry run.

    ``rows`` counts numbers, ``rows_read`` the rows of the table: some repeat a document, and others were ``left_out``,
    by rule. ``statuses`` are the values of the void column, each with its meaning and its count. ``contradicting``
    counts numbers whose text names another date than the one beside it; ``examples`` has some.
    """

    adoption: int | None
    tenant: str
    series: str
    source: str
    digest: str
    rows: int
    voids: int
    explained: int
    periods: tuple[AdoptedPeriod, ...]
    dry_run: bool
    rows_read: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    statuses: tuple[tuple[str, str, int], ...] = ()
    runs: tuple[AdoptedRun, ...] = ()
    contradicting: int = 0
    examples: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many values below the highest ones have no number."""
        return sum(period.missing for period in self.periods)

    @property
    def missing_ranges(self) -> int:
        """How many ranges the missing values form."""
        return sum(period.missing_ranges for period in self.periods)


#: Called with a stage, how far it is, and its end (bytes while reading; 0 if unknown).
Progress = Callable[[str, int, int], None]


def adopt(
    path: Path | str | Table,
    *,
    series: str,
    org: Any = None,
    layout: Layout | None = None,
    settings: Mapping[str, Any] | None = None,
    void_reason: str = VOID_REASON,
    explain_gaps: str | None = None,
    by: Any = None,
    dry_run: bool = False,
    on_bad_row: Callable[[BadRow], None] | None = None,
    progress: Progress | None = None,
    using: str | None = None,
) -> AdoptionResult:
    """Take over the numbers of a table as NumberAdopted entries of ``series``, which then continues after the highest.

    Rows that repeat a number with the same date are one document, such as a row for each line item. ``layout`` says
    which column is what. If a column has kinds, only rows of the series' own kind count: its code, or invoices, unless
    ``only_kind`` names another. ``settings`` create the series if it doesn't exist yet, as ``define_series`` takes
    them. A row's business date is its time in the zone of the series: a time without an offset is local (the first of
    two when clocks are put back), a bare date is the day's first moment. Each period that the dates touch is opened;
    its counter runs from the lowest value to the highest. A later table may continue where an earlier one ended. A
    number whose text names another period than its date counts in the named one; both are kept, and its metadata say
    so. Void rows get a NumberVoided with ``void_reason``, holes an AdoptedGap, and each of those a GapExplained if
    ``explain_gaps`` says why. A ``dry_run`` does all of it, and then rolls back.

    Works in one transaction, or in the caller's, which stays usable after an error. Memory doesn't grow with the file,
    unless it is a workbook. ``on_bad_row`` is called with every bad row, in the order of the file. Then AdoptionError
    is raised, and also for a file that was adopted before, with unclassified values in the void column, or in a period
    that has numbers of Folio's own; TableError if the file can't be read; InvalidArgument and its subclasses for
    arguments that work with no file.
    """
    expect(path, (Path, str, Table), "path", "Pass the path of a file.")
    expect(layout or Layout(), Layout, "layout", "Pass Layout(number_column='…'), or leave it out.")
    expect(settings or {}, Mapping, "settings", "Pass a dict, such as settings={'template': 'INV-{counter}'}.")
    check_code(series)
    layout = layout or Layout()
    if layout.kind_column and not layout.only_kind:
        layout = replace(layout, only_kind=kind_of(series))
    task = _Adoption(
        series=series,
        tenant=tenant_key(org),
        layout=layout,
        settings=dict(settings or {}),
        void_reason=reason_text(void_reason),
        explanation=None if explain_gaps is None else reason_text(explain_gaps),
        actor=actor_name(by),
        on_bad_row=on_bad_row or (lambda row: None),
        progress=progress or (lambda stage, done, total: None),
        connection=connections[database_for(org, using) or router.db_for_write(Adoption)],
    )
    source = path if isinstance(path, Table) else open_table(path, task.layout)
    with source, translate_database_errors(series), transaction.atomic(using=task.connection.alias):
        result = task.run(source, dry_run)
        if dry_run:
            transaction.set_rollback(True, using=task.connection.alias)
    return result


@dataclass(frozen=True)
class _Adoption:
    """One adoption under way, step by step."""

    series: str
    tenant: str
    layout: Layout
    settings: dict[str, Any]
    void_reason: str
    explanation: str | None
    actor: str
    on_bad_row: Callable[[BadRow], None]
    progress: Progress
    connection: BaseDatabaseWrapper
    #: Marks its rows in the shared staging tables.
    batch: str = field(default_factory=lambda: uuid4().hex)

    @property
    def alias(self) -> str:
        return self.connection.alias

    def run(self, source: Table, dry_run: bool) -> AdoptionResult:
        series = self._series()
        reader = RowReader(source, self.layout, series.as_template(), zone(series.time_zone))
        self._stage(reader, source)
        self._refuse_twice(series, source)
        self._refuse_unclassified(reader)
        self._refuse_nothing(reader, source)
        self._do(sql.FORGET_REPEATS)
        self.progress("periods", 0, 0)
        self._open_periods(series)
        self._refuse_used_periods(series)
        self.progress("checks", 0, 0)
        self._refuse_bad_rows(series, source)
        result = self._append(series, source, reader, dry_run)
        # If an error is raised, the rollback removes them.
        self._do(sql.FORGET_ROWS)
        self._do(sql.FORGET_DAYS)
        return result

    def _series(self) -> Series:
        """The series, created if missing, and locked against a second adoption."""
        found = find_series(self.alias, self.tenant, self.series)
        if found is not None:
            refuse_other_settings(found, self.settings)
        elif "template" in self.settings:
            define_series(self.series, org=self.tenant, using=self.alias, **self.settings)
        elif not make_default_series(self.connection, self.tenant, self.series):
            raise refusals.unknown_series(self.alias, self.tenant, self.series)
        return Series.objects.using(self.alias).get(tenant=self.tenant, code=self.series)

    def _stage(self, reader: RowReader, source: Table) -> None:
        """Stream the file into the staging table."""
        with self.connection.cursor() as cursor, cursor.copy(sql.COPY_ROWS) as copy:
            for count, row in enumerate(reader.rows()):
                copy.write_row((self.batch, *row))
                if count % _TELL_EVERY == 0:
                    self.progress("reading", source.source.position, source.source.size)
        self.progress("reading", source.source.position, source.source.position)

    def _refuse_twice(self, series: Series, source: Table) -> None:
        digest = source.source.sha256()
        earlier = Adoption.objects.using(self.alias).filter(tenant=self.tenant, series=series, digest=digest).first()
        if earlier is not None:
            raise AdoptionError(
                f"{source} was adopted before, as {earlier.source!r}, at "
                f"{timestamp_in(earlier.adopted_at, series.time_zone)} "
                f"by {earlier.actor or 'nobody named'}: {earlier.rows} numbers.",
                rule="The ledger keeps one entry for each number, and never changes it.",
                remedy=self._after_retirement(series)
                or f"There is nothing to do; see manage.py ledger_status --series {series.code}.",
            )

    def _refuse_unclassified(self, reader: RowReader) -> None:
        if problem := reader.chosen.unclassified():
            raise AdoptionError(
                problem,
                rule="Each value of that column means void, valid or draft; none is guessed.",
                remedy="Name them: --void-values 'A,B', --valid-values 'C,D', --draft-values 'E'; '*' is any other "
                "text, as for a column of cancellation dates.",
            )

    def _refuse_nothing(self, reader: RowReader, source: Table) -> None:
        """Refuse a table whose rows are all left out: the event would prevent another try with the right options."""
        if reader.chosen.read == sum(reader.chosen.left_out.values()):
            told = ", ".join(f"{count:,} ({reason})" for reason, count in reader.chosen.left_out.items())
            raise AdoptionError(
                f"{source} has no number to take over: all of its {reader.chosen.read:,} rows are left out: {told}.",
                rule="An adoption takes over at least one number.",
                remedy="Correct the rules that leave rows out: --where, --skip, --only-prefix, --kinds, --only-kind, "
                "--draft-values.",
            )

    def _open_periods(self, series: Series) -> None:
        """Find or open the period of each business date. If that fails, each row of the date gets the reason."""
        self._do(sql.STAGE_DAYS)
        [(day,)] = self._all(sql.NEXT_DAY, [self.batch, date.min])
        while day is not None:
            try:
                period = find_period(series, day, self.alias) or open_period(series, day, using=self.alias)
            except LedgerError as error:
                self._do(sql.REFUSE_DAY, [f"{error.problem} {error.remedy}", self.batch, day])
                last = day
            else:
                self._do(sql.ASSIGN_PERIOD, [period.pk, self.batch, period.starts_on, period.ends_on])
                last = period.ends_on
            [(day,)] = [(None,)] if last == date.max else self._all(sql.NEXT_DAY, [self.batch, day_after(last)])

    def _refuse_used_periods(self, series: Series) -> None:
        ids = [pk for (pk,) in self._all(sql.USED_PERIODS)]
        if not ids:
            return
        used = Period.objects.using(self.alias).filter(pk__in=ids).order_by("starts_on")
        told = ", ".join(
            f"{period.label} ({period.first_value} to {period.last_value}{', closed' if period.closed_at else ''})"
            for period in used
        )
        raise AdoptionError(
            f"The series {str(series)!r} has numbers in the period {told} already.",
            rule="Old numbers come before the first one of Folio, so their period must be open, and have no other "
            "numbers than adopted ones.",
            remedy="Adopt them into a series of their own: --series old-invoice --template …; or, if the file is of "
            "several periods, leave out the rows of those that have begun.",
        )

    def _refuse_bad_rows(self, series: Series, source: Table) -> None:
        examples: list[BadRow] = []
        problems, rows, last = 0, 0, None
        self._do(sql.BY_INDEX, ())
        # A cursor on the server: a file may have a million bad rows.
        with self.connection.chunked_cursor() as cursor:
            cursor.execute(sql.PROBLEMS, {"batch": self.batch, "tenant": self.tenant, "series": series.pk})
            for line, problem, other, rest in cursor:
                told = problem if other is None else f"{problem} {source.place(other)}{rest}"
                row = BadRow(line, told, source.place(line))
                self.on_bad_row(row)
                problems += 1
                rows += line != last
                last = line
                if len(examples) < _EXAMPLES:
                    examples.append(row)
        self._do(sql.BY_ANY, ())
        if not problems:
            return
        more = f"; and {problems - len(examples)} more" if problems > len(examples) else ""
        raise AdoptionError(
            f"{source} has {rows} bad rows: {'; '.join(str(row) for row in examples)}{more}.",
            rule=f"A {source.kind} is taken over as a whole or not at all.",
            remedy="Correct these rows, or the options that say how to read them, and try again."
            f"{self._after_retirement(series)}",
        )

    def _after_retirement(self, series: Series) -> str:
        """The remedy if a history of the series was retired: its numbers are still there. Else empty."""
        if not Adoption.objects.using(self.alias).filter(series=series, options__has_key="retires").exists():
            return ""
        own = f"{self.tenant}:history".lstrip(":")
        return (
            " A history of this series was retired: its numbers stay in the ledger, void, and are never taken again. "
            f"Take the right file over for a tenant of its own (--tenant {own!r}), which keeps its numbers with their "
            "dates, and go on numbering here; or leave out the rows of retired numbers (--skip)."
        )

    def _append(self, series: Series, source: Table, reader: RowReader, dry_run: bool) -> AdoptionResult:
        self.progress("entries, gaps and voids", 0, 0)
        digest = source.source.sha256()
        options = {"layout": asdict(self.layout), "settings": self.settings, "void_reason": self.void_reason}
        told = [source.name, digest, json.dumps(options, cls=DjangoJSONEncoder)]
        whose = [self.tenant, series.pk, self.batch]
        [made] = self._all(sql.ADOPT, [*whose, *told, self.void_reason, self.explanation, self.actor])
        contradicting = self._all(sql.CONTRADICTING)
        counted = self._all(sql.ADOPTED_PERIODS, [self.batch, made.adoption, self.tenant])
        periods = Period.objects.using(self.alias).in_bulk([row.id for row in counted])
        return AdoptionResult(
            adoption=None if dry_run else made.adoption,
            tenant=self.tenant,
            series=series.code,
            source=source.name,
            digest=digest,
            rows=made.numbers,
            voids=made.voids,
            explained=made.explained,
            periods=tuple(_adopted(periods[pk], *counts) for pk, *counts in counted),
            dry_run=dry_run,
            rows_read=reader.chosen.read,
            left_out=dict(reader.chosen.left_out),
            statuses=reader.chosen.statuses.told(),
            runs=tuple(AdoptedRun(*row) for row in self._all(sql.RUNS)),
            contradicting=contradicting[0].total if contradicting else 0,
            examples=tuple(row.contradiction for row in contradicting),
        )

    def _do(self, statement: str, arguments: Any = None) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, {"batch": self.batch} if arguments is None else arguments)

    def _all(self, statement: str, arguments: Any = None) -> list[Any]:
        return fetch(self.alias, statement, {"batch": self.batch} if arguments is None else arguments)


def refuse_other_settings(series: Series, settings: Mapping[str, Any]) -> None:
    """Raise AdoptionError if a series that exists has other settings than those that are to create it."""
    for name, wanted in settings.items():
        wanted = rules_text(wanted) if name == "rules" else wanted
        if getattr(series, name, wanted) != wanted:
            raise AdoptionError(
                f"The series {str(series)!r} has the {name} {getattr(series, name)!r}; {wanted!r} was asked for.",
                rule="Taking numbers over creates a missing series, and never changes an existing one.",
                remedy=f"Leave the {name} out, or change the series first: define_series({series.code!r}, …).",
            )


def _adopted(period: Period, rows: int, missing: int, ranges: int) -> AdoptedPeriod:
    first, last = period.first_value, period.last_value
    following = period.as_format().number(last + 1) if last < period.max_value else None
    return AdoptedPeriod(period.label, rows, first, last, missing, ranges, following)
