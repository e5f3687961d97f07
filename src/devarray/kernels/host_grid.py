"""CUDA C and HIP kernels on the host: compiled, found in the disk cache, launched.

What becomes of the text is in `host_text`, how blocks and threads run in ``include/host_grid.h``.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped,unused-ignore]

from ..config import current, default_threads
from ..errors import CompileError, DeviceError
from .arguments import launch_sizes, value_bytes
from .cache import KernelCache
from .host_checks import DECLARATIONS, Array, Checks, check_flags
from .host_text import entry_text, host_text, library_text, translate
from .signatures import Parameter
from .source_text import dynamic_kernels, expanded, kernels_at, read, signatures
from .toolchain import find_toolchain, load_runtime

__all__ = ["HostModule", "Parameter", "entry_text", "host_text", "release_memory", "translate"]

# As in C++, and unlike elsewhere in devarray, signed integers do not wrap: else indices would not
# be known to be neighbours. Some compilers leave assertions out by themselves.
_FLAGS = (
    *("-std=gnu++17", "-UNDEBUG", "-fno-wrapv"),
    *("-Wno-shadow", "-Wno-error=shadow", "-Wno-attributes", "-Wno-format"),
)
_STACK = 1 << 16  # bytes of a fiber, unless a function of the kernel needs more
_MOST_STACK = 1 << 24
_RESERVE = 8192  # bytes that stay for library functions
_MESSAGE = 1024
_ALIGNMENT = 128  # of a parameter, for vectors and structures
_OURS = re.compile(r"dh_Worker\*(?: const)?, (?:(?:const )?(?:uint3|dim3)(?:, )?){3,4}")
_LINE = re.compile(r"^kernel:(\d+):", re.MULTILINE)
_FRAME = re.compile(r"frame size (?:of |\()(\d+)")
_LAUNCHER = (
    "int (*)(unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, size_t, void **, int, "
    "char *, size_t)"
)


@cache
def _ffi() -> Any:
    ffi = cffi.FFI()
    ffi.cdef(
        """
        typedef struct { char kind, target_kind, target_constant; unsigned size, target_size; }
            dh_Parameter;
        typedef struct {
            const char *name; void *address; size_t bytes; int count;
            const dh_Parameter *parameters;
        } dh_Entry;
        extern const dh_Entry dh_entries[];
        void dh_release(void);
        """
    )
    ffi.cdef(DECLARATIONS)
    return ffi


class _Kernel(NamedTuple):
    """A kernel, and where its parameters lie: each begins a slot of `_ALIGNMENT` bytes."""

    call: Any
    parameters: tuple[Parameter, ...]
    places: tuple[int, ...]


def _padded(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


class HostModule:
    """CUDA C or HIP text, compiled for the host.

    Parameters
    ----------
    source : str
        The text.
    names : sequence of str
        Instances of kernels that are templates, such as ``"sum<float>"``.
    flags : sequence of str
        Further flags for the host's compiler, such as ``-DN=16``.
    ended_pass : bool
        Whether threads that have ended do not count at barriers, as on GPUs since Volta. By default
        a barrier that a thread of the block can no longer reach is an error.
    cache : KernelCache, optional
        Where binaries are kept.
    checks : bool
        Whether accesses to memory and barriers are checked, which takes much longer.
    whole_blocks : bool
        Whether kernels may be written as loops over the threads of a block (`host_blocks`).

    Attributes
    ----------
    kernels : dict
        The parameters of each kernel.
    whole_blocks : bool
        Whether all of them were, for which it is a gain.

    Raises
    ------
    CompileError
        If the text does not compile; lines are those of `source`.

    Notes
    -----
    A thread of a block that waits has a stack of 64 KiB, or more if a function's frame needs it.
    """

    def __init__(
        self,
        source: str,
        names: Sequence[str] = (),
        flags: Sequence[str] = (),
        ended_pass: bool = False,
        cache: KernelCache | None = None,
        checks: bool = False,
        whole_blocks: bool = True,
    ) -> None:
        self._cache = KernelCache() if cache is None else cache
        self._checks: Checks | None = None
        source = expanded(source, flags)
        whole = whole_blocks and not checks
        self._library = self._load(source, names, tuple(flags), ended_pass, checks, whole)
        ffi = _ffi()
        declared = signatures(source)
        self._source = source
        self._declared = frozenset(declared)
        self._dynamic = dynamic_kernels(source)
        self._kernels: dict[str, _Kernel] = {}
        self._variables: dict[str, tuple[int, int]] = {}
        for entry in _entries(self._library):
            name = ffi.string(entry.name).decode()
            if entry.count < 0:
                self._variables[name] = int(ffi.cast("uintptr_t", entry.address)), entry.bytes
            else:
                call = ffi.cast(_LAUNCHER, entry.address)
                named = declared.get(name.split("<")[0].rpartition("::")[2], ())
                told = [_parameter(entry.parameters[k]) for k in range(entry.count)]
                if len(named) == len(told):
                    told = list(map(_named, told, named))
                places = accumulate([_padded(parameter.size) for parameter in told], initial=0)
                self._kernels[name] = _Kernel(call, tuple(told), tuple(places)[: len(told)])
        self.kernels = {name: kernel.parameters for name, kernel in self._kernels.items()}

    def _load(
        self,
        source: str,
        names: Sequence[str],
        flags: tuple[str, ...],
        ended_pass: bool,
        checks: bool,
        whole_blocks: bool,
    ) -> Any:
        stack = _STACK
        defines = [flag[2:] for flag in flags if flag.startswith("-D")]
        flags = tuple(flag for flag in flags if not flag.startswith("-D"))
        flags += check_flags(find_toolchain()) if checks else ()
        left_out: set[str] = set()
        while True:
            ways = (ended_pass, checks, whole_blocks, defines, left_out)
            text = host_text(source, names, stack, *ways)
            limit = f"frame-larger-than={stack - _RESERVE}"
            gcc = find_toolchain().name == "gcc"
            frame = (f"-Werror={limit}",) if gcc else (f"-W{limit}", "-Werror=frame-larger-than")
            self.whole_blocks = whole_blocks and not left_out
            try:
                return self._open(text, (*_FLAGS, *frame, *flags), checks)
            except CompileError as error:
                frames = [int(size) for size in _FRAME.findall(error.log)]
                if whole_blocks and not frames:  # is it our text, or the user's
                    wrong = kernels_at(source, map(int, _LINE.findall(error.log))) - left_out
                    left_out |= wrong
                    whole_blocks = bool(wrong)
                    continue
                stack = 1 << (2 * max(frames, default=0)).bit_length()
                if not frames or stack > _MOST_STACK:
                    problem, log = str(error).split("\n", 1)[0], _users_part(error.log)
                    raise CompileError(problem, error.command, log, source) from None

    def _open(self, text: str, flags: tuple[str, ...], checks: bool) -> Any:
        load_runtime()
        if not _shared:  # at worst two threads load it, and the first one counts
            _shared.append(_loaded(self._cache, library_text(), _FLAGS, everywhere=True))
        if checks and not _behind_checks:
            text_behind = library_text(checks=True)
            _behind_checks.append(_loaded(self._cache, text_behind, _FLAGS, everywhere=True))
        library = _loaded(self._cache, text, flags, own_variables=True)
        if checks:
            path = self._cache.find(text, find_toolchain(), flags)
            code = path.read_bytes() if path else b""
            ffi = _ffi()
            address = int(ffi.cast("uintptr_t", ffi.addressof(library, "dh_entries")))
            self._checks = Checks(ffi, _behind_checks[0], address, code)
        return library

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the parameters of a kernel; a ValueError says which there are."""
        return self._kernel(name).parameters

    def is_dynamic(self, name: str) -> bool:
        """Say whether the text of a kernel has shared memory that launches size."""
        return name.split("<", maxsplit=1)[0].rpartition("::")[2] in self._dynamic

    def _kernel(self, name: str) -> _Kernel:
        found = self._kernels.get(name)
        inside = [kernel for kernel in self._kernels if kernel.endswith(f"::{name}")]
        if found is None and len(inside) == 1:  # in a namespace
            found = self._kernels[inside[0]]
        if found is None:
            plain = name.split("<", maxsplit=1)[0].rpartition("::")[2]
            hint = ""
            if len(inside) > 1:
                hint = ": give the name with its namespace"
            elif self._is_template(plain) and plain not in self._kernels:
                hint = f'. {plain} is a template: name its instances, names=["{plain}<float>"]'
            elif plain in self._declared and plain not in self._kernels:
                hint = f". {plain} is in a branch of #if that is not compiled"
            raise ValueError(f"no kernel {name!r} in the module{_list(self._kernels)}{hint}")
        return found

    def _is_template(self, name: str) -> bool:
        pieces = [piece for piece in read(self._source).pieces if piece.kernel]
        return any(piece.name == name and "template" in piece.head for piece in pieces)

    def variable(self, name: str) -> tuple[int, int]:
        """Return address and size of a ``__device__`` or ``__constant__`` variable."""
        if name not in self._variables:
            raise ValueError(f"no variable {name!r} in the module{_list(self._variables)}")
        return self._variables[name]

    def take_variables(self, other: HostModule) -> None:
        """Copy the values of another module's variables to those of the same name and size."""
        ffi = _ffi()
        for name, (address, nbytes) in self._variables.items():
            source, size = other._variables.get(name, (0, -1))
            if size == nbytes:
                to = ffi.buffer(ffi.cast("char *", address), nbytes)
                value = bytes(ffi.buffer(ffi.cast("char *", source), nbytes))
                if to[:] != value:  # what is const lies in memory that cannot be written
                    to[:] = value

    def launch(
        self,
        name: str,
        grid: Sequence[int] | int,
        block: Sequence[int] | int,
        args: Sequence[Any] = (),
        shared_bytes: int = 0,
        threads: int | None = None,
        arrays: Sequence[Array] = (),
    ) -> None:
        """Run a kernel, and return when it has ended.

        Parameters
        ----------
        name : str
            The kernel.
        grid, block : int or sequence of at most three int
            Blocks, and threads of a block.
        args : sequence
            Addresses as int for pointers; for other parameters NumPy scalars of their type, or
            Python numbers, which are converted to it; ``np.void`` or bytes for structures.
        shared_bytes : int
            Size of ``extern __shared__`` arrays.
        threads : int, optional
            Threads of the system, by default all processors.
        arrays : sequence of (str, int, int, str, bool)
            For a module with checks: name, address, bytes, dtype and writeable of each array
            argument (`devarray.modules.Extent`), and of other memory that pointers may point to. No
            more memory may then be used, unless a pointer, or an address in a structure, points
            elsewhere: as its extent is not known, all memory that the process has may be used.

        Raises
        ------
        ValueError, TypeError, OverflowError
            If there is no such kernel, if limits of CUDA are passed, or if arguments do not fit.
        DeviceError
            If an assertion failed, threads diverged at a barrier, or memory ran out. With checks:
            before the first access that is out of bounds, or part of a race on shared memory.
        """
        kernel = self._kernel(name)
        blocks = launch_sizes(grid, "grid", (2**31 - 1, 65535, 65535))
        lanes = launch_sizes(block, "block", (1024, 1024, 64), 1024)
        if not 0 <= shared_bytes <= 1 << 30:
            raise ValueError(f"shared_bytes is {shared_bytes}")
        values = _values(name, kernel.parameters, args)
        self.run(name, blocks, lanes, values, shared_bytes, threads, arrays)

    def run(
        self,
        name: str,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        values: Sequence[bytes],
        shared_bytes: int = 0,
        threads: int | None = None,
        arrays: Sequence[Array] = (),
    ) -> None:
        """Do what `launch` does, given sizes that are within limits and the parameters' bytes."""
        kernel = self._kernel(name)
        ffi = _ffi()
        pointers, keep = _pack(kernel, values)
        message = ffi.new("char[]", _MESSAGE)
        workers = current().threads or default_threads() if threads is None else threads
        checked = self._checks
        told = checked and checked.begin(arrays, kernel.parameters, values, (keep, pointers))
        try:
            code = kernel.call(*grid, *block, shared_bytes, pointers, workers, message, _MESSAGE)
        finally:
            if checked is not None:
                checked.end()
        del told
        del keep
        if code:
            text = ffi.string(message).decode(errors="replace")
            raise DeviceError(text if checked is None else checked.explain(text))


# The library behind all kernels, once loaded: for good, as it knows of threads and their memory.
_shared: list[Any] = []
_behind_checks: list[Any] = []


def release_memory() -> None:
    """Give back the stacks and shared memory that launches keep for the next one."""
    for library in _shared:
        library.dh_release()


def _entries(library: Any) -> Iterator[Any]:
    k = 0
    while library.dh_entries[k].name:
        yield library.dh_entries[k]
        k += 1


_taken: set[Path] = set()  # files of libraries whose variables are those of a module
_lock = threading.Lock()


def _loaded(
    cache: KernelCache,
    text: str,
    flags: tuple[str, ...],
    everywhere: bool = False,
    own_variables: bool = False,
) -> Any:
    """Return the library made of a text.

    With `everywhere`, others find its symbols; with `own_variables`, it shares no variables with
    a library of the same text that was loaded before.
    """
    toolchain, ffi = find_toolchain(), _ffi()
    how = ffi.RTLD_NOW | (ffi.RTLD_GLOBAL if everywhere else ffi.RTLD_LOCAL)
    path = cache.find(text, toolchain, flags) or cache.build(text, toolchain, flags)
    try:
        library = ffi.dlopen(str(path), how)
    except OSError as error:
        if not cache.load_failed(path, error):
            raise
        path = cache.build(text, toolchain, flags)
        library = ffi.dlopen(str(path), how)
    if own_variables and any(entry.count < 0 for entry in _entries(library)):
        with _lock:
            taken = path in _taken
            _taken.add(path)
        if taken:  # the loader knows a file again, but not a copy
            place = path.parent / "tmp"  # where the cache makes its files
            place_or_any = place if os.access(place, os.W_OK) else None
            with tempfile.TemporaryDirectory(dir=place_or_any) as folder:
                return ffi.dlopen(str(shutil.copy(path, folder)), how)
    return library


def _list(names: Iterable[str]) -> str:
    return f"; it has {', '.join(names)}" if names else ", it has none"


def _users_part(log: str) -> str:
    """Return what a compiler says of the user's text; all, if it says nothing of that."""
    if not re.search(r"^kernel:\d+(:\d+)?: (fatal )?error", log, re.MULTILINE):
        return log
    kept, ours = [], False
    for line in log.splitlines():
        found = re.match(r"(<stdin>|launchers|headers)?[^\s:]*:", line)
        if found:
            ours = found[1] is not None
        if not ours:
            kept.append(_OURS.sub("", line))
    return "\n".join(kept)


def _parameter(told: Any) -> Parameter:
    target = told.target_kind.decode().strip("\0")
    return Parameter(
        told.kind.decode(), told.size, target, told.target_size, told.target_constant != b"\0"
    )


def _named(told: Parameter, written: Parameter) -> Parameter:
    """Return what the compiler tells of a parameter, with what the text says besides."""
    kind = told.target_kind
    if kind == "s" and written.target_kind in ("p", "?"):  # no vector of CUDA's
        kind = written.target_kind
    return replace(told, name=written.name, target_kind=kind, element=written.element)


def _values(name: str, parameters: tuple[Parameter, ...], args: Sequence[Any]) -> list[bytes]:
    """Return the bytes of arguments, checked."""
    if len(args) != len(parameters):
        raise TypeError(f"kernel {name} takes {len(parameters)} arguments, not {len(args)}")
    values = []
    for k, (parameter, value) in enumerate(zip(parameters, args, strict=True)):
        try:
            values.append(value_bytes(parameter, value))
        except (TypeError, OverflowError) as error:
            raise type(error)(f"argument {k} of kernel {name}: {error}") from None
    return values


def _pack(kernel: _Kernel, values: Sequence[bytes]) -> tuple[Any, Any]:
    """Return the array of pointers to values, and what must live as long."""
    ffi = _ffi()
    data = b"".join([value.ljust(_padded(len(value))) for value in values])
    memory = ffi.new("char[]", len(data) + _ALIGNMENT)
    start = int(ffi.cast("uintptr_t", memory))
    skip = -start % _ALIGNMENT
    ffi.memmove(memory + skip, data, len(data))
    addresses = struct.pack(f"{len(values)}P", *[start + skip + place for place in kernel.places])
    return ffi.from_buffer("void *[]", addresses), memory
