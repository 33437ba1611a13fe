"""Redis as Folio's own worker uses it: the worker survives when Redis goes away and comes back.

With kombu 5.7 a worker that loses Redis during a task may end as soon as it is connected again: it acknowledges, or
returns, a message over the lost connection, which raises an AttributeError that nothing catches ("Unrecoverable error:
'NoneType' object has no attribute 'client'", or 'hostname'). A message of a lost connection can be neither acknowledged
nor returned. It is delivered again or lost; for a sweep, either is good enough.
"""

import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

_log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Forgets the messages of a lost connection."""

    #: kombu would restore messages while it closes the connection, over that same connection.
    do_restore = False

    def basic_ack(self, delivery_tag: Any, multiple: bool = False) -> None:
        """Acknowledge a message, unless its connection is gone."""
        if self._is_lost():
            _log.info("The broker was lost before message %s could be acknowledged; it may come again.", delivery_tag)
        else:
            super().basic_ack(delivery_tag, multiple=multiple)

    def basic_reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Return a message, unless its connection is gone."""
        if self._is_lost():
            _log.info("The broker was lost before message %s could be returned; it may come again.", delivery_tag)
        else:
            super().basic_reject(delivery_tag, requeue=requeue)

    def _is_lost(self) -> bool:
        transport: Any = self.connection
        return bool(self.closed) or transport is None or transport.client is None


class Transport(redis.Transport):
    """kombu's transport, with these channels."""

    Channel = Channel


def use() -> None:
    """Use ``Transport`` for every connection of this process to ``redis://`` and ``rediss://``."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
