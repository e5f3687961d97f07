"""Statistics that leave out what is not a number.

NaN is replaced, within the kernel, by what changes nothing. NumPy warns of slices without any
number. To know of those needs their values, so here a warning comes only for slices that have too
few elements by their shape, as for `mean` and `var`.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from devarray import dispatch, engine, reductions
from devarray.chapters import implements, on_device
from devarray.kernels.ops import OPS, canonical
from devarray.layout import normalize_axes, normalize_axis
from devarray.record import as_result

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]

NO_VALUE = np._NoValue
INTP = canonical(np.dtype(np.intp))


def _without_nan(a: Any, value: float) -> Any:
    """Return `a` as a device array with `value` in place of NaN."""
    a = on_device(a)
    return np.where(np.isnan(a), value, a) if a.dtype.kind in "fc" else a


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not NO_VALUE}


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """Return the sum, NaN counted as zero; see `numpy.nansum`.

    Examples
    --------
    >>> import devarray as da
    >>> da.nansum(da.asarray([1.0, da.nan, 2.0]))
    array(3., device='openmp')
    """
    options = _given(keepdims=keepdims, initial=initial, where=where)
    return _without_nan(a, 0).sum(axis, dtype, out, **options)


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """Return the product, NaN counted as one; see `numpy.nanprod`.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanprod(da.asarray([3.0, da.nan, 2.0]))
    array(6., device='openmp')
    """
    options = _given(keepdims=keepdims, initial=initial, where=where)
    return _without_nan(a, 1).prod(axis, dtype, out, **options)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Return the cumulative sum, NaN counted as zero; see `numpy.nancumsum`.

    Examples
    --------
    >>> import devarray as da
    >>> da.nancumsum(da.asarray([1.0, da.nan, 2.0]))
    array([1., 1., 3.], device='openmp')
    """
    return _without_nan(a, 0).cumsum(axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Return the cumulative product, NaN counted as one; see `numpy.nancumprod`.

    Examples
    --------
    >>> import devarray as da
    >>> da.nancumprod(da.asarray([3.0, da.nan, 2.0]))
    array([3., 3., 6.], device='openmp')
    """
    return _without_nan(a, 1).cumprod(axis, dtype, out)


@implements(np.nanmin)
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """Return the least number; see `numpy.nanmin`.

    Slices without any number give NaN, without NumPy's warning.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanmin(da.asarray([3.0, da.nan, 2.0]))
    array(2., device='openmp')
    """
    options = _given(keepdims=keepdims, initial=initial, where=where)
    options |= {"axis": axis, "out": out}
    return dispatch.ufunc_method(np.fmin, "reduce", (on_device(a),), options)


@implements(np.nanmax)
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """Return the greatest number; see `numpy.nanmax`.

    Slices without any number give NaN, without NumPy's warning.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanmax(da.asarray([3.0, da.nan, 2.0]))
    array(3., device='openmp')
    """
    options = _given(keepdims=keepdims, initial=initial, where=where)
    options |= {"axis": axis, "out": out}
    return dispatch.ufunc_method(np.fmax, "reduce", (on_device(a),), options)


@implements(np.nanargmin)
def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """Return the position of the least number; see `numpy.nanargmin`.

    Arrays of floats are evaluated.

    Raises
    ------
    ValueError
        If a slice has no number.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanargmin(da.asarray([3.0, da.nan, 2.0]))
    array(2, device='openmp')
    """
    return _position("argmin", np.minimum, np.inf, on_device(a), axis, out, keepdims)


@implements(np.nanargmax)
def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """Return the position of the greatest number; see `numpy.nanargmax`.

    Arrays of floats are evaluated.

    Raises
    ------
    ValueError
        If a slice has no number.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanargmax(da.asarray([3.0, da.nan, 2.0]))
    array(0, device='openmp')
    """
    return _position("argmax", np.maximum, -np.inf, on_device(a), axis, out, keepdims)


def _position(
    name: str, ufunc: Any, value: float, a: Any, axis: Any, out: Any, keepdims: Any
) -> Any:
    keepdims = False if keepdims is NO_VALUE else keepdims
    numbers = _without_nan(a, value)
    if a.dtype.kind not in "fc" or not a.size:
        return getattr(numbers, name)(axis, out, keepdims=keepdims)
    along = axis if axis is None else normalize_axis(axis, max(a.ndim, 1))
    lost = reductions.reduce(OPS[np.logical_and], np.isnan(a), along)
    place: Any = NotImplemented
    if out is None:  # both at once
        place = reductions.arg_reduce(OPS[ufunc], numbers, axis, None, keepdims, name)
    engine.evaluate([x._buffer for x in (lost, place) if x is not NotImplemented])
    if lost.any():
        raise ValueError("All-NaN slice encountered")
    if place is NotImplemented:
        return getattr(numbers, name)(axis, out, keepdims=keepdims)
    return as_result(place)


def _check_inexact(dtype: Any, out: Any) -> None:
    if dtype is not None and not np.issubdtype(dtype, np.inexact):
        raise TypeError("If a is inexact, then dtype must be inexact")
    if out is not None and not np.issubdtype(out.dtype, np.inexact):
        raise TypeError("If a is inexact, then out must be inexact")


def _total(a: Any, axis: Any, dtype: Any, keepdims: Any, where: Any) -> Any:
    return reductions.reduce(OPS[np.add], a, axis, dtype, None, keepdims, NO_VALUE, where)


def _within(a: Any, dtype: Any, out: Any) -> Any:
    """Return the dtype in which a total is added up, or None for the usual one."""
    return np.result_type(a.dtype, out.dtype) if dtype is None and out is not None else dtype


def _divided(total: Any, count: Any) -> Any:
    """Return the quotient, in the dtype of the total."""
    return np.true_divide(total, count).astype(total.dtype, copy=False)


def _warn_if_few(a: Any, axis: Any, least: float, where: Any, words: str, stacklevel: int) -> None:
    """Warn if all slices have too few elements, whatever they are."""
    if where is not True:
        return
    axes = normalize_axes(axis, a.ndim)
    results = math.prod(n for k, n in enumerate(a.shape) if k not in axes)
    if results and math.prod(a.shape[k] for k in axes) <= least:
        warnings.warn(words, RuntimeWarning, stacklevel=stacklevel)


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Any:
    """Return the arithmetic mean of the numbers; see `numpy.nanmean`.

    Slices without any number give NaN, without NumPy's warning if they have elements.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanmean(da.asarray([1.0, da.nan, 2.0]))
    array(1.5, device='openmp')
    """
    a = on_device(a)
    keepdims = False if keepdims is NO_VALUE else keepdims
    where = True if where is NO_VALUE else where
    if a.dtype.kind not in "fc":
        return a.mean(axis, dtype, out, keepdims, where=where)
    _check_inexact(dtype, out)
    count = _total(~np.isnan(a), axis, INTP, keepdims, where)
    total = _total(_without_nan(a, 0), axis, _within(a, dtype, out), keepdims, where)
    if out is not None:
        total = total.astype(out.dtype, copy=False)
    _warn_if_few(a, axis, 0, where, "Mean of empty slice", 4)
    return as_result(reductions.finish(a, _divided(total, count)._node(), out), out)


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """Return the variance of the numbers; see `numpy.nanvar`.

    Slices with too few numbers give NaN, without NumPy's warning if they have enough elements.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanvar(da.asarray([1.0, da.nan, 3.0]))
    array(1., device='openmp')
    """
    a = on_device(a)
    options = _given(keepdims=keepdims, where=where, mean=mean, correction=correction)
    if a.dtype.kind not in "fc":
        return a.var(axis, dtype, out, ddof, **options)
    variance = _variance(a, axis, dtype, out, ddof, **options)
    return as_result(reductions.finish(a, variance._node(), out), out)


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """Return the standard deviation of the numbers; see `numpy.nanstd`.

    Slices with too few numbers give NaN, without NumPy's warning if they have enough elements.

    Examples
    --------
    >>> import devarray as da
    >>> da.nanstd(da.asarray([1.0, da.nan, 3.0]))
    array(1., device='openmp')
    """
    a = on_device(a)
    options = _given(keepdims=keepdims, where=where, mean=mean, correction=correction)
    if a.dtype.kind not in "fc":
        return a.std(axis, dtype, out, ddof, **options)
    variance = _variance(a, axis, dtype, out, ddof, **options)
    return as_result(reductions.finish(a, np.sqrt(variance)._node(), out), out)


def _variance(
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Return the variance in the dtype of `out`: the mean first, then the squared distances."""
    if correction is not None:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    _check_inexact(dtype, out)
    missing = np.isnan(a)
    numbers = _without_nan(a, 0)
    if mean is None:
        counts = _total(~missing, axis, INTP, True, where)
        mean = _divided(_total(numbers, axis, dtype, True, where), counts)
    distance = np.subtract(numbers, mean).astype(a.dtype, copy=False)
    distance = np.where(missing, 0, distance)
    if a.dtype.kind == "c":
        square = np.multiply(distance.real, distance.real)
        square = square + np.multiply(distance.imag, distance.imag)
    else:
        square = np.multiply(distance, distance)
    total = _total(square, axis, _within(square, dtype, out), keepdims, where)
    if out is not None:
        total = total.astype(out.dtype, copy=False)
    rest = np.subtract(_total(~missing, axis, INTP, keepdims, where), ddof)
    _warn_if_few(a, axis, ddof, where, "Degrees of freedom <= 0 for slice.", 5)
    return np.where(rest <= 0, np.nan, _divided(total, rest))
