"""Indexing and assignment; take and take_along_axis; broadcasting."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import array, same

VALUES = np.arange(60).reshape(3, 4, 5)


@pytest.fixture
def x():
    return array(VALUES)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_slices_select_what_those_of_lists_do(n):
    plain = list(range(n))
    x = array(np.arange(n))
    for step in (None, 1, 2, 7, -1, -2, -7):
        for start in (None, *range(-n - 2, n + 3)):
            for stop in (None, *range(-n - 2, n + 3)):
                wanted = plain[start:stop:step]
                got = x[start:stop:step]
                assert got.shape == (len(wanted),)
                if start in (None, 1, -2) and stop in (None, 3, -1):
                    same(got, wanted, "int64")
    with pytest.raises(ValueError, match="zero"):
        _ = x[::0]


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        (1, 2),
        (1, 2, 3),
        (-3, -4, -5),
        (slice(None), 1),
        (slice(1, None), slice(None, None, -2), 3),
        ...,
        (..., 2),
        (0, ..., 2),
        (..., slice(1, 3), 0),
        (slice(None), slice(None), slice(None), ...),
        None,
        (None, 1),
        (1, None, 2, None),
        (..., None),
        (None, ..., None),
        (slice(2, 2), ..., None, 1),
        (),
        np.int64(2),
        (np.uint8(1), slice(0, 2)),
    ],
    ids=str,
)
def test_basic_keys(x, key):
    same(x[key], VALUES[key])


def test_elements_are_arrays(x):
    same(x[1, 2, 3], np.asarray(33))
    zero = array(7)
    for key in ((), ..., (...,)):
        same(zero[key], np.asarray(7))
    same(zero[None], [7])
    same(zero[None, ..., da.newaxis], [[7]])
    same(x[array(1), array(2)], VALUES[1, 2])
    assert x[array(-1, "int8"), 0, array(4)].shape == ()


@pytest.mark.parametrize(
    "key",
    [
        3,
        -4,
        (0, 4),
        (0, 0, -6),
        (0, 0, 0, 0),
        (..., ...),
        (slice(None), ..., 0, ...),
        (None, 0, 0, 0, 0),
        1.0,
        "a",
        (0, 1.5),
    ],
    ids=str,
)
def test_keys_out_of_bounds_or_of_no_meaning(x, key):
    with pytest.raises(IndexError):
        _ = x[key]
    with pytest.raises(IndexError):
        x[key] = 0
    same(x, VALUES)


# Integer arrays


def test_integer_arrays(x):
    i, j, k = np.asarray([0, 2, -1]), np.asarray([[0], [3]]), np.asarray([4, 0, 1], "int32")
    same(x[array(i), array(j), array(k)], VALUES[i, j, k])
    same(x[array(i), 2, array(k)], VALUES[i, 2, k])
    same(x[1, array(j), -1], VALUES[1, j, -1])
    same(x[array([1, 1, 1]), 0, 0], VALUES[[1, 1, 1], 0, 0])
    same(x[array(i)], VALUES[i])
    same(x[0, 0][array(np.asarray([], "int64"))], VALUES[0, 0][:0])
    flat = array(VALUES[0])
    rows, columns = array([[0, 1]]), array([[2], [3]])
    assert flat[rows, columns].shape == (2, 2)
    with pytest.raises(IndexError):
        _ = x[array([0, 1]), array([0, 1, 2]), 0]
    for out in (3, -4):
        with pytest.raises(IndexError):
            _ = x[array([0, out])]
    with pytest.raises(IndexError):
        _ = x[array([0.0, 1.0])]


def test_integer_arrays_give_copies(x):
    part = x[array([0, 1])]
    part[...] = -1
    same(x, VALUES)


# Masks


def test_masks(x):
    for shape in ((3,), (3, 4), (3, 4, 5)):
        mask = (np.arange(math.prod(shape)) % 3 == 1).reshape(shape)
        same(x[array(mask)], VALUES[mask])
        where = da.nonzero(array(mask))
        same(x[where], VALUES[mask])
        none = da.zeros(shape, dtype=da.bool)
        same(x[none], VALUES[np.zeros(shape, bool)])


def test_masks_without_dimensions(x):
    for value in (True, False):
        for mask in (value, array(value)):
            same(x[mask], VALUES[value])
            same(array(5)[mask], np.asarray(5)[value])


def test_masks_that_fit_not(x):
    for shape in ((4,), (3, 5), (3, 4, 5, 1), (2,), (3, 1)):
        with pytest.raises(IndexError):
            _ = x[da.ones(shape, dtype=da.bool)]


# Assignment


@pytest.mark.parametrize(
    "key",
    [0, (1, 2, 3), slice(None, None, 2), (..., 1), (slice(1, 3), -1), (), ..., (slice(0, 0), 2)],
    ids=str,
)
def test_assignment(x, key):
    host = VALUES.copy()
    for value in (7, 3):
        x[key] = value
        host[key] = value
    same(x, host)
    row = np.arange(host[key].size).reshape(host[key].shape) * 10
    x[key], host[key] = array(row), row
    same(x, host)


def test_assignment_broadcasts(x):
    host = VALUES.copy()
    for key, value in (
        (0, np.arange(5)),
        ((slice(None), 1), np.asarray([[1], [2], [3]])),
        (..., np.asarray(-3)),
        ((slice(None), slice(None), 2), np.arange(4)),
        (slice(1, 3), np.ones((1, 1, 5), int)),
    ):
        x[key], host[key] = array(value), value
    same(x, host)
    for key, value in ((0, np.arange(4)), (..., np.ones((2, 4, 5), int)), ((0, 0, 0), [1, 2])):
        with pytest.raises(ValueError, match=r"broadcast|sequence"):
            x[key] = array(value)
    same(x, host)


def test_assignment_keeps_the_dtype():
    x = da.zeros(3, dtype=da.float32)
    x[0] = 1
    x[1] = array(2.5, "float64")
    x[2:] = array([3], "int8")
    same(x, [1, 2.5, 3], "float32")
    mask = da.zeros(2, dtype=da.bool)
    mask[1] = True
    same(mask, [False, True])
    z = da.zeros(2, dtype=da.complex64)
    z[0], z[1] = 1j, 2.0
    same(z, [1j, 2], "complex64")


def test_assignment_by_masks(x):
    host = VALUES.copy()
    for shape in ((3,), (3, 4), (3, 4, 5)):
        mask = (np.arange(math.prod(shape)) % 2 == 1).reshape(shape)
        x[array(mask)] = math.prod(shape)
        host[mask] = math.prod(shape)
        values = np.arange(host[mask].size).reshape(host[mask].shape)
        x[array(mask)], host[mask] = array(values), values
    x[x > 50] = 0
    host[host > 50] = 0
    x[array(False)] = 99
    same(x, host)


def test_views_share_memory(x):
    part = x[1:, 0]
    part[0] = -1
    assert int(x[1, 0, 0]) == -1
    x[1, 0, 1] = -2
    assert int(part[0, 1]) == -2
    x[1:, 0] = x[:2, 0]  # the two overlap
    host = VALUES.copy()
    host[1, 0], host[1, 0, 1] = -1, -2
    host[1:, 0] = host[:2, 0].copy()
    same(x, host)


# take


def test_take(x):
    for axis in range(-3, 3):
        indices = np.asarray([2, 0, -1, 0])
        same(da.take(x, array(indices), axis=axis), np.take(VALUES, indices, axis=axis))
    same(da.take(array([5, 6, 7]), array([-1, 1])), [7, 6])
    same(da.take(x, array(np.asarray([], "int64")), axis=1), VALUES[:, :0])
    with pytest.raises((IndexError, ValueError)):
        da.take(x, array([0]), axis=3)
    with pytest.raises(IndexError):
        da.take(x, array([3]), axis=0)


def test_take_along_axis(x):
    for axis in range(-3, 3):
        order = np.argsort(-VALUES, axis=axis)
        wanted = np.take_along_axis(VALUES, order, axis)
        same(da.take_along_axis(x, array(order), axis=axis), wanted)
    last = np.asarray([-1, 0]).reshape(1, 1, 2)
    same(da.take_along_axis(x, array(last)), VALUES[:, :, [-1, 0]])
    one = np.asarray([[[0]], [[2]], [[1]]])
    same(da.take_along_axis(x, array(one), axis=1), np.take_along_axis(VALUES, one, 1))
    with pytest.raises((IndexError, ValueError)):
        da.take_along_axis(x, array(last), axis=3)


# Broadcasting


@pytest.mark.parametrize(
    "shapes",
    [
        [(8, 1, 6, 1), (7, 1, 5)],
        [(5, 4), (1,)],
        [(5, 4), (4,)],
        [(3, 1, 2), (1, 5, 2)],
        [(), (2, 3)],
        [(0,), (1,)],
        [(1, 0), (3, 1)],
        [(2, 1), (1, 3), (2, 3), ()],
    ],
    ids=str,
)
def test_broadcasting(shapes):
    wanted = np.broadcast_shapes(*shapes)
    assert da.broadcast_shapes(*shapes) == wanted
    arrays = [da.ones(shape) for shape in shapes]
    total = arrays[0]
    for other in arrays[1:]:
        total = total + other
    assert total.shape == wanted
    got = da.broadcast_arrays(*arrays)
    assert type(got) is tuple
    assert [one.shape for one in got] == [wanted] * len(shapes)
    assert da.broadcast_to(arrays[0], wanted).shape == wanted


@pytest.mark.parametrize(
    "shapes", [[(3,), (4,)], [(2, 1), (8, 4, 3)], [(15, 3, 5), (15, 3)]], ids=str
)
def test_shapes_that_do_not_broadcast(shapes):
    a, b = (da.ones(shape) for shape in shapes)
    for use in (
        lambda: a + b,
        lambda: da.broadcast_shapes(*shapes),
        lambda: da.broadcast_arrays(a, b),
        lambda: da.broadcast_to(a, shapes[1]),
        lambda: da.where(a > 0, a, b),
    ):
        with pytest.raises(ValueError, match=r"broadcast|mismatch|remapping"):
            use()


def test_no_shapes():
    assert da.broadcast_shapes() == ()
    assert da.broadcast_shapes((2, 3)) == (2, 3)
    assert da.broadcast_arrays() == ()
