"""A stand-in for QuickBooks Online: its query language, change data capture, request ids, voids, and deletions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, ClassVar

from tests.accounting.standins.books import Books, Document
from tests.accounting.standins.oauth import TokenServer
from tests.accounting.standins.server import Fault, Reply, Request
from workers.accounting.base import State

#: Intuit's servers live on the Pacific coast, and so do their times.
PACIFIC = timezone(timedelta(hours=-8))

_QUERY = re.compile(
    r"SELECT \* FROM (?P<entity>\w+)(?: WHERE (?P<where>.*?))?(?: ORDERBY (?P<order>[\w.]+))?"
    r"(?: STARTPOSITION (?P<start>\d+))?(?: MAXRESULTS (?P<most>\d+))?"
)
_CONDITION = re.compile(r"([\w.]+) (=|>=|LIKE) '((?:[^'\\]|\\.)*)'(?: AND |$)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    "LIKE": lambda a, b: re.fullmatch(re.escape(b).replace("%", ".*"), a) is not None,
}
ENTITIES = ["Invoice", "CreditMemo", "SalesReceipt", "RefundReceipt"]


class QuickBooksStandIn(Books):
    """``custom_numbers`` and ``warns_of_duplicates`` are the company's preferences."""

    example_key: ClassVar[str] = "145"
    allows_duplicates: ClassVar[bool] = True
    custom_numbers = True
    warns_of_duplicates = True
    captured_at_most = 1000
    #: In the company's language.
    void_word = "Voided"

    def __init__(self) -> None:
        super().__init__()
        # The same refresh token for a day, as Intuit has it.
        self.tokens = TokenServer("the-client-id", self.secret, f"refresh-{self.secret}", lives=3600, rotates=False)
        self.created: dict[str, datetime] = {}
        self._answered: dict[str, Reply] = {}

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        body.setdefault("PrivateNote", f"Folio: {reference}" if reference else "")
        key = super().add(number, issued_on, reference, state, **body)
        self.created[key] = self.now
        return key

    def secrets(self) -> Iterable[str]:
        return [self.secret, *self.tokens.secrets()]

    def replied(self, fault: Fault) -> Reply | None:
        if fault is Fault.LIMITED_SILENTLY:
            return _fault(429, "3001", "ThrottleExceeded", "message=ThrottleExceeded; errorCode=003001")
        if fault is Fault.EXPIRED:
            return self._unknown("the token has run out")
        return None

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/v1/tokens/bearer":
            return self.tokens.answer(request)
        if not self.tokens.admits(request):
            echo = f" {request.headers.get('authorization')}" if self.echoes_secrets else ""
            return self._unknown(f"Token expired{echo}")
        version, company, realm, what, *rest = request.path.strip("/").split("/")
        assert (version, company, request.asked("minorversion")) == ("v3", "company", "75")
        if realm != "org-1":
            return _fault(403, "3100", "ApplicationAuthorizationFailed", "the company isn't connected")
        if request.method == "POST":
            return self._once(request)
        if what == "preferences":
            return Reply(200, {"Preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": self.custom_numbers}}})
        if what == "cdc":
            return self._captured(_time(request.asked("changedSince")))
        if what == "query":
            return self._queried(request.asked("query"))
        there = self.documents.get(rest[0])
        return self._one(there) if there else _not_found(rest[0])

    def _unknown(self, detail: str) -> Reply:
        error = {"message": "message=AuthenticationFailed; errorCode=003200", "detail": detail, "code": "3200"}
        return Reply(401, {"warnings": None, "fault": {"error": [error], "type": "AUTHENTICATION"}})

    def _once(self, request: Request) -> Reply:
        key = request.asked("requestid")
        assert 0 < len(key) <= 50, "every request that writes bears a key"
        if key not in self._answered:
            reply = self._write(request)
            if reply.status != 200:
                return reply
            self._answered[key] = reply
        return self._answered[key]

    def _write(self, request: Request) -> Reply:
        sent = request.json
        if request.asked("operation") == "void":
            there = self.documents.get(sent["Id"])
            if there is None:
                return _not_found(sent["Id"])
            if sent["SyncToken"] != self._sync_token(there):
                return _fault(400, "5010", "Stale Object Error", "You and root were working on this at the same time.")
            self.void(there.key)
            return self._one(there)
        number = sent.get("DocNumber", "") if self.custom_numbers else f"QB-{len(self.documents) + 1}"
        taken = any(each.number == number for each in self.documents.values())
        if number and taken and self.warns_of_duplicates:
            return _fault(400, "6140", "Duplicate Document Number Error", f"DocNumber={number} is used already")
        if len(number) > 21:
            return _fault(400, "2050", "String length is too long", "Max length: 21")
        assert sent["CustomerRef"]["value"]
        assert all(line["Amount"] is not None for line in sent["Line"])
        reference = sent.get("PrivateNote", "").removeprefix("Folio: ")
        key = self.add(number, date.fromisoformat(sent["TxnDate"]), reference, **sent)
        return self._one(self.documents[key])

    def void(self, key: str) -> None:
        super().void(key)
        body = self.documents[key].body
        body["PrivateNote"] = " ".join(filter(None, [self.void_word, body.get("PrivateNote", "")]))
        body["Line"] = [{**line, "Amount": 0, "SalesItemLineDetail": {}} for line in body.get("Line", [])]

    def _captured(self, since: datetime) -> Reply:
        if self.now - since > timedelta(days=30):
            return _fault(400, "4001", "Invalid query", "changedSince must be within 30 days")
        changed = [each for each in self.documents.values() if each.changed_at >= since]
        rows: list[tuple[str, dict[str, Any]]] = [(_entity(each), self._json(each)) for each in changed]
        rows += [
            ("Invoice", {"domain": "QBO", "status": "Deleted", "Id": key, "MetaData": {"LastUpdatedTime": _text(at)}})
            for key, at in self.deleted.items()
            if at >= since
        ]
        parts = []
        for entity in ENTITIES:
            found = [row for kind, row in rows[: self.captured_at_most] if kind == entity]
            parts.append({entity: found, "startPosition": 1, "maxResults": len(found)} if found else {})
        return Reply(200, {"CDCResponse": [{"QueryResponse": parts}], "time": _text(self.now)})

    def _queried(self, text: str) -> Reply:
        query = _QUERY.fullmatch(text)
        if not text.isascii():
            return _fault(400, "4000", "Error parsing query", "QueryParserError: Encountered a lexical error")
        if query is None:
            return _fault(400, "4000", "Error parsing query", f"QueryParserError: {text}")
        found = [each for each in self.documents.values() if _entity(each) == query["entity"]]
        if not self.repeats_pages:
            conditions = query["where"] or ""
            while conditions:
                condition = _CONDITION.match(conditions)
                if condition is None:
                    return _fault(400, "4000", "Error parsing query", f"QueryParserError: {conditions}")
                name, operator, value = condition.groups()
                found = [each for each in found if self._holds(each, name, operator, re.sub(r"\\(.)", r"\1", value))]
                conditions = conditions[condition.end() :]
        if query["order"]:
            assert query["order"] == "MetaData.CreateTime"
            found.sort(key=lambda each: self.created[each.key])
        start = 1 if self.repeats_pages else int(query["start"] or 1)
        most = min(int(query["most"] or 100), 1000)
        rows = [self._json(each) for each in found[start - 1 : start - 1 + most]]
        part = {query["entity"]: rows, "startPosition": start, "maxResults": len(rows)} if rows else {}
        return Reply(200, {"QueryResponse": part, "time": _text(self.now)})

    def _holds(self, document: Document, name: str, operator: str, value: str) -> bool:
        if name == "DocNumber":
            return _COMPARE[operator](document.number, value)
        times = {"MetaData.CreateTime": self.created[document.key], "MetaData.LastUpdatedTime": document.changed_at}
        return _COMPARE[operator](times[name], _time(value))

    def _one(self, document: Document) -> Reply:
        return Reply(200, {"Invoice": self._json(document), "time": _text(self.now)})

    def _sync_token(self, document: Document) -> str:
        return str(int((document.changed_at - self.created[document.key]).total_seconds()))

    def _json(self, document: Document) -> dict[str, Any]:
        row: dict[str, Any] = {
            "domain": "QBO",
            "sparse": False,
            "Id": document.key,
            "SyncToken": self._sync_token(document),
            "MetaData": {
                "CreateTime": _text(self.created[document.key]),
                "LastUpdatedTime": _text(document.changed_at),
            },
            "DocNumber": document.number,
            "TxnDate": f"{document.issued_on:%Y-%m-%d}",
            "PrivateNote": document.body.get("PrivateNote", ""),
            "TotalAmt": 0 if document.state is State.VOID else document.body.get("TotalAmt", 100.0),
            "Line": document.body.get("Line", []),
        }
        # What is empty isn't there.
        return {name: value for name, value in row.items() if value != ""}


def _entity(document: Document) -> str:
    return str(document.body.get("entity", "Invoice"))


def _fault(status: int, code: str, message: str, detail: str) -> Reply:
    error = {"Message": message, "Detail": detail, "code": code}
    return Reply(status, {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-03-01T04:00:00-08:00"})


def _not_found(key: str) -> Reply:
    return _fault(400, "610", "Object Not Found", f"Object Not Found : Something you're trying to use, {key}, is gone.")


def _text(at: datetime) -> str:
    return at.astimezone(PACIFIC).isoformat(timespec="seconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
