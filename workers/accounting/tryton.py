"""Tryton (tested live with 8.2): it numbers an invoice when it is posted, and takes no number from us.

Folio uses its REST interface, with the key of a user of its own, who needs only the group "Accounting". A key is better
than a login: it can be revoked by itself, it has no session that runs out, and posting doesn't ask for the password
again. ``url`` ends with the name of the database, and ``organisation`` is the company's id there:

    "books": {"adapter": "tryton", "url": "https://tryton.example.com/books", "organisation": "1",
              "credentials": {"ENV": "TRYTON_"}}          # TRYTON_KEY: a "User Application" of the kind REST

Our document's key goes into ``reference``, by which it is found again after a lost answer. Cancelling what is posted
needs "Cancel Customer Invoice" in the company's settings; without it Tryton refuses, and requires a credit note.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.credentials import bearer
from workers.accounting.errors import NotThere, Refused
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


class Tryton(AccountingSystem):
    """Customer invoices and credit notes of one company.

    Options: ``page_size``, and ``receivable_account`` and ``revenue_account``, the codes of accounts to use instead of
    Tryton's own defaults.
    """

    name: ClassVar[str] = "tryton"
    endpoint: ClassVar[str] = f"GET {_INVOICES}"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.AT_POST}),
        changed_since=True,
        # A numbered invoice can't be deleted, so what is deleted never had a number.
        deletions=False,
        # There are drafts, but they have no numbers.
        drafts=False,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE}),
        # A change has the time at which its transaction began, and shows once that is over.
        overlap=timedelta(minutes=15),
    )

    _client: Client

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        company = system.required("organisation")
        if not company.isdecimal():
            rule = "A company's id in Tryton is the number on the company's page, usually 1."
            raise system.wrong(f"the organisation {company!r} is no company's id", rule)
        self._company = int(company)
        self._page_size = system.option("page_size", 200)
        self._receivable = system.option("receivable_account", "")
        self._revenue = system.option("revenue_account", "")
        self._client = Client.of(
            system,
            http_options,
            authentication=bearer(system.credentials["key"]),
            headers={"X-Tryton-Context": _packed({"company": int(company)})},
            explain=_explain,
        )

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        domain = self._ours()
        if since is not None:
            at = _time(since)
            # An invoice that never changed may have no date of a change.
            domain.append(["OR", [["write_date", ">=", at]], [["create_date", ">=", at]]])
        return self.pages_by_id(
            lambda after, limit: self._search([*domain, ["id", ">", after]], limit), self._page_size, cursor
        )

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        return self._search([*self._ours(), ["number", "=", number] if number else ["reference", "=", reference]])

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """In two steps, each a transaction there; a draft that an earlier call has left is posted."""
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
                rule="The key of an invoice in Tryton is a number.",
                remedy="Check whether the key is another system's.",
            )
        return _invoice(self._client.get(f"{_INVOICES}/{remote_id}", params=_fields(*_FIELDS)).record)

    def _ahead(self, reference: str) -> list[RemoteInvoice]:
        """The documents of ``reference``; only those that are posted, if there are any."""
        found = list(self.find(reference=reference))
        return [each for each in found if each.state is State.POSTED] or found

    # Writing --------------------------------------------------------------------------------------------

    def _press(self, remote_id: str, button: str, wanted: State) -> RemoteInvoice:
        """Sent again after any fault: Tryton refuses the second press of a button."""
        path = f"{_INVOICES}/{remote_id}/{button}"

        def press() -> RemoteInvoice:
            return _invoice(self._client.post(path, json={}, params=_fields(*_FIELDS), repeatable=True).record)

        return self.act(press, remote_id, wanted)

    def _make(self, invoice: NewInvoice) -> RemoteInvoice:
        """Make a draft. Tryton's own client fills in most fields while a person types; here, we do."""
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
        """The account with that code, else the party's own, else the default of Tryton's settings."""
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
            raise self._refused(f"there is no {model} with {wanted[0]}", "An invoice refers to records that exist.")
        return found[0]

    def _refused(self, what: str, rule: str) -> Refused:
        remedy = "Correct it there, or correct the function that describes the invoice here."
        return self.error(Refused, f"{what} in Tryton.", rule=rule, remedy=remedy, endpoint=f"POST {_INVOICES}")


def _invoice(record: Record) -> RemoteInvoice:
    created, written = _when(record, "create_date"), _when(record, "write_date")
    day = _when(record, "invoice_date", _DAY)
    return RemoteInvoice(
        remote_id=record.text("id"),
        number=record.text("number", ""),
        state=record.one_of("state", _STATES),
        issued_on=day and day.date(),
        reference=record.text("reference", ""),
        changed_at=max((each for each in (created, written) if each is not None), default=None),
    )


# Tryton's JSON: types that JSON lacks are records with a class -------------------------------------------


_DAY = ("year", "month", "day")
_MOMENT = (*_DAY, "hour", "minute", "second", "microsecond")


def _when(record: Record, key: str, parts: Sequence[str] = _MOMENT) -> datetime | None:
    """A time, or the start of a day. Tryton writes no zone and means UTC, whatever the server's own is."""
    if key not in record:
        return None
    there = record.record(key)
    numbers = [there.whole(each) for each in parts]
    try:
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        record.refuse(f"has no {'date' if parts is _DAY else 'time'} in {key!r}")


def _time(at: datetime) -> dict[str, object]:
    utc = at.astimezone(UTC)
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in _MOMENT}}


def _date(on: date) -> dict[str, object]:
    return {"__class__": "date", "year": on.year, "month": on.month, "day": on.day}


def _packed(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")


def _fields(*names: str) -> list[tuple[str, str | int]]:
    return [("f", name) for name in names]


def _explain(body: Any) -> str:
    """A refusal has a message, and sometimes a description that says what to do."""
    return " ".join(str(body[key]) for key in ("message", "description") if body.get(key))
