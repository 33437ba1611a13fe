"""The statements of finding and sweeping. Most take ``tenant`` and ``series`` (a code), null for all."""

from ledger.sql import at_home

_CHOSEN = """
    (%(tenant)s::text IS NULL AND NOT p.moves OR p.tenant = %(tenant)s)
    AND (%(series)s::text IS NULL OR s.code = %(series)s)
"""

# The ids of reservations. Arguments: after (the id of the last one read), size.
RESERVATION_IDS = f"""
    SELECT r.id FROM ledger_reservation r
    WHERE r.id > %(after)s AND {at_home("r.tenant")}
    ORDER BY r.id LIMIT %(size)s
"""  # noqa: S608  (our own text)

# Whether a checkout holds a row. Only a hint: claiming the value decides.
_HELD = "ledger_is_held({row}.xmax)"

# Every reservation, or those with some ids, with whether its grace is over, and whether a checkout holds it.
_THESE = "(%(reservations)s::bigint[] IS NULL OR r.id = ANY (%(reservations)s::bigint[]))"
RESERVATIONS = f"""
    SELECT p.tenant, s.code AS series, p.id AS period, p.starts_on, p.ends_on, p.ordinal, p.prefix, p.width, p.suffix,
           r.value,
           r.reserved_at AS since, r.reserved_at <= clock_timestamp() - %(grace)s::interval AS is_old, r.document,
           r.actor, r.checkout_transaction_id AS transaction,
           ledger_transaction_status(r.checkout_transaction_id) AS transaction_status,
           {_HELD.format(row="r")} AS is_held
    FROM ledger_reservation r
    JOIN ledger_period p ON p.id = r.period_id AND p.tenant = r.tenant
    JOIN ledger_series s ON s.id = p.series_id
    WHERE {_CHOSEN} AND {_THESE}
    ORDER BY p.tenant, s.code, p.starts_on, r.value
"""  # noqa: S608  (our own text)

# Free slots below the highest entry of their period, with the time of the next higher one, and whether a checkout holds
# them.
SLOTS = f"""
    WITH below AS MATERIALIZED (
        SELECT p.tenant, s.code, p.id, p.starts_on, p.ends_on, p.ordinal, p.prefix, p.width, p.suffix, w.value,
               s.give_back, {_HELD.format(row="w")} AS is_held
        FROM ledger_period p
        JOIN ledger_series s ON s.id = p.series_id
        JOIN ledger_pool l ON l.tenant = p.tenant AND l.period_id = p.id
        CROSS JOIN LATERAL (
            SELECT e.value FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id
            ORDER BY e.value DESC LIMIT 1
        ) highest
        JOIN ledger_slot w ON w.tenant = p.tenant AND w.period_id = p.id AND w.value < highest.value
        WHERE {_CHOSEN}
    )
    SELECT b.tenant, b.code AS series, b.id AS period, b.starts_on, b.ends_on, b.ordinal, b.prefix, b.width, b.suffix,
           b.value,
           higher.issued_at AS since, higher.issued_at <= clock_timestamp() - %(grace)s::interval AS is_old,
           b.give_back, b.is_held,
           (SELECT d.number FROM ledger_draftmade d
            WHERE d.tenant = b.tenant AND d.period_id = b.id AND d.value = b.value) AS drafted
    FROM below b
    CROSS JOIN LATERAL (
        SELECT e.issued_at FROM ledger_entry e WHERE e.tenant = b.tenant AND e.period_id = b.id AND e.value > b.value
        ORDER BY e.value LIMIT 1
    ) higher
    ORDER BY b.tenant, b.code, b.starts_on, b.value
"""  # noqa: S608

# For the transaction of LOST: the indexes give the values in order, so nothing needs sorting, which for millions of
# values would be done on disk before the first row comes.
IN_ORDER = "SET LOCAL enable_sort = off"
IN_ANY_ORDER = "SET LOCAL enable_sort = DEFAULT"

# Values that the counter gave out and that have neither an entry, nor a range of an adopted history, nor a slot, nor a
# reservation. All from one snapshot, in which each value has exactly one of them. A period is read from where the last
# scan found everything accounted for (%(full)s reads it all), along the indexes, so that it streams. Each period has a
# last row without a range: the value up to which all is accounted for now, below everything that still waits.
_BEFORE = "greatest(p.first_value, 0) - 1"  # no value is below 0, whatever a row says
LOST = f"""
    WITH chosen AS MATERIALIZED (
        SELECT p.*, s.code,
               CASE WHEN %(full)s THEN {_BEFORE}
                    ELSE least(coalesce(n.through, {_BEFORE}), p.last_value) END AS known
        FROM ledger_period p
        JOIN ledger_series s ON s.id = p.series_id
        LEFT JOIN ledger_scanposition n ON n.tenant = p.tenant AND n.period_id = p.id
        WHERE {_CHOSEN} AND p.last_value > CASE WHEN %(full)s THEN {_BEFORE} ELSE coalesce(n.through, {_BEFORE}) END
    )
    SELECT c.tenant, c.code AS series, c.id AS period, c.starts_on, c.ends_on, c.ordinal, c.prefix, c.width, c.suffix,
           found.low AS value, found.high, found.through
    FROM chosen c
    CROSS JOIN LATERAL (
        SELECT coalesce(v.before, c.known) + 1 AS low, v.first - 1 AS high, NULL::bigint AS through
        FROM (
            SELECT u.first, lag(u.last) OVER (ORDER BY u.first) AS before
            FROM (
                SELECT e.value AS first, e.value AS last FROM ledger_entry e
                WHERE e.tenant = c.tenant AND e.period_id = c.id AND e.value > c.known AND e.value <= c.last_value
                UNION ALL
                SELECT g.first_value, g.last_value FROM ledger_adoptedgap g
                WHERE g.tenant = c.tenant AND g.period_id = c.id AND g.first_value > c.known
                UNION ALL
                SELECT w.value, w.value FROM ledger_slot w
                WHERE w.tenant = c.tenant AND w.period_id = c.id AND w.value > c.known
                UNION ALL
                SELECT r.value, r.value FROM ledger_reservation r
                WHERE r.tenant = c.tenant AND r.period_id = c.id AND r.value > c.known
            ) u
        ) v
        WHERE v.first > coalesce(v.before, c.known) + 1
        UNION ALL
        SELECT e.reached + 1, c.last_value, NULL
        FROM (SELECT greatest(
            c.known,
            (SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = c.tenant AND e.period_id = c.id),
            (SELECT max(g.last_value) FROM ledger_adoptedgap g WHERE g.tenant = c.tenant AND g.period_id = c.id),
            (SELECT max(w.value) FROM ledger_slot w WHERE w.tenant = c.tenant AND w.period_id = c.id),
            (SELECT max(r.value) FROM ledger_reservation r WHERE r.tenant = c.tenant AND r.period_id = c.id)
        ) AS reached) e
        WHERE e.reached < c.last_value
        UNION ALL
        SELECT NULL, NULL, least(
            c.last_value,
            (SELECT min(w.value) - 1 FROM ledger_slot w WHERE w.tenant = c.tenant AND w.period_id = c.id),
            (SELECT min(r.value) - 1 FROM ledger_reservation r WHERE r.tenant = c.tenant AND r.period_id = c.id))
    ) found
"""  # noqa: S608

# Keeps how far a scan came. Arguments: tenants, periods, values up to which all is accounted for.
REMEMBER = "SELECT ledger_remember_scan(%s::text[], %s::bigint[], %s::bigint[])"
MAY_REMEMBER = """
    SELECT has_function_privilege('ledger_remember_scan(text[], bigint[], bigint[])', 'EXECUTE')
        AND current_setting('transaction_read_only') = 'off'
"""

# Claim one value that a checkout left behind, or that was lost. Arguments: tenant, period, value, actor.
FLAG = "SELECT ledger_flag_gap(%s, %s, %s, %s)"
FLAG_LOST = "SELECT ledger_flag_lost(%s, %s, %s, %s)"

# Reports holes that a checkout will heal, each once. Arguments: tenants, periods, values.
REPORT = "SELECT ledger_report_holes(%s::text[], %s::bigint[], %s::bigint[])"

# Every flagged gap, and every range of an adopted history.
GAPS = """
    SELECT 'flagged' AS kind, e.number, e.id AS entry, NULL::bigint AS adopted_gap, e.tenant, e.period_id,
           e.value AS first, e.value AS last, e.issued_at AS since, e.metadata AS evidence
    FROM ledger_entry e WHERE e.kind = 'gap'
    UNION ALL
    SELECT 'adopted', NULL, NULL, g.id, g.tenant, g.period_id, g.first_value, g.last_value, a.adopted_at,
           jsonb_build_object('cause', 'adopted', 'source', a.source)
    FROM ledger_adoptedgap g JOIN ledger_adoption a ON a.tenant = g.tenant AND a.id = g.adoption_id
"""
# The columns of a gap, from these rows with their periods, series and last explanations.
OF_GAP = """
    SELECT g.tenant, s.code AS series, g.period_id AS period, starts_on, ends_on, prefix, width, suffix, g.kind,
           g.entry, g.adopted_gap, g.first AS value, g.last AS through, g.number, g.since, g.evidence,
           coalesce(x.explanation, '') AS explanation, coalesce(x.actor, '') AS explained_by, x.explained_at
"""
# Of a gap ``g`` of the tenant {tenant}.
EXPLANATIONS = (
    "ledger_gapexplained x WHERE x.tenant = {tenant} AND (x.entry_id = g.entry OR x.adopted_gap_id = g.adopted_gap)"
)
LAST_EXPLANATION = f"""
    LEFT JOIN LATERAL (
        SELECT x.explanation, x.actor, x.explained_at FROM {EXPLANATIONS}
        -- An expression, lest the planner walk back along the primary key, past the explanations of all other gaps.
        ORDER BY x.id + 0 DESC LIMIT 1
    ) x ON true
"""  # noqa: S608
FLAGGED = f"""
    {OF_GAP}
    FROM ({GAPS}) g
    JOIN ledger_period p ON p.id = g.period_id
    JOIN ledger_series s ON s.id = p.series_id
    {LAST_EXPLANATION.format(tenant="g.tenant")}
    WHERE {_CHOSEN} AND (NOT %(unexplained)s OR x.explanation IS NULL)
    ORDER BY p.tenant, s.code, p.starts_on, g.first
"""

# The range of an adopted history in which a number would lie. Arguments: tenant, number.
ADOPTED_GAP = """
    SELECT g.id
    FROM ledger_period p
    JOIN ledger_adoptedgap g ON g.tenant = p.tenant AND g.period_id = p.id
    WHERE p.tenant = %(tenant)s
      AND ledger_value_of(p.prefix, p.width, p.suffix, %(number)s) BETWEEN g.first_value AND g.last_value
    LIMIT 1
"""

# Holes that were reported and have healed since, with the entry that healed them.
HEALED = f"""
    SELECT e.id
    FROM ledger_holereported h
    JOIN ledger_period p ON p.id = h.period_id
    JOIN ledger_series s ON s.id = p.series_id
    JOIN ledger_entry e ON e.tenant = h.tenant AND e.period_id = h.period_id AND e.value = h.value AND e.kind = 'issued'
    WHERE {_CHOSEN}
    ORDER BY p.tenant, s.code, p.starts_on, h.value
"""  # noqa: S608

# The values of one period that are known to be missing: flagged gaps, adopted ranges, ends of authorised ranges.
# Arguments: tenant, period.
MISSING_OF_PERIOD = """
    SELECT e.value, e.value FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s AND e.kind = 'gap'
    UNION ALL
    SELECT g.first_value, g.last_value FROM ledger_adoptedgap g
    WHERE g.tenant = %(tenant)s AND g.period_id = %(period)s
    UNION ALL
    SELECT l.first_value, l.last_value
    FROM ledger_rangelapsed l JOIN ledger_authorisedrange a ON a.id = l.authorised_id
    WHERE l.tenant = %(tenant)s AND a.period_id = %(period)s
    ORDER BY 1
"""


def known_gaps(authority: str, time_zone: str) -> str:
    """The missing values of a period ``p`` that are known, as ranges: how many, since when they are known, whether they
    were explained, how many were declared to the authority, and the day on which the sequence broke.

    It breaks on the day of the missing number if that was reserved, else on the day of the next higher number, and if
    no number is higher, on the day the gap was found.
    """
    return f"""
        SELECT g.*, coalesce(declared.size, 0) AS declared,
               coalesce(g.own, follows.issued_on, (g.since AT TIME ZONE {time_zone})::date) AS broke_on
        FROM (
            SELECT e.value AS first, e.value AS last, 1::numeric AS size, e.issued_at AS since,
                   CASE WHEN e.metadata ? 'reservation'::text THEN e.issued_on END AS own,
                   EXISTS (SELECT FROM ledger_gapexplained x
                           WHERE x.tenant = e.tenant AND x.entry_id = e.id) AS explained
            FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.kind = 'gap'
            UNION ALL
            SELECT a.first_value, a.last_value, a.last_value::numeric - a.first_value + 1, o.adopted_at, NULL,
                   EXISTS (SELECT FROM ledger_gapexplained x WHERE x.tenant = a.tenant AND x.adopted_gap_id = a.id)
            FROM ledger_adoptedgap a JOIN ledger_adoption o ON o.tenant = a.tenant AND o.id = a.adoption_id
            WHERE a.tenant = p.tenant AND a.period_id = p.id
        ) g
        LEFT JOIN LATERAL (
            SELECT sum(least(d.last_value, g.last)::numeric - greatest(d.first_value, g.first) + 1) AS size
            FROM ledger_gapdeclared d
            WHERE d.tenant = p.tenant AND d.period_id = p.id AND d.authority = {authority}
              AND d.first_value <= g.last AND d.last_value >= g.first
        ) declared ON true
        LEFT JOIN LATERAL (
            SELECT e.issued_on FROM ledger_entry e
            WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.value > g.last AND e.kind <> 'gap'
            ORDER BY e.value LIMIT 1
        ) follows ON true
    """  # noqa: S608  (our own text)
