"""Compares the rows with the seals: which rows were changed, are gone, or were added among them since.

A seal proves "unchanged since" to whoever trusts the key, or has kept a head outside (``known``). It proves nothing of
rows after the last seal.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.cursors import fetch
from ledger.errors import SealError
from ledger.models import LedgerSeal
from ledger.seals import sql
from ledger.seals.folio_verify import COLUMNS, Tree, Wrong, check_link, signed_head_hash
from ledger.seals.reading import Row, every_seal, seal_name, seals_of, shipped, signed, since, with_rows
from ledger.seals.signing import trusted_keys
from ledger.unreadable import value
from ledger.verification.findings import Alarm, alarm_for

#: The hashes of signed heads that were kept outside, by tenant and number.
Known = Mapping[tuple[str | None, int], str]

#: How many rows of one seal are compared between two reports of progress.
_TOLD_ROWS = 50_000

#: What was sealed of so many tenants, or of so many of their series and periods, is compared with what is there now by
#: the same few statements.
_CHAINS, _STATES = 1000, 10_000

#: The columns of a seal that are in its head too.
_TOLD = ("number", "era", "place", "snapshot", "size", "total", "root", "key")


def check_seals(connection: BaseDatabaseWrapper, tenant: str | None, series: str | None) -> Iterator[Alarm]:
    """For ``ledger_verify``: all seals, or those of a tenant. A seal covers all series, so one series has none."""
    if series is None:
        yield from verify_seals(connection.alias, tenant=tenant)


def verify_seals(
    using: str,
    *,
    tenant: str | None = None,
    known: Known | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Iterator[Alarm]:
    """Compare all seals with the rows that they cover, and yield what has changed.

    ``known`` are heads that were kept outside. If one of them is missing here, the end of the chain was cut off, or an
    old backup was restored.
    """
    kept: dict[str | None, dict[int, str]] = defaultdict(dict)
    for (owner, number), signed_head in (known or {}).items():
        kept[owner][number] = signed_head
    trusted, waiting, states = trusted_keys(), [], 0
    seals = every_seal(using) if tenant is None else seals_of(using, tenant)
    for owner, chain in groupby(with_rows(using, seals), key=lambda sealed: sealed[0].tenant):
        one = _Chain(owner, kept.pop(owner, {}), trusted, progress)
        yield from one.check(chain)
        waiting.append(one)
        states += len(one.state)
        # The database's chain is looked at by itself.
        if owner is None or len(waiting) >= _CHAINS or states >= _STATES:
            yield from _outside(using, waiting)
            waiting, states = [], 0
    yield from _outside(using, waiting)
    for owner in sorted(kept, key=str):
        for number in sorted(kept[owner]) if tenant in (None, owner) else ():
            yield alarm_for("seal-gone", f"{number}", tenant=owner)


def read_known(folder: Path) -> Known:
    """The heads in the files of a folder (exports, proofs, heads), each line of which is JSON.

    Raises SealError if it finds no seal, or two that contradict each other.
    """
    found: dict[tuple[str | None, int], str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    told = json.loads(line)
                    head = json.loads(told["head"])
                    place = (head["tenant"], head["number"])
                    kept = signed_head_hash(told["head"], told["signature"], told["cosignature"])
                except (ValueError, KeyError, TypeError):
                    continue
                if found.setdefault(place, kept) != kept:
                    raise SealError(
                        f"The heads in {folder} contradict each other: there are two of number {place[1]}.",
                        rule="A chain has one seal of each number.",
                        remedy="One of them was made of other rows. Find out which you got from whom.",
                    )
    if not found:
        raise SealError(
            f"There is no head in {folder}.",
            rule="Heads are kept as ledger_seal export writes them.",
            remedy="Name the folder of your exports.",
        )
    return found


class _Chain:
    """The seals of one tenant, or of the database, and what was found in them."""

    def __init__(
        self, tenant: str | None, known: dict[int, str], trusted: list[str], progress: Callable[[str], None]
    ) -> None:
        self.tenant, self.known, self.trusted, self.progress = tenant, known, trusted, progress
        #: Series and periods as they were last sealed; and the fields that events of the current seal changed.
        self.state: dict[tuple[str, int], list[Any]] = {}
        self.changed: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.last = LedgerSeal()

    def check(self, sealed: Iterable[tuple[LedgerSeal, Iterator[Row]]]) -> Iterator[Alarm]:
        """What is wrong in the seals, and with the rows that they cover."""
        before = None
        for seal, rows in sealed:
            self.progress(seal_name(seal))
            try:
                head = check_link(before, shipped(seal), self.trusted, signed)
                if any(head[name] != getattr(seal, name) for name in _TOLD) or head["tenant"] != self.tenant:
                    raise Wrong(f"the columns of seal {seal.number} are not what its head says")
            except (Wrong, ValueError, KeyError, TypeError, RecursionError) as error:
                yield self.alarm("seal-broken", row_id=seal.id, detail=str(error))
            signed_head = signed_head_hash(**shipped(seal))
            if self.known.get(seal.number, signed_head) != signed_head:
                yield self.alarm("seal-other", row_id=seal.id, detail=str(seal.number))
            yield from self._rows(seal, rows)
            before, self.last = shipped(seal), seal
        self.changed.clear()
        for number in sorted(self.known):
            if number > self.last.number:
                yield self.alarm("seal-gone", detail=str(number))

    def _rows(self, seal: LedgerSeal, rows: Iterator[Row]) -> Iterator[Alarm]:
        tree = Tree()
        self.changed.clear()
        for row in rows:
            tree.add(row.leaf)
            if tree.size % _TOLD_ROWS == 0:
                self.progress(f"{seal_name(seal)}, {tree.size:,} of {seal.size:,} rows")
            if row.line is None:
                yield self.alarm("sealed-row-gone", row.source, row.id, detail=str(seal.number))
            elif not row.is_unchanged(seal):
                yield self.alarm("sealed-row-changed", row.source, row.id, row.line, detail=str(seal.number))
            elif row.is_state:
                yield from self.fits(row.source, json.loads(row.line), f"in seal {seal.number}")
            else:
                self.note(row.source, row.line)
        if tree.size != seal.size or tree.root().hex() != seal.root:
            yield self.alarm("seal-broken", row_id=seal.id, detail=f"the leaves of {seal.number} don't make its root")

    def note(self, source: str, line: str) -> None:
        """Note which settings an event changed."""
        if source in ("ledger_periodchanged", "ledger_serieschanged"):
            row, table = _named(source, line), source.removesuffix("changed")
            changed, of = row.get("new"), row.get(table.removeprefix("ledger_"))
            if isinstance(changed, Mapping) and isinstance(of, int):
                self.changed[table, of].update(changed)

    def fits(self, source: str, now: list[Any], where: str) -> Iterator[Alarm]:
        """An alarm if a series or period has changed since it was sealed, other than events say."""
        row = dict(zip(COLUMNS[source], now, strict=True))
        before = self.state.get((source, row["id"]))
        self.state[source, row["id"]] = now
        if before is None:
            return
        was = dict(zip(COLUMNS[source], before, strict=True))
        was, row = ({**one, **one["settings"]} for one in (was, row))
        told = self.changed[source, row["id"]]
        fields = sorted(
            name for name in was if name not in ("settings", "last_value", "series") and was[name] != row.get(name)
        )
        fell = source == "ledger_period" and row["last_value"] < was["last_value"]
        # When a period is closed, or a series changes its allocation, a pool is settled, and its counter falls.
        settled = told or any("allocation" in names for (table, _), names in self.changed.items() if "series" in table)
        differs = [f"{name} {was[name]!r} → {row.get(name)!r}" for name in fields if name not in told]
        if fell and not settled:
            differs.append(f"counter {was['last_value']} → {row['last_value']}")
        if differs:
            yield self.alarm("sealed-setting", source, row["id"], detail=f"{', '.join(differs)} {where}")

    def alarm(
        self, name: str, table: str = "ledger_seal", row_id: int | None = None, line: str | None = None, *, detail: str
    ) -> Alarm:
        """A finding about this chain."""
        row = {} if line is None or table != "ledger_entry" else _named(table, line)
        facts: dict[str, Any] = {name: row.get(name) for name in ("series", "value", "number")}
        return alarm_for(name, detail, tenant=self.tenant, table=table, id=row_id, **facts)


def _outside(using: str, chains: list[_Chain]) -> Iterator[Alarm]:
    """Of tenants, or of the database: rows that should be in a seal and are not, and what became of the last state."""
    if not chains:
        return
    wanted = {
        "tenants": [chain.tenant for chain in chains],
        "numbers": [chain.last.number for chain in chains],
        "eras": [chain.last.era for chain in chains],
        "snapshots": [since(chain.last) for chain in chains],
    }
    of = {chain.tenant: chain for chain in chains}
    added = fetch(using, sql.UNSEALED_OF_DATABASE if None in of else sql.UNSEALED, wanted)
    entries = [row.id for row in added if row.source == "ledger_entry"]
    lines = {row.id: row.line for row in fetch(using, sql.LINES, {"source": "ledger_entry", "ids": entries})}
    for tenant, source, row in added:
        number = str(of[tenant].last.number)
        yield of[tenant].alarm("sealed-row-added", source, row, lines.get(row), detail=number)
    for tenant, source, row, first, second in fetch(using, sql.TWICE, wanted):
        yield of[tenant].alarm("sealed-row-twice", source, row, detail=f"{first} and {second}")
    if None in of:
        return
    now = fetch(using, sql.STATE_NOW, wanted)
    for tenant, source, line in fetch(using, sql.NEW_CHANGES, wanted):
        of[tenant].note(source, line)
    gone = {(chain.tenant, *place) for chain in chains for place in chain.state}
    for tenant, source, row, line in now:
        gone.discard((tenant, source, row))
        yield from of[tenant].fits(source, json.loads(line), f"since seal {of[tenant].last.number}")
    for tenant, source, row in sorted(gone, key=str):
        yield of[tenant].alarm("sealed-row-gone", source, row, detail=str(of[tenant].last.number))


def _named(source: str, line: str) -> dict[str, Any]:
    """The fields of a line by name; empty if it can't be read."""
    found = value(line)
    return dict(zip(COLUMNS[source], found, strict=False)) if isinstance(found, list) else {}
