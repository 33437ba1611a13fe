"""The time by which a request must be over, whatever the server does meanwhile.

The time-outs of httpx hold for one read each, so a server that sends its headers byte by byte keeps a worker, and the
row that it holds, for as long as it likes. Only the look-up of a host's name can't be cut short.
"""

import threading
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from workers.accounting.http_options import Clock


class Deadline(threading.local):
    """``ends`` is the time, by the monotonic clock, at which the request of this thread must be over."""

    ends: float | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def within(self, timeout: float | None, error: type[Exception]) -> float | None:
        """``timeout``, or what is left if that is less; ``error`` if nothing is."""
        if self.ends is None:
            return timeout
        left = self.ends - self._clock.monotonic()
        if left <= 0:
            raise error("it took too long")
        return left if timeout is None else min(timeout, left)

    def rule(self, client: httpx.Client) -> None:
        """Hold all connections of ``client`` to it, those through proxies too."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                pool: Any = transport._pool
                pool._network_backend = _Backend(self, pool._network_backend)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkBackend) -> None:
        self._deadline, self._inner = deadline, inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._deadline, self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkStream) -> None:
        self._deadline, self._inner = deadline, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.within(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._deadline, self._inner.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
