"""QuickBooks Online, Accounting API v3: invoices of one company (realm); its other sales documents are only read.

We set the number, if the company's preference for custom transaction numbers is on. Changes are read from its change
data capture, which alone lists deletions. Our document's key is a line of PrivateNote, which can be read but not
searched. Voiding a document keeps its number, sets amounts and quantities to zero, and puts a word in the company's
language before the note. So a document counts as void if all its amounts are zero, no line has a quantity or a price,
and it has a note that doesn't begin with our mark. An invoice over nothing, entered by hand with a note but without
quantity and price, looks the same; nothing tells them apart.

A refresh token ends five years after the company was connected, however often it was renewed: connect it again in time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.errors import Misconfigured, NotThere, NumberRefused, Refused, Unsupported
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions, Limits
from workers.accounting.oauth import OAuth
from workers.accounting.responses import Answer, Record, plain
from workers.accounting.systems import System

API = "https://quickbooks.api.intuit.com"
TOKENS = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
#: What Intuit allows one company.
LIMITS = Limits(per_minute=500, concurrent=10, cooldown=60)
#: The change data capture returns at most this many documents, and has no second page.
CAPTURED_AT_MOST = 1000
HORIZON = timedelta(days=30)
#: The documents that are read. Except for invoices, their keys begin with their kind.
ENTITIES = ("Invoice", "CreditMemo", "SalesReceipt", "RefundReceipt")
#: Stands before the key of our document in the private note.
MARK = "Folio: "

_BEYOND_ASCII = re.compile(r"[^\x20-\x7e]+")
_MARKED = re.compile(rf"{MARK}(.+)$", re.MULTILINE)
_CODES: dict[str, type[Refused]] = {"6140": NumberRefused, "610": NotThere}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list continues: after the first ``read`` of the documents made at ``created`` or later.

    ``last`` is the document before that place. If it isn't found there, something was deleted, and all documents from
    ``created`` on are read again.
    """

    created: str = ""
    read: int = 0
    last: str = ""
    entity: str = "Invoice"

    def __str__(self) -> str:
        return f"{self.created}|{self.read}|{self.last}|{self.entity}"

    @classmethod
    def of(cls, cursor: str) -> "_Place":
        created, read, last, entity = cursor.split("|")
        return cls(created, int(read), last, entity)


class QuickBooks(AccountingSystem):
    """The adapter. Its credentials: client_id, client_secret, refresh_token. ``organisation`` is the realm id.

    Options: ``page_size`` (up to 999), ``item`` (the product or service of lines that we make), ``customer`` (for
    invoices that name none), ``minor_version``, ``token_url``. For a sandbox, set ``url`` to its address.
    """

    name: ClassVar[str] = "quickbooks"
    endpoint: ClassVar[str] = "GET invoices"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.CALLER}),
        changed_since=True,
        deletions=True,
        drafts=False,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE, Kind.RECEIPT, Kind.REFUND}),
        number_kept=False,
        max_number_length=21,
        finds_references=False,
        overlap=timedelta(minutes=10),
        horizon=HORIZON,
    )

    _client: Client

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        self._realm = system.required("organisation")
        self._clock = http_options.clock
        self._page_size = min(system.option("page_size", 500), CAPTURED_AT_MOST - 1)
        self._item = system.option("item", "1")
        self._customer = system.option("customer", "")
        self._minor_version = system.option("minor_version", "75")
        self._numbers_are_ours = False
        self._client = Client.of(
            system,
            http_options,
            url=API,
            limits=LIMITS,
            authentication=OAuth(system, TOKENS, system.credentials["refresh_token"], http_options),
            explain=_explained,
            classify=_classified,
        )

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """By change data capture as far back as it reaches; before that by queries, which list no deletions."""

        def read(at: str | None) -> Page:
            if at is None and since is not None and self._clock.now() - since < HORIZON:
                return self._captured(since)
            return self._listed(since, _Place.of(at) if at else _Place())

        return self.pages(read, cursor)

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        if not number:
            raise self.error(
                Unsupported,
                f"documents can't be found by the reference {reference!r}.",
                rule="QuickBooks doesn't search private notes.",
                remedy="Look for the number, or in what reconciliation has read.",
            )
        # In a query, anything but ASCII is a lexical error: a wildcard replaces it, and the results are compared.
        plain_number = _BEYOND_ASCII.sub("%", number)
        compared = "=" if plain_number == number else "LIKE"
        rows = self._query("Invoice", f"DocNumber {compared} {_quoted(plain_number)}", "MAXRESULTS 1000")
        return [each for each in map(_invoice, rows) if each.number == number]

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        self.check_length(invoice.number)
        self._see_that_numbers_are_ours()
        # QuickBooks would take a number twice, so we make sure that this one is free.
        there = self.find(number=invoice.number)
        for each in there:
            if each.reference == invoice.reference:
                return each
        if there:
            raise self.error(
                NumberRefused,
                f"the number {invoice.number} is taken by the document {there[0].remote_id}"
                f"{f' ({there[0].reference})' if there[0].reference else ''}.",
                rule="One number belongs to one document.",
                remedy="Find out what that document is; QuickBooks would take the number twice.",
            )
        return self._only(self._sent({}, self._body(invoice), invoice.number))

    def cancel(self, remote_id: str) -> RemoteInvoice:
        if ":" in remote_id:
            raise self.error(
                Unsupported,
                f"Folio doesn't void {remote_id}.",
                rule="Folio makes invoices there, and voids only these.",
                remedy="Void it in QuickBooks.",
            )
        answer = self._get(f"invoice/{quote(remote_id, safe='')}")
        there = self._only(answer)
        if there.state is State.VOID:
            return there
        record = answer.record.record("Invoice")
        body = {"Id": there.remote_id, "SyncToken": record.text("SyncToken")}
        return self._only(self._sent({"operation": "void"}, body, remote_id))

    def _captured(self, since: datetime) -> Page:
        answer = self._get("cdc", entities=",".join(ENTITIES), changedSince=_moment(since))
        found = [
            _invoice(row, entity)
            for response in answer.record.records("CDCResponse")
            for part in response.records("QueryResponse")
            for entity in ENTITIES
            for row in part.records(entity, [])
        ]
        if len(found) < CAPTURED_AT_MOST:
            return Page(found, None)
        # There is more that it doesn't return. The changes can be listed; no further deletions can be known.
        return Page(found, str(_Place()), deletions_known=False)

    def _listed(self, since: datetime | None, place: _Place) -> Page:
        """In the order of their creation, which never changes; from a moment on, since a position could shift."""
        conditions = []
        if place.created:
            conditions.append(f"MetaData.CreateTime >= '{place.created}'")
        if since is not None:
            conditions.append(f"MetaData.LastUpdatedTime >= '{_moment(since)}'")
        where, size = " AND ".join(conditions), self._page_size
        order = "ORDERBY MetaData.CreateTime"
        rows: list[Record] = []
        if place.read:
            # The last one again: it shows whether all before it are still there.
            rows = self._query(place.entity, where, f"{order} STARTPOSITION {place.read} MAXRESULTS {size + 1}")
        if rows and rows[0].text("Id") == place.last:
            rows, read = rows[1:], place.read
        else:
            rows, read = self._query(place.entity, where, f"{order} STARTPOSITION 1 MAXRESULTS {size}"), 0
        found = [_invoice(row, place.entity) for row in rows]
        following = None
        if len(rows) < size and place.entity != ENTITIES[-1]:
            # The first page of the next kind comes along, so that no page is empty.
            more = self._listed(since, _Place(entity=ENTITIES[ENTITIES.index(place.entity) + 1]))
            return Page([*found, *more.invoices], more.next_cursor, deletions_known=since is None)
        if len(rows) >= size:
            times = [_moment(row.record("MetaData").time("CreateTime")) for row in rows]
            alike = times.count(times[-1])
            # If the whole page was made at the moment where the last page ended, the place moves on within that moment.
            behind = read + alike if times[-1] == place.created else alike
            following = str(_Place(times[-1], behind, rows[-1].text("Id"), place.entity))
        return Page(found, following, deletions_known=since is None)

    def _query(self, entity: str, where: str, rest: str) -> list[Record]:
        # Intuit's query language, not SQL; values from outside went through _quoted().
        text = " ".join(filter(None, [f"SELECT * FROM {entity}", where and f"WHERE {where}", rest]))  # noqa: S608
        return self._get("query", query=text).record.record("QueryResponse").records(entity, [])

    def _see_that_numbers_are_ours(self) -> None:
        """Once for each connection: without the preference, QuickBooks would silently drop our number."""
        if self._numbers_are_ours:
            return
        answer = self._get("preferences")
        sales = answer.record.record("Preferences").record("SalesFormsPrefs")
        if sales.fields.get("CustomTxnNumbers") is not True:
            raise self.error(
                Misconfigured,
                "the company numbers its invoices itself.",
                rule="QuickBooks keeps a number of ours only if “Custom transaction numbers” is on.",
                remedy="Switch it on there: Account and settings, Sales, Sales form content.",
                endpoint=answer.endpoint,
            )
        self._numbers_are_ours = True

    def _sent(self, query: Mapping[str, str], body: Mapping[str, Any], about: str) -> Answer:
        known_by = base.request_key(self._realm, query, body)
        params = {**query, "requestid": known_by, "minorversion": self._minor_version}
        return self._client.post(self._path("invoice"), json=body, params=params, repeatable=True, about=about)

    def _body(self, invoice: NewInvoice) -> dict[str, Any]:
        line = {
            "Amount": invoice.total or 0,
            "Description": invoice.reference,
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": self._item}},
        }
        return {
            "DocNumber": invoice.number,
            "TxnDate": invoice.issued_on,
            "CustomerRef": {"value": invoice.customer or self._customer},
            "PrivateNote": f"{MARK}{invoice.reference}",
            "Line": [line],
            **({"CurrencyRef": {"value": invoice.currency}} if invoice.currency else {}),
            **invoice.extra,
        }

    def _path(self, rest: str) -> str:
        return f"v3/company/{quote(self._realm, safe='')}/{rest}"

    def _get(self, rest: str, **query: str) -> Answer:
        return self._client.get(self._path(rest), params={**query, "minorversion": self._minor_version})

    def _only(self, answer: Answer) -> RemoteInvoice:
        return _invoice(answer.record.record("Invoice"))


def _invoice(record: Record, entity: str = "Invoice") -> RemoteInvoice:
    key = record.text("Id") if entity == "Invoice" else f"{entity}:{record.text('Id')}"
    changed_at = record.record("MetaData").time("LastUpdatedTime") if "MetaData" in record else None
    if record.text("status", "") == "Deleted":
        return RemoteInvoice(key, "", State.DELETED, None, "", changed_at)
    note = record.text("PrivateNote", "")
    marked = _MARKED.search(note)
    void = bool(note) and not note.startswith(MARK) and _is_zeroed(record)
    return RemoteInvoice(
        remote_id=key,
        number=record.text("DocNumber", ""),
        state=State.VOID if void else State.POSTED,
        issued_on=record.date("TxnDate", None),
        reference=marked[1].strip() if marked else "",
        changed_at=changed_at,
        total=record.amount("TotalAmt"),
        currency=record.record("CurrencyRef").text("value", "") if "CurrencyRef" in record else "",
        customer=record.record("CustomerRef").text("value", "") if "CustomerRef" in record else "",
    )


def _is_zeroed(record: Record) -> bool:
    """Whether all amounts are zero, and no line has a quantity or a price."""
    if record.amount("TotalAmt") != 0:
        return False
    for line in record.records("Line", []):
        details = line.fields.get(line.text("DetailType", "-"))
        counted = details if isinstance(details, dict) else {}
        if line.amount("Amount") or counted.get("Qty") or counted.get("UnitPrice"):
            return False
    return True


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _complaints(body: Any) -> list[Mapping[str, Any]]:
    """The errors of a Fault; Intuit's login service writes its keys in lower case."""
    fault = body.get("Fault") or {"Error": body.get("fault", {}).get("error", [])}
    return list(fault["Error"])


def _explained(body: Any) -> str:
    said = []
    for each in _complaints(body):
        lowered = {key.lower(): value for key, value in each.items()}
        said.append(": ".join(str(lowered[key]) for key in ("message", "detail") if lowered.get(key)))
    return " ".join(said) or plain(body)


def _classified(status: int, body: Any) -> type[Refused] | None:
    if status != 400:
        return None
    return next((_CODES[str(each.get("code"))] for each in _complaints(body) if str(each.get("code")) in _CODES), None)
