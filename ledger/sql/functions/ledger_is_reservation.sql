-- Whether every program can read what a reservation holds. One call stands in its check, since PostgreSQL reads a check
-- anew in each statement that writes. In PL/pgSQL, and with every name in full, for the reasons of ledger_is_key.
CREATE OR REPLACE FUNCTION ledger_is_reservation(p_document text, p_actor text, p_moment timestamptz) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (p_document = '' OR @schema@.ledger_is_key(p_document)) AND (p_actor = '' OR @schema@.ledger_is_key(p_actor))
        AND @schema@.ledger_is_moment(p_moment);
END $$;
