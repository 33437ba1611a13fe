"""Reading the ledger for people and auditors: one file for each report. Reports never write."""
