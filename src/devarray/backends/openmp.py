"""The host as a device: C++ kernels through the system's compiler, memory from a pool.

Its library is NumPy.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cached_property
from importlib import resources
from typing import Any

import cffi  # type: ignore[import-untyped,unused-ignore]
import numpy as np

from devarray.config import Settings, current, on_change
from devarray.device import Block, CompileStatistics, Launcher
from devarray.errors import DeviceMemoryError
from devarray.kernels.cache import KernelCache
from devarray.kernels.spec import PRELUDE
from devarray.kernels.toolchain import Toolchain, find_toolchain, load_runtime
from devarray.layout import Layout

__all__ = ["OpenMP", "open_device"]

ALIGNMENT = 64
_PRELUDE = ("prelude_openmp.h", "scalar.h", "reduce.h", "parallel_openmp.h")


class Pool:
    """Freed memory, kept by size for the next array.

    A fresh page costs more than the work on it.
    """

    def __init__(self) -> None:
        self.free: dict[int, list[tuple[int, Any]]] = {}
        self.kept = 0
        self.limit = 0
        on_change(self._follow)

    def _follow(self, settings: Settings) -> None:
        self.limit = settings.pool_limit

    @staticmethod
    def rounded(nbytes: int) -> int:
        """Return the size class: multiples of 64 bytes, coarser for bigger arrays."""
        step = max(ALIGNMENT, 1 << max(nbytes.bit_length() - 4, 0))
        return max(-(-nbytes // step) * step, ALIGNMENT)

    def take(self, size: int) -> tuple[int, Any]:
        """Return (address, memory) of `size` bytes."""
        waiting = self.free.get(size)
        if waiting:
            try:
                found = waiting.pop()
            except IndexError:  # another thread was faster
                return self.fresh(size)
            self.kept -= size
            return found
        return self.fresh(size)

    def fresh(self, size: int) -> tuple[int, Any]:
        """Return memory from the system, having freed what is kept if there is too little."""
        try:
            memory = np.empty(size + ALIGNMENT, np.uint8)
        except MemoryError:
            kept = self.kept
            self.clear()
            try:
                memory = np.empty(size + ALIGNMENT, np.uint8)
            except MemoryError:
                raise DeviceMemoryError(
                    f"openmp: no memory for an array of {size} bytes "
                    f"(freed {kept} bytes of the pool first)"
                ) from None
        start = memory.__array_interface__["data"][0]
        skip = -start % ALIGNMENT
        return start + skip, memory[skip : skip + size]

    def give(self, size: int, address: int, memory: Any) -> None:
        """Keep freed memory, if there is room for it."""
        if self.kept + size <= self.limit:
            self.kept += size
            self.free.setdefault(size, []).append((address, memory))

    def clear(self) -> None:
        """Return all kept memory to the system."""
        self.free.clear()
        self.kept = 0


class PooledBlock(Block):
    """A block whose memory goes back to the pool."""

    __slots__ = ("pool", "size")

    pool: Pool
    size: int

    def __del__(self) -> None:
        if (
            not self.escaped
        ):  # else a view of it may live on; then the memory is freed with the last view
            self.pool.give(self.size, self.address, self.memory)


class OpenMP:
    """See `devarray.device.Device`."""

    name = "openmp"
    shares_host_memory = True
    xp: Any = np

    def __init__(self) -> None:
        self.pool = Pool()
        self._threads = 1
        self._settings = current()
        self._lock = threading.Lock()
        self._ffi = cffi.FFI()
        self._ffi.cdef("void da_kernel(const char *);")
        self._loaded: dict[tuple[str, bool], Launcher] = {}
        self._libraries: list[Any] = []
        self._compiled = 0
        self._seconds = 0.0
        on_change(self._follow)

    def _follow(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = settings.threads or _default_threads()

    @cached_property
    def prelude(self) -> str:
        """The text that stands before each kernel."""
        folder = resources.files("devarray.kernels").joinpath("include")
        return "".join(folder.joinpath(name).read_text() for name in _PRELUDE)

    @cached_property
    def toolchain(self) -> Toolchain:
        """The compiler; raises `CompileError` if there is none."""
        found = find_toolchain()
        load_runtime()
        return found

    @cached_property
    def cache(self) -> KernelCache:
        """The kernels on disk."""
        return KernelCache()

    def __repr__(self) -> str:
        return f"<device {self.name}>"

    def __str__(self) -> str:
        return self.name

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        size = self.pool.rounded(nbytes)
        address, memory = self.pool.take(size)
        block = PooledBlock(self, address, nbytes, memory)
        block.pool = self.pool
        block.size = size
        return block

    def native(self, block: Block, layout: Layout, dtype: np.dtype[Any]) -> Any:
        """See `devarray.device.Device`."""
        if 0 in layout.shape:  # its position may lie outside
            return np.empty(layout.shape, dtype)
        return np.ndarray(layout.shape, dtype, block.memory, layout.offset, layout.strides)  # type: ignore[arg-type]

    def adopt(self, array: Any) -> Block:
        """Return the memory of an ndarray; positions count from its lowest byte."""
        low, high = np.lib.array_utils.byte_bounds(array)
        return Block(self, low, high - low, _Window(array, low, high - low).view())

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function itself: the device's library is NumPy."""
        return function

    def copy_in(self, source: np.ndarray[Any, Any], block: Block) -> None:
        """See `devarray.device.Device`."""
        target: Any = np.ndarray(source.shape, source.dtype, block.memory)  # type: ignore[arg-type]
        target[...] = source

    def copy_out(self, block: Block, layout: Layout, out: np.ndarray[Any, Any]) -> None:
        """See `devarray.device.Device`."""
        out[...] = self.native(block, layout, out.dtype)

    def _flags(self) -> tuple[str, ...]:
        return ("-ffp-contract=fast",) if self._settings.fast_math else ()

    def _text(self, source: str) -> str:
        return source.replace(PRELUDE, self.prelude, 1)

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        if (source, self._settings.fast_math) in self._loaded:
            return True
        return self.cache.find(self._text(source), self.toolchain, self._flags()) is not None

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""
        key = (source, self._settings.fast_math)
        found = self._loaded.get(key)
        if found is not None:
            return found
        text = self._text(source)
        path = self.cache.find(text, self.toolchain, self._flags())
        if path is None:
            start = time.perf_counter()
            path = self.cache.build(text, self.toolchain, self._flags())
            self._seconds += time.perf_counter() - start
            self._compiled += 1
        try:
            library = self._open(path)
        except OSError as error:
            if not self.cache.load_failed(path, error):
                raise
            library = self._open(self.cache.build(text, self.toolchain, self._flags()))
        launcher: Launcher = library.da_kernel
        self._loaded[key] = launcher
        self._libraries.append(library)
        self._dump(source, name, str(path))
        return launcher

    def _open(self, path: Any) -> Any:
        return self._ffi.dlopen(str(path), self._ffi.RTLD_NOW | self._ffi.RTLD_LOCAL)

    def _dump(self, source: str, name: str, path: str) -> None:
        folder = self._settings.dump
        if folder:
            os.makedirs(folder, exist_ok=True)
            stem = os.path.basename(path).removesuffix(".so")[:16]
            with open(os.path.join(folder, f"{name}_{stem}.cpp"), "w") as file:
                file.write(source)

    def threads(self) -> int:
        """See `devarray.device.Device`."""
        return self._threads

    def synchronize(self) -> None:
        """Kernels run in the caller: nothing is ever outstanding."""

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(self._compiled, len(self._loaded) - self._compiled, self._seconds)

    def clear_cache(self) -> None:
        """See `devarray.device.Device`."""
        self._loaded.clear()  # libraries stay loaded: a kernel may be running
        self.cache.clear()

    def info(self) -> dict[str, str]:
        """See `devarray.device.Device`."""
        toolchain = self.toolchain
        parallel = (
            "OpenMP" if toolchain.openmp else "none: no OpenMP runtime, kernels run on one thread"
        )
        return {
            "compiler": f"{' '.join(toolchain.command)} ({toolchain.version})",
            "flags": " ".join(toolchain.flags),
            "threads": f"{self._threads} ({parallel})",
            "vector mathematics": "libmvec"
            if toolchain.simd_math
            else "none: functions of libm one by one",
            "pool": f"{self.pool.kept} bytes kept of at most {self.pool.limit}",
        }


class _Window:
    """Bytes of an array's memory, in C terms; keeps the array alive."""

    def __init__(self, array: Any, start: int, nbytes: int) -> None:
        self.array = array
        self.__array_interface__ = {
            "version": 3,
            "shape": (nbytes,),
            "typestr": "|u1",
            "data": (start, not array.flags.writeable),
        }

    def view(self) -> Any:
        """Return the bytes as an ndarray."""
        return np.asarray(self)


def _default_threads() -> int:
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if text.isdigit() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_device() -> OpenMP:
    """Return the device."""
    return OpenMP()
