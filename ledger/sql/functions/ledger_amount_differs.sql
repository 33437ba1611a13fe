-- Whether the accounting system's facts (p_there_...) differ from the described ones, to the currency's smallest unit
-- (ISO 4217). A fact that one side doesn't have isn't compared. p_there_customer has every name that the system has for
-- the customer, one on each line. A credit note's total is negative in some systems, so the sign is ignored.
CREATE OR REPLACE FUNCTION ledger_amount_differs(
    p_total numeric, p_currency text, p_customer text, p_there_total numeric, p_there_currency text, p_there_customer text
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(round(abs(p_total), u.digits) <> round(abs(p_there_total), u.digits), false)
        OR coalesce(p_currency > '' AND p_there_currency > '' AND p_currency <> p_there_currency, false)
        OR coalesce(p_customer > '' AND p_there_customer > ''
                    AND p_customer <> ALL (string_to_array(p_there_customer, chr(10))), false)
    FROM (SELECT CASE
        WHEN c.code = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0
        WHEN c.code = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3
        ELSE 2 END AS digits
          FROM (SELECT upper(coalesce(nullif(p_currency, ''), p_there_currency)) AS code) c) u
$$;
