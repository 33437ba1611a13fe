-- Drafts in an accounting system, whose numbers a `remote` series gives out. The number of a value is that of its draft,
-- as long as the ledger stands: DraftMade is an event, and every entry is compared with it.

CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_draftmade
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_draftmade
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_draftmade ENABLE ALWAYS TRIGGER ledger_append_only_rows;
ALTER TABLE ledger_draftmade ENABLE ALWAYS TRIGGER ledger_append_only_table;
CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_draftcancelled
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_draftcancelled
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_draftcancelled ENABLE ALWAYS TRIGGER ledger_append_only_rows;
ALTER TABLE ledger_draftcancelled ENABLE ALWAYS TRIGGER ledger_append_only_table;

-- The draft of a value, or nulls.
CREATE FUNCTION ledger_drafted(p_tenant text, p_period bigint, p_value bigint) RETURNS ledger_draftmade
LANGUAGE plpgsql STABLE
-- As in queues.sql.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    draft ledger_draftmade;
BEGIN
    SELECT d.* INTO draft FROM ledger_draftmade d
    WHERE d.tenant = p_tenant AND d.period_id = p_period AND d.value = p_value;
    RETURN draft;
END $$;

-- What an entry keeps of a draft that no document got.
CREATE FUNCTION ledger_draft_evidence(p_draft ledger_draftmade) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p_draft).id IS NULL THEN '{}'::jsonb
                ELSE jsonb_build_object('draft', jsonb_build_object(
                    'system', (p_draft).system, 'remote_id', (p_draft).remote_id,
                    'reference', (p_draft).reference, 'drafted_at', (p_draft).drafted_at)) END
$$;

-- A draft gives its number to a value that the counter has just given out, and that no entry has; or it says why not.
CREATE FUNCTION ledger_draft_fits() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    fits boolean;
BEGIN
    SELECT p.tenant = NEW.tenant
       AND CASE WHEN NEW.value IS NULL THEN NEW.refusal > ''
                ELSE NEW.refusal = '' AND NEW.number > '' AND p.closed_at IS NULL AND p.has_drafts
                     AND NEW.value BETWEEN p.first_value AND p.last_value END
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'the draft % does not fit: its period % is closed or of another tenant, or never gave out value %',
            quote_literal(NEW.number), NEW.period_id, coalesce(NEW.value::text, 'null')
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.value IS NOT NULL AND (
        SELECT e.value FROM ledger_entry e
        WHERE e.tenant = NEW.tenant AND e.period_id = NEW.period_id AND e.value >= NEW.value
        ORDER BY e.value LIMIT 1) = NEW.value THEN
        RAISE EXCEPTION 'the value % of period % has an entry, so no draft can number it', NEW.value, NEW.period_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_draft_fits BEFORE INSERT ON ledger_draftmade
    FOR EACH ROW EXECUTE FUNCTION ledger_draft_fits();
ALTER TABLE ledger_draftmade ENABLE ALWAYS TRIGGER ledger_draft_fits;

-- A period that has drafts has them for ever: else its values would be numbered by the template.
CREATE FUNCTION ledger_period_keeps_drafts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'period % has drafts, which number its values', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_period_keeps_drafts AFTER UPDATE OF has_drafts ON ledger_period FOR EACH ROW
    WHEN (OLD.has_drafts AND NOT NEW.has_drafts) EXECUTE FUNCTION ledger_period_keeps_drafts();
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_keeps_drafts;

-- As in events.sql; and where values have drafts, an entry bears the number of its value's draft and no other.
CREATE OR REPLACE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
    period ledger_period;
    expected text;
    problem text;
BEGIN
    -- Found by its key alone: with more conditions to choose from, the planner may take an index that reads every
    -- period of the series.
    SELECT (NEW.kind IN ('issued', 'adopted') OR (NEW.kind = 'gap' AND NEW.document = ''))
       AND p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.closed_at IS NULL
       AND NEW.value BETWEEN p.first_value AND p.last_value
       AND NEW.issued_on BETWEEN p.starts_on AND p.ends_on
       AND (NEW.kind = 'adopted'
            OR NOT p.has_drafts AND NEW.number = ledger_number(p.prefix, p.width, p.suffix, NEW.value))
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits THEN
        RETURN NEW;
    END IF;
    SELECT * INTO period FROM ledger_period p WHERE p.id = NEW.period_id;
    IF period.has_drafts THEN
        expected := (ledger_drafted(NEW.tenant, NEW.period_id, NEW.value)).number;
    END IF;
    expected := coalesce(expected, ledger_number(period.prefix, period.width, period.suffix, NEW.value));
    problem := CASE
        WHEN period.id IS NULL THEN 'its period does not exist'
        WHEN period.tenant <> NEW.tenant OR period.series_id <> NEW.series_id
            THEN 'its period is of another tenant or series'
        WHEN period.closed_at IS NOT NULL THEN 'its period is closed'
        WHEN NEW.value NOT BETWEEN period.first_value AND period.last_value
            THEN 'the counter never gave out that value'
        WHEN NEW.issued_on NOT BETWEEN period.starts_on AND period.ends_on
            THEN 'its date lies outside the period'
        WHEN NEW.kind NOT IN ('issued', 'adopted', 'gap') THEN 'its kind is unknown'
        WHEN NEW.kind = 'gap' AND NEW.document > '' THEN 'no document bears a gap'
        WHEN NEW.number = expected AND period.has_drafts THEN NULL
        WHEN period.has_drafts THEN 'its number is not that of its draft, ' || expected
        ELSE 'its number is not of the period''s format' END;
    IF problem IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the entry for value % does not fit: %', NEW.value, problem USING ERRCODE = 'check_violation';
END $$;

-- As in gaps.sql; the number is that of the draft, where there is one, and the draft is evidence.
CREATE OR REPLACE FUNCTION ledger_flag_gap(p_tenant text, p_period bigint, p_value bigint, p_cause text, p_actor text)
RETURNS text LANGUAGE plpgsql
-- A checkout that holds the value is not waited for; it has won.
SET lock_timeout = '5ms' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period ledger_period;
    reservation ledger_reservation;
    draft ledger_draftmade;
    day date;
    evidence jsonb;
    flagged boolean;
BEGIN
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    IF period.tenant IS DISTINCT FROM p_tenant THEN RETURN 'missing'; END IF;
    IF period.closed_at IS NOT NULL THEN RETURN 'closed'; END IF;
    SELECT (clock_timestamp() AT TIME ZONE s.time_zone)::date INTO day FROM ledger_series s WHERE s.id = period.series_id;
    IF period.has_drafts THEN draft := ledger_drafted(p_tenant, p_period, p_value); END IF;

    SELECT * INTO reservation FROM ledger_reservation r
    WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value FOR UPDATE;
    IF FOUND THEN
        day := reservation.issued_on;
        evidence := ledger_evidence(reservation, p_cause);
    ELSE
        PERFORM FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value FOR UPDATE;
        IF NOT FOUND AND p_cause <> 'lost' THEN
            RETURN CASE WHEN (SELECT e.value FROM ledger_entry e
                              WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.value >= p_value
                              ORDER BY e.value LIMIT 1) = p_value
                        THEN 'settled' ELSE 'missing' END;
        END IF;
        evidence := jsonb_build_object('cause', p_cause) || ledger_draft_evidence(draft);
    END IF;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, period.series_id, p_period, p_value, 'gap',
            coalesce(draft.number, ledger_number(period.prefix, period.width, period.suffix, p_value)), '',
            greatest(least(day, period.ends_on), period.starts_on), p_actor, evidence)
    ON CONFLICT DO NOTHING;
    flagged := FOUND;
    DELETE FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value;
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value;
    RETURN CASE WHEN flagged THEN 'flagged' ELSE 'settled' END;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    RETURN 'in_flight';
END $$;

-- As in gaps.sql; but a slot that has a draft becomes a gap wherever it lies, since its number stands in the accounting
-- system, and is never another value's.
CREATE OR REPLACE FUNCTION ledger_settle_period(p_tenant text, p_period bigint, p_cause text, p_actor text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    period ledger_period;
    highest bigint;
    day date;
    flagged bigint;
BEGIN
    -- Slots go before the counter falls, which is in order at the end.
    SET CONSTRAINTS ledger_slot_is_kept DEFERRED;
    -- Each of these waits until its checkout has ended; afterwards a new statement sees what it did.
    PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period ORDER BY s.value FOR UPDATE;
    PERFORM FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period ORDER BY r.value FOR UPDATE;
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, period.ends_on), period.starts_on)
    INTO day FROM ledger_series s WHERE s.id = period.series_id;
    SELECT greatest((SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = p_tenant AND e.period_id = p_period),
                    (SELECT max(r.value) FROM ledger_reservation r
                     WHERE r.tenant = p_tenant AND r.period_id = p_period),
                    (SELECT max(d.value) FROM ledger_draftmade d
                     WHERE d.tenant = p_tenant AND d.period_id = p_period))
    INTO highest;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, issued_on, actor, metadata, document)
    SELECT p_tenant, period.series_id, p_period, w.value, 'gap',
           coalesce((w.draft).number, ledger_number(period.prefix, period.width, period.suffix, w.value)), w.issued_on,
           p_actor, w.evidence || ledger_draft_evidence(w.draft), ''
    FROM (SELECT r.value, r.issued_on, ledger_evidence(r, p_cause) AS evidence, NULL::ledger_draftmade AS draft
          FROM ledger_reservation r
          WHERE r.tenant = p_tenant AND r.period_id = p_period
          UNION ALL
          SELECT s.value, day, jsonb_build_object('cause', p_cause), d FROM ledger_slot s
          LEFT JOIN ledger_draftmade d ON d.tenant = s.tenant AND d.period_id = s.period_id AND d.value = s.value
          WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value <= highest) w
    ORDER BY w.value;
    GET DIAGNOSTICS flagged = ROW_COUNT;
    DELETE FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period;
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period;
    IF FOUND AND period.last_value > coalesce(highest, period.first_value - 1) THEN
        UPDATE ledger_period p SET last_value = coalesce(highest, period.first_value - 1) WHERE p.id = p_period;
    END IF;
    DELETE FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = p_period;
    RETURN flagged;
END $$;

-- As in search_path.sql: a guard looks into its own schema, and never at a temporary table of the session.
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['ledger_entry_fits()', 'ledger_draft_fits()', 'ledger_period_keeps_drafts()',
                                 'ledger_drafted(text, bigint, bigint)']
    LOOP
        EXECUTE format('ALTER FUNCTION %I.%s SET search_path = %I, pg_temp', current_schema(), guard, current_schema());
    END LOOP;
END $$;
