-- Whether another running transaction holds a row. p_xmax is the row's xmax, in which a transaction that locks or
-- deletes the row leaves its mark. PostgreSQL itself knows the state of that transaction, so nobody can fake it.
--
-- The mark may be that of a savepoint. It may also be a list of several (a multixact), such as a savepoint that locked
-- the row and its own transaction that deletes it. The two kinds of marks look alike, but a mark above the last list's
-- number can't be a list.
CREATE OR REPLACE FUNCTION ledger_is_held(p_xmax xid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    -- With its epoch, which a mark doesn't have.
    next bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    own bigint := pg_current_xact_id_if_assigned()::text::bigint;
    marks bigint[] := ARRAY[p_xmax::text::bigint];
    mark bigint;
BEGIN
    IF p_xmax = '0'::xid THEN RETURN false; END IF;
    IF mxid_age(p_xmax) BETWEEN 1 AND 2147483646 THEN
        BEGIN
            marks := array_cat(marks, ARRAY(SELECT m.xid::text::bigint FROM pg_get_multixact_members(p_xmax) m));
        EXCEPTION WHEN internal_error THEN
            NULL;  -- no such list any more: then it is a transaction's own mark, or one that ended long ago
        END;
    END IF;
    FOREACH mark IN ARRAY marks LOOP
        -- Of all transactions with that mark, the one nearest to the next id.
        mark := (mark - next) & 4294967295;
        mark := next + mark - CASE WHEN mark > 2147483647 THEN 4294967296 ELSE 0 END;
        IF mark IS DISTINCT FROM own AND pg_xact_status(mark::text::xid8) = 'in progress' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;
