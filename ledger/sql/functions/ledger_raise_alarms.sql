-- Record what a look at the ledger has found: raise an alarm for each row of a JSON list, unless the same alarm is
-- unresolved, or this login may not act for its tenant. Returns how many were raised. If two looks run at once, the unique
-- constraint gives the occurrence to one of them. Two alarms are the same if their text and place are, so nobody can hide
-- one by raising another.
CREATE OR REPLACE FUNCTION ledger_raise_alarms(p_alarms jsonb) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    raised bigint;
BEGIN
    INSERT INTO ledger_alarmraised (tenant, kind, rule, series, starts_on, ordinal, value, through, number, table_name,
                                    row_id, problem, remedy, subject, occurrence)
    SELECT DISTINCT ON (r.subject)
           r.tenant, r.kind, r.rule, r.series, r.starts_on, r.ordinal, r.value, r.through, r.number, r.table_name, r.row_id,
           r.problem, r.remedy, r.subject, 1 + coalesce(k.occurrence, 0)
    FROM (
        SELECT f.*, encode(sha256(convert_to(jsonb_build_array(
                   f.kind, f.tenant, f.series, f.starts_on, f.ordinal, f.value, f.through, f.table_name, f.row_id, f.problem
               )::text, 'UTF8')), 'hex') AS subject
        FROM jsonb_to_recordset(p_alarms) AS f (
            tenant text, kind text, rule smallint, series text, starts_on date, ordinal integer, value bigint, through bigint,
            number text, table_name text, row_id bigint, problem text, remedy text
        )
    ) r
    LEFT JOIN (
        SELECT a.subject, max(a.occurrence) AS occurrence,
               bool_or(NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)) AS is_open
        FROM ledger_alarmraised a
        GROUP BY a.subject
    ) k ON k.subject = r.subject
    WHERE k.is_open IS NOT TRUE AND (r.tenant IS NULL OR ledger_serves(r.tenant))
      AND NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = r.tenant AND m.state <> 'arrived')
    ORDER BY r.subject
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS raised = ROW_COUNT;
    RETURN raised;
END $$;
