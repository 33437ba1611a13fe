-- Only an unresolved alarm can be acknowledged, by an event of its own tenant, and only one that nobody can repair:
-- about rows that never change, about keys from before the rules for keys, and about sealed rows that are gone. A lost
-- value can be flagged as a gap. The schema, privileges, queues, counters and settings can be corrected. For a sealed
-- row that was changed, an acknowledgement would also cover its next change.
CREATE OR REPLACE FUNCTION ledger_alarm_may_stand() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    found text;
BEGIN
    SELECT a.kind INTO found FROM ledger_alarmraised a
    WHERE a.id = NEW.alarm_id AND a.tenant IS NOT DISTINCT FROM NEW.tenant;
    IF found IS NULL THEN
        RAISE EXCEPTION 'alarm % does not belong to tenant %', NEW.alarm_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = NEW.alarm_id) THEN
        RAISE EXCEPTION 'alarm % is resolved', NEW.alarm_id USING ERRCODE = 'check_violation';
    END IF;
    IF found <> ALL (ARRAY[
        'adoption-of-nothing', 'after-closing', 'below-first', 'cancelled-in-use', 'code-text', 'date-outside',
        'declared-no-gap', 'document-form', 'document-of-child', 'document-text', 'document-twice', 'draft-of-nothing',
        'explained-no-gap', 'finding-of-stranger', 'finding-twice', 'gap-of-nothing', 'gap-with-document',
        'hole-of-nothing', 'no-period', 'number-twice', 'other-period', 'period-of-stranger', 'period-overlaps',
        'sealed-row-gone', 'tenant-form', 'tenant-of-child', 'tenant-text', 'unknown-kind', 'unreadable', 'void-of-gap',
        'void-of-nothing',
        'void-of-stranger', 'void-too-early', 'void-twice', 'wrong-number'
    ]) THEN
        RAISE EXCEPTION 'an alarm of the kind % is mended, not acknowledged', found USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
