"""Ranges and grids: NumPy's values to the bit, copied from the host or computed from positions."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import assert_same_bits

RANGES: list[tuple[Any, ...]] = [
    (5000,), (3, 50000, 7), (-10000, 10), (10, -10000, -3), (0.5, 6000), (1, 100, 0.01),
    (0.0, 1e5, 3.7), (100.0, -5000.0, -0.3), (0, 5000.0), (10**15, 10**15 + 5000),
    (2**62, 2**62 + 5000), (3,), (0,), (5, 1), (2, 9, 3),
]  # fmt: skip


@pytest.mark.parametrize("args", RANGES, ids=str)
@pytest.mark.parametrize("dtype", [None, "f4", "f8", "i2", "i8"])
def test_arange(args: tuple[Any, ...], dtype: Any) -> None:
    try:
        wanted = np.arange(*args, dtype=dtype)
    except OverflowError as error:
        with pytest.raises(OverflowError) as raised:
            da.arange(*args, dtype=dtype)
        assert str(raised.value) == str(error)
        return
    assert_same_bits(da.arange(*args, dtype=dtype).get(), wanted)


def test_linspace() -> None:
    ends = itertools.product((0, -1.5, 3), (1, 10.25, -7), (5000, 4097, 5, 1, 0), (True, False))
    for start, stop, num, endpoint in ends:
        wanted, step = np.linspace(start, stop, num, endpoint, True)
        got, own = da.linspace(start, stop, num, endpoint, True)
        assert_same_bits(got.get(), wanted)
        assert own == step or np.isnan([own, step]).all()
    assert_same_bits(da.linspace(0, 5e-324, 5000).get(), np.linspace(0, 5e-324, 5000))
    assert_same_bits(da.linspace(2, 2, 5000).get(), np.linspace(2, 2, 5000))
    assert_same_bits(da.linspace(0, 1, 5000, dtype="f4").get(), np.linspace(0, 1, 5000, dtype="f4"))


@pytest.mark.parametrize("shape", [(70, 70), (70, 90), (100, 50), (3, 4), (0, 5)], ids=str)
@pytest.mark.parametrize("k", [0, 3, -8, 1000])
def test_eye(shape: tuple[int, int], k: int) -> None:
    assert_same_bits(da.eye(*shape, k=k, dtype="f4").get(), np.eye(*shape, k=k, dtype="f4"))


def test_grids() -> None:
    assert_same_bits(da.indices((3, 4, 5)).get(), np.indices((3, 4, 5)))
    for got, wanted in zip(
        da.indices((3, 4), sparse=True), np.indices((3, 4), sparse=True), strict=True
    ):
        assert_same_bits(got.get(), wanted)

    def sloped(i: Any, j: Any) -> Any:
        return 2 * i + j

    assert_same_bits(da.fromfunction(sloped, (3, 4)).get(), np.fromfunction(sloped, (3, 4)))
    assert_same_bits(da.mgrid[0:3, 1:4].get(), np.mgrid[0:3, 1:4])
    assert [x.shape for x in da.ogrid[0:3, 1:4]] == [(3, 1), (1, 3)]


def uses(xp: Any) -> list[Any]:
    """Return what comes of a long range as operand of everything."""
    x = xp.arange(6000)
    y = x.reshape(60, 100)
    z = xp.arange(6000.0)
    z[3:9] = 1
    z *= 2
    return [
        x[::-3][5:20], y.T + y.reshape(100, 60), y.T[::2, 1:] * 3, (y * 1.0).sum(0),
        y.sum(1), y.max(0), (y % 7).cumsum(1), y[y > 5990], x[np.int64(7)], z, x[5990:].sum(),
        xp.where(x > 4, x, -x), (y[:, ::-1] == y).any(), y.mean(0) + xp.arange(100),
        (y - y.mean(1, keepdims=True)).sum(0), xp.concatenate([x, x[::2]]), y.argmax(1),
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [0, 65536], ids=["kernels", "oracle"])
def test_a_range_is_an_array_like_any_other(limit: int) -> None:
    with da.config(oracle_limit=limit):
        for got, wanted in zip(uses(da), uses(np), strict=True):
            assert_same_bits(got.get(), np.asarray(wanted))


def test_a_long_range_is_not_read_from_memory() -> None:
    out = io.StringIO()
    da.explain((da.arange(100_000) * 2.0).sum(), source=False, file=out)
    assert "1 kernel" in out.getvalue() and " 0 B read" in out.getvalue()


def test_joins_by_indexing() -> None:
    def joined(xp: Any, x: Any) -> list[Any]:
        return [
            xp.r_[x, 5, 1:4], xp.r_[1:4, 0], xp.r_[x], xp.c_[x, 2 * x], xp.c_[1:3, 4:6],
            xp.c_[x.reshape(1, -1), xp.ones((1, 2))], xp.r_[0:1:5j, x],
        ]  # fmt: skip

    for got, wanted in zip(joined(da, da.arange(3.0)), joined(np, np.arange(3.0)), strict=True):
        assert isinstance(got, da.DeviceArray)
        assert_same_bits(got.get(), wanted)
    with pytest.raises(da.UnsupportedError, match="directive '0,2'"):
        da.r_["0,2", da.ones(2), da.ones(2)]
    with pytest.raises(TypeError, match="slices of numbers"):
        da.mgrid[da.ones(2)]
    with pytest.raises(da.HostMixError):
        da.r_[np.ones(2), 1]


def test_missing_names_say_where_they_are() -> None:
    with pytest.raises(AttributeError, match=r"numpy\.poly1d serves host arrays"):
        da.poly1d  # noqa: B018
    assert not hasattr(da, "nonsense")
