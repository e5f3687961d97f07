"""NVRTC, NVIDIA's compiler of CUDA C++ for run time, called in its library through cffi.

It needs neither a driver nor a device, so kernels for processors that this machine lacks can be
compiled as well. CUDA's headers are not needed for kernels that include none.
"""

from __future__ import annotations

import functools
import glob
import importlib.util
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cffi

from ..errors import CompileError, DeviceError

__all__ = ["Nvrtc", "Program", "find_nvrtc"]

_DECLARATIONS = """
typedef struct _nvrtcProgram *nvrtcProgram;
const char *nvrtcGetErrorString(int result);
int nvrtcVersion(int *major, int *minor);
int nvrtcGetNumSupportedArchs(int *count);
int nvrtcGetSupportedArchs(int *archs);
int nvrtcCreateProgram(nvrtcProgram *program, const char *source, const char *name, int count,
                       const char *const *headers, const char *const *names);
int nvrtcDestroyProgram(nvrtcProgram *program);
int nvrtcAddNameExpression(nvrtcProgram program, const char *expression);
int nvrtcCompileProgram(nvrtcProgram program, int count, const char *const *options);
int nvrtcGetLoweredName(nvrtcProgram program, const char *expression, const char **name);
int nvrtcGetProgramLogSize(nvrtcProgram program, size_t *size);
int nvrtcGetProgramLog(nvrtcProgram program, char *log);
int nvrtcGetCUBINSize(nvrtcProgram program, size_t *size);
int nvrtcGetCUBIN(nvrtcProgram program, char *code);
int nvrtcGetPTXSize(nvrtcProgram program, size_t *size);
int nvrtcGetPTX(nvrtcProgram program, char *code);
"""
_REMEDY = (
    "Install it with pip install devarray[cuda13], or CUDA's toolkit, and set CUDA_PATH if the "
    "toolkit is in no usual place."
)
_OLDEST = (11, 2)  # the first with cubins, and a list of its architectures
_LIBRARY = "libnvrtc.so"
_SONAMES = (13, 12, 11)
# Products and sums are rounded one by one, as in NumPy. By name, to leave out what a caller gives.
_DEFAULTS = (("fmad", "--fmad=false"), ("std", "-std=c++17"))


class Program(NamedTuple):
    """What became of a source text.

    Attributes
    ----------
    code : bytes
        A cubin, or PTX (text that no null character ends).
    log : str
        What the compiler printed: warnings, mostly nothing.
    names : dict
        Name expression -> the kernel's name in `code`.
    """

    code: bytes
    log: str
    names: dict[str, str]


class Nvrtc:
    """A loaded library of NVRTC. Threads may compile at the same time.

    Parameters
    ----------
    path : str
        The library, or a name that the system's loader finds.

    Attributes
    ----------
    path : str
    version : tuple of int
        As (major, minor), which are CUDA's.
    architectures : tuple of int
        The compute capabilities that it compiles for, as 10 * major + minor, in ascending order.

    Raises
    ------
    DeviceError
        If the library cannot be loaded, or is older than CUDA 11.2.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._ffi = _ffi()
        try:
            self._lib: Any = self._ffi.dlopen(path, self._ffi.RTLD_NOW)
        except OSError as error:
            problem = str(error).partition("  Additionally")[0]  # cffi's advice on names
            raise DeviceError(f"NVRTC cannot be loaded: {problem}") from None
        major, minor = self._ffi.new("int *"), self._ffi.new("int *")
        self._check(self._lib.nvrtcVersion(major, minor))
        self.version: tuple[int, int] = (major[0], minor[0])
        if self.version < _OLDEST:
            raise DeviceError(
                f"{path} is NVRTC {major[0]}.{minor[0]}; 11.2 is the oldest that does"
            )
        count = self._ffi.new("int *")
        self._check(self._lib.nvrtcGetNumSupportedArchs(count))
        archs = self._ffi.new("int[]", count[0])
        self._check(self._lib.nvrtcGetSupportedArchs(archs))
        self.architectures: tuple[int, ...] = tuple(archs)

    def __repr__(self) -> str:
        return f"<NVRTC {self.version[0]}.{self.version[1]} at {self.path}>"

    def compile(
        self, source: str, name: str, arch: str | int, options: Sequence[str] = ()
    ) -> bytes:
        """Return the code of a source text; see `build`, which has the same parameters."""
        return self.build(source, name, arch, options).code

    def build(
        self,
        source: str,
        name: str,
        arch: str | int,
        options: Sequence[str] = (),
        expressions: Sequence[str] = (),
    ) -> Program:
        """Compile a source text.

        Parameters
        ----------
        source : str
            CUDA C++.
        name : str
            What messages call the text, as if it were a file.
        arch : str or int
            ``sm_90`` or 90 for a cubin, ``compute_90`` for PTX.
        options : sequence of str
            Further options. Unless they say otherwise, ``--fmad=false`` and ``-std=c++17`` apply.
        expressions : sequence of str
            Names of kernels as C++ has them, such as ``scale<float>``, which also instantiates
            templates. The result says what they are called in the code.

        Raises
        ------
        CompileError
            If the text does not compile, an option is wrong or an expression names no kernel.
        """
        if "\0" in "".join((source, name, *options, *expressions)):
            raise ValueError("the text of a program cannot contain null characters")
        target = f"sm_{arch}" if isinstance(arch, int) else arch
        flags = [f"-arch={target}", *_defaults(options), *options]
        program = self._ffi.new("nvrtcProgram *")
        none = self._ffi.NULL
        text = source.encode()
        self._check(self._lib.nvrtcCreateProgram(program, text, name.encode(), 0, none, none))
        try:
            return self._build(program[0], flags, expressions)
        except CompileError as error:
            command = shlex.join(["nvrtc", *flags, name])
            problem = str(error).splitlines()[0]
            raise CompileError(problem, command, error.log, source) from None
        finally:
            self._lib.nvrtcDestroyProgram(program)

    def _build(self, program: Any, flags: Sequence[str], expressions: Sequence[str]) -> Program:
        ffi, lib = self._ffi, self._lib
        for expression in expressions:
            self._expect(lib.nvrtcAddNameExpression(program, expression.encode()))
        options = [ffi.new("char[]", flag.encode()) for flag in flags]
        status = lib.nvrtcCompileProgram(program, len(options), options)
        log = self._output(program, "ProgramLog").decode(errors="replace").rstrip("\0\n")
        self._expect(status, log)
        names = {}
        lowered = ffi.new("const char **")
        for expression in expressions:
            self._expect(lib.nvrtcGetLoweredName(program, expression.encode(), lowered), log)
            names[expression] = ffi.string(lowered[0]).decode()
        if flags[0].startswith("-arch=sm_"):
            return Program(self._output(program, "CUBIN"), log, names)
        return Program(self._output(program, "PTX").rstrip(b"\0"), log, names)

    def _output(self, program: Any, kind: str) -> bytes:
        """Return one of the results of a program that are read by a pair of functions."""
        size = self._ffi.new("size_t *")
        self._check(getattr(self._lib, f"nvrtcGet{kind}Size")(program, size))
        data = self._ffi.new("char[]", size[0])
        self._check(getattr(self._lib, f"nvrtcGet{kind}")(program, data))
        return bytes(self._ffi.buffer(data))

    def _error(self, status: int) -> str:
        text: str = self._ffi.string(self._lib.nvrtcGetErrorString(status)).decode()
        return text

    def _check(self, status: int) -> None:
        if status:
            raise DeviceError(f"NVRTC failed: {self._error(status)} ({self.path})")

    def _expect(self, status: int, log: str = "") -> None:
        """Raise CompileError for what is the fault of a text or of options."""
        if status:
            raise CompileError(f"the kernel did not compile: {self._error(status)}", log=log)


def _defaults(options: Sequence[str]) -> list[str]:
    """Return the default options without those that `options` override."""
    given = {re.split("[= ]", option.lstrip("-"), maxsplit=1)[0] for option in options}
    if "use_fast_math" in given:  # which says so of products and sums as well
        given.add("fmad")
    return [option for name, option in _DEFAULTS if name not in given]


@functools.cache
def _ffi() -> Any:
    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    return ffi


# ---- finding it ------------------------------------------------------------------------------


@functools.cache
def find_nvrtc(newest: int | None = None) -> Nvrtc:
    """Return NVRTC, looking for it at the first call.

    It is looked for in the wheels, then where the system's loader looks, in ``CUDA_PATH``, and in
    ``/usr/local/cuda``.

    Parameters
    ----------
    newest : int, optional
        The highest major version that will do: a driver loads no code of a later CUDA than its own.

    Raises
    ------
    DeviceError
        If there is none; the message says what was tried and how to get it.
    """
    tried = []
    for path in dict.fromkeys(_candidates()):
        try:
            found = Nvrtc(path)
        except DeviceError as error:
            if os.path.isabs(path):  # else it is a name that the system's loader does not know
                tried.append(str(error))
            continue
        if newest is None or found.version[0] <= newest:
            return found
        tried.append(f"{path} is of CUDA {found.version[0]}, and {newest} is wanted at most")
    raise DeviceError(
        "NVRTC, the compiler of CUDA kernels, was not found in wheels, by the system's loader, in "
        f"CUDA_PATH or in /usr/local/cuda{''.join(f'; {problem}' for problem in tried)}. {_REMEDY}"
    )


def _candidates() -> Iterator[str]:
    """Yield what may be the library, the best first."""
    nvidia = importlib.util.find_spec("nvidia")  # a namespace: each wheel adds a folder to it
    for folder in (nvidia.submodule_search_locations or ()) if nvidia else ():
        for layout in ("cu[0-9]*", "cuda_nvrtc"):  # of CUDA 13, and of 11 and 12
            yield from _latest(os.path.join(folder, layout, "lib"))
    yield from (f"{_LIBRARY}.{version}" for version in _SONAMES)
    yield from (f"{_LIBRARY}.11.2", _LIBRARY)  # 11.2 is the name of all later ones of 11
    for toolkit in (os.environ.get("CUDA_PATH"), "/usr/local/cuda"):
        if toolkit:
            for folder in ("lib64", "lib", "targets/*/lib"):
                yield from _latest(os.path.join(toolkit, folder))


def _latest(pattern: str) -> list[str]:
    """Return the libraries in the folders that match, the highest version first."""
    found = glob.glob(os.path.join(pattern, f"{_LIBRARY}*"))
    return sorted(found, key=_version, reverse=True)


def _version(path: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path.rpartition(_LIBRARY)[2])]
