"""Exports JSON lines that ``folio_verify.py`` checks: whole chains, only heads, or proofs of rows."""

import json
from collections.abc import Iterator
from typing import Any

from ledger.cursors import fetch
from ledger.errors import SealError
from ledger.models import Entry, LedgerSeal, NumberVoided, SealAnchored
from ledger.seals import sql
from ledger.seals.folio_verify import EXPORT, HEADS, PROOF, audit_path, personal_hash, salts_of
from ledger.seals.reading import Row, seals_of, shipped, with_rows


def export(using: str, tenant: str | None, *, heads: bool = False, withhold: bool = False) -> Iterator[str]:
    """The chain of a tenant, or of the database, line by line.

    ``heads`` leaves the rows out: heads are kept outside, to compare with later. ``withhold`` replaces personal texts
    by their hashes. Raises SealError if there is no seal.
    """
    found = False
    seals = seals_of(using, tenant)
    for seal, rows in ((seal, ()) for seal in seals) if heads else with_rows(using, seals):
        if not found:
            yield _line({"folio": HEADS if heads else EXPORT, "tenant": tenant})
        found = True
        yield _line(shipped(seal) | {"anchors": _anchors(using, seal)})
        for row in rows:
            yield _line(_shipped(row, seal, withhold=withhold))
    if not found:
        raise SealError(
            f"There is no seal of {'the database' if tenant is None else f'tenant {tenant!r}'}.",
            rule="What is exported was sealed before.",
            remedy="Run manage.py ledger_seal now.",
        )


def prove(using: str, tenant: str, number: str, *, withhold: bool = True, anchored: bool = False) -> Iterator[str]:
    """Prove that a number is sealed, and its void if it has one; a line for each row.

    ``anchored`` adds the proof that the tenant's seal is in one of the database's, with its time stamps. Raises
    SealError for a number that doesn't exist, is not sealed yet, or was changed.
    """
    entry = Entry.objects.using(using).filter(tenant=tenant, number__iexact=number).first()
    if entry is None:
        raise SealError(
            f"The tenant {tenant!r} has no number {number!r}.",
            rule="What is proved is a row of the ledger.",
            remedy="Name the tenant with --tenant, and the number as it is written.",
        )
    rows = [("ledger_entry", entry.pk)]
    rows += [("ledger_numbervoided", void.pk) for void in NumberVoided.objects.using(using).filter(entry=entry)]
    for source, row in rows:
        seal, line = _proof(using, tenant, source, row, withhold=withhold)
        if seal is None and source == "ledger_entry":
            raise SealError(
                f"The number {entry.number} is not sealed yet.",
                rule="A proof leads to a seal.",
                remedy="Run manage.py ledger_seal now, or wait for the sweep.",
            )
        if seal is None:
            continue
        yield line
        if anchored:
            yield _proof(using, None, "ledger_seal", seal.id, withhold=False)[1]


def _proof(
    using: str, tenant: str | None, source: str, row_id: int, *, withhold: bool
) -> tuple[LedgerSeal | None, str]:
    """The seal of a row, and its proof; None if it is not sealed yet."""
    found = fetch(using, sql.WHERE_SEALED, {"tenant": tenant, "source": source, "id": row_id})
    if not found:
        if tenant is None:
            raise SealError(
                "The tenant's seal is in none of the database yet.",
                rule="Once a day the database seals the tenants' heads.",
                remedy="Run manage.py ledger_seal now, which does so at once.",
            )
        return None, ""
    [(number, place)] = found
    seal = next(seals_of(using, tenant, after=number - 1))
    packed = bytes(seal.leaves)
    leaves = [packed[start : start + 32] for start in range(0, len(packed), 32)]
    [(_, line, personal)] = fetch(using, sql.LINES, {"source": source, "ids": [row_id]})
    row = Row(source, row_id, leaves[place], line, personal)
    if not row.is_unchanged(seal):
        raise SealError(
            f"The row {source} {row_id} is not the one that was sealed.",
            rule="A proof is of a row as it was sealed.",
            remedy="manage.py ledger_seal verify tells what else was changed.",
        )
    proof = _shipped(row, seal, withhold=withhold) | shipped(seal)
    path = [node.hex() for node in audit_path(leaves, place)]
    more = {"anchors": anchors} if (anchors := _anchors(using, seal)) else {}
    return seal, _line({"folio": PROOF, **proof, "index": place, "path": path, **more})


def _shipped(row: Row, seal: LedgerSeal, *, withhold: bool) -> dict[str, Any]:
    if row.line is None:
        return {"was": f"{row.source} {row.id}", "leaf": row.leaf.hex()}
    salt, other = salts_of(bytes(seal.salt), row.source, row.id)
    personal: Any = row.personal
    if personal is not None:
        personal = personal_hash(other, personal) if withhold else {"salt": other.hex(), "text": personal}
    told = {"line": row.line, "salt": salt.hex(), "personal": personal}
    return told if row.is_unchanged(seal) else told | {"leaf": row.leaf.hex()}


def _anchors(using: str, seal: LedgerSeal) -> list[dict[str, str]]:
    found = SealAnchored.objects.using(using).filter(seal_id=seal.id).order_by("pk")
    return [{"kind": one.kind, "token": one.token, "at": one.anchored_at.isoformat()} for one in found]


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))
