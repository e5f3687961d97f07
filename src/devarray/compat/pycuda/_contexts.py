"""PyCUDA's devices and contexts.

A context is a name for "this device is the current one of this thread": it costs nothing, and where
there is none, devarray's default device is meant. Memory, modules and streams belong to a device,
not to a context, so that they work in all contexts of their device and in every thread.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from typing import Any

from devarray import registry
from devarray.device import Device as Core
from devarray.errors import DeviceError

from ._enums import compute_mode, ctx_flags, device_attribute, func_cache, limit, shared_config
from ._errors import InvalidValueError, LogicError, UnsupportedError, translated

__all__ = [
    "Context",
    "Device",
    "get_driver_version",
    "get_version",
    "have_gl_ext",
    "init",
    "mem_get_info",
]

_VERSION = 13000  # of CUDA: the level of what is offered here
_local = threading.local()


def init(flags: int = 0) -> None:
    """Do nothing: devices are opened when they are first used.

    Parameters
    ----------
    flags : int
        Must be 0, as in CUDA.
    """
    if flags != 0:
        raise InvalidValueError(f"flags must be 0, got {flags!r}")


def get_version() -> tuple[int, int, int]:
    """Return the version of CUDA whose driver API this module offers."""
    return _VERSION // 1000, _VERSION % 1000 // 10, _VERSION % 10


def get_driver_version() -> int:
    """Return the version of CUDA as one number; from 12000 on there are no texture references."""
    return _VERSION


def have_gl_ext() -> bool:
    """Return False: OpenGL's memory is not shared."""
    return False


@functools.cache
def _names(kind: str) -> tuple[str, ...]:
    usable = [found.name for found in registry.survey() if not found.problem]
    found = [name for name in usable if name.partition(":")[0] == kind]
    return tuple(sorted(found, key=_number)) or (kind,)


def _number(name: str) -> int:
    return int(name.partition(":")[2] or 0)


def _core(number: int) -> Core:
    kind = registry.get_device().name.partition(":")[0]
    names = _names(kind)
    if not 0 <= number < len(names):
        raise InvalidValueError(f"no device {number}: there are {len(names)} of kind {kind!r}")
    return registry.get_device(names[number])  # type: ignore[no-any-return]


class Device:
    """A device, by its number among those of the same kind as devarray's default device.

    Parameters
    ----------
    number : int or str
        ``1`` is ``cuda:1`` if the default device is an NVIDIA GPU. The host is one device, 0.
        Also devarray's name of a device, such as ``"openmp"``.

    Raises
    ------
    LogicError
        If there is no such device.

    Examples
    --------
    >>> from devarray.compat.pycuda import driver
    >>> with_threads = driver.Device(0).max_threads_per_block
    >>> with_threads >= 256
    True
    """

    _device: Core

    def __init__(self, number: int | str = 0) -> None:
        if isinstance(number, Core):
            self._device = number
        elif isinstance(number, str):
            try:
                self._device = registry.get_device(number)
            except DeviceError as error:
                raise InvalidValueError(str(error)) from None
        else:
            self._device = _core(number)

    @staticmethod
    def count() -> int:
        """Return how many devices there are of the default device's kind."""
        return len(_names(registry.get_device().name.partition(":")[0]))

    def name(self) -> str:
        """Return what the device is called."""
        return str(self._device.properties["device"])

    def pci_bus_id(self) -> str:
        """Return devarray's name of the device, which `Device` takes; no bus is known."""
        return self._device.name

    def compute_capability(self) -> tuple[int, int]:
        """Return the compute capability; (9, 0) on devices that are no NVIDIA GPUs.

        That is the level of CUDA C that kernels are compiled at there (``__CUDA_ARCH__`` is 900).
        """
        found = re.fullmatch(r"sm_(\d+)(\d)[af]?", str(self._device.properties.get("capability")))
        return (int(found[1]), int(found[2])) if found else (9, 0)

    def total_memory(self) -> int:
        """Return the bytes of memory: the device's, or the limit that was set for devarray."""
        memory = int(self._device.properties["memory"])
        bound = self._device.memory.limit
        return min(memory, bound) if bound else memory

    def get_attribute(self, attr: int) -> Any:
        """Return one of `device_attribute`.

        Raises
        ------
        LogicError
            If the device does not tell it.
        """
        attr = device_attribute(attr)
        known = self._attributes()
        if attr not in known:
            raise LogicError(f"{self._device.name} does not tell its {attr}")
        return known[attr]

    def get_attributes(self) -> dict[device_attribute, Any]:
        """Return all attributes that the device tells."""
        return dict(sorted(self._attributes().items()))

    def _attributes(self) -> dict[device_attribute, Any]:
        device, limits = self._device, self._device.limits
        known = {
            "MAX_THREADS_PER_BLOCK": limits.threads,
            "MAX_SHARED_MEMORY_PER_BLOCK": min(limits.shared_bytes, 49152),
            "MAX_SHARED_MEMORY_PER_BLOCK_OPTIN": limits.shared_bytes,
            "TOTAL_CONSTANT_MEMORY": 65536,
            "WARP_SIZE": 32,
            "MAX_PITCH": 2**31 - 1,
            "MAX_REGISTERS_PER_BLOCK": 65536,
            "CLOCK_RATE": _clock_rate() if device.shares_host_memory else 0,
            "GPU_OVERLAP": 1,
            "MULTIPROCESSOR_COUNT": int(device.properties["compute_units"] or 1),
            "KERNEL_EXEC_TIMEOUT": 0,
            "INTEGRATED": int(device.shares_host_memory),
            "CAN_MAP_HOST_MEMORY": int(device.shares_host_memory),
            "COMPUTE_MODE": compute_mode.DEFAULT,
            "CONCURRENT_KERNELS": 1,
            "PCI_BUS_ID": 0,
            "PCI_DEVICE_ID": device.index,
            "PCI_DOMAIN_ID": 0,
            "UNIFIED_ADDRESSING": 1,
            "MANAGED_MEMORY": int(device.shares_host_memory),
            "MAX_THREADS_PER_MULTIPROCESSOR": 2 * limits.threads,
            "COMPUTE_CAPABILITY_MAJOR": self.compute_capability()[0],
            "COMPUTE_CAPABILITY_MINOR": self.compute_capability()[1],
        }
        for what, sizes in (("BLOCK", limits.block), ("GRID", limits.grid)):
            known |= {f"MAX_{what}_DIM_{a}": n for a, n in zip("XYZ", sizes, strict=True)}
        if not known["CLOCK_RATE"]:
            del known["CLOCK_RATE"]
        return {device_attribute[name]: value for name, value in known.items()}

    def __getattr__(self, name: str) -> Any:
        if name.upper() not in device_attribute.__members__:
            raise AttributeError(f"a Device has no attribute {name!r}")
        return self.get_attribute(device_attribute[name.upper()])

    def make_context(self, flags: int = ctx_flags.SCHED_AUTO) -> Context:
        """Return a new context of the device, which is the current one of this thread."""
        context = Context(self._device)
        context.push()
        return context

    def retain_primary_context(self) -> Context:
        """Return the context that is meant where there is none; it is not made current."""
        return _primary(self._device)

    def can_access_peer(self, dev: Device) -> bool:
        """Return False: devices reach each other's memory by copies."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self._device is other._device

    def __hash__(self) -> int:
        return hash(self._device)

    def __repr__(self) -> str:
        return f"<pycuda device {self._device.name}>"


def _clock_rate() -> int:
    """Return the host's clock rate in kHz, 0 if nothing tells it."""
    path = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"
    if os.path.exists(path):
        with open(path) as file:
            return int(file.read())
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            found = re.search(r"cpu MHz\s*:\s*([\d.]+)", file.read())
        return round(float(found[1]) * 1000) if found else 0
    return 0


def _stack() -> list[Context]:
    if not hasattr(_local, "contexts"):
        _local.contexts = []
    return _local.contexts  # type: ignore[no-any-return]


_primaries: dict[str, Context] = {}


def _primary(device: Core) -> Context:
    found = _primaries.get(device.name)
    if found is None or found._device is not device:  # it was closed and opened again
        found = _primaries[device.name] = Context(device)
    return found


class Context:
    """A device as the current one of a thread; `Device.make_context` makes one.

    Contexts may be left on the stack at exit, pushed in several threads, and not made at all.
    """

    def __init__(self, device: Core) -> None:
        if not isinstance(device, Core):
            raise TypeError("a context is made by Device(number).make_context()")
        self._device = device
        self._hints: dict[str, int] = {}
        self._detached = False

    @property
    def handle(self) -> int:
        """A number of the context."""
        return id(self)

    def push(self) -> None:
        """Make the context the current one of this thread, until `pop`.

        Raises
        ------
        LogicError
            If it was detached.
        """
        if self._detached:
            raise LogicError("the context was detached: make a new one")
        registry.push(self._device)
        _stack().append(self)

    @staticmethod
    def pop() -> None:
        """Make the context before the last `push` of this thread the current one again.

        Raises
        ------
        LogicError
            If this thread has pushed none.
        """
        if not _stack():
            raise LogicError("this thread has no context to pop")
        _stack().pop()
        registry.pop()

    def detach(self) -> None:
        """Give the context up; if it is the current one, it is popped."""
        if self._detached:
            raise LogicError("the context was detached before")
        if _stack() and _stack()[-1] is self:
            Context.pop()
        self._detached = self is not _primary(self._device)

    @staticmethod
    def attach(flags: int = 0) -> Context:
        """Return the current context."""
        return Context.get_current()

    @staticmethod
    def get_current() -> Context:
        """Return the current context: if none was pushed, the primary one of the default device."""
        device = registry.get_device()
        stack = _stack()
        return stack[-1] if stack and stack[-1]._device is device else _primary(device)

    @staticmethod
    def get_device() -> Device:
        """Return the device of the current context."""
        return Device(registry.get_device())

    @staticmethod
    def synchronize() -> None:
        """Wait until everything on the device has finished."""
        with translated():
            for stream in registry.get_device().streams():
                stream.synchronize()

    @staticmethod
    def get_limit(which: int) -> int:
        """Not supported: see `set_limit`."""
        return Context.set_limit(which, 0)

    @staticmethod
    def set_limit(which: int, value: int) -> int:
        """Not supported: stacks grow as needed on the host, and GPUs keep the driver's limits."""
        raise UnsupportedError(
            f"{limit(which)} cannot be set: on the host stacks and heap grow as needed, on GPUs "
            "the driver's limits stay"
        )

    @staticmethod
    def get_cache_config() -> func_cache:
        """Return what `set_cache_config` was given."""
        return func_cache(Context.get_current()._hints.get("cache", func_cache.PREFER_NONE))

    @staticmethod
    def set_cache_config(preference: int) -> None:
        """Note a wish, which drivers may pass over; devarray does."""
        Context.get_current()._hints["cache"] = func_cache(preference)

    @staticmethod
    def get_shared_config() -> shared_config:
        """Return what `set_shared_config` was given."""
        current = Context.get_current()._hints
        return shared_config(current.get("shared", shared_config.DEFAULT_BANK_SIZE))

    @staticmethod
    def set_shared_config(config: int) -> None:
        """Note a wish, which drivers may pass over; devarray does."""
        Context.get_current()._hints["shared"] = shared_config(config)

    def get_api_version(self) -> int:
        """Return the version of the driver API."""
        return _VERSION

    @staticmethod
    def enable_peer_access(peer: Context, flags: int = 0) -> None:
        """Not supported: use `memcpy_peer`."""
        raise UnsupportedError("devices reach each other's memory by copies: use memcpy_peer")

    @staticmethod
    def disable_peer_access(peer: Context) -> None:
        """Not supported: it is never enabled."""
        raise LogicError("peer access was not enabled")

    def __repr__(self) -> str:
        kind = "primary context" if self is _primary(self._device) else "context"
        return f"<{kind} {self.handle:#x} of {self._device.name}>"


def mem_get_info() -> tuple[int, int]:
    """Return the free bytes and all bytes of the current device's memory.

    Free is what this process may still take, at most what devarray's limit leaves. On the host that
    is half of the available memory: programs that fill a GPU leave something for the others.
    """
    device = Device(registry.get_device())
    total = device.total_memory()
    free = total - device._device.memory.statistics().used
    if device._device.shares_host_memory:
        free = min(free, _host_free() // 2)
    return max(free, 0), total


def _host_free() -> int:
    """Return the bytes that the host can give away, its file cache included."""
    if os.path.exists("/proc/meminfo"):
        with open("/proc/meminfo") as file:
            found = re.search(r"MemAvailable:\s*(\d+) kB", file.read())
        if found:
            return int(found[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
