"""`pycuda.reduction`: reductions of all elements with an operation of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.snippets import IndexedReduction

from ._array import GPUArray, placed
from ._buffers import allocate
from ._errors import UnsupportedError
from ._snippets import argument_list, given, known_types, stream_of
from ._types import dtype_to_ctype

__all__ = ["ReductionKernel"]


class ReductionKernel:
    """A reduction of all elements of arrays to one value.

    Parameters
    ----------
    dtype_out : dtype
        Of the result, and of what is combined; a struct that `tools.register_dtype` knows as well.
    neutral : str or number
        An expression: the result of reducing nothing.
    reduce_expr : str
        An associative expression of ``a`` and ``b``.
    map_expr : str, optional
        An expression of the arguments and the index ``i``; by default ``in[i]``.
    arguments : str or sequence of VectorArg and ScalarArg, optional
        A C argument list; by default one array of `dtype_out`, called ``in``.
    name : str
    keep : bool
        Of no effect: the compiler's files are in devarray's cache.
    options : sequence of str, optional
        Of the compiler.
    preamble : str
        Text before the kernel: functions, structs.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> from devarray.compat.pycuda.reduction import ReductionKernel
    >>> norm = ReductionKernel(np.float64, "0", "a+b", "x[i]*x[i]", "double *x")
    >>> norm(gpuarray.arange(4.0)).get()
    array(14.)
    """

    def __init__(
        self,
        dtype_out: Any,
        neutral: Any,
        reduce_expr: str,
        map_expr: str | None = None,
        arguments: Any = None,
        name: str = "reduce_kernel",
        keep: bool = False,
        options: Sequence[str] | None = None,
        preamble: str = "",
    ) -> None:
        self.dtype_out = np.dtype(dtype_out)
        self.name = name
        struct = self.dtype_out.kind == "V"
        self._kernel = IndexedReduction(
            self.dtype_out,
            neutral,
            reduce_expr,
            map_expr,
            None if arguments is None else argument_list(arguments),
            name,
            preamble=preamble,
            options=tuple(options or ()),
            types=known_types(),
            type_out=dtype_to_ctype(self.dtype_out) if struct else None,
        )

    def __call__(
        self,
        *args: Any,
        stream: Any = None,
        out: GPUArray | None = None,
        allocator: Any = None,
        kernel_wrapper: Any = None,
    ) -> GPUArray:
        """Reduce all elements; as many as the first array has.

        Parameters
        ----------
        *args : GPUArray or number
            In the order of the argument list.
        stream : Stream, optional
        out : GPUArray, optional
            An array with no axes for the result.
        allocator : callable, optional
            Gives the memory of the result.
        kernel_wrapper
            Not supported.

        Returns
        -------
        GPUArray
            With no axes.

        Raises
        ------
        TypeError
            For a wrong number of arguments, or another type than is declared.
        ValueError
            If sizes of arrays or the shape of `out` do not fit.
        """
        if kernel_wrapper is not None:
            raise UnsupportedError("kernel_wrapper is not supported: kernels are devarray's own")
        params = self._kernel.params
        values = given(args, params, self.name)
        first = next((x for x, p in zip(args, params, strict=False) if p.vector), None)
        if isinstance(first, GPUArray) and first._struct:
            raise UnsupportedError(
                f"kernel {self.name}: the first array tells how many elements there are, and must "
                f"not be one of structs ({first.dtype}): put another array, or a field, before it"
            )
        result = self._kernel(*values, stream=stream_of(stream))
        if self.dtype_out.kind != "V":
            return placed(result, out, stream, allocator)
        made = GPUArray._over(result, None, self.dtype_out)
        if out is None and allocator not in (None, allocate):
            out = GPUArray((), self.dtype_out, allocator)
        if out is None:
            return made
        if out.shape != ():
            raise ValueError(f"the result has shape (), out has {out.shape}")
        out[...] = made
        return out

    def __repr__(self) -> str:
        return f"<reduction kernel {self.name}>"
