"""The errors of django-sequence, each also one of Folio's."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError

from ledger.errors import LedgerError, LockTimeout, UnknownSeries


class SequenceError(LedgerError):
    """Base of the errors that django-sequence has."""


class SequenceNotFoundError(SequenceError, UnknownSeries):
    """There is no such sequence, and ``auto_create=False`` asked not to make it."""


class SequenceLockedError(SequenceError, LockTimeout):
    """Another transaction holds the sequence, and didn't end in time; or it has counted on meanwhile."""


class SequenceExists(SequenceError, IntegrityError):
    """The organisation has a sequence of that scope already."""


def not_found(scope: str, tenant: str) -> SequenceNotFoundError:
    return SequenceNotFoundError(
        f"There is no sequence {scope!r} of {tenant or 'no organisation'}.",
        rule="auto_create=False, and look-ups, make none.",
        remedy=f"Make it: Sequence.objects.create(scope={scope!r}, …), or leave auto_create out.",
    )


def exists(scope: str, tenant: str) -> SequenceExists:
    return SequenceExists(
        f"There is a sequence {scope!r} of {tenant or 'no organisation'} already.",
        rule="An organisation has one sequence of each scope.",
        remedy="Use get_or_create(), or next_sequence(), which makes it at the first call.",
    )


@contextmanager
def locked_by_others() -> Iterator[None]:
    """Tell a LockTimeout as the SequenceLockedError that callers of django-sequence know."""
    try:
        yield
    except SequenceLockedError:
        raise
    except LockTimeout as error:
        raise SequenceLockedError(error.problem, rule=error.rule, remedy=error.remedy) from error
