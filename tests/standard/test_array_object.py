"""The array object: attributes, conversions, operators with their reflected and in-place forms."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, DTYPES, REAL, array, same

BINARY = {
    "add": (operator.add, operator.iadd),
    "subtract": (operator.sub, operator.isub),
    "multiply": (operator.mul, operator.imul),
    "divide": (operator.truediv, operator.itruediv),
    "floor_divide": (operator.floordiv, operator.ifloordiv),
    "remainder": (operator.mod, operator.imod),
    "pow": (operator.pow, operator.ipow),
    "bitwise_and": (operator.and_, operator.iand),
    "bitwise_or": (operator.or_, operator.ior),
    "bitwise_xor": (operator.xor, operator.ixor),
    "bitwise_left_shift": (operator.lshift, operator.ilshift),
    "bitwise_right_shift": (operator.rshift, operator.irshift),
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
SYMBOLS = dict(zip(COMPARISONS, ("eq", "ne", "lt", "le", "gt", "ge"), strict=True))


def test_attributes():
    x = da.ones((2, 3, 4), dtype=da.float32)
    assert x.dtype == da.float32
    assert x.shape == (2, 3, 4)
    assert type(x.shape) is tuple
    assert (x.ndim, x.size) == (3, 24)
    assert x.device == da.ones(1).device
    assert x.mT.shape == (2, 4, 3)
    assert da.ones((2, 3)).T.shape == (3, 2)
    empty = da.ones((0, 3))
    assert (empty.shape, empty.size, empty.ndim) == ((0, 3), 0, 2)
    zero = da.asarray(1.0)
    assert (zero.shape, zero.size, zero.ndim) == ((), 1, 0)


def test_transposes():
    values = np.arange(24).reshape(2, 3, 4)
    same(array(values).mT, values.transpose(0, 2, 1))
    same(array(values[0]).T, values[0].T)
    with pytest.raises(ValueError, match="matrix transpose"):
        _ = da.ones(3).mT


# Python's scalars


@pytest.mark.parametrize(
    ("value", "dtype", "truth"),
    [
        (math.nan, "float64", True),
        (-math.inf, "float32", True),
        (-0.0, "float64", False),
        (0, "int8", False),
        (7, "uint16", True),
        (True, "bool", True),
        (0j, "complex64", False),
        (complex(0, math.nan), "complex128", True),
        (complex(0, 2), "complex64", True),
    ],
)
def test_bool(value, dtype, truth):
    assert bool(array(value, dtype)) is truth


def test_int():
    for dtype in set(DTYPES) - set(COMPLEX):
        got = int(array(1, dtype))
        assert type(got) is int
        assert got == 1
    assert int(array(-2.75)) == -2
    assert int(array(-0.0)) == 0
    for infinite in (math.inf, -math.inf):
        with pytest.raises(OverflowError):
            int(array(infinite))
    with pytest.raises(ValueError, match="NaN"):
        int(array(math.nan))
    with pytest.raises(TypeError):
        int(array(1j))


def test_float():
    for dtype in set(DTYPES) - set(COMPLEX):
        got = float(array(1, dtype))
        assert type(got) is float
        assert got == 1.0
    assert math.isnan(float(array(math.nan, "float32")))
    assert math.copysign(1, float(array(-0.0))) == -1
    with pytest.raises(TypeError):
        float(array(1j))


def test_complex():
    for dtype in DTYPES:
        got = complex(array(1, dtype))
        assert type(got) is complex
        assert got == 1
    assert complex(array(2 - 3j, "complex64")) == 2 - 3j
    assert complex(array(-math.inf)) == complex(-math.inf, 0)
    got = complex(array(math.nan))
    assert math.isnan(got.real)
    assert got.imag == 0


def test_index():
    for dtype in ("int8", "int64", "uint8", "uint64"):
        assert operator.index(array(3, dtype)) == 3
    assert [10, 20, 30][array(1)] == 20
    for value in (1.0, 1j):
        with pytest.raises(TypeError):
            operator.index(array(value))


@pytest.mark.parametrize("convert", [bool, int, float, complex])
def test_arrays_of_several_elements_are_no_scalars(convert):
    with pytest.raises((TypeError, ValueError)):
        convert(array([1, 2]))


# Operators


def test_signs():
    x = array([-2, 0, 3], "int32")
    same(+x, [-2, 0, 3], "int32")
    same(-x, [2, 0, -3], "int32")
    same(abs(x), [2, 0, 3], "int32")
    same(~x, [1, -1, -4], "int32")
    same(~array([True, False]), [False, True])
    same(abs(array([3 + 4j], "complex64")), [5], "float32")


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators(name):
    forward, in_place = BINARY[name]
    function = getattr(da, name)
    dtype = "uint8" if name.startswith("bitwise") else "float32"
    x, y = array([[7, 2], [3, 4]], dtype), array([2, 3], dtype)
    wanted = function(x, y).get()
    same(forward(x, y), wanted)
    same(forward(x, 2), function(x, array(2, dtype)).get())
    same(forward(2, x), function(array(2, dtype), x).get())
    z = x.copy()
    again = in_place(z, y)
    assert again is z
    same(z, wanted)
    same(in_place(z, 2), forward(array(wanted), 2).get())


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_operators(name):
    compare, function = getattr(operator, SYMBOLS[name]), getattr(da, name)
    x, y = array([1.0, 2.0, math.nan]), array([2.0, 2.0, math.nan])
    same(compare(x, y), function(x, y).get())
    same(compare(x, 2), function(x, array(2.0)).get())
    same(compare(2, x), function(array(2.0), x).get())


def test_matmul():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    same(array(a) @ array(b), a @ b)
    same(array(a) @ array(b[:, 0]), a @ b[:, 0])
    x = array(np.eye(3)[:2])
    x @= array(b[:, :3])
    same(x, b[:2, :3])
    with pytest.raises((TypeError, ValueError)):
        _ = array(a) @ 2.0
    with pytest.raises(ValueError, match="mismatch"):
        _ = array(a) @ array(a)


def test_in_place_operators_change_neither_shape_nor_dtype():
    for dtype, other in (("float32", "float64"), ("int8", "int16")):
        x = array([1, 2], dtype)
        x += array([1, 1], other)
        same(x, [2, 3], dtype)
    x = array([1, 2])
    with pytest.raises(TypeError):
        x += 1.5
    with pytest.raises(ValueError, match="broadcast"):
        x += array([[1, 2], [3, 4]])
    same(x, [1, 2])


def test_in_place_operators_are_seen_through_views():
    x = array([1.0, 2.0, 3.0])
    part = x[1:]
    part *= 10
    same(x, [1.0, 20.0, 30.0])
    x -= 1
    same(part, [19.0, 29.0])


# Python's scalars beside arrays take the array's dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars_take_the_dtype_of_the_array(dtype):
    for shape in ((), (2,)):
        x = da.ones(shape, dtype=dtype)
        if dtype == "bool":
            for use in (operator.and_, operator.or_, operator.xor):
                assert use(x, True).dtype == da.bool
                assert use(False, x).dtype == da.bool
            continue
        scalars = [3]
        if dtype in REAL + COMPLEX:
            scalars.append(2.5)
        if dtype in COMPLEX:
            scalars.append(1 - 2j)
        for scalar in scalars:
            for use in (operator.add, operator.sub, operator.mul):
                assert use(x, scalar).dtype == dtype
                assert use(scalar, x).dtype == dtype


def test_complex_scalars_make_real_arrays_complex():
    for real, wanted in zip(REAL, COMPLEX, strict=True):
        x = da.ones(2, dtype=real)
        for result in (x + 1j, 1j * x, x - (2 + 0j), x / 1j):
            assert result.dtype == wanted


def test_it_is_iterable_only_with_an_axis_and_has_no_hash():
    assert [float(item) for item in array([1.0, 2.0])] == [1.0, 2.0]
    with pytest.raises(TypeError):
        iter(array(1.0))
    with pytest.raises(TypeError):
        hash(array(1.0))
