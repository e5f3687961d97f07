"""Elementwise functions that are no ufuncs: limits, rounding, parts of numbers, tests of floats."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from devarray import dispatch
from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.creation import full, zeros
from devarray.graph import map_node
from devarray.kernels.ops import OPS
from devarray.kernels.rows import clip as clip_ufunc
from devarray.layout import broadcast_shapes
from devarray.library import call_library
from devarray.operands import is_host_scalar
from devarray.record import as_result, fresh

__all__ = [
    "angle",
    "around",
    "clip",
    "fix",
    "imag",
    "iscomplex",
    "iscomplexobj",
    "isclose",
    "isneginf",
    "isposinf",
    "isreal",
    "isrealobj",
    "nan_to_num",
    "real",
    "real_if_close",
    "round",
    "sinc",
    "unwrap",
]

NO_VALUE = np._NoValue


@implements(np.clip)
def clip(
    a: Any,
    min: Any = None,
    max: Any = None,
    out: Any = None,
    *,
    a_min: Any = None,
    a_max: Any = None,
    **options: Any,
) -> Any:
    """Return the values limited to an interval; see `numpy.clip`.

    The bounds have the standard's names, and NumPy's older ones (a_min, a_max) by keyword.

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
        return dispatch.call_ufunc(OPS[np.positive], (a,), **options)
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
    dtype, decimals = a.dtype, operator.index(decimals)
    if decimals == 0 or (decimals > 0 and dtype.kind in "ui"):
        rounded = np.rint(a) if dtype.kind in "bfc" else a
    elif dtype.kind in "buic":  # integers to tens; complex numbers part by part
        rounded = call_library(np.round, (a, decimals), {})
    else:
        scale = 10.0 ** abs(decimals) if abs(decimals) <= 308 else math.inf
        rounded = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    if out is not None:
        return dispatch.call_ufunc(OPS[np.positive], (rounded,), out=out)
    return rounded.copy() if rounded is a else rounded


around = round


@implements(np.real)
def real(val: Any) -> DeviceArray:
    """Return the real part, as a view; see `numpy.real`."""
    return on_device(val).real


@implements(np.imag)
def imag(val: Any) -> DeviceArray:
    """Return the imaginary part; see `numpy.imag`."""
    return on_device(val).imag


def _parts(z: DeviceArray) -> tuple[Any, Any]:
    """Return the real and imaginary parts as expressions that fuse with what `z` is made of."""
    dtype = z.dtype
    if dtype.kind != "c":
        return z, zeros(z.shape, dtype, device=z.device)
    half = np.dtype("f4" if dtype.char == "F" else "f8")
    node = z._node()
    made = []
    for which in (np.real, np.imag):
        (loop,) = OPS[which].make((dtype, half))
        made.append(fresh(map_node(loop, (node,), node.shape), z.device))
    return made[0], made[1]


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """Return the angle of complex numbers in the plane, from -pi to pi; see `numpy.angle`.

    Parameters
    ----------
    z : array_like
    deg : bool
        Give degrees, not radians.

    Examples
    --------
    >>> import devarray as da
    >>> da.angle(da.asarray([1.0, 1j, -1.0]), deg=True)
    array([  0.,  90., 180.], device='openmp')
    """
    z = on_device(z)
    re, im = _parts(z) if z.dtype.kind == "c" else (z, 0)
    turned = np.arctan2(im, re)
    return turned * (180 / math.pi) if deg else turned


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Say which elements have no imaginary part; see `numpy.isreal`.

    Examples
    --------
    >>> import devarray as da
    >>> da.isreal(da.asarray([1 + 1j, 2 + 0j]))
    array([False,  True], device='openmp')
    """
    x = on_device(x)
    if x.dtype.kind != "c":
        return full(x.shape, True, device=x.device)
    return _parts(x)[1] == 0


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Say which elements have an imaginary part; see `numpy.iscomplex`.

    Examples
    --------
    >>> import devarray as da
    >>> da.iscomplex(da.asarray([1 + 1j, 2 + 0j]))
    array([ True, False], device='openmp')
    """
    x = on_device(x)
    if x.dtype.kind != "c":
        return full(x.shape, False, device=x.device)
    return _parts(x)[1] != 0


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Say whether the dtype is complex, whatever the values are; see `numpy.iscomplexobj`."""
    return bool(on_device(x).dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Say whether the dtype is not complex, whatever the values are; see `numpy.isrealobj`."""
    return not iscomplexobj(x)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """Return the real part if all imaginary parts are next to nothing; see `numpy.real_if_close`.

    The dtype of the result depends on the values, so they are computed.

    Parameters
    ----------
    a : array_like
    tol : float
        Above 1, in units of the dtype's rounding error; else the limit itself.

    Examples
    --------
    >>> import devarray as da
    >>> da.real_if_close(da.asarray([1 + 1e-15j]))
    array([1.], device='openmp')
    """
    a = on_device(a)
    if a.dtype.kind != "c":
        return a
    imaginary = a.imag
    limit = tol * np.finfo(imaginary.dtype).eps if tol > 1 else tol
    return a.real if bool((abs(imaginary) < limit).all()) else a


def _infinite(x: Any, negative: bool, out: Any) -> Any:
    x = on_device(x)
    sign = np.signbit(x)
    options = {} if out is None else {"out": out}
    return dispatch.call_ufunc(
        OPS[np.logical_and], (np.isinf(x), sign if negative else ~sign), **options
    )


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """Say which elements are positive infinity; see `numpy.isposinf`.

    Examples
    --------
    >>> import devarray as da
    >>> da.isposinf(da.asarray([da.inf, -da.inf, 0.0]))
    array([ True, False, False], device='openmp')
    """
    return _infinite(x, False, out)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """Say which elements are negative infinity; see `numpy.isneginf`.

    Examples
    --------
    >>> import devarray as da
    >>> da.isneginf(da.asarray([da.inf, -da.inf, 0.0]))
    array([False,  True, False], device='openmp')
    """
    return _infinite(x, True, out)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """Return the values rounded towards zero; see `numpy.fix`.

    Examples
    --------
    >>> import devarray as da
    >>> da.fix(da.asarray([2.9, -2.9]))
    array([ 2., -2.], device='openmp')
    """
    options = {} if out is None else {"out": out}
    return dispatch.call_ufunc(OPS[np.trunc], (on_device(x),), **options)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """Return ``sin(pi x) / (pi x)``, and 1 at zero; see `numpy.sinc`.

    Examples
    --------
    >>> import devarray as da
    >>> da.sinc(da.asarray([0.0, 0.5]))
    array([1.        , 0.63661977], device='openmp')
    """
    y = on_device(x) * math.pi
    return np.where(y == 0, 1.0, np.sin(y) / y)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """Return angles without jumps: multiples of the period are added; see `numpy.unwrap`.

    Parameters
    ----------
    p : array_like
    discont : float, optional
        Differences of neighbours below it stay; by default, and at least, half a period.
    axis : int
    period : float
        If it and `p` are integers, so is the result.

    Examples
    --------
    >>> import devarray as da
    >>> da.unwrap(da.asarray([0, 1, 2, -1, 0]), period=4)
    array([0, 1, 2, 3, 4], device='openmp')
    """
    p = on_device(p)
    before = (slice(None),) * (axis % max(p.ndim, 1))
    if not p.ndim or not -p.ndim <= axis < p.ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {p.ndim}")
    later, earlier = p[(*before, slice(1, None))], p[(*before, slice(None, -1))]
    step = later != earlier if p.dtype.kind == "b" else later - earlier
    dtype = np.result_type(step.dtype, period)
    if dtype.kind in "iu":
        high, rest = divmod(period, 2)
        two_sided = rest == 0  # a step of half a period may go either way
    else:
        high, two_sided = period / 2, True
    low = -high
    wrapped = np.mod(step - low, period) + low
    if two_sided:
        wrapped = np.where((wrapped == low) & (step > 0), high, wrapped)
    change = wrapped - step
    change = np.where(abs(step) < (period / 2 if discont is None else discont), 0, change)
    result = p.astype(dtype)
    result[(*before, slice(1, None))] = later + change.cumsum(axis)
    return result


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Return the values with NaN and the infinities replaced; see `numpy.nan_to_num`.

    Parameters
    ----------
    x : array_like
    copy : bool
        If false, `x` itself is changed and returned.
    nan, posinf, neginf : array_like
        What stands for NaN and the infinities: zero and the greatest and least finite numbers by
        default. Complex numbers are replaced part by part.

    Examples
    --------
    >>> import devarray as da
    >>> da.nan_to_num(da.asarray([da.nan, 1.0, da.inf]), posinf=9.0)
    array([0., 1., 9.], device='openmp')
    """
    x = on_device(x)
    if x.dtype.kind not in "fc":
        return x.copy() if copy else x
    if x.dtype.kind == "f":
        finite = _finite(x, nan, posinf, neginf)
        if copy:
            return as_result(finite)
        x[...] = finite
        return x
    target = x.copy() if copy else x
    for part in (target.real, target.imag):
        part[...] = _finite(part, nan, posinf, neginf)
    return target


def _finite(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    limits = np.finfo(x.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    kept = np.where(x == -math.inf, _filling(low, x), x)
    kept = np.where(x == math.inf, _filling(high, x), kept)
    return np.where(np.isnan(x), _filling(nan, x), kept)


def _filling(value: Any, x: DeviceArray) -> Any:
    """Return what some elements of `x` become, cast as `numpy.copyto` casts it."""
    if is_host_scalar(value):
        holder = np.zeros((), x.dtype)
        with np.errstate(all="ignore"):
            np.copyto(holder, value)
        return holder[()]
    value = on_device(value).astype(x.dtype, casting="same_kind", copy=False)
    while value.ndim > x.ndim and value.shape[0] == 1:  # NumPy ignores leading axes of length 1
        value = value.reshape(value.shape[1:])
    if broadcast_shapes(value.shape, x.shape) != x.shape:
        raise ValueError(
            f"could not broadcast input array from shape {value.shape} into shape {x.shape}"
        )
    return value


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Say where ``abs(a - b) <= atol + rtol * abs(b)``, or the two are equal; see `numpy.isclose`.

    Parameters
    ----------
    a, b : array_like
    rtol, atol : array_like
        Tolerances, relative to `b` and absolute.
    equal_nan : bool
        Whether NaN are close to each other.

    Examples
    --------
    >>> import devarray as da
    >>> da.isclose(da.asarray([1.0, 2.0]), da.asarray([1.0 + 1e-9, 2.1]))
    array([ True, False], device='openmp')
    """
    a, b, rtol, atol = (x if is_host_scalar(x) else on_device(x) for x in (a, b, rtol, atol))
    if not (isinstance(a, DeviceArray) or isinstance(b, DeviceArray)):
        a = on_device(a)
    if isinstance(b, int):
        b = float(b)
    elif not isinstance(b, (float, complex)):
        b = b.astype(np.result_type(b.dtype, 1.0), copy=False)
    near = abs(a - b) <= atol + rtol * abs(b)
    result = near & np.isfinite(b) | (a == b)
    return result | (np.isnan(a) & np.isnan(b)) if equal_nan else result


library_functions(globals(), "i0")
