"""The errors of issuing: what was asked, which rule forbids it, and the way out."""

from datetime import date, datetime

from ledger import errors, homes
from ledger.formats import MAX_VALUE
from ledger.models import Allocation, AuthorisedRange, Entry, NumberVoided, Period, RemotePool, Series
from ledger.zones import timestamp_in

# Rules that several errors name.
CLOSED_RULE = "Nothing is appended to a closed period."
OUT_OF_ORDER_RULE = "With the chronology guard on, dates never decrease within a period."
INACTIVE_RULE = "An inactive series gives out no numbers."
RANGES_RULE = "A series with authorised ranges gives out their numbers and no others, while they are valid."
FACTS_RULE = "One document has one number, and its facts never change."
VOID_RULE = "A document has at most one number that isn't void, and gets another one only when that is asked for."
UNIQUE_RULE = "A tenant's numbers are unique over all its series and periods, without regard to case."
BOUND_RULE = "A login that the table ledger_tenantbinding binds to some tenants may act only for these."
BOUND_REMEDY = "Connect as a login that may act for the tenant, or let the ledger's owner add a row to that table."


def unknown_series(alias: str, tenant: str, code: str) -> errors.LedgerError:
    """No series of that code, and no default for it. Raises TenantMoved if the tenant is in another home."""
    every = Series.objects.using(alias).filter(tenant=tenant)
    if homes.find_at_home(alias, tenant, every.filter(code=code).exists):
        # It has just come from another home, or been made.
        return homes.moved(tenant, "arrived", alias) if homes.refuse_moved(alias, tenant) else unsettled(code)
    known = every.order_by("code").values_list("code", flat=True)[:20]
    return errors.UnknownSeries(
        f"Tenant {tenant!r} has no series {code!r}; it has {', '.join(known) or 'none yet'}.",
        rule="A series is defined before it gives out numbers; Folio itself defines only those of "
        "LEDGER['DEFAULT_SERIES'].",
        remedy=f"Define it: define_series({code!r}, org=…, template='CN-{{year}}-{{counter:06}}'), "
        f"or manage.py ledger_series create {code} --template 'CN-{{year}}-{{counter:06}}'.",
    )


def series_collide(code: str, other: str) -> errors.InvalidSeries:
    """Two series could give out the same number."""
    return errors.InvalidSeries(
        f"Series {code!r} could give out a number of series {other!r}, within their length limits.",
        rule=UNIQUE_RULE,
        remedy=f"Give {code!r} a prefix of its own, such as letters before the counter, or set max_length so low that "
        "their counters can't meet.",
    )


def inactive(series: Series) -> errors.InactiveSeries:
    """The series is switched off."""
    return errors.InactiveSeries(
        f"The series {str(series)!r} is switched off.",
        rule=INACTIVE_RULE,
        remedy="Issue from another series, or set is_active in the admin.",
    )


def foreign(tenant: str) -> errors.NotGranted:
    """The database binds this login to other tenants."""
    return errors.NotGranted(
        f"The database login of this connection may not act for tenant {tenant!r}.",
        rule=BOUND_RULE,
        remedy=BOUND_REMEDY,
    )


def too_far(series: Series, day: date | None) -> errors.InvalidDate:
    """The date is later than the series allows."""
    return errors.InvalidDate(
        f"{day} lies more than {series.max_days_ahead} days ahead, for the series {str(series)!r}.",
        rule="A mistyped year would stop a series that keeps the order of dates, so the date of a document is limited.",
        remedy=f"Correct the date, or raise the bound: define_series({series.code!r}, max_days_ahead=…).",
    )


def unsupported(series: Series) -> errors.UnsupportedAllocation:
    """The allocation belongs to a later version of Folio."""
    return errors.UnsupportedAllocation(
        f"The series {str(series)!r} has the allocation {series.allocation!r}.",
        rule=f"This version of Folio serves {', '.join(Allocation.values)}.",
        remedy="Upgrade django-folio on this machine to the version that set it.",
    )


def old_snapshot(series: str) -> errors.SerializationFailure:
    """Under REPEATABLE READ or SERIALIZABLE a transaction can't see what was committed ahead for it."""
    return errors.SerializationFailure(
        f"Values of series {series!r} were committed ahead after this transaction had taken its snapshot.",
        rule="Under REPEATABLE READ and SERIALIZABLE a transaction sees only what was there when it began.",
        remedy="Run the whole transaction again, or use READ COMMITTED, which needs no retries.",
    )


def not_reservable(series: str) -> errors.NotReservable:
    """The second connection can't see the period, because this transaction has made it, or its series."""
    return errors.NotReservable(
        f"The series {series!r} or its period is visible to this transaction alone.",
        rule="A reserved number is committed before issue() returns, so what it belongs to must be committed first.",
        remedy="Define the series and open its period in a transaction of their own, or route both connections to the "
        "same schema.",
    )


def not_issued(entry: Entry) -> errors.NotIssued:
    """A ticket of at_commit that was rolled back."""
    return errors.NotIssued(
        f"There is no number for {entry.document or 'the ticket'!r}: its transaction was rolled back.",
        rule="The allocation at_commit gives a number when the transaction commits.",
        remedy="Issue again in a new transaction.",
    )


def closed(period: Period, day: date) -> errors.PeriodClosed:
    """The period is closed for good."""
    assert period.closed_at is not None
    return errors.PeriodClosed(
        f"{day} falls in the period {period.label} of series {str(period.series)!r}, "
        f"closed at {timestamp_in(period.closed_at, period.series.time_zone)}.",
        rule=CLOSED_RULE,
        remedy="Date the document in an open period, or issue a correction in the current one.",
    )


def exhausted(period: Period, count: int) -> errors.PeriodExhausted:
    """The next number would be too long."""
    # A pool's counter is that of its highest slot, so the first number that is too long may be a lower one.
    number = period.as_format().shown(min(period.last_value + count, period.max_value + 1))
    series = period.series
    rule = f"Its length limit is {series.max_length} characters, which the value {period.max_value} reaches."
    if period.max_value == MAX_VALUE:
        rule = f"No counter goes beyond {MAX_VALUE}."
    elif period.cut_short:
        rule = f"Its form ended on {period.ends_on}, and beyond {period.max_value} it would repeat numbers of the next."
    elif series.rules:
        rule = f"Its length limit and the rules {series.rules} let it go up to the value {period.max_value}."
    return errors.PeriodExhausted(
        f"The next number of series {str(series)!r} would be {number!r}, of {len(number)} characters.",
        rule=rule,
        remedy=f"Raise the limit, which holds at once: define_series({series.code!r}, max_length=…); or choose a "
        "shorter template from a day on, with from_day=; or issue from a series with a shorter prefix.",
    )


def ranges_exhausted(series: Series, day: date, alias: str) -> errors.RangesExhausted:
    """No range that an authority granted has a value left for ``day``, or the rules need one and none was added."""
    homes.refuse_moved(alias, series.tenant)
    ranges = AuthorisedRange.objects.using(alias).filter(tenant=series.tenant, series=series)
    last = ranges.select_related("period").order_by("period__ordinal").last()
    if last is None:
        told = "and none was ever added"
    elif last.valid_to is not None and last.valid_to < day:
        told = f"the last one, {last}, expired on {last.valid_to}"
    elif last.valid_from > day:
        told = f"the last one, {last}, is valid from {last.valid_from} on"
    else:
        told = f"the last one, {last}, is {'closed' if last.period.closed_at else 'used up'}"
    return errors.RangesExhausted(
        f"The series {str(series)!r} has no authorised range with a value left for {day}; {told}.",
        rule=RANGES_RULE,
        remedy=f"Ask the authority for the next range, and add it: manage.py ledger_ranges add {series.code} …",
    )


def pool_exhausted(
    period: Period, pool: RemotePool | None, missing: int, *, old_snapshot: bool
) -> errors.PoolExhausted:
    """No draft of the accounting system is free for a checkout."""
    series = period.series
    if pool is None or pool.tried_at is None:
        state = "no worker has filled its pool yet"
    else:
        state = f"its pool was last refilled {_at(pool.refilled_at, series.time_zone)}"
        if pool.error:
            state += f", and the last try, {_at(pool.tried_at, series.time_zone)}, failed: {pool.error.rstrip('.')}"
    if pool is not None and pool.needs_person:
        remedy = "A person must mend that, then run manage.py ledger_sweep refill_remote_pools."
    else:
        remedy = "Let a worker run the sweep refill_remote_pools, or run manage.py ledger_sweep refill_remote_pools."
    if old_snapshot:
        remedy += " Under REPEATABLE READ or SERIALIZABLE, run the transaction again to see drafts made since it began."
    if not period.has_drafts:
        remedy += f" This period has no draft yet: they are made from {period.starts_on} on, or up to three days "
        remedy += "earlier if the system doesn't number by today's date."
    drafts = "draft is free" if missing == 1 else f"{missing} drafts more than are free would be needed"
    return errors.PoolExhausted(
        f"The series {str(series)!r} has no number left in the period {period.label}: "
        f"{'no ' if missing == 1 else ''}{drafts} in {series.system!r}; {state}.",
        rule="A remote series gives out numbers of drafts that a worker has made in advance, for today's period and "
        "the ones next to it; no checkout uses the network.",
        remedy=remedy,
    )


def _at(moment: datetime | None, time_zone: str) -> str:
    return "never" if moment is None else f"at {timestamp_in(moment, time_zone)}"


def out_of_order(period: Period, day: date, latest: date) -> errors.OutOfOrder:
    """The chronology guard is on."""
    return errors.OutOfOrder(
        f"{day} is before {latest}, the date of the last number of series {str(period.series)!r} "
        f"in the period {period.label}.",
        rule=OUT_OF_ORDER_RULE,
        remedy=f"Date the document {latest} or later, or issue it from a series without the guard. If that date is a "
        "mistake, void its number: the dates of void numbers don't count.",
    )


def no_period(series: Series, day: date, alias: str) -> errors.NoPeriod:
    """The series' periods are made by hand, and none holds the date."""
    homes.refuse_moved(alias, series.tenant)
    spans = [p.label for p in Period.objects.using(alias).filter(series=series).order_by("starts_on")[:20]]
    return errors.NoPeriod(
        f"No period of series {str(series)!r} holds {day}; it has {', '.join(spans) or 'none yet'}.",
        rule="With the calendar 'explicit', each period is opened by hand.",
        remedy=f"Open it: manage.py ledger_period open {series.code} --starts-on {day} --ends-on …",
    )


def other_facts(entry: Entry, had: str, asked: str) -> errors.DocumentConflict:
    """The same document came again, with other facts."""
    return errors.DocumentConflict(
        f"Document {entry.document!r} has the number {entry.number!r}, which {had}; {asked} was asked for.",
        rule=FACTS_RULE,
        remedy="Leave the differing argument out to get that number, or void it and issue for a new document.",
    )


def document_voided(entry: Entry, void: NumberVoided) -> errors.DocumentVoided:
    """The same document came again, after its number was declared void."""
    details = void_details(void, entry.series.time_zone)
    return errors.DocumentVoided(
        f"The number {entry.number!r} of document {entry.document!r} is void{details}.",
        rule=VOID_RULE,
        remedy=f"To give this document a new number, pass the void one: issue({entry.series.code!r}, …, "
        f"document={entry.document!r}, replaces={entry.number!r}).",
    )


def void_details(void: NumberVoided, time_zone: str) -> str:
    """When a number was voided, by whom and why, to follow "is void"."""
    at = timestamp_in(void.voided_at, time_zone)
    return f" since {at}, by {void.actor or 'nobody named'}: {void.reason}"


def pending_with_other_facts(document: str) -> errors.DocumentConflict:
    """The same document came twice in one transaction of at_commit, with other facts."""
    return errors.DocumentConflict(
        f"Document {document!r}, or another of its call, waits for COMMIT with another date or other metadata.",
        rule=FACTS_RULE,
        remedy="Leave the differing argument out to get that number, or roll back.",
    )


def unsettled(series: str) -> errors.ConcurrencyError:
    """A series or period that was made for the call disappeared each time."""
    return errors.ConcurrencyError(
        f"The series {series!r} kept changing while a number was asked for.",
        rule="A series or a period was made for this call, but could not be found afterwards.",
        remedy="Run the whole transaction again; if that doesn't help, run manage.py ledger_verify.",
    )
