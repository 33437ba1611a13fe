"""Odoo (tested against a real 19.0; its answers also against 18.0): it numbers an invoice when it is posted.

Folio calls it by JSON-2 from version 19 on, and by JSON-RPC, which 22 will not have, before that. Both call a method of
a model. Each call is a transaction of its own there, rolled back if it fails. ``organisation`` is the company's id:

    "books": {"adapter": "odoo", "url": "https://acme.odoo.com", "organisation": "1",
              "credentials": {"ENV": "ODOO_"},            # ODOO_KEY: an API key of a user of its own
              "options": {"database": "acme"}}            # JSON-RPC: also "api": "jsonrpc", "login": "folio@acme.com"

An API key lasts three months at most, so it must be renewed in time. With the option ``our_numbers`` Folio numbers the
invoices, otherwise Odoo does. Then the ``journal`` must be Folio's own: in a journal with a name of ours, Odoo gives
the next number of that form to the next manual invoice. Odoo reads two or four digits before the counter as a year
(``SHOP07/…``), two more as a month, and refuses to post unless they are the date's. The key of our document goes into
the "Source Document" (``invoice_origin``), by which it is found again after a lost answer.

A cancelled invoice keeps its name. An invoice that is reset to draft and deleted leaves nothing, and if it was the last
of its series, Odoo gives its name to the next one.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from ledger.kinds import Kind
from workers.accounting import base
from workers.accounting.base import AccountingSystem, Capabilities, NewInvoice, Page, RemoteInvoice, State, WhoNumbers
from workers.accounting.errors import Misconfigured, NotThere, NumberRefused, Refused
from workers.accounting.http_options import HttpOptions
from workers.accounting.odoo_connections import Json2, JsonRpc
from workers.accounting.responses import Record
from workers.accounting.systems import System

_STATES = {"draft": State.DRAFT, "posted": State.POSTED, "cancel": State.VOID}
_MOVES = "account.move"
_FIELDS = (
    *("name", "state", "posted_before", "payment_state", "invoice_date", "write_date"),
    *("amount_total", "currency_id", "partner_id"),
)
_INVOICE = "out_invoice"
_KINDS = [_INVOICE, "out_refund", "out_receipt"]


class Odoo(AccountingSystem):
    """Customer invoices, credit notes and receipts of one company.

    More options: ``journal`` and ``product`` (ids, for invoices that we make), ``reference_field``, ``page_size``.
    """

    name: ClassVar[str] = "odoo"
    endpoint: ClassVar[str] = f"POST {_MOVES}.search_read"
    capabilities = Capabilities(
        who_numbers=frozenset({WhoNumbers.AT_POST}),
        changed_since=True,
        deletions=False,
        # There are drafts, but they have no numbers.
        drafts=False,
        kinds=frozenset({Kind.INVOICE, Kind.CREDIT_NOTE, Kind.RECEIPT, Kind.REFUND}),
        number_kept=False,
        misfit=lambda number, on: misfit(number, on),
        # A change has the time at which its transaction began, and shows once that is over.
        overlap=timedelta(minutes=15),
    )

    _client: Json2 | JsonRpc

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        super().__init__(system, http_options)
        api, database = system.option("api", "json2"), system.option("database", "")
        if api != "json2" and (api != "jsonrpc" or not database or not system.option("login", "")):
            rule = "Folio calls Odoo by 'json2', or by 'jsonrpc', which needs 'database' and 'login' as well."
            raise system.wrong(f"the option 'api' is {api!r}, with the database {database!r}", rule)
        self._company = _id(system, system.required("organisation"), "company")
        self._page_size = system.option("page_size", 500)
        self._reference = system.option("reference_field", "invoice_origin")
        self._journal = system.option("journal", 0)
        self._product = system.option("product", 0)
        self._numbers = system.option("our_numbers", False)
        if self._numbers and not self._journal:
            raise self.error(
                Misconfigured,
                "the option 'our_numbers' needs a 'journal'.",
                rule="In a journal with a name of ours, Odoo gives our next number to the next manual invoice.",
                remedy="Make a sales journal there that only Folio uses, and set the option 'journal' to its id.",
            )
        if self._numbers:
            self.capabilities = replace(self.capabilities, who_numbers=frozenset({WhoNumbers.CALLER}))
        kind: type[Json2] | type[JsonRpc] = Json2 if api == "json2" else JsonRpc
        self._client = kind.to(system, http_options)

    def changed(self, since: datetime | None, cursor: str | None = None) -> Iterator[Page]:
        # Rounded down to the second: Odoo shows no more of a time, though it keeps more.
        domain = [] if since is None else [["write_date", ">=", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"]]
        return self.pages_by_id(
            lambda after, limit: self._search([*domain, ["id", ">", after]], limit), self._page_size, cursor
        )

    def find(self, *, number: str = "", reference: str = "") -> Sequence[RemoteInvoice]:
        found = self._search([["name", "=", number] if number else [self._reference, "=", reference]])
        # A draft may show the name that it would get, but doesn't have it yet.
        return [each for each in found if not number or each.number == number]

    def push(self, invoice: NewInvoice) -> RemoteInvoice:
        """In two steps, each a transaction there; a draft that an earlier call has left is posted."""
        made = base.make_once(lambda: self._ahead(invoice), lambda: self._make(invoice))
        if made.state is not State.DRAFT:
            return made
        if invoice.total is not None and made.total is not None and round(made.total - invoice.total, 3):
            self._withdraw(made)
            raise self._refused(
                Refused,
                f"the total of {invoice.reference} would be {made.total}, where {invoice.total} was asked for",
                "The total is posted as asked for; Odoo adds the taxes of the product or the account.",
            )
        refusal: Refused | None = None
        try:
            return self._press(made.remote_id, "action_post", State.POSTED)
        except Refused as error:
            refusal = error
        # Outside the `except`, so that no error is the context of another.
        if not self._numbers:
            raise refusal
        # A draft that stayed would keep the number.
        self._withdraw(made)
        if any(each.remote_id != made.remote_id for each in self.find(number=invoice.number)):
            raise self._taken(invoice.number)
        raise NumberRefused(
            f"{refusal.problem} The draft with the number {invoice.number} was removed.",
            rule=refusal.rule,
            remedy=refusal.remedy,
            system=refusal.system,
            endpoint=refusal.endpoint,
            status=refusal.status,
        )

    def cancel(self, remote_id: str) -> RemoteInvoice:
        """Refused for paid and credited invoices: Odoo's button would leave the payment or refund as it is."""
        now = self.read(remote_id)
        if now.state is State.VOID:
            return now
        [row] = self._rows([["id", "=", int(remote_id)]])
        paid = row.text("payment_state", "not_paid")
        if paid != "not_paid":
            raise self.error(
                Refused,
                f"{now.number or remote_id} is {paid.replace('_', ' ')} in Odoo: not cancelled.",
                rule="An invoice that was paid or credited isn't cancelled: its payment would stay open, or its "
                "revenue would be taken back twice.",
                remedy="A person must decide there: reset the payment and cancel it, or leave it to its credit note.",
                endpoint=f"POST {_MOVES}.button_cancel",
            )
        return self._press(remote_id, "button_cancel", State.VOID)

    # Reading --------------------------------------------------------------------------------------------

    def _search(self, domain: list[list[Any]], limit: int | None = None) -> list[RemoteInvoice]:
        return [self._invoice(each) for each in self._rows(domain, limit)]

    def _rows(self, domain: list[list[Any]], limit: int | None = None) -> list[Record]:
        asked: dict[str, Any] = {
            "domain": [["company_id", "=", self._company], ["move_type", "in", _KINDS], *domain],
            "fields": [*_FIELDS, self._reference],
            "order": "id asc",
            "limit": limit,
        }
        found = self._client.call(_MOVES, "search_read", **asked, repeatable=True)
        return [self._without_false(each) for each in found.records("result")]

    def _without_false(self, record: Record) -> Record:
        """Odoo writes an empty field as false."""
        fields = {key: None if value is False else value for key, value in record.fields.items()}
        return Record(fields, system=self.system.name, endpoint=self.endpoint)

    def read(self, remote_id: str) -> RemoteInvoice:
        found = self._search([["id", "=", int(remote_id)]]) if remote_id.isdecimal() else []
        if found:
            return found[0]
        raise self.error(
            NotThere,
            f"there is no invoice {remote_id!r} in Odoo.",
            rule="The key of an invoice in Odoo is a number, and the invoice belongs to the company of the settings.",
            remedy="Check whether it was deleted there.",
        )

    def _ahead(self, invoice: NewInvoice) -> list[RemoteInvoice]:
        """The documents with its kind and reference; only the posted ones, if there are any.

        A credit note has the reference of the invoice that it credits. A creation that outlasted its time-out leaves a
        second draft: the first one stays.
        """
        kind = invoice.extra.get("move_type", _INVOICE)
        found = self._search([[self._reference, "=", invoice.reference], ["move_type", "=", kind]])
        if posted := [each for each in found if each.state is State.POSTED]:
            return posted
        drafts = [each for each in found if each.state is State.DRAFT]
        for each in drafts[1:] if self._numbers else ():
            self._withdraw(each)
        return drafts[:1] or found

    def _invoice(self, record: Record) -> RemoteInvoice:
        state = record.one_of("state", _STATES)
        name = record.text("name", "")
        # Until version 18 the first draft of a period shows the name that it would get.
        borne = name != "/" and (state is not State.DRAFT or "posted_before" in record)
        return RemoteInvoice(
            remote_id=record.text("id"),
            number=name if borne else "",
            state=state,
            issued_on=record.date("invoice_date", None),
            reference=record.text(self._reference, ""),
            changed_at=record.time("write_date", UTC),
            total=record.amount("amount_total"),
            currency=_named(record, "currency_id").rpartition("\n")[2],
            customer=_named(record, "partner_id"),
        )

    # Writing --------------------------------------------------------------------------------------------

    def _press(self, remote_id: str, method: str, wanted: State) -> RemoteInvoice:
        """Sent again after any fault: Odoo refuses the second press of a button. It doesn't return the document."""

        def press() -> None:
            self._client.call(_MOVES, method, [int(remote_id)], repeatable=True)

        return self.act(press, remote_id, wanted, method)

    def _make(self, invoice: NewInvoice) -> RemoteInvoice:
        if self._numbers:
            # Before anything is made: a draft whose name doesn't fit its date can't be posted, and keeps the name.
            if problem := misfit(invoice.number, invoice.issued_on):
                raise self._refused(
                    NumberRefused,
                    f"the number {invoice.number!r} isn't posted for {invoice.issued_on}: {problem}",
                    "Two or four digits before the counter are read as a year, two more as a month, and must be the "
                    "date's.",
                )
            if self.find(number=invoice.number):
                raise self._taken(invoice.number)
        values: dict[str, Any] = {
            "move_type": _INVOICE,
            "company_id": self._company,
            "partner_id": _id(self.system, invoice.customer, "customer"),
            "invoice_date": invoice.issued_on,
            self._reference: invoice.reference,
            "invoice_line_ids": [[0, 0, self._line(invoice)]],
            **({"name": invoice.number} if self._numbers else {}),
            **({"journal_id": self._journal} if self._journal else {}),
            **({"currency_id": self._currency(invoice.currency)} if invoice.currency else {}),
            **invoice.extra,
        }
        answer = self._client.call(_MOVES, "create", vals_list=[values])
        made = answer.fields["result"]
        if not isinstance(made, list) or len(made) != 1 or not isinstance(made[0], int):
            answer.refuse("lacks the id of one new invoice")
        return self.read(str(made[0]))

    def _line(self, invoice: NewInvoice) -> dict[str, Any]:
        line: dict[str, Any] = {"name": invoice.reference, "quantity": 1, "price_unit": invoice.total or 0}
        return line | ({"product_id": self._product} if self._product else {})

    def _currency(self, code: str) -> int:
        # An inactive currency isn't found.
        found = self._client.call(
            "res.currency", "search_read", domain=[["name", "=", code]], fields=["name"], limit=1, repeatable=True
        ).records("result")
        if not found:
            raise self._refused(Refused, f"there is no active currency {code!r}", "An invoice needs a currency.")
        return found[0].whole("id")

    def _withdraw(self, draft: RemoteInvoice) -> None:
        """Delete a draft of ours; one that somebody has deleted or posted meanwhile stays as it is."""
        with suppress(NotThere, Refused):
            self._client.call(_MOVES, "unlink", [int(draft.remote_id)], repeatable=True)

    def _taken(self, number: str) -> Refused:
        return self._refused(NumberRefused, f"the number {number!r} is taken", "Odoo gives a name once in a journal.")

    def _refused(self, kind: type[Refused], what: str, rule: str) -> Refused:
        remedy = "Look at it there; the next reconciliation shows it too."
        return self.error(kind, f"{what} in Odoo.", rule=rule, remedy=remedy, endpoint=f"POST {_MOVES}")


#: How `sequence_mixin.py` of Odoo 17 to 19 reads names: by month, by a range of years, by year.
_YEAR = r"(?P<year>(?:(?<=\D)|(?<=^))(?:(?:19|20|21)\d{2}|\d{2}(?=\D)))"
_MONTHLY = re.compile(rf"^.*?{_YEAR}\D*?(?P<month>0[1-9]|1[0-2])\D+?\d*\D*?$")
_RANGE = re.compile(r"^.*?(?:(?<=\D)|(?<=^))(?:(?:19|20|21)\d{2}|\d{2})\D+?(?:(?:19|20|21)\d{2}|\d{2})\D+?\d*\D*?$")
_YEARLY = re.compile(rf"^.*?{_YEAR}\D+?\d*\D*?$")


def read_as(number: str) -> tuple[int, int | None] | None:
    """The year and month that Odoo reads in a name; None for none, or for a range of years, which Odoo checks."""
    monthly = _MONTHLY.match(number)
    if monthly is None and _RANGE.match(number):
        return None
    found = monthly or _YEARLY.match(number)
    if found is None:
        return None
    year = int(found["year"])
    return (year if year > 99 else 2000 + year, int(monthly["month"]) if monthly else None)


def misfit(number: str, on: date) -> str:
    """Why Odoo wouldn't post a document of that day with the number; empty if it would, or if only Odoo can tell."""
    read = read_as(number)
    if read is None or read == (on.year, read[1] and on.month):
        return ""
    return f"it is one of {read[0]}" if read[1] is None else f"it is one of {read[0]}-{read[1]:02}"


def _named(record: Record, key: str) -> str:
    """The id and the name of the record in a field, one on each line: Odoo writes [7, "Ada Ltd"]."""
    there = record.fields.get(key)
    return "\n".join(map(str, there)) if isinstance(there, list) else ""


def _id(system: System, text: str, what: str) -> int:
    if text.isdecimal():
        return int(text)
    raise Misconfigured(
        f"{system.name}: the {what} {text!r} is no id of Odoo.",
        rule="Ids in Odoo are numbers.",
        remedy=f"Give the id of the {what}, which its address in Odoo shows.",
        system=system.name,
    )
