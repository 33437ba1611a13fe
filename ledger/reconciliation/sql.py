"""The statements of comparing. All take ``tenant`` and ``system``. Numbers are compared in upper case."""

# Where this transaction stands among the others: the oldest one that still runs, and the next one to come.
HORIZON = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""

# What makes numbers of a system fit that did not before: another period of its series. Arguments: series ids.
PERIODS = "SELECT count(*), max(id) FROM ledger_period WHERE tenant = %(tenant)s AND series_id = ANY (%(series)s)"

# For the one transaction of a comparison. Sorting and hashing a million numbers takes memory; compiling a statement
# that runs once takes longer than it saves.
ROOM = "SET LOCAL work_mem = '96MB'; SET LOCAL jit = off"

# One probe of the right index for each number, whatever the statistics say; and back.
BY_INDEX = "SET LOCAL enable_seqscan = off"
BY_ANY = "SET LOCAL enable_seqscan = DEFAULT"

_OPEN = """
    SELECT %(tenant)s, %(system)s, f.subject
    FROM ledger_findingraised f
    WHERE f.tenant = %(tenant)s AND f.system = %(system)s
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
"""

# What a full comparison must look at: every number that can possibly differ (functions/ledger_suspects.sql), and
# what is open. What agrees is dropped here; the rest is judged by JUDGE, as in an incremental comparison. Arguments:
# series ids, and of what kind the documents of each are.
SUSPECT = f"""
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, s.subject
    FROM ledger_suspects(%(tenant)s, %(system)s, %(series)s::bigint[], %(kinds)s::text[]) AS s (subject)
    UNION ALL
    {_OPEN}
"""  # noqa: S608

# What an incremental comparison must look at, beside what was noted: entries and voids of transactions that were not
# over at the last one, whatever their ids and times say; entries that have grown old enough since; and what is open.
# Arguments: ``horizon`` of the last comparison and ``ahead``, the next transaction now (ids beyond it are those of
# another server, out of a backup); ``before`` and ``through``, between which issued numbers have grown old.
FRESH = f"""
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.transaction_id >= %(horizon)s AND e.transaction_id < %(ahead)s
    UNION ALL
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_numbervoided v JOIN ledger_entry e ON e.id = v.entry_id
    WHERE v.tenant = %(tenant)s AND v.transaction_id >= %(horizon)s AND v.transaction_id < %(ahead)s
    UNION ALL
    SELECT %(tenant)s, %(system)s, upper(e.number)
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.issued_at > %(before)s AND e.issued_at <= %(through)s
    UNION ALL
    {_OPEN}
"""  # noqa: S608

# And what hangs on these by a document: the number that it has there, and the number that it has here; or by being the
# same number in another spelling there.
NEIGHBOURS = """
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, n.subject
    FROM (SELECT DISTINCT c.subject FROM ledger_pendingcomparison c
          WHERE c.tenant = %(tenant)s AND c.system = %(system)s) k
    CROSS JOIN LATERAL (
        SELECT upper(d.number) AS subject
        FROM (SELECT e.document FROM ledger_entry e
              WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject LIMIT 1) e
        JOIN ledger_remotedocument d ON d.tenant = %(tenant)s AND d.system = %(system)s AND d.reference = e.document
        WHERE d.reference > '' AND d.number <> ''
        UNION ALL
        SELECT upper(e.number)
        FROM ledger_remotedocument d
        JOIN ledger_entry e ON e.tenant = %(tenant)s AND e.series_id = ANY (%(series)s) AND e.document = d.reference
        WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = k.subject AND d.number <> ''
          AND d.reference <> '' AND e.document > ''
        UNION ALL
        SELECT upper(d.number)
        FROM (SELECT ledger_spelling(k.subject) AS spelling FROM ledger_entry e
              WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject AND e.kind <> 'gap' LIMIT 1) e
        JOIN ledger_remotedocument d ON d.tenant = %(tenant)s AND d.system = %(system)s AND d.spelling = ANY (ARRAY[
            e.spelling, e.spelling || '-1', e.spelling || '-2', e.spelling || '-3', e.spelling || '-4',
            e.spelling || '-5', e.spelling || '-6', e.spelling || '-7', e.spelling || '-8', e.spelling || '-9'])
        WHERE d.spelling > '' AND upper(d.number) <> k.subject
    ) n
"""

# How many numbers wait for this comparison.
WAITING = "SELECT count(*) FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"

# Judges each of them, raises what differs and resolves what no longer does; rows of what was done, kind, count.
JUDGE = """
    SELECT done, done_kind, done_count
    FROM ledger_judge(%(tenant)s, %(system)s, %(series)s::bigint[], %(kinds)s::text[], %(through)s::timestamptz,
                      %(covered)s::timestamptz, %(number_kept)s, %(report_foreign)s)
"""

# What has been compared waits no longer.
DONE = "DELETE FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"
