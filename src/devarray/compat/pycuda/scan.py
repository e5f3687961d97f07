"""`pycuda.scan`: running combinations of elements with an operation of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.snippets import ScanKernel

from ._array import GPUArray
from ._buffers import allocate
from ._errors import UnsupportedError
from ._transfers import on

__all__ = ["ExclusiveScanKernel", "InclusiveScanKernel"]


class _ScanKernel:
    """What both kinds have in common; see `InclusiveScanKernel`."""

    _exclusive = False

    def __init__(
        self,
        dtype: Any,
        scan_expr: str,
        neutral: Any = None,
        name_prefix: str = "scan",
        options: Sequence[str] | None = None,
        preamble: str = "",
    ) -> None:
        if options:
            raise UnsupportedError(f"scans take no options of a compiler, got {list(options)}")
        self.dtype = np.dtype(dtype)
        self.name = name_prefix
        name = self.dtype.name
        self._kernel = ScanKernel(
            f"{name} x",
            f"{name} y",
            "x",
            scan_expr,
            identity=neutral,
            name=name_prefix,
            preamble=preamble,
            exclusive=self._exclusive,
        )

    def __call__(
        self, input_ary: GPUArray, output_ary: Any = None, allocator: Any = None, stream: Any = None
    ) -> GPUArray:
        """Scan an array.

        Parameters
        ----------
        input_ary : GPUArray
        output_ary : GPUArray or "new", optional
            An array for the result; by default the input.
        allocator : callable, optional
            Gives the memory of a new result.
        stream : Stream, optional

        Returns
        -------
        GPUArray
            The array with the result.

        Raises
        ------
        TypeError
            If an argument is no array of the kernel's dtype, or of integers of as many bytes.
        ValueError
            If the arrays' shapes differ.
        """
        out = input_ary if output_ary is None else output_ary
        if isinstance(out, str) and out == "new":
            out = None
        for label, array in (("input_ary", input_ary), ("output_ary", out)):
            if array is None:
                continue
            if not isinstance(array, GPUArray) or not self._takes(array.dtype):
                what = array.dtype if isinstance(array, GPUArray) else type(array).__name__
                raise TypeError(f"{label} must be a GPUArray of {self.dtype}, got {what}")
        if out is None:
            out = GPUArray(input_ary.shape, self.dtype, allocator or allocate)
        elif out.shape != input_ary.shape:
            raise ValueError(f"output_ary must have shape {input_ary.shape}, got {out.shape}")
        if not out.size:
            return out
        values = input_ary._values().view(self.dtype)
        target = out._values().view(self.dtype)
        with on(stream, values.device):
            if target.flags.c_contiguous:
                self._kernel(values.reshape(-1), out=target.reshape(-1))
            else:
                target[...] = self._kernel(values.reshape(-1)).reshape(out.shape)
            if stream is not None:
                out._on(stream, target)
        return out

    def _takes(self, dtype: Any) -> bool:
        """Tell whether arrays have the kernel's dtype, or integers of as many bytes."""
        integers = {dtype.kind, self.dtype.kind} <= set("iu")
        return dtype == self.dtype or (integers and dtype.itemsize == self.dtype.itemsize)

    def __repr__(self) -> str:
        return f"<{'exclusive' if self._exclusive else 'inclusive'} scan kernel {self.name}>"


class InclusiveScanKernel(_ScanKernel):
    """A scan of the elements of an array, in C order.

    Parameters
    ----------
    dtype : dtype
        Of the elements.
    scan_expr : str
        An associative expression of ``a``, what comes before, and ``b``.
    neutral : str or number
        An expression: what leaves the other operand as it is.
    name_prefix : str
        For the names of kernels.
    options : sequence of str, optional
        Of the compiler: not supported.
    preamble : str
        Text before the kernel: functions.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> from devarray.compat.pycuda.scan import InclusiveScanKernel
    >>> x = gpuarray.arange(5, dtype=np.int32)
    >>> InclusiveScanKernel(np.int32, "a+b")(x).get()
    array([ 0,  1,  3,  6, 10], dtype=int32)
    """


class ExclusiveScanKernel(_ScanKernel):
    """A scan whose results combine the elements before their own; see `InclusiveScanKernel`.

    It begins with `neutral`, which it needs.
    """

    _exclusive = True
