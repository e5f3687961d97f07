"""Histograms: how many elements lie in each of a row of intervals."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from devarray import engine
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, on_device
from devarray.library import call_library
from devarray.operands import device_of
from devarray.registry import get_device

__all__ = ["histogram"]

_LEAST = 1 << 16  # elements below which the device's library is as fast


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, Any]:
    """Return how many elements lie in each bin, and the edges of the bins; see `numpy.histogram`.

    Bins of equal width (`bins` is a number) without weights are found by a fused kernel, others
    by the device's library.

    Examples
    --------
    >>> import devarray as da
    >>> da.histogram(da.asarray([1.0, 2.0, 1.0]), bins=2)[0]
    array([2, 1], device='openmp')
    """
    result = None
    values = on_device(a)
    if weights is None and values.size >= _LEAST and values.dtype.char in "bBhHiIlLqQfd":
        result = _equal_widths(values, bins, range)
    if result is None:
        options = {"range": range, "density": density, "weights": weights}
        options = {name: value for name, value in options.items() if value is not None}
        default = device_of((values,)) or get_device()
        found: tuple[Any, Any] = call_library(np.histogram, (values, bins), options, True, default)
        return found
    counts, edges = result
    if density:
        return counts / np.diff(edges) / counts.sum(), edges
    return counts, edges


def _equal_widths(a: Any, bins: Any, limits: Any) -> tuple[Any, Any] | None:
    """Return counts and edges, or None if an edge is not what its number times the width gives."""
    if not isinstance(bins, (int, np.integer)) or isinstance(bins, bool):
        return None
    n = operator.index(bins)
    if limits is None:
        extremes = a.min(), a.max()
        engine.evaluate([x._buffer for x in extremes if hasattr(x, "_buffer")])
        first, last = (a.dtype.type(x.item()) for x in extremes)
        edges = np.histogram_bin_edges(np.array([first, last]), n)
    else:
        first, last = limits
        edges = np.histogram_bin_edges(np.zeros(1, a.dtype), n, limits)
    if not all(isinstance(x, (int, float, np.integer, np.floating)) for x in (first, last)):
        return None
    if first == last:
        first, last = first - 0.5, last + 0.5
    within = _linear(edges, n)
    if within is None:
        return None
    index = _bin_numbers(a, edges, n, first, last, within)
    counts = call_library(np.bincount, (index.reshape(-1),), {"minlength": n + 1}, True)
    return counts[:n], asarray(edges, device=a.device)


def _linear(edges: Any, n: int) -> Any:
    """Return the dtype in which edge k is ``k * width + first`` to the bit, or None."""
    for dtype in (np.dtype("f8"), edges.dtype):
        first, last = dtype.type(edges[0]), dtype.type(edges[-1])
        line = np.arange(n, dtype=dtype) * ((last - first) / dtype.type(n)) + first
        if np.array_equal(line.astype(edges.dtype), edges[:-1]):
            return dtype
    return None


def _bin_numbers(a: Any, edges: Any, n: int, first: Any, last: Any, within: Any) -> Any:
    """Return the number of each element's bin, `n` for those outside: one fused expression."""
    start = within.type(edges[0])
    width = (within.type(edges[-1]) - start) / within.type(n)
    whole = isinstance(first, (int, np.integer)) and isinstance(last, (int, np.integer))
    span = np.uint64(int(last) - int(first)) if whole else last - first

    def edge(k: Any) -> Any:
        return (k.astype(within) * width + start).astype(edges.dtype)

    inside = (a >= first) & (a <= last)
    x = a.astype(edges.dtype)
    k = ((x - first) / span * n).astype(np.intp)
    k = np.where(k == n, n - 1, k)
    k = k - (x < edge(k))
    k = k + ((x >= edge(k + 1)) & (k != n - 1))
    return np.where(inside, k, n)


library_functions(globals(), "bincount histogram2d histogram_bin_edges histogramdd")
