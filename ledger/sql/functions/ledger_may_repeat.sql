-- Could a number of one format be a number of another one, without regard to case, if their counters go far enough?
--
-- Arguments: prefix and suffix of both formats.
-- Answer: false only if no number of one format can ever be a number of the other, whatever the widths of the counters
-- and the dates of the documents are. It is true whenever NumberFormat.may_repeat in Python is, and also if one counter
-- is inside the other's fixed text: N-{counter}-5 and N-1-{counter} both give N-1-5.
CREATE OR REPLACE FUNCTION ledger_may_repeat(p_prefix text, p_suffix text, q_prefix text, q_suffix text)
    RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    -- The format whose prefix is the shorter one, and the other.
    head text := ledger_outline(p_prefix);
    tail text := ledger_outline(p_suffix);
    long_head text := ledger_outline(q_prefix);
    other_tail text := ledger_outline(q_suffix);
    swapped text;
    short_tail text;
    long_tail text;
    reach integer;
    other_digits integer;
BEGIN
    IF length(head) > length(long_head) THEN
        swapped := head; head := long_head; long_head := swapped;
        swapped := tail; tail := other_tail; other_tail := swapped;
    END IF;
    IF NOT ledger_outlines_agree(head, left(long_head, length(head))) THEN
        RETURN false;
    END IF;

    -- How far the counter after the shorter prefix can go into the longer one.
    reach := length(substring(substr(long_head, length(head) + 1) FROM '^[0-9' || chr(1) || ']*'));

    -- The counters overlap: the extra characters of the longer prefix, and of the longer suffix, are in the other's counter.
    IF reach = length(long_head) - length(head) THEN
        IF length(tail) < length(other_tail) THEN
            short_tail := tail; long_tail := other_tail;
        ELSE
            short_tail := other_tail; long_tail := tail;
        END IF;
        IF ledger_outlines_agree(short_tail, right(long_tail, length(short_tail)))
           AND left(long_tail, length(long_tail) - length(short_tail)) ~ ('^[0-9' || chr(1) || ']*$') THEN
            RETURN true;
        END IF;
    END IF;

    -- The counters are apart: the counter after the shorter prefix ends within the longer prefix, and the other counter
    -- is in the suffix after it. The length of the first counter fixes the places of the rest.
    FOR digits IN 1..reach LOOP
        other_digits := length(head) + digits + length(tail) - length(long_head) - length(other_tail);
        IF other_digits >= 1
           AND ledger_outlines_agree(
               head || repeat(chr(2), digits) || tail,
               long_head || repeat(chr(2), other_digits) || other_tail
           ) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
