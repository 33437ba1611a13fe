-- Better matches for what the ledger's functions call, made in its schema by who may make objects there. Whoever calls one
-- is told. Placeholders: {types}, {functions} of PostgreSQL's own, {doors} of the ledger, which clients call themselves.
DO $do$
DECLARE
    raise text := 'LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION ''hijacked: %s''; END$$';
    made integer := 0;
    one record;
BEGIN
    -- Each operator that PostgreSQL has not for these two types.
    FOR one IN
        SELECT o.name, a.kind AS lower, b.kind AS upper
        FROM (SELECT DISTINCT oprname AS name FROM pg_operator
              WHERE oprname = ANY ('{{=,<>,<,>,<=,>=,+,-,*,/,%,||,~,!~,->>,->,?,&&,&}}')) o
        CROSS JOIN unnest(string_to_array('{types}', ', ')::regtype[]) AS a (kind)
        CROSS JOIN unnest(string_to_array('{types}', ', ')::regtype[]) AS b (kind)
        WHERE NOT EXISTS (SELECT FROM pg_operator p
                          WHERE p.oprname = o.name AND p.oprleft = a.kind AND p.oprright = b.kind
                            AND p.oprnamespace = 'pg_catalog'::regnamespace)
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION public.mallory(%s, %s) RETURNS boolean ', one.lower, one.upper)
            || format(raise, format('an operator of %s and %s', one.lower, one.upper));
        EXECUTE format('CREATE OPERATOR public.%s (leftarg = %s, rightarg = %s, function = public.mallory)',
                       one.name, one.lower, one.upper);
        made := made + 1;
    END LOOP;
    -- Each of PostgreSQL's own functions, for one argument of a type that it has none for.
    FOR one IN
        SELECT f.name, a.kind
        FROM unnest(string_to_array('{functions}', ' ')) AS f (name)
        CROSS JOIN unnest(string_to_array('{types}', ', ')::regtype[]) AS a (kind)
        WHERE NOT EXISTS (SELECT FROM pg_proc p
                          WHERE p.proname = f.name AND oidvectortypes(p.proargtypes) = a.kind::text
                            AND p.pronamespace = 'pg_catalog'::regnamespace)
    LOOP
        EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS boolean ', one.name, one.kind)
            || format(raise, format('%s of %s', one.name, one.kind));
        made := made + 1;
    END LOOP;
    IF made < 2000 THEN RAISE EXCEPTION 'only % were made', made; END IF;
    -- The ledger's own, with one argument of a narrower or wider type.
    FOR one IN
        SELECT p.proname AS name, n.place, o.other,
               ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) t) AS kinds
        FROM pg_proc p
        CROSS JOIN LATERAL generate_series(1, p.pronargs::integer) AS n (place)
        JOIN (VALUES ('text', 'varchar'), ('text', 'name'), ('text', 'bpchar'), ('bigint', 'integer'),
                     ('bigint', 'smallint'), ('bigint', 'text'), ('integer', 'bigint'), ('integer', 'smallint'),
                     ('bigint', 'numeric'), ('date', 'timestamptz'), ('date', 'text'), ('jsonb', 'json'),
                     ('jsonb', 'text'), ('text[]', 'varchar[]'), ('bigint[]', 'integer[]')) AS o (kind, other)
          ON o.kind = p.proargtypes[n.place - 1]::regtype::text
        WHERE p.pronamespace = 'public'::regnamespace AND starts_with(p.proname, 'ledger_')
          AND p.proowner <> current_user::regrole AND p.proname <> ALL (string_to_array('{doors}', ' '))
    LOOP
        one.kinds[one.place] := one.other;
        EXECUTE format('CREATE OR REPLACE FUNCTION public.%I(%s) RETURNS text ',
                       one.name, array_to_string(one.kinds, ', ')) || format(raise, one.name);
    END LOOP;
END $do$
