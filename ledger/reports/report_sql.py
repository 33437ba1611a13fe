"""The statements of the report's parts; the sums are those of continuity.py."""

from ledger.reconciliation.looking_sql import CONFIRMED_BY, LAST_WORD, OURS

# The periods in the caller's order, each with its place. The rows of each are read along its index.
_PERIODS = "unnest(%(periods)s::bigint[]) WITH ORDINALITY AS w (period, place)"

_IN_DATES = """(%(since)s::date IS NULL OR e.issued_on >= %(since)s::date)
      AND (%(until)s::date IS NULL OR e.issued_on <= %(until)s::date)"""

# The islands of each period (see missing.py) in the order of values, each once for every item that begins in it. They
# are found by reading the documents once, by value; the neighbours and items of each are looked up by the indexes. Lost
# values above the highest document count up to the counter.
#
# Parameters: tenant, periods (their ids), firsts and lasts (of their counters), since and until (business dates, or
# NULL).
_ISLANDS_OF_ONE = """
    SELECT i.first AS island_first, i.last AS island_last,
           b.value AS before_value, b.number AS before_number, b.issued_on AS before_on,
           a.value AS after_value, a.number AS after_number, a.issued_on AS after_on,
           t.first, t.last, t.what, t.since, t.document, t.actor, t.asked_for, t.evidence,
           t.era, t.transaction_id, coalesce(x.explanation, '') AS explanation,
           coalesce(x.actor, '') AS explained_by, x.explained_at
    FROM (
        SELECT w.first AS first, coalesce(lowest.value - 1, w.last) AS last,
               NULL::bigint AS before, lowest.value AS after
        FROM (SELECT (SELECT e.value FROM ledger_entry e
                      WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap'
                      ORDER BY e.value LIMIT 1) AS value) lowest
        UNION ALL
        SELECT d.value + 1, coalesce(d.following - 1, w.last), d.value, d.following
        FROM (
            SELECT e.value, lead(e.value) OVER (ORDER BY e.value) AS following
            FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap'
        ) d
        WHERE coalesce(d.following - 1, w.last) > d.value
    ) i
    LEFT JOIN LATERAL (
        SELECT e.value, e.number, e.issued_on FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.value = i.before AND e.kind <> 'gap'
        LIMIT 1
    ) b ON true
    LEFT JOIN LATERAL (
        SELECT e.value, e.number, e.issued_on FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.value = i.after AND e.kind <> 'gap'
        LIMIT 1
    ) a ON true
    LEFT JOIN LATERAL (
        SELECT e.value AS first, e.value AS last, 'flagged' AS what, e.issued_at AS since, '' AS document,
               e.actor, CASE WHEN e.metadata ? 'reservation'::text THEN e.issued_on END AS asked_for,
               e.metadata AS evidence, e.era, e.transaction_id, e.id AS entry, NULL::bigint AS adopted_gap
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.value BETWEEN i.first AND i.last
          AND e.kind = 'gap'
        UNION ALL
        SELECT g.first_value, g.last_value, 'adopted', o.adopted_at, '', o.actor, NULL,
               jsonb_build_object('source', o.source, 'adoption', o.id), g.era, g.transaction_id, NULL, g.id
        FROM ledger_adoptedgap g JOIN ledger_adoption o ON o.tenant = g.tenant AND o.id = g.adoption_id
        WHERE g.tenant = %(tenant)s AND g.period_id = w.period AND g.first_value BETWEEN i.first AND i.last
        UNION ALL
        SELECT r.value, r.value, 'reserved', r.reserved_at, r.document, r.actor, r.issued_on, NULL, NULL, NULL,
               NULL, NULL
        FROM ledger_reservation r
        WHERE r.tenant = %(tenant)s AND r.period_id = w.period AND r.value BETWEEN i.first AND i.last
        UNION ALL
        SELECT f.value, f.value, 'free', NULL, '', '', NULL, NULL, NULL, NULL, NULL, NULL
        FROM ledger_slot f
        WHERE f.tenant = %(tenant)s AND f.period_id = w.period AND f.value BETWEEN i.first AND i.last
    ) t ON true
    LEFT JOIN LATERAL (
        SELECT x.explanation, x.actor, x.explained_at FROM ledger_gapexplained x
        WHERE x.tenant = %(tenant)s AND (x.entry_id = t.entry OR x.adopted_gap_id = t.adopted_gap)
        -- An expression, lest the planner walk back along the primary key, past the explanations of all other gaps.
        ORDER BY x.id + 0 DESC LIMIT 1
    ) x ON true
    WHERE i.last >= i.first
      AND (%(since)s::date IS NULL OR coalesce(b.issued_on, a.issued_on) >= %(since)s::date)
      AND (%(until)s::date IS NULL OR coalesce(b.issued_on, a.issued_on) <= %(until)s::date)
    ORDER BY i.first, t.first
"""
ISLANDS = f"""
    SELECT w.place, x.*
    FROM unnest(%(periods)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[])
         WITH ORDINALITY AS w (period, first, last, place)
    CROSS JOIN LATERAL ({_ISLANDS_OF_ONE}) x
"""  # noqa: S608  (our own text)

# The documents of each period that are dated within a span: how many, how many of them are void, or dated before the
# document with the next lower value, or duplicates, the lowest and highest value; and all documents of the period.
DATED = f"""
    SELECT w.period, x.*
    FROM {_PERIODS}
    CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.dated) AS issued, count(*) FILTER (WHERE d.dated AND d.void) AS void,
           count(*) FILTER (WHERE d.dated AND d.out_of_order) AS out_of_order,
           count(*) FILTER (WHERE d.dated AND d.again) AS duplicates,
           min(d.value) FILTER (WHERE d.dated) AS lowest, max(d.value) FILTER (WHERE d.dated) AS highest,
           count(*) AS documents
    FROM (
        SELECT e.value, e.issued_on BETWEEN coalesce(%(since)s::date, '-infinity')
                                        AND coalesce(%(until)s::date, 'infinity') AS dated,
               EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id) AS void,
               lag(e.value) OVER by_value = e.value AS again,
               CASE WHEN e.kind = 'adopted' AND lag(e.kind) OVER by_value = 'adopted'
                    THEN e.issued_at < lag(e.issued_at) OVER by_value
                    ELSE e.issued_on < lag(e.issued_on) OVER by_value END AS out_of_order
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap'
        WINDOW by_value AS (ORDER BY e.value)
    ) d
    ) x
"""  # noqa: S608

# The document's new number is the linked one, else the one that was stated with the void.
# Parameters: tenant, periods (their ids), since, until.
VOIDS = f"""
    SELECT p.id AS period, e.value, e.number, e.document, e.issued_on, e.issued_at, v.voided_at, v.actor AS voided_by,
           v.reason,
           coalesce((SELECT n.number FROM ledger_entry n WHERE n.tenant = e.tenant AND n.replaces_id = e.id LIMIT 1),
                    v.replacement) AS replacement
    FROM ledger_numbervoided v
    JOIN ledger_entry e ON e.id = v.entry_id AND e.tenant = v.tenant
    JOIN ledger_period p ON p.id = e.period_id
    JOIN ledger_series s ON s.id = p.series_id
    WHERE v.tenant = %(tenant)s AND e.period_id = ANY(%(periods)s) AND {_IN_DATES}
    ORDER BY s.code, p.starts_on, e.value, v.id
"""  # noqa: S608

# The changes of settings of these series and periods: the series' code, the period's id or null, when, by whom, by
# which login, the old and the new values. Parameters: tenant, series (their ids), periods (their ids).
CHANGES = """
    SELECT s.code AS series, NULL::bigint AS period, c.changed_at, c.actor AS changed_by, c.db_login AS login, c.old,
           c.new
    FROM ledger_serieschanged c JOIN ledger_series s ON s.id = c.series_id AND s.tenant = c.tenant
    WHERE c.tenant = %(tenant)s AND c.series_id = ANY(%(series)s)
    UNION ALL
    SELECT s.code, p.id, c.changed_at, c.actor, c.db_login, c.old, c.new
    FROM ledger_periodchanged c
    JOIN ledger_period p ON p.id = c.period_id AND p.tenant = c.tenant
    JOIN ledger_series s ON s.id = p.series_id
    WHERE c.tenant = %(tenant)s AND c.period_id = ANY(%(periods)s)
"""

# The same, and changes of who may see the tenant's numbers, which belong to no series.
CHANGES_AND_ACCESS = f"""
    {CHANGES}
    UNION ALL
    SELECT '', NULL, c.changed_at, c.actor, c.db_login, '{{}}'::jsonb,
           jsonb_build_object('user', c."user", 'access', c.kind)
    FROM ledger_accesschanged c WHERE c.tenant = %(tenant)s
    ORDER BY changed_at, series
"""  # noqa: S608  (our own text)

# Parameters: tenant, periods (their ids), since, until.
REGISTERED = f"""
    SELECT p.id AS period, e.value, e.number, e.issued_on, r.authority, r.reference, r.digest, r.registered_at,
           r.actor AS registered_by
    FROM ledger_numberregistered r
    JOIN ledger_entry e ON e.id = r.entry_id AND e.tenant = r.tenant
    JOIN ledger_period p ON p.id = e.period_id
    JOIN ledger_series s ON s.id = p.series_id
    WHERE r.tenant = %(tenant)s AND e.period_id = ANY(%(periods)s) AND {_IN_DATES}
    ORDER BY s.code, p.starts_on, e.value, r.authority
"""  # noqa: S608

# The accounting systems from which something of the tenant's was read, and when each was last compared.
SYSTEMS = "SELECT r.system, r.compared_at FROM ledger_remotereading r WHERE r.tenant = %(tenant)s ORDER BY r.system"

# Open findings with their last acknowledgement: those of these periods, and of numbers that are in none.
# Parameters: tenant, periods (their ids), since, until.
FINDINGS = f"""
    SELECT e.period_id AS period, f.kind AS finding, f.number, f.document, f.system, f.raised_at AS found_at, f.facts,
           coalesce(a.reason, '') AS reason, coalesce(a.actor, '') AS acknowledged_by, a.acknowledged_at
    FROM ledger_findingraised f
    LEFT JOIN ledger_entry e ON e.id = f.entry_id
    {LAST_WORD}
    WHERE f.tenant = %(tenant)s
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
      AND (e.id IS NULL OR e.period_id = ANY(%(periods)s) AND {_IN_DATES})
    ORDER BY f.system, f.id
"""  # noqa: S608  (our own text)

# How many numbers of each period each system knows as the ledger does. Parameters: tenant, periods, since, until.
CONFIRMED = f"""
    SELECT e.period_id, d.system, count(DISTINCT e.id)
    FROM ledger_entry e
    {CONFIRMED_BY}
    WHERE e.tenant = %(tenant)s AND e.period_id = ANY(%(periods)s) AND e.kind IN ('issued', 'adopted') AND {_IN_DATES}
    GROUP BY e.period_id, d.system
"""  # noqa: S608

# The time of the database's clock, how many explanations there are of gaps of these periods, and how many events of
# findings and acknowledgements of alarms; the ledger's place, who is connected, and whether that role owns the tables.
HEADER = """
    SELECT now() AS now, (
        SELECT count(*) FROM ledger_gapexplained x JOIN ledger_entry e ON e.tenant = x.tenant AND e.id = x.entry_id
        WHERE x.tenant = %(tenant)s AND e.period_id = ANY(%(periods)s)
    ) + (
        SELECT count(*) FROM ledger_gapexplained x
        JOIN ledger_adoptedgap g ON g.tenant = x.tenant AND g.id = x.adopted_gap_id
        WHERE x.tenant = %(tenant)s AND g.period_id = ANY(%(periods)s)
    ) AS explanations, (
        SELECT count(*) FROM ledger_findingraised f WHERE f.tenant = %(tenant)s
    ) + (
        SELECT count(*) FROM ledger_findingresolved f WHERE f.tenant = %(tenant)s
    ) + (
        SELECT count(*) FROM ledger_findingacknowledged f WHERE f.tenant = %(tenant)s
    ) + (
        SELECT count(*) FROM ledger_alarmacknowledged k WHERE k.tenant = %(tenant)s
    ) AS findings, ledger_place() AS place, current_user::text AS login, (
        SELECT pg_has_role(current_user, c.relowner, 'MEMBER') FROM pg_class c WHERE c.oid = 'ledger_entry'::regclass
    ) AS owns_tables
"""

# For each period the numbers of two of its values in the ledger, and the value with which the previous period of its
# series closed: the highest one that it gave out, without slots minted ahead. Null if nothing is found.
# Parameters: tenant, periods (their ids), firsts, lasts.
EDGES = """
    SELECT w.period,
           (SELECT e.number FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.value = w.first LIMIT 1) AS first_number,
           (SELECT e.number FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.value = w.last LIMIT 1) AS last_number,
           (SELECT greatest(
                greatest(p.first_value, 0) - 1,
                (SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id),
                (SELECT max(r.value) FROM ledger_reservation r WHERE r.tenant = p.tenant AND r.period_id = p.id))
            FROM ledger_period p
            WHERE p.tenant = %(tenant)s AND p.series_id = o.series_id AND p.starts_on < o.starts_on
            ORDER BY p.starts_on DESC LIMIT 1) AS closed_with
    FROM unnest(%(periods)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[]) AS w (period, first, last)
    JOIN ledger_period o ON o.id = w.period AND o.tenant = %(tenant)s
"""

# The documents of each period in the order of values, as lines of the register. Their few voids are read separately.
# Parameters: tenant, periods (their ids), since, until (business dates, or NULL).
_REGISTER = """
    SELECT w.place, x.*
    FROM {periods}
    CROSS JOIN LATERAL (
        SELECT e.value, e.id, e.number, e.kind, e.document, e.issued_on, e.issued_at, e.actor,
               CASE WHEN e.replaces_id IS NOT NULL
                    THEN (SELECT o.number FROM ledger_entry o WHERE o.id = e.replaces_id) END,
               {confirmed}, e.era, e.transaction_id
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap' AND {in_dates}
        ORDER BY e.value
    ) x
"""
REGISTER = _REGISTER.format(periods=_PERIODS, in_dates=_IN_DATES, confirmed="NULL")
CONFIRMED_REGISTER = _REGISTER.format(
    periods=_PERIODS,
    in_dates=_IN_DATES,
    confirmed=f"""(
        SELECT string_agg(DISTINCT d.system, ', ' ORDER BY d.system) FROM ledger_remotedocument d
        WHERE d.tenant = e.tenant AND upper(d.number) = upper(e.number) AND d.number <> ''
          AND d.state = CASE WHEN EXISTS (
                  SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
              THEN 'void' ELSE 'posted' END
          AND {OURS}
    )""",  # noqa: S608
)
# The voids of the same documents, in the same order.
REGISTER_VOIDS = f"""
    SELECT w.place, e.value, e.id, v.voided_at, v.actor, v.reason,
           coalesce((SELECT n.number FROM ledger_entry n WHERE n.tenant = e.tenant AND n.replaces_id = e.id LIMIT 1),
                    v.replacement)
    FROM ledger_numbervoided v
    JOIN ledger_entry e ON e.id = v.entry_id AND e.tenant = v.tenant
    JOIN {_PERIODS} ON w.period = e.period_id
    WHERE v.tenant = %(tenant)s AND {_IN_DATES}
    ORDER BY w.place, e.value
"""  # noqa: S608

# The periods of a tenant, or of one of its series. Parameters: tenant, series (its code, or NULL).
PERIOD_IDS = """
    SELECT p.id, s.code, p.starts_on, p.ordinal FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
    WHERE p.tenant = %(tenant)s AND (%(series)s::text IS NULL OR s.code = %(series)s::text)
"""

# The documents of each period that are dated before the document with the next lower value: by the stated time if both
# were adopted, as in continuity.py. Parameters: tenant, periods (their ids), since, until.
OUT_OF_ORDER = f"""
    SELECT w.period, x.*
    FROM {_PERIODS}
    CROSS JOIN LATERAL (
        SELECT d.value, d.number, d.document, d.issued_on, d.issued_at, d.before_number, d.before_on
        FROM (
            SELECT e.*, lag(e.number) OVER by_value AS before_number, lag(e.issued_on) OVER by_value AS before_on,
                   lag(e.issued_at) OVER by_value AS before_at, lag(e.kind) OVER by_value AS before_kind
            FROM ledger_entry e
            WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap'
            WINDOW by_value AS (ORDER BY e.value)
        ) d
        WHERE CASE WHEN d.kind = 'adopted' AND d.before_kind = 'adopted' THEN d.issued_at < d.before_at
                   ELSE d.issued_on < d.before_on END
          AND (%(since)s::date IS NULL OR d.issued_on >= %(since)s::date)
          AND (%(until)s::date IS NULL OR d.issued_on <= %(until)s::date)
        ORDER BY d.value
    ) x
"""  # noqa: S608

# The entries of values that stand in the ledger more than once. Parameters: tenant, periods (their ids).
DUPLICATES = f"""
    SELECT w.period, x.*
    FROM {_PERIODS}
    CROSS JOIN LATERAL (
        SELECT d.value, d.number, d.kind, d.document, d.issued_on, d.issued_at, d.actor AS issued_by
        FROM (
            SELECT e.*, count(*) OVER (PARTITION BY e.value) AS times
            FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = w.period
        ) d
        WHERE d.times > 1
        ORDER BY d.value, d.id
    ) x
"""  # noqa: S608

# The documents whose business date is not the day of their issue in the zone of their series, and by how many days it
# is later (negative: back-dated). Parameters: tenant, periods (their ids), zones, since, until.
DATING = f"""
    SELECT w.period, x.*
    FROM unnest(%(periods)s::bigint[], %(zones)s::text[]) WITH ORDINALITY AS w (period, zone, place)
    CROSS JOIN LATERAL (
        SELECT e.value, e.number, e.document, e.issued_on, e.issued_at,
               e.issued_on - (e.issued_at AT TIME ZONE w.zone)::date AS days, e.actor AS issued_by
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind = 'issued'
          AND isfinite(e.issued_on) AND isfinite(e.issued_at)
          AND e.issued_on <> (e.issued_at AT TIME ZONE w.zone)::date
          AND {_IN_DATES}
        ORDER BY e.value
    ) x
"""  # noqa: S608
