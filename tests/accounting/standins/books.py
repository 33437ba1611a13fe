"""The documents of a stand-in, with their states, and what people do to them behind our back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from tests.accounting.standins.server import StandIn
from workers.accounting.base import State


@dataclass
class Document:
    """One document of the books. ``body`` is what was sent when it was made."""

    key: str
    number: str
    issued_on: date
    reference: str
    state: State
    changed_at: datetime
    body: dict[str, Any]


class Books(StandIn):
    """Documents in a dict, by key; a deletion moves a document's key to ``deleted``."""

    #: A key of the vendor's form.
    example_key: ClassVar[str] = "1"
    #: Whether two documents may bear one number.
    allows_duplicates: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, Document] = {}
        self.deleted: dict[str, datetime] = {}
        #: What came or went that isn't of the vendor's published shape.
        self.misfits: list[str] = []
        #: Every page but the first is the first one again.
        self.repeats_pages = False
        #: Refusals quote the credentials that came, as careless servers do.
        self.echoes_secrets = False
        self._last_key = 0

    def new_key(self) -> str:
        self._last_key += 1
        return str(self._last_key)

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        """Somebody makes a document there; its key."""
        with self.lock:
            key = self.new_key()
            self.documents[key] = Document(key, number, issued_on, reference, state, self.now, dict(body))
            return key

    def touch(self, key: str) -> None:
        """Somebody changes something that has nothing to do with numbers."""
        with self.lock:
            self.documents[key].changed_at = self.now

    def renumber(self, key: str, number: str) -> None:
        with self.lock:
            self.documents[key].number = number
            self.touch(key)

    def void(self, key: str) -> None:
        with self.lock:
            self.documents[key].state = State.VOID
            self.touch(key)

    def delete(self, key: str) -> None:
        with self.lock:
            del self.documents[key]
            self.deleted[key] = self.now

    def lose(self, key: str) -> None:
        """As if the document had never been made: it leaves no trace."""
        with self.lock:
            del self.documents[key]

    def keys(self) -> list[str]:
        """The keys of all documents, oldest first."""
        return list(self.documents)

    def facts(self) -> list[tuple[str, str, State]]:
        """Number, reference and state of each document, oldest first."""
        with self.lock:
            return [(each.number, each.reference, each.state) for each in self.documents.values()]

    def secrets(self) -> Iterable[str]:
        """Every secret that must not appear anywhere."""
        return [self.secret]
