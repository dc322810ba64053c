"""Public data sets known by name: what they are, which files they need, and how those become a data set.

None is downloaded and none ships with the project, as the licences forbid it: bring the files yourself.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput

if TYPE_CHECKING:
    from bench.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A public data set and how it is made from its files.

    Args:
        name: of the data set, and of the folder it is kept in.
        description: one line.
        files: name of each file needed → what it holds.
        url: where the publisher offers the original data.
        licence: what may be done with it.
        module: has ``load(source, directory)``; imported only when called.
    """

    name: str
    description: str
    files: Mapping[str, str]
    url: str
    licence: str
    module: str

    def load(self, source: Path, directory: Path) -> Dataset:
        """Makes the data set from the files in the folder `source`.

        Args:
            directory: where the data set itself will stand; what is there is replaced.

        Raises:
            BadInput: a file is missing or is not what it should be.
        """
        for file, content in self.files.items():
            if not (source / file).is_file():
                raise BadInput(
                    f"data set '{self.name}' needs {source / file} ({content}), which is not there; "
                    f"the original data is at {self.url}"
                )
        return importlib.import_module(self.module).load(source, directory)


NAMED: dict[str, NamedDataset] = {
    "movielens-1m": NamedDataset(
        name="movielens-1m",
        description="1,000,209 ratings of 3,706 films by 6,040 users; liked = rated 4 or 5; split by fold",
        files={
            "ratings.parquet": "columns user, item, rating and fold 1…5; fold 4 is valid, 5 is test",
            "users.dat": "user::gender::age::occupation::zip, as in ml-1m.zip",
            "movies.dat": "item::title (year)::genre|genre, latin-1, as in ml-1m.zip",
        },
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        licence="research use, no redistribution without permission (GroupLens)",
        module="bench.named.movielens_1m",
    ),
    "movielens-100k": NamedDataset(
        name="movielens-100k",
        description="100,000 timed ratings of 1,682 films by 943 users, with the films the user liked before",
        files={
            "ml-100k.inter": "tab-separated user_id:token, item_id:token, rating:float, timestamp:float",
            "ml-100k.user": "tab-separated user_id, age, gender, occupation and zip_code, each :token",
            "ml-100k.item": "tab-separated item_id:token, release_year:token, class:token_seq and more",
        },
        url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
        licence="research use, no redistribution without permission (GroupLens)",
        module="bench.named.movielens_100k",
    ),
    "frappe": NamedDataset(
        name="frappe",
        description="288,609 rows of app usage in context, two sampled negatives a use; the published split",
        files={
            f"{split}.parquet": f"columns label, user, item and eight of context, the {split} rows"
            for split in ("train", "valid", "test")
        },
        url="https://huggingface.co/datasets/reczoo/Frappe_x1",
        licence="research use, no redistribution without permission",
        module="bench.named.frappe",
    ),
}
