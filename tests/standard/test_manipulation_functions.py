"""Shapes and orders of elements."""

from __future__ import annotations

import numpy as np
import pytest

import devarray as da
from standard.common import array, same

VALUES = np.arange(24).reshape(2, 3, 4)


@pytest.fixture
def x():
    return array(VALUES)


def test_concat(x):
    for axis in (0, 1, -1):
        same(da.concat([x, x, x], axis=axis), np.concatenate([VALUES] * 3, axis))
    same(da.concat((x, x[0]), axis=None), np.concatenate([VALUES.ravel(), VALUES[0].ravel()]))
    same(da.concat([array([1], "int8"), array([300], "int16")]), [1, 300], "int16")
    same(da.concat([array([1], "float32"), array([1j], "complex64")]), [1, 1j], "complex64")
    same(da.concat([da.ones((0, 2)), da.ones((1, 2))]), [[1.0, 1.0]])
    with pytest.raises((ValueError, IndexError)):
        da.concat([x, x], axis=3)
    with pytest.raises(ValueError, match="dimension"):
        da.concat([x, x[0]])


def test_stack_and_unstack(x):
    for axis in (0, 1, 3, -1, -4):
        same(da.stack([x, x + 1], axis=axis), np.stack([VALUES, VALUES + 1], axis))
    with pytest.raises((ValueError, IndexError)):
        da.stack([x, x], axis=4)
    with pytest.raises(ValueError, match="shape"):
        da.stack([x, x[0]])
    for axis in range(-3, 3):
        parts = da.unstack(x, axis=axis)
        assert type(parts) is tuple
        assert len(parts) == VALUES.shape[axis]
        for part, wanted in zip(parts, np.unstack(VALUES, axis=axis), strict=True):
            same(part, wanted)
    with pytest.raises((ValueError, IndexError)):
        da.unstack(x, axis=3)


def test_expand_dims(x):
    for axis in (0, 1, 3, -1, -4, (0, 2), (-1, 0), (4, 1), ()):
        same(da.expand_dims(x, axis), np.expand_dims(VALUES, axis))
        same(da.expand_dims(x, axis=axis), np.expand_dims(VALUES, axis))
    for axis in (4, -5, (0, 5), (1, 1)):
        with pytest.raises((IndexError, ValueError)):
            da.expand_dims(x, axis)


def test_squeeze():
    x = da.ones((1, 3, 1, 2))
    for axis, shape in ((0, (3, 1, 2)), (-2, (1, 3, 2)), ((0, 2), (3, 2)), ((), (1, 3, 1, 2))):
        assert da.squeeze(x, axis).shape == shape
        assert da.squeeze(x, axis=axis).shape == shape
    with pytest.raises(ValueError, match="size not equal to one"):
        da.squeeze(x, 1)
    with pytest.raises((IndexError, ValueError)):
        da.squeeze(x, 4)


def test_flip(x):
    for axis in (None, 0, -1, (0, 2), (-2,), ()):
        same(da.flip(x, axis=axis), np.flip(VALUES, axis))
    with pytest.raises((IndexError, ValueError)):
        da.flip(x, axis=3)


def test_moveaxis_and_permute_dims(x):
    for source, destination in ((0, -1), (-1, 0), ((0, 1), (1, 2)), ((), ())):
        same(da.moveaxis(x, source, destination), np.moveaxis(VALUES, source, destination))
    for wrong in ((3, 0), (0, -4), ((0, 0), (0, 1)), ((0, 1), (0,))):
        with pytest.raises((IndexError, ValueError)):
            da.moveaxis(x, *wrong)
    for axes in ((0, 1, 2), (2, 0, 1), (-1, 0, -2)):
        same(da.permute_dims(x, axes), np.transpose(VALUES, axes))
        same(da.permute_dims(x, axes=axes), np.transpose(VALUES, axes))
    for wrong in ((0, 1), (0, 1, 1), (0, 1, 3)):
        with pytest.raises((IndexError, ValueError)):
            da.permute_dims(x, wrong)


def test_repeat(x):
    for repeats, axis in (
        (2, None),
        (3, 1),
        (0, 0),
        (np.asarray([2]), 1),
        (np.asarray([1, 0, 2]), 1),
    ):
        given = array(repeats) if isinstance(repeats, np.ndarray) else repeats
        same(da.repeat(x, given, axis=axis), np.repeat(VALUES, repeats, axis))
    counts = np.arange(24) % 3
    same(da.repeat(x, array(counts)), np.repeat(VALUES, counts))
    with pytest.raises((IndexError, ValueError)):
        da.repeat(x, 2, axis=3)
    with pytest.raises(ValueError, match="broadcast"):
        da.repeat(x, array([1, 2]), axis=1)
    with pytest.raises(ValueError, match="negative"):
        da.repeat(x, -1)


def test_reshape(x):
    for shape in ((24,), (-1,), (4, -1), (3, 2, 1, 4), (2, 3, 4)):
        same(da.reshape(x, shape), VALUES.reshape(shape))
        same(da.reshape(x, shape=shape), VALUES.reshape(shape))
    same(da.reshape(x.mT, (-1,)), VALUES.transpose(0, 2, 1).reshape(-1))
    same(da.reshape(array([5]), ()), np.asarray(5))
    assert da.reshape(da.ones((0, 3)), (3, 0)).shape == (3, 0)
    for wrong in ((5, 5), (-1, -1), (-1, 7)):
        with pytest.raises(ValueError, match=r"reshape|unknown"):
            da.reshape(x, wrong)


def test_reshape_copies(x):
    shared, kept = da.reshape(x, (24,), copy=False), da.reshape(x, (24,), copy=True)
    x[0, 0, 0] = 99
    assert int(shared[0]) == 99
    assert int(kept[0]) == 0
    assert int(da.reshape(x, (24,), copy=None)[0]) == 99
    with pytest.raises(ValueError, match="copy"):
        da.reshape(x.mT, (24,), copy=False)


def test_roll(x):
    for shift, axis in (
        (1, None),
        (-5, None),
        (2, 0),
        (1, -1),
        ((1, 2), (0, 1)),
        (3, (1, 2)),
        (25, 2),
    ):
        same(da.roll(x, shift, axis=axis), np.roll(VALUES, shift, axis))
        same(da.roll(x, shift=shift, axis=axis), np.roll(VALUES, shift, axis))
    for shift, axis in ((1, 3), ((1, 2, 3), (0, 1))):
        with pytest.raises((IndexError, ValueError)):
            da.roll(x, shift, axis=axis)


def test_tile(x):
    for repetitions in ((2,), (2, 1), (1, 2, 3), (2, 1, 1, 2), (0,), ()):
        same(da.tile(x, repetitions), np.tile(VALUES, repetitions))


def test_broadcast_to(x):
    same(da.broadcast_to(x[0, 0], (3, 4)), np.broadcast_to(VALUES[0, 0], (3, 4)))
    same(da.broadcast_to(array(5), shape=(2, 2)), [[5, 5], [5, 5]])
    for wrong in ((3,), (4, 3), ()):
        with pytest.raises(ValueError, match=r"broadcast|axes"):
            da.broadcast_to(x[0, 0], wrong)


def test_dtypes_are_kept():
    for dtype in ("bool", "uint8", "float32", "complex64"):
        x = da.ones((2, 1), dtype=dtype)
        results = [
            da.broadcast_arrays(x, da.ones(3))[0],
            da.broadcast_to(x, (2, 2)),
            da.concat([x, x]),
            da.expand_dims(x, 0),
            da.flip(x),
            da.moveaxis(x, 0, 1),
            da.permute_dims(x, (1, 0)),
            da.repeat(x, 2),
            da.reshape(x, (2,)),
            da.roll(x, 1),
            da.squeeze(x, 1),
            da.stack([x, x]),
            da.tile(x, (2,)),
            *da.unstack(x),
        ]
        assert {result.dtype for result in results} == {np.dtype(dtype)}
