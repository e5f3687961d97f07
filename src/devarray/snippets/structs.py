"""Reductions in CUDA C: for accumulators that are structs, and texts with compiler's options.

A block combines what its threads have combined; what several blocks made of one result goes through
a second kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import UnsupportedError
from devarray.layout import Shape
from devarray.manipulation import broadcast_to
from devarray.raw import RawKernel
from devarray.record import fresh_buffer
from devarray.snippets.arguments import Call
from devarray.snippets.combined import Combined
from devarray.snippets.indexed import passed, slots_of, vectors_of
from devarray.snippets.signature import Param, Types, c_type
from devarray.snippets.text import c_name, uses
from devarray.snippets.threads import (
    Slot,
    named_sizes,
    opening,
    size_values,
    slots_for,
    whole_indices,
)

__all__ = ["PointerReduction", "StructReduction"]

DType = np.dtype[Any]
INDEX = np.dtype(np.int64)

BLOCK = 128  # threads of a block
MOST_PARTS = 256  # blocks that share one result
SIZES = ("length_", "parts_", "run_", "step_", "in_size_", "out_size_")


def reduction_text(
    texts: Combined,
    slots: Sequence[Slot],
    types: Types,
    kind: str,
    map_expr: str,
    out: str,
    partial: bool = False,
) -> str:
    """Return CUDA C that combines ``length_`` elements for each result.

    Parameters
    ----------
    kind, out : str
        Types of an accumulator and of a result.
    partial : bool
        Accumulators are written, and each result is shared by ``parts_`` blocks.
    """
    title, name, result = texts.name, c_name(texts.name), texts.out
    said = (map_expr, texts.reduce_expr, texts.post, texts.identity, kind, out)
    lines = opening(title, slots, types, texts.preamble, said)
    listed = "".join(f", {slot.declared()}" for slot in slots)
    given = "".join(f", {slot.place}" for slot in slots)
    lines += [
        f"typedef {kind} {name}_type;",
        f"__device__ {name}_type {name}_combine({name}_type a, {name}_type b) {{",
        f'#line 1 "{title}"',
        f"return ({texts.reduce_expr});",
        "}",
        f"__device__ {name}_type {name}_map(long long i{listed}) {{",
    ]
    lines += [f"const {slot.type} {slot.name} = {slot.place}[i];" for slot in slots if slot.element]
    lines += [f'#line 1 "{title}"', f"return ({map_expr});", "}"]
    target = f"{name if partial else out}{'_type' if partial else ''} *{result}_of_"
    sizes = ", ".join(f"long long {size}" for size in SIZES)
    lines += [
        f'extern "C" __global__ void {name}({sizes}{listed}, {target}) {{',
        f"__shared__ double room_[({BLOCK} * sizeof({name}_type) + 7) / 8];",
        f"{name}_type *shared_ = ({name}_type *)room_;",
        "const int thread_ = threadIdx.x;",
        "const long long group_ = blockIdx.x / parts_, part_ = blockIdx.x % parts_;",
        "// a thread takes `run_` elements that follow each other, or every `step_`-th of all",
        f"const long long rest_ = (length_ - part_ * {BLOCK} * run_ + run_ - 1) / run_;",
        f"const int count_ = rest_ < {BLOCK} ? (int)rest_ : {BLOCK};",
        "if (thread_ < count_) {",
        f"long long k_ = (part_ * {BLOCK} + thread_) * run_;",
        "const long long end_ = step_ == 1 && k_ + run_ < length_ ? k_ + run_ : length_;",
        f"{name}_type mine_ = {name}_map(group_ * length_ + k_{given});",
        "for (k_ += step_; k_ < end_; k_ += step_)",
        f"  mine_ = {name}_combine(mine_, {name}_map(group_ * length_ + k_{given}));",
        "shared_[thread_] = mine_;",
        "}",
        "for (int step_ = 1; step_ < count_; step_ *= 2) {",
        "__syncthreads();",
        "if (thread_ % (2 * step_) == 0 && thread_ + step_ < count_)",
        f"  shared_[thread_] = {name}_combine(shared_[thread_], shared_[thread_ + step_]);",
        "}",
        "if (thread_ == 0) {",
    ]
    if partial:
        lines.append(f"{result}_of_[blockIdx.x] = shared_[0];")
    else:
        begin = f"{name}_type a = shared_[0];"
        if texts.identity:
            begin = f"{name}_type a = {texts.identity};\nif (count_ > 0) a = shared_[0];"
        value = f" = {result}_of_[group_]" if texts.reads else ""
        lines += [begin, f"{out} {result}{value};", f'#line 1 "{title}"', f"{texts.post}\n;"]
        lines.append(f"{result}_of_[group_] = {result};")
    lines += ["}", "}"]
    return "\n".join(lines) + "\n"


def _walk(device: Device, length: int, most: int) -> tuple[int, int, int, int]:
    """Return the first sizes: the length, parts (at most `most`), a thread's run and its step.

    Threads of a grid read side by side; those of a host one element after the other.
    """
    parts = max(1, min(-(-length // (4 * BLOCK)), most))
    if device.grid:
        return length, parts, 1, parts * BLOCK
    run = max(1, -(-length // (parts * BLOCK)))
    return length, max(1, -(-length // (run * BLOCK))), run, 1  # no part is empty


class StructReduction:
    """The reductions along axes of a `ReductionKernel` that are CUDA C."""

    def __init__(self, kernel: Any, texts: Combined) -> None:
        self._of, self._texts = kernel, texts
        self._kernels: dict[Any, tuple[RawKernel, dict[str, Any]]] = {}

    def reduce(self, call: Call, axes: Shape, dtype: DType, out: DeviceArray | None) -> DeviceArray:
        """Return the results, one behind the other; `out` has what they were before."""
        of, shape = self._of, call.shape
        kept = tuple(axis for axis in range(len(shape)) if axis not in axes)
        order = kept + axes
        groups = math.prod(shape[axis] for axis in kept)
        length = math.prod(shape[axis] for axis in axes)
        if uses(of.map_expr, "i") and order != tuple(range(len(shape))):
            raise UnsupportedError(
                f"kernel {of.name}: i is known only where the reduced axes are the last ones; move "
                "them there with devarray.moveaxis"
            )
        if not length:
            self._texts.check_identity()
        kernel, sizes = self._kernel(call, dtype)
        values, arrays = call.values(
            of.in_params, of.name, lambda array: broadcast_to(array, shape).transpose(order)
        )
        values += size_values(sizes, arrays, of.name)
        result: DeviceArray = fresh_buffer(call.device, (groups,), dtype)
        if self._texts.reads:
            result[...] = 0 if out is None else out.reshape(-1)
        if groups:
            walk = (*_walk(call.device, length, 1), math.prod(shape), groups)
            kernel((groups,), (BLOCK,), (*walk, *values, result))
        return result

    def _kernel(self, call: Call, dtype: DType) -> tuple[RawKernel, dict[str, Any]]:
        key = call.key()
        found = self._kernels.get(key)
        if found is None:
            of = self._of
            raws = [p.name for p in of.in_params if p.raw]
            texts, sizes = named_sizes([of.map_expr], raws)
            known = [*of.in_params, *(Param(name, "int64", INDEX) for name in sizes)]
            (expr,) = whole_indices(texts, raws, call.types, known)
            slots = slots_for(of.in_params, call)
            slots += [Slot(name, "long long", False) for name in sizes]
            out = c_type(dtype)
            source = reduction_text(
                self._texts, slots, call.types, of.reduce_type or out, expr, out
            )
            kernel = RawKernel(source, c_name(of.name), of.options)
            found = self._kernels[key] = kernel, sizes
        return found


class PointerReduction:
    """The reductions of an `IndexedReduction` that are CUDA C."""

    def __init__(self, kernel: Any, texts: Combined) -> None:
        self._of, self._texts = kernel, texts
        slots, kind = slots_of(kernel.params, ()), kernel.type_out

        def made(slots: Sequence[Slot], expr: str, partial: bool = False) -> RawKernel:
            source = reduction_text(texts, slots, {}, kind, expr, kind, partial)
            return RawKernel(source, c_name(kernel.name), kernel.options)

        self._whole = made(slots, kernel.map_expr)
        self._first = made(slots, kernel.map_expr, partial=True)
        self._second = made([Slot("in_", kind)], "in_[i]")

    def reduce(self, device: Device, args: Sequence[Any]) -> DeviceArray:
        """Return the result; of a structured dtype, its bytes."""
        of = self._of
        dtype, size = of.dtype_out, 1
        if dtype.kind == "V":
            dtype, size = np.dtype(np.uint8), dtype.itemsize
        n = vectors_of(of.params, args)[0].size
        if not n:
            self._texts.check_identity()
        values = passed(of.params, args, of.name)
        sizes = _walk(device, n, MOST_PARTS)
        parts = sizes[1]
        result: DeviceArray = fresh_buffer(device, (size,), dtype)
        if parts == 1:
            self._whole((1,), (BLOCK,), (*sizes, n, 1, *values, result))
        else:
            partial = fresh_buffer(device, (parts * size,), dtype)
            self._first((parts,), (BLOCK,), (*sizes, n, 1, *values, partial))
            self._second((1,), (BLOCK,), (*_walk(device, parts, 1), n, 1, partial, result))
        return result if of.dtype_out.kind == "V" else result.reshape(())
