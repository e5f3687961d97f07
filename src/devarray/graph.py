"""What is recorded: nodes, buffers, and the oracle.

Nodes are immutable expressions, buffers storage that may still be an expression.

A `Node` is a row of the table applied to other nodes and scalars, or a LOAD of memory, or a REDUCE
or SCAN along axes. When it has been computed it *becomes* a LOAD of the memory that holds its
value: that is the only change it ever sees. So whoever holds a node holds a value, whatever happens
to the arrays it came from; see `engine` for how stores keep that true.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from devarray.device import Block, Device
from devarray.kernels.ops import OPS, Loop, Op
from devarray.kernels.rows import astype
from devarray.layout import Layout, contiguous, make_layout, overlap, reduced_shape

__all__ = [
    "LOAD",
    "REDUCE",
    "SCAN",
    "Buffer",
    "Kind",
    "Node",
    "Reduction",
    "apply_loop",
    "evaluate_with_numpy",
    "index_node",
    "indices_of",
    "leaves",
    "load_node",
    "map_node",
    "pending",
    "readers",
    "reduce_node",
    "scan_node",
]

DType = np.dtype[Any]
Shape = tuple[int, ...]

# Beyond this many bytes of inputs one pending expression is evaluated, so that a graph cannot pin
# the whole memory.
PINNED_LIMIT = 4 << 30


class Kind:
    """What a node is, if it is not a row of the table."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


LOAD = Kind("LOAD")
REDUCE = Kind("REDUCE")
SCAN = Kind("SCAN")


class Reduction(NamedTuple):
    """The argument of a REDUCE or SCAN node."""

    row: Op
    loop: Loop  # combines two values of the accumulator's dtype
    axes: Shape  # of the source, in increasing order
    arg: bool  # the result is the index of the winner (argmin, argmax), not its value
    initial: Any  # a scalar, or None


class Node:
    """An expression: an op, its sources, and the shape and dtype of its value.

    Sources are nodes and Python scalars.

    Attributes
    ----------
    op : Loop or Kind
    arg : object
        (block, layout) of a LOAD; `Reduction` of a REDUCE or SCAN.
    weight : float
        Number of operations up to the loads, counting shared ones repeatedly and big inputs more:
        an upper bound.
    owner : weakref to Buffer or None
        The buffer whose content this is; if that is dead, no name shows this value.
    dear : bool
        Computing the value from the loads costs more than storing and loading it.
    uses : int
        How often the value was computed inside a kernel without being stored.
    siblings : list of weakref to Node
        Reductions that read this node; one pass can compute several.
    """

    __slots__ = (
        "__weakref__",
        "arg",
        "dear",
        "dtype",
        "mark",
        "op",
        "owner",
        "serial",
        "shape",
        "siblings",
        "slot",
        "sources",
        "uses",
        "weight",
    )

    op: Loop | Kind
    sources: tuple[Any, ...]
    owner: weakref.ref[Buffer] | None
    siblings: list[weakref.ref[Node]] | None
    arg: Any
    mark: int
    slot: int

    def __init__(
        self,
        op: Loop | Kind,
        sources: tuple[Any, ...],
        dtype: DType,
        shape: Shape,
        weight: float,
        dear: bool,
        arg: Any = None,
    ) -> None:
        self.op = op
        self.sources = sources
        self.dtype = dtype
        self.shape = shape
        self.weight = weight
        self.dear = dear
        self.arg = arg
        self.owner = None
        self.siblings = None
        self.uses = 0
        self.mark = 0
        self.serial = next(_serials)

    def become_load(self, block: Block, layout: Layout) -> None:
        """Note that `block` holds the value: the node is a LOAD from now on."""
        self.arg = (block, layout)
        self.op = LOAD
        block.add_load(self)
        self.sources = ()
        self.weight = load_weight(block)
        self.dear = False
        self.uses = 0


_serials = itertools.count(1)


def load_weight(block: Block) -> float:
    """Return the weight of a LOAD.

    Escaped memory must be read at once, so it outweighs every limit.
    """
    return float("inf") if block.escaped else block.nbytes * (96.0 / PINNED_LIMIT)


def load_node(block: Block, layout: Layout, dtype: DType) -> Node:
    """Return a node that reads memory."""
    node = Node(LOAD, (), dtype, layout.shape, load_weight(block), False, (block, layout))
    block.add_load(node)
    return node


class IndexBlock(Block):
    """The memory that an array of indices would have: none; an element is its own address."""

    __slots__ = ()
    index = True

    def add_load(self, node: Any) -> None:
        """Note nothing: nobody writes here."""


_INDICES = IndexBlock(None, 0, 0, None)  # type: ignore[arg-type]
INDEX = np.dtype(np.int64)


def index_node(shape: Shape, steps: Shape, start: int = 0) -> Node:
    """Return a node of int64 values that are computed from their position, without memory.

    The element at (i, j, ...) is ``start + i * steps[0] + j * steps[1] + ...``. It is a LOAD whose
    layout says so in units of 8 bytes from address 0: so views, broadcasting and the order of axes
    need nothing of their own, and a kernel takes the address for the value.
    """
    strides = tuple(step * INDEX.itemsize for step in steps)
    layout = make_layout(shape, strides, start * INDEX.itemsize, INDEX.itemsize)
    return load_node(_INDICES, layout, INDEX)


def indices_of(layout: Layout) -> np.ndarray[Any, Any]:
    """Return the values that an index node with this layout stands for."""
    total = np.full((1,) * len(layout.shape), layout.offset)
    for axis, (length, stride) in enumerate(zip(layout.shape, layout.strides, strict=True)):
        line = np.arange(length) * stride
        total = total + line.reshape((-1,) + (1,) * (len(layout.shape) - axis - 1))
    return total // INDEX.itemsize


def map_node(loop: Loop, sources: tuple[Any, ...], shape: Shape) -> Node:
    """Return a node that applies a row to nodes and scalars."""
    weight = 1.0
    dear = loop.dear
    for source in sources:
        if type(source) is Node:
            weight += source.weight
            dear = dear or source.dear
    return Node(loop, sources, loop.out, shape, weight, dear)


def reduce_node(source: Node, reduction: Reduction, dtype: DType, keepdims: bool) -> Node:
    """Return a node that combines the elements of `source` along axes."""
    shape = reduced_shape(source.shape, reduction.axes, keepdims)
    node = Node(REDUCE, (source,), dtype, shape, source.weight + 1, True, reduction)
    others = [
        ref for ref in source.siblings or () if (other := ref()) is not None and other.op is REDUCE
    ]
    source.siblings = [*others, weakref.ref(node)]
    return node


def scan_node(source: Node, reduction: Reduction, dtype: DType) -> Node:
    """Return a node that accumulates along one axis."""
    return Node(SCAN, (source,), dtype, source.shape, source.weight + 1, True, reduction)


class Buffer:
    """Storage of an array that may still be an expression.

    Two arrays alias if and only if they share a Buffer.

    Attributes
    ----------
    node : Node
        The content: a LOAD of `block`, or an expression that is still to be computed.
    block : Block or None
        The memory, once there is some.
    spare : Block or None
        The memory of an earlier content, which the next one may overwrite if nobody reads it any
        more.
    layout : Layout
        Of the whole content in memory.
    peeked : bool
        An element of the pending content was asked for; see `peek`.
    """

    __slots__ = ("__weakref__", "block", "device", "dtype", "layout", "node", "peeked", "spare")

    def __init__(self, device: Device, node: Node) -> None:
        self.device = device
        self.node = node
        self.dtype = node.dtype
        self.block: Block | None = None
        self.spare: Block | None = None
        self.layout: Layout | None = None
        self.peeked = False

    def whole(self) -> Layout:
        """Return the layout of the whole content, whether or not there is memory yet."""
        layout = self.layout
        if layout is None:
            layout = self.layout = contiguous(self.node.shape, self.dtype.itemsize)
        return layout

    def hold(self, block: Block, layout: Layout) -> None:
        """Take `block` as the content."""
        self.block = block
        self.layout = layout
        self.spare = None


_pending: list[weakref.ref[Buffer]] = []
_pending_lock = threading.Lock()


def pending(buffer: Buffer) -> None:
    """Register a buffer whose content is still an expression; it owns its node."""
    ref = weakref.ref(buffer)
    buffer.node.owner = ref
    _pending.append(ref)
    if not buffer.node.serial & 1023:
        live_pending()


def live_pending() -> list[Buffer]:
    """Return the buffers that are alive and still an expression, and forget the others."""
    with _pending_lock:
        count = len(_pending)
        seen: dict[int, Buffer] = {}
        for ref in _pending[:count]:
            buffer = ref()
            if buffer is not None and buffer.block is None:
                seen[id(buffer)] = buffer
        _pending[:count] = [weakref.ref(buffer) for buffer in seen.values()]
    return list(seen.values())


def leaves(roots: Iterable[Node]) -> Iterator[Node]:
    """Yield every LOAD that the nodes depend on, once."""
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op is LOAD:
            yield node
        else:
            stack.extend(source for source in node.sources if type(source) is Node)


def touches(leaf: Node, block: Block, layout: Layout, itemsize: int) -> bool:
    """Say whether a load reads a byte of the part of `block` that `layout` covers."""
    place = place_in(leaf, block)
    return place is not None and overlap(place, leaf.dtype.itemsize, layout, itemsize)


def place_in(leaf: Node, block: Block) -> Layout | None:
    """Return the layout of a load relative to `block`, or None if it cannot reach that memory.

    Blocks are pieces of memory of their own, but those that escaped may have been taken in again.
    """
    own: Block = leaf.arg[0]
    layout: Layout = leaf.arg[1]
    if own is block:
        return layout
    if own.escaped and block.escaped and own.device is block.device:
        return layout._replace(offset=layout.offset + own.address - block.address)
    return None


def readers(block: Block, layout: Layout, itemsize: int) -> list[Buffer]:
    """Return the live pending buffers that depend on the part of `block` under `layout`."""
    found = []
    for buffer in live_pending():
        for leaf in leaves((buffer.node,)):
            if touches(leaf, block, layout, itemsize):
                found.append(buffer)
                break
    return found


def count_nodes(roots: Iterable[Node]) -> tuple[int, int]:
    """Return the exact number of operations that nodes depend on, and the bytes of their memory.

    Memory that several of them read is counted once.
    """
    nodes: set[int] = set()
    blocks: dict[int, int] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if id(node) in nodes:
            continue
        nodes.add(id(node))
        if node.op is LOAD:
            blocks[id(node.arg[0])] = node.arg[0].nbytes
        else:
            stack.extend(source for source in node.sources if type(source) is Node)
    return len(nodes), sum(blocks.values())


# The oracle: what NumPy itself says of an expression.

Reader = Callable[[Node], Any]


def evaluate_with_numpy(order: Iterable[Node], read: Reader) -> dict[int, Any]:
    """Compute nodes with NumPy.

    Parameters
    ----------
    order : iterable of Node
        Sources before their consumers.
    read : callable
        Returns the value of a LOAD.

    Returns
    -------
    dict
        ``id(node)`` -> its value, C-contiguous or scalar.
    """
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in order:
            if node.op is LOAD:
                values[id(node)] = read(node)
            else:
                values[id(node)] = _apply(node, [_value(s, values) for s in node.sources])
    return values


_COPY = OPS[astype]


def _value(source: Any, values: dict[int, Any]) -> Any:
    return values[id(source)] if type(source) is Node else source


def _cast(x: Any, dtype: DType) -> Any:
    array = np.asarray(x)
    if array.dtype.kind == "c" and dtype.kind not in "cb":
        array = array.real  # NumPy would warn; that was done when the operation was written
    return array.astype(dtype, copy=False)


def apply_loop(loop: Loop, operands: list[Any]) -> Any:
    """Return what NumPy says of an op for host arrays and scalars, as an array."""
    cast = [_cast(x, dtype) for x, dtype in zip(operands, loop.ins, strict=True)]
    if loop.op is _COPY:
        return cast[0].copy()
    result = loop.op.answer(*cast)
    if loop.op.nout > 1:
        result = result[loop.position]
    return np.asarray(result).astype(loop.out, copy=False)


def _apply(node: Node, operands: list[Any]) -> Any:
    if isinstance(node.op, Loop):
        return np.broadcast_to(apply_loop(node.op, operands), node.shape)
    reduction: Reduction = node.arg
    x = np.asarray(operands[0])
    if node.op is SCAN:
        return reduction.row.ufunc.accumulate(x, axis=reduction.axes[0], dtype=node.dtype)
    if reduction.arg:
        return _arg_reduce(x, reduction).reshape(node.shape)
    dtype = reduction.loop.out
    options = {} if reduction.initial is None else {"initial": reduction.initial}
    result = reduction.row.ufunc.reduce(x, axis=reduction.axes, dtype=dtype, **options)
    return np.asarray(result).astype(node.dtype).reshape(node.shape)


def _arg_reduce(x: Any, reduction: Reduction) -> Any:
    find = np.argmax if reduction.row is OPS[np.maximum] else np.argmin
    if len(reduction.axes) == 1:
        return np.asarray(find(x, axis=reduction.axes[0]))
    return np.asarray(find(x))
