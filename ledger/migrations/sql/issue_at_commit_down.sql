ALTER TABLE ledger_ticket SET LOGGED;
ALTER TABLE ledger_ticket ADD PRIMARY KEY (id);
DROP TRIGGER ledger_ticket_numbered ON ledger_ticket;
DROP FUNCTION ledger_number_tickets();
DROP FUNCTION ledger_number_ticket(bigint);
DROP FUNCTION ledger_number_torn(ledger_ticket);
DROP FUNCTION ledger_leave_ticket(text, text, date, timestamptz, text[], text, jsonb, boolean, boolean);
