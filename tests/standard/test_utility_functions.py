"""all, any, diff."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import array, close, same


@pytest.mark.parametrize("name", ["all", "any"])
def test_all_and_any(name):
    function, wanted = getattr(da, name), getattr(np, name)
    host = np.asarray([[[True, True], [True, False]], [[True, True], [False, False]]])
    for values in (host, host.astype("uint8") * 3):
        for axis in (None, 0, -1, (0, 1), ()):
            for keepdims in (False, True):
                got = function(array(values), axis=axis, keepdims=keepdims)
                assert got.dtype == da.bool
                same(got, wanted(values, axis=axis, keepdims=keepdims))
    for shape, axis in (((0,), None), ((2, 0), 1), ((0, 2), 0)):
        got = function(da.ones(shape, dtype=da.bool), axis=axis).get()
        np.testing.assert_array_equal(got, name == "all")
    for axis in (3, -4, (0, 3)):
        with pytest.raises((IndexError, ValueError)):
            function(array(host), axis=axis)


def test_what_is_true():
    for value in (math.nan, math.inf, -math.inf, complex(0, math.nan), 1j, -2.0):
        same(da.all(array([value])), np.asarray(True))
        same(da.any(array([value])), np.asarray(True))
    for value in (0.0, -0.0, 0j):
        same(da.all(array([value])), np.asarray(False))
        same(da.any(array(value)), np.asarray(False))


def test_diff():
    host = np.asarray([[1, 4, 9, 16], [0, 5, 5, 1]], "int32")
    x = array(host)
    for axis in (0, 1, -1):
        for n in (0, 1, 2, 5):
            same(da.diff(x, axis=axis, n=n), np.diff(host, n=n, axis=axis))
    before, after = array([[7], [8]], "int32"), array([[1, 2], [3, 4]], "int32")
    got = da.diff(x, prepend=before, append=after)
    same(got, np.diff(host, prepend=before.get(), append=after.get()))
    same(da.diff(x, axis=0, prepend=x, n=2), np.diff(host, axis=0, prepend=host, n=2))
    close(da.diff(array([1j, 2, 0.5])), [2 - 1j, -1.5])
    same(da.diff(array([1.0])), np.empty(0))
    with pytest.raises((IndexError, ValueError)):
        da.diff(x, axis=2)
