"""`ReductionKernel`: what each element becomes, and how two of these become one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from devarray.errors import UnsupportedError
from devarray.kernels.ops import canonical
from devarray.layout import Shape, normalize_axes, reduced_shape
from devarray.operands import device_of, on_stream
from devarray.registry import get_device
from devarray.snippets.arguments import Call, check_texts, defined, given_or_new
from devarray.snippets.combined import Combined, Combining, check_result
from devarray.snippets.indexed import IndexedKernel, check_arguments
from devarray.snippets.signature import Param, c_type, parse_arguments
from devarray.snippets.structs import PointerReduction, StructReduction
from devarray.snippets.text import outside, uses

__all__ = ["IndexedReduction", "ReductionKernel"]

DType = np.dtype[Any]


class ReductionKernel(Combining):
    """A reduction along axes, made of three texts.

    It is part of the expression: what feeds it is fused with it, and so is what follows on the
    reduced shape. Accumulators that are structs of the preamble, and texts that call what is not
    known here, become kernels of their own in CUDA C.

    Parameters
    ----------
    in_params, out_params : str
        As for `ElementwiseKernel`; there is one output.
    map_expr : str
        An expression of the inputs: what each element becomes. ``i``, or ``_j``, is its index, in C
        order; ``_j`` is known in reductions of all elements.
    reduce_expr : str
        An expression of ``a`` and ``b``, two of these or of what they were combined to. It must be
        associative, and is applied in a fixed order that depends on the shape alone.
    post_map_expr : str
        Statements that give the output a value, from ``a``: ``"y = sqrt(a)"``. They may use raw
        inputs, the value that a given output has, and ``_in_ind.size()`` and ``_out_ind.size()``,
        the sizes of the input and of the result.
    identity : str, int, float or None
        An expression: the result of reducing nothing. None: that is an error.
    name : str
    reduce_type : str, optional
        Type of the accumulators, in C's words or one of the letters; by default the output's.
    reduce_dims : bool
        Accepted; axes are always merged where memory allows it.
    preamble, options
        See `ElementwiseKernel`.

    Examples
    --------
    >>> import devarray as da
    >>> l2norm = da.ReductionKernel(
    ...     "T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "l2norm"
    ... )
    >>> x = da.arange(10, dtype="float32").reshape(2, 5)
    >>> l2norm(x, axis=1)
    array([ 5.477226 , 15.9687195], dtype=float32, device='openmp')
    """

    _what = "reduction"

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: Any,
        name: str = "reduce_kernel",
        reduce_type: str | None = None,
        reduce_dims: bool = True,
        preamble: str = "",
        options: Sequence[str] = (),
    ) -> None:
        check_texts(name, options, map_expr=map_expr, reduce_expr=reduce_expr)
        self._counted = uses(map_expr, "_j")
        map_expr = outside(lambda part: re.sub(r"\b_j\b", "i", part), map_expr)
        super().__init__(
            in_params, out_params, map_expr, reduce_expr, post_map_expr, identity, name,
            reduce_type, preamble, options,
        )  # fmt: skip
        self.reduce_expr, self.post_map_expr, self.reduce_dims = (
            reduce_expr,
            post_map_expr,
            reduce_dims,
        )
        indexed = any(p.raw and uses(post_map_expr, p.name) for p in self.in_params)
        self._fuses = bool(self._plain and self._arithmetic and not self.options and not indexed)
        self._struct = StructReduction(self, self._combined)

    def __repr__(self) -> str:
        return f"<reduction kernel {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether it is part of expressions, rather than kernels of its own."""
        return self._fuses

    def __call__(
        self,
        *args: Any,
        out: Any = None,
        axis: Any = None,
        keepdims: bool = False,
        stream: Any = None,
    ) -> Any:
        """Reduce.

        Parameters
        ----------
        *args : DeviceArray or scalar
            The inputs, then perhaps an array for the output.
        out : DeviceArray, optional
        axis : int, tuple of int or None
            None: all axes.
        keepdims : bool
            Keep the reduced axes, with length 1.
        stream : Stream, optional

        Returns
        -------
        DeviceArray

        Raises
        ------
        TypeError
            For a wrong number of arguments, or one of another dtype than its parameter.
        ValueError
            If shapes do not broadcast or fit `out`, or for nothing without an identity.
        """
        return self._call(args, out, stream, axis, keepdims)

    def _computed(self, call: Call, out: Any, dtype: DType, *how: Any) -> Any:
        axis, keepdims = how
        axes = normalize_axes(axis, len(call.shape))
        wanted = reduced_shape(call.shape, axes, keepdims)
        check_result(out, wanted, dtype, call.device, self.name)
        if self._counted and len(axes) < len(call.shape):
            raise UnsupportedError(
                f"kernel {self.name}: _j is known in reductions of all elements only, not of axes "
                f"{axes} of {len(call.shape)}: use i, the index in C order"
            )
        dtypes = (dtype, *(p.of(call.types) for p in self.in_params), *call.types.values())
        if not self._fuses or not self._combined.fuses_on(call.device, dtypes):
            result = self._struct.reduce(call, axes, dtype, out).reshape(wanted)
            return given_or_new(out, result, call.device)
        node = self._mapped(call, dtype)
        node = self._combined.reduce(call.types, node, axes, keepdims)
        sizes = math.prod(call.shape), math.prod(wanted)
        given = None if out is None else out._node()
        node = self._combined.finished(call.types, node, dtype, sizes, given)
        return given_or_new(out, node, call.device)


class IndexedReduction:
    """A reduction of all elements, with a C argument list, as in PyCUDA.

    Parameters
    ----------
    dtype_out : dtype
        Of accumulators and result. A structured one stands for the C struct `type_out`.
    neutral : str
        An expression: the result of reducing nothing.
    reduce_expr : str
        An expression of ``a`` and ``b``.
    map_expr : str, optional
        An expression of the arguments, with the index ``i``; by default ``in[i]``.
    arguments : str, optional
        By default ``"const <dtype_out> *in"``.
    name, preamble, options
        See `ElementwiseKernel`.
    types : mapping, optional
        Further types of C by name.
    type_out : str, optional
        What C calls a structured `dtype_out`; by default found in `types`.

    Examples
    --------
    >>> import devarray as da
    >>> from devarray.snippets import IndexedReduction
    >>> dot = IndexedReduction("f8", "0", "a+b", "x[i]*y[i]", "double *x, double *y")
    >>> x = da.arange(4.0)
    >>> dot(x, x)
    array(14., device='openmp')
    """

    def __init__(
        self,
        dtype_out: Any,
        neutral: Any,
        reduce_expr: str,
        map_expr: str | None = None,
        arguments: str | None = None,
        name: str = "reduce_kernel",
        *,
        preamble: str = "",
        options: Sequence[str] = (),
        types: Mapping[str, Any] | None = None,
        type_out: str | None = None,
    ) -> None:
        self.dtype_out = np.dtype(dtype_out)
        called = type_out
        if self.dtype_out.kind == "V":
            names = {np.dtype(d): n for n, d in (types or {}).items()}
            called = called or names.get(self.dtype_out)
            if called is None:
                raise ValueError(
                    f"kernel {name}: types= or type_out= must say what C calls {self.dtype_out}"
                )
        else:
            self.dtype_out = canonical(self.dtype_out)
            called = called or c_type(self.dtype_out)
        self.params: tuple[Param, ...] = (Param("in", called, self.dtype_out, constant=True),)
        if arguments is not None:
            self.params = parse_arguments(arguments, types)
        if not any(p.vector for p in self.params):
            raise ValueError(f"kernel {name} has no array among its arguments: {arguments!r}")
        self.map_expr = map_expr = "in[i]" if map_expr is None else map_expr
        options = check_texts(
            name, options, reduce_expr=reduce_expr, map_expr=map_expr, preamble=preamble
        )
        self.preamble, self.options = defined(preamble, options)
        self.reduce_expr, self.name, self.type_out = reduce_expr, name, called
        self._combined = Combined(name, reduce_expr, "y_ = a", "y_", neutral, self.preamble)
        self.neutral = self._combined.identity
        out = Param("mapped_", called, self.dtype_out)
        self._map = IndexedKernel(
            (*self.params, out), f"mapped_[i] = ({map_expr});", name, preamble=self.preamble
        )
        plain = self.dtype_out.kind != "V" and not self.options and self._combined.is_plain(())
        self._fuses = plain

    def __repr__(self) -> str:
        return f"<indexed reduction {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether it is part of expressions, rather than kernels of its own."""
        return self._fuses

    @cached_property
    def _struct(self) -> PointerReduction:
        return PointerReduction(self, self._combined)

    def __call__(self, *args: Any, out: Any = None, stream: Any = None) -> Any:
        """Reduce all elements; as many as the first array has.

        Parameters
        ----------
        *args : DeviceArray or number
        out : DeviceArray, optional
            An array without axes for the result.
        stream : Stream, optional

        Returns
        -------
        DeviceArray
            Without axes; for a structured `dtype_out`, the bytes of one element (``uint8``), which
            ``.get().view(dtype_out)[0]`` reads.

        Raises
        ------
        TypeError, HostMixError
            For a wrong number of arguments, or another type than is declared.
        ValueError
            If sizes do not fit, or for nothing without a neutral element.
        """
        check_arguments(self.params, args, self.name)
        device = device_of(args) or get_device()
        struct = self.dtype_out.kind == "V"
        shape: Shape = (self.dtype_out.itemsize,) if struct else ()
        dtype = np.dtype(np.uint8) if struct else self.dtype_out
        check_result(out, shape, dtype, device, self.name)
        with on_stream(device, stream):
            if not self._fuses or not self._combined.fuses_on(device, (self.dtype_out,)):
                return given_or_new(out, self._struct.reduce(device, args), device)
            node = self._map.values(device, args)
            node = self._combined.reduce({}, node, tuple(range(len(node.shape))), False)
            return given_or_new(out, node, device)
