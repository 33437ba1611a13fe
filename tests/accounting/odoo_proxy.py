"""A proxy before a real Odoo, with the faults of a stand-in: Odoo itself answers the requests that get through.

People's actions are done with an administrator's key (``person``), under Odoo's own rules. What a test
only needs to be there is written straight into Odoo's tables, which takes a millisecond and lets it choose the time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import httpx
import psycopg
from psycopg import sql

from tests.accounting.odoo_server import Server
from tests.accounting.standins.chosen_faults import ChosenFaults
from tests.accounting.standins.server import Reply, Request
from workers.accounting.base import State
from workers.accounting.http import trusted_certificates

_STATES = {State.DRAFT: "draft", State.POSTED: "posted", State.VOID: "cancel"}
_PASSED_ON = {"accept", "content-type", "authorization", "x-odoo-database"}
_TABLES = (
    "account_partial_reconcile",
    "account_full_reconcile",
    "account_payment",
    "account_move_line",
    "account_move",
)


class OdooProxy(ChosenFaults):
    """Starts without invoices. The caller that starts a server sets ``server``; it serves one proxy at a time."""

    server: ClassVar[Server]
    #: The key, of those in the server's facts, that the adapter's requests get.
    user: str = "key"

    def __init__(self) -> None:
        super().__init__()
        self._database = psycopg.connect(self.server.database, autocommit=True)
        self.clear()

    def clear(self) -> None:
        """All documents are gone."""
        for table in _TABLES:
            self._database.execute(f"DELETE FROM {table}")

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._database.close()

    def answer(self, request: Request) -> Reply:
        # A wrong key stays wrong; ours is the one of the books. By JSON-RPC it is in the body.
        key = self.server.facts[self.user].encode()
        body = request.body.replace(self.secret.encode(), key)
        if self.repeats_pages and b"search_read" in request.path.encode() + body:
            body = _from_the_start(body)
        answer = httpx.post(
            f"{self.server.url}{request.path}",
            content=body,
            headers={
                name: value.replace(self.secret, key.decode())
                for name, value in request.headers.items()
                if name in _PASSED_ON
            },
            timeout=60,
            verify=trusted_certificates(),
        )
        if answer.status_code >= 400 and self.echoes_secrets:
            return Reply(answer.status_code, {"message": f"{request.headers} {request.body!r}"})
        kind = answer.headers.get("Content-Type", "text/html")
        return Reply(answer.status_code, answer.content, {"Content-Type": kind})

    # What people do ------------------------------------------------------------------------------------

    def person(self, method: str, *keys: str, model: str = "account.move", **given: Any) -> Any:
        """Press a button, or save a form, as in Odoo's own program."""
        answer = self._pressed(method, *keys, model=model, **given)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def try_person(self, method: str, *keys: str) -> bool:
        """Whether Odoo carries out what the person wants."""
        return self._pressed(method, *keys, model="account.move").status_code == httpx.codes.OK

    def _pressed(self, method: str, *keys: str, model: str, **given: Any) -> httpx.Response:
        ids = {"ids": [int(key) for key in keys]} if keys else {}
        return httpx.post(
            f"{self.server.url}/json/2/{model}/{method}",
            headers={"Authorization": f"Bearer {self.server.facts['admin_key']}"},
            json={**ids, **given},
            timeout=60,
            verify=trusted_certificates(),
        )

    def pay(self, key: str) -> None:
        """Somebody registers a payment of all of it."""
        context = {"active_model": "account.move", "active_ids": [int(key)]}
        [form] = self.person("create", model="account.payment.register", vals_list=[{}], context=context)
        self.person("action_create_payments", str(form), model="account.payment.register", context=context)

    def credit(self, key: str, how: str) -> None:
        """Somebody credits all of it: by a draft (``refund_moves``), or with a new invoice (``modify_moves``)."""
        values = {"move_ids": [[6, 0, [int(key)]]], "journal_id": self.server.facts["journal"], "reason": "x"}
        [form] = self.person("create", model="account.move.reversal", vals_list=[values])
        self.person(how, str(form), model="account.move.reversal")

    def invoice(
        self, number: str = "", on: date = date(2026, 3, 1), total: float = 100.0, *, post: bool = True, **values: Any
    ) -> str:
        """Somebody makes an invoice by hand, and posts it."""
        facts = self.server.facts
        line = {"name": "by hand", "quantity": 1, "price_unit": total}
        move = {
            "move_type": "out_invoice",
            "company_id": facts["company"],
            "journal_id": facts["journal"],
            "partner_id": facts["customer"],
            "currency_id": facts["currency"],
            "invoice_date": on.isoformat(),
            "invoice_line_ids": [[0, 0, line]],
            **({"name": number} if number else {}),
        }
        [made] = self.person("create", vals_list=[move | values])
        if post:
            self.person("action_post", str(made))
        return str(made)

    # What is there -------------------------------------------------------------------------------------

    def add(self, number: str, issued_on: date, reference: str = "", state: State = State.POSTED, **body: Any) -> str:
        facts = self.server.facts
        values = {
            "company_id": facts["company"],
            "journal_id": facts["journal"],
            "move_type": "out_invoice",
            "partner_id": facts["customer"],
            "currency_id": facts["currency"],
            "name": number or None,
            "invoice_origin": reference or None,
            "state": _STATES[state],
            "payment_state": "not_paid",
            "posted_before": state is not State.DRAFT,
            "auto_post": "no",
            "date": issued_on,
            "invoice_date": issued_on,
            "amount_total": 100,
            "create_date": _utc(self.now),
            "write_date": _utc(self.now),
            **body,
        }
        statement = sql.SQL("INSERT INTO account_move ({}) VALUES ({}) RETURNING id").format(
            sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(sql.Placeholder() * len(values))
        )
        [made] = self._database.execute(statement, [*values.values()])
        return str(made[0])

    def change(self, key: str, **values: Any) -> None:
        """Write these columns, and the time of the change."""
        values = {"write_date": _utc(self.now), **values}
        pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
        statement = sql.SQL("UPDATE account_move SET {} WHERE id = %s").format(pairs)
        self._database.execute(statement, [*values.values(), int(key)])

    def touch(self, key: str) -> None:
        self.change(key)

    def renumber(self, key: str, number: str) -> None:
        self.change(key, name=number)

    def void(self, key: str) -> None:
        self.change(key, state="cancel")

    def delete(self, key: str) -> None:
        self._database.execute("DELETE FROM account_move WHERE id = %s", [int(key)])

    def keys(self) -> list[str]:
        return [str(key) for (key,) in self.rows("id")]

    def facts(self) -> list[tuple[str, str, State]]:
        states = {name: state for state, name in _STATES.items()}
        found = self.rows("name, invoice_origin, state")
        return [(name or "", reference or "", states[state]) for name, reference, state in found]

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        """Columns of all documents, oldest first."""
        return self._database.execute(f"SELECT {columns} FROM account_move ORDER BY id").fetchall()


def _utc(at: datetime) -> datetime:
    """A time as Odoo keeps it: in UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _from_the_start(body: bytes) -> bytes:
    """The same request without the cursor."""
    return re.sub(rb'\["id", ?">", ?\d+\]', b'["id", ">", 0]', body)
