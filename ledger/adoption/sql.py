"""The statements that stage a previous system's numbers, and check them against each other and the ledger.

The rows of the file go into ``ledger_adoptingrow``, their business dates into ``ledger_adoptingday``, each with its
period, or the reason why it has none. Several adoptions share both tables, each under its ``batch``. The function
``ledger_adopt`` takes the rows over; then they are deleted.
"""

# The columns as `adoption.rows.Row` has them.
COPY_ROWS = """
    COPY ledger_adoptingrow
        (batch, line, value, number, document, issued_at, issued_on, counted_on, void, metadata, native, prefix,
         problem)
    FROM STDIN
"""

# Rows that repeat an earlier row of the same number and date, such as one for each line item. It sorts the file once,
# whatever the planner's statistics of a table that has just been filled. Argument: batch.
FORGET_REPEATS = """
    DELETE FROM ledger_adoptingrow s
    WHERE s.ctid = ANY (ARRAY(
        SELECT r.place
        FROM (SELECT o.ctid AS place, o.line, o.issued_on, o.document, o.void,
                     first_value(o.line) OVER same AS first_line, first_value(o.issued_on) OVER same AS first_on,
                     first_value(o.document) OVER same AS first_document, first_value(o.void) OVER same AS first_void
              FROM ledger_adoptingrow o WHERE o.batch = %(batch)s AND o.problem IS NULL
              WINDOW same AS (PARTITION BY o.number ORDER BY o.line)) r
        WHERE r.line > r.first_line AND r.issued_on = r.first_on AND r.document IN ('', r.first_document)
          AND (r.void IS NULL OR r.void = r.first_void)))
"""

# The days that decide on the periods of all readable rows. Argument: batch.
STAGE_DAYS = """
    INSERT INTO ledger_adoptingday (batch, day)
    SELECT DISTINCT s.batch, s.counted_on FROM ledger_adoptingrow s WHERE s.batch = %(batch)s AND s.problem IS NULL
"""

# One probe of the right index for each row, whatever the statistics say of tables that fill and empty; and back.
BY_INDEX = "SET LOCAL enable_seqscan = off"
BY_ANY = "SET LOCAL enable_seqscan = DEFAULT"

# The first business date that no period has been looked for yet. Arguments: batch, where to look from.
NEXT_DAY = "SELECT min(d.day) FROM ledger_adoptingday d WHERE d.batch = %s AND d.day >= %s::date"

# Arguments: period, batch, its first day, its last day.
ASSIGN_PERIOD = """
    UPDATE ledger_adoptingday d SET period_id = %s::bigint WHERE d.batch = %s AND d.day BETWEEN %s::date AND %s::date
"""

# Arguments: reason, batch, day.
REFUSE_DAY = "UPDATE ledger_adoptingday d SET problem = %s::text WHERE d.batch = %s AND d.day = %s::date"

# Periods that are closed, or have other numbers than adopted ones: old numbers can't come before these. A few are
# enough for the error.
USED_PERIODS = """
    SELECT p.id
    FROM ledger_period p
    WHERE p.id IN (SELECT d.period_id FROM ledger_adoptingday d WHERE d.batch = %(batch)s)
      AND NOT ledger_takes_history(p.tenant, p.id)
    ORDER BY p.starts_on
    LIMIT 5
"""

# Every reason of every bad row, in the order of the file. Arguments: batch, tenant, series.
PROBLEMS = """
    WITH good AS MATERIALIZED (
        SELECT s.line, s.value, s.number, s.document, s.issued_on, s.native, d.period_id, d.problem AS day_problem
        FROM ledger_adoptingrow s CROSS JOIN LATERAL (
            SELECT d.period_id, d.problem FROM ledger_adoptingday d
            WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
        WHERE s.batch = %(batch)s AND s.problem IS NULL
    ), found (line, problem, other, rest) AS (
    SELECT s.line, s.problem, NULL::bigint, NULL::text
    FROM ledger_adoptingrow s WHERE s.batch = %(batch)s AND s.problem IS NOT NULL

    UNION ALL
    SELECT g.line, g.day_problem, NULL, NULL FROM good g WHERE g.day_problem IS NOT NULL

    UNION ALL
    SELECT g.line, 'the date ' || g.issued_on::text || ' lies more than ' || s.max_days_ahead::text || ' days ahead',
           NULL, NULL
    FROM good g JOIN ledger_series s ON s.id = %(series)s AND s.tenant = %(tenant)s::text
    WHERE g.issued_on > (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead

    -- The counter must be able to go on from the highest value.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' has the counter ' || g.value::text
        || ', and the series can number up to ' || p.max_value::text || ' within its length limit', NULL, NULL
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE g.value > p.max_value

    -- A table that goes on where an earlier one ended.
    UNION ALL
    SELECT g.line, 'the counter ' || g.value::text || ' of ' || quote_literal(g.number) || ' comes before '
        || p.last_value::text || ', which an earlier adoption has come to: adopt files in the order of their numbers',
        NULL, NULL
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE g.value <= p.last_value AND p.last_value >= p.first_value

    -- A number of the series' own form names a period and a value. Under any other it would stand in the way of the
    -- checkout that comes to it.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' looks like one of the series, but its date and counter'
        || ' make it ' || quote_literal(ledger_number(p.prefix, p.width, p.suffix, g.value, g.issued_on)), NULL, NULL
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE g.native AND ledger_value_of(p.prefix, p.width, p.suffix, g.number) IS DISTINCT FROM g.value

    -- The same number again is told below, once.
    UNION ALL
    SELECT g.line, 'the counter ' || g.value::text || ' of ' || quote_literal(g.number) || ' is that of', f.line,
           ' as well, ' || quote_literal(f.number)
    FROM (SELECT period_id, value, min(line) AS line FROM good WHERE period_id IS NOT NULL
          GROUP BY 1, 2 HAVING count(*) > 1) twice
    JOIN good f ON f.line = twice.line
    JOIN good g ON g.period_id = twice.period_id AND g.value = twice.value AND g.line > twice.line
    WHERE upper(g.number) <> upper(f.number)

    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' is that of', f.line,
           ' as well' || CASE WHEN f.number <> g.number
                              THEN ', ' || quote_literal(f.number) || ': case makes no difference'
                              WHEN g.issued_on <> f.issued_on THEN ', with another date'
                              ELSE ', with another document or status' END
    FROM (SELECT upper(number) AS number, min(line) AS line FROM good GROUP BY 1 HAVING count(*) > 1) twice
    JOIN good f ON f.line = twice.line
    JOIN good g ON upper(g.number) = twice.number AND g.line > twice.line

    UNION ALL
    SELECT g.line, 'the document ' || quote_literal(g.document) || ' has a number already, in', twice.line, ''
    FROM (SELECT document, min(line) AS line FROM good WHERE document > '' GROUP BY 1 HAVING count(*) > 1) twice
    JOIN good g ON g.document = twice.document AND g.line > twice.line

    -- A look into the index for each row, whatever the planner believes of a ledger that nobody analysed yet.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' is in the ledger already, in series '
        || quote_literal(e.code) || ', ' || e.kind || ' on ' || e.issued_on::text, NULL, NULL
    FROM good g
    CROSS JOIN LATERAL (
        SELECT s.code, e.kind, e.issued_on
        FROM ledger_entry e JOIN ledger_series s ON s.id = e.series_id
        WHERE e.tenant = %(tenant)s::text AND upper(e.number) = upper(g.number)
        LIMIT 1
    ) e

    UNION ALL
    SELECT g.line, 'the document ' || quote_literal(g.document) || ' has the number ' || quote_literal(e.number)
        || ' in the ledger already', NULL, NULL
    FROM good g
    CROSS JOIN LATERAL (
        SELECT e.number
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s::text AND e.series_id = %(series)s::bigint
          AND e.document = g.document AND e.document > ''
        LIMIT 1
    ) e
    WHERE g.document > ''

    -- A number of another form that some series comes to one day would stop it there.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' is one that a series of the tenant may still give out',
           NULL, NULL
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE NOT g.native AND upper(g.number) <> upper(ledger_number(p.prefix, p.width, p.suffix, g.value, g.issued_on))
      AND ledger_is_awaited(%(tenant)s::text, g.number, p.id, g.value, NULL::bigint)
    )
    SELECT f.line, f.problem, f.other, f.rest FROM found f ORDER BY f.line, f.problem
"""

# Takes the rows over. Arguments: tenant, series id, batch, name and digest of the file, options as JSON, the reason of
# voids, the reason why values are missing (or null), actor.
ADOPT = """
    SELECT adoption, numbers, voids, explained
    FROM ledger_adopt(%s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)
"""

# The numbers that begin alike: how many, the first and the last, and their dates. Argument: batch.
RUNS = """
    SELECT s.prefix, count(*), substr(min(lpad(s.value::text, 19, '0') || s.number), 20),
           substr(max(lpad(s.value::text, 19, '0') || s.number), 20), min(s.issued_on), max(s.issued_on)
    FROM ledger_adoptingrow s WHERE s.batch = %(batch)s GROUP BY 1 ORDER BY 1 LIMIT 100
"""

# Some of the numbers whose text contradicts their date, each with the count of all. Argument: batch.
CONTRADICTING = """
    SELECT s.metadata ->> 'contradiction'::text AS contradiction, count(*) OVER () AS total
    FROM ledger_adoptingrow s WHERE s.batch = %(batch)s AND s.metadata ? 'contradiction'::text
    ORDER BY s.line LIMIT 5
"""

# Argument: batch.
FORGET_ROWS = "DELETE FROM ledger_adoptingrow s WHERE s.batch = %(batch)s"
FORGET_DAYS = "DELETE FROM ledger_adoptingday d WHERE d.batch = %(batch)s"

# The counts of each period. Arguments: batch, adoption, tenant.
ADOPTED_PERIODS = """
    SELECT p.id, run.rows, coalesce(gap.missing, 0)::bigint, coalesce(gap.ranges, 0)
    FROM (SELECT d.period_id, count(*) AS rows
          FROM ledger_adoptingrow s CROSS JOIN LATERAL (
              SELECT d.period_id FROM ledger_adoptingday d
              WHERE d.batch = s.batch AND d.day = s.counted_on LIMIT 1) d
          WHERE s.batch = %s
          GROUP BY 1) run
    JOIN ledger_period p ON p.id = run.period_id
    LEFT JOIN (SELECT g.period_id, sum(g.last_value - g.first_value + 1) AS missing, count(*) AS ranges
               FROM ledger_adoptedgap g
               WHERE g.adoption_id = %s::bigint AND g.tenant = %s::text
               GROUP BY 1) gap ON gap.period_id = p.id
    ORDER BY p.starts_on
"""
