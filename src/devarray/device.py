"""Devices: the protocol of a backend, blocks of memory, and the registry by name.

A backend is a module in `devarray.backends` with a function ``open_device(index) -> Device``; it is
imported when its name is first asked for.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from devarray.config import current
from devarray.errors import DeviceError
from devarray.layout import Layout

__all__ = [
    "Block",
    "CompileStatistics",
    "Device",
    "Launcher",
    "available_devices",
    "get_device",
    "known_devices",
    "open_devices",
]


class Block:
    """A piece of device memory; it goes back to its device when the last reference to it does.

    Attributes
    ----------
    device : Device
    address : int
    nbytes : int
    memory : object
        What keeps the memory alive, in the device's own terms.
    loads : list of weakref
        Nodes that read the memory; see `engine`.
    escaped : bool
        Code outside devarray may read or write the memory (DLPack, ``np.asarray``, ...).
    """

    __slots__ = ("address", "device", "escaped", "loads", "memory", "nbytes")
    index = False  # see `graph.index_node`

    def __init__(self, device: Device, address: int, nbytes: int, memory: object) -> None:
        self.device = device
        self.address = address
        self.nbytes = nbytes
        self.memory = memory
        self.escaped = False
        self.loads: list[weakref.ref[Any]] = []

    def live_loads(self) -> list[Any]:
        """Return the nodes that are alive and read the memory."""
        found = [ref() for ref in self.loads]
        return [node for node in found if node is not None]

    def add_load(self, node: Any) -> None:
        """Note that a node reads the memory."""
        if len(self.loads) > 8:
            self.loads = [ref for ref in self.loads if ref() is not None]
        self.loads.append(weakref.ref(node))


class CompileStatistics(NamedTuple):
    """Kernels that were compiled, those found on disk, and the seconds spent in the compiler."""

    compiled: int
    cached: int
    seconds: float


class Launcher(Protocol):
    """A loaded kernel: call it with the packed arguments."""

    def __call__(self, arguments: bytes) -> object:
        """Run the kernel."""


class Device(Protocol):
    """One place where memory lives and kernels run.

    Attributes
    ----------
    name : str
    shares_host_memory : bool
        Memory is the host's, so that a host view of an array needs no copy.
    xp : module
        The device's own array library, which runs what is not fused.
    """

    name: str
    shares_host_memory: bool
    xp: Any

    def empty(self, nbytes: int) -> Block:
        """Return uninitialised memory, aligned to 64 bytes."""

    def native(self, block: Block, layout: Layout, dtype: np.dtype[Any]) -> Any:
        """Return the memory as an array of the device's own library, without a copy."""

    def adopt(self, array: Any) -> Block:
        """Return the memory of an array of the device's own library as a block, without a copy."""

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what the device's library has for a NumPy function.

        Raises
        ------
        UnsupportedError
            If it has nothing; the message names the function and the device.
        """

    def copy_in(self, source: np.ndarray[Any, Any], block: Block) -> None:
        """Copy a C-contiguous host array to the start of `block`."""

    def copy_out(self, block: Block, layout: Layout, out: np.ndarray[Any, Any]) -> None:
        """Copy elements to a host array of the same shape and dtype."""

    def has_kernel(self, source: str) -> bool:
        """Say whether `compile` would return without running a compiler."""

    def compile(self, source: str, name: str) -> Launcher:
        """Return the kernel, from the cache or from the compiler; raises `CompileError`."""

    def threads(self) -> int:
        """Return how many threads a kernel may use."""

    def synchronize(self) -> None:
        """Wait until everything that was launched has finished."""

    def compile_statistics(self) -> CompileStatistics:
        """Return how many kernels were compiled, and found on disk."""

    def clear_cache(self) -> None:
        """Forget all kernels, in this process and on disk."""

    def info(self) -> dict[str, str]:
        """Return what ``devarray info`` prints."""


_BACKENDS = ("openmp", "null")
_open: dict[str, Device] = {}


def known_devices() -> tuple[str, ...]:
    """Return the names of the backends that this version has."""
    return _BACKENDS


def available_devices() -> tuple[Device, ...]:
    """Return the devices of this machine that compute."""
    return (get_device("openmp"),)


def open_devices() -> list[Device]:
    """Return the devices that have been used."""
    return list(_open.values())


def get_device(device: str | Device | None = None) -> Device:
    """Return the device of that name, or the default device.

    Raises
    ------
    DeviceError
        If there is no such device.
    """
    if device is None:
        device = current().device or "openmp"
    if not isinstance(device, str):
        if device in _open.values():
            return device
        raise TypeError(f"device must be a name or a device, got {type(device).__name__}")
    backend, _, index = device.partition(":")
    if backend == "cpu":  # the name that other libraries give the host
        backend = "openmp"
    name = backend if index in ("", "0") else device
    found = _open.get(name)
    if found is not None:
        return found
    if backend not in _BACKENDS or name != backend:
        raise DeviceError(f"no device named {device!r}; the devices are {', '.join(_BACKENDS)}")
    module = importlib.import_module(f"devarray.backends.{backend}")
    return _open.setdefault(name, module.open_device())
