"""The host as a device: C++ kernels through the system's compiler, memory from a pool.

Its library is NumPy.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped,unused-ignore]
import numpy as np

from devarray.backends.caching import CachingDevice
from devarray.backends.pooled import take
from devarray.backends.workers import CallerStream, HostEvent, Work, WorkerStream
from devarray.config import Settings, default_threads, on_change
from devarray.device import Block, Launcher, Launches, Native
from devarray.errors import DeviceError
from devarray.kernels.toolchain import Toolchain, find_toolchain, load_runtime
from devarray.layout import Layout, bytes_at
from devarray.modules import RawCode, RawSource
from devarray.pool import ALIGNMENT, MemoryPool
from devarray.registry import Found
from devarray.streams import Event, Stream

__all__ = ["OpenMP", "open_device"]


def _allocate(size: int) -> tuple[int, Any]:
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = memory.__array_interface__["data"][0]
    skip = -start % ALIGNMENT
    return start + skip, memory[skip : skip + size]


class OpenMP(CachingDevice):
    """See `devarray.device.Device`."""

    name = "openmp"
    shares_host_memory = True
    xp: Any = np
    dlpack_type = 1
    prelude = ("prelude_openmp.h", "scalar.h", "reduce.h", "parallel_openmp.h")
    fast = ("-ffp-contract=fast",)

    def setup(self, index: int) -> None:
        """See `devarray.device.Device`."""
        self.memory: MemoryPool = MemoryPool(self.name, _allocate)
        self._ffi = cffi.FFI()
        self._ffi.cdef("void da_kernel(const char *);")
        self._libraries: list[Any] = []
        self._begin()
        on_change(self._follow)

    def _follow(self, settings: Settings) -> None:
        self._threads = settings.threads or default_threads()

    @cached_property
    def compiler(self) -> Toolchain:
        """The compiler; raises `CompileError` if there is none."""
        found = find_toolchain()
        load_runtime()
        return found

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        return take(self, self.memory, nbytes)

    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """See `devarray.device.Device`."""
        if self.several_streams:
            for stream, _ in self.users(block):
                stream.synchronize()
        if 0 in layout.shape:  # its position may lie outside
            return np.empty(layout.shape, dtype)
        memory: Any = block.memory
        view: Any = np.ndarray(layout.shape, dtype, memory, layout.offset, layout.strides)
        if not writeable:
            view.flags.writeable = False
        return view

    def adopt(self, array: Any) -> Block:
        """Return the memory of an ndarray; positions count from its lowest byte."""
        low, high = np.lib.array_utils.byte_bounds(array)
        return Block(self, low, high - low, bytes_at(low, high - low, array, array.flags.writeable))

    def describe(self, array: Any) -> Native | None:
        """See `devarray.device.Device`."""
        if not isinstance(array, np.ndarray):
            return None
        return Native(array.__array_interface__["data"][0], array.strides)

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function itself: the device's library is NumPy."""
        return function

    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        memory: Any = block.memory
        target: Any = np.ndarray(source.shape, source.dtype, memory, offset)
        self._copy(target, source, (), (block,), wait)

    def copy_out(
        self, block: Block, layout: Layout, out: np.ndarray[Any, Any], wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        if 0 in layout.shape:
            return
        memory: Any = block.memory
        source: Any = np.ndarray(layout.shape, out.dtype, memory, layout.offset, layout.strides)
        self._copy(out, source, (block,), (), wait)

    def _copy(
        self, out: Any, source: Any, reads: tuple[Block, ...], writes: tuple[Block, ...], wait: bool
    ) -> None:
        if not self.several_streams:
            out[...] = source
            return
        stream = self.order(reads, writes)
        _put(stream, partial(_assign, out, source, (reads, writes)))
        if wait:
            stream.synchronize()

    def load(self, path: Path, text: str, name: str) -> Launcher:
        """See `devarray.backends.caching.CachingDevice`."""
        try:
            library = self._open(path)
        except OSError as error:
            if not self.cache.load_failed(path, error):
                raise
            library = self._open(self.cache.build(text, self.compiler, self.flags()))
        self._libraries.append(library)
        launcher: Launcher = library.da_kernel
        return launcher

    def _open(self, path: Path) -> Any:
        return self._ffi.dlopen(str(path), self._ffi.RTLD_NOW | self._ffi.RTLD_LOCAL)

    def threads(self) -> int:
        """See `devarray.device.Device`."""
        return self._threads

    def launch(
        self,
        kernel: Launcher,
        arguments: bytes,
        launches: Launches,
        reads: list[Block],
        writes: list[Block],
    ) -> None:
        """See `devarray.device.Device`."""
        if not self.several_streams:
            kernel(arguments)
            return
        _put(self.order(reads, writes), partial(_run, kernel, arguments, (reads, writes)))

    def at(self, address: int, nbytes: int, owner: object = None) -> Block:
        """See `devarray.device.Device`."""
        return Block(self, address, nbytes, bytes_at(address, nbytes, owner))

    def load_raw(self, source: RawSource) -> RawCode:
        """See `devarray.device.Device`."""
        if source.engine == "opencl":
            from devarray.backends._opencl_raw import processor_code  # noqa: PLC0415

            return processor_code(source, self._do)
        from devarray.backends.host_raw import HostCode  # noqa: PLC0415 - not all programs need it

        return HostCode(source, self._do, self.threads)

    def _do(
        self, reads: Sequence[Block], writes: Sequence[Block], work: Callable[[], None]
    ) -> None:
        """Do a piece of work on the current stream."""
        if self.several_streams:
            _put(self.order(reads, writes), work)
        else:
            work()

    def make_stream(self) -> Stream:
        """Return the default stream, which is the caller, and after it threads."""
        return WorkerStream.start(self) if self.several_streams else CallerStream(self)

    def new_event(self) -> Event:
        """See `devarray.device.Device`."""
        return HostEvent(self)

    def forked(self) -> None:
        """Nothing is lost but the threads of streams."""
        self._local = threading.local()

    @property
    def properties(self) -> dict[str, Any]:
        """See `devarray.device.Device`."""
        toolchain = self.compiler
        parallel = (
            "OpenMP" if toolchain.openmp else "none: no OpenMP runtime, kernels run on one thread"
        )
        return {
            "device": _processor(),
            "capability": platform.machine(),
            "compiler": f"{' '.join(toolchain.command)} ({toolchain.version})",
            "flags": " ".join(toolchain.flags),
            "threads": f"{self._threads} ({parallel})",
            "vector mathematics": "libmvec"
            if toolchain.simd_math
            else "none: functions of libm one by one",
            "memory": _memory(),
            "compute_units": os.cpu_count(),
            "pool": f"{self.memory.kept} bytes kept",
        }


def _assign(out: Any, source: Any, kept: Any) -> None:
    out[...] = source


def _run(kernel: Launcher, arguments: bytes, kept: Any) -> None:
    kernel(arguments)


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _processor() -> str:
    """Return what the processor is called."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # there is no such file but on Linux
        pass
    return platform.processor() or platform.machine()


def _put(stream: Stream, work: Work) -> None:
    assert isinstance(stream, (CallerStream, WorkerStream))
    stream.put(work)


def survey() -> list[Found]:
    """Return the one device; it is usable unless there is no compiler."""
    return [Found("openmp")]


def open_device(index: int) -> OpenMP:
    """Return the device."""
    if index:
        raise DeviceError(f"no device named 'openmp:{index}': the host is one device, 'openmp'")
    device = OpenMP()
    device.setup(index)
    return device
