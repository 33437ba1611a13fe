"""What the benchmarks found, as a table for the terminal, as docs/benchmarks.md, and as JSON."""

from __future__ import annotations

import inspect
import json
from statistics import median

from tests.benchmarks import checkout, models, one_number
from tests.benchmarks.contest import Effort, Result

_PAGE = """# Benchmarks

Written by `make bench`; don't edit it by hand. Both sides take turns on the same PostgreSQL, and what counts is the
median of the rounds' ratios. The figures are medians too; they belong to the machine.

{facts}

{rounds} rounds of {seconds:g} s for each side, except for blocks ({block_rounds} rounds of {block:,} numbers).

| what | Folio | against | | ratio | target | met |
|---|---|---|---|---|---|---|
{rows}

"Middle half" of the rounds, as ratios round by round: {spread}.

## What each side does

Every side commits each number on its own, with `fsync` and `synchronous_commit` on. Each round opens its
connections anew and warms them up with {warm_up} calls that don't count.

**One number.** Folio's side, then that of django-sequences:

```python
{with_ledger}

{with_sequences}
```

with the model

```python
{invoice}
```

whose tables and indexes Django's schema editor makes. Number and document are unique, as the ledger keeps them.

**A whole checkout.** Folio inserts the order and one ledger row; the other side inserts the order alone, and
its number stands nowhere else:

```python
{checkout_with_ledger}

{checkout_with_sequences}
```

`Order` is `NumberedOrder` without `number`; both have a unique `reference`, `customer`, `total` and
`created_at`.

**pgbench.** `BEGIN`, the `SELECT` that `issue` sends, with a document of its own each time, and `COMMIT`, by
one client; Folio's side is that of "one number" with one thread.

**A block.** `issue_many` of {block:,} documents, returning {block:,} model instances, against an `UPDATE` of
the counter and one `INSERT … SELECT generate_series` into `ledger_entry` with the same indexes and triggers,
whose rows nobody reads back.

**Flat.** One issue in a ledger of {rows_full:,} entries, against one in an empty ledger. Both have the same
tenants, each call takes one of them at random, and documents are random keys, so that every unique index is met
in a place that isn't warm. The ledger is filled by the function behind `issue_many`, then vacuumed and
analysed; both ledgers are warmed up after a checkpoint.
"""


def line(result: Result) -> str:
    """One row of the table."""
    if result.not_run:
        return f"| {result.title} | not run | {result.yardstick} | | | {result.target:.2f} | **no: {result.not_run}** |"
    ours, theirs = median(result.our_figures), median(result.their_figures)
    return (
        f"| {result.title} | {ours:,.0f} {result.unit} | {result.yardstick} | {theirs:,.0f} {result.unit} "
        f"| **{result.ratio:.2f}** | {result.target:.2f} | {'yes' if result.met else '**no**'} |"
    )


def page(results: list[Result], facts: dict[str, str], effort: Effort, warm_up: int) -> str:
    """The text of docs/benchmarks.md."""
    return _PAGE.format(
        facts="\n".join(f"- {name}: {value}" for name, value in facts.items()),
        rounds=effort.rounds,
        seconds=effort.seconds,
        block=effort.block,
        block_rounds=effort.block_rounds,
        rows="\n".join(map(line, results)),
        rows_full=effort.rows,
        spread="; ".join(f"{result.title} {_spread(result)}" for result in results if not result.not_run),
        warm_up=warm_up,
        with_ledger=inspect.getsource(one_number.with_ledger).strip(),
        with_sequences=inspect.getsource(one_number.with_sequences).strip(),
        invoice=inspect.getsource(models.Invoice).strip(),
        checkout_with_ledger=inspect.getsource(checkout.with_ledger).strip(),
        checkout_with_sequences=inspect.getsource(checkout.with_sequences).strip(),
    )


def as_json(results: list[Result], facts: dict[str, str]) -> str:
    """Everything, round by round."""
    found = [
        {
            "name": result.name,
            "title": result.title,
            "unit": result.unit,
            "yardstick": result.yardstick,
            "ours": result.our_figures,
            "theirs": result.their_figures,
            "ratio": None if result.not_run else round(result.ratio, 3),
            "target": result.target,
            "met": result.met,
            "not_run": result.not_run,
        }
        for result in results
    ]
    return json.dumps({"facts": facts, "results": found}, indent=2)


def _spread(result: Result) -> str:
    ratios = sorted(ours / theirs for ours, theirs in zip(result.our_figures, result.their_figures, strict=True))
    quarter = len(ratios) // 4
    return f"{ratios[quarter]:.2f} to {ratios[len(ratios) - 1 - quarter]:.2f}"
