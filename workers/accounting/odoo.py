"""Odoo (by its documentation and source, not tried live): it numbers an invoice when it is posted.

By JSON-2 from version 19 on, by JSON-RPC before that. ``organisation`` is the company's id there:

    "books": {"adapter": "odoo", "url": "https://acme.odoo.com", "organisation": "1",
              "credentials": {"ENV": "ODOO_"},            # ODOO_KEY: an API key of a user of its own
              "options": {"database": "acme"}}            # JSON-RPC: also "api": "jsonrpc", "login": "folio@acme.com"

An API key lasts three months at most, so it must be renewed in time. A name that is asked for when the invoice is made
is kept if it fits the date by Odoo's own rules; so with the option ``our_numbers`` we number, else Odoo does. The key
of our document goes into the "Source Document" (``invoice_origin``), by which it is found again after a lost answer.

A cancelled invoice keeps its name. One that is reset to draft and deleted leaves nothing, and if it was the last of its
series, Odoo gives its name to the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from workers.accounting.base import Capabilities, Kind, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.credentials import System
from workers.accounting.errors import Misconfigured, NotThere, NumberRefused, Refused, Unsupported
from workers.accounting.odoo_doors import Door, Json2, JsonRpc
from workers.accounting.pages import pages
from workers.accounting.plumbing import Plumbing
from workers.accounting.pushing import make_once
from workers.accounting.records import Record

_STATES = {"draft": State.DRAFT, "posted": State.POSTED, "cancel": State.VOID}
_MOVES = "account.move"
_AMOUNT = ["amount_total", "currency_id", "partner_id"]
_KINDS = ["out_invoice", "out_refund", "out_receipt"]


class Odoo:
    """Customer invoices, credit notes and receipts of one company."""

    name: ClassVar[str] = "odoo"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.AT_POST}),
        changed_since=True,
        deletions=False,
        idempotency=False,
        # There are drafts, but none that has a number.
        drafts=False,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE, Kind.RECEIPT, Kind.REFUND}),
        number_kept=False,
        # A change bears the time at which its transaction began, and shows when that is over.
        overlap=timedelta(minutes=15),
    )

    def __init__(self, door: Door, system: System) -> None:
        self._door = door
        self._system = system
        self._company = _id(system, system.required("organisation"), "company")
        self._page_size = system.option("page_size", 500)
        self._reference = system.option("reference_field", "invoice_origin")
        self._journal = system.option("journal", 0)
        self._product = system.option("product", 0)
        self._numbers = system.option("our_numbers", False)
        if self._numbers:
            self.capabilities = replace(self.capabilities, who_numbers=frozenset({WhoNumbers.CALLER}))

    @classmethod
    def connect(cls, system: System, plumbing: Plumbing) -> Self:
        """Options beside those above: ``journal`` and ``product`` (ids, for invoices that we make),
        ``reference_field``, ``page_size``."""
        database = system.option("database", "")
        given: dict[str, Any] = {
            "key": system.credentials["key"],
            "database": database,
            "plumbing": plumbing,
            "limits_key": system.limits_key,
        }
        door: Door
        api = system.option("api", "json2")
        if api == "json2":
            door = Json2(system.name, system.required("url"), **given)
        elif api == "jsonrpc" and database and system.option("login", ""):
            door = JsonRpc(system.name, system.required("url"), login=system.option("login", ""), **given)
        else:
            raise Misconfigured(
                f"{system.name}: the option 'api' is {api!r}, with the database {database!r}.",
                rule="Odoo is spoken to by 'json2', or by 'jsonrpc', which needs 'database' and 'login' as well.",
                remedy="Correct the options of the system in the settings.",
                system=system.name,
            )
        return cls(door, system)

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        """Ordered by id, each page from behind the last id: what changes meanwhile moves nothing between pages."""
        # To the second, rounded down: Odoo shows no more of a time, though it keeps more.
        domain = [] if since is None else [["write_date", ">=", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"]]

        def read(cursor: str | None) -> Page:
            # One more than the page holds, which tells whether there is another page.
            found = self._search([*domain, ["id", ">", int(cursor or 0)]], limit=self._page_size + 1)
            here = found[: self._page_size]
            return Page(here, here[-1].remote_id if len(found) > len(here) else None)

        return pages(read, cursor, system=self._system.name, endpoint=f"POST {_MOVES}.search_read")

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        found = self._search([["name", "=", number] if number else [self._reference, "=", reference]])
        # A draft may show the name that it would get; it doesn't bear it yet.
        return [each for each in found if not number or each.number == number]

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """In two steps, each a transaction over there; a draft that an earlier call has left behind is posted."""
        made = make_once(lambda: self._ahead(invoice.reference), lambda: self._make(invoice))
        if made.state is not State.DRAFT:
            return made
        refusal: Refused | None = None
        try:
            return self._act(made.remote_id, "action_post", State.POSTED)
        except Refused as error:
            refusal = error
        # Outside of the `except`, so that no error hangs on another.
        if self._numbers and any(each.remote_id != made.remote_id for each in self.find(number=invoice.number)):
            raise self._taken(invoice.number)
        raise refusal

    def draft(self, invoice: NewInvoice) -> RemoteInvoice:
        raise Unsupported(
            f"{self._system.name}: Odoo gives a draft no number.",
            rule="Drafts are kept as a pool only where they have numbers.",
            remedy="Let the series number by itself, and reconcile; or read Odoo's number after posting.",
            system=self._system.name,
        )

    def cancel(self, remote_id: str) -> RemoteInvoice:
        now = self._read(remote_id)
        return now if now.state is State.VOID else self._act(remote_id, "button_cancel", State.VOID)

    def close(self) -> None:
        self._door.close()

    # Reading --------------------------------------------------------------------------------------------

    def _search(self, domain: list[list[Any]], limit: int | None = None) -> list[RemoteInvoice]:
        return [self._invoice(each) for each in self._rows(domain, limit)]

    def _rows(self, domain: list[list[Any]], limit: int | None = None) -> list[Record]:
        fields = ["name", "state", "posted_before", "invoice_date", "write_date", self._reference, *_AMOUNT]
        found = self._door.call(
            _MOVES,
            "search_read",
            domain=[["company_id", "=", self._company], ["move_type", "in", _KINDS], *domain],
            fields=fields,
            order="id asc",
            limit=limit,
            repeatable=True,
        )
        return [self._without_false(each) for each in found.records("result")]

    def _without_false(self, record: Record) -> Record:
        """Odoo writes an empty field as false."""
        fields = {key: None if value is False else value for key, value in record.fields.items()}
        return Record(fields, system=self._system.name, endpoint=f"POST {_MOVES}.search_read")

    def _read(self, remote_id: str) -> RemoteInvoice:
        found = self._search([["id", "=", int(remote_id)]]) if remote_id.isdecimal() else []
        if found:
            return found[0]
        raise NotThere(
            f"{self._system.name}: there is no invoice {remote_id!r} in Odoo.",
            rule="An invoice of Odoo has a number for a key, and belongs to the company of the settings.",
            remedy="See whether it was deleted there.",
            system=self._system.name,
            endpoint=f"POST {_MOVES}.search_read",
        )

    def _ahead(self, reference: str) -> list[RemoteInvoice]:
        """The documents of ``reference``; those that are posted alone, if there are any."""
        found = list(self.find(reference=reference))
        return [each for each in found if each.state is State.POSTED] or found

    def _invoice(self, record: Record) -> RemoteInvoice:
        state = record.text("state")
        if state not in _STATES:
            record.refuse(f"has an unknown state {state!r}")
        name = record.text("name", "")
        # Until version 18 the first draft of a period shows the name that it would get.
        borne = name != "/" and (state != "draft" or "posted_before" in record)
        return RemoteInvoice(
            remote_id=record.text("id"),
            number=name if borne else "",
            state=_STATES[state],
            issued_on=record.date("invoice_date", None),
            reference=record.text(self._reference, ""),
            changed_at=_utc(record, "write_date"),
            total=record.amount("amount_total"),
            currency=_named(record, "currency_id").rpartition("\n")[2],
            customer=_named(record, "partner_id"),
        )

    # Writing --------------------------------------------------------------------------------------------

    def _act(self, remote_id: str, method: str, wanted: State) -> RemoteInvoice:
        """Press a button of the invoice. Sent again after any fault: the second press of one is refused."""
        refusal: Refused | None = None
        try:
            self._door.call(_MOVES, method, [int(remote_id)], repeatable=True)
        except Refused as error:
            refusal = error
        # Outside of the `except`, so that no error hangs on another. An earlier press may have done it.
        now = self._read(remote_id)
        if now.state is wanted:
            return now
        raise refusal or self._refused(
            Refused,
            f"{method} left the invoice {remote_id} as it was",
            "Odoo asks a person to confirm what looks odd to it, such as a date of the future.",
        )

    def _make(self, invoice: NewInvoice) -> RemoteInvoice:
        if self._numbers and self.find(number=invoice.number):
            raise self._taken(invoice.number)
        values: dict[str, Any] = {
            "move_type": "out_invoice",
            "company_id": self._company,
            "partner_id": _id(self._system, invoice.customer, "customer"),
            "invoice_date": invoice.issued_on,
            self._reference: invoice.reference,
            "invoice_line_ids": [[0, 0, self._line(invoice)]],
            **({"name": invoice.number} if self._numbers else {}),
            **({"journal_id": self._journal} if self._journal else {}),
            **({"currency_id": self._currency(invoice.currency)} if invoice.currency else {}),
            **invoice.extra,
        }
        answer = self._door.call(_MOVES, "create", vals_list=[values])
        made = answer.fields["result"]
        if not isinstance(made, list) or len(made) != 1 or not isinstance(made[0], int):
            answer.refuse("has not the id of one new invoice")
        if self._numbers:
            self._see_that_it_kept(invoice.number, made[0])
        return self._read(str(made[0]))

    def _line(self, invoice: NewInvoice) -> dict[str, Any]:
        line: dict[str, Any] = {"name": invoice.reference, "quantity": 1, "price_unit": invoice.total or 0}
        return line | ({"product_id": self._product} if self._product else {})

    def _currency(self, code: str) -> int:
        # One that is switched off isn't found, unless it is asked for; then Odoo refuses it in its own words.
        found = self._door.call(
            "res.currency", "search_read", domain=[["name", "=", code]], fields=["name"], limit=1, repeatable=True
        ).records("result")
        if not found:
            raise self._refused(Refused, f"there is no active currency {code!r}", "An invoice refers to what is there.")
        return found[0].whole("id")

    def _see_that_it_kept(self, number: str, made: int) -> None:
        """Odoo drops a name whose year isn't that of the date, without a word: then the draft must go again."""
        [row] = self._rows([["id", "=", made]])
        if row.text("name", "") != number:
            self._door.call(_MOVES, "unlink", [made], repeatable=True)
            raise self._refused(
                NumberRefused,
                f"the number {number!r} isn't kept",
                "A name whose year or month isn't that of the invoice's date is dropped by Odoo.",
            )

    def _taken(self, number: str) -> Refused:
        return self._refused(NumberRefused, f"the number {number!r} is taken", "Odoo gives a name once in a journal.")

    def _refused(self, kind: type[Refused], what: str, rule: str) -> Refused:
        return kind(
            f"{self._system.name}: {what} in Odoo.",
            rule=rule,
            remedy="Look at it there; the next reconciliation shows it too.",
            system=self._system.name,
            endpoint=f"POST {_MOVES}",
        )


def _named(record: Record, key: str) -> str:
    """The id and the name of what a field points to, one a line: Odoo writes [7, "Ada Ltd"]."""
    there = record.fields.get(key)
    return "\n".join(map(str, there)) if isinstance(there, list) else ""


def _utc(record: Record, key: str) -> datetime:
    try:
        return datetime.fromisoformat(record.text(key)).replace(tzinfo=UTC)
    except ValueError:
        record.refuse(f"has no time in {key!r}")


def _id(system: System, text: str, what: str) -> int:
    if text.isdecimal():
        return int(text)
    raise Misconfigured(
        f"{system.name}: the {what} {text!r} is no id of Odoo.",
        rule="Odoo names its records by numbers.",
        remedy=f"Give the id of the {what}, which its address in Odoo shows.",
        system=system.name,
    )
