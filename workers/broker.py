"""Redis as Folio's own worker uses it: one that comes back finds the worker alive.

With kombu 5.7 a worker that loses its Redis in the middle of a task may end as soon as it has found it again: it
acknowledges, or puts back, a message over the connection that was lost, and that is an AttributeError that nobody
expects ("Unrecoverable error: 'NoneType' object has no attribute 'client'", or 'hostname'). A message of a lost
connection can be neither acknowledged nor put back; it is redelivered, or gone, and either is good enough for a sweep.
"""

import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

_log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Lets go of the messages of a connection that was lost."""

    #: Would be done while the connection is closed, over that very connection.
    do_restore = False

    def basic_ack(self, delivery_tag: Any, multiple: bool = False) -> None:
        """Acknowledge a message, unless its connection is gone."""
        if self._is_lost():
            _log.info("The broker was lost before message %s could be acknowledged; it may come again.", delivery_tag)
        else:
            super().basic_ack(delivery_tag, multiple=multiple)

    def basic_reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Give a message back, unless its connection is gone."""
        if self._is_lost():
            _log.info("The broker was lost before message %s could be given back; it may come again.", delivery_tag)
        else:
            super().basic_reject(delivery_tag, requeue=requeue)

    def _is_lost(self) -> bool:
        transport: Any = self.connection
        return bool(self.closed) or transport is None or transport.client is None


class Transport(redis.Transport):
    """kombu's, with such channels."""

    Channel = Channel


def use() -> None:
    """Have every connection of this process to ``redis://`` and ``rediss://`` made by ``Transport``."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
