"""The statements that read the ledger's schema out of PostgreSQL's catalogue.

All but the first run with ``search_path`` set to ``pg_catalog`` alone. So no function or operator in the ledger's
schema can replace PostgreSQL's own, and names of objects in that schema have the schema's name, which the reader
removes. Nor do other settings of the session change how PostgreSQL writes a name or a moment.
"""

from typing import Final

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
DESCRIBE: Final = """
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
    -- What follows is judged by itself, and not part of the shipped description.
    UNION ALL
    SELECT 'hidden', f.name, '{}' FROM function f WHERE f.oid = ANY (%(hidden)s::oid[])
    UNION ALL
    SELECT 'overload', p.oid::regprocedure::text, '{}' FROM pg_proc p
    WHERE p.oid = ANY (%(reached)s::oid[]) AND p.pronamespace <> %(schema)s::oid
      AND p.proname IN (SELECT f.proname FROM function f)
    UNION ALL
    SELECT 'superuser', w.rolname, jsonb_build_object('role', w.rolname)::text
    FROM owner JOIN pg_roles w ON w.oid = owner.oid
    WHERE w.rolsuper
    UNION ALL
    SELECT CASE WHEN o.oid IS NOT NULL THEN 'owner' WHEN x.is_code THEN 'stranger' ELSE 'neighbour' END,
        i.type || ' ' || replace(i.identity, 'pg_catalog.', ''),
        jsonb_build_object('role', w.rolname, 'owner', s.rolname)::text
    FROM owner JOIN resident x ON x.owner <> owner.oid
    JOIN pg_roles w ON w.oid = x.owner
    JOIN pg_roles s ON s.oid = owner.oid
    LEFT JOIN ours o ON o.catalogue = x.catalogue AND o.oid = x.oid
    CROSS JOIN LATERAL pg_identify_object(x.catalogue, x.oid, 0) i
    -- What a superuser could do with an object of the host, a superuser can do without it.
    WHERE o.oid IS NOT NULL OR NOT w.rolsuper
    UNION ALL
    SELECT 'landlord', x.name, jsonb_build_object('role', w.rolname, 'owner', s.rolname)::text
    FROM owner
    JOIN pg_database b ON b.datname = current_database()
    CROSS JOIN LATERAL (
        SELECT 'schema ' || n.nspname AS name,
            CASE h.rolname WHEN 'pg_database_owner' THEN b.datdba ELSE h.oid END AS oid
        FROM pg_namespace n JOIN pg_roles h ON h.oid = n.nspowner WHERE n.oid = %(schema)s::oid
        UNION ALL
        SELECT 'database ' || b.datname, b.datdba
    ) x
    JOIN pg_roles w ON w.oid = x.oid
    JOIN pg_roles s ON s.oid = owner.oid
    WHERE w.oid <> owner.oid AND NOT w.rolsuper
    UNION ALL
    -- In this schema, or with the rights of the ledger's owner anywhere, which a role may inherit. His other ledgers
    -- have the same functions.
    SELECT 'definer', p.oid::regprocedure::text, jsonb_build_object('role', w.rolname)::text
    FROM owner JOIN pg_proc p ON p.prosecdef
    JOIN pg_roles w ON w.oid = p.proowner AND (
        p.pronamespace = %(schema)s::oid OR w.oid = owner.oid
        OR NOT w.rolsuper AND pg_has_role(w.oid, owner.oid, 'USAGE'))
    WHERE p.oid NOT IN (SELECT f.oid FROM function f)
      AND NOT (w.rolsuper AND EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
      AND (p.pronamespace = %(schema)s::oid OR NOT EXISTS (
        SELECT FROM function f
        JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_namespace o ON o.oid = %(schema)s::oid
        WHERE f.proname = p.proname AND replace(f.prosrc, o.nspname, '') = replace(p.prosrc, n.nspname, '')))
    UNION ALL
    -- Views and rules change the ledger with the rights of their owner, unless a view takes those of its reader.
    SELECT 'view', c.oid::regclass::text, jsonb_build_object(
        'role', coalesce(w.rolname, 'PUBLIC'), 'privilege', a.privilege_type, 'owner', s.rolname)::text
    FROM owner CROSS JOIN way
    JOIN pg_class c ON c.oid = way.oid AND c.oid NOT IN (SELECT r.oid FROM relation r)
    JOIN pg_roles s ON s.oid = c.relowner AND pg_has_role(s.oid, owner.oid, 'USAGE')
    CROSS JOIN LATERAL (
        SELECT c.relacl AS acl UNION ALL SELECT k.attacl FROM pg_attribute k WHERE k.attrelid = c.oid
    ) x
    CROSS JOIN LATERAL aclexplode(x.acl) a
    LEFT JOIN pg_roles w ON w.oid = a.grantee
    WHERE a.grantee NOT IN (s.oid, owner.oid) AND w.rolsuper IS NOT TRUE
      AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o
                      WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)
      AND pg_relation_is_updatable(c.oid, false)
          & CASE a.privilege_type WHEN 'UPDATE' THEN 4 WHEN 'INSERT' THEN 8 WHEN 'DELETE' THEN 16 ELSE 0 END <> 0
    UNION ALL
    -- What belongs to an extension (e), which pg_dump leaves out, or goes with one (x).
    SELECT 'extension', pg_describe_object(o.catalogue, o.oid, 0), jsonb_build_object('extension', e.extname)::text
    FROM (SELECT catalogue, oid FROM ours
          UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
          UNION ALL SELECT 'pg_class'::regclass, x.indexrelid FROM pg_index x JOIN relation r ON r.oid = x.indrelid) o
    JOIN pg_depend d ON d.classid = o.catalogue AND d.objid = o.oid AND d.deptype IN ('e', 'x')
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    UNION ALL
    SELECT 'subscription', s.subname::text, jsonb_build_object('table', r.relname)::text
    FROM relation r JOIN pg_subscription_rel x ON x.srrelid = r.oid JOIN pg_subscription s ON s.oid = x.srsubid
    UNION ALL
    -- Texts are sorted by libraries of the system. With another version of one an index may not find what it has.
    SELECT 'collation', b.datcollate, jsonb_build_object('made', b.datcollversion, 'now', v.now)::text
    FROM pg_database b CROSS JOIN LATERAL pg_database_collation_actual_version(b.oid) AS v (now)
    WHERE b.datname = current_database() AND b.datcollversion <> v.now
    UNION ALL
    -- Who gets at the ledger by way of another role, and not by what was granted.
    SELECT CASE WHEN g.oid = owner.oid THEN 'member' ELSE 'power' END, m.rolname::text,
        jsonb_build_object('role', m.rolname, 'through', g.rolname)::text
    FROM owner
    JOIN pg_roles g ON g.oid = owner.oid
        OR g.rolname IN ('pg_write_all_data', 'pg_maintain', 'pg_write_server_files', 'pg_execute_server_program')
    JOIN pg_roles m ON m.rolcanlogin AND NOT m.rolsuper AND m.oid <> g.oid AND pg_has_role(m.oid, g.oid, 'MEMBER')
    WHERE m.oid <> owner.oid
    UNION ALL
    -- Settings that sessions begin with, in this database or of a role in all.
    SELECT CASE WHEN e.name IN ('search_path', 'role', 'synchronous_commit') THEN 'starts with' ELSE 'setting' END,
        e.name,
        jsonb_build_object('value', e.value, 'whose', coalesce('the role ' || w.rolname, 'every role'))::text
    FROM pg_db_role_setting s
    JOIN pg_database b ON b.datname = current_database() AND s.setdatabase IN (0, b.oid)
    LEFT JOIN pg_roles w ON w.oid = s.setrole
    CROSS JOIN LATERAL (
        SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value FROM unnest(s.setconfig) AS c
    ) e
    WHERE e.name IN ('search_path', 'role') OR e.name = 'synchronous_commit' AND e.value = 'off'
       OR e.name IN ('session_preload_libraries', 'local_preload_libraries') AND e.value <> ''
       OR e.name = 'session_replication_role' AND e.value <> 'origin'
    UNION ALL
    -- What is granted at once on what the owner makes next. Folio takes EXECUTE from everybody.
    SELECT 'default', CASE l.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' ELSE 'functions' END,
        jsonb_build_object('role', coalesce(w.rolname, 'everybody'), 'privilege', a.privilege_type,
            'owner', o.rolname)::text
    FROM owner JOIN pg_roles o ON o.oid = owner.oid
    JOIN pg_default_acl l ON l.defaclrole = owner.oid AND l.defaclnamespace IN (0, %(schema)s::oid)
        AND l.defaclobjtype IN ('r', 'S', 'f')
    CROSS JOIN LATERAL aclexplode(l.defaclacl) a
    LEFT JOIN pg_roles w ON w.oid = a.grantee
    WHERE a.grantee <> owner.oid AND w.rolsuper IS NOT TRUE AND a.privilege_type <> 'SELECT'
      AND NOT (a.grantee = 0 AND a.privilege_type = 'EXECUTE')
    UNION ALL
    -- A host's own, which changes no row.
    SELECT 'host', x.name, '{}' FROM (
        SELECT 'the statistics ' || e.stxname AS name FROM pg_statistic_ext e JOIN relation r ON r.oid = e.stxrelid
        UNION
        SELECT 'the publication ' || p.pubname FROM pg_publication_tables p
        JOIN pg_namespace n ON n.oid = %(schema)s::oid AND n.nspname = p.schemaname
        JOIN relation r ON r.relname = p.tablename
        UNION
        -- Whoever has a purpose may call this one.
        SELECT 'SELECT for the role ' || w.rolname
        FROM owner CROSS JOIN relation r CROSS JOIN LATERAL aclexplode(r.relacl) a
        JOIN pg_roles w ON w.oid = a.grantee
        WHERE a.privilege_type = 'SELECT' AND w.oid <> owner.oid AND NOT w.rolsuper AND NOT EXISTS (
            SELECT FROM function f
            WHERE f.proname = 'ledger_is_key' AND has_function_privilege(w.oid, f.oid, 'EXECUTE'))
        UNION
        SELECT 'a comment on ' || pg_describe_object(c.classoid, c.objoid, c.objsubid)
        FROM pg_description c JOIN ours o ON o.catalogue = c.classoid AND o.oid = c.objoid
        UNION
        SELECT 'a security label of ' || l.provider || ' on ' || pg_describe_object(l.classoid, l.objoid, l.objsubid)
        FROM pg_seclabel l JOIN ours o ON o.catalogue = l.classoid AND o.oid = l.objoid
    ) x
    UNION ALL
    SELECT 'privilege', x.name, jsonb_build_object(
        'on', x.type, 'column', x.column, 'role', coalesce(w.rolname, ''), 'privilege', a.privilege_type,
        'grantable', a.is_grantable)::text
    FROM owner CROSS JOIN LATERAL (
        SELECT 'table' AS type, r.relname::text AS name, NULL AS column, r.relowner AS owner,
            coalesce(r.relacl, acldefault('r', r.relowner)) AS acl
        FROM relation r
        UNION ALL
        SELECT 'table', r.relname::text, c.attname, r.relowner, c.attacl
        FROM relation r JOIN pg_attribute c ON c.attrelid = r.oid AND NOT c.attisdropped AND c.attacl IS NOT NULL
        UNION ALL
        SELECT 'sequence', s.name, NULL, s.relowner, coalesce(s.relacl, acldefault('s', s.relowner)) FROM sequence s
        UNION ALL
        SELECT 'function', f.name, NULL, f.proowner, coalesce(f.proacl, acldefault('f', f.proowner)) FROM function f
        UNION ALL
        SELECT 'schema', n.nspname::text, NULL, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner))
        FROM pg_namespace n WHERE n.oid = %(schema)s::oid
    ) x
    CROSS JOIN LATERAL aclexplode(x.acl) a
    LEFT JOIN pg_roles w ON w.oid = a.grantee
    WHERE a.grantee NOT IN (x.owner, owner.oid) AND w.rolsuper IS NOT TRUE
    UNION ALL
    -- What the owner took from itself, without which the ledger's functions, guards and foreign keys fail. Nobody takes
    -- rows of events away, and only foreign keys lock them.
    SELECT 'revoked', x.name, jsonb_build_object('privilege', x.privilege, 'owner', w.rolname)::text
    FROM owner JOIN pg_roles w ON w.oid = owner.oid CROSS JOIN LATERAL (
        SELECT 'table ' || r.relname AS name, p.privilege
        FROM relation r CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS p (privilege)
        WHERE r.relowner = owner.oid AND NOT has_table_privilege(owner.oid, r.oid, p.privilege) AND NOT (
            EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.oid AND t.tgname = 'ledger_append_only_rows')
            AND (p.privilege = 'DELETE' OR p.privilege = 'UPDATE'
                 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = r.oid)))
        UNION ALL
        SELECT 'sequence of ' || s.name, 'USAGE' FROM sequence s
        WHERE s.relowner = owner.oid AND NOT has_sequence_privilege(owner.oid, s.seqrelid, 'USAGE')
        UNION ALL
        SELECT 'function ' || f.name, 'EXECUTE' FROM function f
        WHERE f.proowner = owner.oid AND NOT has_function_privilege(owner.oid, f.oid, 'EXECUTE')
        UNION ALL
        SELECT 'schema ' || n.nspname, 'USAGE' FROM pg_namespace n
        WHERE n.oid = %(schema)s::oid AND NOT has_schema_privilege(owner.oid, n.oid, 'USAGE')
    ) x
    UNION ALL
    SELECT 'replica identity', r.relname::text, '{}' FROM relation r WHERE r.relreplident <> 'd'
    UNION ALL
    SELECT 'event trigger', e.evtname::text, jsonb_build_object('function', e.evtfoid::regprocedure::text)::text
    FROM pg_event_trigger e
    WHERE e.evtenabled <> 'D' AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')
    ORDER BY 1, 2, 3
"""
