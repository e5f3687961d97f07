"""Recording: nodes become arrays, stores replace or write content; limits.

`DeviceArray` builds on it, and on `operands`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Self

import numpy as np

from devarray import engine
from devarray.config import Settings, current, on_change
from devarray.device import Device
from devarray.fuse import grows_too_much, named
from devarray.graph import (
    LOAD,
    PINNED_LIMIT,
    Buffer,
    Node,
    count_nodes,
    load_node,
    map_node,
    pending,
)
from devarray.kernels.ops import Loop
from devarray.launches import is_recording
from devarray.layout import (
    Layout,
    Shape,
    broadcast_layout,
    contiguous,
    make_layout,
)

__all__ = [
    "Recorded",
    "View",
    "array_over",
    "fresh",
    "fresh_buffer",
    "selection",
    "set_array_class",
    "set_selection_class",
    "settle",
    "unchanging",
    "write",
]

DType = np.dtype[Any]

_limit: float = 0  # weight from which a graph is looked at: max_nodes, or 0 in eager mode


def _follow(settings: Settings) -> None:
    global _limit
    _limit = 0.0 if settings.eager else float(settings.max_nodes)


on_change(_follow)


class View(NamedTuple):
    """What an array shows of its buffer, if not the whole as it is."""

    layout: Layout
    dtype: DType
    writeable: bool


class _AsScalar:
    """Marks a 0-d result, which NumPy gives as a scalar: in-place operators rebind its name."""

    arg = (None,)


AS_SCALAR: Any = _AsScalar()


def unchanging(array: Any) -> Any:
    """Mark a 0-d result, which is a scalar in NumPy: in-place operators make a new one."""
    array._load = AS_SCALAR
    return array


def as_scalar(array: Any) -> Any:
    """Return a 0-d result as NumPy gives it: unchangeable; its scalar in whole NumPy programs."""
    return array.get()[()] if current().host_access == "always" else unchanging(array)


def as_result(array: Any, out: Any = None) -> Any:
    """Return a reduction's result: NumPy's scalar if it is 0-d and was not written to `out`."""
    if isinstance(out, tuple):
        (out,) = out
    if isinstance(array, Recorded) and not array._shape() and (out is None or out is np._NoValue):
        return as_scalar(array)
    return array


class Recorded:
    """The part of an array that recording needs: a buffer, and what is shown of it.

    Attributes
    ----------
    _buffer : Buffer
    _view : View or None
        None: the whole buffer, writeable.
    _load : Node or None
        The node that reads the view, once there is memory; `AS_SCALAR` for a 0-d result.
    """

    __slots__ = ("__weakref__", "_buffer", "_load", "_view")

    _buffer: Buffer
    _view: View | None
    _load: Node | None

    @property
    def _lazy(self) -> bool:
        """Whether it is a selection by a mask that is not compacted yet; see `masks`."""
        return False

    @classmethod
    def _make(cls, buffer: Buffer, view: View | None) -> Self:
        array = cls.__new__(cls)
        array._buffer = buffer
        array._view = view
        array._load = None
        return array

    def _node(self) -> Node:
        """Return the node of this array's content as it is now."""
        return self._buffer.node if self._view is None else _view_node(self, self._view)

    def _layout(self) -> Layout:
        return self._buffer.whole() if self._view is None else self._view.layout

    def _writeable(self) -> bool:
        return self._view is None or self._view.writeable

    def _dtype(self) -> DType:
        return self._buffer.dtype if self._view is None else self._view.dtype

    def _shape(self) -> Shape:
        return self._buffer.node.shape if self._view is None else self._view.layout.shape


def _view_node(array: Recorded, view: View) -> Node:
    buffer = array._buffer
    block = buffer.block
    if block is None:
        if view.dtype == buffer.dtype and buffer.node.op is not LOAD:
            moved = _moved(buffer.node, view.layout, buffer.whole())
            if moved is not None:
                return moved
        block = engine.materialize(buffer)
    load = array._load
    if load is None or load.arg[0] is not block or block.escaped:
        load = array._load = load_node(block, view.layout, view.dtype)
    return load


def _moved(node: Node, view: Layout, whole: Layout) -> Node | None:
    """Return a small pending expression with its axes moved, or None if it cannot be (rule 4).

    They are moved as `view` moves those of `whole`.
    """
    if view.offset != whole.offset or 0 in view.shape or grows_too_much(node):
        return None
    where = {stride: a for a, stride in enumerate(whole.strides) if whole.shape[a] != 1}
    axes: list[int | None] = []
    for length, stride in zip(view.shape, view.strides, strict=True):
        if length == 1 or stride == 0:
            axes.append(None)
            continue
        axis = where.pop(stride, None)
        if axis is None or whole.shape[axis] != length:
            return None
        axes.append(axis)
    if where:
        return None
    done: dict[Node, Node] = {}

    def move(old: Node) -> Node:
        if old not in done:
            if old.op is LOAD:
                block, layout = old.arg
                strides = broadcast_layout(layout, whole.shape).strides
                moved = tuple(0 if a is None else strides[a] for a in axes)
                place = make_layout(view.shape, moved, layout.offset, old.dtype.itemsize)
                done[old] = load_node(block, place, old.dtype)
            else:
                assert isinstance(old.op, Loop)
                sources = tuple(move(s) if type(s) is Node else s for s in old.sources)
                done[old] = map_node(old.op, sources, view.shape)
        return done[old]

    return move(node)  # at most GROWTH_LIMIT deep


array_class: type[Recorded] = Recorded


def set_array_class(cls: type[Recorded]) -> None:
    """Say what class arrays are made of."""
    global array_class
    array_class = cls


_select: Any = None


def set_selection_class(select: Any) -> None:
    """Say what makes ``array[mask]``."""
    global _select
    _select = select


def selection(array: Recorded, mask: Recorded) -> Any:
    """Return ``array[mask]`` for a mask of the array's shape, not compacted yet."""
    return _select(array, mask)


def array_over(buffer: Buffer, view: View | None = None) -> Any:
    """Return an array that shows a buffer, or a part of it."""
    return array_class._make(buffer, view)


def fresh(node: Node, device: Device) -> Any:
    """Return a new array whose content is the value of `node`."""
    if node.op is LOAD or (node.owner is not None and named(node)):  # it shows elsewhere already
        node = engine.copy_node(node, node.shape, node.dtype)
    buffer = Buffer(device, node)
    array = array_class.__new__(array_class)
    array._buffer = buffer
    array._view = None
    array._load = None
    pending(buffer)
    if node.weight > _limit:
        settle(buffer)
    return array


def fresh_buffer(device: Device, shape: Shape, dtype: DType) -> Any:
    """Return a new array over uninitialised memory."""
    block = device.empty(math.prod(shape) * dtype.itemsize)
    layout = contiguous(shape, dtype.itemsize)
    buffer = Buffer(device, load_node(block, layout, dtype))
    buffer.hold(block, layout)
    return array_over(buffer)


def settle(buffer: Buffer) -> None:
    """Evaluate a buffer whose graph has outgrown a limit, or a part of it.

    A loop must cut its graph at the same place each time, or it would compile a new kernel in each
    iteration: so what is evaluated is the youngest array with a name inside the graph, not the
    whole of what happens to be written just now.
    """
    node = buffer.node
    if _limit == 0 or node.weight == float("inf"):
        engine.evaluate((buffer,))
        return
    count, nbytes = count_nodes((node,))
    if count <= _limit and nbytes <= PINNED_LIMIT:
        node.weight = float(count)
        return
    inside = _named_inside(node)
    engine.evaluate((inside,) if inside is not None else (buffer,))
    if node.op is not LOAD:
        count, nbytes = count_nodes((node,))
        if count > _limit or nbytes > PINNED_LIMIT:
            engine.evaluate((buffer,))
        else:
            node.weight = float(count)


def _named_inside(node: Node) -> Buffer | None:
    direct = {source for source in node.sources if type(source) is Node}
    best: Node | None = None
    seen = set()
    stack = list(direct)
    while stack:
        current = stack.pop()
        if current in seen or current.op is LOAD:
            continue
        seen.add(current)
        younger = best is None or current.serial > best.serial
        if younger and current not in direct and named(current) is not None:
            best = current
        stack.extend(source for source in current.sources if type(source) is Node)
    return None if best is None else named(best)


def write(array: Recorded, node: Node, words: str = "assignment destination is read-only") -> None:
    """Let `array` have the value of `node`, which broadcasts to it and is cast to its dtype.

    A write to a whole buffer only replaces its expression: older readers keep the memory they read.
    A write to a part, or to memory that has escaped or belongs to a capture, is done at once.
    """
    if not array._writeable():
        raise ValueError(words)
    buffer = array._buffer
    block = buffer.block
    shape, dtype = array._shape(), array._dtype()
    whole = buffer.whole()
    deferrable = array._view is None and whole.dense and whole.offset == 0 and _limit > 0
    fixed = block is not None and (block.escaped or block.captured or is_recording())
    if fixed or not deferrable:
        engine.store(buffer, array._layout(), node, dtype)
        return
    if node.dtype != dtype or node.shape != shape or node.op is LOAD or named(node):
        node = engine.copy_node(node, shape, dtype)
    with engine.lock:
        if block is not None:
            buffer.spare = block
        buffer.block = None
        buffer.node = node
        pending(buffer)
    if node.weight > _limit:
        settle(buffer)
