"""An accounting system on paper: a test writes its documents, and they are read into the mirror as workers do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

from ledger.kinds import RemoteInvoice
from ledger.models import FindingRaised
from ledger.reconciliation import BookSettings, Compared, compare
from ledger.reconciliation.findings import findings
from ledger.reconciliation.mirror import Expected, ReadPolicy, begin, expect, save_page

DAY = date(2026, 3, 1)
POLICY = ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7))


@dataclass(frozen=True, slots=True)
class Paper(RemoteInvoice):
    """One document there."""

    state: str = "posted"
    issued_on: date | None = DAY
    reference: str = ""
    changed_at: datetime | None = None


@dataclass
class PaperSystem:
    """Documents by key. ``read()`` tells the mirror of all of them; ``tell()`` of some, as a list of changes does."""

    books: BookSettings = field(default_factory=lambda: BookSettings("books", grace=timedelta(0)))
    papers: dict[str, Paper] = field(default_factory=dict)

    def put(self, remote_id: str, number: str, **facts: Any) -> Paper:
        self.papers[remote_id] = Paper(remote_id, number, **facts)
        return self.papers[remote_id]

    def change(self, remote_id: str, **facts: Any) -> Paper:
        self.papers[remote_id] = replace(self.papers[remote_id], **facts)
        return self.papers[remote_id]

    def expect(self, *expected: Expected) -> Self:
        """Tell the ledger what the system should have."""
        expect(self.books, expected)
        return self

    def read(self) -> None:
        reading = begin(self.books, POLICY, full=True)
        assert save_page(self.books, reading, list(self.papers.values()), next_cursor=None) is None

    def tell(self, papers: Iterable[Paper] = ()) -> None:
        reading = begin(self.books, POLICY)
        assert not reading.full
        assert save_page(self.books, reading, list(papers), next_cursor=None) is None

    def compare(self, *, full: bool = False) -> Compared:
        return compare(self.books, full=full)

    def differs(self, *, full: bool = False) -> set[tuple[str, str]]:
        """Read everything, compare, and return the unresolved findings."""
        self.read()
        self.compare(full=full)
        return self.open()

    def open(self) -> set[tuple[str, str]]:
        found = [(each.kind, each.subject) for each in findings(tenant=self.books.tenant, system=self.books.system)]
        assert len(found) == len(set(found)), "a finding is raised once"
        return set(found)

    def raised(self) -> list[tuple[str, str, int]]:
        """Every finding that was ever raised, with its occurrence."""
        rows = FindingRaised.objects.filter(system=self.books.system).order_by("pk")
        return list(rows.values_list("kind", "subject", "occurrence"))
