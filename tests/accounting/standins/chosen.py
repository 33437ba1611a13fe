"""Faults for the requests that a test chooses, wherever they come in the order of requests."""

from __future__ import annotations

from collections.abc import Callable

from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault, Reply, Request


class ChosenFaults(Books):
    """A stand-in that also goes wrong by what it is asked, not only by when."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: list[tuple[Callable[[Request], bool], Fault]] = []
        #: How many of them have happened.
        self.met = 0

    def fail_when(self, chosen: Callable[[Request], bool], *faults: Fault) -> None:
        """The next requests of that kind go wrong in these ways, one after the other."""
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
    """Requests whose path ends so."""
    return lambda request: request.path.endswith(endings)
