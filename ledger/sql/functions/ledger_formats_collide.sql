-- Can two formats give the same number, without regard to case, from values within these two ranges?
--
-- 2{counter:09} and {counter:09} collide only if the second counter may get ten digits: 2000000000 is the number of 0 and
-- of 2000000000. N-{counter}-5 and N-1-{counter} both give N-1-5.
--
-- Arguments: for both formats prefix, width, suffix, and the first and the highest value of the range.
-- Answer: false only if no value of one range gives the same number as a value of the other, whatever the dates of their
-- documents are. Without tokens of the document's date, true only if two values do.
CREATE OR REPLACE FUNCTION ledger_formats_collide(
    p_prefix text, p_width integer, p_suffix text, p_first bigint, p_max bigint,
    q_prefix text, q_width integer, q_suffix text, q_first bigint, q_max bigint
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    p_head text := ledger_outline(p_prefix);
    p_tail text := ledger_outline(p_suffix);
    q_head text := ledger_outline(q_prefix);
    q_tail text := ledger_outline(q_suffix);
    -- Both numbers, with chr(2) for each digit of the counter.
    p_number text;
    q_number text;
    q_digits integer;
    p_end integer;
    q_end integer;
    -- The places that belong to both counters: after shared_from, up to shared_to.
    shared_from integer := greatest(length(p_head), length(q_head));
    shared_to integer;
    -- The text of the other number at the places of the counter.
    p_seen text;
    q_seen text;
    -- The place value of the last shared digit in each counter.
    p_unit numeric;
    q_unit numeric;
    lowest numeric;
    highest numeric;
BEGIN
    -- Nearly always the texts differ where both numbers have text.
    IF NOT ledger_outlines_agree(left(p_head, length(q_head)), left(q_head, length(p_head)))
        OR NOT ledger_outlines_agree(right(p_tail, length(q_tail)), right(q_tail, length(p_tail))) THEN
        RETURN false;
    END IF;

    -- Try each length of the first counter. It fixes the length of the other counter, and the places of both.
    FOR p_digits IN greatest(p_width, 1)..greatest(p_width, length(p_max::text)) LOOP
        q_digits := length(p_head) + p_digits + length(p_tail) - length(q_head) - length(q_tail);
        CONTINUE WHEN q_digits < q_width OR q_digits > greatest(q_width, length(q_max::text));
        p_number := p_head || repeat(chr(2), p_digits) || p_tail;
        q_number := q_head || repeat(chr(2), q_digits) || q_tail;
        CONTINUE WHEN NOT ledger_outlines_agree(p_number, q_number);

        -- A counter is a number A·unit·10^shared + S·unit + B. Both counters share the digits of S; A and B are its
        -- digits in the other format's text before and after S. S is the same in both; the question is whether some S is
        -- in both ranges. The document's date may have any digits, so A and B have a lowest and a highest value.
        p_end := length(p_head) + p_digits;
        q_end := length(q_head) + q_digits;
        shared_to := least(p_end, q_end);
        p_unit := ('1' || repeat('0', p_end - shared_to))::numeric;
        q_unit := ('1' || repeat('0', q_end - shared_to))::numeric;
        p_seen := substr(q_number, length(p_head) + 1, p_digits);
        q_seen := substr(p_number, length(q_head) + 1, q_digits);

        -- Division rounds up for the lowest S and down for the highest one. div() truncates towards 0, and is exact,
        -- unlike the operator. A counter longer than its width has no leading zero.
        lowest := greatest(
            0::numeric,
            div(greatest(p_first::numeric, CASE WHEN p_digits > p_width THEN repeat('9', p_digits - 1)::numeric + 1::numeric
                                                ELSE 0::numeric END)
                - translate(p_seen, chr(1) || chr(2), '90')::numeric + p_unit - 1::numeric, p_unit),
            div(greatest(q_first::numeric, CASE WHEN q_digits > q_width THEN repeat('9', q_digits - 1)::numeric + 1::numeric
                                                ELSE 0::numeric END)
                - translate(q_seen, chr(1) || chr(2), '90')::numeric + q_unit - 1::numeric, q_unit));
        highest := least(
            ('1' || repeat('0', greatest(shared_to - shared_from, 0)))::numeric - 1::numeric,
            div(p_max::numeric - translate(p_seen, chr(1) || chr(2), '00')::numeric + p_unit, p_unit) - 1::numeric,
            div(q_max::numeric - translate(q_seen, chr(1) || chr(2), '00')::numeric + q_unit, q_unit) - 1::numeric);
        IF lowest <= highest THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
