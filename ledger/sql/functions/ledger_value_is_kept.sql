-- Whether a value has an entry. The order makes the planner choose the right index: while a ledger is small, it might
-- choose any index, and keep a plan that reads all numbers of a tenant.
CREATE OR REPLACE FUNCTION ledger_value_is_kept(p_tenant text, p_period bigint, p_value bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT e.value FROM ledger_entry e
                     WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.value >= p_value
                     ORDER BY e.value LIMIT 1) = p_value, false)
$$;
