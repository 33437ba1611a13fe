"""A stand-in for Xero: numbers drafts, keeps numbers unique among the living, knows idempotency keys, pages by 100."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from tests.accounting.standins.books import Books, Document
from tests.accounting.standins.oauth import TokenServer
from tests.accounting.standins.server import Fault, Reply, Request
from tests.accounting.standins.shapes import misfits
from workers.accounting.base import State

STATUS = {State.DRAFT: "DRAFT", State.POSTED: "AUTHORISED", State.VOID: "VOIDED", State.DELETED: "DELETED"}
DEAD = {State.VOID, State.DELETED}


class XeroStandIn(Books):
    """``prefix`` and ``next_number`` are the organisation's invoice settings."""

    example_key: ClassVar[str] = "00000000-0000-4000-8000-000000000001"
    prefix = "XERO-"
    next_number = 1

    def __init__(self) -> None:
        super().__init__()
        self.tokens = TokenServer("the-client-id", self.secret, f"refresh-{self.secret}")
        self._answered: dict[str, tuple[bytes, Reply]] = {}

    def new_key(self) -> str:
        # Neither in the order of making, nor random from run to run.
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"invoice {super().new_key()}"))

    def delete(self, key: str) -> None:
        with self.lock:
            self.documents[key].state = State.DELETED
            self.touch(key)

    def secrets(self) -> Iterable[str]:
        return [self.secret, *self.tokens.secrets()]

    def replied(self, fault: Fault) -> Reply | None:
        if fault is Fault.EXPIRED:
            return Reply(401, {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired"})
        if fault is Fault.LIMITED:
            headers = {"Retry-After": str(self.retry_after), "X-Rate-Limit-Problem": "minute"}
            return Reply(429, b"", headers)
        return None

    def answer(self, request: Request) -> Reply:
        if request.path == "/connect/token":
            return self.tokens.answer(request)
        if not self.tokens.admits(request):
            return Reply(401, {"Title": "Unauthorized", "Status": 401, "Detail": f"TokenExpired{self._echo(request)}"})
        if request.headers.get("xero-tenant-id") != "org-1":
            return Reply(403, {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"})
        parts = request.path.strip("/").split("/")
        if parts == ["CreditNotes"]:
            return self._list(request, "ACCRECCREDIT", "CreditNoteID")
        if parts[0] != "Invoices":
            return Reply(404, b"The resource you're looking for cannot be found")
        if request.method in {"PUT", "POST"}:
            return self._once(request, parts)
        if len(parts) == 2:
            there = self.documents.get(parts[1])
            return self._several([there]) if there else Reply(404, b"The resource you're looking for cannot be found")
        return self._list(request)

    def _echo(self, request: Request) -> str:
        return f" ({request.headers.get('authorization')})" if self.echoes_secrets else ""

    def _once(self, request: Request, parts: list[str]) -> Reply:
        """The same answer for the same idempotency key; another request under that key is a mistake."""
        key = request.headers.get("idempotency-key", "")
        assert 0 < len(key) <= 128, "every request that writes bears a key"
        if key in self._answered:
            body, reply = self._answered[key]
            if body != request.body:
                return Reply(400, {"Type": "IdempotencyException", "Message": "the key was used for something else"})
            return reply
        reply = self._write(request, parts)
        if reply.status == 200:
            self._answered[key] = (request.body, reply)
        return reply

    def _write(self, request: Request, parts: list[str]) -> Reply:
        self.misfits += [f"request {each}" for each in misfits("xero", request.json)]
        (sent,) = request.json["Invoices"]
        if len(parts) == 2:
            return self._changed(parts[1], sent)
        assert request.method == "PUT", "POST would change the invoice that has the number"
        number = sent.get("InvoiceNumber", "")
        if number and any(each.number == number and each.state not in DEAD for each in self.documents.values()):
            return self._invalid(sent, "Invoice # must be unique.")
        if sent["Status"] == "AUTHORISED" and not all(line.get("AccountCode") for line in sent["LineItems"]):
            return self._invalid(sent, "Account code must be specified.")
        if not number:
            number = f"{self.prefix}{self.next_number:04}"
            self.next_number += 1
        state = State.DRAFT if sent["Status"] == "DRAFT" else State.POSTED
        key = self.add(number, date.fromisoformat(sent["Date"]), sent.get("Reference", ""), state, **sent)
        return self._several([self.documents[key]])

    def _changed(self, key: str, sent: dict[str, Any]) -> Reply:
        there = self.documents.get(key)
        if there is None:
            return Reply(404, b"The resource you're looking for cannot be found")
        allowed = {(State.DRAFT, "DELETED"), (State.POSTED, "VOIDED"), (State.DRAFT, "AUTHORISED")}
        if (there.state, sent["Status"]) not in allowed:
            return self._invalid(sent, "Invoice not of valid status for modification")
        there.state = {"DELETED": State.DELETED, "VOIDED": State.VOID, "AUTHORISED": State.POSTED}[sent["Status"]]
        there.reference = sent.get("Reference", there.reference)
        there.number = sent.get("InvoiceNumber", there.number)
        if "Date" in sent:
            there.issued_on = date.fromisoformat(sent["Date"])
        self.touch(key)
        return self._several([there])

    def _invalid(self, sent: dict[str, Any], message: str) -> Reply:
        element = {**sent, "HasErrors": True, "ValidationErrors": [{"Message": message}]}
        return Reply(
            400,
            {
                "ErrorNumber": 10,
                "Type": "ValidationException",
                "Message": "A validation exception occurred",
                "Elements": [element],
            },
        )

    def _list(self, request: Request, kind: str = "ACCREC", order: str = "InvoiceID") -> Reply:
        found = sorted(self.documents.values(), key=lambda each: each.key)
        found = [each for each in found if each.body.get("Type", "ACCREC") == kind]
        assert request.asked("order") == order
        assert request.asked("where") == f'Type=="{kind}"'
        if since := request.headers.get("if-modified-since"):
            after = datetime.fromisoformat(since)
            assert after.tzinfo is not None, "a date-time of RFC 3339"
            found = [each for each in found if each.changed_at > after]
        if numbers := request.asked("InvoiceNumbers"):
            found = [each for each in found if each.number in numbers.split(",")]
        if term := request.asked("searchTerm").lower():
            found = [each for each in found if term in each.number.lower() or term in each.reference.lower()]
        size = int(request.asked("pageSize", "100"))
        number = 1 if self.repeats_pages else int(request.asked("page", "1"))
        pagination = {"page": number, "pageSize": size, "pageCount": -(-len(found) // size), "itemCount": len(found)}
        page = found[(number - 1) * size : number * size]
        if kind == "ACCRECCREDIT":
            return Reply(200, {"pagination": pagination, "CreditNotes": [_credit_note(each) for each in page]})
        return self._several(page, pagination=pagination)

    def _several(self, documents: list[Document], **envelope: Any) -> Reply:
        body = {
            "Id": "900c500b-e83c-4ce2-902a-b8ba04751748",
            "Status": "OK",
            "ProviderName": "Folio",
            "DateTimeUTC": _stamp(self.now),
            **envelope,
            "Invoices": [_json(each) for each in documents],
        }
        self.misfits += [f"answer {each}" for each in misfits("xero", body)]
        return Reply(200, body)


def _credit_note(document: Document) -> dict[str, Any]:
    shown = _json(document)
    shown |= {"Type": "ACCRECCREDIT", "CreditNoteID": shown.pop("InvoiceID")}
    return shown | {"CreditNoteNumber": shown.pop("InvoiceNumber")}


def _json(document: Document) -> dict[str, Any]:
    at = datetime.combine(document.issued_on, datetime.min.time(), tzinfo=UTC)
    return {
        "Type": "ACCREC",
        "InvoiceID": document.key,
        "InvoiceNumber": document.number,
        "Reference": document.reference,
        "Payments": [],
        "AmountDue": 100.0,
        "SentToContact": False,
        "HasErrors": False,
        "Contact": {"ContactID": str(uuid.uuid5(uuid.NAMESPACE_URL, "contact")), "Name": "Rosa"},
        "DateString": f"{document.issued_on:%Y-%m-%d}T00:00:00",
        "Date": _stamp(at),
        "Status": STATUS[document.state],
        "LineAmountTypes": "Inclusive",
        "LineItems": [],
        "Total": 100.0,
        "UpdatedDateUTC": _stamp(document.changed_at),
        "CurrencyCode": "EUR",
    }


def _stamp(at: datetime) -> str:
    return f"/Date({int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))}+0000)/"
