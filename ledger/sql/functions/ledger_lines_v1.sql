-- Every row that seals cover, as the sealed line: format 1, which never changes. A table with a new column would get
-- lines of format 2. ledger/seals/folio_verify.py says what a line contains.
--
-- Moments are in UTC and dates in JSON's form, so neither time zone nor DateStyle changes a line; an infinite time has a
-- text too. Personal texts are beside the line, so that they can be withheld. Series and periods are state, not events:
-- they have no era and no transaction, but the version of the row.
--
-- PostgreSQL inlines this query into the calling statement, so that it reads only one table, one tenant or some ids. It
-- names each table with its schema, because it runs with the caller's search path.
CREATE OR REPLACE FUNCTION ledger_lines_v1() RETURNS TABLE (
    source text, id bigint, tenant text, era integer, transaction_id bigint, version xid, line text, personal text
) LANGUAGE sql STABLE AS $$
    SELECT 'ledger_accesschanged'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_accesschanged', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e."user", e.kind, e.changed_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor)::text
    FROM @schema@.ledger_accesschanged e
    UNION ALL
    SELECT 'ledger_adoptedgap'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_adoptedgap', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.adoption_id, s.code, p.starts_on, p.ordinal, e.first_value, e.last_value)::text, NULL::text
    FROM @schema@.ledger_adoptedgap e
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id LEFT JOIN @schema@.ledger_series s ON s.id = p.series_id
    UNION ALL
    SELECT 'ledger_adoption'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_adoption', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, e.source, e.digest, e.rows, e.options, e.adopted_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor)::text
    FROM @schema@.ledger_adoption e LEFT JOIN @schema@.ledger_series s ON s.id = e.series_id
    UNION ALL
    SELECT 'ledger_alarmacknowledged'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_alarmacknowledged', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.alarm_id, e.acknowledged_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor, e.reason)::text
    FROM @schema@.ledger_alarmacknowledged e
    UNION ALL
    SELECT 'ledger_alarmraised'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_alarmraised', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.kind, e.rule, e.series, e.starts_on, e.ordinal, e.value, e.through, e.number, e.table_name,
                            e.row_id, e.problem, e.remedy, e.subject, e.occurrence, e.raised_at AT TIME ZONE 'UTC')::text,
           NULL::text
    FROM @schema@.ledger_alarmraised e
    UNION ALL
    SELECT 'ledger_alarmresolved'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_alarmresolved', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.alarm_id, e.resolved_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_alarmresolved e
    UNION ALL
    SELECT 'ledger_authorisedrange'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_authorisedrange', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, p.starts_on, p.ordinal, e.prefix, e.first_value, e.last_value, e.valid_from, e.valid_to,
                            e.authority, e.reference, e.document_type, e.key_reference, e.document,
                            e.authorised_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor)::text
    FROM @schema@.ledger_authorisedrange e
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id LEFT JOIN @schema@.ledger_series s ON s.id = e.series_id
    UNION ALL
    SELECT 'ledger_draftcancelled'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_draftcancelled', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.draft_id, e.state, e.cancelled_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor)::text
    FROM @schema@.ledger_draftcancelled e
    UNION ALL
    SELECT 'ledger_draftmade'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_draftmade', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, p.starts_on, p.ordinal, e.ordinal, e.value, e.number, e.system, e.remote_id,
                            e.reference, e.refusal, e.drafted_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_draftmade e
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id LEFT JOIN @schema@.ledger_series s ON s.id = p.series_id
    UNION ALL
    SELECT 'ledger_entry'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_entry', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, p.starts_on, p.ordinal, e.value, e.kind, e.number, e.document, e.issued_on,
                            e.issued_at AT TIME ZONE 'UTC', e.replaces_id)::text,
           json_build_array(e.actor, e.metadata)::text
    FROM @schema@.ledger_entry e
    LEFT JOIN @schema@.ledger_series s ON s.id = e.series_id
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id AND p.series_id = e.series_id
    UNION ALL
    SELECT 'ledger_findingacknowledged'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_findingacknowledged', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.finding_id, e.acknowledged_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor, e.reason)::text
    FROM @schema@.ledger_findingacknowledged e
    UNION ALL
    SELECT 'ledger_findingraised'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_findingraised', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.system, e.kind, e.subject, e.occurrence, e.entry_id, e.number, e.document, e.facts,
                            e.raised_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_findingraised e
    UNION ALL
    SELECT 'ledger_findingresolved'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_findingresolved', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.finding_id, e.resolved_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_findingresolved e
    UNION ALL
    SELECT 'ledger_gapdeclared'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_gapdeclared', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, p.starts_on, p.ordinal, e.first_value, e.last_value, e.authority, e.reference,
                            e.declared_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor, e.justification)::text
    FROM @schema@.ledger_gapdeclared e
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id LEFT JOIN @schema@.ledger_series s ON s.id = p.series_id
    UNION ALL
    SELECT 'ledger_gapexplained'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_gapexplained', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.entry_id, e.adopted_gap_id, e.explained_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor, e.explanation)::text
    FROM @schema@.ledger_gapexplained e
    UNION ALL
    SELECT 'ledger_holehealed'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_holehealed', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.hole_id, e.entry_id, e.healed_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_holehealed e
    UNION ALL
    SELECT 'ledger_holereported'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_holereported', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            s.code, p.starts_on, p.ordinal, e.value, e.reported_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_holereported e
    LEFT JOIN @schema@.ledger_period p ON p.id = e.period_id LEFT JOIN @schema@.ledger_series s ON s.id = p.series_id
    UNION ALL
    SELECT 'ledger_numberregistered'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_numberregistered', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.entry_id, e.authority, e.reference, e.digest, e.registered_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor)::text
    FROM @schema@.ledger_numberregistered e
    UNION ALL
    SELECT 'ledger_numbervoided'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_numbervoided', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.entry_id, e.replacement, e.voided_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor, e.reason)::text
    FROM @schema@.ledger_numbervoided e
    UNION ALL
    SELECT 'ledger_periodchanged'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_periodchanged', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.period_id, e.old, e.new, e.changed_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor)::text
    FROM @schema@.ledger_periodchanged e
    UNION ALL
    SELECT 'ledger_rangelapsed'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_rangelapsed', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.authorised_id, e.first_value, e.last_value, e.lapsed_at AT TIME ZONE 'UTC')::text,
           json_build_array(e.actor)::text
    FROM @schema@.ledger_rangelapsed e
    UNION ALL
    SELECT 'ledger_serieschanged'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_serieschanged', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.series_id, e.old, e.new, e.changed_at AT TIME ZONE 'UTC')::text, json_build_array(e.actor)::text
    FROM @schema@.ledger_serieschanged e
    UNION ALL
    SELECT 'ledger_sealanchored'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_sealanchored', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role,
                            e.seal_id, e.kind, encode(sha256(convert_to(e.token, 'UTF8')), 'hex'),
                            e.anchored_at AT TIME ZONE 'UTC')::text, NULL::text
    FROM @schema@.ledger_sealanchored e
    UNION ALL
    SELECT 'ledger_seal'::text, e.id, e.tenant, e.era, e.transaction_id, NULL::xid,
           json_build_array('ledger_seal', e.id, e.tenant, e.era, e.transaction_id, e.db_login, e.db_role, e.number,
                            @schema@.ledger_head_hash(e.head, e.signature, e.cosignature))::text, NULL::text
    FROM @schema@.ledger_seal e
    UNION ALL
    SELECT 'ledger_period'::text, p.id, p.tenant, NULL::integer, NULL::bigint, p.xmin,
           json_build_array('ledger_period', p.id, p.tenant, s.code, p.starts_on, p.ordinal,
                            json_build_object('ends_on', p.ends_on, 'prefix', p.prefix, 'width', p.width, 'suffix', p.suffix,
                                              'max_value', p.max_value, 'has_drafts', p.has_drafts, 'cut_short', p.cut_short,
                                              'closed_at', p.closed_at AT TIME ZONE 'UTC'),
                            p.first_value, p.last_value)::text, NULL::text
    FROM @schema@.ledger_period p LEFT JOIN @schema@.ledger_series s ON s.id = p.series_id
    UNION ALL
    SELECT 'ledger_series'::text, s.id, s.tenant, NULL::integer, NULL::bigint, s.xmin,
           json_build_array('ledger_series', s.id, s.tenant, s.code,
                            json_build_object('template', s.template, 'calendar', s.calendar, 'fiscal_start', s.fiscal_start,
                                              'max_days_ahead', s.max_days_ahead, 'time_zone', s.time_zone,
                                              'allocation', s.allocation, 'system', s.system, 'give_back', s.give_back,
                                              'start_value', s.start_value, 'max_length', s.max_length,
                                              'chronological', s.chronological, 'rules', s.rules,
                                              'close_after_days', s.close_after_days, 'is_active', s.is_active,
                                              'rules_length', s.rules_length, 'rules_highest', s.rules_highest,
                                              'rules_authorised', s.rules_authorised,
                                              'early_release', s.early_release))::text,
           NULL::text
    FROM @schema@.ledger_series s
$$;
