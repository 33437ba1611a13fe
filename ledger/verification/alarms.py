"""Alarms: what checks of the ledger have found, kept until a later check no longer finds it.

Only ``raise_alarms``, ``resolve_alarms``, ``recheck`` and ``acknowledge_alarm`` write; by the last one, people say why
something that can't be mended may stand. ``Watch`` compares the findings of a whole check with the raised alarms:
it raises what is new, and resolves what is gone. The workers' role may only raise and ``recheck``, where the database
itself decides what is mended. So whoever steals that role can't hide an alarm.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from django.db import Error, router, transaction
from django.db.models import OuterRef, QuerySet, Subquery

from ledger.cursors import fetch, fetch_value
from ledger.database_errors import plain, translate_database_errors
from ledger.databases import database_of, expect, same_row
from ledger.errors import AlarmError
from ledger.keys import actor_name, reason_text
from ledger.models import AlarmAcknowledged, AlarmRaised, AlarmResolved
from ledger.verification.findings import Alarm, alarm_for, period_label

_RAISE = "SELECT ledger_raise_alarms(%s::jsonb)"
_RESOLVE = "SELECT ledger_resolve_alarms(%s::bigint[])"
_RESOLVE_MENDED = "SELECT ledger_resolve_mended()"
_ACKNOWLEDGE = "SELECT ledger_acknowledge_alarms(%s::bigint[], %s, %s)"

#: The kind of alarms of the rules of countries, which another check finds than those of the ledger.
COUNTRY_RULE = "country-rule"

#: A check that could not run. The alarms that it would have found again are not resolved.
NOT_CHECKED = "not-checked"

#: What can't be mended, and so may be acknowledged: faults in rows that never change, keys older than the rules for
#: keys, and sealed rows that are gone and in no backup. (A sealed row that was changed is not among them: to
#: acknowledge it would cover each later change too.) The database has the same list (``ledger_alarm_may_stand``).
ACKNOWLEDGEABLE: Final = frozenset(
    {
        *("adoption-of-nothing", "after-closing", "below-first", "cancelled-in-use", "code-text", "date-outside"),
        *("declared-no-gap", "document-form", "document-of-child", "document-text", "document-twice"),
        *("draft-of-nothing", "explained-no-gap", "finding-of-stranger", "finding-twice", "gap-of-nothing"),
        *("gap-with-document", "hole-of-nothing", "no-period", "number-twice", "other-period", "period-of-stranger"),
        *("period-overlaps", "sealed-row-gone", "tenant-form", "tenant-of-child", "tenant-text", "unknown-kind"),
        *("unreadable", "void-of-gap", "void-of-nothing", "void-of-stranger", "void-too-early", "void-twice"),
        "wrong-number",
    }
)

#: The most new alarms that one check keeps. If somebody deletes half a million rows, the first alarms tell what
#: happened, and ``ledger_verify`` names every row.
MOST = 10_000

#: insufficient_privilege, read_only_sql_transaction; and the errors if a table or function of the alarms is gone.
_MAY_NOT_WRITE = frozenset({"42501", "25006", "42P01", "42703", "42883"})

#: Characters of a text that are kept: enough to know what it was.
_LONGEST = 1000

#: Written at a time.
_BATCH = 500

#: Two alarms are the same if these columns are: the same problem of the same row, whenever and however it is found.
#: ``_OPEN`` returns them in this order; ``ledger_raise_alarms`` compares them too.
_IDENTITY = ("kind", "tenant", "series", "starts_on", "ordinal", "value", "through", "table_name", "row_id", "problem")


# The alarms, not resolved yet, that a check with these limits would find again: id, why it may stand (if somebody said
# so), and the columns of _IDENTITY. Alarms without a tenant, such as those of guards, are always included. Arguments:
# tenant, series (null for all), rules (the kind of alarms of the rules of countries), country (whether these are the
# ones to return).
_OPEN = """
    SELECT a.id, k.reason, a.kind, a.tenant, a.series, a.starts_on::text, a.ordinal, a.value, a.through, a.table_name,
           a.row_id, a.problem
    FROM ledger_alarmraised a
    LEFT JOIN LATERAL (
        SELECT k.reason FROM ledger_alarmacknowledged k WHERE k.alarm_id = a.id ORDER BY k.id DESC LIMIT 1
    ) k ON true
    WHERE NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND (a.kind = %(rules)s) = %(country)s
      AND (a.tenant IS NULL
           OR (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)
              AND (%(series)s::text IS NULL OR a.series = %(series)s))
"""


def raise_alarms(alarms: Sequence[Alarm], *, using: str | None = None) -> int:
    """Append AlarmRaised for each of them that is not raised already; return how many that were."""
    alias = using or router.db_for_write(AlarmRaised)
    raised = 0
    for start in range(0, len(alarms), _BATCH):
        rows = [_row(alarm) for alarm in alarms[start : start + _BATCH]]
        raised += _counted(alias, _RAISE, json.dumps(rows))
    return raised


def resolve_alarms(ids: Collection[int], *, using: str | None = None) -> int:
    """Append AlarmResolved for each of these alarms that has none; return for how many."""
    alias = using or router.db_for_write(AlarmRaised)
    return _counted(alias, _RESOLVE, list(ids)) if ids else 0


def with_state(rows: QuerySet[AlarmRaised]) -> QuerySet[Any]:
    """Alarms with ``resolved_at``, ``reason``, ``acknowledged_by``, ``acknowledged_at``: the last acknowledgement's."""
    its_own = {"alarm": OuterRef("pk")}
    said = AlarmAcknowledged.objects.filter(**its_own).order_by("-pk")
    annotated: QuerySet[Any] = rows.annotate(
        resolved_at=Subquery(AlarmResolved.objects.filter(**its_own).values("resolved_at")[:1]),
        reason=Subquery(said.values("reason")[:1]),
        acknowledged_by=Subquery(said.values("actor")[:1]),
        acknowledged_at=Subquery(said.values("acknowledged_at")[:1]),
    )
    return annotated


def acknowledge_alarm(
    alarm: AlarmRaised | int, *, reason: str, by: Any = None, using: str | None = None
) -> AlarmAcknowledged:
    """Append AlarmAcknowledged for an unresolved alarm that can't be mended, and return it. ``alarm`` may be its id.

    The judge no longer counts the alarm, and shows it with the reason. It stands for exactly what was found: the same
    problem of other rows, or of another value, is another alarm. If the same person acknowledged it last, with the same
    reason, that acknowledgement is returned. Raises AlarmError if there is no such alarm, it is resolved, or it can be
    mended; and InvalidReason.
    """
    expect(alarm, (AlarmRaised, int), "alarm", "Pass an AlarmRaised, or its id.")
    alias = database_of(alarm, AlarmAcknowledged, using)
    text, actor = reason_text(reason), actor_name(by)
    pk = alarm if isinstance(alarm, int) else same_row(alarm, alias).pk
    raised = AlarmRaised.objects.using(alias).filter(pk=pk).first()
    if raised is None:
        raise AlarmError(
            f"There is no alarm {pk}.",
            rule="An alarm is acknowledged by its id.",
            remedy="manage.py ledger_verify alarms shows all that are unresolved.",
        )
    if AlarmResolved.objects.using(alias).filter(alarm=raised).exists():
        raise AlarmError(
            f"The alarm {pk} ({raised.kind}) is resolved.",
            rule="Only an alarm that is not resolved can be acknowledged.",
            remedy="There is nothing to do.",
        )
    if raised.kind not in ACKNOWLEDGEABLE:
        raise AlarmError(
            f"The alarm {pk} ({raised.kind}) can be mended.",
            rule="What is acknowledged stands in rows that never change, so nobody can set it right.",
            remedy=raised.remedy,
        )
    said = AlarmAcknowledged.objects.using(alias).filter(alarm=raised)
    last = said.order_by("-pk").first()
    if last is not None and (last.reason, last.actor) == (text, actor):
        last.repeated = True
        return last
    with translate_database_errors("of this alarm", wanted="an acknowledgement needs"):
        made = fetch_value(alias, _ACKNOWLEDGE, [[raised.pk], text, actor])
    return said.get(pk=made)


def lost_values(
    tenant: str, series: str, starts_on: date, ends_on: date, ordinal: int, value: int, through: int
) -> Alarm:
    """The alarm for values of which there is no trace, worded as ``verify`` would."""
    where: dict[str, Any] = {"tenant": tenant, "series": series, "starts_on": starts_on, "ordinal": ordinal}
    label = period_label(starts_on, ends_on, ordinal)
    return alarm_for("lost-or-tampered", value=value, through=through, period=label, **where)


def recheck(*, using: str | None = None) -> int:
    """Resolve the alarms whose problem is mended by now: all values have a row again, the reservation was settled.

    It looks only at what these alarms name, so it may run every minute. Returns how many were resolved.
    """
    return _counted(using or router.db_for_write(AlarmRaised), _RESOLVE_MENDED)


def _counted(alias: str, statement: str, *arguments: Any) -> int:
    with transaction.atomic(using=alias):
        return int(fetch_value(alias, statement, arguments))


class Watch:
    """One check of the whole ledger, a tenant or a series: pass every alarm to ``see``, then call ``finish``.

    ``country_rules`` tells whether the rules of countries are checked, or those of the ledger. Alarms outside of the
    check stay as they are; so do all if ``finish`` is never called. ``refused`` is called, once, if the connection's
    role may only read, or the server is a standby: then nothing is kept, and the check goes on. Without ``refused``,
    that is an error.
    """

    def __init__(
        self,
        alias: str,
        *,
        tenant: str | None = None,
        series: str | None = None,
        country_rules: bool = False,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.alias = alias
        self._refused = refused
        self._is_refused = False
        self._room = MOST
        self._waiting: list[Alarm] = []
        #: Open alarms that were not found again yet: digest → id.
        self._unseen: dict[str, int] = {}
        #: Why some of the open ones may stand: digest → reason.
        self._reasons: dict[str, str] = {}
        wanted: dict[str, Any] = {"tenant": tenant, "series": series, "rules": COUNTRY_RULE, "country": country_rules}
        self._guarded(lambda: self._read_open(wanted))
        self._open = set(self._unseen)
        self._is_blind = False

    def _read_open(self, wanted: dict[str, Any]) -> None:
        # In a savepoint, so that a caller's transaction can continue after a refusal.
        with transaction.atomic(using=self.alias):
            for pk, reason, *identity in fetch(self.alias, _OPEN, wanted):
                subject = _digest(identity)
                self._unseen[subject] = pk
                if reason is not None:
                    self._reasons[subject] = reason

    def see(self, alarm: Alarm) -> Alarm:
        """Take in an alarm that was found; returns it with the reason for which it was acknowledged, if it was."""
        row = _row(alarm)
        subject = _digest([row[name] for name in _IDENTITY])
        self._unseen.pop(subject, None)
        self._is_blind |= alarm.check == NOT_CHECKED
        if subject not in self._open and self._room:
            self._room -= 1
            self._waiting.append(alarm)
        reason = self._reasons.get(subject)
        return alarm if reason is None else replace(alarm, reason=reason)

    def keep(self) -> None:
        """Raise what was found so far, so that it is kept if the check is killed later."""
        self._guarded(lambda: raise_alarms(self._waiting, using=self.alias))
        self._waiting.clear()

    def finish(self) -> None:
        """End the check: resolve the alarms that were not found again, unless some check could not run."""
        self.keep()
        if not self._is_blind:
            gone = len(self._unseen)
            told = (
                f"{gone} alarm{'s were' if gone != 1 else ' was'} not found again, and can't be resolved by this role. "
                "Run manage.py ledger_verify and ledger_rules as a role with --purpose finance, or as the owner"
            )
            self._guarded(lambda: resolve_alarms(self._unseen.values(), using=self.alias), told)

    def _guarded(self, act: Callable[[], Any], told: str = "What was found is not kept as alarms") -> None:
        if self._is_refused:
            return
        try:
            act()
        except Error as error:
            if self._refused is None or not may_not_write(error):
                raise
            self._is_refused = True
            self._refused(f"{told}: {plain(error)}.")


def may_not_write(error: Error) -> bool:
    """Whether this role may only read, or nobody may write (a standby), or a table of the alarms is gone."""
    return getattr(error.__cause__, "sqlstate", None) in _MAY_NOT_WRITE


def _row(alarm: Alarm) -> dict[str, Any]:
    same = ("tenant", "rule", "ordinal", "value", "through", "remedy")
    return {name: getattr(alarm, name) for name in same} | {
        "kind": alarm.check,
        "series": alarm.series or "",
        "starts_on": None if alarm.starts_on is None else alarm.starts_on.isoformat(),
        "number": _kept(alarm.number or ""),
        "table_name": alarm.table or "",
        "row_id": alarm.id,
        "problem": _kept(alarm.problem),
    }


def _digest(identity: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def _kept(text: str) -> str:
    """A text that may come from a tampered row, without control characters, and cut."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
