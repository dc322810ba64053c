"""The named data sets: on made files in the published format, and the whole sets where they are at hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import SPLITS, Dataset
from bench.data.public import NAMED
from bench.data.schema import FIRST_ID, MISSING_ID, UNKNOWN_ID
from bench.errors import BadInput


def base_rate(dataset: Dataset) -> float:
    positives = sum(int(dataset.splits[split].label[:, 0].sum()) for split in SPLITS)
    return positives / sum(dataset.rows.values())


def fields_of(dataset: Dataset, group: str) -> list[str]:
    return [field.name for field in dataset.schema.fields if field.group == group]


def column(dataset: Dataset, split: str, field: str) -> np.ndarray:
    names = [f.name for f in dataset.schema.of_kind("categorical")]
    return dataset.splits[split].categorical[:, names.index(field)]


def texts(dataset: Dataset, field: str, ids: np.ndarray) -> list[str | None]:
    table = pl.read_parquet(dataset.directory / "vocabulary" / f"{field}.parquet")
    known = {MISSING_ID: None, UNKNOWN_ID: "?", **dict(zip(table["id"], table["value"], strict=True))}
    return [known[i] for i in ids.tolist()]


def load(name: str, tmp_path: Path) -> Dataset:
    return NAMED[name].load(tmp_path, tmp_path / "made" / name)


@pytest.mark.parametrize("name", NAMED)
def test_a_missing_file_is_named_with_what_it_holds_and_where_to_get_it(name: str, tmp_path: Path) -> None:
    named = NAMED[name]
    assert named.name == name
    file, content = next(iter(named.files.items()))
    with pytest.raises(BadInput) as caught:
        named.load(tmp_path, tmp_path / "data")
    assert all(part in str(caught.value) for part in (file, content, named.url))


def test_listing_the_names_imports_no_slow_library() -> None:
    slow = "{'torch', 'polars', 'pyarrow', 'pandas'}"
    code = f"import sys, bench.data.public; sys.exit(not {slow}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMED)
def test_files_that_are_not_what_they_should_be_are_refused(name: str, tmp_path: Path) -> None:
    for file in NAMED[name].files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("nothing\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        NAMED[name].load(tmp_path, tmp_path / "data" / "made")
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


KUAIRAND_LOG = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)
KUAIRAND_USERS = (
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range," + ",".join(f"onehot_feat{i}" for i in range(18))
)
KUAIRAND_VIDEOS = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,"
    "server_height,music_id,music_type,tag"
)


@pytest.mark.parametrize("cut", ["pure", "1k", "27k"])
def test_kuairand_joins_users_and_videos_and_builds_histories(cut: str, tmp_path: Path) -> None:
    def log_row(user: int, video: int, time_ms: int, long_view: int) -> str:
        others = ",".join([str(video % 2)] * 6)
        return f"{user},{video},20220408,1400,{time_ms},{others},{long_view},9,99,0,0,0,0,{video % 2}"

    hour = 3_600_000
    rows = [log_row(7, video, 24 * hour + video * hour, int(video % 3 > 0)) for video in range(10)]
    rows += [log_row(8, video, 24 * hour + video * hour, 1) for video in range(10)]
    logs = [file for file in NAMED[f"kuairand-{cut}"].files if file.startswith("log")]
    for i, file in enumerate(logs):
        (tmp_path / file).write_text("\n".join([KUAIRAND_LOG, *rows[i :: len(logs)]]) + "\n")
    user = '7,full_active,0,0,1,5,"(0,10]",1,"[1,10)",0,0,3624,730+,' + ",".join(["1.0"] * 18)
    (tmp_path / f"user_features_{cut}.csv").write_text(f"{KUAIRAND_USERS}\n{user}\n")
    videos = [
        f'{video},{video % 2},NORMAL,2020-07-08,ShortImport,1,17200.0,720,1280,33,4,"12,{video}"'
        for video in range(10)
    ]
    (tmp_path / f"video_features_basic_{cut}.csv").write_text("\n".join([KUAIRAND_VIDEOS, *videos]) + "\n")
    dataset = load(f"kuairand-{cut}", tmp_path)
    assert dataset.rows == {"train": 16, "valid": 2, "test": 2}
    assert dataset.schema.tasks == (
        "long_view",
        "is_click",
        "is_like",
        "is_follow",
        "is_comment",
        "is_forward",
    )
    follows = texts(dataset, "follow_user_num_range", column(dataset, "test", "follow_user_num_range"))
    assert sorted(follows, key=str) == ["(0,10]", None]  # user 8 is in no table
    watched = dataset.splits["test"].sequences["watched_before"][follows.index("(0,10]"), :7]
    assert texts(dataset, "video_id", watched) == ["1", "2", "4", "5", "7", "?", None]
    assert column(dataset, "test", "hour").tolist() == [9 + FIRST_ID] * 2


def test_taobao_ad_and_amazon_share_tables_and_hold_rows_out(tmp_path: Path) -> None:
    header = (
        "clk,btag_his,cate_his,brand_his,userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,"
        "shopping_level,occupation,new_user_class_level,adgroup_id,cate_id,campaign_id,customer,brand,price,pid,btag"
    )
    row = "{},pv^cart,4^5,8,u,1,2,1,3,2,3,0,4,9,4,6,7,8,170.0,430548_1007,1"
    for split, rows in (("train", 400), ("test", 10)):
        made = [row.format(i % 2) for i in range(rows)]
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("taobao-ad", tmp_path)
    assert dataset.rows["test"] == 10
    assert dataset.rows["train"] + dataset.rows["valid"] == 400
    assert 5 < dataset.rows["valid"] < 45
    test = dataset.splits["test"].sequences
    assert texts(dataset, "cate_id", test["cate_his"][0, :3]) == ["4", "?", None]
    assert texts(dataset, "btag_his", test["btag_his"][0, :3]) == ["pv", "cart", None]
    for split, rows in (("train", 400), ("test", 10)):
        made = [f"{i % 2},{i % 9},3,1,2^3,1^1" for i in range(rows)]
        header = "label,user_id,item_id,cate_id,item_history,cate_history"
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("amazon-electronics", tmp_path)
    history = dataset.splits["test"].sequences["item_history"][0, :3]
    assert texts(dataset, "item_id", history) == ["?", "3", None]


def test_mind_makes_a_row_of_every_headline_shown(tmp_path: Path) -> None:
    for part, days in (("train", (13, 14)), ("dev", (15,))):
        (tmp_path / part).mkdir()
        lines = [f"{i}\tU{i}\t11/{day}/2019 9:05:58 PM\tN1 N2\tN1-0 N3-1" for day in days for i in range(3)]
        (tmp_path / part / "behaviors.tsv").write_text("\n".join(lines) + "\n")
        news = [f'N{i}\tsports\tgolf\tA "title"\t\thttps://x\t[]\t[]' for i in (1, 3)]
        (tmp_path / part / "news.tsv").write_text("\n".join(news) + "\n")
    dataset = NAMED["mind-small"].load(tmp_path, tmp_path / "made" / "mind")
    assert dataset.rows == {"train": 6, "valid": 6, "test": 6}
    assert dataset.splits["train"].label[:, 0].tolist() == [0, 1] * 3
    assert texts(dataset, "news", column(dataset, "test", "news"))[:2] == ["N1", "N3"]
    assert texts(dataset, "subcategory", column(dataset, "test", "subcategory"))[:1] == ["golf"]
    assert texts(dataset, "news", dataset.splits["test"].sequences["clicked_before"][0, :3]) == [
        "N1",
        "?",
        None,
    ]
    assert set(column(dataset, "test", "hour")) == {21 + FIRST_ID}
    (tmp_path / "dev" / "behaviors.tsv").write_text("1\tU1\tyesterday\tN1\tN1-0\n")
    with pytest.raises(BadInput, match="without a time"):
        NAMED["mind-small"].load(tmp_path, tmp_path / "made" / "mind")


def test_ali_ccp_unpacks_the_features_of_rows_and_of_users(tmp_path: Path) -> None:
    def features(*pairs: tuple[str, str]) -> str:
        return "\x01".join(f"{field}\x02{value}\x031.0" for field, value in pairs)

    for part in ("train", "test"):
        of_user = features(("101", "u"), ("109_14", "5"), ("109_14", "6"), ("129", "3"))
        (tmp_path / f"common_features_{part}.csv").write_text(f"k1,4,{of_user}\n")
        of_row = features(("205", "i"), ("210", "8"), ("210", "9"), ("301", "2"), ("508", "x"))
        rows = [f"{i},{i % 2},{i % 3 % 2},k1,5,{of_row}" for i in range(300)]
        (tmp_path / f"sample_skeleton_{part}.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(BadInput, match="field '121'"):  # a field without any value is no field of this set
        NAMED["ali-ccp"].load(tmp_path, tmp_path / "made" / "ali")
    every = [("121", "a"), ("122", "a"), ("124", "a"), ("125", "a"), ("126", "a"), ("127", "a"), ("128", "a")]
    lists = [("110_14", "1"), ("127_14", "1"), ("150_14", "1")]
    for part in ("train", "test"):
        of_user = features(("101", "u"), *every, *lists, ("109_14", "5"), ("109_14", "6"), ("129", "3"))
        (tmp_path / f"common_features_{part}.csv").write_text(f"k1,4,{of_user}\n")
        items = [(field, "y") for field in ("206", "207", "216", "509", "702", "853")]
        of_row = features(("205", "i"), *items, ("210", "8"), ("210", "9"), ("301", "2"), ("508", "x"))
        rows = [f"{i},{i % 2},{i % 3 % 2},k1,5,{of_row}" for i in range(300)]
        (tmp_path / f"sample_skeleton_{part}.csv").write_text("\n".join(rows) + "\n")
    dataset = NAMED["ali-ccp"].load(tmp_path, tmp_path / "made" / "ali")
    assert dataset.rows["test"] == 300
    assert dataset.schema.tasks == ("click", "conversion")
    test = dataset.splits["test"]
    assert texts(dataset, "109_14", test.sequences["109_14"][0, :3]) == ["5", "6", None]
    assert texts(dataset, "210", test.sequences["210"][7, :3]) == ["8", "9", None]
    assert texts(dataset, "101", column(dataset, "test", "101"))[:2] == ["u", "u"]


def test_movielens_1m_on_made_files(tmp_path: Path) -> None:
    ratings = {
        "user": [1, 1, 2, 2, 2],
        "item": [7, 8, 7, 8, 9],
        "rating": [5, 3, 4, 1, 2],
        "fold": [1, 2, 3, 4, 5],
    }
    pl.DataFrame(ratings).write_parquet(tmp_path / "ratings.parquet")
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::48199-1234\n")
    (tmp_path / "movies.dat").write_bytes(
        "7::Caf\xe9 \x85 (1995)::Crime|Thriller\n8::8 (1963)::Drama\n".encode("latin-1")
    )
    dataset = load("movielens-1m-folds", tmp_path)
    assert dataset.rows == {"train": 3, "valid": 1, "test": 1}
    assert dataset.splits["train"].label[:, 0].tolist() == [1, 0, 1]
    assert texts(dataset, "zip_prefix", column(dataset, "train", "zip_prefix")) == ["480", "480", "481"]
    assert texts(dataset, "year", column(dataset, "train", "year")) == ["1995", "1963", "1995"]
    assert dataset.splits["test"].sequences["genres"].tolist() == [
        [0] * 6
    ]  # a film of which nothing is known


def test_movielens_tags_on_made_files(tmp_path: Path) -> None:
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text("label,user_id,item_id,tag_id\n1,5,7,9\n0,5,8,9\n")
    dataset = load("movielens-tags", tmp_path)
    assert dataset.rows == {"train": 2, "valid": 2, "test": 2}
    assert texts(dataset, "item_id", column(dataset, "test", "item_id")) == ["7", "8"]


def test_movielens_20m_on_made_files(tmp_path: Path) -> None:
    ratings = [f"{user},{film},{5 - film % 3}.0,{1000 + film}" for user in (1, 2) for film in range(10)]
    (tmp_path / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]) + "\n")
    films = [f'{film},"Film, The {film} (199{film})",Drama|War' for film in range(10)]
    (tmp_path / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n")
    dataset = load("movielens-20m", tmp_path)
    assert dataset.rows == {"train": 14, "valid": 2, "test": 4}
    assert texts(dataset, "year", column(dataset, "valid", "year")) == ["?", "?"]
    last = dataset.splits["test"].sequences["liked_before"][1, :8]
    assert texts(dataset, "item", last) == ["0", "1", "3", "4", "6", "?", None, None]


def test_movielens_100k_is_the_same_from_its_own_files_and_from_atomic_ones(
    tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    atomic = real_data("movielens-100k")
    ratings = pl.read_csv(atomic / "ml-100k.inter", separator="\t", infer_schema=False)
    ratings.write_csv(tmp_path / "u.data", separator="\t", include_header=False)
    users = pl.read_csv(atomic / "ml-100k.user", separator="\t", infer_schema=False)
    users.write_csv(tmp_path / "u.user", separator="|", include_header=False)
    genres = [
        "unknown",
        "Action",
        "Adventure",
        "Animation",
        "Children's",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Fantasy",
        "Film-Noir",
        "Horror",
        "Musical",
        "Mystery",
        "Romance",
        "Sci-Fi",
        "Thriller",
        "War",
        "Western",
    ]
    with (tmp_path / "u.item").open("w", encoding="latin-1") as file:
        films = pl.read_csv(atomic / "ml-100k.item", separator="\t", infer_schema=False, quote_char=None)
        for item, _, year, classes in films.iter_rows():
            flags = "|".join(str(int(genre in (classes or "").split(" "))) for genre in genres)
            date = f"01-Jan-{year}" if (year or "").isdecimal() else ""
            file.write(f"{item}|Caf\xe9|{date}||http://x|{flags}\n")
    own = load("movielens-100k", tmp_path)
    other = NAMED["movielens-100k"].load(atomic, tmp_path / "made" / "atomic")
    assert own.splits["train"].sequences["liked_before"].tolist() == (
        other.splits["train"].sequences["liked_before"].tolist()
    )
    for split in SPLITS:  # the order of a film's genres is that of the flags, the same on the atomic files
        np.testing.assert_array_equal(own.splits[split].categorical, other.splits[split].categorical)
