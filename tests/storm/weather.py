"""Carries a storm out: starts everything, lets the scheduled faults happen, calms down, and calls the checker."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tests.storm import checker
from tests.storm.cluster import Cluster
from tests.storm.faults import OF_BROKER, Action, Point, Side, schedule
from tests.storm.plan import HOMES
from tests.storm.proxy import Proxy
from tests.storm.watcher import Watcher
from tests.storm.workshop import Workshop, is_possible

if TYPE_CHECKING:
    from tests.storm.crowd import Crowd
    from tests.storm.faults import Fault

#: How long a worker may go on after the end with what it has begun, and until it counts as hanging.
_PATIENCE = 30.0
_HANGING = 75.0
#: How long the sweeps of Celery may take to catch up. On a busy machine the one that opens periods runs for a minute,
#: and the messages of those that are due each second expire behind it.
_CATCHING_UP = 240.0
_SETTING_UP = 120.0
_LAST_SWEEPS = 300.0
#: Processes that sweep, so that sweeps meet each other.
_JANITORS = 2
#: The Celery worker's sweeps, and those that haven't succeeded since a moment.
_SWEEPS = ("open_next_periods", "refill_pools", "flag_gaps", "heal", "close_periods", "seal", "verify")
_LATE = """
    SELECT n.name FROM unnest(%s::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM ledger_sweeprun r
                      WHERE r.sweep = n.name AND r.started_at > %s AND r.finished_at IS NOT NULL AND r.error = '')
"""
_TICK = 0.02
_PROGRESS = 10.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What decides a storm."""

    seed: int
    seconds: float
    workers: int
    allocations: tuple[str, ...]
    homes: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    figures: dict[str, int]
    broken: list[checker.Broken]
    folder: Path


def storm(forecast: Forecast, say: Callable[[str], None]) -> Outcome:
    """One storm from beginning to end. The folder stays if anything is broken, for whoever looks into it."""
    folder = Path(tempfile.mkdtemp(prefix="storm-")).resolve()
    # PostgreSQL may run as another user, who has to get in.
    folder.chmod(0o755)
    clusters = [Cluster(folder, f"postgres-{home}") for home in HOMES[: forecast.homes]]
    try:
        for cluster in clusters:
            cluster.create()
        os.environ["FOLIO_STORM_URLS"] = json.dumps([cluster.url for cluster in clusters])
        os.environ["FOLIO_STORM_FOLDER"] = str(folder)
        os.environ["FOLIO_STORM_LOG"] = str(folder / "workers.log")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.storm.settings"
        outcome = _Storm(forecast, folder, clusters, say).run()
    except BaseException:
        say(f"the files are in {folder}")
        raise
    finally:
        for cluster in clusters:
            cluster.stop()
    if not outcome.broken:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


class _Storm:
    """The state of a running storm, and the power that the proxies have over it."""

    def __init__(self, forecast: Forecast, folder: Path, clusters: list[Cluster], say: Callable[[str], None]) -> None:
        self.forecast = forecast
        self.folder = folder
        self.clusters = clusters
        self.say = say
        self.hanging: list[str] = []
        self._crowded = forecast.workers + (forecast.homes > 1) + _JANITORS
        self.crowd: Crowd
        self.workshop: Workshop | None = None
        self._read: dict[Path, int] = {}
        self._told = 0

    # What a proxy calls, in its own thread.

    def kill(self, slot: int) -> None:
        if slot < self._crowded:
            self.crowd.kill(slot)
        elif self.workshop is not None:
            self.workshop.kill()

    def stop(self, slot: int, seconds: float) -> None:
        if slot < self._crowded:
            self.crowd.stop(slot, seconds)
        elif self.workshop is not None:
            self.workshop.stop(seconds)

    # The course of the storm, in the main thread.

    def run(self) -> Outcome:
        self._in_a_process("prepare", self.forecast.allocations, deadline=_SETTING_UP)
        # The last port is the Celery worker's.
        self.proxies = [Proxy(one.socket, self._crowded + 1, _Power(self, one)) for one in self.clusters]
        watchers = [Watcher(one.url, self.folder / f"seen-{one.data.name}.tsv") for one in self.clusters]
        for proxy in self.proxies:
            proxy.start()
        for watcher in watchers:
            watcher.start()
        try:
            ports = list(zip(*(proxy.ports for proxy in self.proxies), strict=True))
            if is_possible():
                self.workshop = Workshop(self.folder, ports[-1])
            else:
                self.say("no redis-server here: this storm has no Celery workers")
            self._make_crowd(ports[:-1])
            self._blow()
            self._calm()
        finally:
            if hasattr(self, "crowd"):
                self.crowd.end()
            if self.workshop is not None:
                self.workshop.end()
            for watcher in watchers:
                watcher.stop()
            for proxy in self.proxies:
                proxy.close()
        self.say("the faults have stopped; last sweeps, then the checker")
        self._in_a_process("sweep_at_last", self.folder, deadline=_LAST_SWEEPS)
        verdict = checker.check([one.url for one in self.clusters], self.folder)
        for name in self.hanging:
            verdict.broken.append(checker.Broken(0, "hanging", 1, [{"worker": name}]))
        looks = sum(watcher.looks for watcher in watchers)
        return Outcome(self._figures(verdict.figures, looks), verdict.broken, self.folder)

    def _make_crowd(self, ports: list[tuple[int, ...]]) -> None:
        # Only now, since it imports Django and the settings.
        from tests.storm import entrances
        from tests.storm.crowd import Crowd, Setup

        began = time.time()
        setups = [
            Setup(
                seed=self.forecast.seed,
                slot=slot,
                generation=0,
                ports=mine,
                folder=self.folder,
                began=began,
                ends=began + self.forecast.seconds,
                patience=_PATIENCE,
                allocations=self.forecast.allocations,
            )
            for slot, mine in enumerate(ports)
        ]
        work = [entrances.check_out] * self.forecast.workers + [entrances.move] * (self.forecast.homes > 1)
        self.crowd = Crowd(work + [entrances.sweep] * _JANITORS, setups)
        self.ends = began + self.forecast.seconds
        self.began = began

    def _blow(self) -> None:
        faults = schedule(self.forecast.seed, self.forecast.seconds, self._crowded + 1)
        faults.reverse()
        told = self.began
        while (now := time.time()) < self.ends:
            while faults and faults[-1].at <= now - self.began:
                self._arm(faults.pop(), self.proxies[len(faults) % len(self.proxies)])
            self._tend()
            if now - told >= _PROGRESS:
                told = now
                self.say(self._progress(now))
            time.sleep(_TICK)

    def _arm(self, fault: Fault, proxy: Proxy) -> None:
        if fault.action not in OF_BROKER:
            proxy.arm(fault)
        elif self.workshop is not None and fault.action is Action.CELERY:
            self.workshop.kill()
        elif self.workshop is not None:
            self.workshop.kill_redis(wipe=fault.action is Action.WIPE)

    def _tend(self) -> None:
        """Whatever fell over is set up again."""
        for cluster in self.clusters:
            cluster.revive_if_down()
        self.crowd.resume_due()
        self.crowd.start_missing()
        if self.workshop is not None:
            self.workshop.resume_due()
            self.workshop.start_missing()

    def _calm(self) -> None:
        """No more faults: everybody finishes, and nobody may hang."""
        for proxy in self.proxies:
            proxy.calm()
        deadline = time.time() + _HANGING
        while self.crowd.alive() and time.time() < deadline:
            for cluster in self.clusters:
                cluster.revive_if_down()
            self.crowd.resume_due(everyone=True)
            time.sleep(_TICK)
        self.hanging = [f"w{slot}" for slot in self.crowd.alive()]
        for cluster in self.clusters:
            cluster.revive_if_down()
            cluster.wait_until_ready()
        if self.workshop is not None:
            for cluster in self.clusters:
                self.hanging += self._late_sweeps(self.workshop, cluster)

    def _late_sweeps(self, workshop: Workshop, cluster: Cluster) -> list[str]:
        """The sweeps that don't succeed again by themselves within a while, once nothing fails any more."""
        deadline = time.time() + _CATCHING_UP
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            now = connection.execute("SELECT clock_timestamp()").fetchone()
            while True:
                workshop.resume_due(everyone=True)
                workshop.start_missing()
                late = [row[0] for row in connection.execute(_LATE, [list(_SWEEPS), now[0] if now else None])]
                if not late or time.time() > deadline:
                    return [f"the sweep {name}" for name in late]
                time.sleep(0.2)

    def _in_a_process(self, work: str, *arguments: Any, deadline: float) -> None:
        """Run what needs Folio in a process of its own, straight on the server, with a deadline."""
        from tests.storm import entrances
        from tests.storm.crowd import CONTEXT

        process = CONTEXT.Process(target=getattr(entrances, work), args=arguments, daemon=True)
        process.start()
        process.join(deadline)
        if process.is_alive():
            process.kill()
            process.join(10)
            raise RuntimeError(f"{work} did not end within {deadline:.0f} s")
        if process.exitcode:
            raise RuntimeError(f"{work} failed; see above")

    def _progress(self, now: float) -> str:
        return (
            f"{now - self.began:6.0f} s of {self.forecast.seconds:.0f}: {self._acknowledged()} acknowledged, "
            f"{self.crowd.kills} kills, {self.crowd.stops} stops, {self._crashes()} database crashes, "
            f"{self._count(Action.CUT)} connections cut, {self.workshop.kills if self.workshop else 0} Celery kills"
        )

    def _acknowledged(self) -> int:
        """How many numbers were acknowledged so far; reads only what is new in the journals."""
        for path in self.folder.glob("*.journal"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                self._told += sum(line.startswith(b"acknowledged\t") for line in file)
                self._read[path] = file.tell()
        return self._told

    def _figures(self, figures: dict[str, int], looks: int) -> dict[str, int]:
        struck = sum((proxy.struck for proxy in self.proxies), Counter[tuple[Action, Point, Side]]())
        return {
            **figures,
            "kills": self.crowd.kills,
            "stops": self.crowd.stops,
            "database_crashes": self._crashes(),
            "cut_connections": self._count(Action.CUT),
            "stalls": self._count(Action.STALL),
            "looks": looks,
            "celery_kills": self.workshop.kills if self.workshop else 0,
            "celery_stops": self.workshop.stops if self.workshop else 0,
            "redis_kills": self.workshop.redis_kills if self.workshop else 0,
            "redis_wipes": self.workshop.wipes if self.workshop else 0,
            **{
                f"{action}_{point}_{side}": count
                for (action, point, side), count in sorted(struck.items())
                if point in ("commit", "seal")
            },
        }

    def _crashes(self) -> int:
        return sum(cluster.crashes for cluster in self.clusters)

    def _count(self, action: Action) -> int:
        struck = [one for proxy in self.proxies for one in proxy.struck.items()]
        return sum(count for (what, _, _), count in struck if what is action)


class _Power:
    """What the proxy of one home may do."""

    def __init__(self, storm: _Storm, cluster: Cluster) -> None:
        self.kill = storm.kill
        self.stop = storm.stop
        self._cluster = cluster

    def crash(self, action: Action, backend: int | None) -> None:
        if action is Action.CRASH:
            self._cluster.crash()
        elif backend is not None:
            self._cluster.kill_backend(backend)
