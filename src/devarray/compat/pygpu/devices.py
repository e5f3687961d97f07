"""Devices by number, what they are, and how full their memory is.

Device ``i`` is number i of the kind of devarray's default device: ``cuda:1`` where that is
``cuda``.
"""

from __future__ import annotations

import operator
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from devarray import registry
from devarray.compat.pygpu.status import (
    INVALID_DEVICE,
    NO_DEVICE,
    NOT_SUPPORTED,
    attempt,
    cudaError_t,
    failure,
    nvmlReturn_t,
    success,
)
from devarray.device import Device
from devarray.errors import DeviceError

__all__ = [
    "attempt_here",
    "cudaDeviceProp",
    "cudaDeviceReset",
    "cudaDeviceSynchronize",
    "cudaGetDevice",
    "cudaGetDeviceCount",
    "cudaSetDevice",
    "current_device",
    "nvmlDevice",
    "nvmlInit",
    "nvmlShutdown",
    "numbered_device",
]

Result = TypeVar("Result")

_local = threading.local()


def _nothing() -> None:
    return None


def current_device() -> Device:
    """Return the device that this thread uses; raises `DeviceError` if there is none.

    That is the one of the last `cudaSetDevice`, unless devarray's default device has changed
    since: then it is the default device.
    """
    default: Device = registry.get_device()
    before, chosen = getattr(_local, "chosen", (_nothing, _nothing))
    device: Device | None = chosen() if before() is default else None
    return default if device is None else device


def numbered_device(number: int) -> Device:
    """Return the device of that number; raises `DeviceError` if there is none."""
    kind = registry.get_device().name.partition(":")[0]
    if number < 0:
        raise DeviceError(f"devices are numbered from 0, got {number}")
    device: Device = registry.get_device(f"{kind}:{number}" if number else kind)
    return device


def _number_of(device: Device) -> int:
    return int(device.name.partition(":")[2] or 0)


def _select(device: Device) -> None:
    """Make a device the one that foreign functions find in use on this thread."""
    with device.current_stream():
        pass


def attempt_here(
    work: Callable[[], Result], code: int = 0, remember: bool = True
) -> tuple[Result | None, cudaError_t]:
    """Do work as `attempt` does, and leave this thread's device in use, whichever did the work."""
    result = attempt(work, code, remember)
    if len(registry.open_devices()) > 1:
        attempt(lambda: _select(current_device()), remember=False)
    return result


def _as_number(number: Any) -> int:
    try:
        return operator.index(number)
    except TypeError:
        raise TypeError(
            f"a device is given by its number, an integer, got {type(number).__name__}"
        ) from None


def cudaSetDevice(device: int) -> cudaError_t:
    """Let this thread use a device from now on.

    Parameters
    ----------
    device : int

    Returns
    -------
    cudaError_t
        ``cudaErrorInvalidDevice`` if there is no such device; the one in use stays then.
    """
    number = _as_number(device)
    default, error = attempt(registry.get_device, NO_DEVICE)
    if default is None:
        return error
    chosen, error = attempt_here(lambda: numbered_device(number), INVALID_DEVICE)
    if chosen is None:
        return error
    _local.chosen = weakref.ref(default), weakref.ref(chosen)
    return attempt(lambda: _select(chosen))[1]


def cudaGetDevice() -> tuple[int, cudaError_t]:
    """Return the number of the device that this thread uses, and an error."""
    device, error = attempt(current_device, NO_DEVICE)
    return (0 if device is None else _number_of(device)), error


def cudaGetDeviceCount() -> tuple[int, cudaError_t]:
    """Return how many devices there are, and an error."""
    device, error = attempt(current_device, NO_DEVICE)
    if device is None:
        return 0, error
    kind = device.name.partition(":")[0]
    found = [place.name for place in registry.survey() if not place.problem]
    # a device that is in use is there, even if its backend does not tell of it
    count = len([name for name in found if name.partition(":")[0] == kind])
    return max(count, _number_of(device) + 1), error


def _wait_for(device: Device) -> None:
    for stream in device.streams():
        stream.synchronize()


def cudaDeviceSynchronize() -> cudaError_t:
    """Wait until everything on this thread's device has finished; return what failed of it."""
    return attempt_here(lambda: _wait_for(current_device()))[1]


def _reset() -> None:
    device = current_device()
    _wait_for(device)
    device.memory.clear()


def cudaDeviceReset() -> cudaError_t:
    """Wait for this thread's device, and return memory that no array holds to the system.

    Arrays stay as they are: nothing that a program can still reach is taken away.
    """
    return attempt_here(_reset)[1]


class cudaDeviceProp:  # noqa: N801
    """What a device is.

    Parameters
    ----------
    device : int

    Examples
    --------
    >>> from devarray.compat import pygpu as PyGPU
    >>> prop = PyGPU.cudaDeviceProp(0)
    >>> bool(prop.name()), prop.last_status()
    (True, <CudaError: 'code=0'>)
    """

    def __init__(self, device: int) -> None:
        number = _as_number(device)
        found, self._status = attempt_here(lambda: numbered_device(number), INVALID_DEVICE)
        self._device = found.name if found is not None else ""
        self._facts: dict[str, Any] = {}
        if found is not None:
            facts, self._status = attempt_here(lambda: found.properties)
            self._facts = facts or {}

    def _fact(self, name: str, what: str, otherwise: Any) -> Any:
        if not self._facts:  # the constructor's status says why
            return otherwise
        if name not in self._facts:
            self._status = failure(NOT_SUPPORTED, f"{self._device} has no {what} that it tells")
            return otherwise
        self._status = success()
        return self._facts[name]

    def name(self) -> str:
        """Return what the device is called; empty if there is no such device."""
        return str(self._fact("device", "name", ""))

    def uuid(self) -> str:
        """Return the device's identity as 32 hexadecimal digits; empty if it has none."""
        return str(self._fact("uuid", "identity (uuid)", ""))

    def pciBusID(self) -> int:
        """Return the number of the device's PCI bus; -1 if it is on none."""
        return int(self._fact("pci_bus", "place on a PCI bus", -1))

    def pciDeviceID(self) -> int:
        """Return the number of the device on its PCI bus; -1 if it is on none."""
        return int(self._fact("pci_device", "place on a PCI bus", -1))

    def pciDomainID(self) -> int:
        """Return the number of the device's PCI domain; -1 if it is on none."""
        return int(self._fact("pci_domain", "place on a PCI bus", -1))

    def last_status(self) -> cudaError_t:
        """Return what the last call on this object ended with."""
        return self._status


# ---- NVML

_NVML_UNINITIALIZED, _NVML_INVALID, _NVML_NOT_SUPPORTED, _NVML_UNKNOWN = 1, 2, 3, 999
_users = 0  # calls of nvmlInit less those of nvmlShutdown
_lock = threading.Lock()


def nvmlInit() -> nvmlReturn_t:
    """Begin to use the functions of NVML."""
    global _users
    with _lock:
        _users += 1
    return nvmlReturn_t(0)


def nvmlShutdown() -> nvmlReturn_t:
    """End the use of NVML that the last `nvmlInit` began; an error if there was none."""
    global _users
    with _lock:
        if not _users:
            return _uninitialized()
        _users -= 1
    return nvmlReturn_t(0)


def _uninitialized() -> nvmlReturn_t:
    return nvmlReturn_t(_NVML_UNINITIALIZED, "call nvmlInit() first")


class nvmlDevice:  # noqa: N801
    """A device as NVML sees it.

    Parameters
    ----------
    device : int
    """

    def __init__(self, device: int) -> None:
        number = _as_number(device)
        self._device: Device | None = None
        if not _users:
            self._status = _uninitialized()
            return
        self._device, error = attempt_here(lambda: numbered_device(number), remember=False)
        self._status = nvmlReturn_t(0 if self._device else _NVML_INVALID, error.message)

    def utilization_rates(self) -> tuple[int, int]:
        """Return (0, 0): devarray knows of no device how busy it is; `last_status` says so."""
        if self._device is not None:
            self._status = nvmlReturn_t(
                _NVML_NOT_SUPPORTED, f"{self._device.name} does not tell how busy it is"
            )
        return 0, 0

    def memory_info(self) -> tuple[int, int, int]:
        """Return the free, total and used bytes of the device's memory.

        Used is what this process holds: in arrays, and in the pool for the next ones. What other
        processes hold counts as free.
        """
        device = self._device
        if device is None:
            return 0, 0, 0
        facts, error = attempt_here(
            lambda: (device.properties["memory"], device.memory.statistics()), remember=False
        )
        if facts is None:
            self._status = nvmlReturn_t(_NVML_UNKNOWN, error.message)
            return 0, 0, 0
        total, now = int(facts[0]), facts[1]
        used = now.used + now.free
        self._status = nvmlReturn_t(0)
        return max(total - used, 0), total, used

    def last_status(self) -> nvmlReturn_t:
        """Return what the last call on this object ended with."""
        return self._status
