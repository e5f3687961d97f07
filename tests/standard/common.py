"""What the chapters share: the standard's dtypes, and comparisons with host values."""

from __future__ import annotations

from typing import Any

import numpy as np

import devarray as da

SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
REAL = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
NUMERIC = (*SIGNED, *UNSIGNED, *REAL, *COMPLEX)
DTYPES = ("bool", *NUMERIC)

KINDS = {
    "bool": ("bool",),
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": SIGNED + UNSIGNED,
    "real floating": REAL,
    "complex floating": COMPLEX,
    "numeric": NUMERIC,
}

INDEX = np.dtype("int64")


def array(values: Any, dtype: Any = None) -> da.DeviceArray:
    """Return values on the device."""
    return da.asarray(values, dtype=dtype)


def same(got: Any, values: Any, dtype: Any = None) -> None:
    """Demand a device array of the shape, dtype and exact values of `values`."""
    wanted = np.asarray(values, dtype=dtype)
    assert isinstance(got, da.DeviceArray)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got.get(), wanted)


def close(got: Any, values: Any, dtype: Any = None) -> None:
    """Demand a device array near `values`, as near as its precision lets one hope."""
    wanted = np.asarray(values, dtype=dtype)
    assert isinstance(got, da.DeviceArray)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    tolerance = 1e-4 if wanted.dtype.char in "fF" else 1e-10
    np.testing.assert_allclose(got.get(), wanted, rtol=tolerance, atol=tolerance)


def promoted(one: str, other: str) -> str | None:
    """Return the dtype that the standard's tables give for two; None where they leave it open."""
    if one == other:
        return one
    pair = {one, other}
    bits = {name: int(name.lstrip("abcdefghijklmnopqrstuvwxyz")) for name in pair - {"bool"}}
    if "bool" in pair:
        return None
    for kind, names in (("int", SIGNED), ("uint", UNSIGNED)):
        if pair <= set(names):
            return f"{kind}{max(bits.values())}"
    if pair <= set(SIGNED + UNSIGNED):
        unsigned = bits[one if one in UNSIGNED else other]
        signed = bits[one if one in SIGNED else other]
        return None if unsigned == 64 else f"int{max(signed, 2 * unsigned)}"
    if pair <= set(REAL):
        return "float64"
    if pair <= set(REAL + COMPLEX):
        return "complex128" if pair & {"float64", "complex128"} else "complex64"
    return None
