ALTER FUNCTION ledger_entry_fits() RESET search_path;
ALTER FUNCTION ledger_void_fits() RESET search_path;
ALTER FUNCTION ledger_period_fits() RESET search_path;
ALTER FUNCTION ledger_period_guard() RESET search_path;
ALTER FUNCTION ledger_series_guard() RESET search_path;
