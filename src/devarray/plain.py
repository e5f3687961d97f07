"""The short way from the plainest expressions to their launch, past `schedule` and `prepare`."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any

from devarray.device import Device
from devarray.fuse import Step, named
from devarray.graph import LOAD, REDUCE, Node
from devarray.kernels.ops import Loop
from devarray.launches import Launch, Plan
from devarray.layout import Shape
from devarray.plans import encode, forget_too, marks, prepare, read
from devarray.walk import Walk

__all__ = ["prepare_plain"]

PLAIN_LIMIT = 10_000  # plans that are remembered here

_by_serial = attrgetter("serial")
_plain: dict[tuple[Any, ...], tuple[Plan, Walk]] = {}


def prepare_plain(root: Node, device: Device) -> tuple[Launch, list[Node]] | None:
    """Return the launch for the plainest expressions, in one pass over the graph, else None.

    Plain is: elementwise nodes of one shape over contiguous memory of that shape, none of which
    needs to be stored but the root, or one reduction of such. This is what `schedule` and `prepare`
    come to for it, at a third of the time; the second result is the nodes with a live name that are
    computed without being stored.
    """
    top = root
    recomputed: list[Node] = []
    if root.op is REDUCE:
        top = root.sources[0]
        if len(top.siblings or ()) > 1 or root.arg.initial is not None:
            return None
    shape = top.shape
    elements = math.prod(shape)
    nodes: list[Node] = []
    mark = next(marks)
    if not elements or not _is_plain(top, shape, nodes, recomputed, top is not root):
        return None
    top.mark = mark
    for node in nodes:  # it grows
        for source in node.sources:
            if type(source) is Node and source.mark != mark:
                source.mark = mark
                if not _is_plain(source, shape, nodes, recomputed, True):
                    return None
    if len(nodes) > 1:
        nodes.sort(key=_by_serial)
    loads: list[Node] = []
    scalars: list[Any] = []
    mark = next(marks)
    parts = encode(nodes, mark, loads, scalars)
    if top is root:
        key = (device, *parts)
    else:
        if top.mark != mark:
            read(top, mark, loads, parts)
        reduction = root.arg
        key = (
            device,
            reduction.loop.code,
            reduction.arg,
            reduction.axes,
            root.dtype,
            shape,
            root.shape,
            *parts,
        )
    found = _plain.get(key)
    if found is None:
        found = _plain_plan(root, top, nodes, device)
        if len(_plain) > PLAIN_LIMIT:
            _plain.clear()
        _plain[key] = found
    plan, walk = found
    if top is root:
        walk = Walk("flat", "", 0, 0, (), (), elements)
        return Launch(plan, walk, loads, [root], [], [], scalars, elements, len(nodes)), recomputed
    return Launch(plan, walk, loads, [], [], [root], scalars, elements, len(nodes) + 1), recomputed


def _is_plain(
    node: Node, shape: Shape, nodes: list[Node], recomputed: list[Node], inner: bool
) -> bool:
    """Say whether a node fits `prepare_plain`, and note it as one to compute if it is no load."""
    op = node.op
    if op is LOAD:
        layout = node.arg[1]
        return bool(layout.dense and layout.shape == shape)
    if type(op) is not Loop or node.shape != shape or node.uses:
        return False
    if inner and named(node) is not None:
        if node.dear:
            return False
        recomputed.append(node)
    nodes.append(node)
    return True


def _plain_plan(root: Node, top: Node, nodes: list[Node], device: Device) -> tuple[Plan, Walk]:
    step = Step(top.shape)
    step.nodes = list(nodes)
    if top is root:
        step.stores = [root]
    else:
        step.reductions = step.results = [root]
    before = [(node.mark, node.slot) for node in nodes]
    launch = prepare(step, {}, device)
    for node, (mark, slot) in zip(nodes, before, strict=True):
        node.mark, node.slot = mark, slot
    return launch.plan, launch.walk


forget_too(_plain.clear)
