"""What the devices `cuda` and `hip` share: memory, streams and functions of CuPy, our own launch.

CuPy's ROCm build has CUDA's names over HIP, so one implementation serves both; what differs is in
`Dialect`. Kernels are loaded and launched by the driver, called through cffi: CuPy's own way from a
Python call to the driver costs several times as much.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped,unused-ignore]
import numpy as np

from devarray.backends.arguments import fit_arguments
from devarray.backends.counterparts import find_counterpart
from devarray.config import current
from devarray.device import (
    Block,
    CompileStatistics,
    Device,
    Launcher,
    Launches,
    Native,
)
from devarray.errors import DeviceError, DeviceMemoryError
from devarray.kernels.cache import KernelCache, read_sealed
from devarray.kernels.spec import PRELUDE, THREADS
from devarray.layout import Layout
from devarray.pool import MemoryStatistics
from devarray.registry import Found
from devarray.streams import Event, Stream

__all__ = ["Compiler", "CupyDevice", "Dialect", "problem_of", "survey_of"]

TO_DEVICE, TO_HOST = 1, 2  # the kinds of a copy, as both runtimes number them
NO_DEVICE, NO_MEMORY = 100, 2  # numbers of errors, which are the same in both


class Compiler(NamedTuple):
    """What makes code of a text, for the disk cache.

    Attributes
    ----------
    identity : str
        What decides over the code besides the text: the compiler's version, flags, architecture.
    build : callable
        ``build(text, flags) -> bytes``.
    """

    identity: str
    build: Callable[[str, Sequence[str]], bytes]

    def compile(self, source: str, output: Path, extra_flags: Sequence[str] = ()) -> None:
        """Write the code of a text to a file."""
        output.write_bytes(self.build(source, extra_flags))


class Dialect(NamedTuple):
    """In what `cuda` and `hip` differ.

    Attributes
    ----------
    name : str
        Of the backend.
    is_hip : bool
        Which build of CuPy it needs.
    driver : tuple of str
        Names of the driver's library.
    prefix : str
        Of the driver's functions.
    prelude : tuple of str
        The files that stand before each kernel.
    remedy : str
        How to install the library.
    dlpack : int
    compiler : callable
        ``compiler(architecture) -> Compiler``.
    fast : tuple of str
        Flags for fast mathematics.
    """

    name: str
    is_hip: bool
    driver: tuple[str, ...]
    prefix: str
    prelude: tuple[str, ...]
    remedy: str
    dlpack: int
    compiler: Callable[[str], Compiler]
    fast: tuple[str, ...]


# ---- the driver


_DRIVER = """
int {p}ModuleLoadData(void **module, const void *image);
int {p}ModuleUnload(void *module);
int {p}ModuleGetFunction(void **function, void *module, const char *name);
int {launch}(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, unsigned shared, void *stream, void **arguments, void **extra);
"""
_NAMES = {
    "cu": "int cuGetErrorName(int error, const char **text);"
    "int cuGetErrorString(int error, const char **text);",
    "hip": "const char *hipGetErrorName(int error); const char *hipGetErrorString(int error);",
}


class Driver:
    """The few functions of the driver that launch kernels."""

    def __init__(self, dialect: Dialect) -> None:
        launch = f"{dialect.prefix}{'Module' if dialect.is_hip else ''}LaunchKernel"
        self.ffi = cffi.FFI()
        self.ffi.cdef(_DRIVER.format(p=dialect.prefix, launch=launch) + _NAMES[dialect.prefix])
        self._library = _load(self.ffi, dialect)
        self._prefix = dialect.prefix
        self._name = dialect.name
        self._launch = getattr(self._library, launch)
        self._none = self.ffi.NULL

    def _get(self, name: str) -> Any:
        return getattr(self._library, self._prefix + name)

    def check(self, status: int, what: str) -> None:
        """Raise if a call failed."""
        if not status:
            return
        texts = []
        for kind in ("Name", "String"):
            if self._prefix == "cu":
                text = self.ffi.new("const char **")
                self._get(f"GetError{kind}")(status, text)
                texts.append(text[0])
            else:
                texts.append(self._get(f"GetError{kind}")(status))
        name, words = (self.ffi.string(text).decode() if text else "unknown" for text in texts)
        raise DeviceError(f"{self._name}: {what} failed: {name} ({status}): {words}")

    def load(self, code: bytes) -> Any:
        """Return a module made of code for the current device."""
        module = self.ffi.new("void **")
        self.check(self._get("ModuleLoadData")(module, code), "loading a kernel")
        return module[0]

    def unload(self, module: Any) -> None:
        """Free a module."""
        self._get("ModuleUnload")(module)

    def function(self, module: Any, name: str) -> Any:
        """Return a kernel of a module."""
        function = self.ffi.new("void **")
        status = self._get("ModuleGetFunction")(function, module, name.encode())
        self.check(status, f"finding the kernel {name}")
        return function[0]

    def launch(self, function: Any, blocks: int, stream: int, arguments: Any, name: str) -> None:
        """Put a kernel with one argument into a stream."""
        status = self._launch(
            function, blocks, 1, 1, THREADS, 1, 1, 0,
            self.ffi.cast("void *", stream), arguments, self._none,
        )  # fmt: skip
        if status:
            self.check(status, f"launching the kernel {name} over {blocks} blocks")


def _load(ffi: Any, dialect: Dialect) -> Any:
    for name in dialect.driver:
        try:
            return ffi.dlopen(name)
        except OSError:
            continue
    raise DeviceError(f"{dialect.name}: no driver: {dialect.driver[0]} cannot be loaded")


@cache
def _driver(dialect: Dialect) -> Driver:
    return Driver(dialect)


# ---- finding devices


def problem_of(dialect: Dialect) -> str:
    """Return why no device of this kind can be used on this machine, with the remedy, or ""."""
    try:
        _driver(dialect)
    except DeviceError as error:
        kind = "AMD GPU and its driver (ROCm)" if dialect.is_hip else "NVIDIA GPU and its driver"
        return f"{str(error).partition(': ')[2]}; it comes with an {kind}"
    if importlib.util.find_spec("cupy") is None:
        return f"CuPy is not installed: {dialect.remedy}"
    try:
        import cupy  # noqa: PLC0415 - it takes a second to load
    except ImportError as error:
        return f"CuPy cannot be imported ({error}): {dialect.remedy}"
    runtime = cupy.cuda.runtime
    if bool(runtime.is_hip) is not dialect.is_hip:
        other = "ROCm" if runtime.is_hip else "CUDA"
        return f"the CuPy that is installed is built for {other}: {dialect.remedy}"
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if error.status == NO_DEVICE:
            return f"the driver finds no device ({error})"
        needs = runtime.runtimeGetVersion()
        wanted = f"{needs // 1000}.{needs % 1000 // 10}"
        return (
            f"{error}; CuPy is built for version {wanted}: update the driver, or {dialect.remedy}"
        )
    return "" if count else "the driver finds no device"


def survey_of(dialect: Dialect) -> list[Found]:
    """Return every device of this kind, and why it cannot be used if it cannot."""
    problem = problem_of(dialect)
    if problem:
        return [Found(dialect.name, problem)]
    import cupy  # noqa: PLC0415

    count = cupy.cuda.runtime.getDeviceCount()
    return [Found(f"{dialect.name}:{k}" if k else dialect.name) for k in range(count)]


# ---- streams and events


class CupyEvent(Event):
    """An event of CuPy's."""

    native: Any = None  # until it is recorded

    def mark(self, stream: Stream) -> None:
        """See `devarray.streams.Event`."""
        assert isinstance(stream, CupyStream)
        self.device.use()  # an event is of the device that is the current one when it is made
        with self.device.errors():
            if self.native is None:
                self.native = self.device.cupy.cuda.Event()
            self.native.record(stream.cupy)

    @property
    def done(self) -> bool:
        """Whether the event has happened; one that was never recorded has."""
        return self.native is None or bool(self.native.done)

    def synchronize(self) -> None:
        """See `devarray.streams.Event`."""
        if self.native is not None:
            with self.device.errors():
                self.native.synchronize()

    def elapsed_ms(self, end: Event) -> float:
        """See `devarray.streams.Event`."""
        if not isinstance(end, CupyEvent) or end.device is not self.device:
            raise TypeError(f"end must be an event of {self.device.name}, got {end!r}")
        for event, which in ((self, "first"), (end, "second")):
            if event.native is None:
                raise ValueError(f"the {which} event was not recorded")
            if not event.done:
                raise ValueError(f"the {which} event has not happened yet")
        with self.device.errors():
            return float(self.device.cupy.cuda.get_elapsed_time(self.native, end.native))


class CupyStream(Stream):
    """A stream of CuPy's. The default stream is that of whatever device is the current one."""

    cupy: Any

    @property
    def native(self) -> int:
        """The address of the `cudaStream_t`, 0 for the default stream."""
        return int(self.cupy.ptr)

    @property
    def done(self) -> bool:
        """Whether everything in the stream has finished."""
        self.device.use()
        return bool(self.cupy.done)

    def synchronize(self) -> None:
        """See `devarray.streams.Stream`."""
        self.device.use()
        with self.device.errors():
            self.cupy.synchronize()

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        if not isinstance(event, CupyEvent):
            raise TypeError(f"a stream of {self.device.name} cannot wait for {event!r}")
        if event.native is not None:
            self.device.use()
            with self.device.errors():
                self.cupy.wait_event(event.native)


# ---- memory and kernels


class Errors:
    """A context in which errors of the runtime become `DeviceError`."""

    def __init__(self, device: CupyDevice) -> None:
        self.device = device

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, self.device.cupy.cuda.runtime.CUDARuntimeError):
            raise DeviceError(
                f"{self.device.name}: work that was put into a stream failed: {error}; the last "
                f"kernel launched was {self.device.last_kernel or 'none'}. After most such errors "
                "the process cannot use the device any more"
            ) from error


class CupyBlock(Block):
    """A block of CuPy's memory."""

    __slots__ = ("home",)

    device: CupyDevice
    home: Stream

    def __del__(self) -> None:
        device = self.device
        if not device.several_streams or device.lost:
            return
        # CuPy gives the memory to what comes next in the stream that it was taken in
        others = [user for user in device.users(self) if user[0] is not self.home]
        if others:  # this may run anywhere, where another device is the current one
            runtime = device.cupy.cuda.runtime
            before = runtime.getDevice()
            for user in others:
                self.home.follow(*user)
            runtime.setDevice(before)


class CupyMemory:
    """CuPy's pool as `devarray.pool.Pool`. There is one, which acts for the current device.

    Parameters
    ----------
    pool : cupy.cuda.MemoryPool
    use : callable
        Makes the device the current one.
    """

    def __init__(self, pool: Any, use: Callable[[], None]) -> None:
        self._pool = pool
        self._use = use
        self._peak = 0
        self.allocations = 0

    @property
    def limit(self) -> int:
        """The most bytes that arrays and the pool may hold together; 0 means no limit."""
        self._use()
        return int(self._pool.get_limit())

    @limit.setter
    def limit(self, nbytes: int) -> None:
        if nbytes < 0:
            raise ValueError(f"a limit is a number of bytes, or 0 for none; got {nbytes}")
        self._use()
        self._pool.set_limit(size=nbytes)

    def taken(self) -> None:
        """Note that an array was made."""
        self.allocations += 1
        used = self._pool.used_bytes()
        if used > self._peak:
            self._peak = used

    def statistics(self) -> MemoryStatistics:
        """Return the numbers of now; those of CuPy's own arrays count as well."""
        limit = self.limit
        used, free = self._pool.used_bytes(), self._pool.free_bytes()
        self._peak = max(self._peak, used)
        return MemoryStatistics(used, free, self._peak, limit, self.allocations, 0)

    def reset_peak(self) -> None:
        """Let the peak begin anew at what is used now."""
        self._use()
        self._peak = self._pool.used_bytes()

    def clear(self) -> None:
        """Return all kept memory to the system."""
        self._use()
        self._pool.free_all_blocks()


class Module:
    """The kernels of one text."""

    def __init__(self, driver: Driver, code: bytes, name: str) -> None:
        self.name = name
        self.stream = 0
        self._driver = driver
        self._module = driver.load(code)  # for good: a kernel may always be waiting in a stream
        self._functions: dict[str, Any] = {}

    def __call__(self, arguments: bytes, launches: Launches = ()) -> None:
        """Put the kernels into the stream."""
        driver = self._driver
        packed = driver.ffi.new("void *[]", [driver.ffi.from_buffer(arguments)])
        for name, blocks in launches:
            function = self._functions.get(name)
            if function is None:
                function = self._functions[name] = driver.function(self._module, name)
            driver.launch(function, blocks, self.stream, packed, self.name)


class CupyDevice(Device):
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
        self.lost = False
        self.last_kernel = ""
        self._capturing: Any = None
        self.use()
        self._facts = cupy.cuda.runtime.getDeviceProperties(index)
        self.driver = _driver(dialect)
        self.memory = CupyMemory(cupy.get_default_memory_pool(), self.use)
        self._compiler = dialect.compiler(self.architecture)
        self._cache = KernelCache()
        self._loaded: dict[tuple[str, bool], Module] = {}
        self._compiled = 0
        self._seconds = 0.0
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

    def lose(self, why: str) -> None:
        """See `devarray.device.Device`."""
        self.lost = True
        super().lose(why)

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
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            name = getattr(function, "__name__", "a function")
            raise self._no_memory(f"what {name} needs ({error})") from None

    def pinned(self, nbytes: int) -> np.ndarray[Any, Any]:
        """See `devarray.device.Device`."""
        self.use()
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
        if 0 in layout.shape:
            return
        self.use()
        stream = self.order((block,), ())
        direct = layout.dense and out.flags.c_contiguous
        target = out if direct else np.empty(layout.shape, out.dtype)
        address, compact = block.address + layout.offset, None
        if not layout.dense:
            compact = self.cupy.ascontiguousarray(self.native(block, layout, out.dtype))
            address = compact.data.ptr
        self._copy(target.ctypes.data, address, target.nbytes, TO_HOST, stream)
        if wait or not direct:
            stream.synchronize()
        if not direct:
            out[...] = target

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

    def _key(self, source: str) -> tuple[str, bool]:
        return source, current().fast_math

    def _flags(self) -> tuple[str, ...]:
        return self.dialect.fast if current().fast_math else ()

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        if self._key(source) in self._loaded:
            return True
        return self._cache.find(self._text(source), self._compiler, self._flags()) is not None

    def _text(self, source: str) -> str:
        return source.replace(PRELUDE, _prelude(self.dialect.prelude), 1)

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""
        found = self._loaded.get(self._key(source))
        if found is not None:
            return found
        text = self._text(source)
        path = self._cache.find(text, self._compiler, self._flags())
        if path is None:
            start = time.perf_counter()
            path = self._cache.build(text, self._compiler, self._flags())
            self._seconds += time.perf_counter() - start
            self._compiled += 1
        self.use()
        code = read_sealed(str(path.parent), path.name)
        if code is None:  # somebody emptied the folder just now
            code = self._compiler.build(text, self._flags())
        module = self._loaded[self._key(source)] = Module(self.driver, code, name)
        self.dump(source, name)
        return module

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
        if self._capturing is not None:
            module.stream = self._capturing.ptr
        elif self.several_streams:
            module.stream = self.order(reads, writes).native
        else:
            module.stream = self.default_stream.native
        self.last_kernel = module.name
        module(arguments, launches)

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

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(self._compiled, len(self._loaded) - self._compiled, self._seconds)

    def clear_cache(self) -> None:
        """See `devarray.device.Device`."""
        self._loaded.clear()  # modules stay loaded: a kernel may be waiting in a stream
        self._cache.clear()

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
            "library": f"CuPy {self.cupy.__version__}",
        }


@cache
def _prelude(files: tuple[str, ...]) -> str:
    folder = resources.files("devarray.kernels").joinpath("include")
    return "".join(folder.joinpath(name).read_text() for name in files)
