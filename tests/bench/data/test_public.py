"""The named data sets: on made files in the published format, and the whole sets where they are at hand."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import SPLITS, Dataset
from bench.data.describe import describe
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


def criteo_row(click: int, count: str, category: str) -> list[str]:
    return [str(click), *[count] * 13, *[category] * 26]


def test_criteo_raw_keeps_the_order_and_buckets_the_counts(tmp_path: Path) -> None:
    counts = ["-2", "0", "2", "3", "100", ""] * 50
    rows = [criteo_row(i % 2, count, f"{i % 3:08x}") for i, count in enumerate(counts)]
    (tmp_path / "train.txt").write_text("".join("\t".join(row) + "\n" for row in rows))
    dataset = load("criteo", tmp_path)
    assert dataset.rows == {"train": 240, "valid": 30, "test": 30}
    expected = ["-2", "0", "2", "1", "21", None] * 5  # ⌊ln(3)²⌋ = 1, ⌊ln(100)²⌋ = 21
    assert texts(dataset, "I7", column(dataset, "test", "I7")) == expected
    assert dataset.splits["train"].label[:6, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert len(dataset.schema.fields) == 39


def test_criteo_x4_takes_the_published_files_and_drops_what_is_rare(tmp_path: Path) -> None:
    header = ",".join(["Label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))])
    for split, rows in (("train", 40), ("valid", 3), ("test", 3)):
        made = [",".join(criteo_row(i % 2, "5.0", "rare" if i == 1 else "often")) for i in range(rows)]
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("criteo-x4", tmp_path)
    assert dataset.rows == {"train": 40, "valid": 3, "test": 3}
    assert texts(dataset, "C26", column(dataset, "test", "C26")) == ["often", "?", "often"]
    assert texts(dataset, "I1", column(dataset, "test", "I1")) == ["2"] * 3


def test_criteo_x1_takes_the_numbers_as_published(tmp_path: Path) -> None:
    header = ",".join(["label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))])
    for split in SPLITS:
        made = [",".join(criteo_row(i % 2, f"0.{i}", f"{i}")) for i in range(4)]
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("criteo-x1", tmp_path)
    assert len(dataset.schema.of_kind("numeric")) == 13
    assert dataset.schema.fields[0].mean == pytest.approx(0.15)


def test_the_terabyte_logs_are_hashed_and_split_by_day(tmp_path: Path) -> None:
    for day in range(24):
        rows = [criteo_row(i % 2, "3", f"{day % 2:x}") for i in range(12)]
        text = "".join("\t".join(row) + "\n" for row in rows)
        (tmp_path / f"day_{day}.gz").write_bytes(gzip.compress(text.encode()))
    dataset = load("criteo-1tb", tmp_path)
    assert dataset.rows == {"train": 22 * 12, "valid": 12, "test": 12}
    assert dataset.schema.fields[-1].cardinality == (1 << 20) + FIRST_ID
    train, test = column(dataset, "train", "C1"), column(dataset, "test", "C1")
    assert set(train[12:24]) == set(test)  # days 1 and 23 hold the same value
    assert not set(train[:12]) & set(test)


AVAZU = (
    "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,device_id,"
    "device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21"
)


def avazu_rows(hours: list[str]) -> str:
    rows = [f"{i},{i % 2},{hour}," + ",".join(["1005"] * 21) for i, hour in enumerate(hours)]
    return "\n".join([AVAZU, *rows]) + "\n"


def test_avazu_makes_hour_and_weekday_and_splits_by_time(tmp_path: Path) -> None:
    hours = [f"141021{hour:02}" for hour in range(20)]
    (tmp_path / "train.gz").write_bytes(gzip.compress(avazu_rows(hours).encode()))
    dataset = load("avazu", tmp_path)
    assert dataset.rows == {"train": 16, "valid": 2, "test": 2}
    assert column(dataset, "test", "hour").tolist() == [18 + FIRST_ID, 19 + FIRST_ID]
    assert set(column(dataset, "train", "weekday")) == {1 + FIRST_ID}  # 21 October 2014 was a Tuesday
    assert set(column(dataset, "train", "weekend")) == {FIRST_ID}
    assert len(dataset.schema.fields) == 24


def test_avazu_x4_and_x1_take_the_published_files(tmp_path: Path) -> None:
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(avazu_rows(["14102500", "14102701"]))
    assert column(load("avazu-x4", tmp_path), "test", "weekend").tolist() == [1 + FIRST_ID, FIRST_ID]
    header = ",".join(["label", *(f"feat_{i}" for i in range(1, 23))])
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(f"{header}\n1{',7' * 22}\n0{',8' * 22}\n")
    assert len(load("avazu-x1", tmp_path).schema.fields) == 22


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


def test_movielens_1m_folds(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-1m-folds"].load(real_data("movielens-1m"), tmp_path / "movielens-1m")
    assert dataset.rows == {"train": 600_126, "valid": 200_042, "test": 200_041}
    assert base_rate(dataset) == pytest.approx(0.5752, abs=1e-4)
    assert fields_of(dataset, "user") == ["user", "gender", "age", "occupation", "zip_prefix"]
    assert fields_of(dataset, "item") == ["item", "year", "genres"]
    cardinalities = {field.name: field.cardinality - FIRST_ID for field in dataset.schema.fields}
    assert cardinalities["user"] == 6040
    assert (cardinalities["gender"], cardinalities["age"], cardinalities["occupation"]) == (2, 7, 21)
    assert cardinalities["genres"] == 18
    for split in SPLITS:
        genres = dataset.splits[split].sequences["genres"]
        assert (genres[:, 0] >= FIRST_ID).all()
    assert describe(dataset)["users"]["train"] == 6040


def test_movielens_1m_in_its_official_format(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    """A tenth of the ratings, those whose times are at hand."""
    folder = real_data("movielens-1m")
    (tmp_path / "ratings.dat").symlink_to(folder / "ratings_100k_with_ts.dat")
    for file in ("users.dat", "movies.dat"):
        (tmp_path / file).symlink_to(folder / file)
    dataset = load("movielens-1m", tmp_path)
    assert sum(dataset.rows.values()) == 100_000
    assert dataset.schema.fields[-1].table == "item"
    assert (dataset.splits["test"].sequences["liked_before"] > 0).any(axis=1).mean() > 0.8


def test_movielens_100k(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-100k"].load(real_data("movielens-100k"), tmp_path / "movielens-100k")
    assert dataset.rows == {"train": 70_418, "valid": 9_949, "test": 19_633}
    assert base_rate(dataset) == pytest.approx(0.55375)
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    latest = np.zeros(943, np.int64)
    np.maximum.at(latest, train.user, train.time)
    assert (latest[valid.user] <= valid.time).all()
    assert (latest[test.user] <= test.time).all()
    liked = np.unique(train.categorical[train.label[:, 0] == 1][:, 5])
    assert np.isin(train.sequences["liked_before"], np.append(liked, 0)).all()
    assert describe(dataset)["base_rate"]["liked"]["test"] == pytest.approx(test.label.mean())


def test_frappe(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    source = real_data("frappe")
    dataset = NAMED["frappe"].load(source, tmp_path / "frappe")
    assert dataset.rows == {"train": 202_027, "valid": 57_722, "test": 28_860}
    assert base_rate(dataset) == pytest.approx(1 / 3, abs=1e-3)
    assert fields_of(dataset, "user") == ["user"]
    assert fields_of(dataset, "item") == ["item", "cost"]
    assert describe(dataset)["users"]["train"] == 924
    for split in SPLITS:  # as published: CSV with line ends of two characters
        pl.read_parquet(source / f"{split}.parquet").write_csv(
            tmp_path / f"{split}.csv", line_terminator="\r\n"
        )
    assert load("frappe", tmp_path).fingerprint == dataset.fingerprint


def test_the_heads_of_criteo_and_avazu(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    criteo = NAMED["criteo"].load(real_data("criteo-head"), tmp_path / "criteo")
    assert criteo.rows == {"train": 8_000, "valid": 1_000, "test": 1_000}
    described = describe(criteo)
    assert [field["name"] for field in described["fields"]][:2] == ["I1", "I2"]
    assert described["base_rate"]["click"]["train"] == pytest.approx(0.2269, abs=0.03)
    with pytest.raises(BadInput, match="train split has no rows"):  # the head is of one hour
        NAMED["avazu"].load(real_data("avazu-head"), tmp_path / "avazu")
