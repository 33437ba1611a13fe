-- The hash of a signed head, in hexadecimal: what the next seal names as its previous one.
CREATE OR REPLACE FUNCTION ledger_head_hash(p_head text, p_signature text, p_cosignature text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(sha256(convert_to(p_head || chr(10) || p_signature || chr(10) || p_cosignature, 'UTF8')), 'hex');
