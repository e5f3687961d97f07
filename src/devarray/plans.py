"""From a step to its plan and launch: kernels are known by structure.

A plan's key is what its text depends on: structure, dtypes, layout classes; never shapes, strides,
addresses or values.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.config import Settings, current, on_change
from devarray.device import Block, Device
from devarray.fuse import Step
from devarray.graph import LOAD, SCAN, Node
from devarray.kernels.ops import Loop
from devarray.kernels.spec import Operand, Reducer, Spec, Statement
from devarray.launches import Launch, Plan
from devarray.layout import Layout, Shape, broadcast_layout, contiguous
from devarray.registry import on_close
from devarray.walk import Walk, map_walk, reduce_walk, scan_walk

__all__ = [
    "encode",
    "forget_plans",
    "forget_too",
    "is_index",
    "known_plans",
    "marks",
    "prepare",
    "read",
]

DType = np.dtype[Any]

MOST_PLANS = 20_000
_plans: dict[Any, Plan] = {}


def known_plans() -> list[Plan]:
    """Return every plan of this process."""
    return list(_plans.values())


marks = itertools.count(1)  # a new one for each walk over a graph


def encode(nodes: list[Node], mark: int, loads: list[Node], scalars: list[Any]) -> list[Any]:
    """Write down the structure of elementwise nodes; collect the memory and scalars they read.

    Nodes that are not among `nodes` and carry another mark are read from memory. Afterwards
    ``node.slot`` numbers each: operations from 1 upwards, memory from -1 downwards.
    """
    parts: list[Any] = []
    for slot, node in enumerate(nodes, 1):
        loop: Any = node.op
        parts.append(loop.code)
        for source, dtype in zip(node.sources, loop.ins, strict=True):
            if type(source) is Node:
                if source.mark != mark:
                    read(source, mark, loads, parts)
                parts.append(source.slot)
            else:
                parts.append(None)
                if dtype.kind == "c":
                    value = complex(source)
                    scalars += (value.real, value.imag)
                elif dtype.kind == "b":  # logical functions take any number there
                    scalars.append(bool(source))
                else:
                    scalars.append(source)
        node.slot = slot
        node.mark = mark
    return parts


def read(node: Node, mark: int, loads: list[Node], parts: list[Any]) -> None:
    """Note that a kernel reads the value of `node` from memory."""
    node.mark = mark
    loads.append(node)
    node.slot = -len(loads)
    parts.append("index" if is_index(node) else node.dtype.char)


def is_index(node: Node) -> bool:
    """Say whether a load is of indices, which have no memory."""
    return node.op is LOAD and node.arg[0].index


def layout_of(node: Node) -> Layout:
    """Return where a load's elements lie; what an earlier step will compute lies contiguously."""
    if node.op is LOAD:
        layout: Layout = node.arg[1]
        return layout
    return contiguous(node.shape, node.dtype.itemsize)


def prepare(step: Step, targets: dict[Node, tuple[Block, Layout]], device: Device) -> Launch:
    """Return the launch that computes a step, with its plan found or made."""
    loads: list[Node] = []
    late_loads: list[Node] = []
    scalars: list[Any] = []
    mark = next(marks)
    parts = encode(step.nodes, mark, loads, scalars)
    for node in step.reductions:
        reduction = node.arg
        source = node.sources[0]
        if source.mark != mark:
            read(source, mark, loads, parts)
        parts += (
            reduction.loop.code,
            source.slot,
            reduction.arg,
            node.dtype.char,
            reduction.initial is None,
        )
        if reduction.initial is not None:
            value = reduction.initial
            scalars += (value.real, value.imag) if reduction.loop.out.kind == "c" else (value,)
    stored = tuple([node.slot for node in step.stores])
    mark = next(marks)  # the epilogue numbers its nodes anew
    for k, node in enumerate(step.reductions):
        node.mark = mark
        node.slot = 1_000_000 + k
    late_parts = encode(step.epilogue, mark, late_loads, scalars)
    walk = _walk(step, loads, late_loads, targets)
    kind = "map" if not step.reductions else "scan" if step.reductions[0].op is SCAN else "reduce"
    narrow = device.grid and math.prod(step.shape) < 1 << 31
    key = (
        device,
        narrow,
        kind,
        walk.mode,
        walk.classes,
        walk.kept,
        walk.reduced,
        tuple(parts),
        tuple(late_parts),
        stored,
        tuple([node.slot for node in step.results]),
    )
    plan = _plans.get(key)
    if plan is None:
        if len(_plans) >= MOST_PLANS:
            forget_plans()
        spec = _make_spec(kind, step, walk, loads, late_loads)._replace(narrow=narrow)
        plan = _plans[key] = Plan(spec, _is_exact(step, walk), device.grid)
    elements = math.prod(step.shape)
    return Launch(
        plan,
        walk,
        loads,
        step.stores,
        late_loads,
        step.results,
        scalars,
        elements,
        len(step.nodes) + len(step.reductions),
    )


def _place_layout(node: Node, targets: dict[Node, tuple[Block, Layout]]) -> Layout:
    target = targets.get(node)
    return contiguous(node.shape, node.dtype.itemsize) if target is None else target[1]


def _walk(
    step: Step, loads: list[Node], late_loads: list[Node], targets: dict[Node, tuple[Block, Layout]]
) -> Walk:
    operands = loads + step.stores
    layouts = [layout_of(node) for node in loads] + [_place_layout(n, targets) for n in step.stores]
    shape = step.shape
    if not step.reductions:
        for layout in layouts:
            if not layout.dense or layout.shape != shape:
                break
        else:
            return Walk("flat", "u" * len(layouts), 0, 0, (), (), math.prod(shape))
        if 0 in shape:
            return Walk("flat", "u" * len(layouts), 0, 0, (), (), 0)
    # the position of memory is an address, not a part of the walk
    still = tuple([Layout(la.shape, la.strides, 0, la.dense) for la in layouts])
    itemsizes = tuple([node.dtype.itemsize for node in operands])
    if not step.reductions:
        return map_walk(shape, still, itemsizes, len(loads))
    first = step.reductions[0]
    if first.op is SCAN:
        out = _place_layout(step.results[0], targets).strides
        return scan_walk(shape, first.arg.axes[0], still, itemsizes, out)
    outs = tuple([_kept_strides(layout_of(node), first) for node in late_loads])
    outs += tuple(
        [_kept_strides(contiguous(n.shape, n.dtype.itemsize), first) for n in step.results]
    )
    in_order = any(node.arg.arg for node in step.reductions)
    return reduce_walk(shape, first.arg.axes, still, itemsizes, outs, in_order)


def _kept_strides(layout: Layout, reduction: Node) -> Shape:
    """Return the strides of an operand of the epilogue over the kept axes.

    With keepdims, the operand has the reduced ones as well.
    """
    strides = broadcast_layout(layout, reduction.shape).strides
    if len(reduction.shape) == len(reduction.sources[0].shape):
        return tuple(s for a, s in enumerate(strides) if a not in reduction.arg.axes)
    return strides


def _is_exact(step: Step, walk: Walk) -> bool:
    """Say whether NumPy computes a step to the same bits."""
    for node in step.nodes + step.epilogue:
        if isinstance(node.op, Loop) and not node.op.exact:
            return False
    for node in step.reductions:
        loop: Loop = node.arg.loop
        if loop.op.answer is None:
            return False
        ordered = loop.out.kind in "fc" and node.arg.row.reduce in ("sum", "prod")
        if node.op is SCAN or not ordered:
            continue
        # our tree is NumPy's along one contiguous axis, for its sums
        if walk.mode != "inner" or walk.reduced != 1 or walk.kept or loop.out.char == "e":
            return False
        if node.arg.row.reduce == "prod" or node.arg.initial is not None:
            return False
    return True


def _make_spec(
    kind: str, step: Step, walk: Walk, loads: list[Node], late_loads: list[Node]
) -> Spec:
    scalars: list[tuple[str, DType]] = []
    names: dict[Node, str] = {node: f"x{k}" for k, node in enumerate(loads)}
    body = _statements(step.nodes, names, scalars, 0)
    reducers = []
    late_names: dict[Node, str] = {}
    for k, node in enumerate(step.reductions):
        reduction = node.arg
        initial = ""
        if reduction.initial is not None:
            initial = f"k{len(scalars)}"
            scalars.append((initial, reduction.loop.out))
        late_names[node] = f"r{k}"
        source = node.sources[0]
        reducers.append(
            Reducer(
                f"r{k}",
                names[source],
                source.dtype,
                reduction.loop,
                reduction.row.reduce,
                reduction.arg,
                initial,
                node.dtype,
            )
        )
    late_names.update({node: f"x{len(loads) + k}" for k, node in enumerate(late_loads)})
    epilogue = _statements(step.epilogue, late_names, scalars, len(body))
    operands = [
        Operand(names[n], n.dtype, c, False, is_index(n))
        for n, c in zip(loads, walk.classes, strict=False)
    ]
    late_classes = walk.classes[len(loads) :]
    operands += [
        Operand(names[n], n.dtype, c, True) for n, c in zip(step.stores, late_classes, strict=True)
    ]
    outs = [Operand(late_names[n], n.dtype, "g", False, is_index(n)) for n in late_loads]
    outs += [Operand(late_names[n], n.dtype, "u", True) for n in step.results]
    return Spec(
        kind,
        walk.mode,
        0 if walk.mode == "flat" else walk.kept,
        walk.reduced,
        body,
        tuple(operands),
        tuple(scalars),
        tuple(reducers),
        epilogue,
        tuple(outs),
    )


def _statements(
    nodes: list[Node], names: dict[Node, str], scalars: list[tuple[str, DType]], first: int
) -> tuple[Statement, ...]:
    statements = []
    for k, node in enumerate(nodes):
        loop = node.op
        assert isinstance(loop, Loop)
        args = []
        for source, dtype in zip(node.sources, loop.ins, strict=True):
            if type(source) is Node:
                args.append((names[source], source.dtype))
            else:
                args.append((f"k{len(scalars)}", dtype))
                scalars.append(args[-1])
        names[node] = f"v{first + k}"
        statements.append(Statement(names[node], loop, tuple(args)))
    return tuple(statements)


def forget_plans() -> None:
    """Forget every kernel of this process (the ones on disk stay)."""
    _plans.clear()
    for forget in _also_forget:
        forget()


_also_forget: list[Callable[[], None]] = []  # other tables of plans
_fast_math = current().fast_math


def _follow(settings: Settings) -> None:
    """Forget plans when kernels are to be compiled otherwise."""
    global _fast_math
    if settings.fast_math != _fast_math:
        _fast_math = settings.fast_math
        forget_plans()


on_change(_follow)
on_close(forget_plans)


def forget_too(forget: Callable[[], None]) -> None:
    """Call `forget` whenever plans are forgotten."""
    _also_forget.append(forget)
