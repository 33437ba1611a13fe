"""The statements that keep the mirror. All take ``tenant`` and ``system``."""

# One step of a reading, unless another process was faster; returns whether changes must be noted for a comparison.
GO_ON = """
    UPDATE ledger_remotereading
    SET cursor = %(next_cursor)s, pages = pages + 1, documents = documents + %(documents)s,
        full_owed = full_owed OR %(unseen)s
    WHERE tenant = %(tenant)s AND system = %(system)s AND begun_at IS NOT NULL
      AND generation = %(generation)s AND cursor = %(cursor)s
    RETURNING compared_horizon IS NOT NULL AS note
"""

# Notes for the next comparison the numbers of a document before and after a change, and those of the entries whose
# document it refers to. Reads ``changed`` (number, reference), the rows before and after.
_NOTE = """
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, upper(c.number) FROM changed c WHERE c.number <> '' AND %(note)s
    UNION ALL
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM changed c
    JOIN ledger_series s ON s.tenant = %(tenant)s
    JOIN ledger_entry e ON e.tenant = s.tenant AND e.series_id = s.id AND e.document = c.reference AND e.document > ''
    WHERE c.reference <> '' AND %(note)s
"""

# Saves a page. A known document that hasn't changed is written only in a reading of everything, for its ``seen_in``. A
# deleted document may come with nothing but its key: then the known values are kept.
SAVE = f"""
    WITH page AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::text[], %(numbers)s::text[], %(states)s::text[], %(dates)s::date[],
                             %(references)s::text[], %(changed)s::timestamptz[], %(totals)s::numeric[],
                             %(currencies)s::text[], %(customers)s::text[], %(kinds)s::text[])
            AS p (remote_id, number, state, issued_on, reference, changed_at, total, currency, customer, kind)
    ), before AS MATERIALIZED (
        SELECT d.remote_id, d.number, d.state, d.issued_on, d.reference, d.total, d.currency, d.customer, d.kind
        FROM ledger_remotedocument d
        WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND d.remote_id = ANY (%(ids)s::text[])
    ), saved AS (
        INSERT INTO ledger_remotedocument AS d
            (tenant, system, remote_id, number, state, issued_on, reference, changed_at, total, currency, customer,
             kind, spelling, seen_in)
        SELECT %(tenant)s, %(system)s, p.remote_id, p.number, p.state, p.issued_on, p.reference, p.changed_at,
               p.total, p.currency, p.customer, p.kind, left(ledger_spelling(p.number), 300), %(generation)s
        FROM page p
        ON CONFLICT (tenant, system, remote_id) DO UPDATE
        SET number = CASE WHEN excluded.state = 'deleted' AND excluded.number = '' THEN d.number
                          ELSE excluded.number END,
            spelling = CASE WHEN excluded.state = 'deleted' AND excluded.number = '' THEN d.spelling
                            ELSE excluded.spelling END,
            issued_on = CASE WHEN excluded.state = 'deleted' THEN coalesce(excluded.issued_on, d.issued_on)
                             ELSE excluded.issued_on END,
            reference = CASE WHEN excluded.state = 'deleted' AND excluded.reference = '' THEN d.reference
                             ELSE excluded.reference END,
            state = excluded.state,
            total = excluded.total, currency = excluded.currency, customer = excluded.customer, kind = excluded.kind,
            changed_at = coalesce(excluded.changed_at, d.changed_at),
            seen_at = clock_timestamp(),
            seen_in = excluded.seen_in
        WHERE d.seen_in <> excluded.seen_in
           OR (d.number, d.state, d.reference, d.kind)
              <> (excluded.number, excluded.state, excluded.reference, excluded.kind)
           OR (d.issued_on, d.changed_at, d.total, d.currency, d.customer) IS DISTINCT FROM
              (excluded.issued_on, excluded.changed_at, excluded.total, excluded.currency, excluded.customer)
        RETURNING d.remote_id, d.number, d.state, d.issued_on, d.reference, d.total, d.currency, d.customer, d.kind
    ), changed AS MATERIALIZED (
        SELECT w.number, w.reference
        FROM saved a
        LEFT JOIN before b ON b.remote_id = a.remote_id
        CROSS JOIN LATERAL (VALUES (a.number, a.reference), (b.number, b.reference)) AS w (number, reference)
        WHERE (a.number, a.state, a.issued_on, a.reference, a.total, a.currency, a.customer, a.kind)
              IS DISTINCT FROM (b.number, b.state, b.issued_on, b.reference, b.total, b.currency, b.customer, b.kind)
    )
    {_NOTE}
"""  # noqa: S608  (our own text)

# At the end of a reading of everything, or of all within some days: documents that it didn't see are gone.
GONE = f"""
    WITH changed AS (
        UPDATE ledger_remotedocument d SET state = 'deleted', seen_at = clock_timestamp()
        WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND d.seen_in <> %(generation)s AND d.state <> 'deleted'
          AND (%(first)s::date IS NULL OR d.issued_on BETWEEN %(first)s::date AND %(last)s::date)
        RETURNING d.number, d.reference
    )
    {_NOTE}
"""  # noqa: S608

# How many documents that were in force or void a reading of everything has not seen, and how many there are.
LOST = """
    SELECT count(*) FILTER (WHERE d.seen_in <> %(generation)s), count(*) FROM ledger_remotedocument d
    WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND d.state IN ('posted', 'void')
"""

# Keeps what the system should have of these entries, and notes them for the next comparison. A later call that names no
# document keeps the one that was pushed.
EXPECT = """
    WITH given AS (
        SELECT * FROM unnest(%(entries)s::bigint[], %(ids)s::text[], %(totals)s::numeric[], %(currencies)s::text[],
                             %(customers)s::text[]) AS g (entry_id, remote_id, total, currency, customer)
    ), kept AS (
        INSERT INTO ledger_expecteddocument AS x (tenant, system, entry_id, remote_id, total, currency, customer)
        SELECT %(tenant)s, %(system)s, g.entry_id, g.remote_id, g.total, g.currency, g.customer FROM given g
        ON CONFLICT (tenant, system, entry_id) DO UPDATE
        SET remote_id = coalesce(nullif(excluded.remote_id, ''), x.remote_id), total = excluded.total,
            currency = excluded.currency, customer = excluded.customer
    )
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, upper(e.number) FROM given g JOIN ledger_entry e ON e.id = g.entry_id
"""

# The entries of these series that were never described, and for which the system has a document with an amount or a
# customer.
UNDESCRIBED = """
    SELECT DISTINCT e.id
    FROM ledger_entry e
    JOIN ledger_remotedocument d ON d.tenant = %(tenant)s AND d.system = %(system)s AND d.number <> ''
        AND upper(d.number) = upper(e.number) AND d.state = 'posted' AND (d.total IS NOT NULL OR d.customer > '')
    WHERE e.tenant = %(tenant)s AND e.series_id = ANY (%(series)s) AND e.kind = 'issued'
      AND NOT EXISTS (SELECT FROM ledger_expecteddocument x
                      WHERE x.tenant = %(tenant)s AND x.system = %(system)s AND x.entry_id = e.id)
    ORDER BY e.id LIMIT %(most)s
"""
