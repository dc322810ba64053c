"""Imports tables as a data set, in memory that does not grow with their rows.

A schema file in TOML (`plan`, `columns`) says what the columns mean. Files are read once (`reading`) in
chunks of rows (`chunks`), which become blocks of text (`blocks`); every cell is checked and becomes a number
(`cells`, `encoding`; values get provisional ids, `ids`), and the numbers are spooled to disk beside the data
set to be (`spool`), with what a user's earlier rows say (`history`). Cheap passes over the spool then place
every row in a split (`splits`), count and measure the training rows (`survey`) and write the data set with
its final ids (`table`, `finishing`). Only the distinct values of columns with a dictionary, the users and the
tables of facts stay in memory. Another file can be read later by the same rules (`applying`).
"""

from bench.data.importing.plan import ImportPlan
from bench.data.importing.reading import Progress
from bench.data.importing.table import REV, import_table

__all__ = ["REV", "ImportPlan", "Progress", "import_table"]
