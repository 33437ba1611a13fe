"""What must always hold, as SQL that returns the rows which break it.

The numbers are those of "What must always hold" in Folio's design. Imports nothing of Folio: it knows the tables, and
thinks for itself. `checker` provides, as temporary tables, `journal` (what workers wrote down), `seen` (what the
watcher saw) and `entry` (the ledger's entries with their series).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may not be found. ``needs`` are tables without which there is nothing to look at."""

    number: int
    name: str
    sql: str
    needs: tuple[str, ...] = ()


_TAKEN = """
    SELECT tenant, period_id, value FROM entry
    UNION ALL SELECT tenant, period_id, value FROM ledger_slot
    UNION ALL SELECT tenant, period_id, value FROM ledger_reservation
"""

# Rows of events, and those that seals cover: a seal has the ids of one table after those of another. (Of these tables
# alone: the workers' last look writes into others once all is sealed.)
_SEALABLE = (
    *("ledger_entry", "ledger_numbervoided", "ledger_gapexplained", "ledger_holereported", "ledger_holehealed"),
    *("ledger_serieschanged", "ledger_periodchanged"),
)
_ROWS = " UNION ALL ".join(f"SELECT '{table}' AS source, id FROM {table}" for table in _SEALABLE)
_SEALED = """
    SELECT t.source, u.id, count(*) AS seals, array_agg((z.tenant, z.number)::text) AS which
    FROM ledger_seal z
    CROSS JOIN LATERAL (SELECT o.source, o.rows, sum(o.rows) OVER (ORDER BY o.place) - o.rows AS first
                        FROM unnest(z.tables, z.counts) WITH ORDINALITY AS o (source, rows, place)) t
    CROSS JOIN LATERAL unnest(z.ids[t.first + 1 : t.first + t.rows]) AS u (id)
    WHERE z.tenant IS NOT NULL GROUP BY t.source, u.id
"""

RULES: tuple[Rule, ...] = (
    # 0: nobody meets an error that a caller of Folio should not have to expect.
    Rule(0, "error", "SELECT worker, tenant, series, document, number AS error FROM journal WHERE kind = 'error'"),
    # ... and nobody is left without an answer when the faults have stopped.
    Rule(0, "given-up", "SELECT worker, tenant, series, document FROM journal WHERE kind = 'given-up'"),
    # 1: every value from the first to the highest has exactly one entry, or is known as reserved or as a free slot.
    Rule(
        1,
        "hole",
        f"""
        WITH taken AS MATERIALIZED ({_TAKEN}), highest AS (
            SELECT tenant, period_id, max(value) AS value FROM taken GROUP BY tenant, period_id
        )
        SELECT p.tenant, s.code AS series, p.id AS period, v.value
        FROM ledger_period p
        LEFT JOIN ledger_series s ON s.id = p.series_id
        LEFT JOIN highest h ON h.tenant = p.tenant AND h.period_id = p.id
        CROSS JOIN LATERAL generate_series(p.first_value, greatest(p.last_value, h.value)) AS v (value)
        LEFT JOIN taken t ON t.tenant = p.tenant AND t.period_id = p.id AND t.value = v.value
        WHERE t.value IS NULL
        """,
    ),
    Rule(
        1,
        "value-twice",
        "SELECT tenant, period_id AS period, value, count(*) AS entries, array_agg(id) AS ids FROM entry"
        " GROUP BY tenant, period_id, value HAVING count(*) > 1",
    ),
    Rule(
        1,
        "free-and-used",
        "SELECT f.tenant, f.period_id AS period, f.value, e.id AS entry, e.kind, e.document FROM ledger_slot f"
        " JOIN entry e ON e.tenant = f.tenant AND e.period_id = f.period_id AND e.value = f.value",
    ),
    Rule(
        1,
        "no-period",
        "SELECT e.id AS entry, e.tenant, e.period_id AS period, e.value FROM entry e LEFT JOIN ledger_period p"
        " ON p.id = e.period_id AND p.tenant = e.tenant AND p.series_id = e.series_id"
        " WHERE p.id IS NULL OR e.value < p.first_value",
    ),
    Rule(
        1,
        "gap-without-cause",
        # A rollback takes these counters back, so only lost rows leave a hole.
        "SELECT id AS entry, tenant, series, value FROM entry"
        " WHERE kind = 'gap' AND allocation IN ('serial', 'at_commit')",
    ),
    Rule(
        1,
        "gap-of-open-pool",
        # A free slot heals as long as its period is open, unless the series forbids that.
        "SELECT e.id AS entry, e.tenant, e.series, e.value FROM entry e JOIN ledger_period p ON p.id = e.period_id"
        " JOIN ledger_series s ON s.id = e.series_id WHERE e.kind = 'gap' AND e.allocation = 'pooled'"
        " AND p.closed_at IS NULL AND coalesce((to_jsonb(s) ->> 'give_back')::boolean, true)",
    ),
    Rule(
        1,
        "slot-of-closed-period",
        "SELECT f.tenant, f.period_id AS period, f.value FROM ledger_slot f JOIN ledger_period p ON p.id = f.period_id"
        " WHERE p.closed_at IS NOT NULL",
    ),
    Rule(
        1,
        "stranded-slot",
        # No checkout would ever find it: it lies below where they look, and is not on the list of exceptions.
        "SELECT f.tenant, f.period_id AS period, f.value, o.free_from FROM ledger_slot f JOIN ledger_pool o"
        " ON o.tenant = f.tenant AND o.period_id = f.period_id"
        " WHERE f.value < o.free_from AND f.value <> ALL (o.stragglers)",
        needs=("ledger_pool",),
    ),
    # 2: the counter equals the highest value taken from it.
    Rule(
        2,
        "counter",
        f"""
        WITH highest AS (
            SELECT tenant, period_id, max(value) AS value FROM ({_TAKEN}) taken GROUP BY tenant, period_id
        )
        SELECT p.tenant, s.code AS series, p.id AS period, p.last_value AS counter, h.value AS highest
        FROM ledger_period p
        LEFT JOIN ledger_series s ON s.id = p.series_id
        LEFT JOIN highest h ON h.tenant = p.tenant AND h.period_id = p.id
        WHERE p.last_value <> coalesce(h.value, p.first_value - 1)
        """,
    ),
    # 3: one document has one number, and one number one document.
    Rule(
        3,
        "document-twice",
        "SELECT tenant, series, document, array_agg(number) AS numbers FROM entry WHERE document > ''"
        " GROUP BY tenant, series, document HAVING count(*) > 1",
    ),
    Rule(
        3,
        "number-twice",
        "SELECT tenant, upper(number) AS number, array_agg(id) AS entries FROM entry"
        " GROUP BY tenant, upper(number) HAVING count(*) > 1",
    ),
    Rule(
        3,
        "wrong-number",
        "SELECT e.id AS entry, e.tenant, e.number, e.value FROM entry e JOIN ledger_period p ON p.id = e.period_id"
        " WHERE e.kind <> 'adopted' AND e.number <>"
        " p.prefix || repeat('0', greatest(0, p.width - length(e.value::text))) || e.value || p.suffix",
    ),
    Rule(
        3,
        "two-answers",
        "SELECT tenant, series, document, array_agg(DISTINCT number) AS numbers FROM journal"
        " WHERE kind = 'acknowledged' GROUP BY tenant, series, document HAVING count(DISTINCT number) > 1",
    ),
    Rule(
        3,
        "one-answer-for-two",
        "SELECT tenant, number, array_agg(DISTINCT document) AS documents FROM journal"
        " WHERE kind = 'acknowledged' GROUP BY tenant, number HAVING count(DISTINCT series || ' ' || document) > 1",
    ),
    Rule(
        3,
        "shown-to-two",
        "SELECT tenant, number, array_agg(DISTINCT document) AS documents FROM journal"
        " WHERE kind = 'shown' GROUP BY tenant, number HAVING count(DISTINCT series || ' ' || document) > 1",
    ),
    Rule(
        3,
        "shown-to-another",
        "SELECT j.tenant, j.number, j.document AS shown_to, e.document AS issued_to FROM journal j"
        " JOIN entry e ON e.tenant = j.tenant AND e.number = j.number"
        " WHERE j.kind = 'shown' AND e.kind <> 'gap' AND (e.document <> j.document OR e.series <> j.series)",
    ),
    Rule(
        3,
        "another-than-returned",
        # What `issue` returned last in a transaction is what its COMMIT made certain.
        "SELECT r.worker, r.tenant, r.series, r.document, r.number AS returned, a.number AS acknowledged FROM"
        " (SELECT DISTINCT ON (worker, attempt, tenant, series, document) * FROM journal"
        " WHERE kind IN ('shown', 'returned') ORDER BY worker, attempt, tenant, series, document, line DESC) r"
        " JOIN journal a ON a.worker = r.worker AND a.attempt = r.attempt AND a.tenant = r.tenant"
        " AND a.series = r.series AND a.document = r.document"
        " WHERE a.kind = 'acknowledged' AND a.number <> r.number",
    ),
    Rule(
        3,
        "reserved-for-another",
        "SELECT r.tenant, r.period_id AS period, r.value, r.document AS reserved_for, e.document AS issued_to"
        " FROM ledger_reservation r"
        " JOIN entry e ON e.tenant = r.tenant AND e.period_id = r.period_id AND e.value = r.value"
        " WHERE e.kind <> 'gap' AND e.document <> r.document",
    ),
    # 4: what a caller was told is committed is in the ledger; what is in the ledger some caller asked for.
    Rule(
        4,
        "lost",
        "SELECT DISTINCT j.worker, j.tenant, j.series, j.document, j.number FROM journal j LEFT JOIN entry e"
        " ON e.tenant = j.tenant AND e.series = j.series AND e.document = j.document AND e.number = j.number"
        " AND e.kind = 'issued' WHERE j.kind = 'acknowledged' AND e.id IS NULL",
    ),
    Rule(
        4,
        "lost-before-told",
        # COMMIT had returned, and the number had not been asked for yet.
        "SELECT DISTINCT j.worker, j.tenant, j.series, j.document FROM journal j LEFT JOIN entry e"
        " ON e.tenant = j.tenant AND e.series = j.series AND e.document = j.document AND e.kind = 'issued'"
        " WHERE j.kind = 'committed' AND e.id IS NULL",
    ),
    Rule(
        4,
        "lost-from-checkout",
        # The shop's row of the same transaction is there.
        "SELECT DISTINCT c.attempt, c.tenant, c.series, c.document FROM storm_checkout c LEFT JOIN entry e"
        " ON e.tenant = c.tenant AND e.series = c.series AND e.document = c.document AND e.kind = 'issued'"
        " WHERE e.id IS NULL",
        needs=("storm_checkout",),
    ),
    Rule(
        4,
        "phantom",
        "SELECT e.id AS entry, e.tenant, e.series, e.number, e.document FROM entry e LEFT JOIN"
        " (SELECT DISTINCT tenant, series, document FROM journal WHERE kind = 'asked') j"
        " ON j.tenant = e.tenant AND j.series = e.series AND j.document = e.document"
        " WHERE e.kind = 'issued' AND j.document IS NULL",
    ),
    Rule(
        4,
        "phantom-of-rollback",
        # It was asked for, and the shop's row, written in the very transaction that wrote the entry, is not there.
        "SELECT e.id AS entry, e.tenant, e.series, e.number, e.document FROM entry e LEFT JOIN"
        " (SELECT DISTINCT tenant, series, document, transaction_id FROM storm_checkout) c"
        " ON c.tenant = e.tenant AND c.series = e.series AND c.document = e.document"
        " AND c.transaction_id = e.transaction_id WHERE e.kind = 'issued' AND c.document IS NULL",
        needs=("storm_checkout",),
    ),
    Rule(
        4,
        "lost-void",
        "SELECT DISTINCT j.worker, j.tenant, j.number FROM journal j WHERE j.kind = 'voided' AND NOT EXISTS"
        " (SELECT FROM ledger_numbervoided v JOIN entry e ON e.id = v.entry_id"
        " WHERE e.tenant = j.tenant AND e.number = j.number)",
    ),
    Rule(
        4,
        "phantom-void",
        "SELECT v.id AS void, e.tenant, e.number FROM ledger_numbervoided v JOIN entry e ON e.id = v.entry_id"
        " WHERE NOT EXISTS (SELECT FROM journal j"
        " WHERE j.kind = 'void-asked' AND j.tenant = e.tenant AND j.number = e.number)",
    ),
    # 5: a void names one earlier issue, and there is at most one for each.
    Rule(
        5,
        "void-of-nothing",
        "SELECT v.id AS void, v.tenant, v.entry_id AS entry FROM ledger_numbervoided v LEFT JOIN entry e"
        " ON e.id = v.entry_id AND e.tenant = v.tenant AND e.kind IN ('issued', 'adopted')"
        " WHERE e.id IS NULL OR e.issued_at > v.voided_at",
    ),
    Rule(
        5,
        "void-twice",
        "SELECT tenant, entry_id AS entry, array_agg(id) AS voids FROM ledger_numbervoided"
        " GROUP BY tenant, entry_id HAVING count(*) > 1",
    ),
    # 6: a value flagged as a gap is never issued afterwards.
    Rule(
        6,
        "gap-issued",
        "SELECT g.tenant, g.series, g.value, e.number, e.document FROM entry g"
        " JOIN entry e ON e.tenant = g.tenant AND e.period_id = g.period_id AND e.value = g.value"
        " WHERE g.kind = 'gap' AND e.kind <> 'gap'",
    ),
    Rule(
        6,
        "gap-acknowledged",
        "SELECT DISTINCT j.worker, j.tenant, j.number, j.document FROM journal j"
        " JOIN entry e ON e.tenant = j.tenant AND e.number = j.number"
        " WHERE e.kind = 'gap' AND j.kind = 'acknowledged'",
    ),
    Rule(
        6,
        "gap-with-document",
        "SELECT id AS entry, tenant, series, number, document FROM entry WHERE kind = 'gap' AND document > ''",
    ),
    Rule(
        6,
        "gap-without-evidence",
        "SELECT id AS entry, tenant, series, number FROM entry WHERE kind = 'gap' AND metadata = '{}'",
    ),
    Rule(
        6,
        "gap-of-nobody",
        # What a gap of `reserved` says of itself: for which document the value was kept.
        "SELECT e.id AS entry, e.tenant, e.series, e.number, e.metadata FROM entry e WHERE e.kind = 'gap'"
        " AND e.allocation = 'reserved' AND NOT EXISTS (SELECT FROM journal j WHERE j.kind = 'asked'"
        " AND j.tenant = e.tenant AND j.series = e.series"
        " AND j.document = e.metadata -> 'reservation' ->> 'document')",
    ),
    # 7: nothing is appended to a closed period.
    Rule(
        7,
        "after-closing",
        "SELECT e.id AS entry, e.tenant, e.series, e.number, e.kind, e.issued_at, p.closed_at FROM entry e"
        " JOIN ledger_period p ON p.id = e.period_id WHERE e.issued_at > p.closed_at",
    ),
    Rule(
        7,
        "grew-after-closing",
        "SELECT c.tenant, c.document AS period, c.number AS entries_then, count(e.id) AS entries_now FROM"
        " (SELECT DISTINCT tenant, document, number FROM journal WHERE kind = 'closed') c"
        " LEFT JOIN entry e ON e.period_id = c.document::bigint"
        " GROUP BY c.tenant, c.document, c.number HAVING count(e.id) <> c.number::bigint",
    ),
    Rule(
        7,
        "date-outside",
        "SELECT e.id AS entry, e.tenant, e.series, e.number, e.issued_on FROM entry e"
        " JOIN ledger_period p ON p.id = e.period_id WHERE e.issued_on NOT BETWEEN p.starts_on AND p.ends_on",
    ),
    # 8: an event never changes and never goes away. (`checker` holds each table against what the watcher saw.)
    Rule(8, "changed", "SELECT relation, id, digest AS was, now AS is FROM changed"),
    # ... each is in exactly one seal of its tenant, and no seal covers what isn't there.
    Rule(
        8,
        "not-in-one-seal",
        f"SELECT source, id, coalesce(z.seals, 0) AS seals, z.which FROM ({_ROWS}) r LEFT JOIN ({_SEALED}) z"
        " USING (source, id) WHERE z.seals IS DISTINCT FROM 1",
        needs=("ledger_seal", *_SEALABLE),
    ),
    Rule(
        8,
        "seal-of-nothing",
        f"SELECT source, id, z.which FROM ({_SEALED}) z LEFT JOIN ({_ROWS}) r USING (source, id)"
        f" WHERE r.id IS NULL AND source = ANY (ARRAY{list(_SEALABLE)})",
        needs=("ledger_seal", *_SEALABLE),
    ),
    # 9: when faults stop, no reservation stays open longer than a sweep interval.
    Rule(
        9,
        "open-reservation",
        "SELECT r.tenant, r.period_id AS period, r.value, r.document FROM ledger_reservation r LEFT JOIN entry e"
        " ON e.tenant = r.tenant AND e.period_id = r.period_id AND e.value = r.value WHERE e.id IS NULL",
    ),
    Rule(9, "ticket-left", "SELECT to_jsonb(t) AS ticket FROM ledger_ticket t", needs=("ledger_ticket",)),
    # Beside the nine: what the workers' own verification found, in the middle of it all.
    Rule(
        10,
        "found-by-workers",
        "SELECT id AS run, started_at, counts FROM ledger_sweeprun"
        " WHERE sweep = 'verify' AND (counts ->> 'alarms')::bigint > 0",
        needs=("ledger_sweeprun",),
    ),
    # What `serial` and `at_commit` promise is strict order, and a strict series its dates in order.
    Rule(
        10,
        "time-out-of-order",
        "SELECT * FROM (SELECT id AS entry, tenant, series, number, issued_at,"
        " lag(issued_at) OVER (PARTITION BY tenant, period_id ORDER BY value) AS before FROM entry"
        " WHERE kind = 'issued' AND allocation IN ('serial', 'at_commit')) o WHERE before > issued_at",
    ),
    Rule(
        10,
        "date-out-of-order",
        "SELECT * FROM (SELECT e.id AS entry, e.tenant, e.series, e.number, e.issued_on, lag(e.issued_on)"
        " OVER (PARTITION BY e.tenant, e.period_id ORDER BY e.value) AS before FROM entry e"
        " JOIN ledger_series s ON s.id = e.series_id WHERE e.kind = 'issued' AND s.chronological) o"
        " WHERE before > issued_on",
    ),
)
