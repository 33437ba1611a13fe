"""An accounting system without a server: it makes up the requested count of documents, page by page."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, NoReturn

from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.http_options import HttpOptions
from workers.accounting.systems import System

_PAGE = 1000


class Generated(AccountingSystem):
    """Options: ``prefix`` and ``count`` of the numbers, and the ``day`` of all of them."""

    name: ClassVar[str] = "generated"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.CALLER}),
        changed_since=True,
        deletions=True,
        drafts=False,
        overlap=timedelta(minutes=5),
    )

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        self._prefix: str = system.option("prefix", "")
        self._count: int = system.option("count", 0)
        self._day = date.fromisoformat(system.option("day", "2026-01-01"))

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        now = datetime.now(UTC)
        for first in range(int(cursor or 1), self._count + 1, _PAGE):
            values = range(first, min(first + _PAGE, self._count + 1))
            page = [
                RemoteInvoice(f"id-{n}", f"{self._prefix}{n:06}", State.POSTED, self._day, f"order:{n}", now)
                for n in values
            ]
            yield Page(page, str(values[-1] + 1) if values[-1] < self._count else None)

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        self._refuse()

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        self._refuse()

    def cancel(self, remote_id: str) -> RemoteInvoice:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotImplementedError("the benchmark only reads")


def main() -> None:
    """Reconcile the system of the settings, and print what was read and the peak of this process's memory in MB."""
    import django

    django.setup()
    from workers.reconciliation import reconcile

    done = reconcile("read")
    assert done.compared is not None
    raised = sum(done.compared.raised.values())
    print(json.dumps({"documents": done.documents, "raised": raised, "peak": _peak()}))


def _peak() -> float:
    """The most memory that this process had, in MB. ``ru_maxrss`` begins with what the process had that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    [line] = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
