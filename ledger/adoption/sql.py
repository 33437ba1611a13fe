"""The statements that stage a previous system's numbers, check them against each other, and take them over as sets.

All of them work on three temporary tables that go away with the transaction:

    ledger_adopting           the rows of the file, with what the reading found wrong
    ledger_adopting_day       the business dates among them, each with its period, or why it has none
    ledger_adopting_problem   every bad row with its reason
"""

from __future__ import annotations

# A second adoption in one transaction would find the tables of the first.
DROP_STAGE = "DROP TABLE IF EXISTS ledger_adopting, ledger_adopting_day, ledger_adopting_problem"

STAGE_ROWS = """
    CREATE TEMPORARY TABLE ledger_adopting (
        line bigint NOT NULL,
        value bigint,
        number text,
        document text,
        issued_at timestamptz,
        issued_on date,
        void boolean,
        metadata jsonb,
        native boolean,
        problem text
    ) ON COMMIT DROP
"""

# The columns as `adoption.rows.Row` has them.
COPY_ROWS = """
    COPY ledger_adopting (line, value, number, document, issued_at, issued_on, void, metadata, native, problem)
    FROM STDIN
"""

STAGE_DAYS = """
    CREATE TEMPORARY TABLE ledger_adopting_day ON COMMIT DROP AS
    SELECT DISTINCT s.issued_on AS day, NULL::bigint AS period_id, NULL::text AS problem
    FROM ledger_adopting s
    WHERE s.problem IS NULL
"""

# Nobody else analyses temporary tables, and the checks below join them.
ANALYZE_ROWS = "ANALYZE ledger_adopting"
ANALYZE_DAYS = "ANALYZE ledger_adopting_day"

# Each period looks for its days: without this, many periods would read all of them many times.
INDEX_DAYS = "CREATE UNIQUE INDEX ledger_adopting_day_day ON ledger_adopting_day (day)"

# The first business date that no period has been looked for yet. Argument: where to look from.
NEXT_DAY = "SELECT min(d.day) FROM ledger_adopting_day d WHERE d.day >= %s::date"

# Arguments: period, its first day, its last day.
ASSIGN_PERIOD = "UPDATE ledger_adopting_day d SET period_id = %s::bigint WHERE d.day BETWEEN %s::date AND %s::date"

# Arguments: reason, day.
REFUSE_DAY = "UPDATE ledger_adopting_day d SET problem = %s::text WHERE d.day = %s::date"

# Checkouts wait from here on, and the ledger of these periods holds still.
LOCK_PERIODS = """
    SELECT p.id
    FROM ledger_period p
    WHERE p.id IN (SELECT d.period_id FROM ledger_adopting_day d)
    ORDER BY p.id
    FOR NO KEY UPDATE
"""

# Periods whose run has begun: old numbers can't be put before it. A few are enough to tell.
USED_PERIODS = """
    SELECT p.id
    FROM ledger_period p
    WHERE p.id IN (SELECT d.period_id FROM ledger_adopting_day d)
      AND (p.closed_at IS NOT NULL
           OR p.last_value >= p.first_value
           OR EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id))
    ORDER BY p.starts_on
    LIMIT 5
"""

STAGE_PROBLEMS = """
    CREATE TEMPORARY TABLE ledger_adopting_problem (line bigint NOT NULL, problem text NOT NULL) ON COMMIT DROP
"""

# Every reason of every bad row. Arguments: tenant, series.
FIND_PROBLEMS = """
    INSERT INTO ledger_adopting_problem (line, problem)
    WITH good AS (
        SELECT s.line, s.value, s.number, s.document, s.native, d.period_id, d.problem AS day_problem
        FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on
        WHERE s.problem IS NULL
    )
    SELECT s.line, s.problem FROM ledger_adopting s WHERE s.problem IS NOT NULL

    UNION ALL
    SELECT g.line, g.day_problem FROM good g WHERE g.day_problem IS NOT NULL

    -- The counter must be able to go on from the highest value.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' has the counter ' || g.value
        || ', and the series can number up to ' || p.max_value || ' within its length limit'
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE g.value > p.max_value

    -- A number of the series' own form names a period and a value. Under any other it would stand in the way of the
    -- checkout that comes to it.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' looks like one of the series, but its date and counter'
        || ' make it ' || quote_literal(ledger_number(p.prefix, p.width, p.suffix, g.value))
    FROM good g JOIN ledger_period p ON p.id = g.period_id
    WHERE g.native AND upper(g.number) <> upper(ledger_number(p.prefix, p.width, p.suffix, g.value))

    -- The same number again is told below, once.
    UNION ALL
    SELECT g.line, 'the counter ' || g.value || ' of ' || quote_literal(g.number) || ' is that of line ' || f.line
        || ' as well, ' || quote_literal(f.number)
    FROM (SELECT period_id, value, min(line) AS line FROM good WHERE period_id IS NOT NULL
          GROUP BY 1, 2 HAVING count(*) > 1) twice
    JOIN good f ON f.line = twice.line
    JOIN good g ON g.period_id = twice.period_id AND g.value = twice.value AND g.line > twice.line
    WHERE upper(g.number) <> upper(f.number)

    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' is that of line ' || f.line || ' as well'
        || CASE WHEN f.number <> g.number THEN ', ' || quote_literal(f.number) || ': case makes no difference'
                ELSE '' END
    FROM (SELECT upper(number) AS number, min(line) AS line FROM good GROUP BY 1 HAVING count(*) > 1) twice
    JOIN good f ON f.line = twice.line
    JOIN good g ON upper(g.number) = twice.number AND g.line > twice.line

    UNION ALL
    SELECT g.line, 'the document ' || quote_literal(g.document) || ' has a number in line ' || twice.line || ' already'
    FROM (SELECT document, min(line) AS line FROM good WHERE document > '' GROUP BY 1 HAVING count(*) > 1) twice
    JOIN good g ON g.document = twice.document AND g.line > twice.line

    -- A look into the index for each row, whatever the planner believes of a ledger that nobody analysed yet.
    UNION ALL
    SELECT g.line, 'the number ' || quote_literal(g.number) || ' is in the ledger already, in series '
        || quote_literal(e.code) || ', ' || e.kind || ' on ' || e.issued_on
    FROM good g
    CROSS JOIN LATERAL (
        SELECT s.code, e.kind, e.issued_on
        FROM ledger_entry e JOIN ledger_series s ON s.id = e.series_id
        WHERE e.tenant = %(tenant)s::text AND upper(e.number) = upper(g.number)
        LIMIT 1
    ) e

    UNION ALL
    SELECT g.line, 'the document ' || quote_literal(g.document) || ' has the number ' || quote_literal(e.number)
        || ' in the ledger already'
    FROM good g
    CROSS JOIN LATERAL (
        SELECT e.number
        FROM ledger_entry e
        WHERE e.tenant = %(tenant)s::text AND e.series_id = %(series)s::bigint
          AND e.document = g.document AND e.document > ''
        LIMIT 1
    ) e
    WHERE g.document > ''
"""

COUNT_PROBLEMS = "SELECT count(*), count(DISTINCT line) FROM ledger_adopting_problem"

PROBLEMS = "SELECT q.line, q.problem FROM ledger_adopting_problem q ORDER BY q.line, q.problem"

# The counters jump to the end of the old run; a trigger lets no entry in beyond them. Argument: whether the series
# guards the order of dates.
SET_COUNTERS = """
    UPDATE ledger_period p
    SET first_value = run.lowest,
        last_value = run.highest,
        last_issued_on = CASE WHEN %s THEN run.latest ELSE p.last_issued_on END
    FROM (SELECT d.period_id, min(s.value) AS lowest, max(s.value) AS highest, max(s.issued_on) AS latest
          FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on
          GROUP BY 1) run
    WHERE p.id = run.period_id
"""

# In the order of the run, which spares the indexes much work. Arguments: tenant, series, actor.
APPEND_ENTRIES = """
    INSERT INTO ledger_entry
        (tenant, series_id, period_id, value, kind, number, document, issued_on, issued_at, actor, metadata)
    SELECT %s::text, %s::bigint, d.period_id, s.value, 'adopted', s.number, s.document, s.issued_on, s.issued_at,
           %s::text, s.metadata
    FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on
    ORDER BY d.period_id, s.value
"""

# The entries were appended just now, so the planner knows nothing of them: a subquery for each void row keeps it on the
# unique index, where a join may multiply days by entries. Arguments: tenant, tenant, reason, actor.
APPEND_VOIDS = """
    INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)
    SELECT %s::text,
           (SELECT e.id FROM ledger_entry e
            WHERE e.tenant = %s::text AND e.period_id = void.period_id AND e.value = void.value),
           %s::text, '', %s::text
    FROM (SELECT d.period_id, s.value
          FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on
          WHERE s.void
          ORDER BY d.period_id, s.value) void
"""

# Arguments: tenant, adoption.
APPEND_GAPS = """
    INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)
    SELECT %s::text, %s::bigint, run.period_id, run.value + 1, run.following - 1
    FROM (SELECT d.period_id, s.value, lead(s.value) OVER (PARTITION BY d.period_id ORDER BY s.value) AS following
          FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on) run
    WHERE run.following > run.value + 1
    ORDER BY 3, 4
"""

# Arguments: explanation, actor, tenant, adoption.
EXPLAIN_GAPS = """
    INSERT INTO ledger_gapexplained (tenant, adopted_gap_id, explanation, actor)
    SELECT g.tenant, g.id, %s::text, %s::text
    FROM ledger_adoptedgap g
    WHERE g.tenant = %s::text AND g.adoption_id = %s::bigint
    ORDER BY g.id
"""

# What became of each period. Arguments: adoption, tenant.
ADOPTED_PERIODS = """
    SELECT p.id, run.rows, coalesce(gap.missing, 0)::bigint, coalesce(gap.ranges, 0)
    FROM (SELECT d.period_id, count(*) AS rows
          FROM ledger_adopting s JOIN ledger_adopting_day d ON d.day = s.issued_on
          GROUP BY 1) run
    JOIN ledger_period p ON p.id = run.period_id
    LEFT JOIN (SELECT g.period_id, sum(g.last_value - g.first_value + 1) AS missing, count(*) AS ranges
               FROM ledger_adoptedgap g
               WHERE g.adoption_id = %s::bigint AND g.tenant = %s::text
               GROUP BY 1) gap ON gap.period_id = p.id
    ORDER BY p.starts_on
"""
