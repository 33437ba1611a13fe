"""What can go wrong with an accounting system, in one tree; adapters raise these, and no others::

    AccountingError
    ├── Misconfigured          the settings of the system: a person must act
    ├── NotDescribed           the settings' ``describe`` hook failed on a document: a person must act
    ├── Unsupported            the system can't do what was asked; its capabilities say so
    ├── AuthenticationFailed   it doesn't accept our credentials: a person must act
    ├── Refused                it read the request and said no
    │   ├── NotThere           no such document
    │   └── NumberRefused      the number is taken there, or of a form that it won't take
    ├── UnexpectedAnswer       an answer that can't be what the system means: a web page, broken JSON, a missing field
    │   └── EndlessPages       a list that doesn't come to an end
    ├── RateLimited            too many requests; ``retry_at`` says when to come back
    ├── Unreachable            no connection, or no answer in time, and nothing was done
    ├── ServerFault            it failed by itself, and nothing was done
    └── AnswerLost             the request may have been carried out: look before asking again

``retryable`` says whether the same call may succeed later without anybody's doing. No text of any of them holds a
credential, and none has a cause that does: they are raised after the library's own error is gone.
"""

from datetime import datetime
from typing import Any, ClassVar

from ledger.errors import LedgerError


class AccountingError(LedgerError):
    """Base of all. ``system`` is its name in the settings, ``endpoint`` what was asked, without the query."""

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
    """The settings name no such system, or lack something that it needs."""


class NotDescribed(AccountingError):
    """The hook that says customer and amount raised an error, or returned what can't be sent."""


class Unsupported(AccountingError):
    """The system can't do it."""


class AuthenticationFailed(AccountingError):
    """The system doesn't accept the credentials, or they don't reach far enough."""


class Refused(AccountingError):
    """The system read the request and refused it; the same request will be refused again."""


class NotThere(Refused):
    """There is no such document."""


class NumberRefused(Refused):
    """The system won't take this number: another document has it, or it is too long."""


class UnexpectedAnswer(AccountingError):
    """What came back isn't what the system's documentation says."""


class EndlessPages(UnexpectedAnswer):
    """A list repeats itself, or is longer than anything sensible."""


class RateLimited(AccountingError):
    """The system, or our own share of its limits, asks us to wait until ``retry_at``."""

    retryable = True


class Unreachable(AccountingError):
    """No connection, or no answer; either nothing was sent, or asking again does no harm."""

    retryable = True


class ServerFault(AccountingError):
    """The system answered with an error of its own; asking again does no harm."""

    retryable = True


class AnswerLost(AccountingError):
    """The request may have been carried out, or not. Look for its document before asking again."""

    retryable = True
