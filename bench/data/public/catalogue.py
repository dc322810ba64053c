"""The public data sets by name. Imports nothing slow.

Addresses, sizes and checksums are as their publishers and BARS (github.com/reczoo/Datasets) state them; none
of the addresses was tried from here.
"""

from __future__ import annotations

from bench.data.public.entry import Download, NamedDataset

_GROUPLENS = "research use, no redistribution without permission (GroupLens)"
_CRITEO_KAGGLE = "criteo-research-kaggle-display-advertising-challenge-dataset.tar.gz"
_CRITEO = "non-commercial research use (Criteo)"
_SPLITS = ("train.csv", "valid.csv", "test.csv")


def _reczoo(name: str, size: int | None = None) -> tuple[Download, ...]:
    """The archive of a set that BARS keeps."""
    url = f"https://huggingface.co/datasets/reczoo/{name}/resolve/main/{name}.zip"
    return (Download(url=url, file=f"{name}.zip", size=size),)


def _page(name: str) -> str:
    return f"https://huggingface.co/datasets/reczoo/{name}"


def _split_files(columns: str, *files: str) -> dict[str, str]:
    return {file: f"the {file.removesuffix('.csv')} rows: {columns}" for file in files}


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


_ENTRIES = (
    NamedDataset(
        name="criteo",
        description="Criteo Kaggle, raw: a week of ads, 39 fields, in order of time and split so",
        rows=45_840_617,
        licence=_CRITEO,
        url="https://www.kaggle.com/c/criteo-display-ad-challenge",
        files={"train.txt": "tab-separated without a header: label, I1 … I13, C1 … C26"},
        downloads=(Download(url=f"http://go.criteo.net/{_CRITEO_KAGGLE}", file=_CRITEO_KAGGLE),),
        module="bench.data.public.criteo",
    ),
    NamedDataset(
        name="criteo-x1",
        description="Criteo Kaggle as Criteo_x1 of BARS: the AFN paper's random 7:2:1 split",
        rows=33_003_326 + 8_250_124 + 4_587_167,
        licence=_CRITEO,
        url=_page("Criteo_x1"),
        files=_split_files("label, I1 … I13 as numbers, C1 … C26", *_SPLITS),
        md5={
            "train.csv": "30b89c1c7213013b92df52ec44f52dc5",
            "valid.csv": "f73c71fb3c4f66b6ebdfa032646bea72",
            "test.csv": "2c48b26e84c04a69b948082edae46f8c",
        },
        downloads=_reczoo("Criteo_x1"),
        module="bench.data.public.criteo",
    ),
    NamedDataset(
        name="criteo-x4",
        description="Criteo Kaggle as Criteo_x4 of BARS: a random 8:1:1 split, prepared as x4_001",
        rows=36_672_493 + 4_584_062 + 4_584_062,
        licence=_CRITEO,
        url=_page("Criteo_x4"),
        files=_split_files("Label, I1 … I13, C1 … C26", *_SPLITS),
        md5={
            "train.csv": "4a53bb7cbc0e4ee25f9d6a73ed824b1a",
            "valid.csv": "fba5428b22895016e790e2dec623cb56",
            "test.csv": "cfc37da0d75c4d2d8778e76997df2976",
        },
        downloads=_reczoo("Criteo_x4", 4_049_391_068),
        module="bench.data.public.criteo",
    ),
    NamedDataset(
        name="criteo-1tb",
        description="Criteo terabyte click logs: 39 fields, hashed; days 22 and 23 are valid and test",
        rows=4_370_000_000,
        licence="CC BY-NC-SA 4.0 (Criteo)",
        url="https://ailab.criteo.com/criteo-1tb-click-logs-dataset/",
        files={f"day_{day}.gz": "tab-separated without a header, as criteo" for day in range(24)},
        downloads=tuple(
            Download(
                url=f"https://storage.googleapis.com/criteo-cail-datasets/day_{day}.gz",
                file=f"day_{day}.gz",
            )
            for day in range(24)
        ),
        module="bench.data.public.criteo",
    ),
    NamedDataset(
        name="avazu",
        description="Avazu Kaggle, raw: ten days of mobile ads, split by hour",
        rows=40_428_967,
        licence="competition rules (Kaggle)",
        url="https://www.kaggle.com/c/avazu-ctr-prediction",
        files={"train.gz": "compressed CSV with a header: id, click, hour (YYMMDDHH), C1, …, C21"},
        other_files={"train.csv": "the same, unpacked"},
        by_hand="log in to Kaggle, join the competition and download train.gz",
        module="bench.data.public.avazu",
    ),
    NamedDataset(
        name="avazu-x1",
        description="Avazu as Avazu_x1 of BARS: the AFN paper's random 7:1:2 split",
        rows=28_300_276 + 4_042_897 + 8_085_794,
        licence="competition rules (Kaggle)",
        url=_page("Avazu_x1"),
        files=_split_files("label, feat_1 … feat_22", *_SPLITS),
        md5={
            "train.csv": "f1114a07aea9e996842c71648e0f6395",
            "valid.csv": "d9568f246357d156c4b8030fadb8b623",
            "test.csv": "9e2fe9c48705c9315ae7a0953eb57acf",
        },
        downloads=(
            Download(url="https://zenodo.org/record/5700987/files/Avazu_x1.zip", file="Avazu_x1.zip"),
        ),
        module="bench.data.public.avazu",
    ),
    NamedDataset(
        name="avazu-x4",
        description="Avazu as Avazu_x4 of BARS: a random 8:1:1 split, prepared as x4_001",
        rows=32_343_172 + 4_042_897 + 4_042_898,
        licence="competition rules (Kaggle)",
        url=_page("Avazu_x4"),
        files=_split_files("the columns of avazu", *_SPLITS),
        md5={
            "train.csv": "de3a27264cdabf66adf09df82328ccaa",
            "valid.csv": "33232931d84d6452d3f956e936cab2c9",
            "test.csv": "3ebb774a9ca74d05919b84a3d402986d",
        },
        downloads=_reczoo("Avazu_x4"),
        module="bench.data.public.avazu",
    ),
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
        name="taobao-ad",
        description="Taobao ad clicks as TaobaoAd_x1 of BARS, with the user's last 50 actions",
        rows=21_929_911 + 3_099_515,
        licence="non-commercial use (Tianchi)",
        url=_page("TaobaoAd_x1"),
        files=_split_files("clk, btag_his, cate_his, brand_his, userid, …, pid", "train.csv", "test.csv"),
        md5={
            "train.csv": "eaabfc8629f23519b04593e26c7522fc",
            "test.csv": "f5ae6197e52385496d46e2867c1c8da1",
        },
        downloads=_reczoo("TaobaoAd_x1"),
        module="bench.data.public.taobao_ad",
    ),
    NamedDataset(
        name="ali-ccp",
        description="Ali-CCP: clicks and conversions on Taobao, with lists of the user's past",
        rows=42_300_135 + 43_016_840,
        licence="non-commercial use (Tianchi)",
        url="https://tianchi.aliyun.com/dataset/408",
        files={
            **{
                f"sample_skeleton_{part}.csv": f"the {part} rows without a header"
                for part in ("train", "test")
            },
            **{f"common_features_{part}.csv": "features that rows share" for part in ("train", "test")},
        },
        by_hand="log in to Tianchi, download sample_train.tar.gz and sample_test.tar.gz and unpack them",
        module="bench.data.public.ali_ccp",
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
        url=_page("MovielensLatest_x1"),
        files=_split_files("label, user_id, item_id, tag_id", *_SPLITS),
        md5={
            "train.csv": "efc8bceeaa0e895d566470fc99f3f271",
            "valid.csv": "e1930223a5026e910ed5a48687de8af1",
            "test.csv": "54e8c6baff2e059fe067fb9b69e692d0",
        },
        downloads=_reczoo("MovielensLatest_x1"),
        module="bench.data.public.movielens",
    ),
    NamedDataset(
        name="frappe",
        description="Frappe_x1 of BARS: app usage in context, two sampled negatives a use",
        rows=202_027 + 57_722 + 28_860,
        licence="research use, no redistribution without permission",
        url=_page("Frappe_x1"),
        files=_split_files("label, user, item and eight of context", *_SPLITS),
        other_files={f"{split}.parquet": "the same columns" for split in ("train", "valid", "test")},
        md5={
            "train.csv": "ba7306e6c4fc19dd2cd84f2f0596d158",
            "valid.csv": "88d51bf2173505436d3a8f78f2a59da8",
            "test.csv": "3470f6d32713dc5f7715f198ca7c612a",
        },
        downloads=_reczoo("Frappe_x1"),
        module="bench.data.public.frappe",
    ),
    NamedDataset(
        name="amazon-electronics",
        description="AmazonElectronics_x1 of BARS: the next review or a sampled one, with histories",
        rows=2_608_764 + 384_806,
        licence="research use",
        url=_page("AmazonElectronics_x1"),
        files=_split_files(
            "label, user_id, item_id, cate_id, item_history, cate_history", "train.csv", "test.csv"
        ),
        md5={
            "train.csv": "e9bf80b92985e463db18fdc753d347b5",
            "test.csv": "57a20e82fe736dd495f2eaf0669bf6d0",
        },
        downloads=_reczoo("AmazonElectronics_x1"),
        module="bench.data.public.amazon_electronics",
    ),
)

NAMED: dict[str, NamedDataset] = {entry.name: entry for entry in _ENTRIES}
