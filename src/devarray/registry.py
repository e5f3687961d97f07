"""The devices by name: which there are, which are open, and which is meant when none is named.

A backend is a module in `devarray.backends` with ``survey()``, which says what devices it finds,
``is_worth_it()`` if it may become the default by itself, and ``open_device(index)``. It is imported
when its name is first asked for.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from devarray.config import current
from devarray.errors import DeviceError

__all__ = [
    "Found",
    "add_backend",
    "available_devices",
    "devices",
    "forget",
    "get_device",
    "on_close",
    "open_devices",
    "pop",
    "push",
    "survey",
]

Device: TypeAlias = Any  # `device.Device`, which is made of what stands here


class Found(NamedTuple):
    """A device that a backend knows of; `problem` says why it is not usable, and the remedy."""

    name: str
    problem: str = ""


# The best first: what is taken by default is the first of those that are a gain and are there.
_BACKENDS = {
    name: f"devarray.backends.{name}" for name in ("cuda", "hip", "sycl", "openmp", "null")
}
_open: dict[str, Device] = {}
_local = threading.local()
_default = ""  # what was found to be the best device


def _chosen() -> tuple[Device, ...]:
    chosen: tuple[Device, ...] = getattr(_local, "devices", ())
    return chosen


def push(device: Device) -> None:
    """Make a device the default one of this thread, until `pop`."""
    _local.devices = (*_chosen(), device)


def pop() -> None:
    """Undo the last `push` of this thread."""
    _local.devices = _chosen()[:-1]


_on_close: list[Callable[[], None]] = []


def on_close(forget: Callable[[], None]) -> None:
    """Call `forget` whenever a device is closed or lost."""
    _on_close.append(forget)


def forget(device: Any) -> None:
    """Take note that an open device is no more."""
    if device in _open.values():
        del _open[device.name]
    for also_forget in _on_close:
        also_forget()


def add_backend(name: str, module: str) -> None:
    """Let ``Device(name)`` open devices of a backend that is no part of devarray.

    Parameters
    ----------
    name : str
        What its devices are called.
    module : str
        The module, which is imported when the name is first asked for.

    Raises
    ------
    ValueError
        If there is a backend of that name.
    """
    if name in _BACKENDS:
        raise ValueError(f"there is a backend named {name!r}: {_BACKENDS[name]}")
    _BACKENDS[name] = module


def _backend(name: str) -> Any:
    return importlib.import_module(_BACKENDS[name])


def survey() -> tuple[Found, ...]:
    """Return every device that a backend knows of, usable or not; `null` is left out."""
    return tuple(found for name in _BACKENDS if name != "null" for found in _backend(name).survey())


def devices() -> list[Device]:
    """Return the devices of this machine that can be used, the host last.

    Examples
    --------
    >>> import devarray as da
    >>> "openmp" in [device.name for device in da.devices()]
    True
    """
    return [get_device(found.name) for found in survey() if not found.problem]


def available_devices() -> tuple[Device, ...]:
    """Return the devices of this machine that can be used, the default device first."""
    first = get_device()
    return (first, *(device for device in devices() if device is not first))


def open_devices() -> list[Device]:
    """Return the devices that have been used."""
    return list(_open.values())


def _best() -> str:
    """Return the name of the default device: the first that is there and faster than the host."""
    global _default
    if not _default:
        better = (name for name in ("cuda", "hip", "sycl") if _backend(name).is_worth_it())
        _default = next(better, "openmp")
    return _default


def get_device(device: Any = None) -> Device:
    """Return the device of that name, or the default device.

    The default is that of the innermost ``with device:`` of this thread, else ``config.device``
    (``DEVARRAY_DEVICE``), else the best one present.

    Raises
    ------
    DeviceError
        If there is no such device, or it cannot be used; the message says what to do.
    """
    if device is None:
        chosen = _chosen()
        if chosen:
            return chosen[-1]
        device = current().device or _best()
    if not isinstance(device, str):
        if hasattr(device, "current_stream"):
            return device
        raise TypeError(f"device must be a name or a device, got {type(device).__name__}")
    found = _open.get(device)
    if found is not None:
        return found
    backend, colon, number = device.partition(":")
    if backend == "cpu":  # the name that other libraries give the host
        backend = "openmp"
    if backend not in _BACKENDS or (colon and not number.isdecimal()):
        raise DeviceError(f"no device named {device!r}; the devices are {', '.join(_BACKENDS)}")
    index = int(number or 0)
    name = f"{backend}:{index}" if index else backend
    if name not in _open:
        _open.setdefault(name, _backend(backend).open_device(index))
    return _open[name]


def _after_fork() -> None:
    for device in open_devices():
        device.forked()


os.register_at_fork(after_in_child=_after_fork)
