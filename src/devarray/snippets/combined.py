"""What reductions and scans share: how two accumulators become one, what begins and ends that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from devarray.device import Device
from devarray.graph import Node, Reduction, map_node, reduce_node
from devarray.kernels.ops import Loop
from devarray.layout import Shape, reduced_shape
from devarray.operands import device_of, on_stream
from devarray.registry import get_device
from devarray.snippets.arguments import Call, Signature, check_output, check_texts, defined
from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.signature import Param, Types, parse_params, type_named
from devarray.snippets.text import assigned_first, define, is_cpp, is_plain, outside

__all__ = ["COUNT", "Combined", "Combining", "check_result"]

DType = np.dtype[Any]
COUNT = np.dtype(np.int64)
KIND = "mapped_type_"  # what texts call the type of accumulators


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
        self, name: str, reduce_expr: str, post: str, out: str, identity: Any, preamble: str
    ) -> None:
        self.name, self.reduce_expr, self.out = name, reduce_expr, out
        self.post, self.preamble = post, preamble
        self.identity = "" if identity is None else str(identity).strip()
        self.reads = not assigned_first(post, out)  # whether a given result matters to `post`
        self._loops: dict[Any, Loop] = {}
        self._cpp = is_cpp(f"{reduce_expr}\n{post}\n{self.identity}", preamble)

    def is_plain(self, types: Sequence[str]) -> bool:
        """Say whether the texts can be functions of fused kernels."""
        text = "\n;".join((self.reduce_expr, self.post, self.identity))
        return is_plain(text, self.preamble, (), types)

    def fuses_on(self, device: Device, dtypes: Iterable[DType]) -> bool:
        """Say whether texts that are plain can be functions of a device's fused kernels."""
        return device.cpp or not (self._cpp or any(dtype.kind == "c" for dtype in dtypes))

    def check_identity(self) -> None:
        """Raise NumPy's error of reducing nothing, if there is no identity."""
        if not self.identity:
            raise ValueError(
                f"zero-size array to reduction operation {self.name} which has no identity"
            )

    def loop(
        self,
        text: str,
        types: Types,
        ins: Sequence[tuple[str, DType]],
        out: tuple[str, DType],
        reduce: str = "",
        before: Mapping[str, str] | None = None,
    ) -> Loop:
        """Return the loop of a text, made once for these dtypes; see `define`."""
        dtypes = [d for _, d in ins]
        key = (text, before is None, *[d.char for d in (*types.values(), *dtypes, out[1])])
        found = self._loops.get(key)
        if found is None:
            (found,) = define(
                self.name, text, self.preamble, types, ins, [out], before, reduce=reduce
            )
            self._loops[key] = found
        return found

    def combiner(self, types: Types, dtype: DType) -> Loop:
        """Return the loop that makes one accumulator of two."""
        text = f"combined_ = ({self.reduce_expr});"
        ins = [("a", dtype), ("b", dtype)]
        return self.loop(text, types, ins, ("combined_", dtype), "custom")

    def nothing(self, types: Types, dtype: DType, shape: Shape) -> Node:
        """Return the identity as a node.

        Raises
        ------
        ValueError
            If there is none.
        """
        self.check_identity()
        text = f"begun_ = ({self.identity});"
        loop = self.loop(text, types, [("nothing_", COUNT)], ("begun_", dtype))
        return map_node(loop, (0,), shape)

    def finished(
        self,
        types: Types,
        node: Node,
        dtype: DType,
        sizes: tuple[int, int],
        given: Node | None = None,
    ) -> Node:
        """Return the results of accumulators.

        `sizes` are those of the input and of the result; `given` is what the result was before.
        """
        same = re.fullmatch(rf"\s*{self.out}\s*=\s*a\s*;?\s*", self.post) is not None
        if same and node.dtype == dtype:
            return node
        ins = [("a", node.dtype), ("in_size_", COUNT), ("out_size_", COUNT)]
        sources: tuple[Any, ...] = (node, *sizes)
        before = None
        if given is not None and self.reads:
            before = {self.out: f"{self.out}_before_"}
            ins, sources = [*ins, (before[self.out], dtype)], (*sources, given)
        loop = self.loop(self.post, types, ins, (self.out, dtype), before=before)
        return map_node(loop, sources, node.shape)

    def reduce(self, types: Types, node: Node, axes: Shape, keepdims: bool) -> Node:
        """Return a node with the elements of `node` combined along axes."""
        dtype = node.dtype
        if any(node.shape[axis] == 0 for axis in axes):
            return self.nothing(types, dtype, reduced_shape(node.shape, axes, keepdims))
        if not axes:
            return node
        loop = self.combiner(types, dtype)
        return reduce_node(node, Reduction(loop.op, loop, axes, False, None), dtype, keepdims)


class Combining:
    """A kernel that maps its inputs to accumulators and combines these."""

    _what = ""

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        expr: str,
        post: str,
        identity: Any,
        name: str,
        reduce_type: str | None,
        preamble: str,
        options: Sequence[str] = (),
    ) -> None:
        self.in_params, self.out_params = parse_params(in_params), parse_params(out_params)
        if len(self.out_params) != 1 or self.out_params[0].raw:
            raise ValueError(f"a {self._what} has one output, got {out_params!r}")
        (out,) = self.out_params
        options = check_texts(
            name, options, map_expr=map_expr, preamble=preamble, post_map_expr=post
        )
        self.preamble, self.options = defined(preamble, options)
        self.nin, self.nout = len(self.in_params), 1
        self.name, self.map_expr, self.reduce_type = name, map_expr, reduce_type
        post = outside(_sizes, post) or f"{out.name} = a"
        self._combined = Combined(name, expr, post, out.name, identity, self.preamble)
        self.identity = self._combined.identity
        self._signature = Signature(self.in_params, self.out_params, name)
        generic = self._signature.generic
        self._arithmetic = reduce_type is None or reduce_type in generic or type_named(reduce_type)
        self._plain = self._combined.is_plain(generic)
        self._map = ElementwiseKernel(
            self.in_params,
            (Param("mapped_", KIND, None),),
            f"mapped_ = ({map_expr});",
            name,
            preamble=preamble,
            options=options,
        )

    def _call(self, args: tuple[Any, ...], out: Any, stream: Any, *how: Any) -> Any:
        """Return the result for arguments, of which the last may be the output."""
        if len(args) == self.nin + 1 and out is None:
            args, out = args[:-1], args[-1]
        if len(args) != self.nin:
            raise TypeError(
                f"kernel {self.name} takes {self.nin} inputs "
                f"({', '.join(p.name for p in self.in_params)}); {len(args)} were given"
            )
        device = device_of((*args, out)) or get_device()
        with on_stream(device, stream):
            outs = () if out is None else (out,)
            call = self._signature.bind(device, args, outs, reduces=True)
            return self._computed(call, out, self.out_params[0].of(call.types), *how)

    def _computed(self, call: Call, out: Any, dtype: DType, *how: Any) -> Any:
        raise NotImplementedError

    def _mapped(self, call: Call, dtype: DType) -> Node:
        """Return what the inputs become, as accumulators, for results of a dtype."""
        kind = self.reduce_type
        if kind is not None:
            dtype = call.types.get(kind) or type_named(kind) or dtype
        device, args, operands, _, types, shape, _ = call
        call = Call(device, args, operands, (), {**types, KIND: dtype}, shape)
        if self._map.fuses_on(call.device, call.types):
            return self._map.nodes(call)[0]
        (result,) = self._map.apply(call)
        node: Node = result._node()
        return node


def _sizes(part: str) -> str:
    return re.sub(r"\b_(in|out)_ind\s*\.\s*size\s*\(\s*\)", r"\1_size_", part)


def check_result(out: Any, shape: Shape, dtype: DType, device: Device, name: str) -> None:
    """Raise unless `out` is None, or an array for results of this shape and dtype."""
    if out is None:
        return
    what = f"kernel {name}: out"
    check_output(what, out, device)
    if out.dtype != dtype:
        raise TypeError(f"{what} is an array of {out.dtype.name}; the result is {dtype.name}")
    if out.shape != shape:
        raise ValueError(
            "output parameter for reduction operation has the wrong shape: expected "
            f"{shape}, got {out.shape}"
        )
