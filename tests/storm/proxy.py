"""A TCP proxy between the workers and PostgreSQL that breaks connections exactly where a fault is due.

One port for each worker, so that a fault meets the worker it was meant for, on whichever connection it speaks next.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tests.storm.faults import Action, Fault, Point, Side
from tests.storm.frames import FromClient, FromServer, Request

#: A Unix socket, or a host and port.
Address = Path | tuple[str, int]

_CHUNK = 65536
#: How long PostgreSQL may take for the answer that a fault waits for, in seconds.
_PATIENCE = 20.0


class Power(Protocol):
    """What a fault may need beside the connection itself. Called in the proxy's thread, so it must not wait."""

    def kill(self, slot: int) -> None:
        """End the worker by SIGKILL."""

    def stop(self, slot: int, seconds: float) -> None:
        """Stop the worker, and let it go on later."""

    def crash(self, action: Action, backend: int | None) -> None:
        """Crash PostgreSQL, or the given one of its processes."""


class Proxy:
    """Listens for ``slots`` workers on ports of the loopback, in a thread of its own, from ``start`` to ``close``."""

    def __init__(self, upstream: Address, slots: int, power: Power) -> None:
        self.upstream = upstream
        self.power = power
        self.ports: list[int] = []
        #: What has happened so far, by (action, point, side).
        self.struck: Counter[tuple[Action, Point, Side]] = Counter()
        self._slots = [_Slot(number, self) for number in range(slots)]
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._run(self._listen())

    def arm(self, fault: Fault) -> None:
        """Let the fault happen at the next message that it is for."""
        self._loop.call_soon_threadsafe(self._slots[fault.slot].arm, fault)

    def calm(self) -> None:
        """Forget every fault that hasn't happened; data that is held back is passed on in its time."""
        for slot in self._slots:
            self._loop.call_soon_threadsafe(slot.armed.clear)

    def close(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(15)

    async def _listen(self) -> None:
        for slot in self._slots:
            server = await asyncio.start_server(slot.connected, "127.0.0.1", 0)
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # One more turn of the loop, in which aborted sockets are closed.
        await asyncio.sleep(0.01)


class _Slot:
    """One worker's port: its connections, and the faults that wait for its next messages."""

    def __init__(self, number: int, proxy: Proxy) -> None:
        self.number = number
        self.proxy = proxy
        self.armed: list[Fault] = []
        self.links: set[_Link] = set()
        self._skipped: Counter[Fault] = Counter()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        self.links.add(link)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await link.run()
        finally:
            self.links.discard(link)

    def arm(self, fault: Fault) -> None:
        if fault.point is not Point.NOW:
            self.armed.append(fault)
            return
        self.proxy.struck[fault.action, fault.point, fault.side] += 1
        power = self.proxy.power
        if fault.action is Action.CUT:
            for link in list(self.links):
                link.cut()
        elif fault.action is Action.KILL:
            power.kill(self.number)
        elif fault.action is Action.STOP:
            power.stop(self.number, fault.seconds)
        else:
            power.crash(fault.action, next((link.from_server.backend for link in self.links), None))

    def fault_for(self, request: Request) -> Fault | None:
        """The armed fault that this request sets off."""
        if not request.answered:
            return None
        for fault in self.armed:
            if fault.point is Point.COMMIT and not request.commit:
                continue
            if fault.point is Point.SEAL and not request.seals:
                continue
            self._skipped[fault] += 1
            if self._skipped[fault] > fault.skip:
                del self._skipped[fault]
                self.armed.remove(fault)
                self.proxy.struck[fault.action, fault.point, fault.side] += 1
                return fault
        return None


class _Link:
    """One connection of a worker, and the one to PostgreSQL that belongs to it."""

    def __init__(self, slot: _Slot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.slot = slot
        self.from_server = FromServer()
        self._from_client = FromClient()
        self._client_reader, self._client = reader, writer
        self._server: asyncio.StreamWriter | None = None
        self._answered = asyncio.Event()
        self._held: bytes | None = None  # the answer that is held back, while one is
        self._deaf = False  # the client is gone, and what PostgreSQL answers with it

    async def run(self) -> None:
        try:
            upstream = self.slot.proxy.upstream
            if isinstance(upstream, Path):
                reader, self._server = await asyncio.open_unix_connection(str(upstream))
            else:
                reader, self._server = await asyncio.open_connection(*upstream)
            ways = [asyncio.create_task(self._requests(self._server)), asyncio.create_task(self._answers(reader))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self.cut()

    def cut(self) -> None:
        """Break both sides at once; what was not delivered never will be."""
        self._client.transport.abort()
        if self._server is not None:
            # Not aborted: what was passed on to PostgreSQL must reach it.
            self._server.close()

    async def _answers(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK):
            self.from_server.feed(data)
            if self._held is not None:
                self._held += data
            elif not self._deaf:
                self._client.write(data)
                await self._client.drain()
            self._answered.set()

    async def _requests(self, server: asyncio.StreamWriter) -> None:
        while data := await self._client_reader.read(_CHUNK):
            for request in self._from_client.feed(data):
                fault = self.slot.fault_for(request)
                if fault is None:
                    server.write(request.data)
                elif not await self._strike(fault, request, server):
                    return
            await server.drain()

    async def _strike(self, fault: Fault, request: Request, server: asyncio.StreamWriter) -> bool:
        """Let a fault happen at this request; whether the connection lives on."""
        slot, power = self.slot.number, self.slot.proxy.power
        if fault.side in (Side.RACING, Side.AFTER):
            await self._pass_on(request, server, wait=fault.side is Side.AFTER)
        match fault.action:
            case Action.STOP:
                power.stop(slot, fault.seconds)
            case Action.STALL:
                await asyncio.sleep(fault.seconds)
            case Action.KILL:
                power.kill(slot)
            case Action.CRASH | Action.BACKEND:
                power.crash(fault.action, self.from_server.backend)
            case Action.CUT:
                pass
        if fault.action in (Action.STOP, Action.STALL):
            if fault.side is Side.BEFORE:
                server.write(request.data)
            self._release()
            return True
        if fault.side is Side.LATE:
            self._deaf = True
            self._client.transport.abort()
            await asyncio.sleep(fault.seconds)
            await self._pass_on(request, server, wait=True)
        return False

    async def _pass_on(self, request: Request, server: asyncio.StreamWriter, *, wait: bool) -> None:
        """Send the request to PostgreSQL; with ``wait``, return when it has answered, and keep the answer back."""
        answers = self.from_server.answers
        if wait:
            self._held = b""
        server.write(request.data)
        await server.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while wait and self.from_server.answers == answers:
                    self._answered.clear()
                    await self._answered.wait()

    def _release(self) -> None:
        if self._held:
            self._client.write(self._held)
        self._held = None
