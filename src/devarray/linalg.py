"""Linear algebra, in the device's own library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from devarray import diagonals, products
from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.library import call_library
from devarray.manipulation import matrix_transpose

__all__ = [
    "LinAlgError",
    "cross",
    "diagonal",
    "eig",
    "eigvals",
    "matrix_norm",
    "matrix_transpose",
    "norm",
    "outer",
    "trace",
    "vector_norm",
]


class EigResult(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: DeviceArray
    eigenvectors: DeviceArray


def _complex(x: DeviceArray) -> DeviceArray:
    return x.astype(np.result_type(x.dtype, np.complex64), copy=False)


def eig(x: Any, /) -> EigResult:
    """Return eigenvalues and eigenvectors of square matrices.

    They are always complex, as the Array API standard wants it; `numpy.linalg.eig` gives real
    arrays when all eigenvalues happen to be real.

    Parameters
    ----------
    x : DeviceArray
        Shape ``(..., M, M)``.

    Returns
    -------
    EigResult
        eigenvalues of shape ``(..., M)`` and eigenvectors of shape ``(..., M, M)``, one a column.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square or the computation does not converge.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.eig(da.asarray([[2.0, 0.0], [0.0, 3.0]])).eigenvalues
    array([2.+0.j, 3.+0.j], device='openmp')
    """
    values, vectors = call_library(np.linalg.eig, (on_device(x),), {})
    return EigResult(_complex(values), _complex(vectors))


def eigvals(x: Any, /) -> DeviceArray:
    """Return the eigenvalues of square matrices, always complex; see `eig`.

    Parameters
    ----------
    x : DeviceArray
        Shape ``(..., M, M)``.

    Returns
    -------
    DeviceArray
        Shape ``(..., M)``.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.eigvals(da.asarray([[0.0, -1.0], [1.0, 0.0]])).imag.max()
    array(1., device='openmp')
    """
    return _complex(call_library(np.linalg.eigvals, (on_device(x),), {}))


def _total(x: DeviceArray, order: Any, axes: Any, keepdims: bool) -> Any:
    """Return the norm of the elements along axes, as of vectors: one fused reduction."""
    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    if order == np.inf:
        return abs(x).max(axes, keepdims=keepdims, initial=0)
    if order == -np.inf:
        return abs(x).min(axes, keepdims=keepdims)
    if order == 0:
        return (x != 0).sum(axes, x.real.dtype, keepdims=keepdims)
    if order == 1:
        return abs(x).sum(axes, keepdims=keepdims)
    if order is None or order == 2:
        squares = x * x if x.dtype.kind == "f" else x.real * x.real + x.imag * x.imag
        return np.sqrt(squares.sum(axes, keepdims=keepdims))
    powers = (abs(x) ** order).sum(axes, keepdims=keepdims)
    return powers ** np.reciprocal(order, dtype=powers.dtype)


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices; see `numpy.linalg.norm`.

    Norms of vectors, and the Frobenius norm, are one fused reduction; sums are added in devarray's
    order, so they may differ from NumPy's in the last bits.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.norm(da.asarray([3.0, 4.0]))
    array(5., device='openmp')
    """
    x = on_device(x)
    one = isinstance(axis, int) or (isinstance(axis, tuple) and len(axis) == 1)
    if axis is None and (ord is None or (x.ndim == 2 and ord in ("f", "fro"))):
        return _total(x, 2, None, keepdims)
    if not isinstance(ord, str) and (one or (axis is None and x.ndim == 1)):
        return _total(x, ord, axis, keepdims)
    return call_library(np.linalg.norm, (x, ord, axis, keepdims), {})


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the norm of vectors along axes: all elements by default.

    Parameters
    ----------
    x : DeviceArray
    axis : int or tuple of int, optional
    keepdims : bool
    ord : float
        2: the root of the sum of squares; inf, -inf: the largest and the least absolute value;
        0: how many elements are not 0; any other number p: ``sum(abs(x)**p) ** (1/p)``.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.vector_norm(da.ones((2, 8)), axis=0).shape
    (8,)
    """
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return _total(on_device(x), ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of matrices, the last two axes; see `numpy.linalg.matrix_norm`.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.matrix_norm(da.eye(4))
    array(2., device='openmp')
    """
    x = on_device(x)
    if ord in ("fro", "f") and x.ndim > 1:
        return _total(x, 2, (-2, -1), keepdims)
    return call_library(np.linalg.matrix_norm, (x,), {"keepdims": keepdims, "ord": ord})


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> DeviceArray:
    """Return the diagonals of matrices, the last two axes, as a read-only view.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.diagonal(da.eye(3)).shape
    (3,)
    """
    return diagonals.diagonal(x, offset, axis1=-2, axis2=-1)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Return the sums of the diagonals of matrices, the last two axes.

    Examples
    --------
    >>> import devarray as da
    >>> da.linalg.trace(da.eye(3))
    array(3., device='openmp')
    """
    return diagonal(x, offset=offset).sum(-1, dtype)


@implements(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    """Return the products of all pairs of elements of two vectors; see `numpy.linalg.outer`."""
    x1, x2 = on_device(x1), on_device(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are x1.ndim="
            f"{x1.ndim} and x2.ndim={x2.ndim}."
        )
    return products.outer(x1, x2)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Return the cross products of vectors of 3 elements; see `numpy.linalg.cross`."""
    x1, x2 = on_device(x1), on_device(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return products.cross(x1, x2, axis=axis)


library_functions(
    globals(),
    "cholesky cond det eigh eigvalsh inv lstsq matmul matrix_power "
    "matrix_rank multi_dot pinv qr slogdet solve svd svdvals "
    "tensordot tensorinv tensorsolve vecdot",
    np.linalg,
)

if TYPE_CHECKING:  # the names above are no definitions to a type checker

    def __getattr__(name: str) -> Any: ...
