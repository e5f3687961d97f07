"""Linear algebra, in the device's own library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from devarray.array import DeviceArray
from devarray.chapters import library_functions, on_device
from devarray.library import call_library

__all__ = ["LinAlgError", "eig", "eigvals"]


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


library_functions(
    globals(),
    "cholesky cond cross det diagonal eigh eigvalsh inv lstsq matmul matrix_norm matrix_power "
    "matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve svd svdvals "
    "tensordot tensorinv tensorsolve trace vecdot vector_norm",
    np.linalg,
)

if TYPE_CHECKING:  # the names above are no definitions to a type checker

    def __getattr__(name: str) -> Any: ...
