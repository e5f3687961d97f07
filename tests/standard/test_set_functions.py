"""Unique elements, with what the standard says about NaN, zeros, order and names of results."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import INDEX, array, same

FIELDS = {
    "unique_all": ("values", "indices", "inverse_indices", "counts"),
    "unique_counts": ("values", "counts"),
    "unique_inverse": ("values", "inverse_indices"),
}


def everything(x):
    """Return all that the four functions say, by name, after a look at forms and dtypes."""
    found = {}
    for name, fields in FIELDS.items():
        result = getattr(da, name)(x)
        assert isinstance(result, tuple)
        assert result._fields == fields
        for field, got in result._asdict().items():
            assert got.dtype == (x.dtype if field == "values" else INDEX)
            assert got.shape == (x.shape if field == "inverse_indices" else result.values.shape)
            if field in found:
                same(got, found[field].get())
            found[field] = got
    values = da.unique_values(x)
    assert not isinstance(values, tuple)
    assert values.ndim == 1
    np.testing.assert_array_equal(np.sort(values.get()), np.sort(found["values"].get()))
    return {name: got.get() for name, got in found.items()}


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "complex64", "bool"])
@pytest.mark.parametrize("shape", [(8,), (2, 4), (2, 2, 2)], ids=str)
def test_unique(shape, dtype):
    host = np.asarray([3, 0, 3, 1, 0, 0, 5, 1]).astype(dtype).reshape(shape)
    found = everything(array(host))
    flat = host.reshape(-1)
    assert len(set(found["values"].tolist())) == len(found["values"]) == len(set(flat.tolist()))
    np.testing.assert_array_equal(found["values"][found["inverse_indices"]], host)
    np.testing.assert_array_equal(flat[found["indices"]], found["values"])
    for value, first, count in zip(found["values"], found["indices"], found["counts"], strict=True):
        assert first == np.flatnonzero(flat == value)[0]
        assert count == np.sum(flat == value)


@pytest.mark.parametrize("values", [[], 7, [[4]]], ids=str)
def test_small_inputs(values):
    host = np.asarray(values, "float64")
    found = everything(array(host))
    np.testing.assert_array_equal(found["values"], host.reshape(-1))
    np.testing.assert_array_equal(found["counts"], [1] * host.size)
    np.testing.assert_array_equal(found["indices"], [0] * host.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_nan_is_distinct_and_counts_once(dtype):
    host = np.asarray([math.nan, 1.0, math.nan, 2.0, 1.0, math.nan], dtype)
    found = everything(array(host))
    nan = np.isnan(found["values"])
    assert nan.sum() == 3
    np.testing.assert_array_equal(found["counts"][nan], [1, 1, 1])
    assert sorted(found["indices"][nan].tolist()) == [0, 2, 5]
    assert found["counts"].sum() == 6
    np.testing.assert_array_equal(np.sort(found["values"][~nan]), [1, 2])
    np.testing.assert_array_equal(found["values"][found["inverse_indices"]], host)
    assert len(set(found["inverse_indices"].tolist())) == 5


def test_complex_nan_are_distinct():
    host = np.asarray([complex(math.nan, 1), 1j, complex(1, math.nan), 1j, complex(math.nan, 1)])
    found = everything(array(host))
    nan = np.isnan(found["values"])
    assert nan.sum() == 3
    np.testing.assert_array_equal(found["counts"][nan], [1, 1, 1])
    np.testing.assert_array_equal(found["counts"][~nan], [2])


def test_zeros_of_either_sign_are_one():
    found = everything(array([0.0, -0.0, 3.0, -0.0]))
    np.testing.assert_array_equal(np.sort(found["values"]), [0.0, 3.0])
    assert sorted(found["counts"].tolist()) == [1, 3]
    assert sorted(found["indices"].tolist()) == [0, 2]


def test_isin():
    x, y = array([[1, 2], [3, 4]]), array([4, 1, 9])
    same(da.isin(x, y), [[True, False], [False, True]])
    same(da.isin(x, y, invert=True), [[False, True], [True, False]])
    same(da.isin(x, 3), [[False, False], [True, False]])
    same(da.isin(9, y), np.asarray(True))
    same(da.isin(2, y, invert=True), np.asarray(True))
    same(da.isin(array(4), y), np.asarray(True))
    same(da.isin(x, array([], "int64")), np.zeros((2, 2), bool))
    same(da.isin(array([], "int64"), y), np.zeros(0, bool))
    same(da.isin(array([1, 200], "uint8"), array([200, -1], "int16")), [False, True])
    same(da.isin(array([math.nan, 0.0]), array([math.nan, -0.0])), [False, True])
