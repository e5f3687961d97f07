"""The low-level names: arrays, pointers and allocators of each dtype, and the runtime's functions.

``DeviceArray_<dtype>``, ``ptr_wrapper_<dtype>`` (once ``pointer_wrapper_<dtype>``),
``HostAllocator_<dtype>``, ``DeviceAllocator_<dtype>``, ``PagelockedAllocator_<dtype>``.
"""

from __future__ import annotations

from typing import Any

from devarray.compat.pygpu.arrays import DEVICE_ARRAYS
from devarray.compat.pygpu.devices import (
    cudaDeviceProp,
    cudaDeviceReset,
    cudaDeviceSynchronize,
    cudaGetDevice,
    cudaGetDeviceCount,
    cudaSetDevice,
    current_device,
    nvmlDevice,
    nvmlInit,
    nvmlShutdown,
)
from devarray.compat.pygpu.pointers import (
    DEVICE_ALLOCATORS,
    HOST_ALLOCATORS,
    PAGELOCKED_ALLOCATORS,
    POINTERS,
    dtype,
)
from devarray.compat.pygpu.status import (
    attempt,
    cudaError_t,
    cudaGetErrorName,
    cudaGetErrorString,
    cudaGetLastError,
    nvmlReturn_t,
)
from devarray.compat.pygpu.streams import (
    cudaEvent_t,
    cudaEventElapsedTime,
    cudaEventRecord,
    cudaEventSynchronize,
    cudaStream_t,
)

# The version of PybindGPU whose names these are
major_version, minor_version, release_version = 0, 2, 1
cuda_enabled = True

__all__ = [
    "cudaDeviceProp",
    "cudaDeviceReset",
    "cudaDeviceSynchronize",
    "cudaError_t",
    "cudaEventElapsedTime",
    "cudaEventRecord",
    "cudaEventSynchronize",
    "cudaEvent_t",
    "cudaGetDevice",
    "cudaGetDeviceCount",
    "cudaGetErrorName",
    "cudaGetErrorString",
    "cudaGetLastError",
    "cudaSetDevice",
    "cudaStream_t",
    "cuda_enabled",
    "dtype",
    "major_version",
    "minor_version",
    "nvmlDevice",
    "nvmlInit",
    "nvmlReturn_t",
    "nvmlShutdown",
    "release_version",
]

_typed = {
    kind.__name__: kind
    for kinds in (
        DEVICE_ARRAYS,
        POINTERS,
        HOST_ALLOCATORS,
        DEVICE_ALLOCATORS,
        PAGELOCKED_ALLOCATORS,
    )
    for kind in kinds.values()
} | {f"pointer_wrapper_{label}": kind for label, kind in POINTERS.items()}
globals().update(_typed)
__all__ += sorted(_typed)  # noqa: PLE0605

_ROCM = 10  # what DLPack calls devices of ROCm


def __getattr__(name: str) -> Any:
    if name == "use_hip":
        return attempt(lambda: current_device().dlpack_type == _ROCM, remember=False)[0] or False
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; its classes end in one of "
        f"{', '.join(POINTERS)}"
    )
