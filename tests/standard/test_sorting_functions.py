"""sort and argsort: order, stability, axes."""

from __future__ import annotations

import numpy as np
import pytest

import devarray as da
from standard.common import INDEX, array, same

KEYS = np.asarray([[3, 1, 2, 1, 3, 0, 1], [0, 0, 5, 5, 0, 5, 2]])


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "float64", "bool"])
def test_sort(dtype):
    host = KEYS.astype(dtype)
    x = array(host)
    for axis in (0, 1, -1, -2):
        for stable in (True, False):
            ascending = np.sort(host, axis=axis)
            same(da.sort(x, axis=axis, stable=stable), ascending)
            got = da.sort(x, axis=axis, descending=True, stable=stable)
            same(got, np.flip(ascending, axis))
    same(da.sort(x), np.sort(host))
    same(x, host)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "float32", "bool"])
@pytest.mark.parametrize("descending", [False, True])
def test_argsort_is_stable(dtype, descending):
    host = KEYS.astype(dtype)
    for axis in (0, 1, -1):
        order = [
            sorted(range(len(row)), key=lambda k, row=row: -row[k] if descending else row[k])
            for row in np.moveaxis(KEYS.astype(dtype).astype(int), axis, -1)
        ]
        got = da.argsort(array(host), axis=axis, descending=descending)
        same(got, np.moveaxis(np.asarray(order), -1, axis), INDEX)
        unstable = da.argsort(array(host), axis=axis, descending=descending, stable=False)
        assert unstable.dtype == INDEX
        taken = da.take_along_axis(array(host), unstable, axis=axis)
        same(taken, da.sort(array(host), axis=axis, descending=descending).get())


def test_zeros_keep_their_order():
    x = array([1.0, -0.0, 0.0, -1.0, -0.0])
    signs = {False: [True, True, False, True, False], True: [False, True, False, True, True]}
    for descending, wanted in signs.items():
        got = da.sort(x, descending=descending).get()
        np.testing.assert_array_equal(np.signbit(got), wanted)


def test_edges():
    for function, dtype in ((da.sort, np.dtype("float64")), (da.argsort, INDEX)):
        for shape in ((0,), (3, 0), (0, 2), (1,)):
            got = function(da.ones(shape), descending=True)
            assert (got.shape, got.dtype) == (shape, dtype)
        for axis in (2, -3):
            with pytest.raises((IndexError, ValueError)):
                function(da.ones((2, 2)), axis=axis)


def test_views_are_sorted_by_value():
    x = array(KEYS)
    same(da.sort(x[:, ::-2]), np.sort(KEYS[:, ::-2]))
    same(da.argsort(x.T, axis=0), np.argsort(KEYS.T, axis=0, stable=True))
