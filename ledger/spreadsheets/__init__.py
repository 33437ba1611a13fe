"""Reading the tables that people export: CSV, workbooks (XLSX, XLS, ODS) and JSON lines, as their programs write them.

``Layout`` says what the columns are and which rows count, ``open_table`` finds the header and gives the rows, ``Dates``
reads the cells of a date column, ``profile`` loads the layout of a program's export. Nothing here uses the database.
"""

from ledger.spreadsheets.dates import Dates, UnreadableDate
from ledger.spreadsheets.layout import Layout, profile, profile_names
from ledger.spreadsheets.reading import Record, Table, open_table, text_of
from ledger.spreadsheets.rows import BadRow, Chosen, ChosenRows

__all__ = ["BadRow", "Chosen", "ChosenRows", "Dates", "Layout", "Record", "Table", "UnreadableDate", "open_table"]
__all__ += ["profile", "profile_names", "text_of"]
