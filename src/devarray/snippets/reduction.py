"""`ReductionKernel`: what each element becomes, and how two of these become one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devarray.device import Device
from devarray.kernels.ops import canonical
from devarray.layout import Shape, normalize_axes, reduced_shape
from devarray.operands import device_of, on_stream
from devarray.record import fresh, write
from devarray.registry import get_device
from devarray.snippets.combined import Combined, accumulator, check_out, mapped
from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.indexed import IndexedKernel, check_arguments
from devarray.snippets.pieces import Texts, check_output, check_texts, defined
from devarray.snippets.signature import (
    Param,
    c_type,
    parse_arguments,
    parse_params,
    type_named,
)
from devarray.snippets.structs import PointerReduction, StructReduction
from devarray.snippets.text import is_plain, outside

__all__ = ["IndexedReduction", "ReductionKernel"]

DType = np.dtype[Any]


class ReductionKernel:
    """A reduction along axes, made of three texts.

    It is part of the expression: what feeds it is fused with it, and so is what follows on the
    reduced shape. Accumulators that are structs of the preamble, and texts that call what is not
    known here, become kernels of their own in CUDA C.

    Parameters
    ----------
    in_params, out_params : str
        As for `ElementwiseKernel`; there is one output.
    map_expr : str
        An expression of the inputs: what each element becomes.
    reduce_expr : str
        An expression of ``a`` and ``b``, two of these or of what they were combined to. It must be
        associative, and is applied in a fixed order that depends on the shape alone.
    post_map_expr : str
        Statements that give the output a value, from ``a``: ``"y = sqrt(a)"``. They may use
        ``_in_ind.size()`` and ``_out_ind.size()``, the sizes of the input and of the result.
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
        self.in_params, self.out_params = parse_params(in_params), parse_params(out_params)
        if len(self.out_params) != 1 or self.out_params[0].raw:
            raise ValueError(f"a reduction has one output, got {out_params!r}")
        for text in (map_expr, reduce_expr, post_map_expr):
            check_texts(Texts(text, preamble), name, options)
        checked = check_texts(Texts(map_expr, preamble), name, options)
        preamble, self.options = defined(preamble, checked)
        self.nin, self.nout = len(self.in_params), 1
        self.name, self.preamble, self.reduce_type = name, preamble, reduce_type
        self.map_expr, self.reduce_expr, self.post_map_expr = map_expr, reduce_expr, post_map_expr
        self.identity = "" if identity is None else str(identity)
        self.reduce_dims = reduce_dims
        (out,) = self.out_params
        self._generic = tuple(
            dict.fromkeys(p.type for p in (*self.in_params, out) if p.dtype is None)
        )
        self.post = post = outside(_sizes, post_map_expr)
        self._combined = Combined(name, reduce_expr, post, out.name, self.identity, preamble)
        self._fuses = self._is_plain(post)
        self._maps: dict[DType, ElementwiseKernel] = {}
        # it decides generic types, and checks the arguments
        self._types = ElementwiseKernel.__new__(ElementwiseKernel)
        self._types._setup(self.in_params, self.out_params, Texts(map_expr), name, ())
        self._struct = None if self._fuses else StructReduction(self)

    def _is_plain(self, post: str) -> bool:
        """Say whether the engine's reductions can do it."""
        kind = self.reduce_type
        if kind is not None and kind not in self._generic and type_named(kind) is None:
            return False  # a struct
        if self.options:
            return False
        text = "\n;".join((self.reduce_expr, post, self.identity))
        return is_plain(text, self.preamble, (), self._generic)

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
        if len(args) == self.nin + 1 and out is None:
            args, out = args[:-1], args[-1]
        if len(args) != self.nin:
            raise TypeError(
                f"kernel {self.name} takes {self.nin} inputs "
                f"({', '.join(p.name for p in self.in_params)}); {len(args)} were given"
            )
        device = device_of((*args, out)) or get_device()
        with on_stream(device, stream):
            return self._reduce(device, args, out, axis, keepdims)

    def _reduce(self, device: Device, args: Any, out: Any, axis: Any, keepdims: bool) -> Any:
        helper = self._types
        operands = [
            helper._operand(p, x, device) for p, x in zip(self.in_params, args, strict=True)
        ]
        if out is not None:
            check_output(self.name, self.out_params[0], out, device)
        types = helper._resolve(operands, () if out is None else (out,))
        shape = helper._shape(operands, (), None)
        dtype = helper._dtype(self.out_params[0], types)
        axes = normalize_axes(axis, len(shape))
        wanted = reduced_shape(shape, axes, keepdims)
        if out is not None:
            check_out(out, wanted, dtype, device, self.name)
        if self._struct is not None:
            result = self._struct.reduce(device, args, operands, types, shape, axes)
            result = result.reshape(wanted)
            if out is None:
                return result
            out[...] = result
            return out
        kind = accumulator(self.reduce_type, types, dtype)
        node = mapped(self, self._maps, device, args, operands, types, shape, kind)
        node = self._combined.reduce(types, node, axes, keepdims)
        sizes = math.prod(shape), math.prod(wanted)
        node = self._combined.finished(types, node, dtype, sizes)
        if out is None:
            return fresh(node, device)
        write(out, node, "output array is read-only")
        return out


def _sizes(part: str) -> str:
    part = re.sub(r"\b_in_ind\s*\.\s*size\s*\(\s*\)", "in_size_", part)
    return re.sub(r"\b_out_ind\s*\.\s*size\s*\(\s*\)", "out_size_", part)


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
        if arguments is None:
            self.params: tuple[Param, ...] = (
                Param("in", called, self.dtype_out, vector=True, constant=True),
            )
        else:
            self.params = parse_arguments(arguments, types)
        if not any(p.vector for p in self.params):
            raise ValueError(f"kernel {name} has no array among its arguments: {arguments!r}")
        self.map_expr = "in[i]" if map_expr is None else map_expr
        self.reduce_expr, self.name = reduce_expr, name
        self.neutral = "" if neutral is None else str(neutral)
        self.type_out = called
        check_texts(Texts(reduce_expr), name, ())
        checked = check_texts(Texts(self.map_expr, preamble), name, options)
        preamble, self.options = defined(preamble, checked)
        self.preamble = preamble
        text = f"{reduce_expr}\n;{self.neutral}"
        self._fuses = (
            self.dtype_out.kind != "V" and not self.options and is_plain(text, preamble, (), ())
        )
        if self._fuses:
            out = Param("mapped_", called, self.dtype_out)
            self._map = IndexedKernel.__new__(IndexedKernel)
            self._map._setup(
                (*self.params, out), Texts(f"mapped_[i] = ({self.map_expr});", preamble), name, ()
            )
            self._combined = Combined(name, reduce_expr, "y = a", "y", self.neutral, preamble)
        else:
            self._struct = PointerReduction(self)

    def __repr__(self) -> str:
        return f"<indexed reduction {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether it is part of expressions, rather than kernels of its own."""
        return self._fuses

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
        if out is not None:
            dtype = np.dtype(np.uint8) if struct else self.dtype_out
            check_out(out, shape, dtype, device, self.name)
        with on_stream(device, stream):
            if self._fuses:
                node = self._map.values(device, args)
                node = self._combined.reduce({}, node, tuple(range(len(node.shape))), False)
                if out is None:
                    return fresh(node, device)
                write(out, node, "output array is read-only")
                return out
            result = self._struct.reduce(device, args)
        if out is None:
            return result
        out[...] = result
        return out
