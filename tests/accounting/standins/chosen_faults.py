"""Faults for the requests that a test chooses, wherever they come in the order of requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import httpx

from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault, Reply, Request
from workers.accounting.http import trusted_certificates


class ChosenFaults(Books):
    """A stand-in with faults for certain requests, not only at certain times."""

    latest: ClassVar[ChosenFaults | None] = None

    def __init__(self) -> None:
        super().__init__()
        ChosenFaults.latest = self
        self._chosen: list[tuple[Callable[[Request], bool], Fault]] = []
        #: How many of them have happened.
        self.met = 0

    def fail_when(self, chosen: Callable[[Request], bool], *faults: Fault) -> None:
        """The next requests of that kind fail in these ways, one after the other."""
        self._chosen.extend((chosen, fault) for fault in faults)

    def stop_failing(self) -> None:
        self._chosen.clear()

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        with self.lock:
            for place, (chosen, fault) in enumerate(self._chosen):
                if chosen(request):
                    del self._chosen[place]
                    self.met += 1
                    self.faults.appendleft((fault, ""))
                    break
            return super().handle(request)


def path_ends(*endings: str) -> Callable[[Request], bool]:
    """Requests whose path ends with this."""
    return lambda request: request.path.endswith(endings)


class Patience(httpx.HTTPTransport):
    """Waits as long as a busy server may need, but only a moment if the stand-in is told not to answer."""

    def __init__(self) -> None:
        super().__init__(verify=trusted_certificates())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxy = ChosenFaults.latest
        silent = proxy is not None and any(fault is Fault.TIMEOUT for fault, _ in proxy.faults)
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": 0.2 if silent else 60.0}
        return super().handle_request(request)
