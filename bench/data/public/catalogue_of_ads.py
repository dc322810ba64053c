"""The public sets of advertisements and shops. See `catalogue`."""

from __future__ import annotations

from bench.data.public.entry import Download, NamedDataset
from bench.data.public.reczoo import page_of, reczoo, split_files

_CRITEO_KAGGLE = "criteo-research-kaggle-display-advertising-challenge-dataset.tar.gz"
_CRITEO = "non-commercial research use (Criteo)"
_SPLITS = ("train.csv", "valid.csv", "test.csv")


ENTRIES = (
    NamedDataset(
        name="criteo",
        description="Criteo Kaggle, raw: a week of ads, 39 fields, split by time",
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
        url=page_of("Criteo_x1"),
        files=split_files("label, I1 … I13 as numbers, C1 … C26", *_SPLITS),
        md5={
            "train.csv": "30b89c1c7213013b92df52ec44f52dc5",
            "valid.csv": "f73c71fb3c4f66b6ebdfa032646bea72",
            "test.csv": "2c48b26e84c04a69b948082edae46f8c",
        },
        downloads=reczoo("Criteo_x1"),
        module="bench.data.public.criteo",
    ),
    NamedDataset(
        name="criteo-x4",
        description="Criteo Kaggle as Criteo_x4 of BARS: a random 8:1:1 split, prepared as x4_001",
        rows=36_672_493 + 4_584_062 + 4_584_062,
        licence=_CRITEO,
        url=page_of("Criteo_x4"),
        files=split_files("Label, I1 … I13, C1 … C26", *_SPLITS),
        md5={
            "train.csv": "4a53bb7cbc0e4ee25f9d6a73ed824b1a",
            "valid.csv": "fba5428b22895016e790e2dec623cb56",
            "test.csv": "cfc37da0d75c4d2d8778e76997df2976",
        },
        downloads=reczoo("Criteo_x4", 4_049_391_068),
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
        url=page_of("Avazu_x1"),
        files=split_files("label, feat_1 … feat_22", *_SPLITS),
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
        url=page_of("Avazu_x4"),
        files=split_files("the columns of avazu", *_SPLITS),
        md5={
            "train.csv": "de3a27264cdabf66adf09df82328ccaa",
            "valid.csv": "33232931d84d6452d3f956e936cab2c9",
            "test.csv": "3ebb774a9ca74d05919b84a3d402986d",
        },
        downloads=reczoo("Avazu_x4"),
        module="bench.data.public.avazu",
    ),
    NamedDataset(
        name="taobao-ad",
        description="Taobao ad clicks as TaobaoAd_x1 of BARS, with the user's last 50 actions",
        rows=21_929_911 + 3_099_515,
        licence="non-commercial use (Tianchi)",
        url=page_of("TaobaoAd_x1"),
        files=split_files("clk, btag_his, cate_his, brand_his, userid, …, pid", "train.csv", "test.csv"),
        md5={
            "train.csv": "eaabfc8629f23519b04593e26c7522fc",
            "test.csv": "f5ae6197e52385496d46e2867c1c8da1",
        },
        downloads=reczoo("TaobaoAd_x1"),
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
        name="amazon-electronics",
        description="AmazonElectronics_x1 of BARS: the next review or a sampled one, with histories",
        rows=2_608_764 + 384_806,
        licence="research use",
        url=page_of("AmazonElectronics_x1"),
        files=split_files(
            "label, user_id, item_id, cate_id, item_history, cate_history", "train.csv", "test.csv"
        ),
        md5={
            "train.csv": "e9bf80b92985e463db18fdc753d347b5",
            "test.csv": "57a20e82fe736dd495f2eaf0669bf6d0",
        },
        downloads=reczoo("AmazonElectronics_x1"),
        module="bench.data.public.amazon_electronics",
    ),
)
