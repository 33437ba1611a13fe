"""A stand-in for Odoo: names are given at post, one after the highest; both of its interfaces.

After its documentation ("External JSON-2 API", "External RPC API") and the public source of the module `account`
(account_move.py, sequence_mixin.py), and what a real 19.0 did: a name is kept, whatever its year, and then not posted
if its year isn't the date's; it is given again if the last one was deleted; cancelling asks nothing; a product adds its
tax; an empty field is false; times are UTC, to the second.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from tests.accounting.standins.books import Document
from tests.accounting.standins.chosen_faults import ChosenFaults
from tests.accounting.standins.server import Fault, Reply, Request
from workers.accounting.base import State

DATABASE = "acme"
LOGIN = "folio@example.com"
USER = 7
COMPANY = 1
CURRENCIES = {"EUR": 125, "USD": 1}
_STATES = {State.DRAFT: "draft", State.POSTED: "posted", State.VOID: "cancel"}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda there, wanted: there in wanted,
}


class Complaint(Exception):
    """One of Odoo's exceptions: its HTTP status, its full name, and its message."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "name": name,
            "message": message,
            "arguments": [message],
            "context": {},
            "debug": "Traceback (most recent call last):\n  File ...",
        }


def needs(url: str) -> dict[str, Any]:
    """An adapter's settings for a stand-in at ``url``."""
    return {"organisation": str(COMPANY), "credentials": {"key": OdooStandIn.secret}, "options": {"database": DATABASE}}


class OdooStandIn(ChosenFaults):
    def __init__(self) -> None:
        super().__init__()
        #: The key that is good now.
        self.accepts = self.secret
        #: Up to version 18, the first draft of a year shows the name that it would get.
        self.shows_names_early = False
        #: Invoices that are hashed, and can't be reset to draft.
        self.locked: set[str] = set()
        #: Whether posting asks a person first, and does nothing.
        self.asks_first = False
        #: Whether a line gets the tax of its product, 15 %.
        self.adds_taxes = False
        #: What somebody else does right before the next invoice is posted.
        self.before_posting: Callable[[], object] | None = None

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        given = {"company_id": COMPANY, "move_type": "out_invoice", "posted_before": state is not State.DRAFT}
        return super().add(number, issued_on, reference, state, **(given | body))

    # Answers --------------------------------------------------------------------------------------------

    def replied(self, fault: Fault) -> Reply | None:
        if fault is Fault.EXPIRED:
            return Reply(401, Complaint(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey").body)
        if fault is Fault.ERROR_500:
            return Reply(500, Complaint(500, "psycopg2.OperationalError", "server closed the connection").body)
        return None

    def answer(self, request: Request) -> Reply:
        try:
            if request.path == "/jsonrpc":
                return self._json_rpc(request)
            return self._json_2(request)
        except Complaint as complaint:
            if self.echoes_secrets:
                complaint.body["message"] += f" ({request.headers} {request.body.decode()})"
            if request.path == "/jsonrpc":
                error = {"code": 200, "message": "Odoo Server Error", "data": complaint.body}
                return Reply(200, {"jsonrpc": "2.0", "id": 1, "error": error})
            return Reply(complaint.status, complaint.body)

    def _json_2(self, request: Request) -> Reply:
        if request.headers.get("authorization", "").casefold() != f"bearer {self.accepts}".casefold():
            raise Complaint(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["json", "2"] or len(parts) != 4 or request.method != "POST":
            raise Complaint(404, "werkzeug.exceptions.NotFound", "Did you mean POST /json/2/<model>/<method>?")
        if request.headers.get("x-odoo-database") != DATABASE:
            self.misfits.append("no database is named")
        given = dict(request.json)
        return Reply(200, self._call(parts[2], parts[3], given.pop("ids", None), given))

    def _json_rpc(self, request: Request) -> Reply:
        asked = request.json["params"]
        if (asked["service"], asked["method"]) == ("common", "authenticate"):
            right = asked["args"] == [DATABASE, LOGIN, self.accepts, {}]
            return Reply(200, {"jsonrpc": "2.0", "id": 1, "result": USER if right else False})
        database, user, key, model, method, positional, given = asked["args"]
        if (database, user, key) != (DATABASE, USER, self.accepts):
            raise Complaint(403, "odoo.exceptions.AccessDenied", "Access Denied")
        given = dict(given)
        ids = None
        if method == "create":
            (given["vals_list"],) = positional
        elif positional:
            (ids,) = positional
        return Reply(200, {"jsonrpc": "2.0", "id": 1, "result": self._call(model, method, ids, given)})

    def _call(self, model: str, method: str, ids: list[int] | None, given: dict[str, Any]) -> Any:
        if (model, method) == ("res.currency", "search_read"):
            (_, _, code) = given["domain"][0]
            return [{"id": CURRENCIES[code], "name": code}] if code in CURRENCIES else []
        if model != "account.move":
            raise Complaint(404, "werkzeug.exceptions.NotFound", f"the model {model!r} does not exist")
        if method == "search_read":
            return self._search_read(**given)
        if method == "create":
            return [self._create(**values) for values in given["vals_list"]]
        moves = [self._move(each) for each in ids or []]
        if not moves or given:
            raise Complaint(422, "werkzeug.exceptions.UnprocessableEntity", "missing a required argument: 'ids'")
        action = {"action_post": self._post, "button_cancel": self._cancel, "unlink": self._unlink}[method]
        return [action(each) for each in moves][-1]

    def _move(self, number: int) -> Document:
        there = self.documents.get(str(number))
        if there is None:
            raise Complaint(404, "odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        return there

    def _search_read(
        self, domain: list[list[Any]], fields: list[str], order: str, limit: int | None = None
    ) -> list[dict[str, Any]]:
        if order != "id asc" or not {"company_id", "move_type"} <= {field for field, _, _ in domain}:
            self.misfits.append(f"no order, or not of one company and kind: {order}, {domain}")
        found = list(self.documents.values())
        for field, sign, value in domain:
            if self.repeats_pages and (field, sign) == ("id", ">"):
                continue
            found = [each for each in found if _OPERATORS[sign](*_comparable(self._values(each), field, value))]
        found.sort(key=lambda each: int(each.key))
        return [{"id": int(each.key)} | self._shown(each, fields) for each in found[:limit]]

    def _values(self, there: Document) -> dict[str, Any]:
        return {
            **there.body,
            "id": int(there.key),
            "name": there.number or False,
            "state": _STATES[there.state],
            "invoice_date": there.issued_on.isoformat(),
            "invoice_origin": there.reference or False,
            "write_date": there.changed_at,
            "payment_state": there.body.get("payment_state", "not_paid"),
            "amount_total": there.body.get("amount_total", 0.0),
            "currency_id": [there.body.get("currency_id", 125), "EUR"],
            "partner_id": [there.body.get("partner_id", 7), "Ada Ltd"],
        }

    def _shown(self, there: Document, fields: list[str]) -> dict[str, Any]:
        values = self._values(there) | {"write_date": f"{there.changed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}
        return {field: values[field] for field in fields}

    def _create(self, **values: Any) -> int:
        if not isinstance(values["partner_id"], int) or values["partner_id"] != 7:
            raise Complaint(422, "odoo.exceptions.UserError", "The partner does not exist.")
        on = date.fromisoformat(values["invoice_date"])
        name = str(values.get("name") or "")
        if self.adds_taxes:
            values["amount_total"] = round(values["invoice_line_ids"][0][2]["price_unit"] * 1.15, 2)
        else:
            values.setdefault("amount_total", float(values["invoice_line_ids"][0][2]["price_unit"]))
        if not name and self.shows_names_early and not self._last(on):
            name = f"INV/{on.year}/00001"
        return int(self.add(name, on, values.get("invoice_origin", ""), State.DRAFT, **values))

    def _last(self, on: date) -> int:
        """The highest posted number of the year."""
        prefix = f"INV/{on.year}/"
        names = [each.number for each in self.documents.values() if each.body["posted_before"]]
        return max((int(name.removeprefix(prefix)) for name in names if name.startswith(prefix)), default=0)

    def _post(self, there: Document) -> object:
        if there.state is not State.DRAFT:
            raise Complaint(422, "odoo.exceptions.UserError", "The entry must be in draft.")
        if self.asks_first:
            return {"type": "ir.actions.act_window", "res_model": "validate.account.move"}
        if self.before_posting is not None:
            self.before_posting()
        years = re.findall(r"(?<!\d)((?:19|20|21)\d{2}|\d{2})(?=\D)", there.number)
        if years and int(years[-1]) % 100 != there.issued_on.year % 100:
            raise Complaint(422, "odoo.exceptions.ValidationError", "The Date doesn't match the sequence number.")
        name = there.number or f"INV/{there.issued_on.year}/{self._last(there.issued_on) + 1:05}"
        if any(each.number == name and each.state is State.POSTED for each in self.documents.values()):
            raise Complaint(422, "odoo.exceptions.ValidationError", "Another entry with the same name already exists.")
        there.number, there.state = name, State.POSTED
        there.body["posted_before"] = True
        self.touch(there.key)
        return False

    def _cancel(self, there: Document) -> object:
        if there.state is State.VOID:
            raise Complaint(422, "odoo.exceptions.UserError", "Only draft journal entries can be cancelled.")
        if there.key in self.locked:
            raise Complaint(422, "odoo.exceptions.UserError", "You cannot reset to draft a locked journal entry.")
        self.void(there.key)
        return True

    def _unlink(self, there: Document) -> object:
        if there.state is State.POSTED:
            raise Complaint(422, "odoo.exceptions.UserError", "You cannot delete a posted entry.")
        self.delete(there.key)
        return True


def _comparable(values: dict[str, Any], field: str, wanted: Any) -> tuple[Any, Any]:
    if field == "write_date":
        return values[field], datetime.fromisoformat(wanted).replace(tzinfo=UTC)
    return values[field], wanted
