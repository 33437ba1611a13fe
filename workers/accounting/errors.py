"""The errors of accounting systems, in one tree; adapters raise these and no others::

    AccountingError
    ├── Misconfigured          the settings of the system: a person must act
    ├── NotDescribed           the ``describe`` hook of the settings failed for a document: a person must act
    ├── Unsupported            the system can't do what was asked; its capabilities say so
    ├── AuthenticationFailed   the system doesn't accept our credentials: a person must act
    ├── Refused                the system read the request and refused it
    │   ├── NotThere           there is no such document
    │   └── NumberRefused      the number is taken there, or the system doesn't accept its form
    ├── UnexpectedAnswer       the answer can't be right: a web page, broken JSON, a missing field
    │   └── EndlessPages       a list doesn't come to an end
    ├── RateLimited            too many requests; ``retry_at`` says when to try again
    ├── Unreachable            no connection, or no answer in time; a repeated request does no harm
    ├── ServerFault            the system itself failed; a repeated request does no harm
    └── AnswerLost             the request may have been carried out: look before asking again

``retryable``: the same call may succeed later without anybody's help. No text and no cause of these errors has a
credential in it: they are raised after the library's own error is gone.
"""

from datetime import datetime
from typing import Any, ClassVar

from ledger.errors import LedgerError


class AccountingError(LedgerError):
    """The base class. ``system`` is its name in the settings, ``endpoint`` what was asked, without the query."""

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        problem: str,
        *,
        rule: str,
        remedy: str,
        system: str = "",
        endpoint: str = "",
        status: int | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        self.system = system
        self.endpoint = endpoint
        self.status = status
        self.retry_at = retry_at
        super().__init__(problem, rule=rule, remedy=remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        return (*super().__reduce__(), dict(vars(self)))


class Misconfigured(AccountingError):
    """The settings have no such system, or lack something that it needs."""


class NotDescribed(AccountingError):
    """The hook for customer and amount raised an error, or returned something that can't be sent."""


class Unsupported(AccountingError):
    """The system can't do it."""


class AuthenticationFailed(AccountingError):
    """The system doesn't accept the credentials, or they lack a permission."""


class Refused(AccountingError):
    """The system read the request and refused it; the same request will be refused again."""


class NotThere(Refused):
    """There is no such document."""


class NumberRefused(Refused):
    """The system doesn't accept the number: another document has it, or it is too long."""


class UnexpectedAnswer(AccountingError):
    """The answer isn't what the system's documentation says."""


class EndlessPages(UnexpectedAnswer):
    """A list repeats itself, or is longer than anything sensible."""


class RateLimited(AccountingError):
    """The system's limits, or our own share of them, are used up until ``retry_at``."""

    retryable = True


class Unreachable(AccountingError):
    """No connection, or no answer in time. Nothing was sent, or a repeated request does no harm."""

    retryable = True


class ServerFault(AccountingError):
    """The system answered with an error of its own; a repeated request does no harm."""

    retryable = True


class AnswerLost(AccountingError):
    """The request may have been carried out, or not. Look for its document before asking again."""

    retryable = True
