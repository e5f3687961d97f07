"""Run the same user code with NumPy and with devarray and compare everything that can be seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import devarray as da

__all__ = [
    "NUMPY_LIBRARY", "SCANS_IN_ORDER", "agree", "assert_same", "assert_same_bits", "device", "host",
    "host_memory", "outcome",
]  # fmt: skip

# What is not fused runs in NumPy itself on the default device, so that even odd calls are NumPy's.
NUMPY_LIBRARY = da.Device().xp is np
# Sums and products along lines are joined in NumPy's order; those of floats are not NumPy's else.
SCANS_IN_ORDER = not da.Device().grid
# For tests of memory that the host's libraries share with the device.
host_memory = pytest.mark.skipif(
    not da.Device().shares_host_memory, reason="the device's memory is not the host's"
)


def outcome(body: Callable[..., Any], *args: Any) -> Any:
    """Return what the body returns, or the exception that it raises."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return host(body(*args))
    except Exception as error:
        return error


def host(x: Any) -> Any:
    """Return the values of device arrays, marked as such by a tuple, inside any nest."""
    if isinstance(x, da.DeviceArray):
        return ("device", x.get(), x.shape, x.dtype)
    if type(x) in (list, tuple):
        return type(x)([host(item) for item in x])
    return x


def device(x: Any) -> Any:
    """Return a copy of an argument: host arrays go to the device."""
    return da.to_gpu(x) if isinstance(x, np.ndarray) else x


def assert_same_bits(got: Any, wanted: Any) -> None:
    """Compare two host arrays: shape, dtype and values, the sign of zeros included."""
    assert got.shape == np.shape(wanted)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
    if got.dtype.kind in "fc":
        for a, b in ((got.real, wanted.real), (got.imag, wanted.imag)):
            number = ~np.isnan(b)
            np.testing.assert_array_equal(np.signbit(a)[number], np.signbit(b)[number])


def assert_same(got: Any, wanted: Any, rtol: float = 0.0, words: bool = True) -> None:
    """Compare an outcome with devarray with NumPy's."""
    if isinstance(wanted, Exception):
        if not isinstance(got, Exception):
            raise AssertionError(f"NumPy raises {wanted!r}, devarray gives {got!r}")
        if type(got) is not type(wanted) or (words and str(got) != str(wanted)):
            raise AssertionError(f"\nNumPy:    {wanted!r}\ndevarray: {got!r}") from got
        return
    if isinstance(got, Exception):
        raise AssertionError(f"NumPy gives {wanted!r}, devarray raises {got!r}") from got
    if isinstance(wanted, (np.ndarray, np.generic)):
        assert type(got) is tuple and len(got) == 4 and got[0] == "device", (
            f"not on device: {got!r}"
        )
        _, values, shape, dtype = got
        assert (shape, dtype) == (np.shape(wanted), wanted.dtype)
        if rtol:
            assert values.dtype == wanted.dtype
            np.testing.assert_allclose(values, wanted, rtol=rtol, atol=rtol)
        else:
            assert_same_bits(values, np.asarray(wanted))
    elif type(wanted) in (list, tuple):
        assert type(got) is type(wanted) and len(got) == len(wanted), f"{got!r} != {wanted!r}"
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other, rtol, words)
    else:
        assert type(got) is type(wanted)
        assert got == wanted


def agree(
    body: Callable[..., Any], *args: Any, rtol: float = 0.0, words: bool = True, once: bool = False
) -> None:  # fmt: skip
    """Run ``body(xp, *args)`` with NumPy, with devarray, and with np's functions on device arrays.

    Results, errors and what has become of the arguments must be the same. With `once`, only
    devarray's functions are tried.
    """
    mine = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
    wanted = outcome(body, np, *mine)
    for xp in (da,) if once else (da, np):
        theirs = [device(x) for x in args]
        try:
            assert_same(outcome(body, xp, *theirs), wanted, rtol, words)
            for got, expected in zip(theirs, mine, strict=True):
                if isinstance(expected, np.ndarray):
                    assert_same(host(got), expected, rtol)
        except AssertionError as error:
            error.add_note(f"with the functions of {xp.__name__}")
            raise
