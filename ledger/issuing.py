"""Giving out numbers: ``issue``, ``issue_many`` and ``preview``."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import homes, refusals
from ledger.allocation import allocator_of, expect_allocator, expected_allocator
from ledger.allocation.interface import Outcome, Request
from ledger.arguments import check_facts, day_or_moment, make_request
from ledger.database_errors import translate_database_errors
from ledger.databases import series_named
from ledger.durability import flush_at_commit, wait_for_flush
from ledger.errors import DocumentVoided, InvalidDocument, LedgerError, NotMigrated, TransactionRequired
from ledger.keys import document_key, tenant_key
from ledger.models import Allocation, AuthorisedRange, Entry, NumberIssued, NumberVoided, Period, Reservation, Series
from ledger.periods import find_period, open_period_for, planned_period
from ledger.replacing import current, valid, void_entry
from ledger.series import default_series, find_series, make_default_series
from ledger.texts import shown
from ledger.zones import today_in

#: How often a missing series or period is made, or another range is tried, before the call gives up.
_TRIES = 20


def issue(
    series: Series | str,
    *,
    org: Any = None,
    document: Any = None,
    on: date | datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    by: Any = None,
    replaces: Entry | str | None = None,
    using: str | None = None,
) -> Entry:
    """Give out the next number of ``series`` and append it to the ledger, in the caller's transaction.

    ``series`` is the code of one of the tenant's series, or the series itself, which knows its tenant.
    ``org`` is the tenant: a saved model instance, a text, or nothing. ``document`` is what the number is for, a saved
    instance or a text key: with it the call is idempotent, so a retry returns the first entry and uses up no number.
    ``on`` is the business date, or an aware datetime that the series' time zone turns into one; by default today, by
    the database's clock and in the series' time zone. It may lie as far ahead as the series allows. ``metadata`` is
    kept with the entry, ``by`` names who asked. ``replaces`` is the document's void number, as an entry or a text: the
    document gets a new one, linked to it, and only one, however often it is called. ``using`` is the database alias of
    the caller's transaction; by default the one that the routers, or LEDGER["HOMES"], name for the tenant.

    Returns the NumberIssued; ``str()`` of it is the number. (A document of an adopted history returns its
    NumberAdopted.) Raises TransactionRequired outside ``transaction.atomic()``, DocumentConflict if the document has a
    number with other facts, DocumentVoided if that number is void, NotReplaceable if the one to replace isn't, and the
    errors of ``ledger.errors`` that say why the series or its period gives out no number. After one of these errors the
    transaction can continue; nothing has been written.
    """
    series, org, using = series_named(series, org, using)
    connection = _connection(using, org)
    request = make_request(series, org=org, document=document, on=on, metadata=metadata, by=by)
    return _issue(connection, request, replaces)


def _issue(connection: BaseDatabaseWrapper, request: Request, replaces: Entry | str | None) -> Entry:
    series = request.series
    with translate_database_errors(series):
        if replaces is not None:
            request = request._replace(replaces=void_entry(connection.alias, request, replaces, [request.document]).pk)
        for _ in range(_TRIES):
            answer = expected_allocator(connection.alias, request).take(connection, request)
            if answer.entry is not None:
                return answer.entry
            if answer.outcome == Outcome.EXISTING:
                if found := _existing(connection, request, pk=answer.existing_id):
                    return found[0]
                continue  # another connection has just replaced it
            _mend(connection, request, answer.outcome, answer.business_date)
    raise refusals.unsettled(series)


def issue_many(
    series: Series | str,
    *,
    documents: Iterable[Any],
    org: Any = None,
    on: date | datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    by: Any = None,
    replaces: Iterable[Entry | str] = (),
    using: str | None = None,
) -> list[Entry]:
    """Give out a contiguous block of numbers, one for each of ``documents``, in their order and in one statement.

    A document that has a number already keeps it and takes none of the block; one that is listed twice gets one number.
    ``metadata`` and ``by`` go to each new entry. ``replaces`` are void numbers of these documents, in any order: with
    them the documents get their numbers one by one, all of them or none. Returns one entry for each document, in the
    order given. ``series``, ``org``, ``on`` and ``using``, and all else, are as in ``issue``.
    """
    series, org, using = series_named(series, org, using)
    connection = _connection(using, org)
    request = make_request(series, org=org, document=None, on=on, metadata=metadata, by=by)
    if isinstance(documents, str | bytes | Mapping) or not isinstance(documents, Iterable):
        raise InvalidDocument(
            f"documents={shown(documents, 60)} is of type {type(documents).__name__}.",
            rule="Pass a list of documents. A string would be read as a list of letters.",
            remedy="Pass a list, such as documents=[order], or call issue(document=…) for one number.",
        )
    keys = [document_key(document) for document in documents]
    if "" in keys:
        raise InvalidDocument(
            f"Document {keys.index('') + 1} of {len(keys)} is empty or None.",
            rule="issue_many gives one number to each document, so each must be named.",
            remedy="Leave it out, or call issue() for a number without a document.",
        )
    if not keys:
        return []
    if voids := _listed(replaces):
        with translate_database_errors(series):
            entries = [void_entry(connection.alias, request, each, keys) for each in voids]
        return _issue_each(connection, request, keys, {entry.document: entry for entry in entries})
    distinct = list(dict.fromkeys(keys))
    with translate_database_errors(series):
        for _ in range(_TRIES):
            answer = expected_allocator(connection.alias, request).take_many(connection, request, distinct)
            if len(answer.entries) == len(keys):
                return [answer.entries[at] for at in range(len(keys))]  # nearly always: all are new, none twice
            if answer.outcome in (Outcome.ISSUED, Outcome.EXISTING):
                numbered: dict[str, Entry] = {distinct[at]: entry for at, entry in answer.entries.items()}
                if unseen := [key for key in distinct if key not in numbered]:
                    known = _existing(connection, request, **request.of_series, document__in=unseen)
                    numbered |= {entry.document: entry for entry in known}
                if len(numbered) == len(distinct):
                    return [numbered[key] for key in keys]
                continue  # another connection has just numbered it and rolled back
            if answer.outcome == Outcome.OTHER_FACTS:
                _existing(connection, request, pk=answer.existing_id)  # raises the error that names them
                continue
            ranges = AuthorisedRange.objects.using(connection.alias).filter(**request.of_series)
            if answer.outcome == Outcome.EXHAUSTED and ranges.exists():
                # No range holds the whole block, so it continues in the next one.
                return _issue_each(connection, request, keys)
            _mend(connection, request, answer.outcome, answer.business_date, count=len(distinct))
    raise refusals.unsettled(series)


def issue_or_replace(series: str, *, org: Any, document: Any, using: str, **facts: Any) -> Entry:
    """The document's number; if that is void, a new one in its place: for documents that always have a valid number."""
    try:
        return issue(series, org=org, document=document, using=using, **facts)
    except DocumentVoided:
        known = Entry.objects.using(using).filter(tenant=tenant_key(org), series__code=series)
        void = current(known.filter(document=document_key(document))).get()
        return issue(series, org=org, document=document, replaces=void, using=using, **facts)


def _listed(replaces: Any) -> list[Any]:
    if isinstance(replaces, str | Entry) or not isinstance(replaces, Iterable):
        raise InvalidDocument(
            f"replaces={shown(replaces, 60)} is of type {type(replaces).__name__}.",
            rule="issue_many replaces the void numbers of several documents.",
            remedy="Pass a list, such as replaces=[entry], or call issue(document=…, replaces=…) for one number.",
        )
    return list(replaces)


def _issue_each(
    connection: BaseDatabaseWrapper, request: Request, keys: list[str], replaced: Mapping[str, Entry] | None = None
) -> list[Entry]:
    """The documents' numbers one by one, all or none, in place of those in ``replaced``."""
    void = replaced or {}
    with transaction.atomic(using=connection.alias):
        issued = {key: _issue(connection, request._replace(document=key), void.get(key)) for key in dict.fromkeys(keys)}
    return [issued[key] for key in keys]


def preview(
    series: Series | str, *, org: Any = None, on: date | datetime | None = None, using: str | None = None
) -> str:
    """The number that would come next, as text. Promises nothing, locks nothing and writes nothing.

    ``series``, ``org``, ``on`` and ``using`` are as in ``issue``. Raises what ``issue`` would
    raise: UnknownSeries, InactiveSeries, InvalidDate or a PeriodError.
    """
    series, org, using = series_named(series, org, using, reads=True)
    alias = using or router.db_for_read(NumberIssued)
    tenant = tenant_key(org)
    day, moment = day_or_moment(on)
    with translate_database_errors(series):
        found = find_series(alias, tenant, series) or default_series(tenant, series)
        if found is None:
            raise refusals.unknown_series(alias, tenant, series)
        today = today_in(found.time_zone, alias)
        day = day or (today if moment is None else today_in(found.time_zone, alias, moment))
        if (on is not None or moment is not None) and (day - today).days > found.max_days_ahead:
            raise refusals.too_far(found, day)
        period = (find_period(found, day, alias) if found.pk else None) or planned_period(found, day, alias)
        return next_number(found, period, day, alias)


def next_number(series: Series, period: Period, day: date, alias: str, value: int | None = None) -> str:
    """The number that ``period`` of ``series`` would give out next on ``day``; ``value`` is its value, if it is known.

    Raises what ``issue`` would raise. The period may be unsaved.
    """
    if not series.is_active:
        raise refusals.inactive(series)
    if period.closed_at is not None:
        raise refusals.ranges_exhausted(series, day, alias) if period.ordinal else refusals.closed(period, day)
    if series.chronological and (latest := later_date(period, day, alias)) is not None:
        raise refusals.out_of_order(period, day, latest)
    if value is None:
        value = allocator_of(series).upcoming(alias, period)
    if value > period.max_value:
        raise refusals.ranges_exhausted(series, day, alias) if period.ordinal else refusals.exhausted(period, 1)
    return period.number_of(value, alias, on=day)


def later_date(period: Period, day: date, alias: str) -> date | None:
    """The date of the last valid number in ``period`` that is dated after ``day``, or of a reservation.

    ``last_issued_on`` may be the date of a void number: the next checkout sets it back (``ledger_lower_date``).
    """
    later: dict[str, Any] = {"tenant": period.tenant, "issued_on__gt": day}
    if period.ordinal:
        later |= {"series": period.series_id, "period__ordinal__gt": 0}  # an order over all authorised ranges
    elif period.last_issued_on is None or period.last_issued_on <= day:
        return None
    else:
        later["period"] = period.pk
    numbers = valid(Entry.objects.using(alias).filter(**later).exclude(kind=Entry.Kind.GAP))
    dated = numbers.order_by("-value").values_list("issued_on", flat=True).first()
    return dated or Reservation.objects.using(alias).filter(**later).values_list("issued_on", flat=True).first()


def _connection(using: str | None, org: Any) -> BaseDatabaseWrapper:
    connection = connections[using or router.db_for_write(NumberIssued)]
    if connection.vendor != "postgresql":
        raise NotMigrated(
            f"The database {connection.alias!r} is {connection.vendor}, so it has no ledger.",
            rule="Folio keeps its numbers in PostgreSQL.",
            remedy="Point DATABASES at PostgreSQL; with several databases, look at using= and at DATABASE_ROUTERS.",
        )
    if not connection.in_atomic_block and connection.get_autocommit():
        if homes.are_many():  # the tenant may have moved since the transaction began in its old home
            began = {one.alias for one in connections.all(initialized_only=True) if one.in_atomic_block}
            for alias in began.intersection(homes.homes()):
                homes.refuse_moved(alias, tenant_key(org))
        raise TransactionRequired(
            f"issue() was called on database {connection.alias!r} outside a transaction.",
            rule="A number belongs to the transaction of its document: if the one rolls back, so does the other.",
            remedy="Wrap the checkout: with transaction.atomic(): order.save(); issue('invoice', document=order).",
        )
    return connection


def _existing(connection: BaseDatabaseWrapper, request: Request, **which: Any) -> list[Entry]:
    """The entries that documents have now. Raises if one is void, or has other facts than the request states."""
    known = current(Entry.objects.using(connection.alias).filter(**which))
    entries = list(known.select_related("period", "series"))
    # They may have been committed early, and nobody may be told about them before they are durable: this transaction's
    # COMMIT waits, or this call does if the caller may show the number before COMMIT.
    if any(entry.series.allocation == Allocation.RESERVED for entry in entries):
        wait_for_flush(connection.alias)
    elif entries:
        flush_at_commit(connection)
    if any(entry.period.moves for entry in entries):
        homes.refuse_moved(connection.alias, request.tenant)  # the document would be written beside an old copy
    voids = NumberVoided.objects.using(connection.alias).filter(tenant=request.tenant)
    void_of = {void.entry_id: void for void in voids.filter(entry__in=[entry.pk for entry in entries])}
    for entry in entries:
        if entry.pk in void_of:
            raise refusals.document_voided(entry, void_of[entry.pk])
        check_facts(request, entry)
    return [entry.of_its_kind() for entry in entries]


def _mend(
    connection: BaseDatabaseWrapper, request: Request, outcome: Outcome, day: date | None, count: int = 1
) -> None:
    """Make a missing series or period, so that the next try succeeds, or raise why the series gives out no number."""
    alias = connection.alias
    if outcome == Outcome.UNKNOWN:
        made = make_default_series(connection, request.tenant, request.series, ahead=True)
        if not made and find_series(alias, request.tenant, request.series) is None:
            raise refusals.unknown_series(alias, request.tenant, request.series)
        return  # or it has just come from another home
    series = find_series(alias, request.tenant, request.series)
    if series is None or outcome == Outcome.TRY_AGAIN:
        return
    if outcome == Outcome.INACTIVE:
        raise refusals.inactive(series)
    if outcome == Outcome.ALLOCATION:
        expect_allocator(alias, request, allocator_of(series))
        return
    if outcome == Outcome.FOREIGN:
        raise refusals.foreign(request.tenant)
    if outcome == Outcome.TOO_FAR:
        raise refusals.too_far(series, day or request.on or (request.at.date() if request.at else None))
    assert day is not None, "the database names the business date once it knows the series"
    if outcome == Outcome.NO_PERIOD:
        open_period_for(connection, series, day)
        return
    period = find_period(series, day, alias)
    if period is not None and period.ordinal and outcome in (Outcome.EXHAUSTED, Outcome.CLOSED):
        if period.closed_at is None and period.last_value < period.max_value:
            return  # the next range, since another checkout took the last value
        raise refusals.ranges_exhausted(series, day, alias)
    if period is not None:
        raise _refusal(outcome, period, day, count, alias)


def _refusal(outcome: Outcome, period: Period, day: date, count: int, alias: str) -> LedgerError:
    if outcome == Outcome.CLOSED and period.closed_at is not None:
        return refusals.closed(period, day)
    if outcome == Outcome.OUT_OF_ORDER and (latest := later_date(period, day, alias)) is not None:
        return refusals.out_of_order(period, day, latest)
    if outcome == Outcome.EXHAUSTED and period.last_value + max(count, 1) > period.max_value:
        return refusals.exhausted(period, count)
    # The second connection has seen a later state of the period than this transaction does.
    return refusals.old_snapshot(period.series.code)
