"""Reads seals, and the rows that they cover as these are today: any number of them in constant memory."""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db import router
from django.utils.translation import gettext

from ledger.cursors import fetch
from ledger.localization import day_told, quantity
from ledger.models import LedgerSeal
from ledger.seals import sql
from ledger.seals.folio_verify import is_signed as slowly_signed, leaf_by_key

_SNAPSHOT = re.compile(r"[0-9]{1,18}:[0-9]{1,18}:[0-9,]*\Z")

#: How many rows are compared at a time, and how many seals are read.
_ROWS, _SEALS = 10_000, 500


def since(seal: LedgerSeal) -> str | None:
    """The snapshot of a seal; None if somebody overwrote it with something else, which its head contradicts."""
    return seal.snapshot if _SNAPSHOT.match(seal.snapshot) else None


def shipped(seal: LedgerSeal) -> dict[str, str]:
    """What goes outside: the signed head, of which ``signed_head_hash`` makes what the next seal and anchors name."""
    return {"head": seal.head, "signature": seal.signature, "cosignature": seal.cosignature}


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed row: its leaf at that time, its line and personal texts today; ``line`` is None if the row is gone.

    The line of a series or a period is that of the seal.
    """

    source: str
    id: int
    leaf: bytes
    line: str | None
    personal: str | None
    is_state: bool = False

    def is_unchanged(self, seal: LedgerSeal) -> bool:
        """Whether the row is as it was sealed."""
        salt = bytes(seal.salt)
        return self.line is not None and leaf_by_key(salt, self.source, self.id, self.line, self.personal) == self.leaf


def seal_name(seal: LedgerSeal) -> str:
    """What people call a seal."""
    return f"seal {seal.number} of {'the database' if seal.tenant is None else repr(seal.tenant)}"


def seals_of(using: str, tenant: str | None, *, after: int = 0) -> Iterator[LedgerSeal]:
    """The seals of a tenant, or of the database, in their order, without their ids, leaves and state."""
    chain = LedgerSeal.objects.using(using).defer("ids", "leaves", "state").filter(tenant=tenant).order_by("number")
    while found := list(chain.filter(number__gt=after)[:_SEALS]):
        yield from found
        after = found[-1].number


def every_seal(using: str) -> Iterator[LedgerSeal]:
    """The seals of the database, and then those of each tenant that lives here, as ``seals_of``."""
    yield from seals_of(using, None)
    wanted = {"tenant": "", "number": 0, "size": _SEALS}
    while found := list(LedgerSeal.objects.using(using).raw(sql.SEALS, wanted)):
        yield from found
        wanted |= {"tenant": found[-1].tenant, "number": found[-1].number}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which seal of a tenant saw a row first, by the row's era and transaction. For display only.

    ``verify`` checks that the row really is in the seal, and unchanged.
    """

    #: By era: where the snapshot of each seal ends, the transactions that ran then, and the seal's number.
    _eras: dict[int, tuple[list[int], list[frozenset[int]], list[int]]]

    def number(self, era: int, transaction_id: int) -> int | None:
        """The seal's number; None if no seal has seen the row."""
        return self.stretch(era, transaction_id)[0]

    def stretch(self, era: int, transaction_id: int) -> tuple[int | None, range]:
        """The same, and a range of transactions of that era around this one for which the answer is the same."""
        ends, running, numbers = self._eras.get(era, _NO_SEALS)
        first = bisect_right(ends, transaction_id)
        for place in range(first, len(ends)):
            if transaction_id not in running[place]:
                if place > first or running[place]:
                    return numbers[place], range(transaction_id, transaction_id + 1)
                return numbers[place], range(ends[place - 1] if place else 0, ends[place])
        # The first seal of a later era covers what was left.
        later = [numbers[0] for other, (_, _, numbers) in self._eras.items() if other > era and numbers]
        end = max(ends, default=0)
        alike = range(end, 1 << 63) if transaction_id >= end else range(transaction_id, transaction_id + 1)
        return min(later, default=None), alike


_NO_SEALS: tuple[list[int], list[frozenset[int]], list[int]] = ([], [], [])


def coverage(tenant: str, *, using: str) -> Coverage:
    """The snapshots of a tenant's seals; a seal with an invalid snapshot covers nothing here."""
    eras: dict[int, tuple[list[int], list[frozenset[int]], list[int]]] = {}
    for era, number, snapshot in fetch(using, sql.SNAPSHOTS, {"tenant": tenant}):
        if _SNAPSHOT.match(snapshot):
            _, end, running = snapshot.split(":")
            ends, all_running, numbers = eras.setdefault(era, ([], [], []))
            ends.append(int(end))
            all_running.append(frozenset(map(int, filter(None, running.split(",")))))
            numbers.append(number)
    return Coverage(eras)


def sealed_tenants(using: str) -> list[str]:
    """Every tenant that has a seal."""
    return [tenant for (tenant,) in fetch(using, sql.SEALED_TENANTS)]


def with_rows(using: str, seals: Iterable[LedgerSeal]) -> Iterator[tuple[LedgerSeal, Iterator[Row]]]:
    """Each seal, and what it covers in the order of its leaves; look at its rows before the next seal.

    Rows of many small seals are read together.
    """
    read = (stretch for batch in _batches(seals) for stretch in _read(using, batch))
    for seal, stretches in groupby(read, key=itemgetter(0)):
        yield seal, (row for _, rows in stretches for row in rows)


class _Stretch(NamedTuple):
    """Some rows of a table in a seal, or its state, which has no table."""

    seal: LedgerSeal
    source: str | None
    first: int
    rows: int


def _batches(seals: Iterable[LedgerSeal]) -> Iterator[list[_Stretch]]:
    """What is read at a time."""
    batch: list[_Stretch] = []
    weight = 0
    for seal in seals:
        for stretch in _stretches(seal):
            if batch and weight + stretch.rows > _ROWS:
                yield batch
                batch, weight = [], 0
            batch.append(stretch)
            weight += stretch.rows + 1
    if batch:
        yield batch


def _stretches(seal: LedgerSeal) -> Iterator[_Stretch]:
    first = 0
    for source, count in zip(seal.tables, seal.counts, strict=False):
        for start in range(first, first + count, _ROWS):
            yield _Stretch(seal, source, start, min(_ROWS, first + count - start))
        first += count
    yield _Stretch(seal, None, first, max(seal.size - first, 0))


def _read(using: str, batch: list[_Stretch]) -> Iterator[tuple[LedgerSeal, list[Row]]]:
    wanted = {
        "seals": [stretch.seal.id for stretch in batch],
        "firsts": [stretch.first for stretch in batch],
        "counts": [stretch.rows for stretch in batch],
        "states": [stretch.source is None for stretch in batch],
    }
    found = fetch(using, sql.STRETCHES, wanted)
    ids: dict[str, list[int]] = defaultdict(list)
    for stretch, sealed in zip(batch, found, strict=True):
        if stretch.source is not None:
            ids[stretch.source] += sealed.ids or []
    lines = {
        (source, row): (line, personal)
        for source, some in ids.items()
        for row, line, personal in fetch(using, sql.LINES, {"source": source, "ids": some})
    }
    for stretch, sealed in zip(batch, found, strict=True):
        leaves, rows = bytes(sealed.leaves or b""), []
        for place, row in enumerate(sealed.ids or []):
            line, personal = lines.get((str(stretch.source), row), (None, None))
            rows.append(Row(str(stretch.source), row, leaves[place * 32 : place * 32 + 32], line, personal))
        for place, line in enumerate(sealed.state.split("\n") if sealed.state else []):
            source, row = json.loads(line)[:2]
            rows.append(Row(source, row, leaves[place * 32 : place * 32 + 32], line, None, is_state=True))
        yield stretch.seal, rows


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a tenant is sealed: the last seal, and how many numbers came after it; all None without a seal.

    ``signed_head`` is the hash that the next seal, a time stamp and ``folio_verify.py`` name.
    """

    number: int | None = None
    root: str | None = None
    signed_head: str | None = None
    sealed_at: datetime | None = None
    is_signed: bool = False
    newer: int | None = None

    def __str__(self) -> str:
        if self.sealed_at is None:
            return gettext("not sealed yet")
        at = f"{day_told(self.sealed_at.astimezone(UTC).date())} {self.sealed_at.astimezone(UTC):%H:%M:%S} UTC"
        told = gettext("sealed up to %(moment)s, %(n)s newer; seal %(number)s, root %(root)s")
        return told % {"moment": at, "n": quantity(self.newer or 0), "number": self.number, "root": self.root}


def standing(tenant: str, *, using: str | None = None) -> Standing:
    """How far the numbers of a tenant are sealed."""
    found = fetch(using or router.db_for_read(LedgerSeal), sql.STANDING, {"tenant": tenant})
    return Standing(*found[0]) if found else Standing()


def signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed this: by cryptography where it is installed, which is much faster."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError:
        return slowly_signed(public_key, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
