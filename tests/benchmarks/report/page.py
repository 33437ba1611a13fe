"""The text of docs/benchmarks.md, and its short form for the terminal."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.benchmarks import contestants, models
from tests.benchmarks.catalogue import CATALOGUE
from tests.benchmarks.contest import Contest
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import WARM_UP
from tests.benchmarks.questions import checkout, one_number
from tests.benchmarks.questions.report import GAPS, VOIDS
from tests.benchmarks.questions.tenants import TENANTS
from tests.benchmarks.report.chart import chart
from tests.benchmarks.report.tables import duels, field, loads

_CHART = "benchmarks-payment.svg"

#: Stands for a table that this run has no figures for.
_NOT_MEASURED = "\0"

#: Of the contests of many: the heads of the columns that name the sides and compare them.
_FIELDS = {
    "payment": ("contestant", "of the ideal"),
    "payment-200": ("contestant", "of the ideal"),
    "no-payment": ("allocation", "of `serial`"),
    "slow-disk": ("allocation", "of itself without"),
    "both-disks": ("allocation", "of the fast disk"),
    "slow-disk-payment": ("allocation", "of `pooled`"),
    "early-200": ("allocation", "of `pooled`"),
    "early-200-long": ("allocation", "of `pooled`"),
    "first-number": ("the first number", "of a new period"),
    "old-snapshot": ("meanwhile", "of the first"),
    "tenants-serial": ("connections", "of one"),
    "tenants-pooled": ("connections", "of one"),
    "homes": ("homes", "of one"),
    "homes-look-up": ("`LEDGER['HOMES']`", "of not set"),
    "gap-scan": ("scan", "of the first"),
    "reconcile": ("comparison", "of the first"),
    "reconcile-memory": ("run", "of what 150 MB allow"),
    "sweeps": ("sweep", "of a run in 5 s"),
    "seals-checkout": ("meanwhile", "of the first"),
    "seals-speed": ("what", "of the first"),
    "pages": ("page", "of one in 300 ms"),
}


def as_text(contests: list[Contest]) -> str:
    """All tables, for the terminal."""
    parts = []
    for contest in contests:
        if contest.name in _FIELDS:
            who, ratio = _FIELDS[contest.name]
            parts += [contest.title, field(contest, who=who, ratio=ratio), loads(contest, who=who)]
    if of_two := [contest for contest in contests if contest.name not in _FIELDS]:
        parts.append(duels(of_two))
    return "\n\n".join(filter(None, parts))


def documents(contests: list[Contest], facts: dict[str, str], effort: Effort, before: str = "") -> dict[str, str]:
    """The files that belong into docs/, by name. Sections that weren't measured stay as they are in ``before``."""
    found = {contest.name: contest for contest in contests}
    text = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
    page = text.format(
        facts="\n".join(f"- {name}: {value}" for name, value in facts.items()),
        warm_up=WARM_UP,
        tenants=TENANTS,
        report_gaps=GAPS,
        report_voids=VOIDS,
        duels=_duels(contests),
        take=dedent(contestants._TAKE).strip(),
        **_tables(found),
        **_sources(),
        **asdict(effort),
    )
    made = {"benchmarks.md": _with_earlier_sections(page, before, facts)}
    if {"payment", "payment-200"} <= set(found):
        made[_CHART] = chart([found["payment"], found["payment-200"]])
    return made


def _with_earlier_sections(page: str, before: str, facts: dict[str, str]) -> str:
    """The page as it is now where all was measured; else what was measured, put in the place of the same section."""
    if _NOT_MEASURED not in page:
        return page
    earlier = dict(_sections(before))
    parts = []
    for heading, text in _sections(page):
        anew = _NOT_MEASURED not in text and text != earlier.get(heading)
        if heading == "":
            parts.append(earlier.get(heading, text))
        elif not anew:
            parts.append(earlier.get(heading, text.replace(_NOT_MEASURED, "(not measured yet)")))
        else:
            has_figures = "| --- |" in text
            parts.append(text + (f"Measured by itself on {facts['date']}.\n\n" if has_figures else ""))
    return "".join(parts)


def _sections(page: str) -> list[tuple[str, str]]:
    """Each section with its heading line, and what comes before the first one under an empty heading."""
    pieces = page.split("\n## ")
    return [("", f"{pieces[0]}\n"), *((piece.partition("\n")[0], f"## {piece}\n") for piece in pieces[1:])]


def _duels(contests: list[Contest]) -> str:
    of_two = [contest for contest in contests if contest.name not in _FIELDS]
    everyone = set(CATALOGUE) - set(_FIELDS)
    return duels(of_two) if {contest.name for contest in of_two} == everyone else _NOT_MEASURED


def _tables(found: dict[str, Contest]) -> dict[str, str]:
    tables = {}
    for name, (who, ratio) in _FIELDS.items():
        key = name.replace("-", "_")
        is_there = name in found
        tables[key] = field(found[name], who=who, ratio=ratio) if is_there else _NOT_MEASURED
        tables[f"{key}_loads"] = loads(found[name], who=who) if is_there else _NOT_MEASURED
    return tables


def _sources() -> dict[str, str]:
    shown: dict[str, Any] = {
        "with_folio": contestants.with_folio,
        "with_sequences": contestants.with_sequences,
        "with_lorikeet": contestants.with_lorikeet,
        "one_number_with_ledger": one_number.with_ledger,
        "one_number_with_sequences": one_number.with_sequences,
        "checkout_with_ledger": checkout.with_ledger,
        "checkout_with_sequences": checkout.with_sequences,
        "invoice": models.Invoice,
    }
    return {name: inspect.getsource(code).strip() for name, code in shown.items()}
