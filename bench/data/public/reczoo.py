"""The public sets that BARS keeps at huggingface.co/datasets/reczoo."""

from __future__ import annotations

from bench.data.public.entry import Download


def reczoo(name: str, size: int | None = None) -> tuple[Download, ...]:
    """The archive of a set that BARS keeps."""
    url = f"https://huggingface.co/datasets/reczoo/{name}/resolve/main/{name}.zip"
    return (Download(url=url, file=f"{name}.zip", size=size),)


def page_of(name: str) -> str:
    return f"https://huggingface.co/datasets/reczoo/{name}"


def split_files(columns: str, *files: str) -> dict[str, str]:
    return {file: f"the {file.removesuffix('.csv')} rows: {columns}" for file in files}
