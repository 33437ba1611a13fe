"""Ways to tamper with the ledger of ``full_ledger.py`` behind its guards, and what ``ledger_verify`` must say."""

from typing import TypeAlias

from tests.integration.full_ledger import COPY, INVOICE, PERIOD, SHOWN, TILL, TILL_PERIOD

#: What is done, and the rule, the check and the words that name it.
Case: TypeAlias = tuple[list[str], int, str, str]

_OF_FIVE = f"WHERE {INVOICE} AND value = 5"
KEYS: list[Case] = [
    (
        [f"UPDATE ledger_entry SET document = 'Cafe\u0301' {_OF_FIVE}"],
        3,
        "document-text",
        r"'Cafe\u0301' is a text that",
    ),
    (
        [f"UPDATE ledger_entry SET document = 'shop.websale:17' {_OF_FIVE}"],
        3,
        "document-of-child",
        "shop.websale:17, today shop.sale:…",
    ),
    ([f"UPDATE ledger_entry SET document = 'shop.order:017' {_OF_FIVE}"], 3, "document-form", "shop.order:017"),
    (["UPDATE ledger_series SET tenant = 'acme\u00a0' WHERE tenant = 'acme'"], 3, "tenant-text", r"'acme\xa0'"),
    (
        ["UPDATE ledger_series SET tenant = 'shop.websale:17' WHERE tenant = 'acme'"],
        3,
        "tenant-of-child",
        "shop.websale:17, today shop.sale:…",
    ),
    (["UPDATE ledger_series SET tenant = 'shop.order:017' WHERE tenant = 'acme'"], 3, "tenant-form", "shop.order:017"),
    (["UPDATE ledger_series SET code = 'in\u200bvoice' WHERE code = 'invoice'"], 3, "code-text", r"'in\u200bvoice'"),
]

ENTRIES: list[Case] = [
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value IN (5, 6)"], 1, "lost-or-tampered", "5 to 6"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 1"], 1, "lost-or-tampered", "about 1,"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 9"], 1, "lost-or-tampered", "about 9,"),
    ([f"DELETE FROM ledger_entry WHERE {INVOICE}"], 1, "lost-or-tampered", "1 to 9"),
    (["DELETE FROM ledger_adoptedgap"], 1, "lost-or-tampered", "101 to 104"),
    (
        [
            "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value",
            COPY.format("value, kind, 'twin', 'order:twin'"),
        ],
        1,
        "value-twice",
        "5",
    ),
    (["UPDATE ledger_adoptedgap SET last_value = 105"], 1, "entry-in-gap", "105"),
    (
        [
            "INSERT INTO ledger_adoptedgap (tenant, adoption_id, period_id, first_value, last_value)"
            " SELECT tenant, adoption_id, period_id, 103, 104 FROM ledger_adoptedgap"
        ],
        1,
        "gap-overlaps",
        "103 to 104",
    ),
    (["UPDATE ledger_adoptedgap SET first_value = 99"], 1, "gap-outside", "100 to 106"),
    ([f"UPDATE ledger_period SET first_value = 2 WHERE {PERIOD}"], 1, "below-first", "below 2"),
    ([f"DELETE FROM ledger_period WHERE {PERIOD}"], 1, "no-period", "does not exist"),
    ([f"UPDATE ledger_entry SET tenant = 'nobody' WHERE {INVOICE} AND value = 5"], 1, "other-period", ""),
    ([f"UPDATE ledger_entry SET kind = 'odd' WHERE {INVOICE} AND value = 5"], 1, "unknown-kind", "'odd'"),
    ([f"UPDATE ledger_period SET last_value = 20 WHERE {PERIOD}"], 2, "counter", "stands at 20"),
    ([f"UPDATE ledger_period SET last_value = 7 WHERE {PERIOD}"], 2, "counter", "stands at 7"),
    ([f"UPDATE ledger_period SET last_value = 7 WHERE {PERIOD}"], 2, "beyond-counter", "8 lies above 7"),
    (["UPDATE ledger_period SET last_issued_on = '2025-05-04' WHERE prefix = 'D2025-'"], 2, "latest-date", "05-05"),
    (["UPDATE ledger_period SET last_issued_on = NULL WHERE prefix = 'D2025-'"], 2, "latest-date", "nothing"),
    (
        [
            "ALTER TABLE ledger_period DROP CONSTRAINT ledger_period_no_overlap",
            "UPDATE ledger_period SET ends_on = '2025-01-02' WHERE ends_on = '2024-12-31' AND tenant = 'acme'",
        ],
        2,
        "period-overlaps",
        "2025-01-02",
    ),
    ([f"UPDATE ledger_period SET tenant = 'nobody' WHERE {PERIOD}"], 2, "period-of-stranger", "another tenant"),
    ([f"UPDATE ledger_period SET ordinal = 1 WHERE {PERIOD}"], 2, "period-unauthorised", "authority granted"),
    (
        [
            "DROP INDEX ledger_entry_number",
            f"UPDATE ledger_entry SET number = 'inv-2025-000006' WHERE {INVOICE} AND value = 5",
        ],
        3,
        "number-twice",
        "",
    ),
    (
        [
            "DROP INDEX ledger_entry_document",
            f"UPDATE ledger_entry SET document = 'order:7' WHERE {INVOICE} AND value = 5",
        ],
        3,
        "document-twice",
        "order:7",
    ),
    (
        [
            f"UPDATE ledger_entry SET replaces_id = (SELECT id FROM ledger_entry WHERE {INVOICE} AND value = 7) "
            f"WHERE {INVOICE} AND value = 5"
        ],
        3,
        "replaces-wrongly",
        "replaces INV-2025-000007",
    ),
    (
        [f"UPDATE ledger_entry SET replaces_id = 0 WHERE {INVOICE} AND value = 5"],
        3,
        "replaces-wrongly",
        "replaces entry 0",
    ),
    ([f"UPDATE ledger_entry SET number = 'INV-5' WHERE {INVOICE} AND value = 5"], 3, "wrong-number", "INV-2025-000005"),
    *KEYS,
    ([f"DELETE FROM ledger_entry WHERE {INVOICE} AND value = 4"], 5, "void-of-nothing", "does not exist"),
    (["UPDATE ledger_numbervoided SET tenant = 'other' WHERE tenant = 'acme'"], 5, "void-of-stranger", "'acme'"),
    (["UPDATE ledger_numbervoided SET voided_at = '2020-01-01' WHERE tenant = 'acme'"], 5, "void-too-early", "2020"),
    (
        [
            "ALTER TABLE ledger_numbervoided DROP CONSTRAINT ledger_numbervoided_once",
            "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor)"
            " SELECT tenant, entry_id, reason, '', '' FROM ledger_numbervoided WHERE tenant = 'acme'",
        ],
        5,
        "void-twice",
        "void already",
    ),
    (
        [f"UPDATE ledger_entry SET kind = 'gap', document = '' WHERE {INVOICE} AND value = 4"],
        6,
        "void-of-gap",
        "which is a gap",
    ),
    ([f"UPDATE ledger_entry SET kind = 'gap' WHERE {INVOICE} AND value = 5"], 6, "gap-with-document", "order:4"),
    (
        [
            "INSERT INTO ledger_gapdeclared (tenant, period_id, first_value, last_value, authority, reference,"
            " justification, actor)"
            f" SELECT tenant, period_id, 5, 6, 'BR NF-e', '1', '', '' FROM ledger_entry WHERE {INVOICE} AND value = 5"
        ],
        6,
        "declared-no-gap",
        "not all gaps",
    ),
    (
        [
            "INSERT INTO ledger_gapdeclared (tenant, period_id, first_value, last_value, authority, reference,"
            " justification, actor)"
            " SELECT 'zenith', period_id, 101, 104, 'BR NF-e', '1', '', '' FROM ledger_adoptedgap"
        ],
        6,
        "declared-no-gap",
        "101 to 104",
    ),
    (
        [
            "INSERT INTO ledger_gapexplained (tenant, entry_id, explanation, actor)"
            f" SELECT tenant, id, 'no', '' FROM ledger_entry WHERE {INVOICE} AND value = 5"
        ],
        6,
        "explained-no-gap",
        "is not a gap",
    ),
    ([f"UPDATE ledger_period SET closed_at = '2025-01-01' WHERE {PERIOD}"], 7, "after-closing", "after its period"),
    ([f"UPDATE ledger_entry SET issued_on = '2026-01-01' WHERE {INVOICE} AND value = 5"], 7, "date-outside", "2026"),
    (["UPDATE ledger_adoption SET tenant = 'other'"], 8, "adoption-of-nothing", "another tenant"),
    (["UPDATE ledger_adoption SET tenant = 'other'"], 8, "gap-of-nothing", "another tenant"),
]

CONTENT: list[Case] = [
    (
        [f"UPDATE ledger_entry SET metadata = '[1]' WHERE {INVOICE} AND value = 5"],
        8,
        "unreadable",
        "no object but array",
    ),
    (
        [
            f"""UPDATE ledger_entry SET metadata = ('{{"a": ' || repeat('9', 1000) || '}}')::jsonb
             WHERE {INVOICE} AND value = 5"""
        ],
        8,
        "unreadable",
        "1,000 digits",
    ),
    (
        [
            f"""UPDATE ledger_entry SET metadata = (repeat('{{"a": ', 33) || '1' || repeat('}}', 33))::jsonb
             WHERE {INVOICE} AND value = 5"""
        ],
        8,
        "unreadable",
        "more than 32 levels",
    ),
    (
        [
            f"""UPDATE ledger_entry SET metadata = ('{{"a": "' || repeat('x', 66000) || '"}}')::jsonb
             WHERE {INVOICE} AND value = 5"""
        ],
        8,
        "unreadable",
        "bytes of JSON",
    ),
    (
        [
            "ALTER TABLE ledger_numbervoided DROP CONSTRAINT ledger_numbervoided_readable",
            "UPDATE ledger_numbervoided SET voided_at = 'infinity' WHERE tenant = 'acme'",
        ],
        8,
        "unreadable",
        "voided_at",
    ),
    (
        [
            "ALTER TABLE ledger_reservation DROP CONSTRAINT ledger_reservation_readable",
            "UPDATE ledger_reservation SET reserved_at = '-infinity'",
        ],
        8,
        "unreadable",
        "reserved_at",
    ),
    ([f"UPDATE ledger_entry SET issued_on = 'infinity' WHERE {INVOICE} AND value = 5"], 8, "unreadable", "issued_on"),
    (
        [
            "ALTER TABLE ledger_numbervoided DROP CONSTRAINT ledger_numbervoided_readable",
            "UPDATE ledger_numbervoided SET reason = E'a\\x01b', replacement = E'a\\u202eb' WHERE tenant = 'acme'",
        ],
        8,
        "unreadable",
        "hidden",
    ),
    ([f"UPDATE ledger_entry SET document = E'a\\x01b' WHERE {INVOICE} AND value = 5"], 8, "unreadable", "a�b"),
    (["UPDATE ledger_series SET time_zone = 'Mars/Olympus' WHERE code = 'dated'"], 2, "setting", "Mars/Olympus"),
    (["UPDATE ledger_series SET template = 'no counter' WHERE code = 'dated'"], 2, "setting", "counter"),
    (["UPDATE ledger_series SET calendar = 'lunar' WHERE code = 'dated'"], 2, "setting", "lunar"),
    (["UPDATE ledger_series SET allocation = 'odd' WHERE code = 'dated'"], 2, "setting", "'odd'"),
    (
        [f"UPDATE ledger_period SET first_value = -9223372036854775808 WHERE {PERIOD}"],
        8,
        "not-checked",
        "bigint out of range",
    ),
]

POOLED: list[Case] = [
    ([f"DELETE FROM ledger_slot WHERE {TILL} AND value = 5"], 1, "lost-or-tampered", "about 5,"),
    ([f"DELETE FROM ledger_slot WHERE {TILL} AND value >= 15"], 1, "lost-or-tampered", "about 15 to 16,"),
    ([f"DELETE FROM ledger_slot WHERE {TILL} AND value >= 15"], 2, "counter", "a reservation is 14"),
    ([f"UPDATE ledger_period SET last_value = 20 WHERE {TILL_PERIOD}"], 2, "counter", "stands at 20"),
    ([f"UPDATE ledger_period SET last_value = 9 WHERE {TILL_PERIOD}"], 2, "slot-beyond-counter", "1 to 9"),
    (
        [
            "INSERT INTO ledger_slot (tenant, period_id, value)"
            f" SELECT tenant, period_id, 2 FROM ledger_slot WHERE {TILL} AND value = 5"
        ],
        1,
        "slot-twice",
        "2 is a free slot, and has an entry as well",
    ),
    (
        [
            "ALTER TABLE ledger_slot DROP CONSTRAINT ledger_slot_pkey",
            f"INSERT INTO ledger_slot SELECT * FROM ledger_slot WHERE {TILL} AND value = 5",
        ],
        1,
        "slot-twice",
        "is a free slot as well",
    ),
    (
        [f"UPDATE ledger_slot SET tenant = 'nobody' WHERE {TILL} AND value = 5"],
        1,
        "slot-of-stranger",
        "is of another tenant",
    ),
    ([f"UPDATE ledger_slot SET period_id = 0 WHERE {TILL} AND value = 5"], 1, "slot-of-stranger", "does not exist"),
    ([f"UPDATE ledger_pool SET free_from = 7 WHERE {TILL}"], 1, "slot-hidden", "5 lies below 7"),
    (["UPDATE ledger_series SET allocation = 'serial' WHERE code = 'till'"], 1, "slot-stranded", "3 waits in a series"),
    ([f"UPDATE ledger_period SET closed_at = now() WHERE {TILL_PERIOD}"], 7, "slot-in-closed-period", "was closed at"),
    (["UPDATE ledger_holereported SET tenant = 'nobody'"], 8, "hole-of-nothing", "another tenant"),
    (["UPDATE ledger_holereported SET value = 99"], 8, "hole-of-nothing", "99"),
]

RESERVED: list[Case] = [
    ([f"DELETE FROM ledger_reservation WHERE {SHOWN}"], 1, "lost-or-tampered", "about 2,"),
    (
        ["INSERT INTO ledger_slot (tenant, period_id, value) SELECT tenant, period_id, value FROM ledger_reservation"],
        1,
        "reservation-twice",
        "2 is reserved, and is a free slot as well",
    ),
    ([f"UPDATE ledger_reservation SET value = 1 WHERE {SHOWN}"], 1, "reservation-twice", "has an entry as well"),
    (
        [f"UPDATE ledger_reservation SET tenant = 'nobody' WHERE {SHOWN}"],
        1,
        "reservation-of-stranger",
        "another tenant",
    ),
    (
        [f"UPDATE ledger_reservation SET series_id = 0 WHERE {SHOWN}"],
        1,
        "reservation-of-stranger",
        "of another tenant or series",
    ),
    ([f"UPDATE ledger_reservation SET value = 9 WHERE {SHOWN}"], 2, "reservation-beyond-counter", "gave out 1 to 3"),
    (
        ["UPDATE ledger_period SET closed_at = now() WHERE prefix = 'S2025-'"],
        7,
        "reservation-in-closed-period",
        "was closed at",
    ),
    (
        ["UPDATE ledger_reservation SET reserved_at = now() - interval '61 minutes'"],
        9,
        "reservation-old",
        "longer than sweeps",
    ),
    (["UPDATE ledger_reservation SET issued_on = '2025-06-01'"], 2, "latest-date", "2025-06-01 > 2025-05-05"),
    (
        [
            "SELECT ledger_leave_ticket('acme', 'late', '2025-05-05', NULL, ARRAY['order:late'], '', NULL, true, '')",
            "UPDATE ledger_ticket SET transaction_id = 3",
        ],
        4,
        "ticket-left",
        "order:late",
    ),
]

FINDINGS: list[Case] = [
    (["UPDATE ledger_findingraised SET tenant = 'zenith' WHERE occurrence = 2"], 8, "finding-of-stranger", "entry "),
    (["UPDATE ledger_findingresolved SET tenant = 'zenith'"], 8, "finding-of-stranger", "resolution "),
    (["DELETE FROM ledger_findingraised WHERE occurrence = 2"], 8, "finding-of-stranger", "acknowledgement "),
    (["DELETE FROM ledger_findingresolved"], 8, "finding-twice", "unresolved 2 times"),
]

DRAFTED: list[Case] = [
    (["DELETE FROM ledger_draftmade WHERE number = 'A-1'"], 3, "slot-undrafted", "no draft in books"),
    (["UPDATE ledger_draftmade SET number = 'B-8' WHERE number = 'B-9'"], 3, "wrong-number", "B-9 should be B-8"),
    (["UPDATE ledger_draftmade SET tenant = 'nobody' WHERE number = 'A-1'"], 8, "draft-of-nothing", "another tenant"),
    (["UPDATE ledger_draftmade SET value = 99 WHERE number = 'A-1'"], 8, "draft-of-nothing", "A-1 is of period"),
    (
        ["UPDATE ledger_draftcancelled SET draft_id = (SELECT id FROM ledger_draftmade WHERE number = 'B-9')"],
        8,
        "cancelled-in-use",
        "a document has its number",
    ),
]

QUEUED = [*POOLED, *RESERVED, *DRAFTED]
CASES = [*ENTRIES, *QUEUED, *FINDINGS, *CONTENT]
