"""What can go wrong with one request, as errors of ``workers.accounting.errors``."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workers.accounting import errors


@dataclass(frozen=True, slots=True)
class Fault:
    """One attempt that failed.

    ``passes`` if another attempt may succeed; ``untouched`` if the system can't have acted on this one.
    """

    error: errors.AccountingError
    passes: bool
    untouched: bool
    retry_after: float | None = None


def no_address(system: str) -> errors.Misconfigured:
    return errors.Misconfigured(
        f"{system}: its address can't be requested.",
        rule="The address of an accounting system is a URL that begins with https:// and has a host; http:// only on "
        "this machine (localhost, 127.0.0.1), since credentials go along.",
        remedy="Correct its 'url' in LEDGER_ACCOUNTING['SYSTEMS'].",
        system=system,
    )


def unusable_credentials(system: str, endpoint: str) -> errors.Misconfigured:
    return errors.Misconfigured(
        f"{system}: its credentials can't be sent.",
        rule="Credentials go into HTTP headers: plain ASCII, and no line breaks.",
        remedy="See how they were copied into the environment or the settings.",
        system=system,
        endpoint=endpoint,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What every failure of a request names; ``status`` is that of the answer, if an answer came."""

    system: str
    endpoint: str
    status: int | None = None

    def unreachable(self, reason: str, *, sent: bool) -> Fault:
        told = f"no answer to {self.endpoint} ({reason})."
        rule = "The system must be there and answer in time."
        remedy = "The next run tries again; if this stays, see its status page, the address and the network."
        return Fault(self._error(errors.Unreachable, told, rule, remedy), passes=True, untouched=not sent)

    def too_large(self, largest: int) -> Fault:
        told = f"the answer to {self.endpoint} is larger than {largest} bytes."
        rule = "One answer must fit into a worker's memory."
        remedy = "Ask for smaller pages by the option 'page_size' of the system."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=False, untouched=False)

    def unreadable(self, coding: str) -> Fault:
        told = f"the answer to {self.endpoint} can't be unpacked (Content-Encoding: {coding[:60]})."
        rule = "An answer is plain, or compressed once by gzip: packed twice, a few bytes become gigabytes."
        remedy = "See what is between here and there; a proxy may have packed it."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=True, untouched=False)

    def redirected(self) -> Fault:
        told = f"{self.endpoint} leads somewhere else (HTTP {self.status})."
        rule = "Redirects aren't followed: they would take the credentials to another address."
        remedy = "Put the address that it leads to into the settings, if that is the system's own."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=False, untouched=True)

    def limited(self, now: datetime, seconds: float) -> Fault:
        at = now + timedelta(seconds=seconds)
        told = (
            f"too many requests, says the answer to {self.endpoint} (HTTP 429); not before {at:%Y-%m-%d %H:%M:%S %Z}."
        )
        rule = "The system limits how many requests it takes."
        remedy = "Nothing is lost: the next run goes on where this one stopped."
        error = self._error(errors.RateLimited, told, rule, remedy, retry_at=at)
        return Fault(error, passes=True, untouched=True, retry_after=seconds)

    def server_fault(self, said: str, retry_after: float | None = None) -> Fault:
        told = f"{self.endpoint} failed over there (HTTP {self.status}){_quoted(said)}."
        rule = "The system must be able to carry out what it is asked."
        remedy = "The next run tries again; if this stays, see its status page or its log."
        error = self._error(errors.ServerFault, told, rule, remedy)
        return Fault(error, passes=True, untouched=False, retry_after=retry_after)

    def rejected(self, said: str, kind: type[errors.Refused] | None, about: str) -> Fault:
        """Any other status of 400 to 499; ``kind`` if the adapter knows the system's own code for it."""
        meant: type[errors.AccountingError] = kind or _MEANING.get(self.status or 0, errors.Refused)
        what, rule, remedy = _REJECTED.get(meant, _REJECTED[errors.Refused])
        where = f"{self.endpoint}{f' for {about}' if about else ''}"
        told = f"{what.format(where)} (HTTP {self.status}){_quoted(said)}."
        # A time-out of the server's own, and "too early": the same request may do later.
        error = self._error(meant, told, rule, remedy)
        return Fault(error, passes=self.status in {408, 425}, untouched=self.status != 408)

    def _error(
        self, kind: type[errors.AccountingError], told: str, rule: str, remedy: str, retry_at: datetime | None = None
    ) -> errors.AccountingError:
        return kind(
            f"{self.system}: {told}",
            rule=rule,
            remedy=remedy,
            system=self.system,
            endpoint=self.endpoint,
            status=self.status,
            retry_at=retry_at,
        )


_MEANING = {
    401: errors.AuthenticationFailed,
    403: errors.AuthenticationFailed,
    404: errors.NotThere,
    410: errors.NotThere,
}

_REJECTED: dict[type[errors.AccountingError], tuple[str, str, str]] = {
    errors.NumberRefused: (
        "{} was refused for its number",
        "A number must be free there, and of a form that the system takes.",
        "Look for the document that bears it there; the next reconciliation shows it too.",
    ),
    errors.AuthenticationFailed: (
        "{} isn't allowed to us",
        "The credentials must be valid there, and reach as far as reading and writing invoices.",
        "See whether they were revoked, have run out, or lack a permission; then put the new ones in place.",
    ),
    errors.NotThere: (
        "there is nothing at {}",
        "What is asked for must be there.",
        "See whether it was deleted, and whether address and organisation in the settings are right.",
    ),
    errors.Refused: (
        "{} was refused",
        "The system takes what its own rules allow.",
        "Correct what it names; the same request would be refused again.",
    ),
}


def lost(error: errors.AccountingError) -> errors.AnswerLost:
    """What became of a request that can't be sent again without looking."""
    return errors.AnswerLost(
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
