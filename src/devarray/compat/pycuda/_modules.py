"""PyCUDA's modules, over `devarray.RawModule`; and what there is no counterpart for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from devarray.kernels.source_text import expanded
from devarray.raw import RawModule

from ._errors import InvalidValueError, UnsupportedError, translated
from ._functions import Function

__all__ = [
    "Array",
    "ArrayDescriptor",
    "ArrayDescriptor3D",
    "Linker",
    "Module",
    "SurfaceReference",
    "TextureReference",
    "bind_array_to_texref",
    "dtype_to_array_format",
    "gpuarray_to_array",
    "initialize_profiler",
    "make_multichannel_2d_array",
    "matrix_to_array",
    "matrix_to_texref",
    "module_from_buffer",
    "module_from_file",
    "np_to_array",
    "packed",
    "start_profiler",
    "stop_profiler",
]

_TEXTURES = (
    "there are no texture and surface references (CUDA 12 removed them), nor arrays for them: pass "
    "a pointer to plain memory, and let the kernel index it"
)


# What `packed` begins with; no PTX, cubin, fat binary or code object begins so
_MARK = b"\0devarray.compat.pycuda: CUDA C for module_from_buffer, 1\n"


class GlobalPointer(int):
    """The address of a module's variable; keeps the module loaded."""

    owner: Any

    def __new__(cls, address: int, owner: Any) -> GlobalPointer:
        """Return the address, which keeps `owner` alive."""
        pointer = int.__new__(cls, address)
        pointer.owner = owner
        return pointer


class Module:
    """Kernels and variables that were compiled together.

    `compiler.SourceModule` makes one from text, `module_from_buffer` and `module_from_file` from
    what compilers of GPU code wrote.
    """

    def __init__(self, raw: RawModule) -> None:
        self._raw = raw
        with translated():
            raw.compile()

    def get_function(self, name: str) -> Function:
        """Return a kernel.

        Raises
        ------
        LogicError
            If there is none of that name; the message tells which there are.
        """
        kernel = self._raw.get_function(name)
        with translated():
            try:
                kernel.parameters()
            except ValueError as error:
                raise InvalidValueError(str(error)) from None
        return Function(kernel)

    def get_global(self, name: str) -> tuple[int, int]:
        """Return address and bytes of a variable (``__device__``, ``__constant__``).

        Raises
        ------
        LogicError
            If there is none of that name; the message tells which there are.
        """
        with translated():
            try:
                variable = self._raw.get_global(name)
            except ValueError as error:
                raise InvalidValueError(str(error)) from None
        return GlobalPointer(variable.ptr, variable), variable.nbytes

    def get_texref(self, name: str) -> Any:
        """Not supported: CUDA 12 removed texture references."""
        raise UnsupportedError(_TEXTURES)

    def get_surfref(self, name: str) -> Any:
        """Not supported: CUDA 12 removed surface references."""
        raise UnsupportedError(_TEXTURES)


def packed(raw: RawModule) -> bytes:
    """Return the text of a module, and what it includes, as `module_from_buffer` takes it."""
    source = raw._source
    # a program may remove what is included, as if there were a binary
    told = {"text": expanded(source.text, source.options), "options": source.options}
    data = json.dumps(told).encode()
    return _MARK + hashlib.sha256(data).digest() + data


def _unpacked(buffer: bytes) -> RawModule | None:
    """Return the module of what `packed` returns, or None if it is something else."""
    if not buffer.startswith(_MARK):
        return None
    start = len(_MARK) + hashlib.sha256().digest_size
    data = buffer[start:]
    if hashlib.sha256(data).digest() != buffer[len(_MARK) : start]:
        raise InvalidValueError(
            "this is what compiler.compile returns, but not whole, or changed: compile it again; "
            "files of it are written in mode 'wb'"
        )
    told = json.loads(data)
    return RawModule(told["text"], options=told["options"])


def module_from_file(filename: str | os.PathLike[str]) -> Module:
    """Return the module of a file with PTX, a binary for GPUs, or what `compiler.compile` returns.

    Raises
    ------
    LogicError
        If the current device cannot run it: the host runs CUDA C only.
    """
    with open(filename, "rb") as file:
        text = _unpacked(file.read())
    return Module(text or RawModule(path=filename))


def module_from_buffer(
    buffer: bytes | str, options: Sequence[Any] = (), message_handler: Any = None
) -> Module:
    """Return the module of PTX, of a binary for GPUs, or of what `compiler.compile` returns.

    Parameters
    ----------
    buffer : bytes or str
    options : sequence
        Pairs of `jit_option` and value; of no effect.
    message_handler : callable, optional
        Of no effect: what the compiler has to say is in the `CompileError`.

    Raises
    ------
    LogicError
        If the current device cannot run it: the host runs CUDA C only.
    """
    data = buffer.encode() if isinstance(buffer, str) else bytes(buffer)
    return Module(_unpacked(data) or RawModule(data))


def _unsupported(name: str, why: str) -> Any:
    class Unsupported:
        def __init__(self, *args: Any, **options: Any) -> None:
            raise UnsupportedError(why)

    Unsupported.__name__ = Unsupported.__qualname__ = name
    Unsupported.__doc__ = f"Not supported: {why}."
    return Unsupported


ArrayDescriptor = _unsupported("ArrayDescriptor", _TEXTURES)
ArrayDescriptor3D = _unsupported("ArrayDescriptor3D", _TEXTURES)
Array = _unsupported("Array", _TEXTURES)
TextureReference = _unsupported("TextureReference", _TEXTURES)
SurfaceReference = _unsupported("SurfaceReference", _TEXTURES)
Linker = _unsupported(
    "Linker", "modules are not linked: put what belongs together into one SourceModule"
)


def _no_textures(*args: Any, **options: Any) -> Any:
    """Not supported: CUDA 12 removed texture and surface references."""
    raise UnsupportedError(_TEXTURES)


matrix_to_array = np_to_array = gpuarray_to_array = make_multichannel_2d_array = _no_textures
bind_array_to_texref = matrix_to_texref = dtype_to_array_format = _no_textures


def _no_profiler(*args: Any, **options: Any) -> None:
    """Not supported: profilers watch the whole program, devarray.explain tells its kernels."""
    raise UnsupportedError("profilers are not started from here: run the program under one")


initialize_profiler = start_profiler = stop_profiler = _no_profiler
