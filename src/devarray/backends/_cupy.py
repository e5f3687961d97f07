"""What the devices `cuda` and `hip` share: memory and functions of CuPy, our own launch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from devarray.backends._cupy_driver import (
    Compiler,
    Dialect,
    Module,
    driver_of,
    problem_of,
    survey_of,
)
from devarray.backends._cupy_parts import CupyEvent, CupyMemory, CupyStream, Errors
from devarray.backends._cupy_raw import CupyCode, limits_of
from devarray.backends._cupy_text import Declarations, RawCompiler, compile_raw
from devarray.backends.arguments import fit_arguments
from devarray.backends.caching import CachingDevice
from devarray.backends.copying import copy_out
from devarray.backends.counterparts import find_counterpart, path_of
from devarray.device import Block, Launcher, Launches, Native
from devarray.errors import DeviceError, DeviceMemoryError, UnsupportedError
from devarray.kernels.sealed import read_sealed
from devarray.layout import Layout
from devarray.modules import Limits, RawCode, RawSource
from devarray.streams import Event, Stream

__all__ = ["CupyDevice"]

TO_DEVICE, TO_HOST = 1, 2  # the kinds of a copy, as both runtimes number them
_PCI = ("domain", "bus", "device")  # where the device is on the PCI bus
NO_MEMORY = 2  # the number of an error, likewise
UNKNOWN_MEMORY, DEVICE_MEMORY = 0, 2  # what CUDA knows of an address


class CupyBlock(Block):
    """A block of CuPy's memory."""

    __slots__ = ("home",)

    device: CupyDevice
    home: Stream

    def __del__(self) -> None:
        device = self.device
        if not device.several_streams or device.unusable:
            return
        # CuPy gives the memory to what comes next in the stream that it was taken in
        others = [user for user in device.users(self) if user[0] is not self.home]
        if others:  # this may run anywhere, where another device is the current one
            runtime = device.cupy.cuda.runtime
            before = runtime.getDevice()
            for user in others:
                self.home.follow(*user)
            runtime.setDevice(before)


class CupyDevice(CachingDevice):
    """See `devarray.device.Device`."""

    grid = True
    packs = True
    has_cuda_interface = True
    dialect: Dialect
    default_stream: CupyStream
    memory: CupyMemory

    def setup(self, index: int) -> None:
        """See `devarray.device.Device`."""
        dialect = self.dialect
        problem = problem_of(dialect)
        if problem:
            raise DeviceError(f"{dialect.name}: {problem}")
        import cupy  # noqa: PLC0415 - it takes a second to load

        self.cupy = self.xp = cupy
        self.name = f"{dialect.name}:{index}" if index else dialect.name
        self.index = index
        self.dlpack_type = dialect.dlpack
        count = cupy.cuda.runtime.getDeviceCount()
        if index >= count:
            names = ", ".join(place.name for place in survey_of(dialect))
            raise DeviceError(
                f"no device named {self.name!r}; of {dialect.name} there are: {names}"
            )
        self._alone = count == 1
        self._threads = threading.local()
        self.last_kernel = ""
        self._capturing: Any = None
        self.use()
        self._facts = cupy.cuda.runtime.getDeviceProperties(index)
        self.driver = driver_of(dialect)
        self.memory = CupyMemory(cupy.get_default_memory_pool(), self.use)
        self.prelude = dialect.prelude
        self._compiler = dialect.compiler(self.architecture)
        self.fast = dialect.fast
        self._begin()

    @property
    def architecture(self) -> str:
        """What kernels are compiled for."""
        if self.dialect.is_hip:
            name: bytes = self._facts["gcnArchName"]
            return name.decode().partition(":")[0]
        return f"sm_{self._facts['major']}{self._facts['minor']}"

    def use(self) -> None:
        """Make this device the current one of the runtime, for this thread.

        The driver's functions need a context besides, which a thread gets from the first function
        of the runtime that uses the device; `memGetInfo` is what CuPy calls for that as well.
        """
        known = getattr(self._threads, "known", False)
        if known and self._alone:
            return
        runtime = self.cupy.cuda.runtime
        with self.errors():
            runtime.setDevice(self.index)
            if not known:
                runtime.memGetInfo()
                self._threads.known = True

    def errors(self) -> Errors:
        """Return a context in which errors of the runtime become ours."""
        return Errors(self)

    def push_stream(self, stream: Stream) -> None:
        """See `devarray.device.Device`; CuPy's functions follow."""
        super().push_stream(stream)
        self._make_current()

    def pop_stream(self) -> None:
        """See `devarray.device.Device`."""
        super().pop_stream()
        self._make_current()

    def _make_current(self) -> None:
        self.use()
        stream = self.current_stream()
        assert isinstance(stream, CupyStream)
        stream.cupy.use()

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        self.use()
        memory = self._allocate(max(nbytes, 1))
        block = CupyBlock(self, memory.ptr, nbytes, memory)
        block.home = self.current_stream()
        if self.several_streams:  # where the memory may still be in use, by whoever had it before
            block.written = block.home, block.home.count
        self.memory.taken()
        return block

    def _allocate(self, nbytes: int) -> Any:
        cuda = self.cupy.cuda
        try:
            return cuda.alloc(nbytes)  # CuPy frees what its pool keeps before it gives up
        except cuda.memory.OutOfMemoryError:
            raise self._no_memory(f"an array of {nbytes} bytes") from None

    def _no_memory(self, what: str) -> DeviceMemoryError:
        free, total = self.cupy.cuda.runtime.memGetInfo()
        now = self.memory.statistics()
        limit = f" of a limit of {now.limit}" if now.limit else ""
        return DeviceMemoryError(
            f"{self.name}: no memory for {what}: {free} of the device's {total} bytes are free; "
            f"arrays hold {now.used} bytes{limit}, and {now.free} more are parts of blocks that "
            "arrays lie in. Delete arrays, or work on smaller parts"
        )

    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """See `devarray.device.Device`; CuPy's arrays are always writeable."""
        self.use()
        if self.several_streams:
            self.order((), (block,))
        if 0 in layout.shape:
            return self.cupy.empty(layout.shape, dtype)
        memory: Any = block.memory
        return self.cupy.ndarray(layout.shape, dtype, memory + layout.offset, layout.strides)

    def adopt(self, array: Any) -> Block:
        """See `devarray.device.Device`."""
        memory = array.data.mem
        if memory.device_id != self.index:
            raise DeviceError(
                f"memory of device {memory.device_id} cannot be used on {self.name}: copy it first"
            )
        block = CupyBlock(self, memory.ptr, memory.size, self.cupy.cuda.MemoryPointer(memory, 0))
        block.home = self.current_stream()
        if self.several_streams:
            self.order((), (block,))  # it was written in the current stream, just now
        return block

    def at(self, address: int, nbytes: int, owner: object = None) -> Block:
        """See `devarray.device.Device`.

        Raises
        ------
        DeviceError
            If the memory is another device's.
        ValueError
            If it is none that a GPU can use.
        """
        self.use()
        if not isinstance(owner, CupyCode):
            self._check_address(address)
        memory = self.cupy.cuda.UnownedMemory(address, nbytes, owner, self.index)
        block = CupyBlock(self, address, nbytes, self.cupy.cuda.MemoryPointer(memory, 0))
        block.home = self.current_stream()
        if self.several_streams:
            self.order((), (block,))  # what was written in the current stream is there
        return block

    def _check_address(self, address: int) -> None:
        """Raise for memory that kernels cannot use: an access to it would end the context."""
        if self.dialect.is_hip:  # its runtime raises, or not, and kinds have other numbers
            return
        found = self.cupy.cuda.runtime.pointerGetAttributes(address)
        if found.type == UNKNOWN_MEMORY:
            if not self._facts.get("pageableMemoryAccess"):
                raise ValueError(
                    f"{hex(address)} is no address in memory that {self.name} can use: copy a host "
                    "array to the device with devarray.to_gpu(x)"
                )
        elif found.type == DEVICE_MEMORY and found.device != self.index:
            raise DeviceError(
                f"memory of device {found.device} cannot be used on {self.name}: copy it first"
            )

    @cached_property
    def limits(self) -> Limits:
        """See `devarray.device.Device`."""
        return limits_of(self._facts)

    @property
    def plain_shared_bytes(self) -> int:
        """The shared memory that a block may have without its kernel being told so."""
        return int(self._facts["sharedMemPerBlock"])

    @cached_property
    def raw_compiler(self) -> RawCompiler:
        """What compiles users' texts."""
        found: RawCompiler = self.dialect.raw(self.architecture)
        return found

    def load_raw(self, source: RawSource) -> RawCode:
        """See `devarray.device.Device`."""
        return CupyCode(self, source)

    def raw_binary(self, source: RawSource, architecture: str = "", ptx: bool = False) -> bytes:
        """See `devarray.device.Device`."""
        wanted = architecture or self.architecture
        wanted = wanted.replace("sm_", "compute_") if ptx else wanted
        source = source._replace(options=(*source.options, f"-arch={wanted}"))
        declared = Declarations(source.text)
        return compile_raw(source, declared, self.raw_compiler, self.cache).code

    def describe(self, array: Any) -> Native | None:
        """See `devarray.device.Device`."""
        if not isinstance(array, self.cupy.ndarray):
            return None
        return Native(array.data.ptr, array.strides)

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """See `devarray.device.Device`."""
        found = find_counterpart(function, self.cupy, self.cupy.ndarray, self.name)
        return partial(self._call, function, found)

    def _call(self, function: Any, found: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call CuPy's counterpart of a function on this device."""
        self.use()
        if found is not function:
            library = f"{self.cupy.__name__}, the library of device {self.name},"
            args, options = fit_arguments(function, found, args, options, library)
        try:
            with self.errors():
                return found(*args, **options)
        except NotImplementedError as error:
            raise UnsupportedError(
                f"{self.cupy.__name__}, the library of device {self.name}, has only a part of "
                f"{path_of(function)}: {error}"
            ) from error
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            name = getattr(function, "__name__", "a function")
            raise self._no_memory(f"what {name} needs ({error})") from None

    def pinned(self, nbytes: int) -> np.ndarray[Any, Any]:
        """See `devarray.device.Device`."""
        self.use()
        with self.errors():
            try:
                memory = self.cupy.cuda.alloc_pinned_memory(max(nbytes, 1))
            except self.cupy.cuda.runtime.CUDARuntimeError as error:
                if error.status != NO_MEMORY:
                    raise
                raise DeviceMemoryError(
                    f"{self.name}: no pinned memory of {nbytes} bytes: {error}"
                ) from None
        return np.frombuffer(memory, np.uint8, nbytes)

    def _copy(self, target: int, source: int, nbytes: int, kind: int, stream: Stream) -> None:
        with self.errors():
            self.cupy.cuda.runtime.memcpyAsync(target, source, nbytes, kind, stream.native)

    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        self.use()
        stream = self.order((), (block,))
        self._copy(block.address + offset, source.ctypes.data, source.nbytes, TO_DEVICE, stream)
        if wait:
            stream.synchronize()

    def copy_out(
        self, block: Block, layout: Layout, out: np.ndarray[Any, Any], wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        copy_out(self, self._fetch, block, layout, out, wait)

    def _fetch(self, address: int, host: np.ndarray[Any, Any], wait: bool) -> None:
        self.use()
        stream = self.current_stream()
        self._copy(host.ctypes.data, address, host.nbytes, TO_HOST, stream)
        if wait:
            stream.synchronize()

    def copy_between(self, source: Block, offset: int, target: Block) -> bool:
        """See `devarray.device.Device`: between devices of one runtime, without the host."""
        other = source.device
        if not isinstance(other, CupyDevice):
            return False
        done = other.order((source,), ()).record()
        self.use()
        stream = self.order((), (target,))
        stream.wait(done)
        with self.errors():
            self.cupy.cuda.runtime.memcpyPeerAsync(
                target.address,
                self.index,
                source.address + offset,
                other.index,
                target.nbytes,
                stream.native,
            )
        other.current_stream().wait(stream.record())  # before it writes to the source again
        return True

    @property
    def compiler(self) -> Compiler:
        """See `devarray.backends.caching.CachingDevice`."""
        return self._compiler

    def load(self, path: Path, text: str, name: str) -> Launcher:
        """See `devarray.backends.caching.CachingDevice`."""
        self.use()
        code = read_sealed(str(path.parent), path.name)
        if code is None:  # somebody emptied the folder just now
            code = self._compiler.build(text, self.flags())
        return Module(self.driver, code, name)

    def launch(
        self,
        kernel: Launcher,
        arguments: bytes,
        launches: Launches,
        reads: list[Block],
        writes: list[Block],
    ) -> None:
        """See `devarray.device.Device`."""
        self.use()
        module: Any = kernel
        module.stream = self.stream_of_launch(reads, writes)
        self.last_kernel = module.name
        module(arguments, launches)

    def stream_of_launch(self, reads: Sequence[Block], writes: Sequence[Block]) -> int:
        """Return the stream for a launch, which waits for what is under way in the blocks."""
        if self._capturing is not None:
            return int(self._capturing.ptr)
        if self.several_streams:
            stream = self.order(reads, writes)
            assert isinstance(stream, CupyStream)
            return stream.native
        return self.default_stream.native

    def make_graph(self, run: Callable[[], None], blocks: list[Block]) -> Callable[[], None]:
        """See `devarray.device.Device`: a graph of CUDA's, if the launches can be captured."""
        self.use()
        runtime = self.cupy.cuda.runtime
        stream = self.cupy.cuda.Stream(non_blocking=True)
        try:
            stream.begin_capture()
        except RuntimeError:  # CuPy 13 has none of it for ROCm
            return run
        self._capturing = stream
        try:
            run()
        finally:
            self._capturing = None
            try:
                graph = stream.end_capture()
            except runtime.CUDARuntimeError:
                graph = None
        if graph is None:  # something in it cannot be captured
            return run

        def replay() -> None:
            self.use()
            graph.launch(stream=self.order((), blocks).cupy)  # type: ignore[attr-defined]

        return replay

    def make_stream(self) -> Stream:
        """See `devarray.device.Device`."""
        self.use()
        stream = CupyStream(self)
        streams = self.cupy.cuda.Stream
        stream.cupy = streams(non_blocking=True) if self.several_streams else streams.null
        return stream

    def new_event(self) -> Event:
        """See `devarray.device.Device`."""
        return CupyEvent(self)

    @property
    def properties(self) -> dict[str, Any]:
        """See `devarray.device.Device`."""
        facts = self._facts
        version = self.cupy.cuda.runtime.driverGetVersion()
        return {
            "device": facts["name"].decode(),
            "capability": self.architecture,
            "driver": version,
            "memory": facts["totalGlobalMem"],
            "compute_units": facts["multiProcessorCount"],
            **{f"pci_{part}": facts.get(f"pci{part.capitalize()}ID", -1) for part in _PCI},
            "library": f"CuPy {self.cupy.__version__}",
        }
