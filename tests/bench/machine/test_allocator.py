"""The environment in which a worker starts."""

from __future__ import annotations

import os

import pytest

from bench.machine.allocator import huge_pages
from bench.machine.parallel import worker_processes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "glibc.malloc.hugetlb=1"),
        ("", "glibc.malloc.hugetlb=1"),
        ("glibc.malloc.check=1", "glibc.malloc.check=1:glibc.malloc.hugetlb=1"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0"),
    ],
)
def test_tunables_that_were_given_are_kept(given, expected, monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if given is not None:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    assert huge_pages() == {"GLIBC_TUNABLES": expected}


def test_a_worker_has_them_from_its_start():
    with worker_processes(1, environment=huge_pages()) as pool:
        found = pool.submit(os.getenv, "GLIBC_TUNABLES").result()
    assert "glibc.malloc.hugetlb=1" in found
