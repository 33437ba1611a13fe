-- Whether a text can be a reason or an explanation: up to 1,000 characters, without control characters except line
-- breaks and tabs.
CREATE OR REPLACE FUNCTION ledger_is_prose(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT length(p_text) <= 1000 AND p_text !~ '[\u0001-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u2028\u2029]'
$$;
