"""Contests as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from tests.benchmarks.contest import Contest, Side
from tests.benchmarks.measuring.sample import Load

_LATENCIES = (0.5, 0.95, 0.99)

# A connection in one of these waits for the client or for nothing.
_NO_WAITS = ("client", "client, in a transaction", "at work")


def duels(contests: Iterable[Contest]) -> str:
    """Contests of two, a row for each."""
    rows = [
        ["what", "Folio", "against", "", "ratio", "middle half", "target", "met", "Folio's p50, p95, p99"],
        ["---"] * 9,
    ]
    for contest in contests:
        ours, theirs = contest.sides
        target = "" if ours.target is None else f"{ours.target:.2f}"
        if contest.not_run:
            rows.append([contest.title, "not run", theirs.title, "", "", "", target, f"**no: {contest.not_run}**", ""])
            continue
        rows.append(
            [
                contest.title,
                f"{_figure(ours.rate)} {contest.unit}",
                theirs.title,
                f"{_figure(theirs.rate)} {contest.unit}",
                f"**{contest.ratio(ours):.2f}**",
                _middle_half(contest.ratios(ours)),
                target,
                _met(contest, ours),
                ", ".join(_latencies(ours)) + (" ms" if ours.latency(0.5) is not None else ""),
            ]
        )
    return _table(rows)


def field(contest: Contest, *, who: str, ratio: str) -> str:
    """A contest of many, a row for each side; ``ratio`` heads the column that compares them with the yardstick."""
    if contest.not_run:
        return f"**Not run: {contest.not_run}.**"
    rows = [
        [who, contest.unit, ratio, "middle half", "target", "met", "p50 ms", "p95 ms", "p99 ms"],
        ["---", *["---:"] * 4, "---", *["---:"] * 3],
    ]
    for side in contest.sides:
        wanted = "" if side.target is None else _share(side.target)
        met = "" if side.target is None else _met(contest, side)
        ratios = [_share(contest.ratio(side)), _middle_half(contest.ratios(side), _share)]
        rows.append([side.title, _figure(side.rate), *ratios, wanted, met, *_latencies(side)])
    return _table(rows)


def loads(contest: Contest, *, who: str) -> str:
    """What was busy in a contest of many, a row for each side."""
    watched = [(side, load) for side in contest.sides if (load := _load(side)) is not None]
    if not watched:
        return ""
    cores = watched[0][1].cores
    rows = [
        [who, "PostgreSQL", "clients", f"all, of {cores} cores", "ms of a core each", "wait for", "limited by"],
        ["---", *["---:"] * 4, "---", "---"],
    ]
    for side, load in watched:
        waits = {event: seen for event, seen in load.waits.items() if event not in _NO_WAITS and seen >= 1}
        most = ", ".join(f"{event} {seen:.0f}" for event, seen in list(waits.items())[:2])
        server = "?" if load.server is None else f"{load.server:.2f}"
        busy = [server, f"{load.clients:.2f}", f"{load.machine:.2f}", _milliseconds(load.machine / side.rate)]
        rows.append([side.title, *busy, most, _limit(load, waits)])
    return _table(rows)


def _limit(load: Load, waits: dict[str, float]) -> str:
    """What keeps the side from being faster, as far as the figures tell."""
    if load.machine >= 0.9 * load.cores:
        return "the cores, which are full"
    if any(event.startswith("Lock") and seen >= 0.25 * sum(load.waits.values()) for event, seen in waits.items()):
        return "checkouts that wait for each other"
    if load.machine >= 0.75 * load.cores:
        return "the cores, nearly full"
    return "only the payments"


def _load(side: Side) -> Load | None:
    """The medians of all rounds; of the waits, the averages of the middle round by speed."""
    found = [sample.load for sample in sorted(side.samples, key=lambda sample: sample.rate) if sample.load]
    if not found:
        return None
    servers = [load.server for load in found if load.server is not None]
    return Load(
        cores=found[0].cores,
        server=median(servers) if servers else None,
        clients=median(load.clients for load in found),
        machine=median(load.machine for load in found),
        waits=found[len(found) // 2].waits,
    )


def _met(contest: Contest, side: Side) -> str:
    return "yes" if contest.met(side) else "**no**"


def _middle_half(ratios: list[float], shown: object = None) -> str:
    text = _share if shown is _share else "{:.2f}".format
    ordered, quarter = sorted(ratios), len(ratios) // 4
    return f"{text(ordered[quarter])} to {text(ordered[len(ordered) - 1 - quarter])}"


def _latencies(side: Side) -> list[str]:
    found = [side.latency(share) for share in _LATENCIES]
    return ["" if seconds is None else _milliseconds(seconds) for seconds in found]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"


def _figure(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _share(ratio: float) -> str:
    return f"{ratio:.0%}" if ratio < 2 else f"{ratio:.1f} ×"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
