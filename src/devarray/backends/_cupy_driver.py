"""The driver of CUDA and of HIP, called through cffi; what differs between the two; their devices.

CuPy's ROCm build has CUDA's names over HIP, so one implementation serves both. Kernels are loaded
and launched by the driver itself: CuPy's own way from a Python call to it costs several times as
much.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped,unused-ignore]

from devarray.device import Launches
from devarray.errors import DeviceError
from devarray.kernels.spec import THREADS
from devarray.registry import Found

__all__ = ["Compiler", "Dialect", "Driver", "Module", "driver_of", "problem_of", "survey_of"]

NO_DEVICE, NOT_FOUND = 100, 500  # numbers of errors, the same in both runtimes
_ERROR_LOG, _ERROR_LOG_BYTES = 5, 6  # options of CUDA's linker
_LOG = 8192
_DYNAMIC_BYTES = 8  # a function's attribute: the most dynamic shared memory of its launches


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
    raw : callable
        ``raw(architecture)`` returns what compiles users' texts, a `_cupy_text.RawCompiler`.
    raw_fast : tuple of str
        Its flags for fast mathematics.
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
    raw: Callable[[str], Any]
    raw_fast: tuple[str, ...]


# ---- the driver


_DRIVER = """
int {p}ModuleLoadData(void **module, const void *image);
int {p}ModuleGetFunction(void **function, void *module, const char *name);
int {launch}(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, unsigned shared, void *stream, void **arguments, void **extra);
int {p}ModuleGetGlobal{version}(void **address, size_t *bytes, void *module, const char *name);
int {p}FuncGetAttribute(int *value, int attribute, void *function);
int {p}{module}OccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int threads,
    size_t shared);
"""
_ONLY_CUDA = """
int cuFuncSetAttribute(void *function, int attribute, int value);
int cuFuncGetParamInfo(void *function, size_t index, size_t *offset, size_t *size);
int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options,
    void **values);
"""
_NAMES = {
    "cu": "int cuGetErrorName(int error, const char **text);"
    "int cuGetErrorString(int error, const char **text);",
    "hip": "const char *hipGetErrorName(int error); const char *hipGetErrorString(int error);",
}


class Driver:
    """The few functions of the driver that launch kernels."""

    def __init__(self, dialect: Dialect) -> None:
        module = "Module" if dialect.is_hip else ""
        version = "" if dialect.is_hip else "_v2"
        launch = f"{dialect.prefix}{module}LaunchKernel"
        text = _DRIVER.format(p=dialect.prefix, launch=launch, module=module, version=version)
        self.ffi = cffi.FFI()
        self.ffi.cdef(text + _NAMES[dialect.prefix] + ("" if dialect.is_hip else _ONLY_CUDA))
        self._library = _load(self.ffi, dialect)
        self.is_hip = dialect.is_hip
        self._global = f"ModuleGetGlobal{version}"
        self._occupancy = f"{module}OccupancyMaxActiveBlocksPerMultiprocessor"
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

    # what raw kernels need besides

    def load_text(self, code: bytes) -> tuple[Any, int, str]:
        """Return a module made of PTX or a binary, the status, and what the driver's linker said.

        The module is None if the status is not 0.
        """
        ffi = self.ffi
        module = ffi.new("void **")
        if self.is_hip:
            status = self._get("ModuleLoadData")(module, code)
            return (None if status else module[0]), status, ""
        log = ffi.new("char[]", _LOG)
        options = ffi.new("int[]", [_ERROR_LOG, _ERROR_LOG_BYTES])
        values = ffi.new("void *[]", [log, ffi.cast("void *", _LOG)])
        status = self._get("ModuleLoadDataEx")(module, code, 2, options, values)
        said = ffi.string(log).decode(errors="replace")
        return (None if status else module[0]), status, said

    def find(self, module: Any, name: str) -> Any:
        """Return a kernel of a module, or None if there is none of that name."""
        function = self.ffi.new("void **")
        status = self._get("ModuleGetFunction")(function, module, name.encode())
        if status == NOT_FOUND:
            return None
        self.check(status, f"finding the kernel {name}")
        return function[0]

    def variable(self, module: Any, name: str) -> tuple[int, int] | None:
        """Return address and bytes of a module's variable, or None if there is none."""
        address, nbytes = self.ffi.new("void **"), self.ffi.new("size_t *")
        status = self._get(self._global)(address, nbytes, module, name.encode())
        if status == NOT_FOUND:
            return None
        self.check(status, f"finding the variable {name}")
        return int(self.ffi.cast("uintptr_t", address[0])), int(nbytes[0])

    def attribute(self, function: Any, number: int, name: str) -> int:
        """Return an attribute of a kernel."""
        value = self.ffi.new("int *")
        status = self._get("FuncGetAttribute")(value, number, function)
        self.check(status, f"asking for an attribute of the kernel {name}")
        return int(value[0])

    def allow_shared(self, function: Any, nbytes: int, name: str) -> None:
        """Let a kernel be launched with so much dynamic shared memory, which CUDA wants told."""
        if not self.is_hip:
            status = self._get("FuncSetAttribute")(function, _DYNAMIC_BYTES, nbytes)
            self.check(status, f"giving the kernel {name} {nbytes} bytes of dynamic shared memory")

    def blocks_at_once(self, function: Any, threads: int, nbytes: int, name: str) -> int:
        """Return how many blocks run at once on one multiprocessor."""
        blocks = self.ffi.new("int *")
        status = self._get(self._occupancy)(blocks, function, threads, nbytes)
        self.check(status, f"asking for the occupancy of the kernel {name}")
        return int(blocks[0])

    def parameter_sizes(self, function: Any) -> tuple[int, ...] | None:
        """Return the bytes of each parameter; None if the driver does not say (before 12.4)."""
        ask = None if self.is_hip else getattr(self._library, "cuFuncGetParamInfo", None)
        if ask is None:
            return None
        offset, size = self.ffi.new("size_t *"), self.ffi.new("size_t *")
        sizes: list[int] = []
        while not ask(function, len(sizes), offset, size):
            sizes.append(int(size[0]))
        return tuple(sizes)

    def launch_grid(
        self,
        function: Any,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        nbytes: int,
        stream: int,
        values: Sequence[bytes],
    ) -> int:
        """Put a kernel into a stream, and return the status; the values are copied at once."""
        ffi = self.ffi
        held = [ffi.from_buffer(value) for value in values]
        arguments = ffi.new("void *[]", [*held, self._none])
        status: int = self._launch(
            function, *grid, *block, nbytes, ffi.cast("void *", stream), arguments, self._none
        )
        return status


def _load(ffi: Any, dialect: Dialect) -> Any:
    for name in dialect.driver:
        try:
            return ffi.dlopen(name)
        except OSError:
            continue
    raise DeviceError(f"{dialect.name}: no driver: {dialect.driver[0]} cannot be loaded")


@cache
def driver_of(dialect: Dialect) -> Driver:
    """Return the driver, loaded once; raises `DeviceError` if there is none."""
    return Driver(dialect)


# ---- finding devices


def problem_of(dialect: Dialect) -> str:
    """Return why no device of this kind can be used on this machine, with the remedy, or ""."""
    try:
        driver_of(dialect)
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


# ---- kernels


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
