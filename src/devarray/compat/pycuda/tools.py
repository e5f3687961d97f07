"""``pycuda.tools``: memory pools, contexts by default, occupancy, types in C, help for tests."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from devarray.registry import get_device

from ._contexts import Context, Device, init
from ._enums import device_attribute
from ._pools import (
    DebugMemoryPool,
    DeviceMemoryPool,
    PageLockedAllocator,
    PageLockedMemoryPool,
    PooledDeviceAllocation,
    PooledHostAllocation,
    bitlog2,
)
from ._types import (
    Argument,
    ScalarArg,
    VectorArg,
    dtype_to_ctype,
    get_arg_type,
    get_or_register_dtype,
    parse_c_arg,
    register_dtype,
)

__all__ = [
    "Argument",
    "DebugMemoryPool",
    "DeviceData",
    "DeviceMemoryPool",
    "OccupancyRecord",
    "PageLockedAllocator",
    "PageLockedMemoryPool",
    "PooledDeviceAllocation",
    "PooledHostAllocation",
    "ScalarArg",
    "VectorArg",
    "bitlog2",
    "clear_context_caches",
    "context_dependent_memoize",
    "dtype_to_ctype",
    "get_arg_type",
    "get_default_device",
    "get_or_register_dtype",
    "init_cuda_context_fixture",
    "make_default_context",
    "mark_cuda_test",
    "parse_c_arg",
    "register_dtype",
]


# ---- contexts ------------------------------------------------------------------------------------


def _default_device() -> Device:
    """Return the device that CUDA_DEVICE or ``~/.cuda_device`` names, or devarray's default."""
    text = os.environ.get("CUDA_DEVICE")
    where = "CUDA_DEVICE"
    path = os.path.join(os.path.expanduser("~"), ".cuda_device")
    if text is None and os.path.exists(path):
        where = path
        with open(path) as file:
            text = file.read()
    if text is None:
        return Device(get_device())
    if not text.strip().isdecimal():
        raise ValueError(f"{where} must be the number of a device, not {text.strip()!r}")
    return Device(int(text))


def get_default_device(default: int = 0) -> Device:
    """Return the device that `make_default_context` takes; deprecated, as in PyCUDA."""
    warnings.warn(
        "get_default_device() is deprecated: use make_default_context()",
        DeprecationWarning,
        stacklevel=2,
    )
    return _default_device()


def make_default_context(ctx_maker: Callable[[Device], Context] | None = None) -> Context:
    """Return a new current context of the default device.

    That is the device whose number is in the environment variable CUDA_DEVICE or in the file
    ``~/.cuda_device``, or else devarray's default device.

    Parameters
    ----------
    ctx_maker : callable, optional
        Returns the context for a device; by default by `Device.make_context`.
    """
    device = _default_device()
    return device.make_context() if ctx_maker is None else ctx_maker(device)


_memoized: list[dict[Any, Any]] = []


def context_dependent_memoize(func: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function keep its results, for each context by itself.

    Parameters
    ----------
    func : callable
        With hashable arguments.
    """
    kept: dict[Any, Any] = {}
    _memoized.append(kept)

    @functools.wraps(func)
    def wrapper(*args: Any, **options: Any) -> Any:
        key = Context.get_current(), args, frozenset(options.items())
        if key not in kept:
            kept[key] = func(*args, **options)
        return kept[key]

    return wrapper


def clear_context_caches() -> None:
    """Forget what functions with `context_dependent_memoize` kept."""
    for kept in _memoized:
        kept.clear()


def mark_cuda_test(inner_f: Callable[..., Any]) -> Callable[..., Any]:
    """Run a test in a context of its own."""

    def test(*args: Any, **options: Any) -> None:
        init()
        context = make_default_context()
        try:
            inner_f(*args, **options)
        finally:
            context.pop()
            clear_context_caches()

    test.__name__, test.__doc__ = inner_f.__name__, inner_f.__doc__
    functools.update_wrapper(test, inner_f)
    return test


def init_cuda_context_fixture() -> Iterator[None]:
    """Be a fixture of pytest: each test has a context of its own."""
    init()
    context = make_default_context()
    yield
    context.pop()
    clear_context_caches()


# ---- occupancy -----------------------------------------------------------------------------------


class DeviceData:
    """What a device has for the blocks of a kernel.

    Parameters
    ----------
    dev : Device, optional
        By default the current context's.

    Attributes
    ----------
    max_threads, warp_size : int
        Threads of a block, and of a warp.
    warps_per_mp, thread_blocks_per_mp : int
        What runs at once on one compute unit.
    registers, shared_memory : int
        Of a block.
    """

    smem_alloc_granularity = 128
    smem_granularity = 32
    register_allocation_unit = "warp"

    def __init__(self, dev: Device | None = None) -> None:
        device = Context.get_device() if dev is None else dev
        tell = device.get_attribute
        self.max_threads = tell(device_attribute.MAX_THREADS_PER_BLOCK)
        self.warp_size = tell(device_attribute.WARP_SIZE)
        self.registers = tell(device_attribute.MAX_REGISTERS_PER_BLOCK)
        self.shared_memory = tell(device_attribute.MAX_SHARED_MEMORY_PER_BLOCK)
        self.warps_per_mp = tell(device_attribute.MAX_THREADS_PER_MULTIPROCESSOR) // self.warp_size
        self.thread_blocks_per_mp = 8

    def align_bytes(self, word_size: int = 4) -> int:
        """Return the multiple of bytes at which rows should begin, for words of a size."""
        if word_size not in (4, 8, 16):
            raise ValueError(f"word_size must be 4, 8 or 16, got {word_size}")
        return 64 if word_size == 4 else 128

    def align(self, nbytes: int, word_size: int = 4) -> int:
        """Return the bytes, rounded up to `align_bytes`."""
        return _rounded_up(nbytes, self.align_bytes(word_size))

    def align_words(self, word_size: int) -> int:
        """Return `align_bytes` in words."""
        return self.align_bytes(word_size) // word_size

    def align_dtype(self, elements: int, dtype_size: int) -> int:
        """Return the elements, rounded up to `align_words`."""
        return _rounded_up(elements, self.align_words(dtype_size))

    def coalesce(self, thread_count: int) -> int:
        """Return the threads, rounded up to half a warp."""
        return _rounded_up(thread_count, 16)

    @staticmethod
    def make_valid_tex_channel_count(size: int) -> int:
        """Return the next of 1, 2 and 4."""
        for count in (1, 2, 4):
            if size <= count:
                return count
        raise ValueError(f"there are up to 4 channels, got {size}")


def _rounded_up(value: int, unit: int) -> int:
    return -(-int(value) // unit) * unit


class _Limit(NamedTuple):
    """How many blocks something lets run at once."""

    blocks: int
    by: str


class OccupancyRecord:
    """How many blocks of a kernel run at once on one compute unit, and what limits them.

    Parameters
    ----------
    devdata : DeviceData
    threads : int
        Of a block.
    shared_mem, registers : int
        Bytes of a block, and registers of a thread.

    Attributes
    ----------
    tb_per_mp, warps_per_mp : int
        Blocks, and their warps.
    limited_by : {"device", "warps", "regs", "smem"}
    occupancy : float
        The part of the unit's warps that is in use.

    Raises
    ------
    ValueError
        If one block is too big already.
    """

    def __init__(
        self, devdata: DeviceData, threads: int, shared_mem: int = 0, registers: int = 0
    ) -> None:
        if not 1 <= threads <= devdata.max_threads:
            raise ValueError(f"a block has 1 to {devdata.max_threads} threads, not {threads}")
        warps = -(-threads // devdata.warp_size)
        memory = _rounded_up(shared_mem, devdata.smem_alloc_granularity)
        needed = warps * devdata.warp_size * registers
        if needed > devdata.registers:
            raise ValueError(f"a block has {devdata.registers} registers, not {needed}")
        if memory > devdata.shared_memory:
            raise ValueError(f"a block has {devdata.shared_memory} bytes, not {memory}")
        limits = [
            _Limit(devdata.thread_blocks_per_mp, "device"),
            _Limit(devdata.warps_per_mp // warps, "warps"),
        ]
        if registers:
            limits.append(_Limit(devdata.registers // needed, "regs"))
        if shared_mem:
            limits.append(_Limit(devdata.shared_memory // memory, "smem"))
        self.tb_per_mp_limits = [tuple(entry) for entry in limits]
        self.tb_per_mp, self.limited_by = min(limits)
        self.warps_per_mp = self.tb_per_mp * warps
        self.occupancy = self.warps_per_mp / devdata.warps_per_mp
