"""The public data sets by name. Imports nothing slow.

Addresses, sizes and checksums are as their publishers and BARS (github.com/reczoo/Datasets) state them; none
of the addresses was tried from here.
"""

from __future__ import annotations

from bench.data.public import catalogue_of_ads, catalogue_of_content
from bench.data.public.entry import NamedDataset

NAMED: dict[str, NamedDataset] = {
    entry.name: entry for entry in (*catalogue_of_ads.ENTRIES, *catalogue_of_content.ENTRIES)
}
