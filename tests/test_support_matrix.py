"""docs/support.md is what its tool writes, and nothing that takes arrays is missing."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devarray as da
from devarray.array import FUNCTIONS
from devarray.registry import get_device

TOOL: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "tools/support_matrix.py"))
ALL = [
    (f"{title}.{name}".removeprefix("numpy."), name, function, ours)
    for title, theirs, ours in TOOL["NAMESPACES"]
    for name, function in TOOL["functions"](theirs)
]


@pytest.mark.skipif(
    not np.__version__.startswith("2.4."), reason="the page is of the functions of NumPy 2.4"
)
def test_page_is_current() -> None:
    current = TOOL["TARGET"].read_text(encoding="utf-8")
    assert current == TOOL["text"](current), "run: python tools/support_matrix.py"


def test_devices_that_are_not_here_keep_their_columns() -> None:
    page = "## numpy.fft\n| function | elsewhere |\n| --- | --- |\n| `fft` | missing |\n"
    found = TOOL["columns"](TOOL["text"](page))
    assert found["openmp"]["numpy.fft", "fft"] == "library"
    assert found["elsewhere"]["numpy.fft", "fft"] == "missing"
    assert found["elsewhere"]["numpy.fft", "ifft"] == "?"
    assert found["elsewhere"]["numpy", "add"] == "kernel"


@pytest.mark.parametrize(
    ("name", "function", "ours"), [x[1:] for x in ALL], ids=[x[0] for x in ALL]
)
def test_every_function_is_there_or_has_a_reason(name: str, function: Any, ours: Any) -> None:
    found = TOOL["status"](name, function, ours, get_device("openmp"))
    assert found not in ("missing", "missing: "), f"{name} is absent, and no reason is given"
    if not found.startswith("missing"):
        assert callable(getattr(ours, name))


def test_no_reason_is_left_over() -> None:
    names = {name for names in TOOL["ABSENT"].values() for name in names.split()}
    assert sorted(name for name in names if hasattr(da, name)) == []


def test_numpys_functions_reach_ours_and_the_library() -> None:
    assert np.diff in FUNCTIONS and np.sort not in FUNCTIONS
    x = da.arange(5.0)
    assert isinstance(np.diff(x), da.DeviceArray) and isinstance(np.sort(x), da.DeviceArray)
