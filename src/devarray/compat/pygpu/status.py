"""Errors as values: the codes of CUDA and NVML, and the last error of a thread."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from devarray.errors import DevarrayError, UnsupportedError

__all__ = [
    "attempt",
    "cudaError_t",
    "cudaGetErrorName",
    "cudaGetErrorString",
    "cudaGetLastError",
    "failure",
    "nvmlReturn_t",
    "success",
]

Result = TypeVar("Result")

INVALID_VALUE = 1
MEMORY_ALLOCATION = 2
INVALID_DEVICE_POINTER = 17
NO_DEVICE = 100
INVALID_DEVICE = 101
INVALID_HANDLE = 400
NOT_READY = 600
NOT_SUPPORTED = 801
UNKNOWN = 999

# What CUDA calls its codes, and says of them: those that arise here, and those of failed kernels
# and transfers that a GPU's runtime reports.
_CODES = {
    0: ("cudaSuccess", "no error"),
    INVALID_VALUE: ("cudaErrorInvalidValue", "invalid argument"),
    MEMORY_ALLOCATION: ("cudaErrorMemoryAllocation", "out of memory"),
    3: ("cudaErrorInitializationError", "initialization error"),
    4: ("cudaErrorCudartUnloading", "driver shutting down"),
    INVALID_DEVICE_POINTER: ("cudaErrorInvalidDevicePointer", "invalid device pointer"),
    21: ("cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"),
    35: (
        "cudaErrorInsufficientDriver",
        "CUDA driver version is insufficient for CUDA runtime version",
    ),
    46: ("cudaErrorDevicesUnavailable", "CUDA-capable device(s) is/are busy or unavailable"),
    NO_DEVICE: ("cudaErrorNoDevice", "no CUDA-capable device is detected"),
    INVALID_DEVICE: ("cudaErrorInvalidDevice", "invalid device ordinal"),
    201: ("cudaErrorDeviceUninitialized", "invalid device context"),
    214: ("cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"),
    INVALID_HANDLE: ("cudaErrorInvalidResourceHandle", "invalid resource handle"),
    NOT_READY: ("cudaErrorNotReady", "device not ready"),
    700: ("cudaErrorIllegalAddress", "an illegal memory access was encountered"),
    701: ("cudaErrorLaunchOutOfResources", "too many resources requested for launch"),
    702: ("cudaErrorLaunchTimeout", "the launch timed out and was terminated"),
    709: ("cudaErrorContextIsDestroyed", "context is destroyed"),
    710: ("cudaErrorAssert", "device-side assert triggered"),
    715: ("cudaErrorIllegalInstruction", "an illegal instruction was encountered"),
    716: ("cudaErrorMisalignedAddress", "misaligned address"),
    719: ("cudaErrorLaunchFailure", "unspecified launch failure"),
    NOT_SUPPORTED: ("cudaErrorNotSupported", "operation not supported"),
    UNKNOWN: ("cudaErrorUnknown", "unknown error"),
}
_UNRECOGNIZED = "unrecognized error code"


class _Code:
    """A code, and what there is to say about it."""

    __slots__ = ("_code", "message")

    _label = ""

    def __init__(self, code: int, message: str = "") -> None:
        try:
            self._code = operator.index(code)
        except TypeError:
            raise TypeError(
                f"{type(self).__name__} is made of an integer, got {type(code).__name__}"
            ) from None
        self.message = message

    def as_int(self) -> int:
        """Return the code; 0 is success."""
        return self._code

    __int__ = as_int

    def __eq__(self, other: object) -> bool:
        return self._code == other._code if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self._code))

    def __repr__(self) -> str:
        return f"<{self._label}: 'code={self._code}'>"


class cudaError_t(_Code):  # noqa: N801
    """What a call of the runtime ended with.

    Parameters
    ----------
    code : int
        CUDA's number; 0 is success.
    message : str, optional

    Attributes
    ----------
    message : str
        What devarray has to say about the failure, with the remedy; empty for success.

    Examples
    --------
    >>> from devarray.compat import pygpu as PyGPU
    >>> PyGPU.cudaSetDevice(0)
    <CudaError: 'code=0'>
    >>> PyGPU.cudaGetErrorName(PyGPU.cudaSetDevice(99))
    'cudaErrorInvalidDevice'
    """

    __slots__ = ()
    _label = "CudaError"


class nvmlReturn_t(_Code):  # noqa: N801
    """What a call of NVML ended with; see `cudaError_t`."""

    __slots__ = ()
    _label = "NvmlReturn"


_local = threading.local()


def success() -> cudaError_t:
    """Return the code of a call that worked."""
    return cudaError_t(0)


def failure(code: int, message: str) -> cudaError_t:
    """Return a code, and remember it as the last error of this thread."""
    error = _local.last = cudaError_t(code, message)
    return error


def _code_of(error: BaseException) -> int:
    """Return the code for an exception; where a GPU's runtime raised it, the runtime's own."""
    if isinstance(error, MemoryError):
        return MEMORY_ALLOCATION
    cause: BaseException | None = error
    while cause is not None:
        status = getattr(cause, "status", None)
        if isinstance(status, int) and status:
            return int(status)
        cause = cause.__cause__
    return NOT_SUPPORTED if isinstance(error, UnsupportedError) else UNKNOWN


def attempt(
    work: Callable[[], Result], code: int = 0, remember: bool = True
) -> tuple[Result | None, cudaError_t]:
    """Return what `work` returns, and success; or None, and the code of what it raised.

    Parameters
    ----------
    work : callable
        What raises something else than an error of devarray, of memory, or of a GPU's runtime is a
        mistake in a program, and is let through.
    code : int, optional
        What a failure counts as, if not as what it was raised for.
    remember : bool, optional
        Let `cudaGetLastError` know of a failure.
    """
    try:
        return work(), success()
    except (DevarrayError, MemoryError, RuntimeError) as error:
        if not isinstance(error, (DevarrayError, MemoryError)) and not hasattr(error, "status"):
            raise
        make = failure if remember else cudaError_t
        return None, make(code or _code_of(error), str(error) or type(error).__name__)


def _code(error: Any) -> int:
    if not isinstance(error, (cudaError_t, int)):
        raise TypeError(f"error must be a cudaError_t, got {type(error).__name__}")
    return int(error)


def cudaGetErrorName(error: cudaError_t) -> str:
    """Return what CUDA calls an error, such as ``"cudaErrorInvalidDevice"``."""
    return _CODES.get(_code(error), (_UNRECOGNIZED, ""))[0]


def cudaGetErrorString(error: cudaError_t) -> str:
    """Return CUDA's description of an error; `cudaError_t.message` may say more."""
    return _CODES.get(_code(error), ("", _UNRECOGNIZED))[1]


def cudaGetLastError() -> cudaError_t:
    """Return the last error of this thread, and forget it; success if there was none."""
    error: cudaError_t = getattr(_local, "last", None) or success()
    _local.last = None
    return error
