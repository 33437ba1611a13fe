"""The statements of ``ledger_verify``: one for each check, returning the rows that break a rule.

Each takes the parameters ``tenant`` and ``series`` (NULL for all) and returns the same columns:

    check, tenant, series, first and last day of the period, value, last value of a range, number, id, detail

They run with index scans off, so that they read the tables themselves: a corrupted index would hide the very rows that
it let in. Sorts and hashes spill to disk, so memory stays constant over millions of rows.
"""

from __future__ import annotations

# For the one transaction of a check. Sequential scans, hashes and sorts remain, planned for reading all rows, not the
# first ones of a cursor. What is off counts as very expensive, which would set off the JIT compiler.
READ_THE_TABLES = """
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_nestloop = off;
    SET LOCAL cursor_tuple_fraction = 1.0;
    SET LOCAL jit = off
"""

# Rule 1. All that is known of a period's values, as spans in order: entries, ranges of an adopted history, and its end.
# Where a span starts beyond what the spans before it reached, values are missing; where it starts below, two claim one.
CONTINUITY = """
    WITH chosen AS (
        SELECT p.id, p.tenant, s.code, s.allocation, p.starts_on, p.ends_on, p.first_value, p.last_value
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ), spans AS (
        SELECT e.period_id, e.value AS first, e.value AS last, 1 AS sort, e.id, e.number
        FROM ledger_entry e JOIN chosen c ON c.id = e.period_id
        WHERE e.value BETWEEN c.first_value AND c.last_value
        UNION ALL
        SELECT g.period_id, g.first_value, g.last_value, 0, g.id, NULL
        FROM ledger_adoptedgap g JOIN chosen c ON c.id = g.period_id
        WHERE g.first_value >= c.first_value AND g.last_value <= c.last_value
        UNION ALL
        SELECT c.id, c.last_value, c.last_value, 2, NULL, NULL FROM chosen c
    ), swept AS (
        SELECT *, max(last) FILTER (WHERE sort < 2) OVER earlier AS reached,
               max(last) FILTER (WHERE sort = 0) OVER earlier AS gap_reached
        FROM spans
        WINDOW earlier AS (PARTITION BY period_id ORDER BY first, sort, id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), judged AS (
        SELECT w.id AS row_id, w.number, w.first, w.last, c.*, coalesce(w.reached, c.first_value - 1) AS known,
               CASE WHEN w.sort < 2 AND w.first <= w.reached
                        THEN CASE WHEN w.sort = 0 THEN 'gap-overlaps'
                                  WHEN w.first <= w.gap_reached THEN 'entry-in-gap'
                                  ELSE 'value-twice' END
                    WHEN w.sort < 2 AND w.first - 1 > coalesce(w.reached, c.first_value - 1)
                        OR w.sort = 2 AND c.last_value > coalesce(w.reached, c.first_value - 1)
                        -- These allocations take the counter back with the transaction, so they leave no holes.
                        THEN CASE WHEN c.allocation IN ('serial', 'at_commit') THEN 'lost-or-tampered' ELSE 'hole' END
               END AS found,
               w.sort
        FROM swept w JOIN chosen c ON c.id = w.period_id
    )
    SELECT found, tenant, code, starts_on, ends_on,
           CASE WHEN found IN ('hole', 'lost-or-tampered') THEN known + 1 ELSE first END,
           CASE WHEN found NOT IN ('hole', 'lost-or-tampered') THEN last WHEN sort = 2 THEN last ELSE first - 1 END,
           number, row_id, NULL
    FROM judged WHERE found IS NOT NULL
    ORDER BY tenant, code, starts_on, first
"""

# Rules 1, 2, 3, 6 and 7, as far as one row and its period show them. The format is spelt out here: the function that
# the triggers use is among what is verified.
ENTRIES = """
    WITH broken AS (
        SELECT e.*, p.id AS found_period, p.tenant AS period_tenant, p.series_id AS period_series, s.code,
               s.tenant AS series_tenant, p.starts_on, p.ends_on, p.first_value, p.last_value, p.closed_at,
               p.prefix || lpad(e.value::text, greatest(p.width, length(e.value::text)), '0') || p.suffix AS expected
        FROM ledger_entry e
        LEFT JOIN ledger_period p ON p.id = e.period_id
        LEFT JOIN ledger_series s ON s.id = e.series_id
        WHERE (%(tenant)s::text IS NULL OR e.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
          AND (p.tenant = e.tenant AND p.series_id = e.series_id AND s.tenant = e.tenant
               AND e.value BETWEEN p.first_value AND p.last_value
               AND e.issued_on BETWEEN p.starts_on AND p.ends_on
               AND (e.kind = 'adopted' OR e.number = p.prefix
                    || lpad(e.value::text, greatest(p.width, length(e.value::text)), '0') || p.suffix)
               AND (p.closed_at IS NULL OR e.kind <> 'issued' OR e.issued_at <= p.closed_at)
               AND (e.kind IN ('issued', 'adopted') OR e.kind = 'gap' AND e.document = '')) IS NOT TRUE
    )
    SELECT v.found, b.tenant, b.code, b.starts_on, b.ends_on, b.value, NULL::bigint, b.number, b.id, v.detail
    FROM broken b CROSS JOIN LATERAL (VALUES
        ('no-period', b.found_period IS NULL OR b.code IS NULL, b.period_id::text),
        ('other-period', b.period_tenant <> b.tenant OR b.period_series <> b.series_id OR b.series_tenant <> b.tenant,
         b.period_id::text),
        ('below-first', b.value < b.first_value, b.first_value::text),
        ('beyond-counter', b.value > b.last_value, b.last_value::text),
        ('date-outside', b.issued_on NOT BETWEEN b.starts_on AND b.ends_on, to_char(b.issued_on, 'YYYY-MM-DD')),
        ('after-closing', b.kind = 'issued' AND b.issued_at > b.closed_at, b.issued_at || ' > ' || b.closed_at),
        ('wrong-number', b.kind <> 'adopted' AND b.number <> b.expected, b.expected),
        ('unknown-kind', b.kind NOT IN ('issued', 'adopted', 'gap'), b.kind),
        ('gap-with-document', b.kind = 'gap' AND b.document <> '', b.document)
    ) AS v (found, broken, detail)
    WHERE v.broken
    ORDER BY b.tenant, b.code, b.starts_on, b.value
"""

# Rule 2. The counter against the highest entry.
COUNTERS = """
    SELECT 'counter', p.tenant, s.code, p.starts_on, p.ends_on, p.last_value, NULL::bigint, NULL, p.id,
           coalesce(e.highest, p.first_value - 1)::text
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    LEFT JOIN (SELECT period_id, max(value) AS highest FROM ledger_entry GROUP BY period_id) e ON e.period_id = p.id
    WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND p.last_value <> coalesce(e.highest, p.first_value - 1)
    ORDER BY p.tenant, s.code, p.starts_on
"""

# Rule 2, for the other half of a counter: with the chronology guard on, the latest date that it compares with.
CHRONOLOGY = """
    SELECT 'latest-date', p.tenant, s.code, p.starts_on, p.ends_on, p.last_value, NULL::bigint, NULL, p.id,
           to_char(e.latest, 'YYYY-MM-DD') || ' > ' || coalesce(to_char(p.last_issued_on, 'YYYY-MM-DD'), 'nothing')
    FROM ledger_period p
    JOIN ledger_series s ON s.id = p.series_id
    JOIN (SELECT period_id, max(issued_on) AS latest FROM ledger_entry WHERE kind <> 'gap' GROUP BY period_id) e
        ON e.period_id = p.id
    WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND s.chronological AND p.closed_at IS NULL
      AND (p.last_issued_on IS NULL OR p.last_issued_on < e.latest)
    ORDER BY p.tenant, s.code, p.starts_on
"""

# Rule 2 rests on it: each day has one counter at most, and a period and its series have one tenant.
PERIODS = """
    WITH ordered AS (
        SELECT p.*, max(p.ends_on) OVER (PARTITION BY p.series_id ORDER BY p.starts_on, p.id
                                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
        FROM ledger_period p
    )
    SELECT CASE WHEN p.starts_on <= p.reached THEN 'period-overlaps' ELSE 'period-of-stranger' END,
           p.tenant, s.code, p.starts_on, p.ends_on, p.last_value, NULL::bigint, NULL, p.id,
           CASE WHEN p.starts_on <= p.reached THEN to_char(p.reached, 'YYYY-MM-DD') ELSE p.series_id::text END
    FROM ordered p LEFT JOIN ledger_series s ON s.id = p.series_id
    WHERE (%(tenant)s::text IS NULL OR p.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND (p.starts_on <= p.reached OR s.id IS NULL OR s.tenant <> p.tenant)
    ORDER BY p.tenant, s.code, p.starts_on
"""

# Rule 3. Numbers of a tenant that differ in case at most; each later row with the one before it.
NUMBERS = """
    SELECT 'number-twice', e.tenant, s.code, p.starts_on, p.ends_on, e.value, NULL::bigint, e.number, e.id,
           e.other::text
    FROM (
        SELECT id, tenant, series_id, period_id, value, number,
               lag(id) OVER (PARTITION BY tenant COLLATE "C", upper(number) COLLATE "C" ORDER BY id) AS other
        FROM ledger_entry
        WHERE %(tenant)s::text IS NULL OR tenant = %(tenant)s
    ) e
    LEFT JOIN ledger_series s ON s.id = e.series_id
    LEFT JOIN ledger_period p ON p.id = e.period_id
    WHERE e.other IS NOT NULL AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY e.tenant, s.code, p.starts_on, e.value
"""

# Rule 3. Documents that have two numbers in one series; each later row with the one before it.
DOCUMENTS = """
    SELECT 'document-twice', e.tenant, s.code, p.starts_on, p.ends_on, e.value, NULL::bigint, e.number, e.id,
           e.document || ', entry ' || e.other
    FROM (
        SELECT id, tenant, series_id, period_id, value, number, document,
               lag(id) OVER (PARTITION BY tenant COLLATE "C", series_id, document COLLATE "C" ORDER BY id) AS other
        FROM ledger_entry
        WHERE document > '' AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    ) e
    LEFT JOIN ledger_series s ON s.id = e.series_id
    LEFT JOIN ledger_period p ON p.id = e.period_id
    WHERE e.other IS NOT NULL AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY e.tenant, s.code, p.starts_on, e.value
"""

# Rules 5 and 6. A void, the number that it names, and the void before it of the same number.
VOIDS = """
    WITH told AS (
        SELECT v.*, lag(v.id) OVER (PARTITION BY v.entry_id ORDER BY v.id) AS other FROM ledger_numbervoided v
    )
    SELECT c.found, v.tenant, s.code, p.starts_on, p.ends_on, e.value, NULL::bigint, e.number, v.id, c.detail
    FROM told v
    LEFT JOIN ledger_entry e ON e.id = v.entry_id
    LEFT JOIN ledger_series s ON s.id = e.series_id
    LEFT JOIN ledger_period p ON p.id = e.period_id
    CROSS JOIN LATERAL (VALUES
        ('void-of-nothing', e.id IS NULL, v.entry_id::text),
        ('void-of-stranger', e.tenant <> v.tenant, e.tenant),
        ('void-of-gap', e.kind = 'gap', v.entry_id::text),
        ('void-too-early', e.kind = 'issued' AND v.voided_at < e.issued_at, v.voided_at || ' < ' || e.issued_at),
        ('void-twice', v.other IS NOT NULL, v.other::text)
    ) AS c (found, broken, detail)
    WHERE c.broken
      AND (%(tenant)s::text IS NULL OR v.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY v.tenant, s.code, p.starts_on, e.value
"""

# Rules 1, 6 and 8. What is said of adopted histories and of gaps, and what it is said of.
HISTORIES = """
    WITH found AS (
        SELECT CASE WHEN a.id IS NULL OR p.id IS NULL OR a.tenant <> g.tenant OR p.tenant <> g.tenant
                         OR a.series_id <> p.series_id
                    THEN 'gap-of-nothing' ELSE 'gap-outside' END AS found,
               g.tenant, p.series_id, p.starts_on, p.ends_on, g.first_value, g.last_value, g.id,
               p.first_value || ' to ' || p.last_value AS detail
        FROM ledger_adoptedgap g
        LEFT JOIN ledger_adoption a ON a.id = g.adoption_id
        LEFT JOIN ledger_period p ON p.id = g.period_id
        WHERE (a.tenant = g.tenant AND p.tenant = g.tenant AND a.series_id = p.series_id
               AND g.first_value >= p.first_value AND g.last_value <= p.last_value) IS NOT TRUE
        UNION ALL
        SELECT 'adoption-of-nothing', a.tenant, a.series_id, NULL, NULL, NULL, NULL, a.id, a.series_id::text
        FROM ledger_adoption a LEFT JOIN ledger_series s ON s.id = a.series_id
        WHERE (s.tenant = a.tenant) IS NOT TRUE
        UNION ALL
        SELECT 'explained-no-gap', x.tenant, coalesce(e.series_id, p.series_id), p.starts_on, p.ends_on,
               coalesce(e.value, g.first_value), g.last_value, x.id, coalesce(x.entry_id, x.adopted_gap_id)::text
        FROM ledger_gapexplained x
        LEFT JOIN ledger_entry e ON e.id = x.entry_id
        LEFT JOIN ledger_adoptedgap g ON g.id = x.adopted_gap_id
        LEFT JOIN ledger_period p ON p.id = coalesce(e.period_id, g.period_id)
        WHERE (e.tenant = x.tenant AND e.kind = 'gap' OR g.tenant = x.tenant) IS NOT TRUE
    )
    SELECT f.found, f.tenant, s.code, f.starts_on, f.ends_on, f.first_value, f.last_value, NULL, f.id, f.detail
    FROM found f LEFT JOIN ledger_series s ON s.id = f.series_id
    WHERE (%(tenant)s::text IS NULL OR f.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY f.tenant, s.code, f.starts_on, f.first_value
"""

# Rule 8. Every trigger of the given tables, also PostgreSQL's own for foreign keys. Arguments: tables.
TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, f.proname, t.tgqual IS NULL AND t.tgattr::text = '',
           t.tgisinternal
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)
    ORDER BY c.relname, t.tgname
"""

# Rule 8. The unique indexes of the given tables: usable or not, their columns, their condition. Arguments: tables.
INDEXES = """
    SELECT i.relname, x.indisvalid AND x.indisready AND x.indislive,
           ARRAY(SELECT pg_get_indexdef(x.indexrelid, place, true)
                 FROM generate_series(1, x.indnkeyatts) AS place ORDER BY place),
           coalesce(pg_get_expr(x.indpred, x.indrelid, true), '')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indisunique AND x.indrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)
"""

# Rule 8. The constraints of the given tables; enforced or not is a matter of PostgreSQL 18. Arguments: tables.
CONSTRAINTS = """
    SELECT c.relname, k.conname, k.contype, coalesce(r.relname, ''),
           k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
               AND coalesce((SELECT x.indisvalid FROM pg_index x WHERE x.indexrelid = k.conindid), true)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class r ON r.oid = k.confrelid
    WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)
"""

# Rule 8. The text of the stored functions in the ledger's schema. Arguments: names.
FUNCTIONS = """
    SELECT f.proname, f.prosrc,
           f.proconfig @> ARRAY['search_path=' || quote_ident(n.nspname) || ', pg_temp'] IS TRUE AS sees_its_schema
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
    WHERE f.pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('ledger_entry'))
      AND f.proname = ANY (%s::text[])
"""
