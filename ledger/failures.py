"""Going on after a failure of a single series: it is reported at the end, and all others are still done."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connections, transaction

from ledger.database_errors import concerns_all, not_granted
from ledger.errors import LedgerError

#: The beginning of a run's error, if it has done everything but the work that it names.
NOT_DONE = "Not done: "

#: How many failures are named; the others are counted.
_TOLD = 10

#: Errors that the values of one row can cause. A lost connection, a lock, a time limit, a missing purpose or a
#: database that takes no writes concerns all work.
_OF_ONE = (LedgerError, DatabaseError, ValueError, ArithmeticError, LookupError, TypeError, RecursionError)


@dataclass(slots=True)
class Failures:
    """What failed, as ``name: problem``."""

    told: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self, name: str, alias: str, log: logging.Logger) -> Iterator[None]:
        """Note a failure of the block, which is the work for ``name``, and go on."""
        # Inside a transaction of the caller, an error would end that transaction.
        inside = connections[alias].in_atomic_block
        try:
            with transaction.atomic(using=alias) if inside else nullcontext():
                yield
        except (OperationalError, InterfaceError):
            raise
        except _OF_ONE as error:
            if isinstance(error, Error) and concerns_all(error):
                raise
            denied = not_granted(error, "it needs") if isinstance(error, Error) else None
            first_line = str(error).partition("\n")[0][:300]
            said = f"{type(error).__name__}: {first_line}" if denied is None else str(denied)
            self.told.append(f"{name}: {said}")
            unexpected = denied is None and not isinstance(error, LedgerError)
            log.error("The work for %s failed (%s); the next one follows.", name, said, exc_info=unexpected)

    def __len__(self) -> int:
        return len(self.told)

    def __str__(self) -> str:
        more = f"; and {len(self) - _TOLD:,} more, which the log names" if len(self) > _TOLD else ""
        return f"{NOT_DONE}{'; '.join(self.told[:_TOLD])}{more}" if self.told else ""
