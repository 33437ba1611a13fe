"""Tryton (tried live with 8.2): it numbers an invoice when it is posted, and takes no number from us.

Spoken to by its REST interface, with a key of a user of its own who needs the group "Accounting" and nothing more. The
key is better than a login: it can be revoked by itself, there is no session that runs out, and posting doesn't ask for
a fresh password. ``url`` ends with the name of the database, and ``organisation`` is the company's id there:

    "books": {"adapter": "tryton", "url": "https://tryton.example.com/books", "organisation": "1",
              "credentials": {"ENV": "TRYTON_"}}          # TRYTON_KEY: a "User Application" of the kind REST

Our document's key goes into ``reference``, by which it is found again after a lost answer. Cancelling what is posted
needs "Cancel Customer Invoice" in the company's settings; without it Tryton refuses, and wants a credit note.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Self

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import Adapter, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.credentials import bearer
from workers.accounting.errors import Misconfigured, NotThere, Refused
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions
from workers.accounting.responses import Record
from workers.accounting.systems import System

_STATES = {
    "draft": State.DRAFT,
    "validated": State.DRAFT,
    "posted": State.POSTED,
    "paid": State.POSTED,
    "cancelled": State.VOID,
}
_FIELDS = ("number", "state", "invoice_date", "reference", "create_date", "write_date")
_INVOICES = "rest/model/account.invoice"


class Tryton(Adapter):
    """Customer invoices and credit notes of one company."""

    name: ClassVar[str] = "tryton"
    endpoint: ClassVar[str] = f"GET {_INVOICES}"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.AT_POST}),
        changed_since=True,
        # A numbered invoice can't be deleted, so what goes away never had a number.
        deletions=False,
        idempotency=False,
        # There are drafts, but none that has a number.
        drafts=False,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE}),
        # A change bears the time at which its transaction began, and shows when that is over.
        overlap=timedelta(minutes=15),
    )

    def __init__(self, system: System, client: Client) -> None:
        super().__init__(system, client)
        self._client = client
        self._company = int(system.organisation)
        self._page_size = system.option("page_size", 200)
        self._receivable = system.option("receivable_account", "")
        self._revenue = system.option("revenue_account", "")

    @classmethod
    def connect(cls, system: System, http_options: HttpOptions) -> Self:
        """``receivable_account`` and ``revenue_account`` are codes, where Tryton's own defaults won't do."""
        company = system.required("organisation")
        if not company.isdecimal():
            raise Misconfigured(
                f"{system.name}: the organisation {company!r} is no company's id.",
                rule="A company of Tryton is named by the number that it has there.",
                remedy="Take the id from the company's page, usually 1.",
                system=system.name,
            )
        client = Client.of(
            system,
            http_options,
            authentication=bearer(system.credentials["key"]),
            headers={"X-Tryton-Context": _packed({"company": int(company)})},
            explain=_explain,
        )
        return cls(system, client)

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        domain = self._ours()
        if since is not None:
            at = _time(since)
            # An invoice that never changed may have no date of a change at all.
            domain.append(["OR", [["write_date", ">=", at]], [["create_date", ">=", at]]])
        return self.pages_by_id(
            lambda after, limit: self._search([*domain, ["id", ">", after]], limit), self._page_size, cursor
        )

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        return self._search([*self._ours(), ["number", "=", number] if number else ["reference", "=", reference]])

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """In two steps, each a transaction over there; a draft that an earlier call has left behind is posted."""
        made = base.make_once(lambda: self._ahead(invoice.reference), lambda: self._make(invoice))
        return self._press(made.remote_id, "post", State.POSTED) if made.state is State.DRAFT else made

    def cancel(self, remote_id: str) -> RemoteInvoice:
        now = self.read(remote_id)
        return now if now.state is State.VOID else self._press(remote_id, "cancel", State.VOID)

    # Reading --------------------------------------------------------------------------------------------

    def _ours(self) -> list[Any]:
        return [["company", "=", self._company], ["type", "=", "out"]]

    def _search(self, domain: list[Any], limit: int | None = None) -> list[RemoteInvoice]:
        more = [] if limit is None else [("s", limit)]
        answer = self._client.get(
            _INVOICES, params=[("d", _packed(domain)), ("o", _packed([["id", "ASC"]])), *more, *_fields(*_FIELDS)]
        )
        return [_invoice(each) for each in answer.records]

    def read(self, remote_id: str) -> RemoteInvoice:
        if not remote_id.isdecimal():
            raise self.error(
                NotThere,
                f"there is no invoice {remote_id!r} in Tryton.",
                rule="An invoice of Tryton has a number for a key.",
                remedy="See whether the key is of another system.",
            )
        return _invoice(self._client.get(f"{_INVOICES}/{remote_id}", params=_fields(*_FIELDS)).record)

    def _ahead(self, reference: str) -> list[RemoteInvoice]:
        """The documents of ``reference``; only those that are posted, if there are any."""
        found = list(self.find(reference=reference))
        return [each for each in found if each.state is State.POSTED] or found

    # Writing --------------------------------------------------------------------------------------------

    def _press(self, remote_id: str, button: str, wanted: State) -> RemoteInvoice:
        """Sent again after any fault: the second press of a button is refused."""
        path = f"{_INVOICES}/{remote_id}/{button}"

        def press() -> RemoteInvoice:
            return _invoice(self._client.post(path, json={}, params=_fields(*_FIELDS), repeatable=True).record)

        return self.act(press, remote_id, wanted)

    def _make(self, invoice: NewInvoice) -> RemoteInvoice:
        """A draft. Tryton's own program fills in most of it while a person types; here, we do."""
        party = self._one("party.party", ["code", "=", invoice.customer], "addresses", "account_receivable")
        values: dict[str, Any] = {
            "type": "out",
            "company": self._company,
            "reference": invoice.reference,
            "invoice_date": _date(invoice.issued_on),
            "party": party.whole("id"),
            "invoice_address": self._address(party, invoice.customer),
            "currency": self._currency(invoice.currency),
            "journal": self._one("account.journal", ["type", "=", "revenue"]).whole("id"),
            **invoice.extra,
        }
        if "account" not in values:
            values["account"] = self._account(self._receivable, "default_account_receivable", party)
        if "lines" not in values:
            values["lines"] = [["create", [self._line(invoice)]]]
        answer = self._client.post(_INVOICES, json=values, params=_fields(*_FIELDS))
        return _invoice(answer.record)

    def _line(self, invoice: NewInvoice) -> dict[str, Any]:
        return {
            "type": "line",
            "description": invoice.reference,
            "account": self._account(self._revenue, "default_category_account_revenue"),
            "quantity": 1,
            "unit_price": {"__class__": "Decimal", "decimal": str(invoice.total or 0)},
        }

    def _address(self, party: Record, customer: str) -> int:
        addresses = party.fields.get("addresses")
        if not isinstance(addresses, list) or not addresses or not isinstance(addresses[0], int):
            raise self._refused(f"the party {customer!r} has no address", "An invoice has an address.")
        return addresses[0]

    def _currency(self, code: str) -> int:
        if code:
            return self._one("currency.currency", ["code", "=", code]).whole("id")
        return self._one("company.company", ["id", "=", self._company], "currency").whole("currency")

    def _account(self, code: str, default: str, party: Record | None = None) -> int:
        """The account of that code, else the party's own, else the default of Tryton's settings."""
        if code:
            domain = [["code", "=", code], ["company", "=", self._company], ["closed", "!=", True]]
            return self._one("account.account", domain).whole("id")
        if party is not None and "account_receivable" in party:
            return party.whole("account_receivable")
        settings = self._client.get("rest/model/account.configuration/1", params=_fields(default)).record
        if default not in settings:
            raise self._refused(f"there is no {default!r} in the settings", "An invoice needs an account.")
        return settings.whole(default)

    def _one(self, model: str, domain: list[Any], *fields: str) -> Record:
        """The first record that fits; raises Refused if no record does."""
        wanted = domain if isinstance(domain[0], list) else [domain]
        found = self._client.get(
            f"rest/model/{model}", params=[("d", _packed(wanted)), ("s", 1), *_fields("id", *fields)]
        ).records
        if not found:
            raise self._refused(f"there is no {model} with {wanted[0]}", "An invoice refers to records that are there.")
        return found[0]

    def _refused(self, what: str, rule: str) -> Refused:
        remedy = "Correct it there, or what describes the invoice here."
        return self.error(Refused, f"{what} in Tryton.", rule=rule, remedy=remedy, endpoint=f"POST {_INVOICES}")


def _invoice(record: Record) -> RemoteInvoice:
    created, written = _when(record, "create_date"), _when(record, "write_date")
    return RemoteInvoice(
        remote_id=record.text("id"),
        number=record.text("number", ""),
        state=record.one_of("state", _STATES),
        issued_on=_day(record, "invoice_date"),
        reference=record.text("reference", ""),
        changed_at=max((each for each in (created, written) if each is not None), default=None),
    )


# Tryton's JSON: what JSON lacks is a record with a class -------------------------------------------------


def _when(record: Record, key: str) -> datetime | None:
    if key not in record:
        return None
    parts = record.record(key)
    numbers = [parts.whole(each) for each in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
    try:
        # Without a zone: UTC, whatever the server's own.
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        record.refuse(f"has no time in {key!r}")


def _day(record: Record, key: str) -> date | None:
    if key not in record:
        return None
    parts = record.record(key)
    try:
        return date(parts.whole("year"), parts.whole("month"), parts.whole("day"))
    except ValueError:
        record.refuse(f"has no date in {key!r}")


def _time(at: datetime) -> dict[str, object]:
    utc = at.astimezone(UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}


def _date(on: date) -> dict[str, object]:
    return {"__class__": "date", "year": on.year, "month": on.month, "day": on.day}


def _packed(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")


def _fields(*names: str) -> list[tuple[str, str | int]]:
    return [("f", name) for name in names]


def _explain(body: Any) -> str:
    """A refusal has a message, and sometimes a description with what to do."""
    return " ".join(str(body[key]) for key in ("message", "description") if body.get(key))
