"""Elementwise functions that are no ufuncs: limits, rounding, parts of numbers, tests of floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import dispatch
from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.kernels.ops import OPS
from devarray.kernels.rows import clip as clip_ufunc
from devarray.library import call_library

__all__ = [
    "around",
    "clip",
    "imag",
    "real",
    "round",
]

NO_VALUE = np._NoValue


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **options: Any,
) -> Any:
    """Return the values limited to an interval; see `numpy.clip`.

    Examples
    --------
    >>> import devarray as da
    >>> da.clip(da.arange(5), 1, 3)
    array([1, 1, 2, 3, 3], device='openmp')
    """
    low = _bound(a_min, min)
    high = _bound(a_max, max)
    if out is not None:
        options["out"] = out
    a = on_device(a)
    low, high = _within(low, a.dtype, 0), _within(high, a.dtype, 1)
    if low is None and high is None:
        return dispatch.call_ufunc(OPS[np.positive], (a,), **options) if options else a.copy()
    if low is None:
        return dispatch.call_ufunc(OPS[np.minimum], (a, high), **options)
    if high is None:
        return dispatch.call_ufunc(OPS[np.maximum], (a, low), **options)
    return dispatch.call_ufunc(OPS[clip_ufunc], (a, low, high), **options)


def _within(bound: Any, dtype: np.dtype[Any], side: int) -> Any:
    """Return a Python integer beyond an integer dtype as the dtype's limit, as NumPy does."""
    if type(bound) is not int or dtype.kind not in "ui":
        return bound
    info = np.iinfo(dtype)
    if side == 0 and bound < info.min:
        return int(info.min)
    if side == 1 and bound > info.max:
        return int(info.max)
    return bound


def _bound(a: Any, b: Any) -> Any:
    a = None if a is NO_VALUE else a
    b = None if b is NO_VALUE else b
    if a is not None and b is not None:
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is "
            "forbidden."
        )
    return b if a is None else a


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Return the values rounded to a number of decimals, halves to even; see `numpy.round`.

    Examples
    --------
    >>> import devarray as da
    >>> da.round(da.asarray([0.5, 1.5, 2.345]), 0)
    array([0., 2., 2.], device='openmp')
    """
    a = on_device(a)
    dtype = a.dtype
    if decimals == 0 or (decimals > 0 and dtype.kind in "ui"):
        rounded = np.rint(a) if dtype.kind in "bfc" else a
    elif dtype.kind in "buic":  # integers to tens; complex numbers part by part
        rounded = call_library(np.round, (a, decimals), {})
    else:
        scale = 10.0 ** abs(decimals)
        rounded = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    if out is not None:
        return dispatch.call_ufunc(OPS[np.positive], (rounded,), out=out)
    return rounded.copy() if rounded is a else rounded


around = round


@implements(np.real)
def real(a: Any) -> DeviceArray:
    """Return the real part, as a view; see `numpy.real`."""
    return on_device(a).real


@implements(np.imag)
def imag(a: Any) -> DeviceArray:
    """Return the imaginary part; see `numpy.imag`."""
    return on_device(a).imag


library_functions(
    globals(),
    "angle fix i0 iscomplex iscomplexobj isneginf isposinf isreal isrealobj real_if_close sinc "
    "unwrap nan_to_num isclose",
)
