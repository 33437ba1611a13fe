-- Make a series, or change the given settings of an existing one; returns its id. Python checks the settings in detail;
-- this refuses what no series may have. Periods follow the settings as in ledger_renew_periods; with p_from, only from
-- that day on. Raises check_violation with the problem, and exclusion_violation if another series could give out the
-- same number.
CREATE OR REPLACE FUNCTION ledger_save_series(
    p_tenant text, p_code text, p_settings jsonb, p_actor text, p_from date DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    series ledger_series;
    before ledger_series;
    unknown text;
    problem text;
    dates text;
    latest date;
    opened bigint;
    shape record;
    other text;
    is_other_form boolean;
    is_other_limit boolean;
BEGIN
    PERFORM ledger_act_as(p_actor);
    SELECT string_agg(k, ', ') INTO unknown FROM jsonb_object_keys(p_settings) AS k
    WHERE k NOT IN ('template', 'calendar', 'fiscal_start', 'time_zone', 'allocation', 'system', 'give_back', 'start_value',
                    'max_length', 'max_days_ahead', 'chronological', 'early_release', 'rules', 'rules_length',
                    'rules_highest', 'rules_authorised', 'close_after_days', 'is_active');
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'a series has no setting %', unknown USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO before FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code FOR NO KEY UPDATE;
    IF before.id IS NULL THEN
        before := jsonb_populate_record(before, '{"calendar": "year", "fiscal_start": "01-01", "allocation": "serial",
            "system": "", "give_back": true, "start_value": 1, "max_length": 60, "max_days_ahead": 400,
            "chronological": false, "early_release": false, "rules": "", "is_active": true}');
    END IF;
    series := jsonb_populate_record(before, p_settings);
    problem := CASE
        WHEN p_tenant <> '' AND NOT ledger_is_key(p_tenant) THEN 'its tenant can''t be a key'
        WHEN NOT ledger_is_key(p_code) THEN 'its code can''t be a key'
        WHEN series.template IS NULL OR length(series.template) > 200 THEN 'it has no template, or too long a one'
        WHEN series.calendar NOT IN ('never', 'year', 'fiscal-year', 'quarter', 'month', 'day', 'explicit')
            THEN 'its calendar is unknown'
        WHEN series.allocation NOT IN ('serial', 'at_commit', 'pooled', 'reserved', 'remote')
            THEN 'its allocation is unknown'
        WHEN series.allocation IN ('pooled', 'remote') AND series.chronological
            THEN 'a pool can''t keep the order of dates'
        WHEN series.allocation = 'remote' AND (series.system = '' OR NOT series.give_back)
            THEN 'a remote series names its system, and gives its numbers back'
        WHEN series.start_value < 0 THEN 'its start value is negative'
        WHEN series.max_length NOT BETWEEN 1 AND 100 THEN 'its length limit is out of range'
        WHEN series.max_days_ahead NOT BETWEEN 0 AND 10000000 THEN 'its bound on future dates is out of range'
        WHEN series.system <> '' AND NOT ledger_is_key(series.system) THEN 'its system can''t be a name'
        WHEN series.rules !~ '^([A-Za-z-]{2,20}(,[A-Za-z-]{2,20}){0,4})?$' THEN 'its rules can''t be codes'
        WHEN series.fiscal_start !~ '^[0-9][0-9]-[0-9][0-9]$' THEN 'its fiscal start is no month and day'
        -- PostgreSQL also takes abbreviations (CET has no summer time) and POSIX rules (XXX+9:30), which Python doesn't read.
        WHEN series.time_zone !~ '^(UTC|[A-Z][A-Za-z_]*(/[A-Z][A-Za-z_-]*)+)$'
            AND (series.time_zone IN ('localtime', 'Factory', 'CET', 'EET', 'EST', 'HST', 'MET', 'MST', 'WET')
                 OR NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = series.time_zone))
            THEN 'its time zone is no place'
        WHEN series.rules_authorised NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
            THEN 'the day from which its ranges are authorised is out of range'
        WHEN series.close_after_days < 0 THEN 'the days after which it closes its periods are negative' END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the series % is refused: %', quote_literal(p_code), problem USING ERRCODE = 'check_violation';
    END IF;
    -- Each raises an error if the setting can't be read.
    PERFORM make_date(2001, left(series.fiscal_start, 2)::integer, right(series.fiscal_start, 2)::integer);
    PERFORM clock_timestamp() AT TIME ZONE series.time_zone;
    SELECT * INTO shape
    FROM ledger_render_template(series.template, series.fiscal_start, p_code, p_tenant, DATE '2000-01-01',
                                CASE WHEN series.calendar = 'explicit' THEN '0' END);
    -- Its date tokens distinguish its periods, and don't change within one: year, quarter, month, day, label.
    dates := regexp_replace(replace(replace(series.template, '{{', ''), '}}', ''),
                            '[{](fy_start|fy_end|year)(:2?)?[}]', '{year}', 'g');
    SELECT coalesce(string_agg(t.letter, '' ORDER BY t.place), '') INTO dates
    FROM unnest(ARRAY['year', 'quarter', 'month', 'day', 'label'], ARRAY['y', 'q', 'm', 'd', 'l'])
         WITH ORDINALITY AS t (token, letter, place)
    WHERE dates ~ ('[{]' || t.token || ':?[}]');
    IF dates !~ (CASE series.calendar WHEN 'never' THEN '^$' WHEN 'quarter' THEN '^yq$' WHEN 'month' THEN '^yq?m$'
                                      WHEN 'day' THEN '^yq?md$' WHEN 'explicit' THEN '.' ELSE '^y$' END) THEN
        RAISE EXCEPTION 'the series % is refused: the dates in its template don''t tell its periods apart, or change in one',
            quote_literal(p_code) USING ERRCODE = 'check_violation';
    END IF;
    IF shape.prefix || shape.suffix ~ '[\u0001-\u001F\u007F-\u009F\u2028\u2029]' THEN
        RAISE EXCEPTION 'the series % is refused: its template has control characters', quote_literal(p_code)
            USING ERRCODE = 'check_violation';
    END IF;
    IF series.start_value > least(series.rules_highest, ledger_highest_value(
           shape.prefix, shape.width, shape.suffix, least(series.max_length::integer, series.rules_length::integer))) THEN
        RAISE EXCEPTION 'the series % is refused: no number of its template has its start value %, and its length',
            quote_literal(p_code), series.start_value USING ERRCODE = 'check_violation';
    END IF;

    is_other_form := (series.template, series.calendar, series.fiscal_start, series.start_value)
                     IS DISTINCT FROM (before.template, before.calendar, before.fiscal_start, before.start_value);
    is_other_limit := (series.max_length, series.rules_length, series.rules_highest)
                      IS DISTINCT FROM (before.max_length, before.rules_length, before.rules_highest);
    IF series.is_active AND (is_other_form OR is_other_limit OR before.is_active IS FALSE) THEN
        other := ledger_colliding_series(p_tenant, p_code, series.template, series.calendar, series.fiscal_start,
                                       series.time_zone, series.start_value,
                                       least(series.max_length::integer, series.rules_length::integer),
                                       series.rules_highest);
        IF other IS NOT NULL THEN
            RAISE EXCEPTION 'the series % could give out numbers of the series %', quote_literal(p_code), quote_literal(other)
                USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'ledger_series_numbers', TABLE = 'ledger_series',
                      DETAIL = other;
        END IF;
    END IF;

    IF before.id IS NULL THEN
        INSERT INTO ledger_series
            (tenant, code, template, calendar, fiscal_start, time_zone, allocation, system, give_back, start_value,
             max_length, max_days_ahead, chronological, early_release, rules, rules_length, rules_highest,
             rules_authorised, close_after_days, is_active)
        VALUES (p_tenant, p_code, series.template, series.calendar, series.fiscal_start, series.time_zone,
                series.allocation, series.system, series.give_back, series.start_value, series.max_length,
                series.max_days_ahead, series.chronological, series.early_release, series.rules, series.rules_length,
                series.rules_highest, series.rules_authorised, series.close_after_days, series.is_active)
        ON CONFLICT DO NOTHING;
        RETURN (SELECT s.id FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code);
    END IF;

    -- The source of numbers can't change in the middle of a period that has given out values. The open periods are
    -- locked, so that nothing is minted or reserved between this check and the change.
    IF (series.allocation, CASE WHEN series.allocation = 'remote' THEN series.system END)
       IS DISTINCT FROM (before.allocation, CASE WHEN before.allocation = 'remote' THEN before.system END) THEN
        PERFORM FROM ledger_period p
        WHERE p.tenant = p_tenant AND p.series_id = before.id AND p.closed_at IS NULL ORDER BY p.id FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM ledger_slot w JOIN ledger_period p ON p.id = w.period_id AND p.tenant = w.tenant
                   WHERE w.tenant = p_tenant AND p.series_id = before.id AND p.closed_at IS NULL)
            OR EXISTS (SELECT FROM ledger_reservation r
                       WHERE r.tenant = p_tenant AND r.series_id = before.id) THEN
            RAISE EXCEPTION 'values of the series % wait to be taken', quote_literal(p_code)
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF is_other_form AND p_from IS NOT NULL THEN PERFORM ledger_end_form(before.id, p_from); END IF;
    UPDATE ledger_series s
    SET template = series.template, calendar = series.calendar, fiscal_start = series.fiscal_start,
        time_zone = series.time_zone, allocation = series.allocation, system = series.system,
        give_back = series.give_back, start_value = series.start_value, max_length = series.max_length,
        max_days_ahead = series.max_days_ahead, chronological = series.chronological,
        early_release = series.early_release, rules = series.rules, rules_length = series.rules_length,
        rules_highest = series.rules_highest, rules_authorised = series.rules_authorised,
        close_after_days = series.close_after_days, is_active = series.is_active
    WHERE s.id = before.id;
    IF is_other_form OR is_other_limit THEN
        PERFORM ledger_renew_periods(before.id, before.template, before.calendar, before.fiscal_start, before.start_value,
                                     p_from);
    END IF;
    IF is_other_form AND p_from IS NOT NULL THEN PERFORM ledger_part_forms(before.id, p_from); END IF;
    IF series.chronological AND NOT before.chronological THEN
        -- Lock first, and read in a separate statement, so that this waits for running checkouts and sees their numbers.
        -- From now on issuing keeps last_issued_on up to date, also in a checkout that began without the guard.
        PERFORM FROM ledger_period p
        WHERE p.tenant = p_tenant AND p.series_id = before.id AND p.closed_at IS NULL ORDER BY p.id FOR NO KEY UPDATE;
        FOR opened IN SELECT p.id FROM ledger_period p
                    WHERE p.tenant = p_tenant AND p.series_id = before.id AND p.closed_at IS NULL LOOP
            latest := ledger_latest_date(p_tenant, opened);
            UPDATE ledger_period p SET last_issued_on = latest WHERE p.id = opened;
        END LOOP;
    END IF;
    RETURN before.id;
END $$;
