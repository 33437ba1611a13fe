"""The statements of ``ledger_verify``: one for each check, returning the rows that break a rule.

All of them return the same columns, those of ``f`` in ``whole``, which leaves out the rows of other tenants and series.
Where a statement compares rows with each other, it leaves them out itself, by ``tenant`` and ``series`` (NULL for all).

They run with index scans off, so that they read the tables themselves: a corrupted index would hide the very rows that
it let in. Sorts and hashes spill to disk, so memory stays constant over millions of rows.
"""


def whole(check: str) -> str:
    """The statement of a check with the names of series and period, for one tenant or series, in their order."""
    return f"""
    SELECT f.found, f.tenant, s.code, p.starts_on, p.ends_on, p.ordinal, f.value, f.through, f.number, f.id, f.detail
    FROM ({check}) AS f (found, tenant, series_id, period_id, value, through, number, id, detail)
    LEFT JOIN ledger_period p ON p.id = f.period_id
    LEFT JOIN ledger_series s ON s.id = f.series_id
    WHERE (%(tenant)s::text IS NULL OR f.tenant = %(tenant)s) AND (%(series)s::text IS NULL OR s.code = %(series)s)
    ORDER BY f.tenant, s.code, p.starts_on, f.value, f.id
    """  # noqa: S608  (our own text)


# For the transaction of one check. Sequential scans, hashes and sorts remain, planned for reading all rows and not only
# the first ones of a cursor. Plans that are off count as very expensive, which would start the JIT compiler.
READ_THE_TABLES = """
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_nestloop = off;
    SET LOCAL cursor_tuple_fraction = 1.0;
    SET LOCAL jit = off
"""

# The date in an entry's number; a gap has one only if it was reserved for a document.
_SHOWN_ON = "CASE WHEN e.kind <> 'gap' OR e.metadata ? 'reservation'::text THEN e.issued_on END"
_FORMATTED = "p.prefix || lpad(e.value::text, greatest(p.width, length(e.value::text)), '0') || p.suffix"
_EXPECTED = f"""CASE WHEN strpos(p.prefix || p.suffix, '{{doc_') = 0 THEN {_FORMATTED} ELSE
    replace(replace(replace({_FORMATTED},
        '{{doc_year}}', coalesce(to_char({_SHOWN_ON}, 'YYYY'), '----')),
        '{{doc_month}}', coalesce(to_char({_SHOWN_ON}, 'MM'), '--')),
        '{{doc_day}}', coalesce(to_char({_SHOWN_ON}, 'DD'), '--')) END"""

# Rules 1, 2, 3, 6 and 7, as far as one row and its period show them. The number must be that of the value's draft, if
# it has one. The format is repeated here, since the function that the triggers use is among what is verified.
ENTRIES = f"""
    SELECT v.found, b.tenant, b.series_id, b.period_id, b.value, NULL::bigint, b.number, b.id, v.detail
    FROM (
        SELECT e.*, p.id AS found_period, p.tenant AS period_tenant, p.series_id AS period_series,
               s.tenant AS series_tenant, p.starts_on, p.ends_on, p.first_value, p.last_value, p.closed_at,
               coalesce(d.number, {_EXPECTED}) AS expected
        FROM ledger_entry e
        LEFT JOIN ledger_period p ON p.id = e.period_id
        LEFT JOIN ledger_draftmade d ON d.tenant = e.tenant AND d.period_id = e.period_id AND d.value = e.value
        LEFT JOIN ledger_series s ON s.id = e.series_id
        WHERE (p.tenant = e.tenant AND p.series_id = e.series_id AND s.tenant = e.tenant
               AND e.value BETWEEN p.first_value AND p.last_value
               AND (e.issued_on BETWEEN p.starts_on AND p.ends_on
                    OR e.kind = 'adopted' AND e.metadata ? 'contradiction'::text)
               AND (e.kind = 'adopted' OR e.number = coalesce(d.number, {_EXPECTED}))
               AND (p.closed_at IS NULL OR e.kind <> 'issued' OR e.issued_at <= p.closed_at)
               AND (e.kind IN ('issued', 'adopted') OR e.kind = 'gap' AND e.document = '')) IS NOT TRUE
    ) b
    CROSS JOIN LATERAL (VALUES
        ('no-period', b.found_period IS NULL OR b.series_tenant IS NULL, b.period_id::text),
        ('other-period', b.period_tenant <> b.tenant OR b.period_series <> b.series_id OR b.series_tenant <> b.tenant,
         b.period_id::text),
        ('below-first', b.value < b.first_value, b.first_value::text),
        ('beyond-counter', b.value > b.last_value, b.last_value::text),
        ('date-outside', b.issued_on NOT BETWEEN b.starts_on AND b.ends_on
                         AND NOT (b.kind = 'adopted' AND b.metadata ? 'contradiction'::text), b.issued_on::text),
        ('after-closing', b.kind = 'issued' AND b.issued_at > b.closed_at,
         b.issued_at::text || ' > ' || b.closed_at::text),
        ('wrong-number', b.kind <> 'adopted' AND b.number <> b.expected
                         AND NOT (b.kind = 'gap' AND b.number = b.expected || ' (taken)'), b.expected),
        ('unknown-kind', b.kind NOT IN ('issued', 'adopted', 'gap'), b.kind),
        ('gap-with-document', b.kind = 'gap' AND b.document <> '', b.document)
    ) AS v (found, broken, detail)
    WHERE v.broken
"""  # noqa: S608  (our own text)

# What rule 2 rests on: each day has at most one counter, except in authorised ranges; these have the values and days
# that the authority granted; and a period and its series belong to the same tenant.
PERIODS = """
    SELECT CASE WHEN p.is_alien THEN 'period-unauthorised' WHEN p.starts_on <= p.reached THEN 'period-overlaps'
                ELSE 'period-of-stranger' END,
           p.tenant, p.series_id, p.id, p.last_value, NULL::bigint, NULL, p.id,
           CASE WHEN NOT p.is_alien AND p.starts_on <= p.reached THEN to_char(p.reached, 'YYYY-MM-DD')
                ELSE p.series_id::text END
    FROM (
        SELECT p.*, max(p.ends_on) OVER (PARTITION BY p.series_id, CASE WHEN p.ordinal > 0 THEN p.id END
                                         ORDER BY p.starts_on, p.id
                                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached,
               p.ordinal <> 0 AND NOT EXISTS (
                   SELECT FROM ledger_authorisedrange a
                   WHERE a.tenant = p.tenant AND a.period_id = p.id AND a.series_id = p.series_id
                     AND a.first_value = p.first_value AND coalesce(a.last_value, p.max_value) = p.max_value
                     AND p.last_value <= p.max_value
                     AND a.valid_from = p.starts_on AND coalesce(a.valid_to, '9999-12-31') = p.ends_on
               ) AS is_alien
        FROM ledger_period p
    ) p
    LEFT JOIN ledger_series s ON s.id = p.series_id
    WHERE p.is_alien OR p.starts_on <= p.reached OR s.id IS NULL OR s.tenant <> p.tenant
"""

# Rule 3. Numbers of a tenant that are equal without regard to case; each later row with the one before it.
NUMBERS = """
    SELECT 'number-twice', e.tenant, e.series_id, e.period_id, e.value, NULL::bigint, e.number, e.id, e.other::text
    FROM (
        SELECT id, tenant, series_id, period_id, value, number,
               lag(id) OVER (PARTITION BY tenant COLLATE "C", upper(number) COLLATE "C" ORDER BY id) AS other
        FROM ledger_entry
        WHERE %(tenant)s::text IS NULL OR tenant = %(tenant)s
    ) e
    WHERE e.other IS NOT NULL
"""

# Rule 3. Documents that have two numbers in one series, of which neither replaces a void one; each later row with the
# one before it. And numbers that replace one that is not void, or belongs to another document.
DOCUMENTS = """
    SELECT c.found, e.tenant, e.series_id, e.period_id, e.value, NULL::bigint, e.number, e.id, c.detail
    FROM (
        SELECT id, tenant, series_id, period_id, value, number, document, replaces_id,
               lag(id) OVER (PARTITION BY tenant COLLATE "C", series_id, document COLLATE "C", replaces_id
                             ORDER BY id) AS other
        FROM ledger_entry
        WHERE (document > '' OR replaces_id IS NOT NULL) AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    ) e
    LEFT JOIN ledger_entry r ON r.id = e.replaces_id
    LEFT JOIN ledger_numbervoided v ON v.entry_id = r.id
    CROSS JOIN LATERAL (VALUES
        ('document-twice', e.other IS NOT NULL AND e.document > '', e.document || ', entry ' || e.other::text),
        ('replaces-wrongly', e.replaces_id IS NOT NULL
                             AND (r.tenant = e.tenant AND r.series_id = e.series_id AND r.document = e.document
                                  AND v.id IS NOT NULL) IS NOT TRUE,
         coalesce(r.number, 'entry ' || e.replaces_id::text))
    ) AS c (found, broken, detail)
    WHERE c.broken
"""

# Rules 5 and 6. A void, the number that it names, and the void before it of the same number.
VOIDS = """
    SELECT c.found, v.tenant, e.series_id, e.period_id, e.value, NULL::bigint, e.number, v.id, c.detail
    FROM (
        SELECT v.*, lag(v.id) OVER (PARTITION BY v.entry_id ORDER BY v.id) AS other FROM ledger_numbervoided v
    ) v
    LEFT JOIN ledger_entry e ON e.id = v.entry_id
    CROSS JOIN LATERAL (VALUES
        ('void-of-nothing', e.id IS NULL, v.entry_id::text),
        ('void-of-stranger', e.tenant <> v.tenant, e.tenant),
        ('void-of-gap', e.kind = 'gap', v.entry_id::text),
        ('void-too-early', e.kind = 'issued' AND v.voided_at < e.issued_at,
         v.voided_at::text || ' < ' || e.issued_at::text),
        ('void-twice', v.other IS NOT NULL, v.other::text)
    ) AS c (found, broken, detail)
    WHERE c.broken
"""

# Rules 1, 6 and 8. Adopted histories, and explanations and declarations of gaps, with the rows that they refer to.
HISTORIES = """
    SELECT CASE WHEN a.id IS NULL OR p.id IS NULL OR a.tenant <> g.tenant OR p.tenant <> g.tenant
                     OR a.series_id <> p.series_id
                THEN 'gap-of-nothing' ELSE 'gap-outside' END,
           g.tenant, p.series_id, p.id, g.first_value, g.last_value, NULL, g.id,
           p.first_value::text || ' to ' || p.last_value::text
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
    SELECT 'explained-no-gap', x.tenant, coalesce(e.series_id, p.series_id), p.id, coalesce(e.value, g.first_value),
           g.last_value, NULL, x.id, coalesce(x.entry_id, x.adopted_gap_id)::text
    FROM ledger_gapexplained x
    LEFT JOIN ledger_entry e ON e.id = x.entry_id
    LEFT JOIN ledger_adoptedgap g ON g.id = x.adopted_gap_id
    LEFT JOIN ledger_period p ON p.id = coalesce(e.period_id, g.period_id)
    WHERE (e.tenant = x.tenant AND e.kind = 'gap' OR g.tenant = x.tenant) IS NOT TRUE
    UNION ALL
    SELECT 'declared-no-gap', d.tenant, p.series_id, p.id, d.first_value, d.last_value, NULL, d.id, d.period_id::text
    FROM ledger_gapdeclared d
    LEFT JOIN ledger_period p ON p.id = d.period_id
    -- Joined by the period, so that each table is read once.
    LEFT JOIN (
        SELECT d.id, sum(least(m.last, d.last_value) - greatest(m.first, d.first_value) + 1) AS missing
        FROM ledger_gapdeclared d
        JOIN (SELECT tenant, period_id, value AS first, value AS last FROM ledger_entry WHERE kind = 'gap'
              UNION ALL SELECT tenant, period_id, first_value, last_value FROM ledger_adoptedgap
              UNION ALL
              SELECT l.tenant, a.period_id, l.first_value, l.last_value
              FROM ledger_rangelapsed l
              JOIN ledger_authorisedrange a ON a.tenant = l.tenant AND a.id = l.authorised_id
        ) m ON m.tenant = d.tenant AND m.period_id = d.period_id
        WHERE m.first <= d.last_value AND m.last >= d.first_value
        GROUP BY d.id
    ) known ON known.id = d.id
    WHERE (p.tenant = d.tenant AND d.last_value::numeric - d.first_value + 1 = known.missing) IS NOT TRUE
"""

# Rule 8. A finding belongs to the tenant of its entry, resolution and acknowledgements, and is open at most once.
FINDINGS = """
    SELECT x.found, x.tenant, e.series_id, e.period_id, e.value, NULL::bigint, x.number, x.id, x.detail
    FROM (
        SELECT 'finding-of-stranger' AS found, f.tenant, f.number, f.id, 'entry ' || f.entry_id::text AS detail,
               f.entry_id
        FROM ledger_findingraised f LEFT JOIN ledger_entry e ON e.id = f.entry_id
        WHERE f.entry_id IS NOT NULL AND e.tenant IS DISTINCT FROM f.tenant
        UNION ALL
        SELECT 'finding-of-stranger', d.tenant, f.number, d.finding_id, d.what || d.id, f.entry_id
        FROM (SELECT tenant, id, finding_id, 'resolution ' AS what FROM ledger_findingresolved
              UNION ALL
              SELECT tenant, id, finding_id, 'acknowledgement ' FROM ledger_findingacknowledged) d
        LEFT JOIN ledger_findingraised f ON f.id = d.finding_id
        WHERE f.tenant IS DISTINCT FROM d.tenant
        UNION ALL
        SELECT 'finding-twice', f.tenant, min(f.number), max(f.id), count(*)::text, max(f.entry_id)
        FROM ledger_findingraised f
        WHERE NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
        GROUP BY f.tenant, f.system, f.kind, f.subject HAVING count(*) > 1
    ) x
    LEFT JOIN ledger_entry e ON e.id = x.entry_id
"""
