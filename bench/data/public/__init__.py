"""Public data sets known by name: what they are, where to download them, and how they become a data set.

None ships with the project, as the licences forbid it. `catalogue` lists them, `entry` says what an entry
holds, `fetching` downloads what may be downloaded, and each other module loads the sets of one publisher.
"""

from bench.data.public.catalogue import NAMED
from bench.data.public.entry import Download, NamedDataset

__all__ = ["NAMED", "Download", "NamedDataset"]
