"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import dispatch
from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.kernels.ops import OPS
from devarray.library import call_library

__all__ = ["cross", "inner", "kron", "outer", "trace", "vdot"]


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Return the products of all pairs of elements, a matrix; see `numpy.outer`.

    Examples
    --------
    >>> import devarray as da
    >>> da.outer(da.arange(2), da.arange(3))
    array([[0, 0, 0],
           [0, 1, 2]], device='openmp')
    """
    a, b = _flat(on_device(a)), _flat(on_device(b))
    options = {} if out is None else {"out": out}
    return dispatch.call_ufunc(OPS[np.multiply], (a[:, None], b[None, :]), **options)


def _flat(x: DeviceArray) -> DeviceArray:
    return x if x.ndim == 1 else x.ravel()


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Return an array made of copies of `b`, one for each element of `a`; see `numpy.kron`.

    Examples
    --------
    >>> import devarray as da
    >>> da.kron(da.asarray([1, 10]), da.asarray([1, 2, 3]))
    array([ 1,  2,  3, 10, 20, 30], device='openmp')
    """
    a, b = on_device(a), on_device(b)
    ndim = max(a.ndim, b.ndim)
    if not a.ndim or not b.ndim:
        return a * b
    a, b = (x[(None,) * (ndim - x.ndim)] if x.ndim < ndim else x for x in (a, b))
    blocks = a[(slice(None), None) * ndim] * b[(None, slice(None)) * ndim]
    return blocks.reshape(tuple(m * n for m, n in zip(a.shape, b.shape, strict=True)))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Return the sum of the products over the last axes; see `numpy.inner`.

    That of vectors that are pending is one kernel with what they are made of.

    Examples
    --------
    >>> import devarray as da
    >>> da.inner(da.arange(3), da.arange(3) + 1)
    array(8, device='openmp')
    """
    a, b = on_device(a), on_device(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim > 1 or b.ndim > 1:
        return call_library(np.inner, (a, b), {}, reads_only=True)
    return _sum_of_products(np.inner, a, b)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """Return the sum of the products of all elements, those of `a` conjugate; see `numpy.vdot`.

    Examples
    --------
    >>> import devarray as da
    >>> da.vdot(da.asarray([1j, 2.0]), da.asarray([1j, 1.0]))
    array(3.+0.j, device='openmp')
    """
    a, b = on_device(a), on_device(b)
    if a.shape != b.shape:
        a, b = _flat(a), _flat(b)
    return _sum_of_products(np.vdot, a, b)


def _sum_of_products(function: Any, a: DeviceArray, b: DeviceArray) -> Any:
    """Return the sum in one kernel with pending operands; BLAS is faster for what is in memory."""
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} not aligned")
    dtype = np.result_type(a.dtype, b.dtype)
    in_memory = a._buffer.block is not None and b._buffer.block is not None
    # NumPy adds products of float16 in single precision
    if dtype.char == "e" or (dtype.kind in "fc" and in_memory):
        return call_library(function, (a, b), {}, reads_only=True)
    if function is np.vdot and a.dtype.kind == "c":
        a = a.conj()
    products = a * b
    return products.any() if dtype.kind == "b" else products.sum(dtype=dtype)


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Return the cross products of vectors; see `numpy.cross`.

    Parameters
    ----------
    a, b : array_like
    axisa, axisb, axisc : int
        The axes of the vectors, in `a`, `b` and the result.
    axis : int, optional
        All three in one.

    Examples
    --------
    >>> import devarray as da
    >>> da.cross(da.asarray([1, 0, 0]), da.asarray([0, 1, 0]))
    array([0, 0, 1], device='openmp')
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = on_device(a), on_device(b)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        return call_library(np.cross, (a, b, -1, -1, axisc), {}, reads_only=True)
    a0, a1, a2 = (a[..., k] for k in range(3))
    b0, b1, b2 = (b[..., k] for k in range(3))
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axisc)


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """Return the sum along a diagonal; see `numpy.trace`.

    Parameters
    ----------
    a : array_like
        An array of two or more dimensions.
    offset : int
        Above the main diagonal if positive, below if negative.
    axis1, axis2 : int
        The axes whose diagonals are meant.
    dtype : dtype, optional
        Of the sum, by default that of `sum`.
    out : DeviceArray, optional
        Where to write.

    Examples
    --------
    >>> import devarray as da
    >>> da.trace(da.asarray([[1, 2], [3, 4]]))
    array(5, device='openmp')
    """
    view = call_library(np.diagonal, (on_device(a), offset, axis1, axis2), {}, reads_only=True)
    return view.sum(-1, dtype, out)


library_functions(globals(), "dot einsum einsum_path matmul matvec tensordot vecdot vecmat")
