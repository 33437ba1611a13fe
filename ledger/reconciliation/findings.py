"""Lists findings, and the numbers that a system confirms, which are derived from the mirror and not stored."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext

from ledger.cursors import fetch, stream
from ledger.databases import query_scope
from ledger.keys import tenant_key
from ledger.models import FindingKind, FindingRaised, RemoteDocument, Series
from ledger.reconciliation import looking_sql
from ledger.texts import visible
from ledger.unreadable import UNREADABLE, cut, facts, objects


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``facts`` has ``here`` (null if no entry has the number) and ``there`` (a list), as they were when
    it was raised; ``entry`` is the entry's id or None. ``reason`` is that of the last acknowledgement, or empty;
    ``resolved_at`` is None while it is open.
    """

    id: int
    tenant: str
    system: str
    kind: str
    subject: str
    occurrence: int
    entry: int | None
    number: str
    document: str
    facts: Mapping[str, Any]
    raised_at: datetime
    resolved_at: datetime | None
    reason: str
    acknowledged_by: str
    acknowledged_at: datetime | None
    #: The database from which it was read, and where it is acknowledged.
    database: str = field(default="", compare=False, repr=False)

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None

    @property
    def meaning(self) -> str:
        """Its kind in words."""
        return gettext(dict(FindingKind.choices).get(self.kind, self.kind))

    @property
    def there(self) -> str:
        """What is there, in words; odd characters of a spelling are named."""
        return told_there(self.facts)

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "database"}


def told_there(facts: Mapping[str, Any]) -> str:
    """The documents there, by a finding's facts, in words: posted INV-1 of 2026-01-05 for order:7."""
    return "; ".join(_told(document) for document in objects(facts.get("there"))) or gettext("nothing")


def _told(document: Mapping[str, Any]) -> str:
    if UNREADABLE in document:
        return f"{UNREADABLE}: {document[UNREADABLE]}"
    told = f"{gettext(str(document.get('state') or '?'))} {visible(str(document.get('number', '?')))}"
    if document.get("issued_on"):
        told += gettext(" of %(day)s") % {"day": document["issued_on"]}
    if document.get("reference"):
        told += gettext(" for %(reference)s") % {"reference": document["reference"]}
    if document.get("total") is not None:
        amount = f"{document['total']} {document.get('currency') or ''}".rstrip()
        told += gettext(" over %(amount)s") % {"amount": amount}
    return cut(told)


def findings(
    *,
    org: Any = None,
    tenant: str | None = None,
    system: str | None = None,
    kind: str | None = None,
    acknowledged: bool | None = None,
    resolved: bool = False,
    using: str | None = None,
) -> Iterator[Finding]:
    """Stream the findings in the order in which they were raised; the resolved ones only with ``resolved``.

    ``acknowledged`` selects those that were acknowledged (True), or were not (False).
    """
    alias = using or router.db_for_read(FindingRaised)
    wanted = _wanted(org, tenant, system=system, kind=kind, acknowledged=acknowledged, resolved=resolved)
    for row in stream(alias, looking_sql.FINDINGS, wanted):
        # Both are null if nobody has acknowledged it.
        said = {"reason": row.reason or "", "acknowledged_by": row.acknowledged_by or ""}
        yield Finding(**row._asdict() | said | {"facts": facts(row.facts), "database": alias})


def count_findings(
    *,
    org: Any = None,
    tenant: str | None = None,
    system: str | None = None,
    acknowledged: bool | None = None,
    using: str | None = None,
) -> dict[str, int]:
    """How many are open, by kind."""
    alias = using or router.db_for_read(FindingRaised)
    wanted = _wanted(org, tenant, system=system, kind=None, acknowledged=acknowledged, resolved=False)
    return dict(fetch(alias, looking_sql.COUNT_FINDINGS, wanted))


def _wanted(org: Any, tenant: str | None, **limits: Any) -> dict[str, Any]:
    return {"tenant": tenant_key(org) if org is not None else tenant, **limits}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A number that a system knows as the ledger does: posted and valid here, or void on both sides.

    ``series`` is a code, ``period`` and ``entry`` are ids; ``seen_at`` is when the system was last read to say so.
    """

    series: str
    period: int
    value: int
    entry: int
    number: str
    system: str
    remote_id: str
    state: str
    seen_at: datetime


def confirmed_numbers(
    *,
    org: Any = None,
    series: Series | str | None = None,
    period: int | None = None,
    system: str | None = None,
    using: str | None = None,
) -> Iterator[Confirmed]:
    """Stream the confirmed numbers of a tenant, once each, by series, period and value.

    ``series`` is one or its code, ``period`` an id, ``system`` a name.
    """
    alias, wanted = _confirmed(org, series, period, system, using)
    for row in stream(alias, looking_sql.CONFIRMED, wanted):
        yield Confirmed(**row._asdict())


def count_confirmed(
    *,
    org: Any = None,
    series: Series | str | None = None,
    period: int | None = None,
    system: str | None = None,
    using: str | None = None,
) -> int:
    """How many numbers ``confirmed_numbers`` would return."""
    alias, wanted = _confirmed(org, series, period, system, using)
    [(count,)] = fetch(alias, looking_sql.COUNT_CONFIRMED, wanted)
    return int(count)


def _confirmed(
    org: Any, series: Series | str | None, period: int | None, system: str | None, using: str | None
) -> tuple[str, dict[str, Any]]:
    tenant, series, using = query_scope(org, None, series, using)
    wanted = {"tenant": tenant or "", "series": series, "period": period, "system": system}
    return using or router.db_for_read(RemoteDocument), wanted
