"""What reductions and scans share: how two accumulators become one, what begins and ends that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import HostMixError
from devarray.graph import Node, Reduction, map_node, reduce_node
from devarray.kernels.ops import Loop, run_time_loop
from devarray.layout import Shape, reduced_shape
from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.pieces import Texts
from devarray.snippets.signature import Param, Types, type_named
from devarray.snippets.text import define

__all__ = ["COUNT", "Combined", "accumulator", "check_out", "mapped"]

DType = np.dtype[Any]
COUNT = np.dtype(np.int64)


class Combined:
    """How two accumulators become one, and what begins and ends that: texts, by dtypes.

    Parameters
    ----------
    name : str
    reduce_expr : str
        An expression of ``a`` and ``b``.
    post : str
        Statements that give ``out`` a value, from ``a``.
    out : str
        Name of the result.
    identity : str
        An expression, or empty: reductions of nothing are errors then.
    """

    def __init__(
        self, name: str, reduce_expr: str, post: str, out: str, identity: str, preamble: str
    ) -> None:
        self.name, self.reduce_expr, self.out = name, reduce_expr, out
        self.post, self.identity, self.preamble = post, identity, preamble
        self._loops: dict[Any, Any] = {}

    def loop(
        self,
        what: str,
        text: str,
        types: Types,
        ins: Sequence[tuple[str, DType]],
        out: tuple[str, DType],
        reduce: str = "",
    ) -> Loop:
        """Return the loop of a text, made once for these dtypes."""
        key = (what, *(d.char for d in types.values()), *(d.char for _, d in ins), out[1].char)
        found = self._loops.get(key)
        if found is None:
            made = define(self.name, text, self.preamble, types, ins, [out], {})
            dtypes = [d for _, d in ins]
            (found,) = run_time_loop(
                self.name, made.definition, made.calls, dtypes, [out[1]], dear=False, reduce=reduce
            )
            self._loops[key] = found
        loop: Loop = found
        return loop

    def combiner(self, types: Types, dtype: DType) -> Loop:
        """Return the loop that makes one accumulator of two."""
        text = f"combined_ = ({self.reduce_expr});"
        ins = [("a", dtype), ("b", dtype)]
        return self.loop("reduce", text, types, ins, ("combined_", dtype), "custom")

    def nothing(self, types: Types, dtype: DType, shape: Shape) -> Node:
        """Return the identity as a node.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.identity.strip():
            raise ValueError(
                f"zero-size array to reduction operation {self.name} which has no identity"
            )
        text = f"begun_ = ({self.identity});"
        loop = self.loop("identity", text, types, [("nothing_", COUNT)], ("begun_", dtype))
        return map_node(loop, (0,), shape)

    def finished(self, types: Types, node: Node, dtype: DType, sizes: tuple[int, int]) -> Node:
        """Return the results of accumulators; `sizes` are those of the input and of the result."""
        same = re.fullmatch(rf"\s*{self.out}\s*=\s*a\s*;?\s*", self.post) is not None
        if same and node.dtype == dtype:
            return node
        ins = [("a", node.dtype), ("in_size_", COUNT), ("out_size_", COUNT)]
        loop = self.loop("post", self.post, types, ins, (self.out, dtype))
        return map_node(loop, (node, *sizes), node.shape)

    def reduce(self, types: Types, node: Node, axes: Shape, keepdims: bool) -> Node:
        """Return a node with the elements of `node` combined along axes."""
        dtype = node.dtype
        if any(node.shape[axis] == 0 for axis in axes):
            return self.nothing(types, dtype, reduced_shape(node.shape, axes, keepdims))
        if not axes:
            return node
        loop = self.combiner(types, dtype)
        return reduce_node(node, Reduction(loop.op, loop, axes, False, None), dtype, keepdims)


def mapping_kernel(
    ins: tuple[Param, ...], expr: str, dtype: DType, name: str, preamble: str, options: Any
) -> ElementwiseKernel:
    """Return the kernel of what each element becomes."""
    kernel = ElementwiseKernel.__new__(ElementwiseKernel)
    out = Param("mapped_", dtype.name, dtype)
    kernel._setup(ins, (out,), Texts(f"mapped_ = ({expr});", preamble), name, options)
    return kernel


def check_out(out: Any, shape: Shape, dtype: DType, device: Device, name: str) -> None:
    """Raise unless `out` is an array for results of this shape and dtype."""
    what = f"kernel {name}: out"
    if isinstance(out, np.ndarray):
        raise HostMixError(f"{what} is a host array; outputs are device arrays")
    if not isinstance(out, DeviceArray) or out.device is not device:
        raise TypeError(f"{what} must be a DeviceArray on {device.name}, not {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"{what} is an array of {out.dtype.name}; the result is {dtype.name}")
    if out.shape != shape:
        raise ValueError(
            "output parameter for reduction operation has the wrong shape: expected "
            f"{shape}, got {out.shape}"
        )


def accumulator(kind: str | None, types: Types, dtype: DType) -> DType:
    """Return the dtype of accumulators, for the type that was asked for and the output's."""
    if kind is None:
        return dtype
    named = types.get(kind)
    return named if named is not None else type_named(kind) or dtype


def mapped(
    kernel: Any,
    maps: dict[DType, ElementwiseKernel],
    device: Device,
    args: Sequence[Any],
    operands: Sequence[Any],
    types: Types,
    shape: Shape,
    dtype: DType,
) -> Node:
    """Return what the `map_expr` of a kernel makes of its inputs, as accumulators."""
    made = maps.get(dtype)
    if made is None:
        made = maps[dtype] = mapping_kernel(
            kernel.in_params, kernel.map_expr, dtype, kernel.name, kernel.preamble, kernel.options
        )
    if made.fuses:
        known = {t: types[t] for t in made._type_names}
        return made._nodes(operands, (), known, shape, None)[0]
    (result,) = made.apply(device, args, ())
    node: Node = result._node()
    return node
