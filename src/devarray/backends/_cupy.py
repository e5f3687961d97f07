"""What the devices `cuda` and `hip` share: memory, streams and functions of CuPy, our own launch.

CuPy's ROCm build has CUDA's names over HIP, so one implementation serves both; what differs is in
`Dialect`. Kernels are loaded and launched by the driver, called through cffi: CuPy's own way from a
Python call to the driver costs several times as much.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped,unused-ignore]
import numpy as np

from devarray.backends.counterparts import find_counterpart
from devarray.config import Settings, on_change
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

TO_DEVICE, TO_HOST, ON_DEVICE = 1, 2, 3  # the kinds of a copy, as both runtimes number them


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

    native: Any = None
    recorded = False

    def mark(self, stream: Stream) -> None:
        """See `devarray.streams.Event`."""
        assert isinstance(stream, CupyStream)
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
        if not isinstance(end, CupyEvent):
            raise TypeError(f"end must be an event of {self.device.name}, got {end!r}")
        for event, which in ((self, "first"), (end, "second")):
            if event.native is None:
                raise ValueError(f"the {which} event was not recorded")
            if not event.done:
                raise ValueError(f"the {which} event has not happened yet")
        return float(self.device.cupy.cuda.get_elapsed_time(self.native, end.native))


class CupyStream(Stream):
    """A stream of CuPy's."""

    cupy: Any

    @property
    def native(self) -> int:
        """The address of the `cudaStream_t`, 0 for the default stream."""
        return int(self.cupy.ptr)

    @property
    def done(self) -> bool:
        """Whether everything in the stream has finished."""
        return bool(self.cupy.done)

    def synchronize(self) -> None:
        """See `devarray.streams.Stream`."""
        with self.device.errors():
            self.cupy.synchronize()

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        assert isinstance(event, CupyEvent)
        if event.native is not None:
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
        if self.device.several_streams:  # CuPy reuses the memory in the stream that it was taken in
            for user in self.device.users(self):
                self.home.follow(*user)


class CupyMemory:
    """CuPy's pool as `devarray.pool.Pool`."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._peak = 0
        self.allocations = 0

    @property
    def limit(self) -> int:
        """The most bytes that arrays and the pool may hold together; 0 means no limit."""
        return int(self._pool.get_limit())

    @limit.setter
    def limit(self, nbytes: int) -> None:
        if nbytes < 0:
            raise ValueError(f"a limit is a number of bytes, or 0 for none; got {nbytes}")
        self._pool.set_limit(size=nbytes)

    def taken(self) -> None:
        """Note that an array was made."""
        self.allocations += 1
        used = self._pool.used_bytes()
        if used > self._peak:
            self._peak = used

    def statistics(self) -> MemoryStatistics:
        """Return the numbers of now; those of CuPy's own arrays count as well."""
        used = self._pool.used_bytes()
        self._peak = max(self._peak, used)
        free = self._pool.free_bytes()
        return MemoryStatistics(used, free, self._peak, self.limit, self.allocations, 0)

    def reset_peak(self) -> None:
        """Let the peak begin anew at what is used now."""
        self._peak = self._pool.used_bytes()

    def clear(self) -> None:
        """Return all kept memory to the system."""
        self._pool.free_all_blocks()


class Module:
    """The kernels of one text."""

    def __init__(self, driver: Driver, code: bytes, name: str) -> None:
        self.name = name
        self.stream = 0
        self._driver = driver
        self._module = driver.load(code)
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
        self.last_kernel = ""
        self._capturing: Any = None
        self._use()
        self._facts = cupy.cuda.runtime.getDeviceProperties(index)
        self.driver = _driver(dialect)
        self.memory = CupyMemory(cupy.get_default_memory_pool())
        self._compiler = dialect.compiler(self.architecture)
        self._cache = KernelCache()
        self._loaded: dict[tuple[str, bool], Module] = {}
        self._compiled = 0
        self._seconds = 0.0
        self._begin()
        on_change(self._follow)

    def _follow(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def architecture(self) -> str:
        """What kernels are compiled for."""
        if self.dialect.is_hip:
            name: bytes = self._facts["gcnArchName"]
            return name.decode().partition(":")[0]
        return f"sm_{self._facts['major']}{self._facts['minor']}"

    def _use(self) -> None:
        """Make this device the current one of the runtime, for this thread."""
        if not self._alone:
            self.cupy.cuda.runtime.setDevice(self.index)

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
        self._use()
        stream = self.current_stream()
        assert isinstance(stream, CupyStream)
        stream.cupy.use()

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        self._use()
        memory = self._allocate(max(nbytes, 1))
        block = CupyBlock(self, memory.ptr, nbytes, memory)
        block.home = self.current_stream()
        self.memory.taken()
        return block

    def _allocate(self, nbytes: int) -> Any:
        cuda = self.cupy.cuda
        try:
            return cuda.alloc(nbytes)
        except cuda.memory.OutOfMemoryError:
            before = self.memory.statistics()
            self.memory.clear()
        try:
            return cuda.alloc(nbytes)
        except cuda.memory.OutOfMemoryError:
            free, total = cuda.runtime.memGetInfo()
            raise DeviceMemoryError(
                f"{self.name}: no memory for an array of {nbytes} bytes: {free} of the device's "
                f"{total} bytes are free; arrays hold {before.used} bytes, and {before.free} bytes "
                "that the pool kept were freed before. Delete arrays, or work on smaller parts"
            ) from None

    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """See `devarray.device.Device`; CuPy's arrays are always writeable."""
        self._use()
        if self.several_streams:
            self.order((), (block,))
        if 0 in layout.shape:
            return self.cupy.empty(layout.shape, dtype)
        memory: Any = block.memory
        return self.cupy.ndarray(layout.shape, dtype, memory + layout.offset, layout.strides)

    def adopt(self, array: Any) -> Block:
        """See `devarray.device.Device`."""
        memory = array.data.mem
        block = CupyBlock(self, memory.ptr, memory.size, self.cupy.cuda.MemoryPointer(memory, 0))
        block.home = self.current_stream()
        return block

    def describe(self, array: Any) -> Native | None:
        """See `devarray.device.Device`."""
        if not isinstance(array, self.cupy.ndarray):
            return None
        return Native(array.data.ptr, array.strides)

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """See `devarray.device.Device`."""
        return find_counterpart(function, self.cupy, self.cupy.ndarray, self.name)

    def pinned(self, nbytes: int) -> np.ndarray[Any, Any]:
        """See `devarray.device.Device`."""
        memory = self.cupy.cuda.alloc_pinned_memory(max(nbytes, 1))
        return np.frombuffer(memory, np.uint8, nbytes)

    def _copy(self, target: int, source: int, nbytes: int, kind: int, stream: Stream) -> None:
        with self.errors():
            self.cupy.cuda.runtime.memcpyAsync(target, source, nbytes, kind, stream.native)

    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        self._use()
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
        self._use()
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
        self._use()
        stream = self.order((), (target,))
        stream.wait(done)
        with self.errors():
            self.cupy.cuda.runtime.memcpyPeerAsync(
                target.address, self.index, source.address + offset, other.index, target.nbytes, stream.native
            )
        return True

    def _key(self, source: str) -> tuple[str, bool]:
        return source, self._settings.fast_math

    def _flags(self) -> tuple[str, ...]:
        return self.dialect.fast if self._settings.fast_math else ()

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
        self._use()
        code = read_sealed(str(path.parent), path.name)
        if code is None:  # somebody emptied the folder just now
            code = self._compiler.build(text, self._flags())
        module = self._loaded[self._key(source)] = Module(self.driver, code, name)
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
        if not self._alone:
            self._use()
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
        self._use()
        stream = self.cupy.cuda.Stream(non_blocking=True)
        try:
            stream.begin_capture()
            self._capturing = stream
            try:
                run()
            finally:
                self._capturing = None
                graph = stream.end_capture()
        except self.cupy.cuda.runtime.CUDARuntimeError:
            return run

        def replay() -> None:
            self._use()
            graph.launch(stream=self.order((), blocks).cupy)  # type: ignore[attr-defined]

        return replay

    def make_stream(self) -> Stream:
        """See `devarray.device.Device`."""
        self._use()
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
