-- The era of new events: the default of their column. Transaction ids begin again on another server; then manage.py
-- ledger_seal new-era starts the next era.
CREATE OR REPLACE FUNCTION ledger_era() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT pg_get_expr(d.adbin, d.adrelid)::integer
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = '@schema@.ledger_entry'::regclass AND a.attname = 'era'
$$;
