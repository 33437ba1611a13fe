"""Retires a history that was adopted by mistake: one event, and each of its numbers becomes void."""

import json
from typing import Any

from django.db import transaction

from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.databases import database_of, expect
from ledger.errors import AdoptionError
from ledger.keys import actor_name, reason_text
from ledger.models import Adoption

# The numbers of an adoption: those of its transaction. Arguments: the adoption's own.
_ITS_NUMBERS = """
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.series_id = %(series)s AND e.kind = 'adopted'
      AND e.transaction_id = %(transaction)s AND e.era = %(era)s
"""

# The first number that came after it in one of its periods, and is not void.
_LATER = f"""
    SELECT l.number
    FROM (SELECT e.period_id, max(e.value) AS last {_ITS_NUMBERS} GROUP BY 1) own
    JOIN ledger_entry l ON l.tenant = %(tenant)s AND l.period_id = own.period_id AND l.value > own.last
    WHERE NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = l.tenant AND v.entry_id = l.id)
    ORDER BY l.period_id, l.value
    LIMIT 1
"""  # noqa: S608

_VOID = f"""
    SELECT count(ledger_void(o.tenant, o.id, %(reason)s, '', %(actor)s))
    FROM (SELECT e.tenant, e.id {_ITS_NUMBERS} ORDER BY e.period_id, e.value) o
"""  # noqa: S608

_EVENT = """
    SELECT ledger_adopt_counter(%(tenant)s, %(series)s, NULL, 0, %(source)s, '', %(options)s::jsonb, NULL, %(actor)s)
"""


def retire(adoption: Adoption, *, reason: str, by: Any = None) -> Adoption:
    """Void all numbers of an adopted file, and return the event that says so.

    The numbers stay in the ledger, void for ``reason``, and are never given again; the series continues after them. The
    event is an Adoption without numbers, whose options name what it ``retires``. Works in one transaction, or in the
    caller's.

    Raises AdoptionError if the file was retired before, has no numbers, or is followed by numbers that are not void:
    issued ones, or those of a later file, which must be retired first; and InvalidReason.
    """
    expect(adoption, Adoption, "adoption", "Pass one of Adoption.objects.filter(series=…).")
    alias = database_of(adoption, Adoption, None)
    wanted: dict[str, Any] = {
        "tenant": adoption.tenant,
        "series": adoption.series_id,
        "transaction": adoption.transaction_id,
        "era": adoption.era,
        "source": adoption.source,
        "reason": reason_text(reason),
        "actor": actor_name(by),
    }
    wanted["options"] = json.dumps({"retires": adoption.pk, "reason": wanted["reason"]})
    told = translate_database_errors(adoption.series.code, wanted="retiring an adopted history needs")
    with told, transaction.atomic(using=alias):
        retired = Adoption.objects.using(alias).filter(tenant=adoption.tenant, options__retires=adoption.pk).exists()
        if retired or not adoption.rows:
            raise _refused(adoption, "was retired before" if retired else "has no numbers of its own")
        if fetch(alias, f"SELECT count(*) {_ITS_NUMBERS}", wanted) != [(adoption.rows,)]:
            raise _refused(adoption, "was adopted in one transaction with another one")
        if later := fetch(alias, _LATER, wanted):
            raise _refused(adoption, f"was followed by {later[0].number}")
        [(event,)] = fetch(alias, _EVENT, wanted)
        fetch(alias, _VOID, wanted)
    return Adoption.objects.using(alias).get(pk=event)


def _refused(adoption: Adoption, what: str) -> AdoptionError:
    return AdoptionError(
        f"The history of {adoption.source!r} in series {str(adoption.series)!r} {what}.",
        rule="A history is retired whole, once, and as long as no number that is not void came after it.",
        remedy="Retire the later file first; where Folio has issued numbers after it, void what is wrong one by one.",
    )
