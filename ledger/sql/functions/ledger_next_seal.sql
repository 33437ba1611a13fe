-- What the next seal of a tenant (null: of the database) must contain, and its snapshot, which is that of this
-- transaction: REPEATABLE READ, so that all rows are read in it. Nobody else seals for this tenant until the transaction
-- ends.
--
-- trouble is empty, or says why there can't be a seal: 'standby' (its snapshots can't tell running transactions from
-- finished ones), 'held' (another worker seals), 'unsettled' (the database has no seal in this era yet, which would
-- record the server of the ledger), 'moved' (the ledger is on another server now, with other transaction ids). since is
-- the snapshot of the seal before, or null if this is the tenant's first one in this era.
CREATE OR REPLACE FUNCTION ledger_next_seal(p_tenant text) RETURNS TABLE (
    trouble text, number integer, total bigint, previous text, since text, era integer, place text, snapshot text,
    made_at text, key text
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    home record;
    last record;
BEGIN
    IF p_tenant IS NOT NULL THEN PERFORM ledger_refuse_foreign(p_tenant); END IF;
    IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'a seal is about one snapshot: the transaction must be REPEATABLE READ'
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    era := ledger_era();
    place := ledger_place();
    SELECT z.era, z.place INTO home FROM ledger_seal z WHERE z.tenant IS NULL ORDER BY z.number DESC LIMIT 1;
    trouble := CASE
        WHEN pg_is_in_recovery() THEN 'standby'
        WHEN home.era > era OR (home.era = era AND home.place <> place) THEN 'moved'
        WHEN p_tenant IS NOT NULL AND home.era IS DISTINCT FROM era THEN 'unsettled'
        ELSE '' END;
    SELECT z.number, z.total, z.era, z.snapshot, z.key, ledger_head_hash(z.head, z.signature, z.cosignature) AS hash
    INTO last
    FROM ledger_seal z
    WHERE z.tenant = p_tenant OR (p_tenant IS NULL AND z.tenant IS NULL)
    ORDER BY z.number DESC LIMIT 1;
    -- A row is the lock, because only this ledger's owner can lock it.
    IF trouble = '' AND last.number IS NOT NULL THEN
        PERFORM FROM ledger_seal z WHERE z.tenant IS NOT DISTINCT FROM p_tenant AND z.number = last.number
        FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN trouble := 'held'; END IF;
    END IF;
    number := coalesce(last.number, 0) + 1;
    total := coalesce(last.total, 0);
    previous := last.hash;
    since := CASE WHEN last.era = era AND last.snapshot ~ '^[0-9]{1,18}:[0-9]{1,18}:[0-9,]*$' THEN last.snapshot END;
    snapshot := pg_current_snapshot()::text;
    made_at := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    key := last.key;
    RETURN NEXT;
END $$;
