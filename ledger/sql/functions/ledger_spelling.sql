-- A number in the form in which people and spreadsheets treat numbers as equal: in upper case, without spaces of any
-- kind and without "#", with one kind of dash, and without zeros before a group of digits.
CREATE OR REPLACE FUNCTION ledger_spelling(p_number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(upper(p_number),
        '[#[:space:]\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]', '', 'g'),
        '[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]', '-', 'g'),
        '(?<![0-9])0+(?=[0-9])', '', 'g')
$$;
