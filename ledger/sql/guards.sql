-- The guards of the tables, beside their functions: triggers, exclusion constraints, checks and a few indexes that
-- Django can't express. Each statement ends with a semicolon at the end of a line, and runs by itself.

-- Event tables: append-only. (ledger.sql.installing adds the two triggers to each, and an index by transaction.)

-- Entries.
CREATE TRIGGER ledger_entry_fits BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_fits();
-- A comparison finds the rows written since the last one by their transactions, and those that have become old by their
-- times. Rows are inserted nearly in that order, so an index with a few bytes for each part of the table is enough, and
-- issuing doesn't pay for it.
CREATE INDEX ledger_entry_written ON ledger_entry USING brin (transaction_id, issued_at) WITH (autosummarize = on, pages_per_range = 32);

-- What is said about entries. These rows are few, so plain checks are fast enough.
CREATE TRIGGER ledger_void_fits BEFORE INSERT ON ledger_numbervoided FOR EACH ROW EXECUTE FUNCTION ledger_void_fits();
ALTER TABLE ledger_numbervoided ADD CONSTRAINT ledger_numbervoided_readable CHECK (reason <> '' AND ledger_is_prose(reason) AND (actor = '' OR ledger_is_key(actor)) AND (replacement = '' OR ledger_is_key(replacement)) AND ledger_is_moment(voided_at));
CREATE TRIGGER ledger_registration_fits BEFORE INSERT ON ledger_numberregistered FOR EACH ROW EXECUTE FUNCTION ledger_void_fits();
ALTER TABLE ledger_numberregistered ADD CONSTRAINT ledger_numberregistered_readable CHECK (ledger_is_key(authority) AND length(authority) <= 60 AND ledger_is_key(reference) AND digest ~ '^([0-9a-f]{64})?$' AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(registered_at));
ALTER TABLE ledger_gapexplained ADD CONSTRAINT ledger_gapexplained_readable CHECK (explanation <> '' AND ledger_is_prose(explanation) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(explained_at));
CREATE TRIGGER ledger_declaration_fits BEFORE INSERT ON ledger_gapdeclared FOR EACH ROW EXECUTE FUNCTION ledger_declaration_fits();
-- No value of a period is declared twice to one authority.
ALTER TABLE ledger_gapdeclared ADD CONSTRAINT ledger_gapdeclared_no_overlap EXCLUDE USING gist (ledger_values_as_range(authority, period_id::text, '', first_value, last_value) WITH &&);
ALTER TABLE ledger_gapdeclared ADD CONSTRAINT ledger_gapdeclared_readable CHECK (ledger_is_key(authority) AND ledger_is_key(reference) AND ledger_is_prose(justification) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(declared_at));
ALTER TABLE ledger_adoption ADD CONSTRAINT ledger_adoption_readable CHECK (length(source) <= 255 AND ledger_is_prose(source) AND digest ~ '^([0-9a-f]{64})?$' AND ledger_is_facts(options) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(adopted_at));
ALTER TABLE ledger_holereported ADD CONSTRAINT ledger_holereported_readable CHECK (ledger_is_moment(reported_at));
ALTER TABLE ledger_holehealed ADD CONSTRAINT ledger_holehealed_readable CHECK (ledger_is_moment(healed_at));
CREATE TRIGGER ledger_authorisedrange_fits BEFORE INSERT ON ledger_authorisedrange FOR EACH ROW EXECUTE FUNCTION ledger_range_fits();
CREATE TRIGGER ledger_rangelapsed_fits BEFORE INSERT ON ledger_rangelapsed FOR EACH ROW EXECUTE FUNCTION ledger_range_fits();
ALTER TABLE ledger_authorisedrange ADD CONSTRAINT ledger_authorisedrange_readable CHECK (ledger_is_key(authority) AND length(authority) <= 60 AND ledger_is_key(reference) AND (prefix = '' OR ledger_is_key(prefix)) AND (document_type = '' OR ledger_is_key(document_type) AND length(document_type) <= 20) AND (key_reference = '' OR ledger_is_key(key_reference)) AND (document = '' OR ledger_is_key(document)) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(authorised_at));
ALTER TABLE ledger_rangelapsed ADD CONSTRAINT ledger_rangelapsed_readable CHECK ((actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(lapsed_at));

-- Changes of settings.
CREATE TRIGGER ledger_series_noted AFTER INSERT OR UPDATE ON ledger_series FOR EACH ROW EXECUTE FUNCTION ledger_note_series();
CREATE TRIGGER ledger_period_noted AFTER UPDATE OF tenant, series_id, starts_on, ends_on, ordinal, prefix, width, suffix, first_value, max_value, has_drafts, cut_short, closed_at ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_note_period();
CREATE TRIGGER ledger_access_noted AFTER INSERT OR UPDATE OR DELETE ON ledger_tenantaccess FOR EACH ROW EXECUTE FUNCTION ledger_note_access();
CREATE TRIGGER ledger_binding_noted AFTER INSERT OR UPDATE OR DELETE ON ledger_tenantbinding FOR EACH ROW EXECUTE FUNCTION ledger_note_access();
ALTER TABLE ledger_serieschanged ADD CONSTRAINT ledger_serieschanged_readable CHECK (ledger_is_facts(old) AND ledger_is_facts(new) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(changed_at));
ALTER TABLE ledger_periodchanged ADD CONSTRAINT ledger_periodchanged_readable CHECK (ledger_is_facts(old) AND ledger_is_facts(new) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(changed_at));
ALTER TABLE ledger_accesschanged ADD CONSTRAINT ledger_accesschanged_readable CHECK ((tenant = '' OR ledger_is_key(tenant)) AND ledger_is_key("user") AND kind IN ('given', 'taken') AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(changed_at));

-- Seals. The leaves are read in pieces, so they are stored uncompressed; hashes don't compress anyway.
ALTER TABLE ledger_seal ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE ledger_seal ADD CONSTRAINT ledger_seal_readable CHECK (number >= 1 AND length(tenant) <= 200 AND octet_length(head) <= 1048576 AND octet_length(state) <= 8192 * size AND octet_length(salt) = 32 AND octet_length(leaves) = 32 * size AND root ~ '^[0-9a-f]{64}$' AND key ~ '^([0-9a-f]{64})?$' AND signature ~ '^([0-9a-f]{128})?$' AND cosignature ~ '^([0-9a-f]{128})?$' AND ledger_is_moment(sealed_at));
ALTER TABLE ledger_sealanchored ADD CONSTRAINT ledger_sealanchored_readable CHECK (kind ~ '^[a-z0-9-]{1,20}$' AND length(token) <= 100000 AND token !~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]' AND ledger_is_moment(anchored_at));

-- Series and periods.
CREATE TRIGGER ledger_series_guard_update AFTER UPDATE ON ledger_series FOR EACH ROW WHEN ((NEW.tenant, NEW.code) IS DISTINCT FROM (OLD.tenant, OLD.code)) EXECUTE FUNCTION ledger_series_guard();
-- No two periods of a series share a day, except authorised ranges; and none ends before it begins, because that is no range.
ALTER TABLE ledger_period ADD CONSTRAINT ledger_period_no_overlap EXCLUDE USING gist (ledger_days_as_range(series_id, starts_on, ends_on) WITH &&) WHERE (ordinal = 0);
-- Two periods of one tenant with the same prefix and suffix give out no number twice. ledger_period_fits finds different
-- formats that can still give the same number. It also finds an ended form whose values the next form repeats with
-- another width (ledger_part_forms limits both).
ALTER TABLE ledger_period ADD CONSTRAINT ledger_period_format EXCLUDE USING gist (ledger_values_as_range(tenant, prefix, suffix, first_value, max_value) WITH &&) WHERE (NOT cut_short);
-- The hot path changes only last_value, so these triggers must cost it little. So they have column lists. A condition is
-- one comparison, because PostgreSQL reads it again in every statement (a counter that is raised too far, or in a closed
-- period, gives out nothing: ledger_entry_fits refuses, and ledger_verify reports it). And they run AFTER, because a
-- BEFORE row trigger locks the row with an extra WAL record.
CREATE TRIGGER ledger_period_guard_counter AFTER UPDATE OF last_value ON ledger_period FOR EACH ROW WHEN (NEW.last_value < OLD.last_value) EXECUTE FUNCTION ledger_period_guard();
CREATE TRIGGER ledger_period_guard_format AFTER UPDATE OF tenant, series_id, starts_on, ends_on, ordinal, prefix, width, suffix, first_value, max_value, has_drafts, cut_short, closed_at ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_guard();
CREATE TRIGGER ledger_period_guard_delete AFTER DELETE ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_guard();
CREATE TRIGGER ledger_period_fits AFTER INSERT ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_fits();
CREATE TRIGGER ledger_period_fits_update AFTER UPDATE OF tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, max_value ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_fits();

-- Queues.
CREATE TRIGGER ledger_slot_fits BEFORE INSERT ON ledger_slot FOR EACH ROW EXECUTE FUNCTION ledger_queued_fits();
CREATE TRIGGER ledger_slot_stays BEFORE UPDATE ON ledger_slot FOR EACH ROW EXECUTE FUNCTION ledger_refuse_update();
CREATE CONSTRAINT TRIGGER ledger_slot_is_kept AFTER DELETE ON ledger_slot DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept();
CREATE TRIGGER ledger_reservation_fits BEFORE INSERT ON ledger_reservation FOR EACH ROW EXECUTE FUNCTION ledger_queued_fits();
CREATE TRIGGER ledger_reservation_stays BEFORE UPDATE ON ledger_reservation FOR EACH ROW EXECUTE FUNCTION ledger_refuse_update();
CREATE CONSTRAINT TRIGGER ledger_reservation_is_kept AFTER DELETE ON ledger_reservation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept();
ALTER TABLE ledger_reservation ADD CONSTRAINT ledger_reservation_readable CHECK (ledger_is_reservation(document, actor, reserved_at));
-- ALWAYS, because an ordinary trigger doesn't run in replica mode: a ticket must not outlive its transaction.
CREATE CONSTRAINT TRIGGER ledger_ticket_numbered AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_number_tickets();
-- Tickets are found by their transaction, which has a few of them. A primary key would be one more index to update in
-- every checkout, and the ids come from an identity column.
ALTER TABLE ledger_ticket DROP CONSTRAINT IF EXISTS ledger_ticket_pkey;
-- No transaction leaves such rows behind, so they need not survive a crash.
ALTER TABLE ledger_ticket SET UNLOGGED;
ALTER TABLE ledger_adoptingrow SET UNLOGGED;
ALTER TABLE ledger_adoptingday SET UNLOGGED;

-- Alarms, findings and drafts.
CREATE TRIGGER ledger_finding_fits BEFORE INSERT ON ledger_findingraised FOR EACH ROW EXECUTE FUNCTION ledger_finding_fits();
CREATE TRIGGER ledger_finding_resolved_fits BEFORE INSERT ON ledger_findingresolved FOR EACH ROW EXECUTE FUNCTION ledger_of_finding_fits();
CREATE TRIGGER ledger_finding_acknowledged_fits BEFORE INSERT ON ledger_findingacknowledged FOR EACH ROW EXECUTE FUNCTION ledger_of_finding_fits();
CREATE TRIGGER ledger_alarm_resolved_fits BEFORE INSERT ON ledger_alarmresolved FOR EACH ROW EXECUTE FUNCTION ledger_of_alarm_fits();
CREATE TRIGGER ledger_alarm_acknowledged_fits BEFORE INSERT ON ledger_alarmacknowledged FOR EACH ROW EXECUTE FUNCTION ledger_alarm_may_stand();
ALTER TABLE ledger_alarmraised ADD CONSTRAINT ledger_alarmraised_readable CHECK (kind ~ '^[a-z-]{1,40}$' AND subject ~ '^[0-9a-f]{64}$' AND length(problem) <= 1000 AND length(remedy) <= 1000 AND length(number) <= 1000 AND length(table_name) <= 63 AND greatest(octet_length(tenant), octet_length(series)) <= 1048576 AND (starts_on BETWEEN '0001-01-01' AND '9999-12-31') IS NOT FALSE AND ledger_is_moment(raised_at));
ALTER TABLE ledger_alarmresolved ADD CONSTRAINT ledger_alarmresolved_readable CHECK (ledger_is_moment(resolved_at));
ALTER TABLE ledger_alarmacknowledged ADD CONSTRAINT ledger_alarmacknowledged_readable CHECK (reason <> '' AND ledger_is_prose(reason) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(acknowledged_at));
ALTER TABLE ledger_findingraised ADD CONSTRAINT ledger_findingraised_readable CHECK (jsonb_typeof(facts) = 'object' AND octet_length(facts::text) <= 1048576 AND greatest(length(system), length(kind), length(subject), length(number), length(document)) <= 1000 AND ledger_is_moment(raised_at));
ALTER TABLE ledger_findingresolved ADD CONSTRAINT ledger_findingresolved_readable CHECK (ledger_is_moment(resolved_at));
ALTER TABLE ledger_findingacknowledged ADD CONSTRAINT ledger_findingacknowledged_readable CHECK (reason <> '' AND ledger_is_prose(reason) AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(acknowledged_at));
CREATE TRIGGER ledger_draft_fits BEFORE INSERT ON ledger_draftmade FOR EACH ROW EXECUTE FUNCTION ledger_draft_fits();
ALTER TABLE ledger_draftmade ADD CONSTRAINT ledger_draftmade_readable CHECK (length(number) <= 100 AND length(system) <= 100 AND length(remote_id) <= 300 AND length(reference) <= 200 AND ledger_is_prose(refusal) AND ledger_is_moment(drafted_at));
ALTER TABLE ledger_draftcancelled ADD CONSTRAINT ledger_draftcancelled_readable CHECK (state <> '' AND length(state) <= 20 AND (actor = '' OR ledger_is_key(actor)) AND ledger_is_moment(cancelled_at));
-- A full reading notes for each document that it was seen. With free space on the page, this update touches no index.
ALTER TABLE ledger_remotedocument SET (fillfactor = 80);
