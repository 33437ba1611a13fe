-- Whatever wrote it, an entry fits its period: same tenant and series, an open period, a value that the counter gave
-- out, a date inside, and the period's own format; where values have drafts, the number of its value's draft. Its texts
-- and facts can be read for ever. What replaces a number is for the same document, and that number is void. (A statement
-- trigger with a transition table costs six times as much.) One look says whether all is well; only a misfit is read
-- column by column, to say why.
CREATE OR REPLACE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    fits boolean;
    period record;
    expected text;
    problem text;
BEGIN
    -- Found by its key alone: with more conditions to choose from, the planner may take an index that reads every
    -- period of the series.
    SELECT (NEW.kind = 'issued' OR NEW.kind = 'adopted' AND ledger_is_moment(NEW.issued_at))
       AND p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.closed_at IS NULL
       AND NEW.value BETWEEN p.first_value AND p.last_value
       AND NEW.issued_on BETWEEN p.starts_on AND p.ends_on
       AND NOT p.has_drafts AND NEW.number = ledger_number(p.prefix, p.width, p.suffix, NEW.value, NEW.issued_on)
       AND length(NEW.number) <= 100
       AND (NEW.document = '' OR ledger_is_key(NEW.document)) AND (NEW.actor = '' OR ledger_is_key(NEW.actor))
       AND (NEW.metadata = '{}' OR ledger_is_facts(NEW.metadata))
       AND NEW.replaces_id IS NULL
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits THEN
        RETURN NEW;
    END IF;

    SELECT p.* INTO period FROM ledger_period p WHERE p.id = NEW.period_id;
    IF period.has_drafts THEN
        expected := ledger_drafted(NEW.tenant, NEW.period_id, NEW.value);
    END IF;
    expected := coalesce(expected, ledger_number(period.prefix, period.width, period.suffix, NEW.value,
                                                 CASE WHEN NEW.kind <> 'gap' OR NEW.metadata ? 'reservation'::text
                                                      THEN NEW.issued_on END));
    IF NEW.kind = 'gap' AND NEW.number = expected || ' (taken)' THEN
        expected := ledger_gap_number(NEW.tenant, NEW.period_id, NEW.value,
                                      CASE WHEN NEW.metadata ? 'reservation'::text THEN NEW.issued_on END);
    END IF;
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
        WHEN NEW.document > '' AND NOT ledger_is_key(NEW.document) THEN 'its document can''t be a key'
        WHEN NEW.actor > '' AND NOT ledger_is_key(NEW.actor) THEN 'its actor can''t be a name'
        WHEN NOT ledger_is_facts(NEW.metadata)
            THEN 'its metadata are no JSON object, or too large, too deep, or hold too long a number'
        WHEN NOT ledger_is_moment(NEW.issued_at) THEN 'its time is not in the years 1900 to 2999'
        WHEN length(NEW.number) > 110 OR NOT ledger_is_key(NEW.number) THEN 'its number can''t be read'
        WHEN NEW.replaces_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM ledger_entry e JOIN ledger_numbervoided v ON v.tenant = e.tenant AND v.entry_id = e.id
            WHERE e.id = NEW.replaces_id AND e.tenant = NEW.tenant AND e.series_id = NEW.series_id
              AND e.document = NEW.document AND e.document > '')
            THEN 'it replaces a number that is not void, or is another document''s'
        WHEN NEW.kind = 'adopted' AND ledger_is_awaited(NEW.tenant, NEW.number, NEW.period_id, NEW.value, NULL::bigint)
            THEN 'the number is one that a series of the tenant may still give out'
        WHEN NEW.kind = 'adopted' OR NEW.number = expected THEN NULL
        WHEN period.has_drafts THEN 'its number is not that of its draft, ' || expected
        ELSE 'its number is not of the period''s format' END;
    IF problem IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the entry for value % does not fit: %', NEW.value, problem
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_fits', TABLE = 'ledger_entry';
END $$;
