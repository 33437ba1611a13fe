"""Going on after a failure that concerns one series alone: it is named in the end, and the others get their due."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from ledger.errors import LedgerError

#: What a run's error begins with, if it has done all but the work for these.
NOT_DONE = "Not done: "

#: Failures that are told one by one; of more there is a count.
_TOLD = 10

#: What the values of one row can bring about. A lost connection, a lock or a time limit concerns all, and is no such.
_OF_ONE = (LedgerError, DatabaseError, ValueError, ArithmeticError, LookupError, TypeError, RecursionError)


@dataclass(slots=True)
class Failures:
    """What failed, as ``name: problem``."""

    told: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self, name: str, alias: str, log: logging.Logger) -> Iterator[None]:
        """Note a failure of the block, which is the work for ``name``, and go on."""
        # Inside a transaction of the caller's, an error would end that.
        inside = connections[alias].in_atomic_block
        try:
            with transaction.atomic(using=alias) if inside else nullcontext():
                yield
        except (OperationalError, InterfaceError):
            raise
        except _OF_ONE as error:
            self.told.append(f"{name}: {_first_line(error)}")
            log.exception("The work for %s failed; it goes on with the next.", name)

    def __len__(self) -> int:
        return len(self.told)

    def __str__(self) -> str:
        more = f"; and {len(self) - _TOLD:,} more, which the log names" if len(self) > _TOLD else ""
        return f"{NOT_DONE}{'; '.join(self.told[:_TOLD])}{more}" if self.told else ""


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
