"""NumPy-style arrays that live on a device and run as fused native kernels there.

`DeviceArray` records what is done to it and runs it, fused into few kernels, when a value is
needed. The functions and ufuncs here have NumPy's names and meanings; NumPy's own (``np.sin(x)``)
do the same when they are given device arrays. The module is a namespace of the Array API standard.
"""

from __future__ import annotations

import importlib as _importlib

import numpy as _np

from devarray import fft, lib, linalg, random, testing
from devarray.array import DeviceArray
from devarray.capture import Capture, capture
from devarray.config import config
from devarray.device import Device
from devarray.errors import (
    CompileError,
    DevarrayError,
    DeviceError,
    DeviceMemoryError,
    HostMixError,
    UnsupportedError,
)
from devarray.explain import explain
from devarray.kernels.ops import DTYPES as _DTYPES
from devarray.masks import Selection as _Selection  # it registers itself: array[mask]
from devarray.registry import devices, get_device
from devarray.runtime import clear_cache, evaluate, statistics, synchronize
from devarray.streams import Event, Stream
from devarray.ufunc import UFUNCS as _UFUNCS
from devarray.ufunc import Ufunc

__version__ = "0.1.0"

e, euler_gamma, inf, nan, newaxis, pi = _np.e, _np.euler_gamma, _np.inf, _np.nan, None, _np.pi

__all__ = [
    "Capture",
    "CompileError",
    "DevarrayError",
    "Device",
    "DeviceArray",
    "DeviceError",
    "DeviceMemoryError",
    "Event",
    "HostMixError",
    "Stream",
    "Ufunc",
    "UnsupportedError",
    "capture",
    "clear_cache",
    "config",
    "devices",
    "e",
    "euler_gamma",
    "evaluate",
    "explain",
    "fft",
    "get_device",
    "inf",
    "lib",
    "linalg",
    "nan",
    "newaxis",
    "pi",
    "random",
    "statistics",
    "synchronize",
    "testing",
]

# The public functions, a module a chapter; type checkers read their names in the stubs.
_CHAPTERS = (
    "boundary creation data_types diagonals elementwise grids histograms inspection joining "
    "manipulation nan_statistics numpy_names polynomials products quantiles repeating searching "
    "sets sorting statistical taking utility"
)
_names = {dtype.name: dtype.type for dtype in _DTYPES} | _UFUNCS
for _chapter in _CHAPTERS.split():
    _module = _importlib.import_module(f"devarray.{_chapter}")
    _names |= {name: getattr(_module, name) for name in _module.__all__}
globals().update(_names)
# What many programs do not need is imported when it is asked for.
_LATER = {"RawKernel": "raw", "RawModule": "raw"} | dict.fromkeys(
    ("ElementwiseKernel", "ReductionKernel", "ScanKernel"), "snippets"
)
__all__ += sorted([*_names, *_LATER])  # noqa: PLE0605


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def __getattr__(name: str) -> object:
    if name in _LATER:
        globals()[name] = getattr(_importlib.import_module(f"devarray.{_LATER[name]}"), name)
        return globals()[name]
    hint = f"; numpy.{name} serves host arrays: x.get()" if hasattr(_np, name) else ""
    raise AttributeError(f"module 'devarray' has no attribute {name!r}{hint}")
