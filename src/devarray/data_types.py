"""Data types: casts, promotion, limits, kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import (
    common_type,
    errstate,
    isdtype,
    issubdtype,
    min_scalar_type,
    mintypecode,
    promote_types,
)

from devarray.array import FUNCTIONS, DeviceArray
from devarray.chapters import implements, on_device

__all__ = [
    "astype",
    "can_cast",
    "common_type",
    "errstate",
    "finfo",
    "iinfo",
    "isdtype",
    "issubdtype",
    "min_scalar_type",
    "mintypecode",
    "promote_types",
    "result_type",
]


@implements(np.astype)
def astype(
    x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None, casting: Any = "unsafe"
) -> DeviceArray:
    """Return the array cast to a dtype; see `numpy.astype`.

    Parameters
    ----------
    x : DeviceArray
    dtype : dtype
    copy : bool
        False: return `x` itself if it has the dtype and lives on the device already.
    device : str or Device, optional
        Where the result goes; by default where `x` is.
    casting : str
        Which casts are allowed; see `numpy.can_cast`.

    Examples
    --------
    >>> import devarray as da
    >>> da.astype(da.asarray([0.5, 1.5]), da.int32)
    array([0, 1], dtype=int32, device='openmp')
    """
    return on_device(x).astype(dtype, casting=casting, copy=copy, device=device)


def _dtype_of(x: Any) -> Any:
    return x.dtype if isinstance(x, DeviceArray) else x


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Say whether a cast is allowed; see `numpy.can_cast`.

    Examples
    --------
    >>> import devarray as da
    >>> da.can_cast(da.ones(2, "float32"), "float64")
    True
    """
    return np.can_cast(_dtype_of(from_), _dtype_of(to), casting)


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Return the dtype of an operation on arrays, dtypes and scalars; see `numpy.result_type`.

    Examples
    --------
    >>> import devarray as da
    >>> da.result_type(da.ones(2, "float32"), 1.0)
    dtype('float32')
    """
    return np.result_type(*[_dtype_of(x) for x in arrays_and_dtypes])


_LIMITS = (
    *("bits", "eps", "epsneg", "iexp", "machep", "max", "min", "negep", "nexp", "nmant"),
    *("precision", "resolution", "smallest_normal", "smallest_subnormal", "tiny"),
)


class finfo:  # noqa: N801 - the standard's and NumPy's name
    """The limits of a floating-point dtype, as Python numbers; see `numpy.finfo`.

    Parameters
    ----------
    type : dtype or DeviceArray
        A real or complex floating-point dtype, or an array of one.

    Attributes
    ----------
    bits : int
    dtype : numpy.dtype
        Real: the limits of a complex dtype are those of its parts.
    eps, max, min, smallest_normal, smallest_subnormal : float
    epsneg, resolution, tiny : float
    iexp, machep, negep, nexp, nmant, precision : int

    Examples
    --------
    >>> import devarray as da
    >>> da.finfo(da.float32).eps
    1.1920928955078125e-07
    """

    bits: int
    dtype: np.dtype[Any]
    eps: float
    max: float
    min: float
    smallest_normal: float

    def __init__(self, type: Any) -> None:
        info = np.finfo(_dtype_of(type))
        self.dtype = info.dtype
        for name in _LIMITS:
            value = getattr(info, name)
            setattr(self, name, value.item() if isinstance(value, np.generic) else value)

    def __repr__(self) -> str:
        return f"finfo(dtype={self.dtype}, min={self.min}, max={self.max}, eps={self.eps})"


def iinfo(type: Any) -> Any:
    """Return the limits of an integer dtype, or of an array's; see `numpy.iinfo`.

    Examples
    --------
    >>> import devarray as da
    >>> da.iinfo(da.int8).max
    127
    """
    return np.iinfo(_dtype_of(type))


FUNCTIONS[np.common_type] = lambda *arrays: common_type(*[np.empty(0, x.dtype) for x in arrays])
