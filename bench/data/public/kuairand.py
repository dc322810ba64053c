"""KuaiRand (Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed
Videos", CIKM 2022, arXiv 2208.08696): what a user does with a short video shown to her. Columns as its README
has them.

Only the standard logs are read, what the recommenders of the app showed; the logs of random exposure, another
distribution, are not. Tasks are `TASKS`, the first the primary one. The split is by time. `watched_before`
holds the videos the user viewed long at strictly earlier times. Left out: what is known only after the video
was shown (play and stay times), and the statistics of the videos, which sum over the days of the test split
as well. Hours and weekdays are in UTC, eight hours behind the users'. Pure, 1K and 27K are cuts of one log:
Pure has all users and 7,583 videos, 1K a thousand users and their videos, 27K everything.
"""

from __future__ import annotations

from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByTime, Table
from bench.data.public.importing import import_named

REV = 1

TASKS = ("long_view", "is_click", "is_like", "is_follow", "is_comment", "is_forward")
HISTORY = 50

_SOURCE = Source(missing=("", "UNKNOWN", "nan"))
_USER_FIELDS = (
    "user_active_degree",
    "is_lowactive_period",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num_range",
    "fans_user_num_range",
    "friend_user_num_range",
    "register_days_range",
    *(f"onehot_feat{i}" for i in range(18)),
)
_VIDEO_FIELDS = ("author_id", "video_type", "upload_type", "visible_status", "music_id", "music_type")

LOGS = {
    "pure": ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv"),
    "1k": ("log_standard_4_08_to_4_21_1k.csv", "log_standard_4_22_to_5_08_1k.csv"),
    "27k": (
        "log_standard_4_08_to_4_21_27k_part1.csv",
        "log_standard_4_08_to_4_21_27k_part2.csv",
        "log_standard_4_22_to_5_08_27k_part1.csv",
        "log_standard_4_22_to_5_08_27k_part2.csv",
    ),
}


def plan(cut: str) -> ImportPlan:
    """The plan for ``pure``, ``1k`` or ``27k``."""
    return ImportPlan(
        name=f"kuairand-{cut}",
        user="user_id",
        source=_SOURCE,
        time=Time(column="time_ms", format="milliseconds"),
        tables=(
            Table(name="users", files=(f"user_features_{cut}.csv",), key="user_id", source=_SOURCE),
            Table(name="videos", files=(f"video_features_basic_{cut}.csv",), key="video_id", source=_SOURCE),
        ),
        labels=tuple(Label(name=task) for task in TASKS),
        fields=(
            FieldPlan(name="user_id", kind="categorical", group="user"),
            *(FieldPlan(name=name, kind="categorical", group="user", of="users") for name in _USER_FIELDS),
            FieldPlan(name="video_id", kind="categorical", group="item", minimum_count=2),
            *(
                FieldPlan(name=name, kind="categorical", group="item", of="videos", minimum_count=2)
                for name in _VIDEO_FIELDS
            ),
            FieldPlan(name="tag", kind="sequence", group="item", of="videos", separator=",", max_length=4),
            FieldPlan(name="video_duration", kind="numeric", group="item", of="videos", transform="log1p"),
            FieldPlan(name="tab", kind="categorical", group="context"),
            FieldPlan(name="hour", kind="categorical", group="context", part="hour"),
            FieldPlan(name="weekday", kind="categorical", group="context", part="weekday"),
            FieldPlan(
                name="watched_before",
                kind="sequence",
                group="sequence",
                table="video_id",
                history="long_view",
                max_length=HISTORY,
            ),
        ),
        split=ByTime(fractions=(0.8, 0.1, 0.1)),
    )


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    cut = name.removeprefix("kuairand-")
    logs = [source / log for log in LOGS[cut]]
    return import_named(plan(cut), logs, directory, rev=REV, progress=progress)
