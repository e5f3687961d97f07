"""PyGPU's (PybindGPU's) names over devarray: see docs/from-pygpu.md.

Arrays have two sides, a host mirror and device memory, and nothing is copied between them but by
name. Errors are values: calls return a `cudaError_t`, or a value and one, and raise only for
arguments that make no sense.

Examples
--------
>>> import numpy as np
>>> import devarray.compat.pygpu as gpuarray
>>> k_gpu = gpuarray.to_gpu(np.array([1, 2, 3]))
>>> k_gpu.last_status
<CudaError: 'code=0'>
>>> k_gpu.get()
array([1, 2, 3])
"""

from __future__ import annotations

from typing import Any

from devarray.compat.pygpu import backend, gpuarray
from devarray.compat.pygpu.gpuarray import (
    SUPPORTED_DTYPES,
    Allocator,
    GPUArray,
    HostAllocator,
    PagelockedAllocator,
    UnsupportedDataType,
    to_gpu,
)

globals().update({name: getattr(backend, name) for name in backend.__all__})

__all__ = [
    "SUPPORTED_DTYPES",
    "Allocator",
    "GPUArray",
    "HostAllocator",
    "PagelockedAllocator",
    "UnsupportedDataType",
    "backend",
    "gpuarray",
    "to_gpu",
]
__all__ += backend.__all__


def __getattr__(name: str) -> Any:
    return getattr(backend, name)
