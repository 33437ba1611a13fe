"""The two ways into Odoo: JSON-2, from version 19 on, and JSON-RPC, which older ones have and 22 will not.

Both call a method of a model. Each call is a transaction of its own over there, rolled back if it fails.
"""

from typing import Any

from workers.accounting.credentials import FixedHeaders, bearer
from workers.accounting.errors import AccountingError, AuthenticationFailed, NotThere, Refused, ServerFault
from workers.accounting.failures import Asked
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions
from workers.accounting.responses import Record
from workers.accounting.systems import System

#: What Odoo's own exceptions mean, by the last part of their names; all others are failures of its own.
_MEANING: dict[str, type[AccountingError]] = {
    "AccessDenied": AuthenticationFailed,
    "AccessError": AuthenticationFailed,
    "MissingError": NotThere,
    "UserError": Refused,
    "ValidationError": Refused,
    "RedirectWarning": Refused,
}
_REMEDY = {
    AuthenticationFailed: "See whether the key has run out, or its user lacks a right; then put a new one in place.",
    NotThere: "See whether it was deleted there.",
    Refused: "Correct what it names; the same request would be refused again.",
    ServerFault: "The next run tries again; if this stays, see its log.",
}


class Json2:
    """``POST /json/2/<model>/<method>`` with the method's parameters by name; statuses are those of HTTP."""

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        database = system.option("database", "")
        self._client = Client.of(
            system,
            http_options,
            authentication=bearer(system.credentials["key"]),
            headers={"X-Odoo-Database": database} if database else {},
        )

    def call(
        self, model: str, method: str, ids: list[int] | None = None, *, repeatable: bool = False, **given: Any
    ) -> Record:
        """What the method returns, under "result". ``repeatable`` if calling it twice does no harm."""
        path = f"json/2/{model}/{method}"
        body = given if ids is None else {"ids": ids, **given}
        # 409 says that somebody else holds a lock, and that nothing was done.
        answer = self._client.post(path, json=body, repeatable=repeatable, accept=[409])
        if answer.status == 409:
            raise Asked(self._client.system, f"POST {path}", 409).server_fault("a lock is held").error
        return Record({"result": answer.body}, system=self._client.system, endpoint=f"POST {path}")

    def close(self) -> None:
        self._client.close()


class JsonRpc:
    """``POST /jsonrpc``: the key is in the body, and errors come with HTTP 200."""

    def __init__(self, system: System, http_options: HttpOptions) -> None:
        self._key = system.credentials["key"]
        self._login, self._database = system.option("login", ""), system.option("database", "")
        # Nothing in the headers, but known to whatever cleans texts of secrets.
        self._client = Client.of(system, http_options, authentication=FixedHeaders({}, also_secret=[self._key]))
        self._user: int | None = None

    def call(
        self, model: str, method: str, ids: list[int] | None = None, *, repeatable: bool = False, **given: Any
    ) -> Record:
        if self._user is None:
            self._user = self._logged_in()
        positional = [] if ids is None else [ids]
        if method == "create":
            # Odoo looks at the first of them to see whether one record or several are wanted.
            positional = [given.pop("vals_list")]
        arguments = [self._database, self._user, self._key, model, method, positional, given]
        return self._ask("object", "execute_kw", arguments, f"POST jsonrpc {model}.{method}", repeatable=repeatable)

    def close(self) -> None:
        self._client.close()

    def _logged_in(self) -> int:
        arguments = [self._database, self._login, self._key, {}]
        answer = self._ask("common", "authenticate", arguments, "POST jsonrpc authenticate", repeatable=True)
        if answer.fields["result"] is False:
            raise self._error(AuthenticationFailed, "POST jsonrpc authenticate", "the login or the key is wrong")
        return answer.whole("result")

    def _ask(self, service: str, method: str, arguments: list[Any], endpoint: str, *, repeatable: bool) -> Record:
        body = {
            "jsonrpc": "2.0",
            "method": "call",
            "id": 1,
            "params": {"service": service, "method": method, "args": arguments},
        }
        answer = self._client.post("jsonrpc", json=body, repeatable=repeatable).record
        if "error" not in answer:
            return Record({"result": answer.fields.get("result")}, system=self._client.system, endpoint=endpoint)
        error = answer.record("error")
        said = error.record("data") if "data" in error else error
        kind = _MEANING.get(said.text("name", "").rpartition(".")[2], ServerFault)
        raise self._error(kind, endpoint, self._client.clean(said.text("message", "")))

    def _error(self, kind: type[AccountingError], endpoint: str, said: str) -> AccountingError:
        line = " ".join(said.split())[:300]
        return kind(
            f"{self._client.system}: {endpoint} was refused{f': “{line}”' if line else ''}.",
            rule="Odoo takes what its own rules allow, of those who may.",
            remedy=_REMEDY[kind],
            system=self._client.system,
            endpoint=endpoint,
        )


OdooConnection = Json2 | JsonRpc
