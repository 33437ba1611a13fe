"""The notice that comes with the answer to COMMIT and tells the number of a ticket: it saves a query.

Where it does not come (``client_min_messages`` is set higher, a block of documents), the number is read when it is
asked for; nothing rests on it.
"""

from __future__ import annotations

import json
import weakref
from typing import TYPE_CHECKING, Any

from ledger.allocation.promises import Promise

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_WORD = "ledger_numbered "

#: Of each of the driver's connections, the promises that wait for their COMMIT, by schema and ticket.
_waiting: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[str, Promise]] = weakref.WeakKeyDictionary()


def listen(connection: BaseDatabaseWrapper, promise: Promise) -> None:
    """Have ``promise`` told by the notice, if one comes."""
    driver = connection.connection
    waiting = _waiting.get(driver)
    if waiting is None:
        waiting = _waiting[driver] = weakref.WeakValueDictionary()
        itself = weakref.ref(driver)
        driver.add_notice_handler(lambda notice: _hear(itself, notice))
    waiting[f"{promise.schema}.{promise.ticket}"] = promise


def _hear(driver: weakref.ref[Any], notice: Any) -> None:
    said = notice.message_primary or ""
    if not said.startswith(_WORD):
        return
    waiting = _waiting.get(driver())
    promise = waiting.pop(said.removeprefix(_WORD), None) if waiting is not None else None
    if promise is not None:
        promise.tell(json.loads(notice.message_detail))
