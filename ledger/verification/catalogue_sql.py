"""The statements that read the ledger's schema out of PostgreSQL's catalogue.

All but the first run with ``search_path`` set to ``pg_catalog`` alone. So no function or operator in the ledger's
schema can replace PostgreSQL's own, and names of objects in that schema have the schema's name, which the reader
removes. Nor do other settings of the session change how PostgreSQL writes a name or a moment.
"""

from typing import Final

from ledger.verification.remarks_sql import REMARKS

# Runs with the connection's own search_path: the relation to which each of the ledger's names resolves, and functions
# with such names: '' if a call can reach them, null if another one hides them. It uses no operator, which might be
# another schema's. Arguments: tables.
SEEN: Final = """
    SELECT name, pg_catalog.to_regclass(name)::pg_catalog.oid::pg_catalog.int8
    FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS name
    UNION ALL
    SELECT CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN '' END, p.oid::pg_catalog.int8
    FROM pg_catalog.pg_proc p
    WHERE pg_catalog.starts_with(p.proname::pg_catalog.text, 'ledger_'::pg_catalog.text)
"""

ONLY_POSTGRESQL: Final = (
    "SET LOCAL search_path = pg_catalog; SET LOCAL quote_all_identifiers = off; SET LOCAL timezone = 'UTC'"
)

VERSION: Final = "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version')"

# The relations to which the names resolve, and their schemas. Arguments: oids.
PLACES: Final = """
    SELECT c.oid::int8, n.oid::int8 AS schema_oid, n.nspname AS schema, quote_ident(n.nspname) AS quoted,
           c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AS is_table
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%s::oid[])
"""

# Every object of the ledger, in one snapshot: kind, name, facts. The reader drops facts that are false, null or empty.
# Arguments: schema, tables, hidden and reached (functions).
_OBJECTS: Final = """
    WITH RECURSIVE relation AS (
        SELECT c.* FROM pg_class c WHERE c.relnamespace = %(schema)s::oid AND c.relname::text = ANY (%(tables)s::text[])
    ),
    sequence AS (
        SELECT s.*, q.relname, q.relowner, q.relacl, r.relname || '.' || a.attname AS name,
            q.relpersistence = 'u' AND r.relpersistence = 'p' AS forgets
        FROM relation r
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.deptype IN ('a', 'i')
        JOIN pg_sequence s ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
        JOIN pg_class q ON q.oid = s.seqrelid
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
    ),
    -- By its name, or because a trigger of the ledger calls it.
    function AS (
        SELECT p.*, p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name
        FROM pg_proc p
        WHERE p.pronamespace = %(schema)s::oid AND (starts_with(p.proname::text, 'ledger_') OR p.oid IN (
                SELECT t.tgfoid FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid))
    ),
    -- Whoever owns most of the tables.
    owner AS (SELECT relowner AS oid FROM relation GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1),
    -- Everything in the schema that has an owner. What extensions brought is a superuser's, which is not told below;
    -- that something is a member of one says nothing, since the owner of an extension adds what he likes.
    resident AS (
        SELECT 'pg_class'::regclass AS catalogue, oid, relowner AS owner, false AS is_code FROM pg_class
        WHERE relnamespace = %(schema)s::oid AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT 'pg_proc'::regclass, oid, proowner, true FROM pg_proc WHERE pronamespace = %(schema)s::oid
        UNION ALL
        SELECT 'pg_operator'::regclass, oid, oprowner, true FROM pg_operator WHERE oprnamespace = %(schema)s::oid
        UNION ALL
        SELECT 'pg_opclass'::regclass, oid, opcowner, true FROM pg_opclass WHERE opcnamespace = %(schema)s::oid
        UNION ALL
        SELECT 'pg_collation'::regclass, oid, collowner, true FROM pg_collation WHERE collnamespace = %(schema)s::oid
        UNION ALL
        SELECT 'pg_type'::regclass, oid, typowner, true FROM pg_type
        WHERE typnamespace = %(schema)s::oid AND typrelid = 0 AND typelem = 0
    ),
    -- What reads or writes the ledger by rules, as each view does, and what does so by way of those.
    way AS (
        SELECT oid FROM relation
        UNION
        SELECT w.ev_class FROM way
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = way.oid
        JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    ),
    ours AS (
        SELECT 'pg_class'::regclass AS catalogue, oid FROM relation
        UNION ALL SELECT 'pg_class'::regclass, seqrelid FROM sequence
        UNION ALL SELECT 'pg_proc'::regclass, oid FROM function
    )
    SELECT 'table' AS kind, r.relname::text AS name, jsonb_build_object(
        'is', CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE r.relkind::text END,
        'access method', (SELECT nullif(m.amname, 'heap') FROM pg_am m WHERE m.oid = r.relam),
        'storage', r.reloptions,
        'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        'row security', r.relrowsecurity,
        'forced row security', r.relforcerowsecurity,
        -- What PostgreSQL believes of a table before it looks further. A superuser can write the contrary.
        'ignores triggers', NOT r.relhastriggers AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.oid),
        'ignores indexes', NOT r.relhasindex AND EXISTS (SELECT FROM pg_index x WHERE x.indrelid = r.oid),
        'ignores checks', r.relchecks <> (
            SELECT count(*) FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype = 'c'),
        'parents', ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = r.oid ORDER BY 1),
        'children', ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = r.oid ORDER BY 1)
    )::text AS facts
    FROM relation r
    UNION ALL
    SELECT 'column', r.relname || '.' || a.attname, jsonb_build_object(
        'type', format_type(a.atttypid, a.atttypmod),
        'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
        -- Since PostgreSQL 18 it is a constraint as well, which may not have been proven of the rows that were there.
        'not null', a.attnotnull AND NOT EXISTS (
            SELECT FROM pg_constraint k
            WHERE k.conrelid = r.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated),
        -- Which era it is, the owner says when the ledger moves (ledger_seal new-era).
        'default', CASE WHEN a.attname = 'era' AND pg_get_expr(d.adbin, d.adrelid) ~ '^[0-9]+$' THEN '1'
                        WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
        'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
        'generated', CASE WHEN a.attgenerated <> ''
            THEN a.attgenerated::text || ': ' || pg_get_expr(d.adbin, d.adrelid) END
    )::text
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'sequence', s.name, jsonb_build_object(
        'definition', format_type(s.seqtypid, NULL) || ' by ' || s.seqincrement
                      -- From which range ids come, the owner says where there are several homes (ledger_set_home).
                      || CASE WHEN mod(s.seqmin, 281474976710656) = 1 AND s.seqmax - s.seqmin = 281474976710655
                              THEN ', 1 to 9223372036854775807'
                              ELSE ', ' || s.seqmin || ' to ' || s.seqmax END
                      || CASE WHEN s.seqcycle THEN ', and over again' ELSE '' END
                      || CASE WHEN s.forgets THEN ', unlogged' ELSE '' END)::text
    FROM sequence s
    UNION ALL
    -- A foreign key by its columns: Django makes up its name.
    SELECT 'constraint',
        r.relname || CASE WHEN k.contype <> 'f' THEN '.' || k.conname
            ELSE ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY c.place)
                          FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
                          JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.number)
                 || ') to ' || k.confrelid::regclass END,
        jsonb_build_object(
            'definition', pg_get_constraintdef(k.oid),
            'not valid', NOT k.convalidated,
            'index unusable', k.contype IN ('p', 'u', 'x') AND NOT EXISTS (
                SELECT FROM pg_index x
                WHERE x.indexrelid = k.conindid AND x.indisvalid AND x.indisready AND x.indislive
                  AND (x.indisunique OR x.indisexclusion) AND x.indimmediate <> k.condeferrable),
            -- A foreign key rests on four triggers of PostgreSQL's own, a deferrable index on one.
            'not upheld', (SELECT count(*) FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                           WHERE t.tgconstraint = k.oid AND t.tgenabled IN ('O', 'A')
                             AND f.pronamespace = 'pg_catalog'::regnamespace)
                          <> CASE WHEN k.contype = 'f' THEN 4 WHEN k.condeferrable THEN 1 ELSE 0 END
        )::text
    FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT 'index', r.relname || '.' || i.relname, jsonb_build_object(
        'definition', pg_get_indexdef(i.oid),
        'unusable', NOT (x.indisvalid AND x.indisready AND x.indislive AND x.indimmediate))::text
    FROM relation r JOIN pg_index x ON x.indrelid = r.oid AND x.indisunique JOIN pg_class i ON i.oid = x.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    -- An index that makes nothing unique, by its definition. Those of a clone have other names.
    SELECT 'look-up', r.relname || '.' || substring(pg_get_indexdef(x.indexrelid) FROM 'USING .*'), jsonb_build_object(
        'unusable', NOT (x.indisvalid AND x.indisready AND x.indislive),
        'runs', ARRAY(
            SELECT f.oid::regprocedure::text FROM pg_depend d
            LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
            JOIN pg_proc f ON f.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END
            JOIN pg_roles w ON w.oid = f.proowner
            WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
              AND f.oid NOT IN (SELECT g.oid FROM function g)
              AND NOT (w.rolsuper AND EXISTS (
                SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = f.oid AND e.deptype = 'e')))
        )::text
    FROM relation r JOIN pg_index x ON x.indrelid = r.oid AND NOT x.indisunique AND NOT x.indisexclusion
    UNION ALL
    SELECT 'trigger', r.relname || '.' || t.tgname, jsonb_build_object(
        'definition', pg_get_triggerdef(t.oid),
        'fires', CASE t.tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'except in replica mode'
            WHEN 'R' THEN 'in replica mode alone' ELSE 'never (it is disabled)' END)::text
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'rule', r.relname || '.' || w.rulename, jsonb_build_object('definition', pg_get_ruledef(w.oid))::text
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
    UNION ALL
    SELECT 'policy', r.relname || '.' || p.polname, jsonb_build_object(
        'definition', p.polcmd::text || ' using ' || coalesce(pg_get_expr(p.polqual, p.polrelid), ''))::text
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'function', f.name, jsonb_build_object(
        'arguments', pg_get_function_arguments(f.oid),
        'result', pg_get_function_result(f.oid),
        'kind', nullif(f.prokind, 'f'),
        'language', (SELECT l.lanname FROM pg_language l WHERE l.oid = f.prolang),
        'volatility', CASE f.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END,
        'strict', f.proisstrict,
        'leakproof', f.proleakproof,
        'support', nullif(f.prosupport::oid, 0)::regproc::text,
        'parallel', CASE f.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END,
        'security definer', f.prosecdef,
        'settings', f.proconfig,
        -- Where a function names its own schema, that may have any name.
        'text', encode(sha256(convert_to(replace(f.prosrc,
            (SELECT '"' || replace(n.nspname, '"', '""') || '".ledger_' FROM pg_namespace n
             WHERE n.oid = %(schema)s::oid),
            '{schema}.ledger_'), 'UTF8')), 'hex'),
        'body', pg_get_function_sqlbody(f.oid))::text
    FROM function f
"""

DESCRIBE: Final = f"{_OBJECTS} UNION ALL {REMARKS} ORDER BY 1, 2, 3"
