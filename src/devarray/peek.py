"""One element of a pending expression, computed by NumPy: no kernel runs, the rest stays pending.

Programs ask for single elements often, libraries to find out whether an array is lazy, and a kernel
compiled for one element would cost more than anything it computes.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from devarray.config import current
from devarray.graph import LOAD, Buffer, Node, apply_loop, indices_of
from devarray.kernels.ops import Loop
from devarray.layout import Layout, Shape, contiguous

__all__ = ["one_element", "peek"]

FEW = 64  # operations up to which NumPy computes an element


def peek(buffer: Buffer, layout: Layout) -> Any:
    """Return an element of a pending buffer as a 0-d host array, or None if a kernel must do it.

    That is so for reductions, long expressions, and those that are not exact: a kernel would give
    the same element another last bit later. The second element that is asked for is read from
    memory: whoever reads one after the other shall not compute each by itself.

    Parameters
    ----------
    layout : Layout
        Of the element, as part of the buffer's whole.
    """
    if buffer.block is not None or buffer.peeked or current().check:
        return None
    order = _expression(buffer.node, exact=True)
    if order is None:
        return None
    buffer.peeked = True
    place = layout.offset // buffer.dtype.itemsize
    return _compute(order, tuple(map(int, np.unravel_index(place, buffer.node.shape))))


def one_element(buffer: Buffer) -> Any:
    """Return the value of a pending expression of one element, and keep it; None as in `peek`.

    Being kept, the value need not be exact: nothing else will ever compute it.
    """
    node = buffer.node
    if type(node.op) is not Loop or math.prod(node.shape) != 1 or current().check:
        return None
    owner = node.owner
    order = _expression(node, exact=False)
    if order is None or owner is None or owner() is not buffer:
        return None
    value = _compute(order, (0,) * len(node.shape)).reshape(node.shape)
    device, layout = buffer.device, contiguous(node.shape, node.dtype.itemsize)
    block = device.empty(node.dtype.itemsize)
    device.copy_in(value, block)
    node.become_load(block, layout)
    buffer.hold(block, layout)
    return value


def _expression(root: Node, exact: bool) -> list[Node] | None:
    """Return the nodes of an expression, sources first; None if NumPy shall not compute it."""
    seen = {root}
    stack = [root]
    for node in stack:  # it grows
        if node.op is LOAD:
            continue
        if type(node.op) is not Loop or (exact and not node.op.exact):
            return None
        if node.op.op.answer is None:
            return None
        for source in node.sources:
            if type(source) is Node and source not in seen:
                seen.add(source)
                stack.append(source)
        if len(stack) > FEW:
            return None
    return sorted(stack, key=operator.attrgetter("serial"))


def _compute(order: list[Node], index: Shape) -> Any:
    """Return what NumPy says of one element of the last node."""
    values: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for node in order:
            if node.op is LOAD:
                values[node] = _load(node, index)
            else:
                assert isinstance(node.op, Loop)
                operands = [values[x] if type(x) is Node else x for x in node.sources]
                values[node] = apply_loop(node.op, operands)
    return values[order[-1]]


def _load(node: Node, index: Shape) -> Any:
    """Return the element that a load contributes to an element of what it broadcasts to."""
    block, layout = node.arg
    offset = layout.offset
    mine = index[len(index) - len(layout.shape) :]
    for length, stride, at in zip(layout.shape, layout.strides, mine, strict=True):
        if length != 1:
            offset += stride * at
    place = Layout((), (), offset, True)
    if block.index:
        return indices_of(place)
    value = np.empty((), node.dtype)
    block.device.copy_out(block, place, value)
    return value
