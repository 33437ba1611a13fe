"""Every round of every contestant, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tests.benchmarks.contest import Contest, Side


def as_json(contests: list[Contest], facts: dict[str, str]) -> str:
    """Everything, round by round; latencies in seconds, over all rounds."""
    found = [
        {
            "name": contest.name,
            "title": contest.title,
            "unit": contest.unit,
            "yardstick": contest.yardstick.title if isinstance(contest.yardstick, Side) else contest.yardstick,
            "not_run": contest.not_run,
            "sides": [_side(contest, side) for side in contest.sides],
        }
        for contest in contests
    ]
    return json.dumps({"facts": facts, "results": found}, indent=2)


def _side(contest: Contest, side: Side) -> dict[str, Any]:
    return {
        "title": side.title,
        "rates": side.rates,
        "ratio": round(contest.ratio(side), 3) if side.samples else None,
        "target": side.target,
        "met": contest.met(side),
        "p50": side.latency(0.5),
        "p95": side.latency(0.95),
        "p99": side.latency(0.99),
        "loads": [asdict(sample.load) for sample in side.samples if sample.load],
    }
