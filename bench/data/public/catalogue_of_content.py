"""The public sets of videos, news, films and applications. See `catalogue`."""

from __future__ import annotations

from bench.data.public.entry import Download, NamedDataset
from bench.data.public.reczoo import page_of, reczoo, split_files

_GROUPLENS = "research use, no redistribution without permission (GroupLens)"
_SPLITS = ("train.csv", "valid.csv", "test.csv")


def _kuairand(cut: str, description: str, rows: int, logs: tuple[str, ...]) -> NamedDataset:
    suffix = "Pure" if cut == "pure" else cut.upper()
    archive = f"KuaiRand-{suffix}.tar.gz"
    return NamedDataset(
        name=f"kuairand-{cut}",
        description=description,
        rows=rows,
        licence="CC BY-SA 4.0",
        url="https://kuairand.com",
        files={
            **dict.fromkeys(logs, "a standard log: user_id, video_id, time_ms, is_click, …, long_view, tab"),
            f"user_features_{cut}.csv": "user_id, user_active_degree, …, onehot_feat17",
            f"video_features_basic_{cut}.csv": "video_id, author_id, video_type, …, tag",
        },
        downloads=(Download(url=f"https://zenodo.org/records/10439422/files/{archive}", file=archive),),
        module="bench.data.public.kuairand",
    )


ENTRIES = (
    _kuairand(
        "pure",
        "KuaiRand-Pure: short videos, six labels, 7,583 videos, histories",
        1_436_609,
        ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv"),
    ),
    _kuairand(
        "1k",
        "KuaiRand-1K: short videos, six labels, 1,000 users, histories",
        11_713_045,
        ("log_standard_4_08_to_4_21_1k.csv", "log_standard_4_22_to_5_08_1k.csv"),
    ),
    _kuairand(
        "27k",
        "KuaiRand-27K: short videos, six labels, 27,285 users, 32 million videos, histories",
        322_278_385,
        (
            "log_standard_4_08_to_4_21_27k_part1.csv",
            "log_standard_4_08_to_4_21_27k_part2.csv",
            "log_standard_4_22_to_5_08_27k_part1.csv",
            "log_standard_4_22_to_5_08_27k_part2.csv",
        ),
    ),
    NamedDataset(
        name="mind-small",
        description="MIND small: clicks on news headlines in the impressions they were shown in",
        rows=5_843_444 + 2_740_998,
        licence="Microsoft Research License Terms",
        url="https://msnews.github.io",
        files={
            f"{part}/{file}": what
            for part in ("train", "dev")
            for file, what in (
                ("behaviors.tsv", "impressions without a header: id, user, time, history, headlines shown"),
                ("news.tsv", "headlines without a header: id, category, subcategory, …"),
            )
        },
        by_hand=(
            "accept the terms, download MINDsmall_train.zip and MINDsmall_dev.zip and unpack them to train/ "
            "and dev/"
        ),
        module="bench.data.public.mind",
    ),
    NamedDataset(
        name="movielens-100k",
        description="100,000 ratings by 943 users with the films liked before; split by time in each user",
        rows=100_000,
        licence=_GROUPLENS,
        url="https://grouplens.org/datasets/movielens/100k/",
        files={
            "u.data": "user, item, rating, time between tabs",
            "u.user": "user|age|gender|occupation|zip",
            "u.item": "item|title|date|…|19 genres, latin-1",
        },
        other_files={f"ml-100k.{kind}": "an atomic file of RecBole" for kind in ("inter", "user", "item")},
        downloads=(
            Download(
                url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
                file="ml-100k.zip",
                md5="0e33842e24a9c977be4e0107933c0723",
                size=4_924_029,
            ),
        ),
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="movielens-1m",
        description="1,000,209 ratings by 6,040 users with the films liked before; split as movielens-100k",
        rows=1_000_209,
        licence=_GROUPLENS,
        url="https://grouplens.org/datasets/movielens/1m/",
        files={
            "ratings.dat": "user::item::rating::time",
            "users.dat": "user::gender::age::occupation::zip",
            "movies.dat": "item::title (year)::genre|genre, latin-1",
        },
        downloads=(
            Download(
                url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
                file="ml-1m.zip",
                md5="c4d9eecfca2ab87c1945afe126590906",
            ),
        ),
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="movielens-1m-folds",
        description="1,000,209 ratings by 6,040 users without times, split by five given folds",
        rows=1_000_209,
        licence=_GROUPLENS,
        url="https://grouplens.org/datasets/movielens/1m/",
        files={
            "ratings.parquet": "columns user, item, rating and fold 1…5; fold 4 is valid, 5 is test",
            "users.dat": "user::gender::age::occupation::zip, as in ml-1m.zip",
            "movies.dat": "item::title (year)::genre|genre, latin-1, as in ml-1m.zip",
        },
        by_hand="give the ratings of ml-1m.zip folds of your own in ratings.parquet, beside its other files",
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="movielens-20m",
        description="20 million ratings by 138,493 users with the films liked before; split likewise",
        rows=20_000_263,
        licence=_GROUPLENS,
        url="https://grouplens.org/datasets/movielens/20m/",
        files={
            "ratings.csv": "with a header: userId, movieId, rating, timestamp",
            "movies.csv": "with a header: movieId, title, genres",
        },
        downloads=(
            Download(
                url="https://files.grouplens.org/datasets/movielens/ml-20m.zip",
                file="ml-20m.zip",
                md5="cd245b17a1ae2cc31bb14903e1204af3",
            ),
        ),
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="movielens-tags",
        description="MovieLens tags as MovielensLatest_x1 of BARS: user, film, tag; a random 7:2:1 split",
        rows=1_404_801 + 401_373 + 200_686,
        licence=_GROUPLENS,
        url=page_of("MovielensLatest_x1"),
        files=split_files("label, user_id, item_id, tag_id", *_SPLITS),
        md5={
            "train.csv": "efc8bceeaa0e895d566470fc99f3f271",
            "valid.csv": "e1930223a5026e910ed5a48687de8af1",
            "test.csv": "54e8c6baff2e059fe067fb9b69e692d0",
        },
        downloads=reczoo("MovielensLatest_x1"),
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="frappe",
        description="Frappe_x1 of BARS: app usage in context, two sampled negatives a use",
        rows=202_027 + 57_722 + 28_860,
        licence="research use, no redistribution without permission",
        url=page_of("Frappe_x1"),
        files=split_files("label, user, item and eight of context", *_SPLITS),
        other_files={f"{split}.parquet": "the same columns" for split in ("train", "valid", "test")},
        md5={
            "train.csv": "ba7306e6c4fc19dd2cd84f2f0596d158",
            "valid.csv": "88d51bf2173505436d3a8f78f2a59da8",
            "test.csv": "3470f6d32713dc5f7715f198ca7c612a",
        },
        downloads=reczoo("Frappe_x1"),
        module="bench.data.public.frappe",
    ),
)
