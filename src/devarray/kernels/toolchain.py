"""The host C++ compiler for generated kernels: finding it, its flags, running it.

Kernels are header-free C++ text, so a C driver serves as well as a C++ one. Linking without the
standard libraries halves the time to compile; what kernels need of them (mathematics, OpenMP) is
loaded into the process once, by `load_runtime`, and found there by the dynamic linker.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import platform
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cffi

from ..errors import CompileError
from .compiler_runs import problem_of_run, run_compiler
from .sealed import default_directory, private_folder, read_sealed, write_sealed

__all__ = ["Toolchain", "compile_source", "find_toolchain", "load_runtime"]

_TIMEOUT = 120.0  # seconds for a kernel
_PROBE_TIMEOUT = 30.0  # seconds for the trial programs below

_NAMES = ("g++", "gcc", "c++", "clang++", "clang", "cc")
_ARCHITECTURES = (("-march=native",), ("-mcpu=native",), ())
_BASE = (
    *(
        "-O3",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-ffp-contract=off",
        "-fwrapv",
        "-fno-strict-aliasing",
    ),
    # a name that hides another in generated text would be a wrong result: let it be an error
    *("-Wshadow", "-Werror=shadow"),
    *("-fno-exceptions", "-fno-rtti", "-fPIC", "-shared", "-fvisibility=default"),
)
_GNU_OPENMP = ("libgomp.so.1",)
_LLVM_OPENMP = ("libomp.so.5", "libomp.so", "libiomp5.so")  # these serve gcc's kernels as well
_SUPPORT = ("libm.so.6", "libmvec.so.1", "libgcc_s.so.1")
_VECTOR_SYMBOL = "_ZGVbN2v_erf"  # the youngest of those that kernels use: glibc 2.35

# Variables that change what a compiler does, or which one is found.
_VARIABLES = (
    *("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX"),
    *("CPATH", "CPLUS_INCLUDE_PATH", "CCC_OVERRIDE_OPTIONS", "SDKROOT", "CC", "CXX"),
    *("MACOSX_DEPLOYMENT_TARGET", "ZIG_LIB_DIR", "ZIG_GLOBAL_CACHE_DIR"),
)

_INSTALL = (
    "Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: "
    "xcode-select --install), or a wheel (pip install devarray[compiler]), or set CXX to yours."
)

_PROBE = """\
extern "C" {
#ifdef DA_MVEC
__attribute__((simd("notinbranch"), const, nothrow)) double erf(double);
#else
double erf(double);
#endif
double fmod(double, double);
void devarray_probe_openmp(long n, double *x) {
#pragma omp parallel for simd schedule(static)
    for (long i = 0; i < n; i++) x[i] = erf(x[i]);
}
int devarray_probe(int n) {
    double x = 0;
#pragma omp simd reduction(+ : x)
    for (int i = 0; i < n; i++) x += fmod(i, 4.0);
    return (int)x;
}
}
"""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler that was seen to work, and how to call it.

    Attributes
    ----------
    name : {"gcc", "clang", "zig"}
        The kind of compiler.
    command : tuple of str
        The program and the words that always follow it.
    version : str
        The first line of what ``--version`` prints.
    flags : tuple of str
        Flags for every kernel.
    openmp : bool
        Whether kernels run on several threads.
    simd_math : bool
        Whether vector variants of mathematical functions may be declared (``DA_MVEC``).
    identity : str
        What decides over the code it makes besides the text: version, flags, CPU, C library.
    """

    name: str
    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]
    openmp: bool
    simd_math: bool
    identity: str

    def compile(self, source: str, output: Path, extra_flags: Sequence[str] = ()) -> None:
        """Compile `source` into the shared library `output`; see `compile_source`."""
        compile_source(self, source, output, extra_flags)


# ---- running a compiler ----------------------------------------------------------------------


def compile_source(
    toolchain: Toolchain, source: str, output: Path, extra_flags: Sequence[str] = ()
) -> None:
    """Compile C++ text into a shared library.

    Parameters
    ----------
    toolchain : Toolchain
        The compiler.
    source : str
        The text; it reaches the compiler on its standard input.
    output : Path
        The library to write. Its folder also holds the compiler's temporary files meanwhile.
    extra_flags : sequence of str
        Further flags and libraries.

    Raises
    ------
    CompileError
        If the compiler fails in any way, hangs for two minutes, or makes no library.
    OSError
        If the folder cannot be written.
    """
    _compile(toolchain.command, (*toolchain.flags, *extra_flags), source, Path(output), _TIMEOUT)


def _compile(
    compiler: Sequence[str], flags: Sequence[str], source: str, output: Path, timeout: float
) -> None:
    # Flags follow the text, as libraries must; "-x none" so that a library is not taken for text.
    command = [*compiler, "-x", "c++", "-", "-x", "none", *flags, "-o", os.path.abspath(output)]
    try:
        code, log = run_compiler(command, source, output.parent, timeout)
        problem = problem_of_run(code, output, timeout)
        if problem:
            raise CompileError(problem, shlex.join(command), log, source)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


# ---- finding a compiler ----------------------------------------------------------------------

_found: Toolchain | None = None


def find_toolchain() -> Toolchain:
    """Return the compiler for kernels, looking for it at the first call.

    ``CXX`` and ``CC`` come first, then the usual names, then the ``ziglang`` wheel. What trials
    showed is remembered in the kernel cache's folder.

    Raises
    ------
    CompileError
        If the compiler that ``CXX`` or ``CC`` names does not work, or there is none at all.
    """
    global _found
    if _found is None:  # no lock: it could be held at a fork, and at worst two threads look
        _found = _search()
    return _found


def _search() -> Toolchain:
    for variable in ("CXX", "CC"):
        text = os.environ.get(variable, "").strip()
        if text:
            try:
                return _examine(shlex.split(text))
            except (CompileError, OSError, ValueError) as error:
                raise CompileError(
                    f"the compiler that {variable} names does not work ({variable}={text!r}): "
                    f"{str(error).splitlines()[0]}. Correct or unset {variable}.",
                    getattr(error, "command", ""),
                    getattr(error, "log", ""),
                ) from error
    tried = []
    for command in _candidates():
        try:
            return _examine(command)
        except (CompileError, OSError) as error:
            tried.append(f"{' '.join(command)}: {str(error).splitlines()[0]}")
    if not _zig():
        tried.append("the wheel ziglang: not found")
    raise CompileError(
        "devarray compiles its kernels, and found no C++ compiler that works. Tried "
        f"{'; '.join(tried)}. {_INSTALL}"
    )


def _candidates() -> Iterator[tuple[str, ...]]:
    for name in _NAMES:
        yield (name,)
    zig = _zig()
    if zig:
        yield (zig, "c++")
        yield (zig, "cc")


def _zig() -> str:
    """Return the zig program of the ziglang wheel: calling it directly saves a Python start-up."""
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = os.path.join(folder, "zig")
        if os.access(path, os.X_OK):
            return path
    return ""


def _examine(command: Sequence[str]) -> Toolchain:
    """Return the toolchain that `command` makes, from memory or from trials."""
    program = shutil.which(command[0])
    if program is None:
        raise CompileError("not found")
    command = (os.path.abspath(program), *command[1:])
    name = f"compiler-{_probe_key(command)}"
    try:
        folder = private_folder(default_directory())
    except OSError:
        folder = ""
    record = read_sealed(folder, name) if folder else None
    if record is not None:
        facts = json.loads(record)
        if facts.pop("runtime") == sorted(_load(facts["name"])):
            facts["flags"] = tuple(facts["flags"])
            return Toolchain(command=tuple(command), **facts)
    noexec = os.statvfs(tempfile.gettempdir()).f_flag & getattr(os, "ST_NOEXEC", 0)
    with tempfile.TemporaryDirectory(dir=(noexec and folder) or None) as work:
        toolchain = _probe(command, Path(work))
    facts = {k: v for k, v in asdict(toolchain).items() if k != "command"}
    facts["runtime"] = sorted(_load(toolchain.name))
    if folder:
        with contextlib.suppress(OSError):  # it is then found out again next time
            write_sealed(folder, name, json.dumps(facts).encode())
    return toolchain


def _probe_key(command: Sequence[str]) -> str:
    """Return a hash of all that the outcome of trials depends on and that is cheap to know."""
    facts = [_PROBE, *_BASE, *Toolchain.__slots__, _machine(), *command]
    for word in command:
        path = shutil.which(word)
        if path:
            info = os.stat(path)
            facts += [os.path.realpath(path), str(info.st_mtime_ns), str(info.st_size)]
    facts += [f"{name}={os.environ.get(name)}" for name in _VARIABLES]
    return hashlib.sha256("\0".join(facts).encode(errors="surrogateescape")).hexdigest()


def _probe(command: Sequence[str], folder: Path) -> Toolchain:
    """Find out by trials what the compiler is and which flags it takes."""
    code, text = run_compiler([*command, "--version"], "", folder, _PROBE_TIMEOUT)
    if code != 0 or not text.strip():
        raise CompileError("it does not tell its version", f"{shlex.join(command)} --version", text)
    zig = os.path.basename(command[0]) == "zig" or "ziglang" in command
    name = "zig" if zig else "gcc" if "Free Software Foundation" in text else "clang"
    version = text.strip().splitlines()[0]
    problem = None
    for flags in _variants(name):
        try:
            _try(command, flags, folder, _TIMEOUT if zig else _PROBE_TIMEOUT)
        except CompileError as error:
            problem = problem or error
            if "did not finish" in str(error):  # nor will it with other flags
                break
            continue
        identity = "; ".join((version, " ".join((*command, *flags)), _machine()))
        found = "-fopenmp" in flags, "-DDA_MVEC" in flags
        return Toolchain(name, tuple(command), version, flags, *found, identity)
    assert problem is not None
    raise problem


def _variants(name: str) -> Iterator[tuple[str, ...]]:
    """Yield the sets of flags to try, the best first."""
    runtime = _load(name)
    openmp = [("-fopenmp",)] if runtime.keys() - set(_SUPPORT) else []
    links: list[tuple[str, ...]] = [("-lm",)]
    if "libm.so.6" in runtime:
        # -lgcc: the few functions that gcc calls for complex, half and 128-bit arithmetic.
        links.insert(0, ("-nostdlib", "-lgcc") if name == "gcc" else ("-nostdlib",))
    maths: tuple[str, ...] = ()
    if name == "gcc" and _has(runtime.get("libmvec.so.1"), _VECTOR_SYMBOL):
        maths = ("-DDA_MVEC",)
    for architecture in _ARCHITECTURES:
        for threads in (*openmp, ("-fopenmp-simd",)):
            for link in links:
                yield (*_BASE, *architecture, *maths, *threads, *link)


def _try(command: Sequence[str], flags: Sequence[str], folder: Path, timeout: float) -> None:
    """Compile, load and run a small program; raise CompileError if any of it fails."""
    output = folder / f"{len(os.listdir(folder))}.so"  # a new name: a loader may know the old one
    _compile(command, flags, _PROBE, output, timeout)
    ffi = _ffi()
    try:
        library = ffi.dlopen(str(output), ffi.RTLD_NOW)
    except OSError as error:
        raise CompileError(f"what it makes cannot be loaded: {error}") from None
    if not _has(library, "devarray_probe") or library.devarray_probe(10) != 13:
        raise CompileError("what it makes does not work")
    ffi.dlclose(library)


@functools.cache
def _machine() -> str:
    """Return what -march=native and the vector functions depend on: the CPU and the C library."""
    facts = [platform.machine()]
    try:
        with open("/proc/cpuinfo", errors="replace") as file:
            for line in file:
                if not line.strip():  # the first CPU stands for all
                    break
                name, _, value = line.partition(":")
                if name.strip() in ("model name", "flags", "Features", "CPU part", "isa"):
                    facts.append(value.strip())
    except OSError:
        facts.append(platform.processor())
    with contextlib.suppress(ValueError, OSError):  # unknown to musl and macOS
        facts.append(os.confstr("CS_GNU_LIBC_VERSION") or "")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


# ---- libraries that kernels use ----------------------------------------------------------------

_handles: dict[str, Any] = {}


def load_runtime() -> dict[str, Any]:
    """Load what kernels need into the process, for all to see; call it before loading a kernel.

    OpenMP's threads are told to sleep between kernels rather than spin, unless the environment
    says otherwise, and to end before a fork: libgomp would wait for them in the child for ever.

    Returns
    -------
    dict
        The cffi handles by name, those libraries left out that this system lacks.
    """
    return dict(_load(find_toolchain().name))


def _load(name: str) -> dict[str, Any]:
    """Load the libraries that kernels made by a compiler of this kind need."""
    loaded = {library: _open(library) for library in _SUPPORT}
    for library in (*_GNU_OPENMP, *_LLVM_OPENMP) if name == "gcc" else _LLVM_OPENMP:
        loaded[library] = _open(library)
        if loaded[library] is not None:
            break
    return {library: handle for library, handle in loaded.items() if handle is not None}


def _open(library: str) -> Any:
    """Return the handle of a library, None if it is not there."""
    if library not in _handles:
        ffi = _ffi()
        chosen = os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
        quiet = library in _GNU_OPENMP and not chosen
        if quiet:
            os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # libgomp reads it while it is loaded
        try:
            _handles[library] = ffi.dlopen(library, ffi.RTLD_NOW | ffi.RTLD_GLOBAL)
        except OSError:
            return None
        finally:
            if quiet:
                os.environ.pop("OMP_WAIT_POLICY", None)
        if library in _GNU_OPENMP and _has(_handles[library], "omp_pause_resource_all"):
            pause = _handles[library].omp_pause_resource_all
            os.register_at_fork(before=functools.partial(pause, 2))  # 2 is omp_pause_hard
    return _handles[library]


def _has(library: Any, symbol: str) -> bool:
    try:
        return library is not None and bool(_ffi().addressof(library, symbol))
    except AttributeError:
        return False


@functools.cache
def _ffi() -> Any:
    ffi = cffi.FFI()
    ffi.cdef(
        f"int devarray_probe(int); int omp_pause_resource_all(int); void {_VECTOR_SYMBOL}(void);"
    )
    return ffi
