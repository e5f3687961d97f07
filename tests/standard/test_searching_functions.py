"""Where things are: argmax, argmin, nonzero, count_nonzero, searchsorted, where."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import INDEX, array, promoted, same

VALUES = np.asarray([[[3, 1, 2], [0, 5, 5]], [[7, 7, 0], [2, 2, 9]]])


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_argmax_and_argmin(name):
    function, wanted = getattr(da, name), getattr(np, name)
    for dtype in ("int16", "float32"):
        x, host = array(VALUES, dtype), VALUES.astype(dtype)
        for axis in (None, 0, 1, -1, -3):
            for keepdims in (False, True):
                got = function(x, axis=axis, keepdims=keepdims)
                assert got.dtype == INDEX
                same(got, wanted(host, axis=axis, keepdims=keepdims))
    same(function(array([2.0, math.nan, 1.0, math.nan])), np.asarray(1))
    same(function(array(4)), np.asarray(0))
    with pytest.raises((IndexError, ValueError)):
        function(x, axis=3)
    with pytest.raises(ValueError, match="empty"):
        function(da.ones((0, 2)))


def test_nonzero():
    for values in (
        VALUES,
        VALUES > 2,
        np.asarray([0.0, -0.0, math.nan, 2.0]),
        np.asarray([0, 1j, 2]),
    ):
        got = da.nonzero(array(values))
        assert type(got) is tuple
        assert len(got) == values.ndim
        for one, wanted in zip(got, np.nonzero(values), strict=True):
            assert one.dtype == INDEX
            same(one, wanted)
    assert [part.shape for part in da.nonzero(da.zeros((2, 0)))] == [(0,), (0,)]
    for scalar in (array(0), array(1.5)):
        with pytest.raises(ValueError, match="0d"):
            da.nonzero(scalar)


def test_count_nonzero():
    for values in (VALUES, VALUES > 2, np.where(VALUES > 5, np.nan, VALUES), VALUES * 1j):
        for axis in (None, 0, -1, (0, 2), ()):
            for keepdims in (False, True):
                got = da.count_nonzero(array(values), axis=axis, keepdims=keepdims)
                assert got.dtype == INDEX
                same(got, np.sum(values != 0, axis=axis, keepdims=keepdims))
    same(da.count_nonzero(da.zeros((0, 2))), np.asarray(0))
    same(da.count_nonzero(array(3)), np.asarray(1))
    with pytest.raises((IndexError, ValueError)):
        da.count_nonzero(array(VALUES), axis=3)


def test_searchsorted():
    edges = array([1.0, 2.0, 2.0, 5.0])
    values = array([[0.0, 1.0, 2.0], [3.0, 5.0, 6.0]])
    for side, wanted in (("left", [[0, 0, 1], [3, 3, 4]]), ("right", [[0, 1, 3], [3, 4, 4]])):
        same(da.searchsorted(edges, values, side=side), wanted, INDEX)
    same(da.searchsorted(edges, 2.0), np.asarray(1))
    same(da.searchsorted(edges, 2, side="right"), np.asarray(3))
    mixed = array([5, 1, 3], "int8")
    got = da.searchsorted(mixed, array([2, 5], "int8"), sorter=da.argsort(mixed))
    same(got, [1, 2], INDEX)
    same(da.searchsorted(array([], "float32"), array([1.0], "float32")), [0], INDEX)
    with pytest.raises(ValueError, match="side"):
        da.searchsorted(edges, values, side="middle")
    with pytest.raises(ValueError, match=r"deep|dimension"):
        da.searchsorted(values, edges)


def test_where():
    condition = array([[True], [False]])
    same(da.where(condition, array([1, 2], "int8"), array(3, "int16")), [[1, 2], [3, 3]], "int16")
    for dtype, scalar in (
        ("float32", 2),
        ("float32", 2.5),
        ("complex64", 1j),
        ("uint8", 7),
        ("bool", True),
    ):
        x = da.zeros(2, dtype=dtype)
        same(da.where(condition, x, scalar), [[0, 0], [scalar, scalar]], dtype)
        same(da.where(condition, scalar, x), [[scalar, scalar], [0, 0]], dtype)
    got = da.where(array(True), array(1.0, "float32"), 2)
    same(got, 1, "float32")
    for one, other in (("int8", "uint8"), ("float32", "complex128"), ("int16", "int64")):
        got = da.where(condition, da.ones(1, dtype=one), da.zeros(1, dtype=other))
        assert got.dtype == promoted(one, other)
    same(da.where(condition, math.nan, array([-0.0])), [[math.nan], [0.0]])
