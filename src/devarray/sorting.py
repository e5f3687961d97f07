"""Sorting and partial sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.chapters import library_functions, on_device
from devarray.layout import normalize_axis
from devarray.library import call_library

__all__ = ["argsort", "sort"]


def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = True,
) -> Any:
    """Return a sorted copy.

    Parameters
    ----------
    a : array_like
    axis : int or None
        None sorts the flattened array.
    kind, order : optional
        As in `numpy.sort`. A `kind` overrules `stable`.
    descending : bool
        NaN count as the greatest numbers: they are last in ascending order, as in NumPy, and first
        in descending order.
    stable : bool
        Keep the order of equal elements (one can tell 0.0 from -0.0), also in descending order.

    See Also
    --------
    numpy.sort : Given device arrays, it does what it does for NumPy's.

    Examples
    --------
    >>> import devarray as da
    >>> da.sort(da.asarray([3, 1, 2]), descending=True)
    array([3, 2, 1], device='openmp')
    """
    x = on_device(a)
    if kind is None and stable and x.dtype.kind in "fc":
        # without negative zeros, equal numbers are alike, and the fast sort is as good
        kind = "stable" if _has_negative_zero(x) else None
    return _sorted(np.sort, x, axis, kind, order, descending)


def argsort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = True,
) -> Any:
    """Return the indices that would sort an array.

    Parameters
    ----------
    a : array_like
    axis : int or None
        None sorts the flattened array.
    kind, order : optional
        As in `numpy.argsort`. A `kind` overrules `stable`.
    descending : bool
        NaN count as the greatest numbers: they are last in ascending order, as in NumPy, and first
        in descending order.
    stable : bool
        Keep the order of equal elements, also in descending order.

    See Also
    --------
    numpy.argsort : Given device arrays, it does what it does for NumPy's.

    Examples
    --------
    >>> import devarray as da
    >>> da.argsort(da.asarray([2, 1, 2, 1]), descending=True)
    array([0, 2, 1, 3], device='openmp')
    """
    x = on_device(a)
    kind = "stable" if kind is None and stable else kind
    indices = _sorted(np.argsort, x, axis, kind, order, descending)
    if not descending:
        return indices
    return (x.size if axis is None else x.shape[axis]) - 1 - indices


def _has_negative_zero(x: DeviceArray) -> bool:
    parts = (x.real, x.imag) if x.dtype.kind == "c" else (x,)
    return any(bool(((part == 0) & np.signbit(part)).any()) for part in parts)


def _sorted(
    function: Any, x: DeviceArray, axis: int | None, kind: Any, order: Any, descending: bool
) -> Any:
    """Return what NumPy's function gives; for descending order backwards, and of `x` backwards.

    That keeps the order of equal elements.
    """
    if not descending:
        return call_library(function, (x, axis, kind, order), {}, reads_only=True)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = normalize_axis(axis, x.ndim)
    back = (slice(None),) * axis + (slice(None, None, -1),)
    return call_library(function, (x[back], axis, kind, order), {}, reads_only=True)[back]


library_functions(globals(), "argpartition lexsort partition sort_complex")
