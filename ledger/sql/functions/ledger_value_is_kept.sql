-- Whether a value has an entry. Asked in the order of the one index that is right: while a ledger is small, any index is
-- as good as another to the planner, and it keeps a plan that reads all numbers of a tenant.
CREATE OR REPLACE FUNCTION ledger_value_is_kept(p_tenant text, p_period bigint, p_value bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT e.value FROM ledger_entry e
                     WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.value >= p_value
                     ORDER BY e.value LIMIT 1) = p_value, false)
$$;
