"""What is judged by itself, and not part of the shipped description: owners, privileges, what is beside the ledger.

The rest of the statement ``catalogue_sql.DESCRIBE``, whose common table expressions it uses.
"""

from typing import Final

REMARKS: Final = """
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
    SELECT CASE WHEN e.name IN ('search_path', 'role', 'synchronous_commit', 'default_transaction_read_only')
            THEN 'starts with' ELSE 'setting' END,
        e.name,
        jsonb_build_object('value', e.value, 'whose', coalesce('the role ' || w.rolname, 'every role'))::text
    FROM pg_db_role_setting s
    JOIN pg_database b ON b.datname = current_database() AND s.setdatabase IN (0, b.oid)
    LEFT JOIN pg_roles w ON w.oid = s.setrole
    CROSS JOIN LATERAL (
        SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value FROM unnest(s.setconfig) AS c
    ) e
    WHERE e.name IN ('search_path', 'role') OR e.name = 'synchronous_commit' AND e.value = 'off'
       OR e.name = 'default_transaction_read_only' AND s.setrole = 0 AND lower(e.value) IN ('on', 'true', 'yes', '1')
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
        SELECT 'function ' || p.oid::regprocedure, 'EXECUTE' FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
          AND NOT has_function_privilege(owner.oid, p.oid, 'EXECUTE')
          AND EXISTS (SELECT FROM function f WHERE f.prosrc ~ ('\\m' || p.proname || ' ?\\('))
        UNION ALL
        SELECT 'schema ' || n.nspname, 'USAGE' FROM pg_namespace n
        WHERE n.oid IN (%(schema)s::oid, 'pg_catalog'::regnamespace)
          AND NOT has_schema_privilege(owner.oid, n.oid, 'USAGE')
    ) x
    UNION ALL
    -- What can be called in place of PostgreSQL's own where its arguments fit better.
    SELECT 'stand-in', x.name, '{}' FROM (
        SELECT 'pg_cast'::regclass AS catalogue, k.oid, pg_describe_object('pg_cast'::regclass, k.oid, 0) AS name
        FROM pg_cast k JOIN pg_type t ON t.oid = k.castsource JOIN pg_type u ON u.oid = k.casttarget
        WHERE k.oid >= 16384 AND t.typnamespace = 'pg_catalog'::regnamespace
          AND u.typnamespace = 'pg_catalog'::regnamespace
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, 'function ' || p.oid::regprocedure FROM pg_proc p
        WHERE p.oid >= 16384 AND (p.pronamespace = 'pg_catalog'::regnamespace OR p.pronamespace = %(schema)s::oid
          AND EXISTS (SELECT FROM pg_proc q WHERE q.proname = p.proname AND q.pronamespace = 'pg_catalog'::regnamespace)
          AND NOT EXISTS (SELECT FROM pg_proc q WHERE q.proname = p.proname AND q.proargtypes = p.proargtypes
                          AND q.pronamespace = 'pg_catalog'::regnamespace)
          AND EXISTS (SELECT FROM function f WHERE f.prosrc ~ ('\\m' || p.proname || ' ?\\(')))
        UNION ALL
        SELECT 'pg_operator'::regclass, o.oid, 'operator ' || o.oid::regoperator FROM pg_operator o
        WHERE o.oid >= 16384 AND o.oprnamespace IN (%(schema)s::oid, 'pg_catalog'::regnamespace)
          AND EXISTS (SELECT FROM pg_operator q
                      WHERE q.oprname = o.oprname AND q.oprnamespace = 'pg_catalog'::regnamespace)
    ) x
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.catalogue AND d.objid = x.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'language', l.lanname::text, jsonb_build_object('handler', l.lanplcallfoid::regprocedure::text)::text
    FROM pg_language l JOIN pg_proc p ON p.oid = l.lanplcallfoid
    WHERE l.oid IN (SELECT f.prolang FROM function f) AND p.pronamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    -- Statistics of expressions, which the server computes now and then with the rights of the table's owner.
    SELECT 'computed', e.stxname::text,
        jsonb_build_object('table', r.relname, 'function', p.oid::regprocedure::text)::text
    FROM relation r JOIN pg_statistic_ext e ON e.stxrelid = r.oid
    JOIN pg_depend d ON d.classid = 'pg_statistic_ext'::regclass AND d.objid = e.oid
    JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
    WHERE NOT EXISTS (
        SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
    UNION ALL
    SELECT 'replica identity', r.relname::text, '{}' FROM relation r WHERE r.relreplident <> 'd'
    UNION ALL
    SELECT 'event trigger', e.evtname::text, jsonb_build_object('function', e.evtfoid::regprocedure::text,
        'moment', CASE e.evtevent WHEN 'login' THEN 'somebody logs in' ELSE 'the schema is changed' END)::text
    FROM pg_event_trigger e
    WHERE e.evtenabled <> 'D' AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')
"""
