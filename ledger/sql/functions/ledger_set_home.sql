-- Take the ids of all tables from the range of a home, so that rows can move to another home without meeting the same
-- ids: home 0 begins at 1, home n at n times 2^48. For the owner, before there is a series.
CREATE OR REPLACE FUNCTION ledger_set_home(p_home integer) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    ids text;
BEGIN
    IF p_home NOT BETWEEN 0 AND 32766 THEN
        RAISE EXCEPTION 'there is no home %: homes are numbered from 0 to 32766', p_home USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM ledger_series) THEN
        RAISE EXCEPTION 'this ledger has series, so its home cannot change' USING ERRCODE = 'restrict_violation';
    END IF;
    FOR ids IN
        SELECT pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'id')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' AND a.attidentity <> ''
        WHERE n.oid = (SELECT o.relnamespace FROM pg_class o WHERE o.oid = 'ledger_series'::regclass)
          AND c.relkind IN ('r', 'p') AND starts_with(c.relname, 'ledger_')
    LOOP
        EXECUTE format('ALTER SEQUENCE %s MINVALUE %s MAXVALUE %s START WITH %s RESTART', ids,
                       p_home::bigint * 281474976710656 + 1, (p_home::bigint + 1) * 281474976710656,
                       p_home::bigint * 281474976710656 + 1);
    END LOOP;
END $$;
