-- Whether a text can be a key: a tenant, a document, the code of a series, a number, an actor, a reference.
--
-- 1. It has 1 to 200 characters.
-- 2. Its only white space is the ordinary space (U+0020), and neither its first nor its last character is one.
-- 3. It has no hidden character: no control, no format character, nothing that is drawn as nothing.
-- 4. It is in Unicode's normal form NFC.
--
-- The same rule as ledger/texts.py, whose is_key_sql() writes this expression; a test compares the two. Null gives null.
-- In PL/pgSQL, which keeps its plan: PostgreSQL would put an SQL function's text into each constraint that asks it, and
-- parse that again for each statement that writes. A SET search_path would cost more than the rest; every name has its
-- schema instead.
-- Printable ASCII, which nearly every key is, comes first and costs one pass over the text.
CREATE OR REPLACE FUNCTION ledger_is_key(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$ BEGIN
RETURN pg_catalog.length(p_text) OPERATOR(pg_catalog.<=) 200
    AND (
        p_text COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^[!-~](?:[ -~]*[!-~])?$'
        OR (
            p_text COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) '^[^ ](?:.*[^ ])?$'
            AND p_text COLLATE pg_catalog."C" OPERATOR(pg_catalog.!~) (
                '[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891'
                '\u08e2\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f'
                '\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe-\uffff'
                '\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159'
                '\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
            )
            AND p_text IS NFC NORMALIZED
        )
    );
END $$;
