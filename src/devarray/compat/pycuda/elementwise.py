"""`pycuda.elementwise`: kernels from a text that is run for each index of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devarray.runtime import evaluate
from devarray.snippets import IndexedKernel

from ._array import GPUArray
from ._errors import UnsupportedError
from ._snippets import argument_list, given, known_types, stream_of
from ._transfers import on

__all__ = ["ElementwiseKernel"]


class ElementwiseKernel:
    """A text of CUDA C that is run for each index ``i`` of arrays, which are its arguments.

    Parameters
    ----------
    arguments : str or sequence of VectorArg and ScalarArg
        A C argument list, such as ``"float a, float *x"``: pointers are arrays.
    operation : str
        Statements, such as ``"x[i] = a * x[i]"``. ``n`` is the size of the first array.
    name : str
    keep : bool
        Of no effect: the compiler's files are in devarray's cache.
    options : sequence of str, optional
        Of the compiler.
    preamble : str
        Text before the kernel: functions, structs.
    loop_prep, after_loop : str
        Statements that a thread runs before and after its indices.

    Raises
    ------
    ValueError, TypeError
        If the argument list is none, or has no array.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> from devarray.compat.pycuda.elementwise import ElementwiseKernel
    >>> scale = ElementwiseKernel("float a, float *x", "x[i] *= a")
    >>> x = gpuarray.to_gpu(np.arange(4, dtype=np.float32))
    >>> scale(3, x)
    >>> x.get()
    array([0., 3., 6., 9.], dtype=float32)
    """

    def __init__(
        self,
        arguments: Any,
        operation: str,
        name: str = "kernel",
        keep: bool = False,
        options: Sequence[str] | None = None,
        *,
        preamble: str = "",
        loop_prep: str = "",
        after_loop: str = "",
    ) -> None:
        self.name = name
        self._kernel = IndexedKernel(
            argument_list(arguments),
            operation,
            name,
            preamble=preamble,
            loop_prep=loop_prep,
            after_loop=after_loop,
            options=tuple(options or ()),
            types=known_types(),
        )

    def __call__(
        self, *args: Any, range: Any = None, slice: Any = None, stream: Any = None
    ) -> None:
        """Run the kernel.

        Parameters
        ----------
        *args : GPUArray or number
            In the order of the argument list.
        range, slice : slice, optional
            The indices to run it for: ``range`` has a start, a stop and perhaps a step; ``slice``
            is as in an index of the first array.
        stream : Stream, optional

        Raises
        ------
        TypeError
            For a wrong number of arguments, or another type than is declared.
        ValueError
            If sizes of arrays do not fit.
        IndexError
            If an index is beyond an array.
        """
        params = self._kernel.params
        values = given(args, params, self.name)
        first = next((x for x, p in zip(args, params, strict=False) if p.vector), None)
        if isinstance(first, GPUArray) and first._struct:  # devarray would count bytes
            if slice is not None:
                cut = builtin_slice(*slice.indices(first.size))
                slice, range = None, cut
            elif range is None:
                range = builtin_slice(0, first.size)
        core = stream_of(stream)
        self._kernel(*values, range=range, slice=slice, stream=core)
        if core is not None:
            written = [x for x, p in zip(values, params, strict=True) if p.vector]
            with on(stream, core.device):
                evaluate(*written)

    def get_texref(self, name: str, use_range: bool = False) -> Any:
        """Not supported: texture references ended with CUDA 12."""
        raise UnsupportedError("texture references ended with CUDA 12: pass the array instead")

    def __repr__(self) -> str:
        return f"<elementwise kernel {self.name}>"


builtin_slice = slice
