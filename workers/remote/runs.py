"""What a run of the refill works with: the pools it has claimed, its counts, and what the settings say of drafts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from ledger.errors import ConcurrencyError, LedgerError
from ledger.remote import Claim
from workers.accounting import credentials
from workers.accounting.errors import AccountingError, Misconfigured


@dataclass
class Counts:
    """What a run did, in drafts; ``failed`` in series."""

    drafted: int = 0
    refused: int = 0
    withdrawn: int = 0
    in_flight: int = 0
    failed: int = 0


@dataclass
class Pool:
    """One pool that this run has claimed, and how it does."""

    claim: Claim
    error: AccountingError | LedgerError | None = None
    wanted: int | None = None

    @property
    def needs_person(self) -> bool:
        if self.error is None or isinstance(self.error, ConcurrencyError):
            return False
        return not getattr(self.error, "retryable", False)


@dataclass(frozen=True)
class DraftOptions:
    """What the option ``drafts`` of a system says: how many, and what the accounting software wants to know of each."""

    least: int = 20
    most: int = 500
    customer: str = ""
    total: Decimal | None = None
    currency: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def options_of(system: credentials.System) -> DraftOptions:
    given = system.option("drafts", {})
    known = {"least", "most", "customer", "total", "currency", "extra"}
    values = dict(given)
    problems = [f"has the unknown key {key!r}" for key in sorted(set(given) - known)]
    for name in ("least", "most"):
        count = values.get(name, 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            problems.append(f"has {count!r} for {name!r}, which is no count")
    if "total" in values:
        try:
            values["total"] = Decimal(str(values["total"]))
        except InvalidOperation:
            problems.append(f"has {values['total']!r} for 'total', which is no amount")
    if problems:
        raise Misconfigured(
            f"{system.name}: the option 'drafts' {' and '.join(problems)}.",
            rule=f"Its keys are {', '.join(sorted(known))}; 'least' and 'most' are counts of drafts.",
            remedy=f"Correct {credentials.SETTING} in the settings.",
            system=system.name,
        )
    return DraftOptions(**values)
