"""ERPNext 13 and later (its answers were tested against 15.90): it numbers a draft when it is made.

So drafts can be kept as a pool: ``draft`` makes one, ``push`` with its key completes and submits it.

    "books": {"adapter": "erpnext", "url": "https://erp.example.com", "organisation": "Acme Ltd",
              "credentials": {"ENV": "ERPNEXT_"}}         # ERPNEXT_KEY and ERPNEXT_SECRET of a user of its own

A document's name is its number and its key, and **ERPNext gives names again**: deleting the last draft sets the
counter of its series back, and the next draft gets the number. So our key is the name and the time of creation, and
Folio changes no document that merely has the right name. Deletions are read from the "Deleted Document" list, which
needs the role System Manager; without it, set the option ``deletions`` to False.

A naming series fills ``.YYYY.`` and ``.MM.`` from the clock, not from the posting date, so no draft is made before its
period begins. A correction there is *Cancel and Amend*, which numbers the new document ``…-1``.

Our document's key goes into ``po_no`` or, better, into a custom field that is Unique: then ERPNext itself refuses a
second document for one sale, even from two callers at once.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.credentials import token_pair
from workers.accounting.errors import Misconfigured, NotThere, Refused
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions
from workers.accounting.responses import Answer, Record
from workers.accounting.systems import System

_STATES = {0: State.DRAFT, 1: State.POSTED, 2: State.VOID}
_AMOUNT = ["grand_total", "currency", "customer"]
_INVOICES = "api/resource/Sales%20Invoice"
_DELETED = "api/resource/Deleted%20Document"
#: Cursors begin with their list: first the living documents, then the deleted ones.
_LIVING, _GONE = "living:", "gone:"


class ERPNext(AccountingSystem):
    """Sales invoices and returns of one company.

    Options: ``naming_series``; ``item_code`` or ``income_account`` of the line that we make (one is needed if ``extra``
    has no items); ``reference_field``; ``deletions``; ``time_zone`` of the site (ERPNext is asked if it isn't given);
    ``page_size``; and ``delete_drafts``: cancelling then deletes a draft, which frees its number for the next document,
    instead of submitting and cancelling it.
    """

    name: ClassVar[str] = "erpnext"
    endpoint: ClassVar[str] = f"GET {_INVOICES}"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.AT_DRAFT}),
        changed_since=True,
        deletions=True,
        drafts=True,
        numbers_by_clock=True,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE}),
        number_kept=False,
        # Changes are dated by the clock of the process that writes, before it commits.
        overlap=timedelta(minutes=15),
    )

    _client: Client

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        self._company = system.required("organisation")
        self._page_size = system.option("page_size", 500)
        self._reference = system.option("reference_field", "po_no")
        self._series = system.option("naming_series", "")
        self._item = system.option("item_code", "")
        self._income = system.option("income_account", "")
        self._deletes_drafts = system.option("delete_drafts", False)
        self._zone_name = system.option("time_zone", "")
        self._zone: ZoneInfo | None = None
        if not system.option("deletions", True):
            self.capabilities = replace(self.capabilities, deletions=False)
        self._client = Client.of(
            system,
            http_options,
            authentication=token_pair(system.credentials["key"], system.credentials["secret"]),
            explain=_explain,
        )

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """In the order of names; each page begins after the last name, so changes meanwhile move nothing."""
        return self.pages(lambda at: self._page(since, at or _LIVING), cursor)

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        field, wanted = ("name", number) if number else (self._reference, reference)
        # A credit note copies the reference of the invoice that it is made from.
        found = self._living([[field, "=", wanted], *([] if number else [["is_return", "=", "0"]])])
        # MariaDB ignores case, and spaces at the end.
        return [each for each in found if wanted == (each.number if number else each.reference)]

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """A draft of the pool is completed and submitted; without ``draft_id``, ERPNext numbers a new document."""
        there = self._one(invoice.reference)
        if invoice.draft_id and (there is None or there.remote_id == invoice.draft_id):
            there = self._slot(invoice)
        if there is None:
            there = self._make(invoice, docstatus=1)
        return self._become(there, 1, self._values(invoice)) if there.state is State.DRAFT else there

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        return self._one(invoice.reference) or self._make(invoice, docstatus=0)

    def cancel(self, remote_id: str) -> RemoteInvoice:
        """A draft is submitted first, so that its number stays visible and is not given again."""
        there = self.read(remote_id)
        if there.state is State.DRAFT and self._deletes_drafts:
            return self._delete(there)
        if there.state is State.DRAFT:
            there = self._become(there, 1, {})
        return self._become(there, 2, {}) if there.state is State.POSTED else there

    # Reading --------------------------------------------------------------------------------------------

    def _page(self, since: datetime | None, cursor: str) -> Page:
        """One page; the last page of the living includes the first of the deleted, so that no page is empty."""
        if cursor.startswith(_GONE):
            return self._gone(since, cursor.removeprefix(_GONE))
        after = cursor.removeprefix(_LIVING)
        filters = [["modified", ">=", self._local(since)]] if since is not None else []
        found = self._living([*filters, ["name", ">", after]] if after else filters, limit=self._page_size + 1)
        here = found[: self._page_size]
        if len(found) > len(here):
            return Page(here, _LIVING + here[-1].number)
        if not self.capabilities.deletions:
            return Page(here, None)
        first = self._gone(since, "")
        return Page([*here, *first.invoices], first.next_cursor)

    def _living(self, filters: list[list[str]], limit: int = 0) -> list[RemoteInvoice]:
        fields = ["name", "docstatus", "posting_date", "modified", "creation", self._reference, *_AMOUNT]
        answer = self._list(_INVOICES, fields, [["company", "=", self._company], *filters], limit)
        return [self._invoice(each) for each in answer.record.records("data")]

    def _gone(self, since: datetime | None, after: str) -> Page:
        filters = [["deleted_doctype", "=", "Sales Invoice"]]
        if since is not None:
            filters.append(["creation", ">=", self._local(since)])
        if after:
            filters.append(["name", ">", after])
        answer = self._list(_DELETED, ["name", "deleted_name", "creation", "data"], filters, self._page_size + 1)
        rows = answer.record.records("data")
        here = rows[: self._page_size]
        invoices = [self._deleted(each) for each in here if self._document(each).get("company") == self._company]
        return Page(invoices, _GONE + here[-1].text("name") if len(rows) > len(here) else None)

    def _list(self, path: str, fields: list[str], filters: list[list[str]], limit: int) -> Answer:
        return self._client.get(
            path,
            params={
                "fields": json.dumps(fields),
                "filters": json.dumps(filters),
                "order_by": "name asc",
                # 0 is all of them; the default is twenty.
                "limit_page_length": limit,
            },
        )

    def _one(self, reference: str) -> RemoteInvoice | None:
        """The document with ``reference``: a posted one before a draft, a draft before a void one."""
        order: list[str] = [State.POSTED, State.DRAFT, State.VOID]
        return min(self.find(reference=reference), key=lambda each: order.index(each.state), default=None)

    def _slot(self, invoice: NewInvoice) -> RemoteInvoice:
        """The draft of the pool that this document was given; NumberRefused if it is no longer a draft."""
        there = None
        with suppress(NotThere):
            there = self.read(invoice.draft_id)
        if there is not None and there.number == invoice.number:
            ours = there.reference == invoice.reference and there.state is not State.DELETED
            if ours or there.state is State.DRAFT:
                return there
        raise self.taken_draft(invoice, there)

    def read(self, remote_id: str) -> RemoteInvoice:
        """The document with exactly that key, or what is known of its deletion; NotThere if it never existed."""
        name, _, _ = remote_id.rpartition("@")
        [*there] = [each for each in self._living([["name", "=", name or remote_id]]) if each.remote_id == remote_id]
        if there:
            return there[0]
        if self.capabilities.deletions:
            wanted = [["deleted_doctype", "=", "Sales Invoice"], ["deleted_name", "=", name]]
            rows = self._list(_DELETED, ["name", "deleted_name", "creation", "data"], wanted, 0).record.records("data")
            for each in map(self._deleted, rows):
                if each.remote_id == remote_id:
                    return each
        raise self.error(
            NotThere,
            f"there is no sales invoice {remote_id!r} in ERPNext.",
            rule="A sales invoice is known by its name and the time of its creation, since names are given again.",
            remedy="Check whether it was deleted there, and another one has its name now.",
        )

    # Writing --------------------------------------------------------------------------------------------

    def _make(self, invoice: NewInvoice, *, docstatus: int) -> RemoteInvoice:
        """One transaction there: if it is refused, the counter of the series goes back with it."""

        def make() -> RemoteInvoice:
            values = self._values(invoice)
            if self._series:
                values["naming_series"] = self._series
            answer = self._client.post(_INVOICES, json={**values, "docstatus": docstatus}, about=invoice.reference)
            return self._invoice(answer.record.record("data"))

        refusal = None
        try:
            return base.make_once(lambda: self.find(reference=invoice.reference), make)
        except Refused as error:
            if error.status != 409:
                raise
            refusal = error
        # The reference is a Unique field, and somebody else was first.
        there = self._one(invoice.reference)
        if there is None:
            raise refusal
        return there

    def _values(self, invoice: NewInvoice) -> dict[str, Any]:
        line: dict[str, Any] = {"qty": 1, "rate": invoice.total or 0, "description": invoice.reference}
        line |= {"item_code": self._item} if self._item else {"item_name": invoice.reference, "uom": "Nos"}
        line |= {"income_account": self._income} if self._income else {}
        if not self._item and not self._income and "items" not in invoice.extra:
            raise self.error(
                Misconfigured,
                "there is no account for the line of an invoice.",
                rule="ERPNext reads the income account from the item or the line.",
                remedy="Set the option 'item_code' or 'income_account', or let 'describe' give the items in extra.",
            )
        return {
            "company": self._company,
            "customer": invoice.customer,
            "posting_date": invoice.issued_on,
            "due_date": invoice.issued_on,
            # Otherwise ERPNext replaces the date by today.
            "set_posting_time": 1,
            self._reference: invoice.reference,
            "items": [line],
            **({"currency": invoice.currency} if invoice.currency else {}),
            **invoice.extra,
        }

    def _become(self, there: RemoteInvoice, docstatus: int, values: dict[str, Any]) -> RemoteInvoice:
        """Submit or cancel."""

        def press() -> RemoteInvoice:
            answer = self._client.request(
                "PUT", _path(there), json={**values, "docstatus": docstatus}, about=there.number
            )
            return self._invoice(answer.record.record("data"))

        return self.act(press, there.remote_id, _STATES[docstatus])

    def _delete(self, there: RemoteInvoice) -> RemoteInvoice:
        # If the request is sent again, the document is gone already, which is fine.
        with suppress(NotThere):
            self._client.request("DELETE", _path(there), repeatable=True)
        return replace(there, state=State.DELETED)

    # What ERPNext's records say ---------------------------------------------------------------------------

    def _invoice(self, record: Record) -> RemoteInvoice:
        name = record.text("name")
        return RemoteInvoice(
            remote_id=_key(name, self._time(record, "creation")),
            number=name,
            state=record.one_of("docstatus", _STATES),
            issued_on=record.date("posting_date", None),
            reference=record.text(self._reference, ""),
            changed_at=self._time(record, "modified"),
            total=record.amount("grand_total"),
            currency=record.text("currency", ""),
            customer=record.text("customer", ""),
        )

    def _deleted(self, row: Record) -> RemoteInvoice:
        document = Record(self._document(row), system=self._client.system, endpoint=f"GET {_DELETED}")
        name = row.text("deleted_name")
        return RemoteInvoice(
            remote_id=_key(name, self._time(document, "creation")),
            number=name,
            state=State.DELETED,
            issued_on=document.date("posting_date", None),
            reference=document.text(self._reference, ""),
            changed_at=self._time(row, "creation"),
        )

    def _document(self, row: Record) -> dict[str, Any]:
        """A deleted document, which ERPNext keeps as JSON in a text."""
        try:
            document = json.loads(row.text("data"))
        except ValueError:
            document = None
        if not isinstance(document, dict):
            row.refuse("has no JSON in 'data'")
        return document

    def _time(self, record: Record, key: str) -> datetime:
        """A time by the site's clock, written without a zone."""
        return record.time(key, self._site_zone())

    def _local(self, since: datetime) -> str:
        """``since`` by the site's clock; if the clock goes back within three hours, as it shows the time then."""
        zone = self._site_zone()
        soon = since + timedelta(hours=3)
        offsets = [each.astimezone(zone).utcoffset() or timedelta(0) for each in (since, soon)]
        return f"{since.astimezone(UTC).replace(tzinfo=None) + min(offsets):%Y-%m-%d %H:%M:%S.%f}"

    def _site_zone(self) -> ZoneInfo:
        if self._zone is None:
            name = self._zone_name
            if not name:
                answer = self._client.get("api/method/frappe.client.get_time_zone")
                name = answer.record.record("message").text("time_zone")
            with suppress(ValueError, OSError, KeyError):
                self._zone = ZoneInfo(name)
        if self._zone is None:
            raise self.error(
                Misconfigured,
                f"there is no time zone {name!r} on this machine.",
                rule="ERPNext writes times by its site's clock, without a zone.",
                remedy="Set the option 'time_zone' to the site's zone, such as Asia/Kolkata.",
            )
        return self._zone


def _path(there: RemoteInvoice) -> str:
    return f"{_INVOICES}/{quote(there.number, safe='')}"


def _key(name: str, created: datetime) -> str:
    return f"{name}@{created:%Y-%m-%d %H:%M:%S.%f}"


def _explain(body: Any) -> str:
    """What ERPNext would show a person, without mark-up, and never the traceback that it also sends."""
    said = [_message(each) for each in json.loads(body.get("_server_messages") or "[]")]
    text = " ".join(said) or str(body.get("exception", "")).partition(":")[2]
    return unescape(re.sub(r"<[^>]*>", " ", text))


def _message(item: Any) -> str:
    parsed = json.loads(item) if isinstance(item, str) and item.startswith("{") else item
    return str(parsed.get("message", "")) if isinstance(parsed, dict) else str(parsed)
