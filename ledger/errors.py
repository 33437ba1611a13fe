"""Every error that Folio raises, in one tree::

    LedgerError
    ├── InvalidArgument            a value passed by the caller (also a ValueError)
    │   ├── InvalidTemplate        a number template
    │   ├── InvalidCalendar        a calendar, a span of dates, a time zone
    │   ├── InvalidDate            a business date
    │   ├── InvalidTenant          what was passed as org=
    │   ├── InvalidDocument        what was passed as document=
    │   ├── InvalidMetadata        what was passed as metadata=
    │   ├── InvalidActor           what was passed as by=
    │   ├── InvalidReason          the reason of a void or an explanation
    │   ├── InvalidSeries          any other property of a series
    │   ├── WrongDatabase          a row of one database, for a call about another one
    │   └── AgainstRules           what the series' rules by country forbid
    ├── NotMigrated                the database that was asked has no ledger (also a django ProgrammingError)
    ├── NotGranted                 the database role may not do this (also a django ProgrammingError)
    ├── LedgerInUse                migrating back would lose what the ledger keeps
    ├── TransactionRequired        issuing outside transaction.atomic()
    ├── UnknownSeries              no series of that code
    ├── InactiveSeries             a series that was switched off
    ├── UnsupportedAllocation      an allocation that this version can't serve
    ├── AllocationChange           the allocation can't be changed now
    ├── NotReservable              the series or period to reserve from is not committed yet
    ├── SecondConnectionElsewhere  the second connection leads to another database, or has another login
    ├── NotIssued                  the transaction that asked for the number was rolled back
    ├── CommitRefused              at_commit gave out no number at COMMIT (also a django IntegrityError)
    ├── CommitInDoubt              committed early, and the server failed before it was durable
    ├── PeriodError
    │   ├── NoPeriod               no period holds the date
    │   ├── PeriodClosed           the date's period is closed
    │   ├── PeriodExhausted        the next number would break the series' length limit
    │   │   └── RangesExhausted    no range that an authority granted has a value left for the date
    │   ├── PeriodConflict         a period overlaps another, or would repeat its numbers
    │   └── RangeRefused           an authorised range can't be added to the series
    ├── PoolExhausted              no draft of the accounting system is free
    ├── OutOfOrder                 the chronology guard refused an earlier date
    ├── DocumentConflict           the document has a number already, with other facts
    ├── DocumentVoided             the document's number is void, and the call doesn't replace it
    ├── NotReplaceable             the number to replace isn't void, or is another document's
    ├── NumberProtected            rows can't be deleted while their numbers aren't void (also a django IntegrityError)
    ├── NumberTaken                another series gave out the same number
    ├── VoidError
    │   ├── UnknownNumber          no issued number to void
    │   └── AlreadyVoided          it is void already
    ├── RegistrationError          an authority's reference can't be noted for a number
    ├── GrantError                 a role can't be given the least privilege
    ├── TableError                 a file that people exported can't be read as a table
    ├── AdoptionError              a previous system's numbers can't be taken over
    ├── GapError                   a gap can't be explained
    ├── DeclarationError           missing numbers can't be declared to an authority
    ├── ReportError                a report can't be made as it was asked for
    ├── SealError                  a seal can't be made, exported or proved
    ├── MoveError                  a tenant can't be moved to another home, or its old copy can't be dropped
    ├── UnknownSweep               no sweep of that name
    ├── AlarmError                 an alarm can't be acknowledged
    ├── ReconciliationError        an accounting system can't be compared with the ledger, or a finding acknowledged
    └── ConcurrencyError           retry the whole transaction (also a django OperationalError)
        ├── DeadlockDetected       two transactions took two series in opposite order
        ├── LockTimeout            lock_timeout ran out while another checkout held the counter
        ├── SerializationFailure   another transaction was first: it changed what this one saw, or has the document
        ├── TenantMoved            the tenant is moving to another home, or lives there by now
        └── SecondConnectionFailed  reserved and pooled need a second connection, which could not be opened

Each error says what is wrong (naming the value), which rule it breaks, and the way out; all three are attributes too.
"""

from functools import partial

from django.db.utils import IntegrityError, OperationalError, ProgrammingError


class LedgerError(Exception):
    """Base of all errors of Folio.

    ``problem`` names the offending value, ``rule`` the rule it breaks, ``remedy`` the way out.
    """

    def __init__(self, problem: str, *, rule: str, remedy: str) -> None:
        self.problem = problem
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{problem} {rule} {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        # The default pickling, which multiprocessing and test runners use, would lose keyword-only arguments.
        return partial(type(self), rule=self.rule, remedy=self.remedy), (self.problem,)


class InvalidArgument(LedgerError, ValueError):
    """A value passed by the caller is refused."""


class InvalidTemplate(InvalidArgument):
    """A number template is refused."""


class InvalidCalendar(InvalidArgument):
    """A calendar, a span of dates or a time zone is refused."""


class InvalidDate(InvalidArgument):
    """A business date is refused."""


class InvalidTenant(InvalidArgument):
    """What was passed as ``org=`` can't name a tenant."""


class InvalidDocument(InvalidArgument):
    """What was passed as ``document=`` can't name a document."""


class InvalidMetadata(InvalidArgument):
    """What was passed as ``metadata=`` can't be kept as JSON."""


class InvalidActor(InvalidArgument):
    """What was passed as ``by=`` can't name a person or a program."""


class InvalidReason(InvalidArgument):
    """The reason of a void or an explanation is missing or unusable."""


class InvalidSeries(InvalidArgument):
    """A property of a series other than its template and calendar is refused."""


class WrongDatabase(InvalidArgument):
    """A row of one database was passed to a call about another one, where its id means another row."""


class AgainstRules(InvalidArgument):
    """The rules by country that the series names forbid a setting or a period."""


class NotMigrated(LedgerError, ProgrammingError):
    """The database that was asked has no ledger, or not the one that this version of Folio needs.

    Also a ``django.db.ProgrammingError``, which Django raises if a table is missing.
    """


class NotGranted(LedgerError, ProgrammingError):
    """The database role lacks a privilege; ``ledger_grants`` shows which it needs.

    Also a ``django.db.ProgrammingError``, which Django raises if permission is denied.
    """


class LedgerInUse(LedgerError):
    """Migrating back is refused, since it would lose what the ledger keeps."""


class TransactionRequired(LedgerError):
    """A number was asked for outside ``transaction.atomic()``."""


class UnknownSeries(LedgerError):
    """There is no series of that code, and no default for it."""


class InactiveSeries(LedgerError):
    """The series was switched off."""


class UnsupportedAllocation(LedgerError):
    """The series asks for an allocation that this version of Folio can't serve."""


class AllocationChange(LedgerError):
    """The allocation of a series can't be changed now: numbers wait in its open periods."""


class NotReservable(LedgerError):
    """A reservation can't be committed ahead: the series or period is not committed yet."""


class SecondConnectionElsewhere(LedgerError):
    """The second connection leads to another server or database, or has another login, than the first one."""


class NotIssued(LedgerError):
    """There is no number: the transaction that asked for it was rolled back."""


class CommitRefused(LedgerError, IntegrityError):
    """``at_commit`` gave out no number while COMMIT ran, so the transaction was rolled back.

    Also a ``django.db.IntegrityError``, like the error of a deferred constraint.
    """


class CommitInDoubt(LedgerError):
    """A transaction with early release was committed, and it isn't known whether that is durable.

    It is not a ``django.db.DatabaseError``, because code that catches those treats the transaction as rolled back.
    Callbacks of ``on_commit`` aren't called. A retry with the same documents finds their numbers, or gives them new
    ones.
    """


class PeriodError(LedgerError):
    """The period of the business date can't give out a number."""


class NoPeriod(PeriodError):
    """No period of the series holds the date."""


class PeriodClosed(PeriodError):
    """The period of the date is closed."""


class PeriodExhausted(PeriodError):
    """The next number would be longer than the series allows."""


class RangesExhausted(PeriodExhausted):
    """No range that an authority granted has a value left for the date."""


class PeriodConflict(PeriodError):
    """A period overlaps another one of its series, or would repeat its numbers."""


class RangeRefused(PeriodError):
    """An authorised range can't be added to the series."""


class PoolExhausted(LedgerError):
    """No number of the accounting system is free: its drafts are used up, or held by checkouts."""


class OutOfOrder(LedgerError):
    """The chronology guard refused a date before the last issued one."""


class DocumentConflict(LedgerError):
    """The document has a number already, with other facts."""


class DocumentVoided(LedgerError):
    """The document's number is void; it gets another one if the caller passes ``replaces=``."""


class NotReplaceable(LedgerError):
    """What was passed as ``replaces=`` is not void, or is the number of another document."""


class NumberProtected(LedgerError, IntegrityError):
    """Rows with a NumberField can't be deleted while their numbers aren't void.

    The error is a ``django.db.models.RestrictedError`` as well, with the rows in ``restricted_objects``.
    """


class NumberTaken(LedgerError):
    """The tenant gave out the same number before, in another series or period."""


class VoidError(LedgerError):
    """A number can't be voided."""


class UnknownNumber(VoidError):
    """There is no issued number of that text."""


class AlreadyVoided(VoidError):
    """The number is void already; a void names one earlier issue, once."""


class RegistrationError(LedgerError):
    """The reference of an authority can't be noted for a number."""


class GrantError(LedgerError):
    """A role can't be given the least privilege."""


class TableError(LedgerError):
    """A file that people exported can't be read as a table."""


class AdoptionError(LedgerError):
    """The numbers of a previous system can't be taken over."""


class GapError(LedgerError):
    """A gap can't be explained."""


class DeclarationError(LedgerError):
    """Missing numbers can't be declared to an authority."""


class ReportError(LedgerError):
    """A report can't be made as it was asked for."""


class SealError(LedgerError):
    """A seal can't be made, exported or proved."""


class MoveError(LedgerError):
    """A tenant can't be moved to another home, or its old copy can't be dropped; nothing is lost."""


class UnknownSweep(LedgerError):
    """There is no sweep of that name."""


class AlarmError(LedgerError):
    """An alarm can't be acknowledged."""


class ReconciliationError(LedgerError):
    """An accounting system can't be compared with the ledger, or a finding can't be acknowledged."""


class ConcurrencyError(LedgerError, OperationalError):
    """The whole transaction has to be run again.

    Also a ``django.db.OperationalError``, so a retry wrapper of the host project that catches that still works.
    """


class DeadlockDetected(ConcurrencyError):
    """Two transactions took the counters of two series in opposite order."""


class LockTimeout(ConcurrencyError):
    """``lock_timeout`` ran out while another checkout held the counter."""


class SerializationFailure(ConcurrencyError):
    """Another transaction was first: it changed what this one had seen, or numbered the same document."""


class TenantMoved(ConcurrencyError):
    """The tenant is moving to another home, or lives there by now: try again there, in a moment."""


class SecondConnectionFailed(ConcurrencyError):
    """``reserved`` and ``pooled`` commit values ahead on a second connection, which could not be opened."""
