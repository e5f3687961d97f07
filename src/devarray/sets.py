"""Sets: unique values, membership, unions."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.library import call_library

__all__ = ["unique_values"]


@implements(np.unique_values)
def unique_values(x: Any, /) -> DeviceArray:
    """Return the different values of an array, in increasing order; see `numpy.unique_values`.

    NumPy gives them in any order. NaN are different from each other.

    Examples
    --------
    >>> import devarray as da
    >>> da.unique_values(da.asarray([3, 1, 3]))
    array([1, 3], device='openmp')
    """
    result: DeviceArray = call_library(np.unique, (on_device(x),), {"equal_nan": False})
    return result


library_functions(
    globals(),
    "intersect1d isin setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse",
)
