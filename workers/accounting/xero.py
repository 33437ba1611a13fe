"""Xero's Accounting API 2.0: sales invoices (ACCREC), and credit notes (ACCRECCREDIT), which are only read.

We set the number, or Xero does when a draft is made without one. Nothing ever disappears: a deleted draft is listed
with the status DELETED. Our document's key is in the field Reference.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.errors import Misconfigured, NumberRefused, Refused
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions, Limits
from workers.accounting.oauth import OAuth
from workers.accounting.responses import Answer, Record, plain
from workers.accounting.systems import System

API = "https://api.xero.com/api.xro/2.0/"
TOKENS = "https://identity.xero.com/connect/token"
#: For a custom connection; apps made before March 2026 may use accounting.transactions until September 2027.
SCOPE = "accounting.invoices"
#: Each list with the type of its documents, and the fields of their key and their number.
_LISTS = {
    "Invoices": ("ACCREC", "InvoiceID", "InvoiceNumber"),
    "CreditNotes": ("ACCRECCREDIT", "CreditNoteID", "CreditNoteNumber"),
}
#: What Xero allows one organisation.
LIMITS = Limits(per_minute=60, concurrent=5, per_day=5000, cooldown=60)

STATES = {
    "DRAFT": State.DRAFT,
    "SUBMITTED": State.DRAFT,
    "AUTHORISED": State.POSTED,
    "PAID": State.POSTED,
    "VOIDED": State.VOID,
    "DELETED": State.DELETED,
}
#: Characters with a meaning in Xero's filters.
_PUNCTUATION = re.compile(r'[,"\\]')
#: Other things must be unique too, such as a contact's name.
_TAKEN = re.compile(r"(invoice|credit note)\s*(#|number|no\.?)\s*must be unique", re.IGNORECASE)
_MILLISECONDS = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


class Xero(AccountingSystem):
    """The adapter. Its credentials: client_id, client_secret, and refresh_token unless it is a custom connection.

    Options: ``scopes`` (of the token; ``accounting.invoices``), ``page_size`` (up to 1000), ``account`` (the code of
    the revenue account of lines that we make), ``line_amounts`` (Inclusive, Exclusive or NoTax), ``customer`` (for
    invoices that name none), ``token_url``.
    """

    name: ClassVar[str] = "xero"
    endpoint: ClassVar[str] = "GET Invoices"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.CALLER, WhoNumbers.AT_DRAFT}),
        changed_since=True,
        deletions=True,
        drafts=True,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE}),
        # Xero requires unique numbers among documents in force; its documentation doesn't say that others keep theirs.
        number_kept=False,
        max_number_length=255,
    )

    _client: Client

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        self._page_size = system.option("page_size", 1000)
        self._account = system.option("account", "200")
        self._line_amounts = system.option("line_amounts", "Inclusive")
        self._customer = system.option("customer", "")
        refresh = system.credentials.get("refresh_token")
        # A refresh token has scopes of its own; only the settings may narrow them.
        scope = system.option("scopes", "" if refresh else SCOPE)
        # A custom connection belongs to one organisation, and names none.
        organisation = {"xero-tenant-id": system.organisation} if system.organisation else {}
        self._client = Client.of(
            system,
            http_options,
            url=API,
            limits=LIMITS,
            authentication=OAuth(system, TOKENS, refresh, http_options, scope),
            headers=organisation,
            explain=_explained,
            classify=_classified,
        )

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """In the order of InvoiceID: changes meanwhile may add documents, but move none out of a later page.

        Credit notes follow; their first page comes with the last page of the invoices.
        """

        def read(at: str | None) -> Page:
            path, _, number = (at or "Invoices:1").rpartition(":")
            page = self._page(since, int(number), {}, path)
            if page.next_cursor is not None or path == "CreditNotes":
                return page
            first = self._page(since, 1, {}, "CreditNotes")
            return Page([*page.invoices, *first.invoices], first.next_cursor)

        return self.pages(read, cursor)

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        """Xero is asked by a filter that needs no quoting, which may find too much; what it finds is then compared."""
        wanted = number or reference
        plain_number = number and not _PUNCTUATION.search(number)
        query = {"InvoiceNumbers": number} if plain_number else {"searchTerm": wanted}
        found = self.pages(lambda at: self._page(None, int(at or "1"), query), None)
        return [
            each for page in found for each in page.invoices if wanted == (each.number if number else each.reference)
        ]

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        self.check_length(invoice.number)
        facts = {"InvoiceNumber": invoice.number, "Status": "AUTHORISED"}
        return self._filled_in(invoice, facts) if invoice.draft_id else self._found_or_made(invoice, facts)

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        made = self._found_or_made(invoice, {"Status": "DRAFT"})
        if not made.number:
            raise self.error(
                Misconfigured,
                f"the draft {made.remote_id} was given no number.",
                rule="Xero numbers an invoice without a number by the organisation's invoice settings.",
                remedy="Set a prefix and a next number there, under Invoice settings.",
                endpoint="PUT Invoices",
            )
        return made

    def cancel(self, remote_id: str) -> RemoteInvoice:
        path = f"Invoices/{quote(remote_id, safe='')}"
        there = self._only(self._client.get(path))
        if there.state in {State.VOID, State.DELETED}:
            return there
        status = "DELETED" if there.state is State.DRAFT else "VOIDED"
        body = {"InvoiceID": there.remote_id, "Status": status}
        return self._only(self._sent("POST", path, {"Invoices": [body]}, remote_id))

    def _page(self, since: datetime | None, number: int, query: Mapping[str, str], path: str = "Invoices") -> Page:
        kind, key, _ = _LISTS[path]
        # Xero compares whole seconds, and the second itself must be included.
        moment = None if since is None else since.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)
        answer = self._client.get(
            path,
            params={
                "where": f'Type=="{kind}"',
                "order": key,
                "page": number,
                "pageSize": self._page_size,
                # Xero charges for the bytes that are read, and we don't need the lines.
                **({"includeArchived": "true", "summaryOnly": "true"} if path == "Invoices" else {}),
                **query,
            },
            headers={} if moment is None else {"If-Modified-Since": f"{moment:%Y-%m-%dT%H:%M:%SZ}"},
        )
        got = answer.record.records(path)
        last = len(got) < self._page_size
        if "pagination" in answer.record:
            last = number >= answer.record.record("pagination").whole("pageCount")
        invoices = [_invoice(each, path) for each in got if each.text("Type") == kind]
        return Page(invoices, None if last or not got else f"{path}:{number + 1}")

    def _filled_in(self, invoice: NewInvoice, facts: Mapping[str, str]) -> RemoteInvoice:
        """The draft of our pool, posted for this document: its number stays, its reference is replaced."""
        path = f"Invoices/{quote(invoice.draft_id, safe='')}"
        there = self._only(self._client.get(path))
        if there.reference == invoice.reference and there.state is not State.DRAFT:
            return there
        if there.state is not State.DRAFT or there.number != invoice.number:
            raise self.taken_draft(invoice, there)
        body = {"InvoiceID": there.remote_id, **self._body(invoice, facts)}
        return self._only(self._sent("POST", path, {"Invoices": [body]}, invoice.number))

    def _found_or_made(self, invoice: NewInvoice, facts: Mapping[str, str]) -> RemoteInvoice:
        # PUT makes an invoice; POST would change the one that has the number already.
        there = base.live_first(self.find(reference=invoice.reference))
        if there is not None:
            return there
        about = invoice.number or invoice.reference
        answer = self._sent("PUT", "Invoices", {"Invoices": [self._body(invoice, facts)]}, about)
        made = self._only(answer)
        if facts["Status"] == "DRAFT" and made.state is not State.DRAFT:
            answer.record.refuse(f"has a {made.state} document where a draft was asked for")
        return made

    def _sent(self, method: str, path: str, body: Mapping[str, Any], about: str) -> Answer:
        known_by = base.request_key(self.system.organisation, method, path, body)
        return self._client.request(
            method, path, json=body, headers={"Idempotency-Key": known_by}, repeatable=True, about=about
        )

    def _body(self, invoice: NewInvoice, facts: Mapping[str, str]) -> dict[str, Any]:
        customer = invoice.customer or self._customer
        line = {
            "Description": invoice.reference,
            "Quantity": 1,
            "UnitAmount": invoice.total or 0,
            "AccountCode": self._account,
        }
        return {
            "Type": "ACCREC",
            **facts,
            "Reference": invoice.reference,
            "Date": invoice.issued_on,
            "DueDate": invoice.issued_on,
            "Contact": {"ContactID": customer} if _is_key(customer) else {"Name": customer},
            "LineAmountTypes": self._line_amounts,
            "LineItems": [line],
            **({"CurrencyCode": invoice.currency} if invoice.currency else {}),
            **invoice.extra,
        }

    def _only(self, answer: Answer) -> RemoteInvoice:
        got = answer.record.records("Invoices")
        if len(got) != 1:
            answer.record.refuse(f"holds {len(got)} invoices, where one was expected")
        return _invoice(got[0])


def _invoice(record: Record, path: str = "Invoices") -> RemoteInvoice:
    _, key, number = _LISTS[path]
    return RemoteInvoice(
        remote_id=record.text(key),
        number=record.text(number, ""),
        state=record.one_of("Status", STATES),
        issued_on=_date(record),
        reference=record.text("Reference", ""),
        changed_at=_time(record, "UpdatedDateUTC"),
        total=record.amount("Total"),
        currency=record.text("CurrencyCode", ""),
        customer=_names(record, "Contact", "ContactID", "Name"),
    )


def _names(record: Record, key: str, *fields: str) -> str:
    there = record.fields.get(key)
    return "\n".join(str(there[field]) for field in fields if there.get(field)) if isinstance(there, dict) else ""


def _date(record: Record) -> date | None:
    if "DateString" in record:
        return record.date("DateString")
    if "Date" not in record:
        return None
    at = _time(record, "Date")
    return None if at is None else at.date()


def _time(record: Record, key: str) -> datetime | None:
    """Milliseconds since 1970, as .NET writes them; what looks like an offset has no meaning."""
    found = _MILLISECONDS.fullmatch(record.text(key))
    if found is None:
        record.refuse(f"has {record.text(key)!r} in {key!r}, where a time was expected")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))


def _is_key(customer: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", customer))


def _complaints(body: Any) -> list[str]:
    """The messages of a ValidationException, one for each broken rule."""
    found = [str(error["Message"]) for element in body["Elements"] for error in element.get("ValidationErrors", [])]
    return list(dict.fromkeys(found))


def _explained(body: Any) -> str:
    if isinstance(body, dict) and body.get("Elements"):
        return " ".join(_complaints(body)) or plain(body)
    return plain(body)


def _classified(status: int, body: Any) -> type[Refused] | None:
    if status == 400 and any(_TAKEN.search(text) for text in _complaints(body)):
        return NumberRefused
    return None
