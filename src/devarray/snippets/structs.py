"""Reductions in CUDA C: for accumulators that are structs, and texts with compiler's options.

A block combines what its threads have combined; what several blocks made of one result goes through
a second kernel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import UnsupportedError
from devarray.graph import Node
from devarray.layout import Shape
from devarray.manipulation import broadcast_to
from devarray.raw import RawKernel
from devarray.record import fresh, fresh_buffer
from devarray.snippets.indexed import passed, slots_of
from devarray.snippets.pieces import at_hand, c_name, scalar_for
from devarray.snippets.signature import Types, c_type
from devarray.snippets.text import uses
from devarray.snippets.threads import Slot, named_sizes, opening

__all__ = ["PointerReduction", "StructReduction", "reduction_text"]

DType = np.dtype[Any]

BLOCK = 128  # threads of a block
MOST_PARTS = 256  # blocks that share one result


def reduction_text(
    name: str,
    title: str,
    slots: Sequence[Slot],
    types: Mapping[str, DType],
    preamble: str,
    kind: str,
    map_expr: str,
    reduce_expr: str,
    post: str,
    out: tuple[str, str],
    identity: str,
) -> str:
    """Return CUDA C that combines ``length_`` elements for each result.

    Parameters
    ----------
    kind : str
        Type of an accumulator.
    out : (str, str)
        Name and type of the result; `post` gives it a value. If `post` is empty, accumulators are
        written, and each result is shared by ``parts_`` blocks.
    """
    texts = (map_expr, reduce_expr, post, identity, kind, out[1])
    lines = opening(title, slots, types, preamble, texts)
    declared = [slot.declared() for slot in slots]
    names = [d.rpartition("*")[2].split()[-1] for d in declared]
    listed = "".join(f", {d}" for d in declared)
    lines += [
        f"typedef {kind} {name}_type;",
        f"__device__ {name}_type {name}_combine({name}_type a, {name}_type b) {{",
        f'#line 1 "{title}"',
        f"return ({reduce_expr});",
        "}",
        f"__device__ {name}_type {name}_map(long long i{listed}) {{",
    ]
    lines += [
        f"const {slot.type} {slot.name} = {slot.name}_of_[i];" for slot in slots if slot.element
    ]
    lines += [f'#line 1 "{title}"', f"return ({map_expr});", "}"]
    given = "".join(f", {n}" for n in names)
    target = f"{out[1]} *{out[0]}_of_" if post else f"{name}_type *{out[0]}_of_"
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
    if post:
        begin = f"{name}_type a = shared_[0];"
        if identity:
            begin = f"{name}_type a = {identity};\nif (count_ > 0) a = shared_[0];"
        lines += [begin, f"{out[1]} {out[0]};", f'#line 1 "{title}"', f"{post}\n;"]
        lines += [f"{out[0]}_of_[group_] = {out[0]};"]
    else:
        lines += [f"{out[0]}_of_[blockIdx.x] = shared_[0];"]
    lines += ["}", "}"]
    return "\n".join(lines) + "\n"


SIZES = ("length_", "parts_", "run_", "step_", "in_size_", "out_size_")


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

    def __init__(self, kernel: Any) -> None:
        self._of = kernel
        self._kernels: dict[Any, tuple[RawKernel, dict[str, Any]]] = {}

    def reduce(
        self,
        device: Device,
        args: Sequence[Any],
        operands: Sequence[Any],
        types: Types,
        shape: Shape,
        axes: Shape,
    ) -> DeviceArray:
        """Return the results, one behind the other."""
        of = self._of
        kept = tuple(axis for axis in range(len(shape)) if axis not in axes)
        order = kept + axes
        groups = math.prod(shape[axis] for axis in kept)
        length = math.prod(shape[axis] for axis in axes)
        if uses(of.map_expr, "i") and order != tuple(range(len(shape))):
            raise UnsupportedError(
                f"kernel {of.name}: i is known only where the reduced axes are the last ones; move "
                "them there with devarray.moveaxis"
            )
        if not length and not of.identity.strip():
            raise ValueError(
                f"zero-size array to reduction operation {of.name} which has no identity"
            )
        scalars = tuple(type(o.value) is not Node for o in operands)
        kernel, sizes = self._kernel(types, scalars)
        values: list[Any] = [*_walk(device, length, 1), math.prod(shape), groups]
        arrays: dict[str, Any] = {}
        for param, x, operand in zip(of.in_params, args, operands, strict=True):
            if type(operand.value) is not Node:
                dtype = param.dtype or types[param.type]
                values.append(dtype.type(scalar_for(operand.value, dtype, param.name, of.name)))
                continue
            array = x if isinstance(x, DeviceArray) else fresh(operand.value, device)
            arrays[param.name] = array
            if not param.raw:
                array = broadcast_to(array, shape).transpose(order)
            values.append(at_hand(array))
        for name, axis in sizes.values():
            array = arrays[name]
            values.append(np.int64(array.size if axis is None else array.shape[axis]))
        (out,) = of.out_params
        result: DeviceArray = fresh_buffer(device, (groups,), out.dtype or types[out.type])
        if groups:
            kernel((groups,), (BLOCK,), (*values, result))
        return result

    def _kernel(self, types: Types, scalars: tuple[bool, ...]) -> tuple[RawKernel, dict[str, Any]]:
        key = (*(dtype.char for dtype in types.values()), scalars)
        found = self._kernels.get(key)
        if found is None:
            of = self._of
            raws = [p.name for p in of.in_params if p.raw]
            expr, sizes = named_sizes(of.map_expr, raws)
            slots = [
                Slot(
                    p.name,
                    c_type(p.dtype or types[p.type]),
                    not scalar,
                    True,
                    "" if p.raw or scalar else "in",
                )
                for p, scalar in zip(of.in_params, scalars, strict=True)
            ]
            slots += [Slot(name, "long long", False) for name in sizes]
            (out,) = of.out_params
            kind = c_type(out.dtype or types[out.type])
            name = c_name(of.name)
            source = reduction_text(
                name, of.name, slots, types, of.preamble, of.reduce_type or kind, expr,
                of.reduce_expr, of.post, (out.name, kind), of.identity,
            )  # fmt: skip
            found = self._kernels[key] = RawKernel(source, name, of.options), sizes
        return found


class PointerReduction:
    """The reductions of an `IndexedReduction` that are CUDA C."""

    def __init__(self, kernel: Any) -> None:
        self._of = kernel
        name, kind = c_name(kernel.name), kernel.type_out
        slots = slots_of(kernel.params, set())
        post, out = "y_ = a;", ("y_", kind)

        def made(slots: Sequence[Slot], expr: str, post: str) -> RawKernel:
            source = reduction_text(
                name, kernel.name, slots, {}, kernel.preamble, kind, expr, kernel.reduce_expr,
                post, out, kernel.neutral,
            )  # fmt: skip
            return RawKernel(source, name, kernel.options)

        self._whole = made(slots, kernel.map_expr, post)
        self._first = made(slots, kernel.map_expr, "")
        self._second = made([Slot("in_", kind)], "in_[i]", post)

    def reduce(self, device: Device, args: Sequence[Any]) -> DeviceArray:
        """Return the result; of a structured dtype, its bytes."""
        of = self._of
        dtype = of.dtype_out
        struct = dtype.kind == "V"

        def room(count: int) -> DeviceArray:
            array: DeviceArray = fresh_buffer(
                device,
                (count * dtype.itemsize,) if struct else (count,),
                np.dtype(np.uint8) if struct else dtype,
            )
            return array

        n = next(x.size for p, x in zip(of.params, args, strict=True) if p.vector)
        if not n and not of.neutral.strip():
            raise ValueError(
                f"zero-size array to reduction operation {of.name} which has no identity"
            )
        values = passed(of.params, args, of.name)
        sizes = _walk(device, n, MOST_PARTS)
        parts = sizes[1]
        result = room(1)
        if parts == 1:
            self._whole((1,), (BLOCK,), (*sizes, n, 1, *values, result))
        else:
            partial = room(parts)
            self._first((parts,), (BLOCK,), (*sizes, n, 1, *values, partial))
            self._second((1,), (BLOCK,), (*_walk(device, parts, 1), n, 1, partial, result))
        return result if struct else result.reshape(())
