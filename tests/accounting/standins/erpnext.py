"""A stand-in for ERPNext: a naming series that numbers drafts, and gives the number of a deleted last draft again.

After frappe/model/naming.py, frappe/model/delete_doc.py and frappe/api/v1.py of its public source, and what a real
15.90 did: the name is the key, and bears the year of the clock; an unknown customer is answered with 500;
a deletion is kept as a "Deleted Document"; docstatus goes 0, 1, 2 and no other way; texts are compared as MariaDB does,
without regard to case; times bear no zone and are those of the site.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from tests.accounting.standins.books import Document
from tests.accounting.standins.chosen_faults import ChosenFaults
from tests.accounting.standins.server import Fault, Reply, Request
from workers.accounting.base import State

API_KEY = "the-api-key"
COMPANY = "org-1"
PREFIX = "ACC-SINV-2026-"
_DOCSTATUS = {State.DRAFT: 0, State.POSTED: 1, State.VOID: 2}
_STATES = {docstatus: state for state, docstatus in _DOCSTATUS.items()}
_INVOICES = "/api/resource/Sales Invoice"
_DELETED = "/api/resource/Deleted Document"
_OPERATORS: dict[str, Callable[[str, str], bool]] = {"=": operator.eq, ">": operator.gt, ">=": operator.ge}


def needs(url: str) -> dict[str, Any]:
    """An adapter's settings for a stand-in at ``url``."""
    return {
        "organisation": COMPANY,
        "credentials": {"key": API_KEY, "secret": ERPNextStandIn.secret},
        "options": {"item_code": "SALE"},
    }


class ERPNextStandIn(ChosenFaults):
    example_key: ClassVar[str] = f"{PREFIX}00001@2026-03-01 17:30:00.000001"

    def __init__(self) -> None:
        super().__init__()
        self.zone = ZoneInfo("Asia/Kolkata")
        #: What the naming series makes of the clock.
        self.prefix = PREFIX
        #: The counter of the series, as tabSeries has it.
        self.current = 0
        self.graveyard: list[dict[str, Any]] = []
        #: Whether the user may read what was deleted, which takes System Manager.
        self.shows_deletions = True
        #: Whether po_no is a field that takes nothing twice.
        self.unique_reference = False
        #: What somebody else does right before the next document is inserted.
        self.before_inserting: Callable[[], object] | None = None

    # What people do there -------------------------------------------------------------------------------

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        with self.lock:
            if not number:
                self.current += 1
                number = f"{self.prefix}{self.current:05}"
            assert self.named(number) is None, "a name is a key"
            self._last_key += 1
            created = self._stamp(self.now + timedelta(microseconds=self._last_key))
            key = f"{number}@{created}"
            facts = {"creation": created, "company": COMPANY, **body}
            self.documents[key] = Document(key, number, issued_on, reference, state, self.now, facts)
            return key

    def delete(self, key: str) -> None:
        with self.lock:
            there = self.documents.pop(key)
            self._last_key += 1
            row = {
                "name": f"{self._last_key:010x}",
                "deleted_doctype": "Sales Invoice",
                "deleted_name": there.number,
                "creation": self._stamp(self.now),
                "data": json.dumps(self._document(there)),
            }
            self.graveyard.append(row)
            if there.number == f"{self.prefix}{self.current:05}":
                self.current -= 1

    def named(self, name: str) -> Document | None:
        return next((each for each in self.documents.values() if each.number.casefold() == name.casefold()), None)

    # Answers --------------------------------------------------------------------------------------------

    def replied(self, fault: Fault) -> Reply | None:
        if fault is Fault.EXPIRED:
            return _error(401, "AuthenticationError", "")
        if fault is Fault.ERROR_500:
            return _error(500, "OperationalError", "Lost connection to server during query")
        if fault is Fault.LIMITED:
            headers = {"Retry-After": str(self.retry_after), "X-RateLimit-Remaining": "0"}
            return Reply(429, b"Too Many Requests", {"Content-Type": "text/html", **headers})
        return None

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"token {API_KEY}:{self.secret}":
            return _error(401, "AuthenticationError", "")
        if request.path == "/api/method/frappe.client.get_time_zone":
            return Reply(200, {"message": {"time_zone": self.zone.key}})
        if request.path == _DELETED and not self.shows_deletions:
            return _error(403, "PermissionError", "No permission for Deleted Document")
        if request.path == _DELETED:
            return self._list(request, self.graveyard)
        if request.path == _INVOICES and request.method == "GET":
            return self._list(request, [self._document(each) for each in self.documents.values()])
        if request.path == _INVOICES and request.method == "POST":
            return self._insert(request)
        return self._one(request)

    def _list(self, request: Request, rows: list[dict[str, Any]]) -> Reply:
        if request.asked("order_by") != "name asc" or not request.asked("limit_page_length"):
            self.misfits.append(f"no order or length: {request.query}")
        for field, sign, value in json.loads(request.asked("filters", "[]")):
            if self.repeats_pages and (field, sign) == ("name", ">"):
                continue
            rows = [row for row in rows if _OPERATORS[sign](_comparable(field, row[field]), _comparable(field, value))]
        rows = sorted(rows, key=lambda row: str(row["name"]).casefold())
        fields = json.loads(request.asked("fields"))
        length = int(request.asked("limit_page_length")) or len(rows)
        return Reply(200, {"data": [{field: row[field] for field in fields} for row in rows[:length]]})

    def _one(self, request: Request) -> Reply:
        if not request.path.startswith(f"{_INVOICES}/"):
            return _error(404, "DoesNotExistError", "Not found")
        name = request.path.removeprefix(f"{_INVOICES}/")
        there = self.named(name)
        if there is None:
            return _error(404, "DoesNotExistError", f"Sales Invoice {name} not found{self._echo(request)}")
        if request.method == "PUT":
            return self._save(request, there)
        if request.method == "DELETE":
            if there.state is State.POSTED:
                return _error(417, "ValidationError", f"Sales Invoice {name}: Submitted Record cannot be deleted.")
            self.delete(there.key)
            return Reply(202, {"data": "ok"})
        return Reply(200, {"data": self._document(there)})

    def _insert(self, request: Request) -> Reply:
        sent = request.json
        if refusal := self._refusal(request, sent):
            return refusal
        if self.before_inserting is not None:
            self.before_inserting()
        taken = {each.reference.casefold() for each in self.documents.values()}
        if self.unique_reference and sent["po_no"].casefold() in taken:
            return _error(409, "DuplicateEntryError", f"Duplicate entry '{sent['po_no']}' for key 'po_no'")
        on = date.fromisoformat(sent["posting_date"])
        key = self.add("", on, sent.get("po_no", ""), _STATES[sent.get("docstatus", 0)], **sent)
        return Reply(200, {"data": self._document(self.documents[key])})

    def _save(self, request: Request, there: Document) -> Reply:
        sent = dict(request.json)
        before, after = _DOCSTATUS[there.state], sent.pop("docstatus", _DOCSTATUS[there.state])
        if (before, after) not in {(0, 0), (0, 1), (1, 1), (1, 2)}:
            return _error(417, "DocstatusTransitionError", f"Cannot change docstatus from {before} to {after}")
        if before == 1 and sent:
            return _error(417, "UpdateAfterSubmitError", f"Not allowed to change {', '.join(sent)} after submission")
        if sent and (refusal := self._refusal(request, sent)):
            return refusal
        there.state = _STATES[after]
        there.reference = sent.get("po_no", there.reference)
        there.issued_on = date.fromisoformat(sent.get("posting_date", there.issued_on.isoformat()))
        there.body |= sent
        self.touch(there.key)
        return Reply(200, {"data": self._document(there)})

    def _refusal(self, request: Request, sent: dict[str, Any]) -> Reply | None:
        for field in ("company", "customer", "posting_date", "items"):
            if not sent.get(field):
                message = f"[Sales Invoice, None]: <b>{field}</b>{self._echo(request)}"
                return _error(417, "MandatoryError", message)
        if sent["customer"] != "C-1":
            return _error(500, "DoesNotExistError", f"Customer {sent['customer']} not found")
        if not any(line.get("item_code") or line.get("income_account") for line in sent["items"]):
            return _error(417, "ValidationError", f"Income Account None does not belong to Company {COMPANY}")
        if sent.get("set_posting_time") != 1 or "name" in sent:
            self.misfits.append(f"ERPNext would take another date, or drop the name: {sent}")
        return None

    def _document(self, there: Document) -> dict[str, Any]:
        return {
            "doctype": "Sales Invoice",
            "grand_total": sum(float(each.get("rate", 0)) * each.get("qty", 1) for each in there.body.get("items", [])),
            "currency": "EUR",
            "customer": "C-1",
            "is_return": "0",
            **there.body,
            "name": there.number,
            "docstatus": _DOCSTATUS[there.state],
            "posting_date": there.issued_on.isoformat(),
            "po_no": there.reference or None,
            "modified": self._stamp(there.changed_at),
        }

    def _stamp(self, at: datetime) -> str:
        """As `str` writes it, which omits a fraction of zero."""
        return str(at.astimezone(self.zone).replace(tzinfo=None))

    def _echo(self, request: Request) -> str:
        return f" ({request.headers.get('authorization')})" if self.echoes_secrets else ""


def _comparable(field: str, value: str | None) -> str:
    """Texts as MariaDB compares them, and times as times."""
    if field in {"creation", "modified"}:
        return datetime.fromisoformat(value or "").isoformat(timespec="microseconds")
    return (value or "").casefold().rstrip()


def _error(status: int, kind: str, message: str) -> Reply:
    """As Frappe writes it: the message for a person in JSON inside JSON, and a traceback beside it."""
    body = {
        "exception": f"frappe.exceptions.{kind}: {message}",
        "exc_type": kind,
        "exc": json.dumps(["Traceback (most recent call last):\n  File ..."]),
        "_server_messages": json.dumps([json.dumps({"message": message, "indicator": "red"})] if message else []),
    }
    return Reply(status, body)
