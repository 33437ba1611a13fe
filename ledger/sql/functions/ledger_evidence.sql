-- The evidence of a reservation, for the entry of its gap.
CREATE OR REPLACE FUNCTION ledger_evidence(p_reservation bigint, p_cause text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'cause', p_cause,
        'reservation', jsonb_build_object(
            'id', r.id,
            'reserved_at', r.reserved_at,
            'document', r.document,
            'actor', r.actor,
            'transaction', r.checkout_transaction_id,
            'transaction_status', ledger_transaction_status(r.checkout_transaction_id)))
    FROM ledger_reservation r WHERE r.id = p_reservation
$$;
