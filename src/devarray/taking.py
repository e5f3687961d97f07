"""Taking and putting elements by integer indices and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.creation import ones
from devarray.indexing import indices_on
from devarray.layout import broadcast_shapes
from devarray.library import call_library
from devarray.operands import is_host_scalar

__all__ = ["copyto", "mask_indices", "take", "take_along_axis"]

BOOL = np.dtype("?")


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Copy values from one array to another; see `numpy.copyto`.

    Parameters
    ----------
    dst : DeviceArray
    src : array_like
        It is repeated to the shape of `dst`.
    casting : str
        What casts are allowed.
    where : array_like of bool
        Where to copy; the other elements of `dst` stay.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(4)
    >>> da.copyto(x, -x, where=x > 1)
    >>> x
    array([ 0,  1, -2, -3], device='openmp')
    """
    if not isinstance(dst, DeviceArray):
        call_library(np.copyto, (dst, src, casting, where), {})
        return
    if not dst._writeable():
        raise ValueError("assignment destination is read-only")
    source = _source(dst, src, casting)
    mask = where if isinstance(where, (bool, np.bool_)) else on_device(where)
    if isinstance(mask, DeviceArray):
        if mask.dtype != BOOL:
            raise TypeError(
                f"Cannot cast array data from {mask.dtype!r} to {BOOL!r} according to the rule "
                "'safe'"
            )
        if broadcast_shapes(mask.shape, dst.shape) != dst.shape:
            raise ValueError(
                f"could not broadcast where mask from shape {mask.shape} into shape {dst.shape}"
            )
        dst[...] = np.where(mask, source, dst)
    elif mask:
        dst[...] = source


def _source(dst: DeviceArray, src: Any, casting: Any) -> Any:
    """Return what is copied, cast to the dtype of `dst` and of a shape that fits it."""
    if is_host_scalar(src):
        holder = np.zeros((), dst.dtype)
        with np.errstate(all="ignore"):
            np.copyto(holder, src, casting)
        return holder[()]
    source = on_device(src).astype(dst.dtype, casting=casting, copy=False)
    while source.ndim > dst.ndim and source.shape[0] == 1:  # NumPy ignores leading axes of length 1
        source = source.reshape(source.shape[1:])
    if broadcast_shapes(source.shape, dst.shape) != dst.shape:
        raise ValueError(
            f"could not broadcast input array from shape {source.shape} into shape {dst.shape}"
        )
    return source


def mask_indices(n: int, mask_func: Callable[..., Any], k: Any = 0) -> tuple[Any, ...]:
    """Return the indices of what a function like `triu` keeps of a square array.

    Parameters
    ----------
    n : int
        The array is of shape ``(n, n)``.
    mask_func : callable
        It is called with a device array of ones, and `k`.
    k : optional
        See `numpy.mask_indices`.

    Examples
    --------
    >>> import devarray as da
    >>> da.mask_indices(2, da.tril)
    (array([0, 1, 1], device='openmp'), array([0, 0, 1], device='openmp'))
    """
    kept = mask_func(ones((n, n), int), k)
    indices: tuple[Any, ...] = call_library(np.nonzero, (kept != 0,), {})
    return indices


@implements(np.take)
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise"
) -> DeviceArray:
    """Return elements at indices along an axis; see `numpy.take`.

    Parameters
    ----------
    a : array_like
    indices : array_like of int
        A host array of indices is copied to the device, as a list is.
    axis : int, optional
        By default `a` is flattened first.
    out : DeviceArray, optional
    mode : {"raise", "wrap", "clip"}

    Examples
    --------
    >>> import devarray as da
    >>> da.take(da.arange(5) * 10, [3, -1])
    array([30, 40], device='openmp')
    """
    a = on_device(a)
    options = {"axis": axis, "out": out, "mode": mode}
    result: DeviceArray = call_library(np.take, (a, indices_on(indices, a.device)), options)
    return result


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> DeviceArray:
    """Return elements at indices that differ along the other axes; see `numpy.take_along_axis`.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.asarray([[3, 1, 2], [6, 5, 4]])
    >>> da.take_along_axis(x, da.argsort(x), axis=1)
    array([[1, 2, 3],
           [4, 5, 6]], device='openmp')
    """
    arr = on_device(arr)
    indices = indices_on(indices, arr.device)
    result: DeviceArray = call_library(np.take_along_axis, (arr, indices, axis), {}, True)
    return result


library_functions(
    globals(),
    "compress diag_indices diag_indices_from fill_diagonal ix_ place put put_along_axis putmask "
    "ravel_multi_index tril_indices tril_indices_from triu_indices "
    "triu_indices_from unravel_index",
)
