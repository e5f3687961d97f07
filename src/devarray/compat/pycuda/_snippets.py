"""What kernels from expressions share: their argument lists, and arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._array import GPUArray
from ._streams import core_stream
from ._types import Argument, _dtypes
from ._vectors import vec

__all__ = ["argument_list", "given", "known_types", "stream_of"]


def argument_list(arguments: Any) -> str:
    """Return a C argument list, which may be given as `VectorArg` and `ScalarArg` objects."""
    if isinstance(arguments, str):
        return arguments
    if not isinstance(arguments, Iterable):
        raise TypeError(f"arguments must be a C argument list, got {type(arguments).__name__}")
    parts = list(arguments)
    if not all(isinstance(part, Argument) for part in parts):
        raise TypeError("arguments must be a C argument list, or VectorArg and ScalarArg objects")
    return ", ".join(part.declarator() for part in parts)


def known_types() -> dict[str, Any]:
    """Return the structs that C knows by name: CUDA's vectors, and those of `register_dtype`."""
    vectors = {name: dtype for name, dtype in vars(vec).items() if hasattr(dtype, "itemsize")}
    return vectors | {name: dtype for name, dtype in _dtypes.items() if dtype.kind == "V"}


def given(args: Iterable[Any], params: Iterable[Any], name: str) -> list[Any]:
    """Return arguments as devarray's kernels take them; structs are bytes.

    Raises
    ------
    TypeError
        If an array of structs is not of the declared ones.
    """
    args, params = list(args), list(params)
    found = []
    for k, x in enumerate(args):
        if not isinstance(x, GPUArray):  # a number, or a struct by value (vec.make_float3)
            found.append(x[()] if isinstance(x, np.ndarray) and not x.ndim else x)
            continue
        wanted = params[k].dtype if k < len(params) else None
        struct = wanted is not None and wanted.kind == "V"
        if x._struct and wanted != x.dtype:
            raise TypeError(
                f"kernel {name}: argument {params[k].name!r} is declared {params[k].type}, which "
                f"is {wanted}; got an array of {x.dtype}"
                if k < len(params)
                else f"kernel {name} takes {len(params)} arguments; {len(args)} were given"
            )
        if x._struct and not x.flags.c_contiguous:
            raise ValueError(f"kernel {name}: structs must be contiguous: pass x.copy()")
        if struct and not x._struct:
            raise TypeError(
                f"kernel {name}: argument {params[k].name!r} is declared {params[k].type}; got an "
                f"array of {x.dtype}"
            )
        found.append(x._array.reshape(-1) if x._struct else x._array)
    return found


def stream_of(stream: Any) -> Any:
    """Return devarray's stream for what a program passes as ``stream=``; None stays None."""
    return None if stream is None else core_stream(stream)
