"""Statistics: sums, means, extremes, quantiles, correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from devarray import dispatch, engine, reductions
from devarray.array import FUNCTIONS
from devarray.chapters import implements, library_functions, method_function, on_device
from devarray.creation import empty, full
from devarray.joining import concatenate
from devarray.kernels.ops import OPS, canonical
from devarray.layout import normalize_axis
from devarray.library import call_library
from devarray.manipulation import axes_in_order, broadcast_to
from devarray.record import as_result

__all__ = [
    "amax",
    "amin",
    "average",
    "corrcoef",
    "cov",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]

NO_VALUE = np._NoValue

sum = method_function("sum")
prod = method_function("prod")
min = method_function("min")
max = method_function("max")
mean = method_function("mean")
var = method_function("var")
std = method_function("std")
cumsum = method_function("cumsum")
cumprod = method_function("cumprod")
amin, amax = min, max
FUNCTIONS.update({np.amin: min, np.amax: max})


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Any:
    """Return the distance from the least to the greatest value; see `numpy.ptp`.

    Examples
    --------
    >>> import devarray as da
    >>> da.ptp(da.asarray([3, 1, 6]))
    array(5, device='openmp')
    """
    a = on_device(a)
    keepdims = False if keepdims is NO_VALUE else keepdims
    if a.dtype.kind == "c":
        return call_library(np.ptp, (a,), {"axis": axis, "out": out, "keepdims": keepdims})
    high = reductions.reduce(OPS[np.maximum], a, axis, keepdims=keepdims)
    low = reductions.reduce(OPS[np.minimum], a, axis, keepdims=keepdims)
    if out is not None:  # the greatest values go there first
        high = high.astype(out.dtype, copy=False)
    distance = np.subtract(high, low)
    if out is not None and not np.can_cast(distance.dtype, out.dtype, "same_kind"):
        raise TypeError(f"Cannot cast the distances from {distance.dtype} to {out.dtype}")
    return as_result(reductions.finish(a, distance._node(), out), out)


@implements(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = NO_VALUE,
) -> Any:
    """Return the weighted average; see `numpy.average`.

    Sums of weights are evaluated, for they must not be zero.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of ints, optional
    weights : array_like, optional
        Of the shape of `a`, or with one length for each of `axis`.
    returned : bool
        Return the sums of the weights as well.
    keepdims : bool
        Leave the averaged axes, with length 1.

    Raises
    ------
    ZeroDivisionError
        If weights add up to zero.

    Examples
    --------
    >>> import devarray as da
    >>> da.average(da.asarray([1.0, 4.0]), weights=da.asarray([2, 1]))
    array(2., device='openmp')
    """
    a = on_device(a)
    keepdims = False if keepdims is NO_VALUE else keepdims
    axes = None if axis is None else axes_in_order(axis, a.ndim)
    if weights is None:
        middle = reductions.mean(a, axes, keepdims=keepdims)
        if not returned:
            return as_result(middle)
        count = a.size / middle.size
        scale = full(middle.shape, middle.dtype.type(count), middle.dtype, device=a.device)
        return as_result(middle), as_result(scale)
    weights = _along(on_device(weights), a, axes)
    kinds = (
        (a.dtype, weights.dtype, np.dtype("f8"))
        if a.dtype.kind in "bui"
        else (
            a.dtype,
            weights.dtype,
        )
    )
    dtype = canonical(np.result_type(*kinds))
    add = OPS[np.add]
    scale = reductions.reduce(add, weights, axes, dtype, keepdims=keepdims)
    total = reductions.reduce(add, np.multiply(a, weights, dtype=dtype), axes, keepdims=keepdims)
    engine.evaluate([total._buffer, scale._buffer])
    if not _all(scale != 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    middle = np.true_divide(total, scale)
    if not returned:
        return as_result(middle)
    if scale.shape != middle.shape:
        scale = broadcast_to(scale, middle.shape).copy()
    return as_result(middle), as_result(scale)


def _all(condition: Any) -> bool:
    """Evaluate whether a condition holds everywhere."""
    return bool(condition.all())


def _along(weights: Any, a: Any, axes: Any) -> Any:
    """Return weights in a shape that repeats to that of `a`."""
    if weights.shape == a.shape:
        return weights
    if axes is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    if weights.shape != tuple(a.shape[k] for k in axes):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    shape = tuple(n if k in axes else 1 for k, n in enumerate(a.shape))
    return weights.transpose(order).reshape(shape)


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Return the covariance matrix of variables; see `numpy.cov`.

    The matrix product runs in the device's library; weights are evaluated, to be checked.

    Examples
    --------
    >>> import devarray as da
    >>> da.cov(da.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    array([[ 1., -1.],
           [-1.,  1.]], device='openmp')
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    X = _variables(m, y, rowvar, dtype)
    if not X.shape[0]:
        return empty((0, 0), device=X.device)
    if ddof is None:
        ddof = 0 if bias else 1
    w = _weights(fweights, aweights, X.shape[1])
    if w is None:
        centre, freedom = reductions.mean(X, 1), X.shape[1] - ddof
    else:
        centre, totals = average(X, 1, w, True)
        freedom = total = totals[0]
        if ddof and aweights is None:
            freedom = total - ddof
        elif ddof:
            freedom = total - ddof * np.add.reduce(w * on_device(aweights)) / total
    if freedom <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
        freedom = 0.0
    X = (X - centre[:, None]).astype(X.dtype, copy=False)
    engine.evaluate([X._buffer])  # the library knows a product with its own transpose
    other = (X if w is None else X * w).T
    product = np.dot(X, other.conj() if other.dtype.kind == "c" else other)
    with np.errstate(divide="ignore"):
        factor = np.true_divide(1, freedom)
    return (product * factor).astype(product.dtype, copy=False).squeeze()


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """Return the variables of a covariance as the rows of one array."""
    m = on_device(m)
    if m.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    given = [m]
    if y is not None:
        y = on_device(y)
        if y.ndim > 2:
            raise ValueError("y has more than 2 dimensions")
        given.append(y)
    if dtype is None:
        dtype = np.result_type(*[x.dtype for x in given], np.float64)
    rows = [x.astype(dtype, copy=False).reshape(_at_least_2d(x.shape)) for x in given]
    if not rowvar and m.ndim != 1:
        rows[0] = rows[0].T
    if not rows[0].shape[0] or y is None:
        return rows[0]
    if not rowvar and rows[1].shape[0] != 1:
        rows[1] = rows[1].T
    return concatenate(rows, 0)


def _at_least_2d(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (2 - len(shape)) + shape


def _weights(fweights: Any, aweights: Any, count: int) -> Any:
    """Return the weights of observations, or None; they are evaluated, to be checked."""
    w = None
    for given, name in ((fweights, "fweights"), (aweights, "aweights")):
        if given is None:
            continue
        one = on_device(given).astype("f8", copy=False)
        if name == "fweights" and not _all(one == np.rint(one)):
            raise TypeError("fweights must be integer")
        if one.ndim > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if one.shape[0] != count:
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        if not _all(~(one < 0)):
            raise ValueError(f"{name} cannot be negative")
        w = one if w is None else w * one
    return w


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Return the correlation coefficients of variables; see `numpy.corrcoef`.

    Examples
    --------
    >>> import devarray as da
    >>> da.corrcoef(da.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    array([[ 1., -1.],
           [-1.,  1.]], device='openmp')
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return as_result(c / c)
    deviation = np.sqrt(np.diagonal(c).real)
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    for part in (c.real, c.imag):
        np.clip(part, -1, 1, out=part)
    return c


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Return the cumulative sum along an axis; see `numpy.cumulative_sum`.

    Examples
    --------
    >>> import devarray as da
    >>> da.cumulative_sum(da.arange(4), include_initial=True)
    array([0, 0, 1, 3, 6], device='openmp')
    """
    return _cumulative(np.add, on_device(x), axis, dtype, out, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Return the cumulative product along an axis; see `numpy.cumulative_prod`.

    Examples
    --------
    >>> import devarray as da
    >>> da.cumulative_prod(da.arange(1, 4), include_initial=True)
    array([1, 1, 2, 6], device='openmp')
    """
    return _cumulative(np.multiply, on_device(x), axis, dtype, out, include_initial)


def _cumulative(ufunc: Any, x: Any, axis: Any, dtype: Any, out: Any, include_initial: bool) -> Any:
    x = x if x.ndim else x.reshape(1)
    if axis is None and x.ndim > 1:
        raise ValueError(
            "For arrays which have more than one dimension ``axis`` argument is required."
        )
    axis = normalize_axis(0 if axis is None else axis, x.ndim)
    before = (slice(None),) * axis
    inner = out[(*before, slice(1, None))] if include_initial and out is not None else out
    result = dispatch.ufunc_method(
        ufunc, "accumulate", (x,), {"axis": axis, "dtype": dtype, "out": inner}
    )
    if not include_initial:
        return result
    if out is not None:
        out[(*before, slice(0, 1))] = ufunc.identity
        return out
    shape = tuple(1 if k == axis else n for k, n in enumerate(x.shape))
    first = full(shape, ufunc.identity, result.dtype, device=x.device)
    return concatenate([first, result], axis)


library_functions(globals(), "convolve correlate")
