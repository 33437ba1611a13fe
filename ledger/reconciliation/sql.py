"""The statements of comparing. All take ``tenant`` and ``system``. Numbers are compared in upper case."""

from __future__ import annotations

# Where this transaction stands among the others: the oldest one that still runs, and the next one to come.
HORIZON = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""

# What makes numbers of a system fit that did not before: another period of its series. Arguments: series ids.
PERIODS = "SELECT count(*), max(id) FROM ledger_period WHERE tenant = %(tenant)s AND series_id = ANY (%(series)s)"

# For the one transaction of a comparison. Sorting and hashing a million numbers takes memory; compiling a statement
# that runs once takes longer than it saves.
ROOM = "SET LOCAL work_mem = '96MB'; SET LOCAL jit = off"

# One probe of the right index for each number, whatever the statistics say (see migrations/sql/queues.sql); and back.
BY_INDEX = "SET LOCAL enable_seqscan = off"
BY_ANY = "SET LOCAL enable_seqscan = DEFAULT"

_OPEN = """
    SELECT %(tenant)s, %(system)s, f.subject
    FROM ledger_findingraised f
    WHERE f.tenant = %(tenant)s AND f.system = %(system)s
      AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
"""

# What a full comparison must look at: every number that can possibly differ (migrations/sql/reconciliation.sql), and
# what is open. What agrees is dropped here; the rest is judged by JUDGE, as in an incremental comparison. Arguments:
# series ids.
SUSPECT = f"""
    INSERT INTO ledger_pendingcomparison (tenant, system, subject)
    SELECT %(tenant)s, %(system)s, s.subject
    FROM ledger_suspects(%(tenant)s, %(system)s, %(series)s::bigint[]) AS s (subject)
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

# And what hangs on these by a document: the number that it has there, and the number that it has here.
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
    ) n
"""

# How many numbers wait for this comparison.
WAITING = "SELECT count(*) FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"

# Whether something there bears the number of entry ``e`` for its document, or without saying for which.
_MATCHED = """
    coalesce((SELECT true FROM ledger_remotedocument m
              WHERE m.tenant = %(tenant)s AND m.system = %(system)s AND upper(m.number) = upper(e.number)
                AND m.number <> '' AND m.state IN ('posted', 'void') AND (m.reference IN ('', e.document))
              LIMIT 1), false)
"""

_DOCUMENT = """
    jsonb_build_object('remote_id', d.remote_id, 'number', d.number, 'state', d.state, 'issued_on', d.issued_on,
                       'reference', d.reference, 'changed_at', d.changed_at)
"""

# No ORDER BY and no join may lead the planner to another index than that of the number or the reference: without
# statistics of a new system it would take one that reads all of its rows for each number: hence OFFSET 0 and LIMIT.
# The judgement, by the rules that FindingKind tells: what differs now is raised unless it is open, and what is open and
# doesn't differ any more is resolved. Each number is looked up by index, on both sides. Arguments: series ids,
# ``through`` and ``covered`` (between these issued numbers can be missing; null: from the beginning), number_kept,
# report_foreign. Answers with rows of what was done, kind, count.
JUDGE = f"""
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT c.subject FROM ledger_pendingcomparison c
        WHERE c.tenant = %(tenant)s AND c.system = %(system)s
    ), seen AS MATERIALIZED (
        SELECT k.subject, e.*, p.starts_on, p.ends_on, v.voided_at, v.void_reason, v.id IS NOT NULL AS is_void,
               r.posted, r.void, r.dead, r.ours_posted, r.outside, r.matched, r.first_number,
               r.first_reference
        FROM asked k
        LEFT JOIN LATERAL (
            SELECT e.id AS entry_id, e.number, e.kind, e.document, e.issued_on, e.issued_at, e.period_id, e.actor,
                   e.series_id = ANY (%(series)s) AS ours
            FROM ledger_entry e WHERE e.tenant = %(tenant)s AND upper(e.number) = k.subject
            LIMIT 1
        ) e ON true
        LEFT JOIN ledger_period p ON p.id = e.period_id
        LEFT JOIN LATERAL (
            SELECT v.id, v.voided_at, v.reason AS void_reason
            FROM ledger_numbervoided v WHERE v.tenant = %(tenant)s AND v.entry_id = e.entry_id
            LIMIT 1
        ) v ON true
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE d.state = 'posted') AS posted,
                   count(*) FILTER (WHERE d.state = 'void') AS void,
                   count(*) FILTER (WHERE d.state = 'deleted') AS dead,
                   coalesce(bool_or(d.state = 'posted' AND d.reference = e.document AND d.reference <> ''), false)
                       AS ours_posted,
                   coalesce(bool_or(d.state IN ('posted', 'void')
                                    AND d.issued_on NOT BETWEEN p.starts_on AND p.ends_on), false) AS outside,
                   coalesce(bool_or(d.state IN ('posted', 'void') AND d.reference IN ('', e.document)), false)
                       AS matched,
                   min(d.number) FILTER (WHERE d.state IN ('posted', 'void')) AS first_number,
                   min(d.reference) FILTER (WHERE d.state IN ('posted', 'void')) AS first_reference
            FROM ledger_remotedocument d
            WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = k.subject AND d.number <> ''
        ) r
    ), judged AS MATERIALIZED (
        SELECT s.*, o.elsewhere, d.differing
        FROM (SELECT s.*, s.kind IN ('issued', 'adopted') AND s.ours AS numbered,
                     s.kind IN ('issued', 'adopted') AND s.ours AND NOT s.is_void AS living
              FROM seen s) s
        CROSS JOIN LATERAL (
            SELECT count(*) AS elsewhere_count, jsonb_agg({_DOCUMENT} ORDER BY d.remote_id) AS elsewhere
            FROM (SELECT d.* FROM ledger_remotedocument d
            WHERE s.ours AND s.kind IN ('issued', 'adopted') AND NOT s.is_void AND s.document > '' AND NOT s.matched
              AND d.tenant = %(tenant)s AND d.system = %(system)s AND d.reference = s.document AND d.reference > ''
              AND d.state = 'posted' AND d.number <> '' AND upper(d.number) <> s.subject
              AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = %(tenant)s
                              AND upper(e.number) = upper(d.number) AND e.document = s.document)
            OFFSET 0) d
        ) o
        CROSS JOIN LATERAL (
            SELECT count(*) AS unexplained
            FROM ledger_remotedocument d
            WHERE s.entry_id IS NULL AND s.posted + s.void > 0
              AND d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = s.subject AND d.number <> ''
              AND d.state IN ('posted', 'void')
              AND NOT (d.state = 'posted' AND d.reference <> '' AND EXISTS (
                  SELECT FROM ledger_entry e
                  WHERE e.tenant = %(tenant)s AND e.series_id = ANY (%(series)s) AND e.document = d.reference
                    AND e.document > '' AND e.kind <> 'gap'
                    AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
                    AND NOT {_MATCHED}))
              AND (%(report_foreign)s OR EXISTS (
                  SELECT FROM ledger_period p
                  CROSS JOIN LATERAL (
                      SELECT substr(d.number, length(p.prefix) + 1,
                                    length(d.number) - length(p.prefix) - length(p.suffix)) AS digits
                      WHERE length(d.number) > length(p.prefix) + length(p.suffix)
                  ) x
                  WHERE p.tenant = %(tenant)s AND p.series_id = ANY (%(series)s) AND x.digits ~ '^[0-9]{{1,18}}$'
                    AND upper(CASE WHEN x.digits ~ '^[0-9]{{1,18}}$'
                              THEN ledger_number(p.prefix, p.width, p.suffix, x.digits::bigint) END) = s.subject))
        ) u
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(w.kind) FILTER (WHERE w.differs), '{{}}') AS differing
            FROM (VALUES
                ('missing', s.living AND s.posted + s.void + s.dead = 0 AND o.elsewhere_count = 0
                            AND s.issued_at <= %(through)s
                            AND (%(covered)s::timestamptz IS NULL OR s.issued_at >= %(covered)s)),
                ('unknown', u.unexplained > 0),
                ('void-there', s.living AND s.posted = 0 AND s.void > 0),
                ('void-here', s.numbered AND s.is_void AND s.posted > 0 AND (s.void + s.dead = 0 OR s.ours_posted)),
                ('duplicate', s.numbered AND s.posted + CASE WHEN %(number_kept)s THEN s.void ELSE 0 END > 1),
                ('other-number', o.elsewhere_count > 0),
                ('other-period', s.numbered AND s.outside),
                ('deleted', s.living AND s.posted + s.void = 0 AND s.dead > 0),
                ('reused', s.numbered AND s.posted > 0
                           AND s.dead + CASE WHEN %(number_kept)s THEN 0 ELSE s.void END > 0),
                ('gap', s.ours AND s.kind = 'gap' AND s.posted > 0)
            ) AS w (kind, differs)
        ) d
    ), raised AS (
        INSERT INTO ledger_findingraised (tenant, system, kind, subject, occurrence, entry_id, number, document, facts)
        SELECT %(tenant)s, %(system)s, k.kind, j.subject, coalesce(last.occurrence, 0) + 1, j.entry_id,
               coalesce(j.number, j.first_number, j.subject), coalesce(j.document, j.first_reference, ''),
               jsonb_build_object(
                   'here', CASE WHEN j.entry_id IS NOT NULL THEN jsonb_build_object(
                       'number', j.number, 'kind', j.kind, 'document', j.document, 'issued_on', j.issued_on,
                       'issued_at', j.issued_at, 'period', j.starts_on || ' to ' || j.ends_on, 'actor', j.actor,
                       'void', CASE WHEN j.is_void THEN jsonb_build_object(
                           'voided_at', j.voided_at, 'reason', j.void_reason) END) END,
                   'there', CASE k.kind WHEN 'other-number' THEN j.elsewhere ELSE t.documents END)
        FROM judged j
        CROSS JOIN LATERAL unnest(j.differing) AS k (kind)
        LEFT JOIN LATERAL (
            SELECT f.occurrence,
                   NOT EXISTS (SELECT FROM ledger_findingresolved d
                               WHERE d.tenant = f.tenant AND d.finding_id = f.id) AS is_open
            FROM ledger_findingraised f
            WHERE f.tenant = %(tenant)s AND f.system = %(system)s AND f.kind = k.kind AND f.subject = j.subject
            ORDER BY f.occurrence DESC LIMIT 1
        ) last ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_agg({_DOCUMENT} ORDER BY d.remote_id), '[]') AS documents
            FROM (SELECT d.* FROM ledger_remotedocument d
                  WHERE d.tenant = %(tenant)s AND d.system = %(system)s AND upper(d.number) = j.subject
                    AND d.number <> ''
                  LIMIT 20) d
        ) t
        WHERE last.is_open IS NOT TRUE
        ORDER BY j.subject, k.kind
        ON CONFLICT DO NOTHING
        RETURNING kind
    ), settled AS MATERIALIZED (
        SELECT f.id, f.tenant, f.kind
        FROM judged j
        CROSS JOIN LATERAL (
            SELECT f.id, f.tenant, f.kind FROM ledger_findingraised f
            WHERE f.tenant = %(tenant)s AND f.system = %(system)s AND f.subject = j.subject
            OFFSET 0
        ) f
        WHERE f.kind <> ALL (j.differing)
          AND NOT EXISTS (SELECT FROM ledger_findingresolved d WHERE d.tenant = f.tenant AND d.finding_id = f.id)
    ), resolved AS (
        INSERT INTO ledger_findingresolved (tenant, finding_id)
        SELECT v.tenant, v.id FROM settled v ORDER BY v.id
        ON CONFLICT DO NOTHING
    )
    SELECT 'raised', kind, count(*) FROM raised GROUP BY kind
    UNION ALL
    SELECT 'resolved', kind, count(*) FROM settled GROUP BY kind
"""  # noqa: S608

# What has been compared waits no longer.
DONE = "DELETE FROM ledger_pendingcomparison WHERE tenant = %(tenant)s AND system = %(system)s"
