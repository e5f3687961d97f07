"""Tests of whole arrays, differences of neighbours, functions applied along axes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from devarray.array import FUNCTIONS, DeviceArray
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, method_function, on_device
from devarray.creation import empty, zeros
from devarray.errors import DevarrayError
from devarray.joining import concatenate
from devarray.layout import normalize_axis
from devarray.manipulation import axes_in_order, broadcast_to

__all__ = [
    "all",
    "allclose",
    "any",
    "apply_along_axis",
    "apply_over_axes",
    "array_equal",
    "array_equiv",
    "diff",
    "ediff1d",
    "gradient",
    "trapezoid",
]

NO_VALUE = np._NoValue
_FUSED_ORDER = 6  # differences up to this order are one expression

any = method_function("any")
all = method_function("all")


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    """Say whether all elements are close to each other; see `numpy.allclose`.

    Examples
    --------
    >>> import devarray as da
    >>> da.allclose(da.ones(2), 1.0 + 1e-9)
    True
    """
    near = np.isclose(on_device(a), b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    return bool(near.all())


def _pair(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Return two arrays, or None if one of the arguments, a ragged list say, is none."""
    try:
        return on_device(a), on_device(b)
    except DevarrayError:
        raise
    except (TypeError, ValueError):
        return None


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Say whether two arrays have the same shape and elements; see `numpy.array_equal`.

    Examples
    --------
    >>> import devarray as da
    >>> da.array_equal(da.arange(3), [0, 1, 2])
    True
    """
    pair = _pair(a1, a2)
    if pair is None or pair[0].shape != pair[1].shape:
        return False
    one, other = pair
    same = one == other
    if equal_nan and one.dtype.kind in "fc" and other.dtype.kind in "fc":
        same = same | (np.isnan(one) & np.isnan(other))
    return bool(same.all())


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    """Say whether two arrays are equal once they are repeated; see `numpy.array_equiv`.

    Examples
    --------
    >>> import devarray as da
    >>> da.array_equiv(da.ones((2, 3)), 1.0)
    True
    """
    pair = _pair(a1, a2)
    if pair is None:
        return False
    one, other = pair
    lengths = zip(reversed(one.shape), reversed(other.shape), strict=False)
    if [both for both in lengths if both[0] != both[1] and 1 not in both]:
        return False
    return bool((one == other).all())


def _part(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """Return the view of `a` from `start` to `stop` along an axis."""
    return a[(slice(None),) * axis + (slice(start, stop),)]


@implements(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = NO_VALUE, append: Any = NO_VALUE
) -> Any:
    """Return the `n`-th differences of neighbours along an axis; see `numpy.diff`.

    Parameters
    ----------
    a : array_like
    n : int
        How often differences are taken.
    axis : int
    prepend, append : array_like, optional
        What is put before or after `a` along the axis; None puts nothing there.

    Examples
    --------
    >>> import devarray as da
    >>> da.diff(da.asarray([1, 2, 4, 7]))
    array([1, 2, 3], device='openmp')
    """
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    a = on_device(a)
    if not a.ndim:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis(axis, a.ndim)
    parts = [_joinable(prepend, a, axis), a, _joinable(append, a, axis)]
    parts = [part for part in parts if part is not None]
    if len(parts) > 1:
        a = concatenate(parts, axis)
    while n > _FUSED_ORDER:
        a, n = _differences(a, 1, axis), n - 1
    return _differences(a, n, axis)


def _joinable(values: Any, a: Any, axis: int) -> Any:
    if values is NO_VALUE or values is None:
        return None
    values = on_device(values)
    if values.ndim:
        return values
    return broadcast_to(values, tuple(1 if k == axis else m for k, m in enumerate(a.shape)))


def _differences(a: Any, n: int, axis: int) -> Any:
    """Return the `n`-th differences as one expression of `n` + 1 shifted views."""
    apply = np.not_equal if a.dtype.kind == "b" else np.subtract
    length = a.shape[axis] - n
    if length <= 0:
        return empty(
            tuple(0 if k == axis else m for k, m in enumerate(a.shape)), a.dtype, device=a.device
        )
    level = [_part(a, axis, k, k + length) for k in range(n + 1)]
    while len(level) > 1:
        level = [apply(high, low) for low, high in pairwise(level)]
    return level[0]


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Return the differences of neighbours in the flat array; see `numpy.ediff1d`.

    Examples
    --------
    >>> import devarray as da
    >>> da.ediff1d(da.asarray([1, 2, 4]), to_begin=0)
    array([0, 1, 2], device='openmp')
    """
    ary = on_device(ary).ravel()
    inner = ary[1:] - ary[:-1]
    parts = [_compatible(to_begin, ary, "to_begin"), inner, _compatible(to_end, ary, "to_end")]
    parts = [part for part in parts if part is not None]
    if len(parts) == 1:
        return inner
    return concatenate(parts, dtype=ary.dtype, casting="unsafe")


def _compatible(values: Any, ary: Any, name: str) -> Any:
    if values is None:
        return None
    values = on_device(values)
    if not np.can_cast(values.dtype, ary.dtype, casting="same_kind"):
        raise TypeError(
            f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
        )
    return values.ravel()


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the derivatives by central differences; see `numpy.gradient`.

    Coordinates (spacings that are arrays) are evaluated, to see whether they are evenly spaced.

    Parameters
    ----------
    f : array_like
    *varargs : scalars or array_like
        The spacing, of all axes or of each, or the coordinates along each.
    axis : int or tuple of ints, optional
        The axes to derive along, by default all.
    edge_order : {1, 2}
        The order of the differences at both ends.

    Returns
    -------
    DeviceArray or tuple of DeviceArray
        One array for each axis.

    Examples
    --------
    >>> import devarray as da
    >>> da.gradient(da.asarray([1.0, 2.0, 4.0, 7.0]))
    array([1. , 1.5, 2.5, 3. ], device='openmp')
    """
    f = on_device(f)
    axes = axes_in_order(axis, f.ndim)
    steps = [_step(one, f.shape[k]) for one, k in zip(_spread(varargs, axes), axes, strict=True)]
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if f.dtype.kind in "ui":
        f = f.astype("f8")
    if [k for k in axes if f.shape[k] < edge_order + 1]:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) "
            "elements are required."
        )
    results = tuple(
        _derivative(f, step, k, edge_order) for step, k in zip(steps, axes, strict=True)
    )
    return results[0] if len(results) == 1 else results


def _spread(spacings: tuple[Any, ...], axes: tuple[int, ...]) -> tuple[Any, ...]:
    """Return one spacing for each axis."""
    if not spacings:
        return (1.0,) * len(axes)
    if len(spacings) == 1 and not _dimensions(spacings[0]):
        return spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    return spacings


def _dimensions(x: Any) -> int:
    return x.ndim if isinstance(x, DeviceArray) else np.ndim(x)


def _step(spacing: Any, length: int) -> Any:
    """Return the distance of neighbours, as a scalar if it is everywhere the same."""
    if not _dimensions(spacing):
        return spacing
    spacing = on_device(spacing)
    if spacing.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if spacing.shape[0] != length:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    if spacing.dtype.kind in "ui":
        spacing = spacing.astype("f8")
    steps = _differences(spacing, 1, 0)
    return steps[0] if bool((steps == steps[0]).all()) else steps


def _derivative(f: Any, step: Any, axis: int, edge_order: int) -> Any:
    result = empty(f.shape, f.dtype if f.dtype.kind in "fc" else "f8", device=f.device)
    inner, first, last = (_part(result, axis, *at) for at in ((1, -1), (0, 1), (-1, None)))
    even = not _dimensions(step)
    before, here, after = (_part(f, axis, *at) for at in ((None, -2), (1, -1), (2, None)))
    if even:
        inner[...] = (after - before) / (2.0 * step)
    else:
        shape = tuple(-1 if k == axis else 1 for k in range(f.ndim))
        d1, d2 = step[:-1], step[1:]
        a, b, c = (x.reshape(shape) for x in _weights_inside(d1, d2))
        inner[...] = a * before + b * here + c * after
    if edge_order == 1:
        first[...] = (_part(f, axis, 1, 2) - _part(f, axis, 0, 1)) / (step if even else step[0])
        last[...] = (_part(f, axis, -1, None) - _part(f, axis, -2, -1)) / (
            step if even else step[-1]
        )
        return result
    a, b, c = _weights_first(step, step, True) if even else _weights_first(step[0], step[1], False)
    first[...] = a * _part(f, axis, 0, 1) + b * _part(f, axis, 1, 2) + c * _part(f, axis, 2, 3)
    a, b, c = _weights_last(step, step, True) if even else _weights_last(step[-2], step[-1], False)
    last[...] = (
        a * _part(f, axis, -3, -2) + b * _part(f, axis, -2, -1) + c * _part(f, axis, -1, None)
    )
    return result


def _weights_inside(d1: Any, d2: Any) -> tuple[Any, Any, Any]:
    """Return the weights of three neighbours at distances `d1` and `d2`, for the middle."""
    both = d1 + d2
    return -d2 / (d1 * both), (d2 - d1) / (d1 * d2), d1 / (d2 * both)


def _weights_first(d1: Any, d2: Any, even: bool) -> tuple[Any, Any, Any]:
    """Return the weights for the first of three neighbours."""
    if even:
        return -1.5 / d1, 2.0 / d1, -0.5 / d1
    return -(2.0 * d1 + d2) / (d1 * (d1 + d2)), (d1 + d2) / (d1 * d2), -d1 / (d2 * (d1 + d2))


def _weights_last(d1: Any, d2: Any, even: bool) -> tuple[Any, Any, Any]:
    """Return the weights for the last of three neighbours."""
    if even:
        return 0.5 / d1, -2.0 / d1, 1.5 / d1
    return d2 / (d1 * (d1 + d2)), -(d2 + d1) / (d1 * d2), (2.0 * d2 + d1) / (d2 * (d1 + d2))


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral along an axis by the trapezoidal rule; see `numpy.trapezoid`.

    Examples
    --------
    >>> import devarray as da
    >>> da.trapezoid(da.asarray([1.0, 2.0, 3.0]))
    array(4., device='openmp')
    """
    y = on_device(y)
    axis = normalize_axis(axis, y.ndim)
    width = dx
    if x is not None:
        x = on_device(x)
        width = diff(x, axis=axis - y.ndim if x.ndim > 1 else -1)
        if x.ndim == 1:
            width = width.reshape(tuple(-1 if k == axis else 1 for k in range(y.ndim)))
    area = width * (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2.0
    return area.sum(axis - y.ndim)


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """Apply a function to the one-dimensional parts along an axis; see `numpy.apply_along_axis`.

    Parameters
    ----------
    func1d : callable
        It is given a one-dimensional device array, and returns a scalar or an array.
    axis : int
    arr : array_like
    *args, **kwargs
        They are passed to `func1d`.

    Raises
    ------
    ValueError
        If there are no parts: what the function returns cannot be known.

    Examples
    --------
    >>> import devarray as da
    >>> da.apply_along_axis(lambda row: row - row[0], 1, da.asarray([[1, 2], [4, 8]]))
    array([[0, 1],
           [0, 4]], device='openmp')
    """
    arr = on_device(arr)
    axis = normalize_axis(axis, arr.ndim)
    lines = arr.transpose([k for k in range(arr.ndim) if k != axis] + [axis])
    outer = lines.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    result: Any = None
    for index in np.ndindex(outer):
        part = asarray(func1d(lines[(*index, ...)], *args, **kwargs))
        if result is None:
            result = zeros(outer + part.shape, part.dtype, device=arr.device)
        result[(*index, ...)] = part
    own = result.ndim - len(outer)
    order = [*range(axis), *range(len(outer), result.ndim), *range(axis, len(outer))]
    return result.transpose(order) if own else result


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """Apply a function along one axis after the other; see `numpy.apply_over_axes`.

    Parameters
    ----------
    func : callable
        It is given a device array and an axis, and returns an array with as many axes, or with
        one less.
    a : array_like
    axes : int or sequence of ints

    Raises
    ------
    ValueError
        If the function returns an array with any other number of axes.

    Examples
    --------
    >>> import devarray as da
    >>> da.apply_over_axes(da.sum, da.ones((2, 3, 2)), [0, 2])
    array([[[4.],
            [4.],
            [4.]]], device='openmp')
    """
    value = on_device(a)
    ndim = value.ndim
    for axis in axes if isinstance(axes, (list, tuple)) else (axes,):
        axis = axis + ndim if axis < 0 else axis
        found = asarray(func(value, axis))
        if found.ndim != value.ndim:
            found = found[(slice(None),) * axis + (None,)]
            if found.ndim != value.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        value = found
    return value


# a user's function must see device arrays only: errors inside it are its own
FUNCTIONS.update({np.apply_along_axis: apply_along_axis, np.apply_over_axes: apply_over_axes})

library_functions(globals(), "interp")
