"""Medians, percentiles and quantiles: NumPy's partition, in the device's own library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.boundary import to_gpu
from devarray.chapters import implements, library_functions, on_device
from devarray.library import call_library

__all__ = ["nanpercentile", "nanquantile", "percentile", "quantile"]


def _quantile(function: Any, example: str) -> Callable[..., Any]:
    """Return the counterpart of a function of an array and of which quantiles are wanted."""
    name = function.__name__
    kind = "percentiles, 0 to 100" if name.endswith("percentile") else "quantiles, 0 to 1"

    def counterpart(a: Any, q: Any, *args: Any, **options: Any) -> Any:
        if isinstance(q, np.ndarray):  # it is copied to the device, as a list is
            q = to_gpu(q)
        return call_library(function, (on_device(a), q, *args), options)

    counterpart.__name__ = counterpart.__qualname__ = name
    counterpart.__doc__ = f"""Return {kind}, along axes; see `numpy.{name}`.

    Parameters
    ----------
    a : array_like
    q : array_like of float
        Which {kind}; a host array is copied to the device.
    *args, **options
        axis, out, overwrite_input, method, keepdims, weights.

    Examples
    --------
    >>> import devarray as da
    >>> {example}
    """
    result = implements(function)(counterpart)
    result.__wrapped__ = function  # type: ignore[attr-defined] # its signature
    return result


_EXAMPLE = """da.{}(da.arange(5.0), {})
    array(1., device='openmp')"""
quantile = _quantile(np.quantile, _EXAMPLE.format("quantile", 0.25))
percentile = _quantile(np.percentile, _EXAMPLE.format("percentile", 25))
nanquantile = _quantile(np.nanquantile, _EXAMPLE.format("nanquantile", 0.25))
nanpercentile = _quantile(np.nanpercentile, _EXAMPLE.format("nanpercentile", 25))

library_functions(globals(), "median nanmedian")
