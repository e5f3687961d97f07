"""`explain`: what would run to compute an array, before it runs."""

from __future__ import annotations

import sys
from typing import TextIO

from devarray import engine
from devarray.array import DeviceArray
from devarray.fuse import Step, schedule
from devarray.graph import LOAD, Node
from devarray.kernels.ops import Loop
from devarray.plans import is_index, prepare

__all__ = ["explain"]


def explain(*arrays: DeviceArray, source: bool = True, file: TextIO | None = None) -> None:
    """Print how arrays would be computed.

    That is: the kernels, what each fuses, its traffic, why it was cut, and its text.

    Nothing is computed by this.

    Parameters
    ----------
    *arrays : DeviceArray
    source : bool
        Whether to print the kernels' texts.
    file : file object, optional
        Where to print; by default standard output.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.ones(1000)
    >>> da.explain((2 * x + 1).sum(), source=False)
    1 kernel
    kernel 1: reduce over (1000,), 0 B read, 8 B written
      fuses: astype, multiply, add, add.reduce
    """
    out = sys.stdout if file is None else file
    with engine.lock:
        for array in arrays:
            if not isinstance(array, DeviceArray):
                raise TypeError(f"explain needs device arrays, got {type(array).__name__}")
            if array.device is not arrays[0].device:
                raise ValueError("explain needs arrays of one device")
        waiting = [a._node() for a in arrays if a._buffer.block is None]
        roots = [
            engine.copy_node(node, node.shape, node.dtype) if node.op is LOAD else node
            for node in waiting
        ]
        steps = schedule(roots)
        print(f"{len(steps)} kernel{'' if len(steps) == 1 else 's'}", file=out)
        if not steps:
            print("nothing to compute: the values are in memory", file=out)
        for k, step in enumerate(steps, 1):
            print(_describe(k, step), file=out)
            if source and 0 not in step.shape:
                text = prepare(step, {}, arrays[0].device).plan.source
                print("\n".join("  | " + line for line in text.splitlines()), file=out)


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.4g} {unit}"
        count /= 1000
    raise AssertionError


def _size(node: Node) -> int:
    if is_index(node):
        return 0
    shape, dtype = node.shape, node.dtype
    total: int = dtype.itemsize
    for length in shape:
        total *= length
    return total


def _describe(k: int, step: Step) -> str:
    inside = set(step.nodes) | set(step.reductions) | set(step.epilogue)
    reads = {
        source
        for node in inside
        for source in node.sources
        if hasattr(source, "op") and source not in inside
    }
    kind = "map" if not step.reductions else "reduce"
    if step.reductions and step.reductions[0].op.name == "SCAN":  # type: ignore[union-attr]
        kind = "scan"
    names = [node.op.op.name for node in step.nodes if isinstance(node.op, Loop)]
    method = "accumulate" if kind == "scan" else "reduce"
    names += [f"{node.arg.row.name}.{method}" for node in step.reductions]
    names += [node.op.op.name for node in step.epilogue if isinstance(node.op, Loop)]
    lines = [
        f"kernel {k}: {kind} over {step.shape}, {_bytes(sum(map(_size, reads)))} read, "
        f"{_bytes(sum(map(_size, step.outputs())))} written",
        f"  fuses: {', '.join(names)}",
    ]
    lines += [f"  because: {reason}" for reason in dict.fromkeys(step.why)]
    return "\n".join(lines)
