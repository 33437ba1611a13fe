"""The notice that comes with the answer to COMMIT and tells the number of a ticket: it saves a query.

Where it does not come (``client_min_messages`` is set higher, a block of documents), the number is read when it is
asked for; nothing rests on it.
"""

from __future__ import annotations

import json
import weakref
from typing import TYPE_CHECKING, Any

from ledger.allocation.deferred_numbers import DeferredNumbers

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_WORD = "ledger_numbered "

#: Of each of the driver's connections, the promises that wait for their COMMIT, by schema and ticket.
_waiting: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[str, DeferredNumbers]] = (
    weakref.WeakKeyDictionary()
)


def listen(connection: BaseDatabaseWrapper, deferred: DeferredNumbers) -> None:
    """Have the notice, if one comes, fill in the numbers of ``deferred``."""
    driver = connection.connection
    waiting = _waiting.get(driver)
    if waiting is None:
        waiting = _waiting[driver] = weakref.WeakValueDictionary()
        itself = weakref.ref(driver)
        driver.add_notice_handler(lambda notice: _hear(itself, notice))
    waiting[f"{deferred.schema}.{deferred.ticket}"] = deferred


def _hear(driver: weakref.ref[Any], notice: Any) -> None:
    said = notice.message_primary or ""
    if not said.startswith(_WORD):
        return
    waiting = _waiting.get(driver())
    deferred = waiting.pop(said.removeprefix(_WORD), None) if waiting is not None else None
    if deferred is not None:
        deferred.tell(json.loads(notice.message_detail))
