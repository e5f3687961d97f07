"""Reductions and cumulative functions: axes, dtypes, empty axes, NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, NUMERIC, REAL, SIGNED, UNSIGNED, array, close, same

VALUES = np.asarray([[[1, 2, 3], [4, 5, 6]], [[2, 0, 1], [3, 3, 2]]], "float64")
REDUCTIONS = ("max", "mean", "min", "prod", "std", "sum", "var")


@pytest.mark.parametrize("axis", [None, (-2,), ()], ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_axes(name, axis):
    for keepdims in (False, True):
        got = getattr(da, name)(array(VALUES), axis=axis, keepdims=keepdims)
        close(got, getattr(np, name)(VALUES, axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("axis", [0, -1, (0, 2)], ids=str)
@pytest.mark.parametrize("name", ["max", "std"])
def test_more_axes(name, axis):
    test_axes(name, axis)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_axes_that_are_none(name):
    for axis in (3, -4, (0, 3), (0, 0)):
        with pytest.raises((IndexError, ValueError)):
            getattr(da, name)(array(VALUES), axis=axis)


def summed(dtype):
    """Return the dtype of sums and products."""
    return "int64" if dtype in SIGNED else "uint64" if dtype in UNSIGNED else dtype


@pytest.mark.parametrize("dtype", NUMERIC)
def test_dtypes(dtype):
    x = da.ones((2, 2), dtype=dtype)
    for name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
        function = getattr(da, name)
        options = {"axis": 0}
        assert function(x, **options).dtype == summed(dtype), name
        assert function(x, **options, dtype=da.complex128).dtype == da.complex128
        if dtype not in COMPLEX:
            assert function(x, **options, dtype=da.float32).dtype == da.float32
    floating = dtype if dtype in REAL + COMPLEX else "float64"
    assert da.mean(x).dtype == floating
    if dtype not in COMPLEX:
        assert da.max(x).dtype == da.min(x).dtype == dtype
        assert da.std(x).dtype == da.var(x, axis=0).dtype == floating


def test_sums_are_made_in_the_dtype_asked_for():
    x = array([200, 100], "uint8")
    same(da.sum(x), np.asarray(300, "uint64"))
    same(da.sum(x, dtype=da.uint8), np.asarray(44, "uint8"))
    same(da.prod(x, dtype=da.int64), np.asarray(20000))
    assert float(da.sum(array([1e38, 3e38], "float32"), dtype=da.float64)) == pytest.approx(4e38)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns, and so do we
def test_no_elements():
    for shape, axis, left in (
        ((0,), None, ()),
        ((2, 0), 1, (2,)),
        ((0, 3), 0, (3,)),
        ((0, 3), 1, (0,)),
    ):
        x = da.ones(shape)
        same(da.sum(x, axis=axis), np.zeros(left))
        same(da.prod(x, axis=axis), np.ones(left))
        for name in ("mean", "std", "var"):
            same(getattr(da, name)(x, axis=axis), np.full(left, math.nan))
    got = da.mean(da.ones(0, dtype=da.complex64)).get()
    assert got.dtype == np.complex64
    assert math.isnan(got.real)
    assert math.isnan(got.imag)
    same(da.sum(da.ones((0, 2), dtype=da.int8)), np.asarray(0))


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nan_spreads(name):
    for place in range(3):
        values = [1.0, math.inf, -2.0]
        values[place] = math.nan
        assert math.isnan(float(getattr(da, name)(array(values))))


def test_infinities():
    x = array([math.inf, -math.inf, 1.0])
    assert (float(da.max(x)), float(da.min(x))) == (math.inf, -math.inf)
    for name in ("sum", "mean"):
        assert math.isnan(float(getattr(da, name)(x)))
    assert float(da.prod(x)) == -math.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns, and so do we
@pytest.mark.parametrize("name", ["std", "var"])
def test_correction(name):
    x = array([1.0, 2.0, 4.0, 5.0])
    for correction in (0, 1, 0.0, 1.5):
        wanted = 10 / (4 - correction)
        got = float(getattr(da, name)(x, correction=correction))
        assert got == pytest.approx(wanted if name == "var" else math.sqrt(wanted), rel=1e-12)
    assert math.isnan(float(getattr(da, name)(array([math.inf, 1.0]))))
    many = float(getattr(da, name)(x, correction=4))
    assert math.isnan(many) or many == math.inf


@pytest.mark.parametrize(("name", "start"), [("cumulative_sum", 0), ("cumulative_prod", 1)])
def test_cumulative(name, start):
    function = getattr(da, name)
    host = VALUES.astype("int32")
    plain = {"cumulative_sum": np.cumsum, "cumulative_prod": np.cumprod}[name]
    for axis in range(-3, 3):
        wanted = plain(host, axis=axis, dtype="int64")
        same(function(array(host), axis=axis), wanted)
        shape = list(host.shape)
        shape[axis] = 1
        first = np.full(shape, start)
        got = function(array(host), axis=axis, include_initial=True)
        same(got, np.concatenate([first, wanted], axis))
    same(function(array([2.0, 3.0])), plain([2.0, 3.0]))
    same(function(array([], "float32"), include_initial=True), [start], "float32")
    same(function(array([1, math.nan, 2.0])), [1, math.nan, math.nan])
    with pytest.raises(ValueError, match="axis"):
        function(array(host))
    with pytest.raises((IndexError, ValueError)):
        function(array(host), axis=3)


def test_results_are_arrays():
    for name in REDUCTIONS:
        for x in (da.ones(3), array(2.0)):
            got = getattr(da, name)(x)
            assert isinstance(got, da.DeviceArray)
            assert got.shape == ()
