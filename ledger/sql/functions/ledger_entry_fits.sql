-- For every writer: an entry fits its period. It has the same tenant and series, an open period, a value that the
-- counter gave out, a date inside the period, and the period's own format. Its texts and metadata can always be read.
-- One expression accepts nearly all entries; ledger_refuse_misfit checks the others column by column. (A statement
-- trigger with a transition table costs six times as much.)
--
-- Each issue pays for this trigger, so it has no search_path of its own, which would cost as much as the check itself.
-- It names the schema of everything it uses, and its operators are those of pg_catalog for exactly these types, which
-- always win.
CREATE OR REPLACE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
BEGIN
    -- The period is found only by its key: with more conditions, the planner may choose an index that reads every period
    -- of the series. In each transaction PostgreSQL prepares the whole expression, even the parts that it doesn't reach.
    -- So this one covers only the usual number, without a token of the document's date, and keys of printable ASCII.
    SELECT p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.closed_at IS NULL
       AND NEW.value BETWEEN p.first_value AND p.last_value
       AND NEW.issued_on BETWEEN p.starts_on AND p.ends_on
       AND NOT p.moves AND NOT p.has_drafts AND NEW.replaces_id IS NULL
       AND NEW.number = p.prefix || lpad(NEW.value::text, greatest(p.width, length(NEW.value::text)), '0') || p.suffix
       AND length(NEW.number) <= 100 AND length(NEW.document) <= 200 AND length(NEW.actor) <= 200
       AND NEW.number || NEW.document || NEW.actor COLLATE pg_catalog."C" !~ '[^ -z|-~]'
       AND NEW.document = btrim(NEW.document) AND NEW.actor = btrim(NEW.actor)
    INTO fits FROM @schema@.ledger_period p WHERE p.id = NEW.period_id;
    IF fits AND NEW.kind = 'issued' AND NEW.metadata = '{}'::jsonb THEN
        RETURN NEW;
    ELSIF fits AND (NEW.kind = 'issued' OR NEW.kind = 'adopted' AND @schema@.ledger_is_moment(NEW.issued_at))
        AND @schema@.ledger_is_facts(NEW.metadata) THEN
        RETURN NEW;
    END IF;
    PERFORM @schema@.ledger_refuse_misfit(
        NEW.tenant, NEW.series_id, NEW.period_id, NEW.value, NEW.kind, NEW.number, NEW.document, NEW.issued_on,
        NEW.issued_at, NEW.actor, NEW.metadata, NEW.replaces_id);
    RETURN NEW;
END $$;
