"""Promotion, casts, limits and kinds of data types."""

from __future__ import annotations

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, DTYPES, KINDS, NUMERIC, REAL, SIGNED, array, promoted, same

BITS = {"int": np.iinfo, "uint": np.iinfo, "float": np.finfo}


@pytest.mark.parametrize("one", DTYPES)
def test_promotion(one):
    """By tables of the standard: of dtypes, of arrays, of arrays without dimensions."""
    for other in DTYPES:
        wanted = promoted(one, other)
        if wanted is None:
            continue
        first, second = getattr(da, one), getattr(da, other)
        assert da.result_type(first, second) == wanted
        for left, right in (((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())):
            x, y = da.ones(left, dtype=first), da.ones(right, dtype=second)
            assert da.result_type(x, y) == wanted
            assert da.result_type(x, second) == wanted
            for result in (x & y,) if wanted == "bool" else (x + y, x * y):
                assert result.dtype == wanted
            assert da.where(da.ones(2, dtype=da.bool), x, y).dtype == wanted
            assert da.concat([da.ones(1, dtype=first), da.ones(1, dtype=second)]).dtype == wanted


def test_promotion_of_many_is_associative():
    names = ("int8", "uint8", "int16", "uint32")
    for k in range(4):
        assert da.result_type(*[getattr(da, names[k - n]) for n in range(4)]) == da.int64


def test_scalars_in_result_type():
    cases = [
        ((da.bool, True), da.bool),
        ((da.int8, 1), da.int8),
        ((da.float32, 1), da.float32),
        ((da.float32, 1.0), da.float32),
        ((da.float32, 1j), da.complex64),
        ((da.float64, 1j), da.complex128),
        ((da.complex64, 1.0, 2, 1j), da.complex64),
        ((1, da.uint8, 2), da.uint8),
    ]
    for given, wanted in cases:
        assert da.result_type(*given) == wanted
        arrays = [da.ones(2, dtype=x) if isinstance(x, type) else x for x in given]
        assert da.result_type(*arrays) == wanted


def test_result_type_wants_an_array_or_dtype():
    with pytest.raises((TypeError, ValueError)):
        da.result_type()


@pytest.mark.parametrize("one", DTYPES)
def test_can_cast(one):
    for other in DTYPES:
        wanted = promoted(one, other)
        if wanted is not None:
            to = getattr(da, other)
            assert da.can_cast(getattr(da, one), to) is (wanted == other), other
            assert da.can_cast(da.ones(2, dtype=one), to) is (wanted == other), other


@pytest.mark.parametrize("dtype", (*REAL, *COMPLEX))
def test_finfo(dtype):
    wanted = np.finfo(dtype)
    for given in (getattr(da, dtype), da.ones(1, dtype=dtype)):
        info = da.finfo(given)
        assert type(info.bits) is int
        assert info.bits == wanted.bits
        assert info.dtype == wanted.dtype
        for name in ("eps", "max", "min", "smallest_normal"):
            assert type(getattr(info, name)) is float
            assert getattr(info, name) == float(getattr(wanted, name))
    for given in (da.int32, da.bool):
        with pytest.raises((TypeError, ValueError)):
            da.finfo(given)


@pytest.mark.parametrize("dtype", KINDS["integral"])
def test_iinfo(dtype):
    bits = int(dtype.lstrip("uint"))
    for given in (getattr(da, dtype), da.ones(1, dtype=dtype)):
        info = da.iinfo(given)
        low, high = (
            (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype in SIGNED else (0, 2**bits - 1)
        )
        assert (info.bits, info.min, info.max) == (bits, low, high)
        assert {type(info.bits), type(info.min), type(info.max)} == {int}
        assert info.dtype == dtype
    for given in (da.float32, da.bool):
        with pytest.raises((TypeError, ValueError)):
            da.iinfo(given)


@pytest.mark.parametrize("dtype", DTYPES)
def test_isdtype(dtype):
    own = getattr(da, dtype)
    for kind, members in KINDS.items():
        assert da.isdtype(own, kind) is (dtype in members)
        assert da.isdtype(da.ones(1, dtype=own).dtype, kind=kind) is (dtype in members)
    for other in DTYPES:
        assert da.isdtype(own, getattr(da, other)) is (dtype == other)
    assert da.isdtype(own, ("bool", da.int8, "complex floating")) is (
        dtype in ("bool", "int8", *COMPLEX)
    )
    assert da.isdtype(own, ()) is False
    assert da.isdtype(dtype=own, kind="numeric") is (dtype != "bool")
    with pytest.raises((TypeError, ValueError)):
        da.isdtype(own, "no such kind")


def test_astype_values():
    x = array([0.0, -1.75, 3.5])
    for dtype in NUMERIC:
        if not dtype.startswith("u"):
            same(da.astype(x, getattr(da, dtype)), x.get().astype(dtype))
    same(da.astype(x, da.bool), [False, True, True])
    same(da.astype(array([True, False]), da.float32), [1, 0], "float32")
    same(da.astype(array([np.nan, 0.0, np.inf]), da.bool), [True, False, True])
    same(da.astype(array([0j, 1j]), da.bool), [False, True])
    same(da.astype(array(2.5), da.int64, device="cpu"), 2)


def test_astype_copies():
    x = array([1.0, 2.0])
    assert da.astype(x, x.dtype, copy=False) is x
    copy = da.astype(x, x.dtype)
    x[0] = 5.0
    same(copy, [1.0, 2.0])
    assert da.astype(x, da.float32, copy=False).dtype == da.float32


def test_dtypes_compare_equal_only_to_themselves():
    for one in DTYPES:
        for other in DTYPES:
            equal = getattr(da, one) == da.ones(1, dtype=other).dtype
            assert type(equal) is bool
            assert equal is (one == other)
