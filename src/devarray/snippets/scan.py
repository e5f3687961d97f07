"""`ScanKernel`: running combinations of what elements become, along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.graph import Node, Reduction, index_node, map_node, scan_node
from devarray.kernels.ops import Loop
from devarray.layout import Shape, normalize_axis
from devarray.record import fresh, fresh_buffer, write
from devarray.snippets.arguments import Call, check_texts, given_or_new
from devarray.snippets.combined import COUNT, Combining, check_result
from devarray.snippets.signature import Types

__all__ = ["ScanKernel"]

DType = np.dtype[Any]

# A line is scanned in pieces, by threads of the host, from so many elements and threads on: it is
# read twice then, so that two threads would gain nothing.
MANY = 1 << 20
THREADS = 4
LINES = 4  # pieces for each thread


class ScanKernel(Combining):
    """A scan (prefix sum) with an operation of one's own, along an axis.

    What feeds it is fused with it. Where it is long, threads work on pieces of it, so that
    operations must be associative, and sums of floating-point numbers are joined in another order
    than one after the other.

    Parameters
    ----------
    in_params, out_params : str
        As for `ElementwiseKernel`; there is one output.
    map_expr : str
        An expression of the inputs: what each element becomes.
    scan_expr : str
        An expression of ``a``, the combination of what comes before, and ``b``.
    post_map_expr : str, optional
        Statements that give the output a value, from ``a``; by default it is ``a``.
    identity : str, int, float or None
        An expression: where exclusive scans begin, which need it.
    name : str
    reduce_type : str, optional
        Type of ``a`` and ``b``; by default the output's.
    preamble : str
    exclusive : bool
        Each result combines the elements before its own, which it leaves out.

    Examples
    --------
    >>> import devarray as da
    >>> highest = da.ScanKernel("T x", "T y", "x", "max(a, b)")
    >>> highest(da.array([2, 1, 3, 0]))
    array([2, 2, 3, 3], device='openmp')
    """

    _what = "scan"

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        scan_expr: str,
        post_map_expr: str = "",
        identity: Any = None,
        name: str = "scan_kernel",
        reduce_type: str | None = None,
        preamble: str = "",
        *,
        exclusive: bool = False,
    ) -> None:
        check_texts(name, (), scan_expr=scan_expr)
        super().__init__(
            in_params, out_params, map_expr, scan_expr, post_map_expr, identity, name, reduce_type,
            preamble,
        )  # fmt: skip
        self.scan_expr, self.exclusive = scan_expr, exclusive
        if exclusive and not self.identity:
            raise ValueError(f"the exclusive scan {name} needs an identity, where it begins")
        if not self._arithmetic:
            raise ValueError(
                f"scan {name}: reduce_type {reduce_type!r} is no arithmetic type; scans of structs "
                "are not there: scan their members, or write a RawKernel"
            )
        if not self._plain:
            raise ValueError(
                f"scan {name}: scan_expr, post_map_expr and identity may call arithmetic functions "
                "of C and those of the preamble, and nothing that needs threads or memory; got "
                f"{scan_expr!r}"
            )

    def __repr__(self) -> str:
        return f"<{'exclusive' if self.exclusive else 'inclusive'} scan kernel {self.name}>"

    def __call__(self, *args: Any, out: Any = None, axis: int = -1, stream: Any = None) -> Any:
        """Scan along an axis.

        Parameters
        ----------
        *args : DeviceArray or scalar
            The inputs, then perhaps an array for the output, which may be an input.
        out : DeviceArray, optional
        axis : int
        stream : Stream, optional

        Returns
        -------
        DeviceArray
            Of the shape to which the inputs broadcast.

        Raises
        ------
        TypeError
            For a wrong number of arguments, or one of another dtype than its parameter.
        ValueError
            If shapes do not broadcast or fit `out`.
        """
        return self._call(args, out, stream, axis)

    def _computed(self, call: Call, out: Any, dtype: DType, *how: Any) -> Any:
        device, types, shape = call.device, call.types, call.shape
        if not shape:
            raise ValueError(f"kernel {self.name}: an array without axes cannot be scanned")
        axis = normalize_axis(how[0], len(shape))
        check_result(out, shape, dtype, device, self.name)
        node = self._mapped(call, dtype)
        if 0 in shape:
            return fresh_buffer(device, shape, dtype) if out is None else out
        size = math.prod(shape)
        if not self.exclusive and not _is_long(device, shape):
            node = self._node(types, node, axis)
            node = self._combined.finished(types, node, dtype, (size, size))
            return given_or_new(out, node, device)
        result = self._at_once(device, types, node, axis)
        accumulators = result._node()
        node = self._combined.finished(types, accumulators, dtype, (size, size))
        return given_or_new(out, result if node is accumulators else node, device)

    def _node(self, types: Types, node: Node, axis: int) -> Node:
        loop = self._combined.combiner(types, node.dtype)
        return scan_node(node, Reduction(loop.op, loop, (axis,), False, None), node.dtype)

    def _at_once(self, device: Device, types: Types, node: Node, axis: int) -> DeviceArray:
        """Return the accumulators, written piece by piece."""
        result: DeviceArray = fresh_buffer(device, node.shape, node.dtype)
        values: DeviceArray = fresh(node, device)
        target = result
        if self.exclusive:
            before = (slice(None),) * axis
            first = result[(*before, slice(0, 1))]
            write(first, self._combined.nothing(types, node.dtype, first.shape))
            target, values = result[(*before, slice(1, None))], values[(*before, slice(-1))]
        if not target.size:
            return result
        if _is_long(device, values.shape):
            self._in_pieces(device, types, values, target)
        else:
            write(target, self._node(types, values._node(), axis))
        return result

    def _in_pieces(
        self, device: Device, types: Types, values: DeviceArray, target: DeviceArray
    ) -> None:
        """Scan one long line, piece by piece at the same time, into `target`.

        A first pass combines the elements of each piece; these are scanned; a second pass scans
        the pieces, each of which begins with what comes before.
        """
        pieces = LINES * device.threads()
        length = values.size // pieces
        main = pieces * length
        lines = values[:main].reshape(pieces, length)
        totals = self._combined.reduce(types, lines._node(), (1,), False)
        before: DeviceArray = fresh(self._node(types, totals, 0), device)  # after each piece
        rest = values[main:]
        loop = self._begin(types, lines.dtype)
        sources = (before[:-1].reshape(-1, 1)._node(), lines[1:]._node())
        shape = (pieces - 1, length)
        node = map_node(loop, (*sources, index_node(shape, (0, 1))), shape)
        outs = target[:main].reshape(pieces, length)
        write(outs[1:], self._node(types, node, 1))
        write(outs[:1], self._node(types, lines[:1]._node(), 1))
        if rest.size:
            sources = (before[-1:]._node(), rest._node())
            node = map_node(loop, (*sources, index_node((rest.size,), (1,))), (rest.size,))
            write(target[main:], self._node(types, node, 0))

    def _begin(self, types: Types, dtype: DType) -> Loop:
        """Return the loop that combines the first element of a line with what comes before."""
        text = f"begun_ = b; if (at_ == 0) begun_ = ({self.scan_expr});"
        ins = [("a", dtype), ("b", dtype), ("at_", COUNT)]
        return self._combined.loop(text, types, ins, ("begun_", dtype))


def _is_long(device: Device, shape: Shape) -> bool:
    """Say whether a scan is of one line that several threads of a host should work on."""
    return not device.grid and len(shape) == 1 and shape[0] >= MANY and device.threads() >= THREADS
