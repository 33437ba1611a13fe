"""Compares the rows with the seals: which rows were changed, are gone, or were added among them since.

A seal proves "unchanged since" to whoever trusts the key, or has kept a head outside (``known``). It proves nothing of
rows after the last seal.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.cursors import fetch
from ledger.errors import SealError
from ledger.models import LedgerSeal
from ledger.seals import sql
from ledger.seals.folio_verify import COLUMNS, Tree, Wrong, check_link, signed_head_hash
from ledger.seals.reading import rows_of, sealed_tenants, seals_of, shipped, signed, since
from ledger.seals.signing import trusted_keys
from ledger.unreadable import value
from ledger.verification.findings import Alarm, alarm_for

#: The hashes of signed heads that were kept outside, by tenant and number.
Known = Mapping[tuple[str | None, int], str]

#: How many rows of one seal are compared between two reports of progress.
_TOLD_ROWS = 50_000

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
    sealed = sealed_tenants(using)
    for owner in [tenant] if tenant is not None else [None, *sealed]:
        yield from _Chain(using, owner, known or {}, progress).check()
    for owner, number in sorted(known or {}, key=str):
        if tenant in (None, owner) and owner is not None and owner not in sealed:
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
    """The seals of one tenant, or of the database."""

    def __init__(self, using: str, tenant: str | None, known: Known, progress: Callable[[str], None]) -> None:
        self.using, self.tenant, self.known, self.progress = using, tenant, known, progress
        #: Series and periods as they were last sealed; and the fields that events of the current seal changed.
        self.state: dict[tuple[str, int], list[Any]] = {}
        self.changed: dict[tuple[str, int], set[str]] = defaultdict(set)

    def check(self) -> Iterator[Alarm]:
        """All findings."""
        trusted, before, last = trusted_keys(), None, None
        for seal in seals_of(self.using, self.tenant):
            self.progress(self._name(seal))
            try:
                head = check_link(before, shipped(seal), trusted, signed)
                if any(head[name] != getattr(seal, name) for name in _TOLD) or head["tenant"] != self.tenant:
                    raise Wrong(f"the columns of seal {seal.number} are not what its head says")
            except (Wrong, ValueError, KeyError, TypeError, RecursionError) as error:
                yield self._alarm("seal-broken", row_id=seal.id, detail=str(error))
            signed_head = signed_head_hash(**shipped(seal))
            if self.known.get((self.tenant, seal.number), signed_head) != signed_head:
                yield self._alarm("seal-other", row_id=seal.id, detail=str(seal.number))
            yield from self._rows(seal)
            before, last = shipped(seal), seal
        for owner, number in sorted(self.known, key=str):
            if owner == self.tenant and last is not None and number > last.number:
                yield self._alarm("seal-gone", detail=str(number))
        if last is not None:
            yield from self._outside(last)

    def _rows(self, seal: LedgerSeal) -> Iterator[Alarm]:
        tree = Tree()
        self.changed.clear()
        for row in rows_of(self.using, seal):
            tree.add(row.leaf)
            if tree.size % _TOLD_ROWS == 0:
                self.progress(f"{self._name(seal)}, {tree.size:,} of {seal.size:,} rows")
            if row.line is None:
                yield self._alarm("sealed-row-gone", row.source, row.id, detail=str(seal.number))
            elif not row.is_unchanged(seal):
                yield self._alarm("sealed-row-changed", row.source, row.id, row.line, detail=str(seal.number))
            elif row.is_state:
                yield from self._fits(row.source, json.loads(row.line), f"in seal {seal.number}")
            else:
                self._note(row.source, row.line)
        if tree.size != seal.size or tree.root().hex() != seal.root:
            yield self._alarm("seal-broken", row_id=seal.id, detail=f"the leaves of {seal.number} don't make its root")

    def _name(self, seal: LedgerSeal) -> str:
        return f"seal {seal.number} of {'the database' if self.tenant is None else repr(self.tenant)}"

    def _note(self, source: str, line: str) -> None:
        """Note which settings an event changed."""
        if source in ("ledger_periodchanged", "ledger_serieschanged"):
            row, table = _named(source, line), source.removesuffix("changed")
            changed, of = row.get("new"), row.get(table.removeprefix("ledger_"))
            if isinstance(changed, Mapping) and isinstance(of, int):
                self.changed[table, of].update(changed)

    def _fits(self, source: str, now: list[Any], where: str) -> Iterator[Alarm]:
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
            yield self._alarm("sealed-setting", source, row["id"], detail=f"{', '.join(differs)} {where}")

    def _outside(self, last: LedgerSeal) -> Iterator[Alarm]:
        """Rows that should be in a seal and are not, and series and periods as they are now."""
        wanted = {"tenant": self.tenant, "era": last.era, "since": since(last)}
        for source, row, line in fetch(self.using, sql.UNSEALED.format(covered=sql.covered(self.tenant)), wanted):
            yield self._alarm("sealed-row-added", source, row, line, detail=str(last.number))
        for source, row, first, second in fetch(self.using, sql.TWICE, wanted):
            yield self._alarm("sealed-row-twice", source, row, detail=f"{first} and {second}")
        if self.tenant is None:
            return
        now = fetch(self.using, sql.STATE_NOW, wanted)
        self.changed.clear()
        for source, line in fetch(self.using, sql.NEW_CHANGES, wanted):
            self._note(source, line)
        gone = set(self.state)
        for source, row, line in now:
            gone.discard((source, row))
            yield from self._fits(source, json.loads(line), f"since seal {last.number}")
        for source, row in sorted(gone):
            yield self._alarm("sealed-row-gone", source, row, detail=str(last.number))

    def _alarm(
        self, name: str, table: str = "ledger_seal", row_id: int | None = None, line: str | None = None, *, detail: str
    ) -> Alarm:
        row = {} if line is None or table != "ledger_entry" else _named(table, line)
        facts: dict[str, Any] = {name: row.get(name) for name in ("series", "value", "number")}
        return alarm_for(name, detail, tenant=self.tenant, table=table, id=row_id, **facts)


def _named(source: str, line: str) -> dict[str, Any]:
    """The fields of a line by name; empty if it can't be read."""
    found = value(line)
    return dict(zip(COLUMNS[source], found, strict=False)) if isinstance(found, list) else {}
