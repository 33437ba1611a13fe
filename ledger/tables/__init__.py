"""Reading the tables that people export: CSV, workbooks (XLSX, XLS, ODS) and JSON lines, as their programs write them.

``Layout`` says which column is what and which rows count, ``open_table`` finds the header and tells the rows, ``Dates``
understands what stands in a date's cell, ``profile`` loads the layout of a program's export. No database.
"""

from ledger.tables.dates import Dates
from ledger.tables.layout import Condition, Layout, Statuses
from ledger.tables.profiles import profile, profile_names
from ledger.tables.reading import Record, Table, open_table, text_of

__all__ = [
    "Condition",
    "Dates",
    "Layout",
    "Record",
    "Statuses",
    "Table",
    "open_table",
    "profile",
    "profile_names",
    "text_of",
]
