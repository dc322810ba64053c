"""Bad input is one clear line and exit code 2, before any work."""

from __future__ import annotations

import pytest

SCHEMA = """
name = "clicks"
[[labels]]
name = "click"
[[fields]]
name = "item"
kind = "categorical"
group = "item"
[split]
by = "random"
seed = 0
fractions = [0.6, 0.2, 0.2]
"""

SEVEN_TOKENS = ("--set", "num_tokens=7", "--set", "token_dim=64")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "rankmixr"], "unknown study or contestant 'rankmixr'; did you mean 'rankmixer'?"),
        (
            ["run", "compare", "--contestants", "dlrm-mpl"],
            "unknown contestant 'dlrm-mpl'; did you mean 'dlrm-mlp'?",
        ),
        (
            ["run", "rankmixer", "--rows", "4000", "--budget", "50"],
            "rankmixer cannot reach 50 dense parameters",
        ),
        (["report", "--intervals", "bayes"], "--intervals is 'bayes'; it can be moderated or plain"),
        (["fairness", "rankmixr"], "unknown study or contestant 'rankmixr'; did you mean 'rankmixer'?"),
        (
            ["fairness", "compare", "--budget", "10k,none"],
            "--budget is 'none', but neighbours have equal",
        ),
        (["fairness", "compare", "--seeds", "0"], "--seeds is 0; it must be from 1 to 1000"),
        (["run", "rankmixer", "--budget", "lots"], "budget is 'lots'; it must be a whole number above 0"),
        (["run", "compare", "--protocol", "papr"], "unknown protocol 'papr'; did you mean 'paper'?"),
        (["run", "compare", "--seeds", "0"], "--seeds is 0; it must be from 1 to 1000"),
        (["run", "compare", "--data", "movielens-1m"], "no data set 'movielens-1m' in data/"),
        (["run", "compare", "--data", "synthetic"], "no data set 'synthetic' in data/"),
        (
            ["run", "compare", "--data", "clicks", "--rows", "4k"],
            "--rows sets the size of synthetic data (rules,",
        ),
        (["data", "synthesize", "--family", "treees"], "unknown family 'treees'; did you mean 'trees'?"),
        (["data", "synthesize", "--rows", "9"], "rows is 9; it must be 11 or more"),
        (["data", "synthesize", "--seed", "-1"], "seed is -1; it must be 0 or more"),
        (["data", "synthesize", "--processes", "0"], "processes is 0; it must be 1 or more"),
        (["run", "compare", "--set", "num_layers=3"], "write --set CONTESTANT.num_layers=3"),
        (["run", "compare", "--set", "rankmixr.num_layers=3"], "did you mean 'rankmixer'?"),
        (
            ["run", "rankmixer", "--rows", "4000", "--set", "token_dim=256"],
            "to set it by hand give --budget none",
        ),
        (["run", "compare", "--contestants", "dcnv2,dcnv2"], "give each contestant once"),
        (
            ["run", "compare", "--baseline", "rankmix"],
            "unknown baseline 'rankmix'; did you mean",
        ),
        (["run", "compare", "--keep", "everything"], "--keep is 'everything', allowed: weights"),
        (["run", "compare", "--store", "/proc/nope"], "the store /proc/nope cannot be written"),
        (["run", "compare", "--dense-lr", "nan"], "dense_lr is nan; it must be a number above 0"),
        (["speed", "compare", "--rows", "4k", "--batch-size", "5000"], "a batch has 5000 rows"),
        (["speed", "compare", "--seconds", "nan"], "--seconds is nan"),
        (["speed", "compare", "--seeds", "2"], "--seeds does not apply to speed"),
        (["speed", "compare", "--epochs", "2"], "--epochs does not apply to speed"),
        (["speed", "compare", "--patience", "2"], "--patience does not apply to speed"),
        (["speed", "compare", "--baseline", "none"], "--baseline does not apply to speed"),
        (["speed", "compare", "--threads", "0"], "--threads is 0; it must be from 1 to"),
        (["speed", "rankmixer", "--grid", "token_dim"], "--grid is 'token_dim'; it must be name=value,value"),
        (["speed", "rankmixer", "--grid", "token_dim="], "--grid is 'token_dim='; it must be"),
        (
            ["speed", "rankmixer", "--grid", "token_dim=64,wide"],
            "--grid token_dim=wide: token_dim of rankmixer",
        ),
        (["speed", "rankmixer", "--grid", "tokn_dim=64"], "no hyper-parameter 'tokn_dim'; did you mean"),
        (["speed", "rankmixer", "--grid", "batch_size=1,many"], "--grid batch_size is 'many'"),
        (["speed", "rankmixer", "--grid", "token_dim=64,64"], "--grid token_dim has 64 twice"),
        (
            ["speed", "rankmixer", "--grid", "token_dim=64"],
            "--grid token_dim=64: the budget decides token_dim of rankmixer; to set it by hand give",
        ),
        (
            ["speed", "rankmixer", "--budget", "none", "--set", "token_dim=64", "--grid", "num_tokens=7"],
            "no contestant can be measured: rankmixer: token_dim",
        ),
        (["speed", "compare", "--grid", "token_dim=64"], "write --grid CONTESTANT.token_dim=64"),
        (["speed", "compare", "--grid", "rankmixr.token_dim=64"], "did you mean 'rankmixer'?"),
        (
            ["speed", "compare", "--rows", "4k", "--grid", "batch_size=64,5000"],
            "a batch has 5000 rows, but trees-4000-1 has only 2909 in train",
        ),
        (["speed", "--random-fields", "39", "--data", "trees"], "--data does not apply; leave one out"),
        (["speed", "--random-fields", "0"], "--random-fields is 0; it must be from 1 to 4096"),
        (["speed", "--random-table-rows", "709k"], "--random-table-rows needs --random-fields"),
        (["speed", "standard", "--budget", "1M"], "--budget does not apply to 'speed standard'"),
        (["speed", "standard", "--threads", "1"], "--threads does not apply to 'speed standard'"),
        (
            ["run", "rankmixer", "--rows", "4000", "--set", "depth=3"],
            "rankmixer has no hyper-parameter 'depth'",
        ),
        (
            ["run", "rankmixer", "--rows", "4k", "--budget", "none", *SEVEN_TOKENS],
            "multiple of num_tokens",
        ),
        (["run", "compare", "--device", "tpu"], "device is 'tpu', allowed: auto, cpu, cuda"),
        (
            ["run", "compare", "--contestants", "nothing"],
            "give your own contestant as package.module:NAME or path/to/file.py:NAME",
        ),
        (
            ["run", "compare", "--contestants", "nothing:HERE"],
            "module 'nothing' is neither in",
        ),
        (["show", "compare", "--budget", "1M", "--budget-kind", "size"], "budget kind is 'size', allowed:"),
        (["show", "compare", "--budget-kind", "flops_forward"], "without --budget"),
        (
            ["run", "compare", "--protocol", "none.toml"],
            "settings file none.toml cannot be read",
        ),
        (["tune", "compare", "--trials", "0"], "--trials is 0; it must be 1 or more"),
        (["tune", "compare", "--sampler", "tp"], "unknown sampler 'tp'; did you mean 'tpe'?"),
        (["tune", "compare", "--sampler-seed", "-1"], "--sampler-seed is -1; it must be 0 or more"),
        (["tune", "compare", "--storage", "trials.db"], "--storage is 'trials.db', which optuna cannot open"),
        (["tune", "compare", "--budget", "none"], "--budget is 'none', but a setting is tuned for a size"),
        (["tune", "compare", "--protocol", "tuned"], "but tune chooses settings itself; give a named one"),
        (["tune", "compare", "--equal", "--trials", "3"], "--trials does not apply to --equal"),
        (["tune", "compare", "--equal", "--write", "a.toml"], "--write does not apply to --equal"),
        (["tune", "compare", "--equal", "--start", "tuned"], "--start does not apply to --equal"),
        (["tune", "compare", "--start", "short"], "--start is 'short'; it must be 'tuned' or a FILE.toml"),
        (["tune", "compare", "--start", "no.toml"], "settings file no.toml cannot be read"),
        (["tune", "compare", "--write", "settings"], "--write is 'settings'; it must end in .toml"),
        (["report"], "has no runs"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["data", "import", "x.csv"], "give either --schema FILE"),
        (["data", "import", ".", "--as", "movielens"], "unknown data set with a loader 'movielens'"),
        (["data", "describe", "nothing"], "no data set 'nothing' in data/"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(bench, tmp_path, arguments, message):
    done = bench(*arguments, code=2)
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("content", "schema", "message"),
    [
        ("click,itm\n1,a\n", SCHEMA, "item"),
        ("click,item\nyes,a\n" * 3, SCHEMA, "yes"),
        ("", SCHEMA, "empty"),
        ("click,item\n", SCHEMA, "no rows"),
        ("click,item\n1,a\n", SCHEMA + SCHEMA[SCHEMA.index("[[fields]]") : SCHEMA.index("[split]")], "twice"),
        ("click,item\n1,a\n", SCHEMA.replace("kind =", "knd ="), "knd"),
        (
            "click,item\n1,a\n",
            SCHEMA.replace("clicks", "rules"),
            "name is 'rules', a family",
        ),
    ],
)
def test_bad_tables_are_refused_in_one_line(bench, tmp_path, content, schema, message):
    (tmp_path / "table.csv").write_text(content)
    (tmp_path / "schema.toml").write_text(schema)
    done = bench("data", "import", "table.csv", "--schema", "schema.toml", code=2)
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_truncated_parquet_file_is_refused_in_one_line(bench, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"click": [0, 1] * 500, "item": ["a", "b"] * 500}), tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-200])
    (tmp_path / "schema.toml").write_text(SCHEMA)
    done = bench("data", "import", "cut.parquet", "--schema", "schema.toml", code=2)
    assert len(done.stderr.splitlines()) == 1
    assert bench("data", "import", "whole.parquet", "--schema", "schema.toml").stdout.startswith(
        "data/clicks\n"
    )
