"""All fusion policy: which nodes one kernel computes, what is cut off before it, and why.

`schedule` turns expressions into steps, sources first. A step is one kernel: elementwise work over
one index space, then perhaps reductions of it, then elementwise work on the reduced shape. Each
rule is a function whose name reads aloud; each use of one leaves a sentence in `Step.why`, which is
what ``explain`` prints. Nothing here allocates, compiles or runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import attrgetter

from devarray.graph import LOAD, REDUCE, SCAN, Buffer, Node
from devarray.kernels.ops import Loop

__all__ = ["GROWTH_LIMIT", "Step", "named", "schedule"]

Shape = tuple[int, ...]
Wanted = dict[Node, None]  # in the order in which they were asked for

MOST_RESULTS = 8  # values that one kernel computes because they are asked for together
MOST_WEIGHT = 128.0  # operations that such a kernel may have before another value joins
GROWTH_LIMIT = 4  # operations that may be repeated along a broadcast axis instead of being stored

_by_serial = attrgetter("serial")


class Step:
    """One kernel: what it computes, what it stores, and why it is a kernel of its own.

    Attributes
    ----------
    shape : tuple of int
        The index space.
    nodes : list of Node
        Elementwise nodes over the space, sources first.
    stores : list of Node
        Those of them that are written to memory.
    reductions : list of Node
        REDUCE nodes over the space (or one SCAN); empty for a map.
    epilogue : list of Node
        Elementwise nodes on the reduced shape.
    results : list of Node
        Reductions and nodes of the epilogue that are written to memory.
    recomputed : list of Node
        Nodes with a live name that are computed but not stored.
    why : list of str
    """

    __slots__ = (
        "epilogue",
        "nodes",
        "recomputed",
        "reductions",
        "results",
        "shape",
        "stores",
        "why",
    )

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.nodes: list[Node] = []
        self.stores: list[Node] = []
        self.reductions: list[Node] = []
        self.epilogue: list[Node] = []
        self.results: list[Node] = []
        self.recomputed: list[Node] = []
        self.why: list[str] = []

    def outputs(self) -> list[Node]:
        """Return every node that this step stores."""
        return self.stores + self.results


def named(node: Node) -> Buffer | None:
    """Return the live buffer whose content `node` is, if any."""
    owner = node.owner
    buffer = owner() if owner is not None else None
    return buffer if buffer is not None and buffer.node is node else None


def grows_too_much(node: Node) -> bool:
    """Say whether repeating `node` along a broadcast axis costs more than storing it (rule 3)."""
    if node.dear:
        return True
    count = 0
    stack = [node]
    while stack:
        current = stack.pop()
        if current.op is LOAD:
            continue
        if not isinstance(current.op, Loop):
            return True
        count += 1
        if count > GROWTH_LIMIT:
            return True
        stack.extend(source for source in current.sources if type(source) is Node)
    return False


def same_pass(node: Node, other: Node) -> bool:
    """Say whether two reductions walk one index space along the same axes (rule 2)."""
    return (
        node.op is REDUCE
        and other.op is REDUCE
        and node.sources[0].shape == other.sources[0].shape
        and node.arg.axes == other.arg.axes
        and node.shape == other.shape
    )


def schedule(roots: Iterable[Node]) -> list[Step]:
    """Return the kernels that compute `roots`, in the order in which they must run."""
    stack = [node for node in roots if node.op is not LOAD]
    edges = _Edges(list(stack))
    steps: list[Step] = []
    made: set[Node] = set()
    wanted: Wanted = dict.fromkeys(stack)
    while stack:
        root = stack[-1]
        if root in made:
            stack.pop()
            continue
        step, cuts = _plan(root, made, wanted, edges)
        if cuts:
            edges.several = True
            stack.extend(cuts)
            continue
        steps.append(step)
        step.why += [edges.reasons[node] for node in step.outputs() if node in edges.reasons]
        made.update(step.outputs())
        for node in step.outputs():
            wanted.pop(node, None)
        stack.pop()
    return steps


class _Edges:
    """How often each node is read in everything that is scheduled together.

    A dear node that two kernels need is stored by the first: twice computed, its last bits could
    differ between a vector and a scalar instruction, and ``y == y.max()`` must find the maximum.
    """

    def __init__(self, roots: list[Node]) -> None:
        self.roots = roots
        self.several = len(roots) > 1  # kernels; one alone computes each node once
        self._counts: dict[Node, int] | None = None
        self.reasons: dict[Node, str] = {}  # why a node is computed by a kernel of its own

    def read_elsewhere(self, node: Node, here: int) -> bool:
        """Say whether kernels other than the one that reads it `here` times read a dear node."""
        if not self.several or not node.dear:
            return False
        if self._counts is None:
            reached: dict[Node, None] = {}
            stack = list(self.roots)
            while stack:
                current = stack.pop()
                if current not in reached:
                    reached[current] = None
                    stack.extend(source for source in current.sources if type(source) is Node)
            self._counts = _count_edges(reached)
        return self._counts.get(node, 0) > here


def _plan(root: Node, made: set[Node], wanted: Wanted, edges: _Edges) -> tuple[Step, list[Node]]:
    """Return the kernel for `root`, and the nodes that must be computed before.

    If there are any, the kernel is not final.
    """
    if root.op is REDUCE:
        return _plan_reduce([root], [], root, made, wanted, edges)
    if root.op is SCAN:
        step = Step(root.shape)
        step.reductions = step.results = [root]
        cuts = _fill(step, [root.sources[0]], made, wanted, edges)
        return step, cuts
    roots = _together(root, made, wanted) if edges.several else [root]
    nodes, reductions, cuts = _walk(roots, root.shape, made, edges.reasons)
    if reductions and len(roots) > 1:
        roots = [root]
        nodes, reductions, cuts = _walk(roots, root.shape, made, edges.reasons)
    first = max(reductions, key=_space_size, default=None)
    if first is None:
        step = Step(root.shape)
        step.nodes = nodes
        step.stores = roots
        if not cuts:
            _choose_stores(step, wanted, edges)
        return step, cuts
    together = [node for node in reductions if same_pass(node, first)]
    others = [node for node in reductions if not same_pass(node, first)]
    for node in others:
        edges.reasons[node] = "another reduction that it meets walks other axes or another shape"
    if others or cuts:
        return Step(root.shape), others + cuts
    return _plan_reduce(together, nodes, root, made, wanted, edges)


def _together(root: Node, made: set[Node], wanted: Wanted) -> list[Node]:
    """Return `root` and others that are asked for and fit into its kernel (rules 1 and 6)."""
    roots = [root]
    weight = root.weight
    for node in wanted:
        if len(roots) == MOST_RESULTS or weight > MOST_WEIGHT:
            break
        if _joins(node, root, made):
            roots.append(node)
            weight += node.weight
    return roots


def _joins(node: Node, root: Node, made: set[Node]) -> bool:
    """Say whether another wanted result can be stored by the kernel of `root` (rule 1)."""
    return (
        node is not root
        and node.shape == root.shape
        and isinstance(node.op, Loop)
        and node not in made
    )


def _space_size(node: Node) -> int:
    return math.prod(node.sources[0].shape)


def _plan_reduce(
    reductions: list[Node],
    epilogue: list[Node],
    root: Node,
    made: set[Node],
    wanted: Wanted,
    edges: _Edges,
) -> tuple[Step, list[Node]]:
    step = Step(reductions[0].sources[0].shape)
    step.epilogue = epilogue
    step.reductions = _with_siblings(reductions, made, step.why)
    here = _count_edges(epilogue) if edges.several else {}
    step.results = [root]
    for node in step.reductions + epilogue:
        if node.shape != root.shape:
            continue  # it is repeated along the reduced shape: there is no place to store it once
        sibling = node.op is REDUCE and node not in reductions
        read_again = edges.read_elsewhere(node, here.get(node, 0))
        if node is not root and (sibling or read_again or node in wanted or named(node)):
            step.results.append(node)
    inputs = [node.sources[0] for node in step.reductions]
    cuts = _fill(step, inputs, made, wanted, edges)
    return step, cuts


def _with_siblings(reductions: list[Node], made: set[Node], why: list[str]) -> list[Node]:
    """Add the other live reductions of the same inputs: one pass computes them all (rule 2)."""
    found = list(reductions)
    for node in reductions:
        for ref in node.sources[0].siblings or ():
            other = ref()
            if other is None or other in found or other in made or not same_pass(node, other):
                continue
            if len(found) == MOST_RESULTS:
                return found
            found.append(other)
            why.append(f"{other.arg.row.name}.reduce over the same input joins this pass")
    return found


def _fill(
    step: Step, inputs: list[Node], made: set[Node], wanted: Wanted, edges: _Edges
) -> list[Node]:
    """Walk what feeds the reductions of `step`; return what must come first."""
    nodes, inner, cuts = _walk(inputs, step.shape, made, edges.reasons)
    step.nodes = nodes
    for node in inner:
        edges.reasons[node] = "its result feeds another reduction"
    cuts += inner
    if not cuts:
        _choose_stores(step, wanted, edges)
    return cuts


def _walk(
    roots: list[Node], shape: Shape, made: set[Node], reasons: dict[Node, str]
) -> tuple[list[Node], list[Node], list[Node]]:
    """Collect what one index space can compute, going down from `roots`.

    Why something must be computed by a kernel before is noted in `reasons`.

    Returns
    -------
    nodes : list of Node
        Elementwise nodes that are inlined, sources first.
    reductions : list of Node
        Reductions of this very shape: an epilogue could absorb them.
    cuts : list of Node
        What must be in memory before.
    """
    nodes: list[Node] = []
    reductions: list[Node] = []
    cuts: list[Node] = []
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen or node.op is LOAD or node in made:
            continue
        seen.add(node)
        if node.op is REDUCE and node.shape == shape:
            reductions.append(node)
        elif node.op is REDUCE or node.op is SCAN:
            cuts.append(node)
            reasons[node] = "its result is broadcast, or read as a whole, by what follows"
        elif node.shape != shape and grows_too_much(node):
            cuts.append(node)
            reasons[node] = f"{_name(node)} of {node.shape} would be computed again along {shape}"
        else:
            nodes.append(node)
            stack.extend(source for source in node.sources if type(source) is Node)
    nodes.sort(key=_by_serial)
    return nodes, reductions, cuts


def _name(node: Node) -> str:
    return node.op.op.name if isinstance(node.op, Loop) else repr(node.op)


def _count_edges(nodes: Iterable[Node]) -> dict[Node, int]:
    counts: dict[Node, int] = {}
    for node in nodes:
        for source in node.sources:
            if type(source) is Node:
                counts[source] = counts.get(source, 0) + 1
    return counts


def _choose_stores(step: Step, wanted: Wanted, edges: _Edges) -> None:
    """Decide which nodes of the space are stored although no result needs it (rule 5)."""
    here = _count_edges(step.nodes + step.reductions) if edges.several else {}
    warm: set[Node] = set()  # was computed before, or depends on what was
    kept_warm = False
    for node in step.nodes:
        if node in step.stores or node.shape != step.shape:
            continue
        if node.uses or any(source in warm for source in node.sources if type(source) is Node):
            warm.add(node)
        reason = ""
        if node in wanted:
            reason = "it is asked for"
        elif edges.read_elsewhere(node, here.get(node, 0)):
            reason = "another kernel reads it, and it is dear"
        elif named(node) is not None:
            if node.dear:
                reason = "it has a name and is dear"
            elif node in warm:
                reason = "it has a name and was computed before"
                kept_warm = True
            else:
                step.recomputed.append(node)
        if reason:
            step.stores.append(node)
            step.why.append(f"{_name(node)} is stored too: {reason}")
    if warm and not kept_warm:
        again = [
            node
            for node in step.nodes
            if node.uses and node not in step.stores and node.shape == step.shape
        ]
        step.stores += again
        step.why += [f"{_name(node)} is stored too: it was computed before" for node in again]
