"""Evaluation: steps become kernels, kernels run, nodes become loads.

Kernels are looked up by structure, or written and compiled.

Everything here runs under one lock, so that Python threads may record and evaluate as they like;
the interpreter's lock is released while a kernel runs. Nodes and buffers change only after a kernel
has succeeded: a failure leaves every array as it was.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from devarray.config import Settings, current, on_change
from devarray.device import Block, Device
from devarray.errors import DevarrayError
from devarray.fuse import Step, named, schedule
from devarray.graph import (
    LOAD,
    REDUCE,
    SCAN,
    Buffer,
    Node,
    evaluate_with_numpy,
    indices_of,
    leaves,
    load_weight,
    map_node,
    place_in,
    readers,
    touches,
)
from devarray.kernels.ops import OPS, Loop
from devarray.kernels.rows import astype
from devarray.launches import Launch, Plan
from devarray.layout import Layout, Shape, contiguous
from devarray.plain import prepare_plain
from devarray.plans import prepare

__all__ = [
    "copy_loop",
    "copy_node",
    "counters",
    "evaluate",
    "evaluate_readers",
    "export",
    "lock",
    "materialize",
    "on_host",
    "store",
]

DType = np.dtype[Any]

lock = threading.RLock()


class Counters:
    """What has been done so far in this process; ``devarray run`` and tests read it."""

    def __init__(self) -> None:
        self.launches = 0
        self.oracle = 0
        self.seconds = 0.0
        self.bytes = 0


counters = Counters()
_settings = current()


def _follow(settings: Settings) -> None:
    global _settings
    _settings = settings


on_change(_follow)


def copy_loop(source: DType, target: DType) -> Loop:
    """Return the loop that copies elements, cast to `target`."""
    row = OPS[astype]
    key = (target, source)
    found = row.loops.get(key)
    if found is None:
        found = row.loops[key] = row.make((target, target))
    return found[0]


def copy_node(node: Node, shape: Shape, dtype: DType) -> Node:
    """Return a node whose value is that of `node`, broadcast and cast."""
    return map_node(copy_loop(node.dtype, dtype), (node,), shape)


def evaluate(buffers: Iterable[Buffer]) -> None:
    """Give every buffer its memory."""
    with lock:
        wanted: list[Buffer] = []
        for buffer in buffers:
            if buffer.block is not None:
                continue
            if buffer.node.op is LOAD:  # the content is a copy of other memory
                own_copy(buffer)
            wanted.append(buffer)
        if len(wanted) == 1 and _run_plain(wanted[0]):
            return
        if wanted:
            _run_all(schedule([buffer.node for buffer in wanted]), wanted[0].device)
            for buffer in wanted:
                if buffer.block is None:
                    _take(buffer)


def own_copy(buffer: Buffer) -> None:
    """Make the content of a buffer that shows other memory an expression of its own."""
    node = copy_node(buffer.node, buffer.node.shape, buffer.dtype)
    node.owner = weakref.ref(buffer)
    buffer.node = node


def _take(buffer: Buffer) -> None:
    """Take the memory that the node's value was written to; copy it if another buffer has it."""
    block, layout = buffer.node.arg
    owner = buffer.node.owner
    if owner is not None and owner() is buffer:
        buffer.hold(block, layout)
    else:
        own_copy(buffer)
        evaluate((buffer,))


def materialize(buffer: Buffer) -> Block:
    """Return the memory of a buffer, evaluating it if need be."""
    if buffer.block is None:
        evaluate((buffer,))
    block = buffer.block
    assert block is not None
    return block


def export(buffer: Buffer) -> Block:
    """Return the memory for use outside devarray: from now on its reads are evaluated at once."""
    with lock:
        block = materialize(buffer)
        if not block.escaped:
            waiting = readers(block, buffer.whole(), buffer.dtype.itemsize)
            evaluate(waiting)
            block.escaped = True
            buffer.node.weight = load_weight(block)
        return block


def _run_plain(buffer: Buffer) -> bool:
    """Compute a plain expression by the short way; return False if it is not one."""
    node = buffer.node
    if (
        _settings.check
        or buffer.spare is not None
        or not (type(node.op) is Loop or node.op is REDUCE)
    ):
        return False
    owner = node.owner
    if owner is None or owner() is not buffer:
        return False
    prepared = prepare_plain(node, buffer.device)
    if prepared is None:
        return False
    launch, recomputed = prepared
    plan, device = launch.plan, buffer.device
    kernel = plan.ready
    if kernel is None:
        return False
    layout = buffer.whole()
    block = device.empty(math.prod(node.shape) * node.dtype.itemsize)
    seconds = plan.launch(kernel, launch, {node: (block, layout)}, device)
    counters.launches += 1
    counters.bytes += launch.elements * plan.traffic
    counters.seconds += seconds
    for other in recomputed:
        other.uses += 1
    node.become_load(block, layout)
    buffer.hold(block, layout)
    return True


def _run_all(steps: list[Step], device: Device) -> None:
    for step in steps:
        run(step, device, {})


Targets = dict[Node, tuple[Block, Layout]]


def run(step: Step, device: Device, targets: Targets) -> None:
    """Run one kernel and let the nodes it stores become loads.

    Parameters
    ----------
    targets : dict
        Memory for nodes that are to be written elsewhere than to fresh memory.
    """
    outputs = step.outputs()
    places: Targets = {}
    launch = prepare(step, targets, device)
    for node in outputs:
        places[node] = targets.get(node) or _place(node, step, device)
    if 0 not in step.shape:
        _execute(step, launch, places, device)
    for node in step.recomputed:
        node.uses += 1
    for node in outputs:
        block, layout = places[node]
        owner = named(node)
        node.become_load(block, layout)
        if owner is not None and node not in targets:
            owner.hold(block, layout)


def _place(node: Node, step: Step, device: Device) -> tuple[Block, Layout]:
    """Return memory for the value of a node.

    It is the buffer's earlier memory if nobody reads that any more.
    """
    layout = contiguous(node.shape, node.dtype.itemsize)
    nbytes = node.dtype.itemsize * math.prod(node.shape)
    owner = named(node)
    if owner is not None and owner.spare is not None and owner.spare.nbytes >= nbytes:
        spare = owner.spare
        if not step.reductions and _is_free(spare, layout, node, owner):
            return spare, layout
    return device.empty(nbytes), layout


def _is_free(spare: Block, layout: Layout, node: Node, owner: Buffer) -> bool:
    """Say whether writing `node` to `spare` disturbs nobody.

    Its own reads of it must be of the very elements it writes.
    """
    itemsize = node.dtype.itemsize
    own = [leaf for leaf in leaves((node,)) if leaf.arg[0] is spare]
    if any(leaf.arg[1] != layout or leaf.dtype.itemsize != itemsize for leaf in own):
        return False
    # other loads: cached by views, or operands of an operation that is just being recorded
    if any(leaf not in own for leaf in spare.live_loads()):
        return False
    whole = Layout((spare.nbytes,), (1,), 0, True)
    return all(reader is owner for reader in readers(spare, whole, 1))


def _execute(step: Step, launch: Launch, places: Targets, device: Device) -> None:
    plan = launch.plan
    expected = _oracle(step) if _settings.check and _has_answer(step) else None
    kernel = plan.kernel(device, launch.elements * launch.operations)
    if kernel is None and not _can_write(places.values(), device):
        kernel = plan.compile(device)
    if kernel is None:
        counters.oracle += 1
        for node, value in _oracle(step).items():
            _write_from_host(value, *places[node], node.dtype)
        return
    counters.launches += 1
    counters.bytes += launch.elements * plan.traffic
    counters.seconds += plan.launch(kernel, launch, places, device)
    if expected is not None:
        _compare(plan, expected, places)


def on_host(block: Block, layout: Layout, dtype: DType) -> Any:
    """Return elements as a host array that is only read from, and at once."""
    if block.device.shares_host_memory:
        return block.device.native(block, layout, dtype)
    values = np.empty(layout.shape, dtype)
    block.device.copy_out(block, layout, values)
    return values


def _can_write(places: Iterable[tuple[Block, Layout]], device: Device) -> bool:
    """Say whether results of the host's can be put to their places without a kernel."""
    return device.shares_host_memory or all(layout.dense for _, layout in places)


def _write_from_host(value: Any, block: Block, layout: Layout, dtype: DType) -> None:
    if block.device.shares_host_memory:
        block.device.native(block, layout, dtype)[...] = value
    else:
        values = np.ascontiguousarray(np.broadcast_to(value, layout.shape), dtype)
        block.device.copy_in(values, block, layout.offset)


def _has_answer(step: Step) -> bool:
    """Say whether NumPy has all ops of a step: those made at run time it does not."""
    loops = [node.op for node in step.nodes + step.epilogue]
    loops += [node.arg.loop for node in step.reductions]
    return all(loop.op.answer is not None for loop in loops if isinstance(loop, Loop))


def _oracle(step: Step) -> dict[Node, Any]:
    """Return what NumPy says of every output of a step."""

    def read(node: Node) -> Any:
        block, layout = node.arg
        return indices_of(layout) if block.index else on_host(block, layout, node.dtype)

    nodes: dict[Node, None] = {}
    for part in (step.nodes, step.reductions, step.epilogue):
        for node in part:
            for source in node.sources:
                if type(source) is Node and source.op is LOAD:
                    nodes[source] = None
            nodes[node] = None
    values = evaluate_with_numpy(nodes, read)
    return {node: values[id(node)] for node in step.outputs()}


def _compare(plan: Plan, expected: dict[Node, Any], places: Targets) -> None:
    for node, wanted in expected.items():
        block, layout = places[node]
        got = on_host(block, layout, node.dtype)
        same: Any
        if plan.exact or node.dtype.kind in "bui":
            same = np.array_equal(got, wanted, equal_nan=node.dtype.kind in "fc")
        else:
            ulps = 4.0 if node.dtype.char == "e" else 64.0  # float16 is computed in float32
            tolerance = ulps * float(np.finfo(node.dtype).eps)
            same = np.allclose(got, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
        if not same:
            raise DevarrayError(
                f"check mode: kernel and NumPy differ in {node.op!r}\n"
                f"kernel: {got!r}\nNumPy: {wanted!r}\n{plan.source}"
            )


def store(buffer: Buffer, layout: Layout, value: Node, dtype: DType | None = None) -> None:
    """Write the value of a node to the part of a buffer that `layout` covers.

    Pending readers of that part are evaluated first. The value is computed by the very kernel that
    writes it if each of its reads of this memory is of the element it writes, or of none that is
    written; otherwise it goes to a temporary.

    Parameters
    ----------
    dtype : numpy.dtype, optional
        Of the elements of `layout`, if not the buffer's own (the real part of a complex array).
    """
    dtype = buffer.dtype if dtype is None else dtype
    with lock:
        block = materialize(buffer)
        if 0 in layout.shape:
            return
        waiting = readers(block, layout, dtype.itemsize)
        # the array that is being stored may stay pending: afterwards it is what the target holds
        stays = value.op is not LOAD and value.dtype == dtype
        others = [reader for reader in waiting if reader.node is not value or not stays]
        if others:
            evaluate(others)
        direct = (
            value.op is not LOAD
            and (isinstance(value.op, Loop) or value.op is SCAN)
            and value.dtype == dtype
            and value.shape == layout.shape
        )
        if _disturbs(value, block, layout, dtype.itemsize):
            value = evaluate_node(value, buffer.device)
            direct = False
        root = value if direct else copy_node(value, layout.shape, dtype)
        steps = schedule([root])
        _run_all(steps[:-1], buffer.device)
        last = steps[-1]
        # a reduction writes its results one after the other, and while others are still computed
        scan = last.reductions and last.reductions[0].op is SCAN
        if last.reductions and (
            not (scan or layout.dense) or _disturbs_pass(last, block, layout, dtype.itemsize)
        ):
            root = copy_node(evaluate_node(root, buffer.device), layout.shape, dtype)
            last = schedule([root])[-1]
        run(last, buffer.device, {root: (block, layout)})


def before_write(buffer: Buffer, layout: Layout, dtype: DType) -> None:
    """Evaluate a buffer, and everything pending that reads the part of it that will be written."""
    block = materialize(buffer)
    evaluate(readers(block, layout, dtype.itemsize))


def evaluate_readers(block: Block) -> None:
    """Evaluate everything pending that reads memory which is about to be written."""
    evaluate(readers(block, Layout((block.nbytes,), (1,), 0, True), 1))


def evaluate_node(node: Node, device: Device) -> Node:
    """Return a load of memory that holds the value of a node now, and that nothing writes."""
    if node.op is LOAD:  # of memory that is about to be written: others go on reading that
        node = copy_node(node, node.shape, node.dtype)
    _run_all(schedule([node]), device)
    return node


def _same_elements(leaf: Node, block: Block, layout: Layout, itemsize: int) -> bool:
    mine = place_in(leaf, block)
    return (
        mine is not None
        and leaf.dtype.itemsize == itemsize
        and mine.offset == layout.offset
        and mine.shape == layout.shape
        and mine.strides == layout.strides
    )


def _disturbs(value: Node, block: Block, layout: Layout, itemsize: int) -> bool:
    """Say whether computing `value` while writing it could read what has been overwritten."""
    return any(
        touches(leaf, block, layout, itemsize) and not _same_elements(leaf, block, layout, itemsize)
        for leaf in leaves((value,))
    )


def _disturbs_pass(step: Step, block: Block, layout: Layout, itemsize: int) -> bool:
    """Say the same of a reduction: it reads all elements before the last result is written."""
    return any(touches(leaf, block, layout, itemsize) for leaf in leaves(step.outputs()))


def _before_fork() -> None:
    lock.acquire()


def _after_fork() -> None:
    lock.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
