"""Bringing a CSV, TSV or Parquet file in as a data set, once, in memory that does not grow with its rows.

A schema file in TOML (`plan`, `columns`) says what the columns mean. The file is read once in blocks
(`blocks`), every cell is checked and becomes a number (`cells`; values get provisional ids, `ids`), and the
numbers are spooled to disk beside the data set to be (`spool`). Cheap passes over the spool then place every
row in a split (`splits`), count and measure the training rows (`survey`) and write the data set with its
final ids (`table`). Only the distinct values of the categorical columns and the user column stay in memory.
"""

from bench.importing.plan import ImportPlan
from bench.importing.table import REV, import_table

__all__ = ["REV", "ImportPlan", "import_table"]
