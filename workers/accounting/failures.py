"""What can go wrong with one request, as errors of ``workers.accounting.errors``."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workers.accounting.errors import (
    AccountingError,
    AnswerLost,
    AuthenticationFailed,
    Misconfigured,
    NotThere,
    NumberRefused,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One attempt that failed.

    ``passes`` if another attempt may succeed; ``untouched`` if the system can't have acted on this one.
    """

    error: AccountingError
    passes: bool
    untouched: bool
    retry_after: float | None = None


def no_address(system: str) -> Misconfigured:
    return Misconfigured(
        f"{system}: its address can't be requested.",
        rule="The address of an accounting system is a URL that begins with https:// and has a host; http:// only on "
        "this machine (localhost, 127.0.0.1), since credentials go along.",
        remedy="Correct its 'url' in LEDGER_ACCOUNTING['SYSTEMS'].",
        system=system,
    )


def unusable_credentials(system: str, endpoint: str) -> Misconfigured:
    return Misconfigured(
        f"{system}: its credentials can't be sent.",
        rule="Credentials go into HTTP headers: plain ASCII, and no line breaks.",
        remedy="See how they were copied into the environment or the settings.",
        system=system,
        endpoint=endpoint,
    )


def unreachable(system: str, endpoint: str, reason: str, *, sent: bool) -> Fault:
    error = Unreachable(
        f"{system}: no answer to {endpoint} ({reason}).",
        rule="The system must be there and answer in time.",
        remedy="The next run tries again; if this stays, see its status page, the address and the network.",
        system=system,
        endpoint=endpoint,
    )
    return Fault(error, passes=True, untouched=not sent)


def too_large(system: str, endpoint: str, status: int, largest: int) -> Fault:
    error = UnexpectedAnswer(
        f"{system}: the answer to {endpoint} is larger than {largest} bytes.",
        rule="One answer must fit into a worker's memory.",
        remedy="Ask for smaller pages by the option 'page_size' of the system.",
        system=system,
        endpoint=endpoint,
        status=status,
    )
    return Fault(error, passes=False, untouched=False)


def unreadable(system: str, endpoint: str, status: int, coding: str) -> Fault:
    error = UnexpectedAnswer(
        f"{system}: the answer to {endpoint} can't be unpacked (Content-Encoding: {coding[:60]}).",
        rule="An answer is plain, or compressed once by gzip: packed twice, a few bytes become gigabytes.",
        remedy="See what is between here and there; a proxy may have packed it.",
        system=system,
        endpoint=endpoint,
        status=status,
    )
    return Fault(error, passes=True, untouched=False)


def redirected(system: str, endpoint: str, status: int) -> Fault:
    error = UnexpectedAnswer(
        f"{system}: {endpoint} leads somewhere else (HTTP {status}).",
        rule="Redirects aren't followed: they would take the credentials to another address.",
        remedy="Put the address that it leads to into the settings, if that is the system's own.",
        system=system,
        endpoint=endpoint,
        status=status,
    )
    return Fault(error, passes=False, untouched=True)


def limited(system: str, endpoint: str, now: datetime, seconds: float) -> Fault:
    at = now + timedelta(seconds=seconds)
    error = RateLimited(
        f"{system}: too many requests, says the answer to {endpoint} (HTTP 429); not before {at:%Y-%m-%d %H:%M:%S %Z}.",
        rule="The system allows so many requests and no more.",
        remedy="Nothing is lost: the next run goes on where this one stopped.",
        system=system,
        endpoint=endpoint,
        status=429,
        retry_at=at,
    )
    return Fault(error, passes=True, untouched=True, retry_after=seconds)


def server_fault(system: str, endpoint: str, status: int, said: str, retry_after: float | None) -> Fault:
    error = ServerFault(
        f"{system}: {endpoint} failed over there (HTTP {status}){_quoted(said)}.",
        rule="The system must be able to carry out what it is asked.",
        remedy="The next run tries again; if this stays, see its status page or its log.",
        system=system,
        endpoint=endpoint,
        status=status,
    )
    return Fault(error, passes=True, untouched=False, retry_after=retry_after)


def rejected(
    system: str, endpoint: str, status: int, said: str, kind: type[Refused] | None = None, about: str = ""
) -> Fault:
    """Any other status of 400 to 499; ``kind`` if the adapter knows the system's own code for it."""
    told = _quoted(said)
    whose = f" for {about}" if about else ""
    error: AccountingError
    if kind is NumberRefused:
        error = NumberRefused(
            f"{system}: {endpoint}{whose} was refused for its number (HTTP {status}){told}.",
            rule="A number must be free there, and of a form that the system takes.",
            remedy="Look for the document that bears it there; the next reconciliation shows it too.",
            system=system,
            endpoint=endpoint,
            status=status,
        )
    elif status in {401, 403} and kind is None:
        error = AuthenticationFailed(
            f"{system}: {endpoint}{whose} isn't allowed to us (HTTP {status}){told}.",
            rule="The credentials must be valid there, and reach as far as reading and writing invoices.",
            remedy="See whether they were revoked, have run out, or lack a permission; then put the new ones in place.",
            system=system,
            endpoint=endpoint,
            status=status,
        )
    elif kind is NotThere or (status in {404, 410} and kind is None):
        error = NotThere(
            f"{system}: there is nothing at {endpoint}{whose} (HTTP {status}){told}.",
            rule="What is asked for must be there.",
            remedy="See whether it was deleted, and whether address and organisation in the settings are right.",
            system=system,
            endpoint=endpoint,
            status=status,
        )
    else:
        error = Refused(
            f"{system}: {endpoint}{whose} was refused (HTTP {status}){told}.",
            rule="The system takes what its own rules allow.",
            remedy="Correct what it names; the same request would be refused again.",
            system=system,
            endpoint=endpoint,
            status=status,
        )
    # A time-out of the server's own, and "too early": the same request may do later.
    return Fault(error, passes=status in {408, 425}, untouched=status != 408)


def lost(error: AccountingError) -> AnswerLost:
    """What became of a request that can't be sent again without looking."""
    return AnswerLost(
        f"{error.problem} Whether it was carried out is unknown.",
        rule="A request that makes something, and has no key by which the system knows it again, is sent once.",
        remedy="The next run looks for the document first, and makes it if it isn't there.",
        system=error.system,
        endpoint=error.endpoint,
        status=error.status,
        retry_at=error.retry_at,
    )


def _quoted(said: str) -> str:
    return f": “{said}”" if said else ""
