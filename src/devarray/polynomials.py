"""Polynomials by their coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.chapters import implements, library_functions, on_device
from devarray.creation import zeros_like
from devarray.library import call_library

__all__ = ["polyval"]


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Return the values of a polynomial; see `numpy.polyval`.

    It is Horner's scheme, one kernel for moderate degrees.

    Parameters
    ----------
    p : array_like or numpy.poly1d
        Coefficients, highest power first.
    x : array_like
        Where; a `numpy.poly1d` is inserted into the polynomial by NumPy.

    Examples
    --------
    >>> import devarray as da
    >>> da.polyval([3, 0, 1], da.arange(3))
    array([ 1,  4, 13], device='openmp')
    """
    if isinstance(x, np.poly1d):
        return call_library(np.polyval, (p, x), {})
    p, x = on_device(p), on_device(x)
    if not len(p):
        return zeros_like(x)
    value = x * x.dtype.type(0)  # as in NumPy, infinity times zero is NaN from the start
    for k in range(len(p)):
        value = (value * x if k else value) + p[k, ...]
    return value


library_functions(
    globals(),
    "poly polyadd polyder polydiv polyfit polyint polymul polysub roots vander",
)
