"""Plans: the kernels that are known, by structure; and what a launch of one needs.

A plan's key is what its text depends on: structure, dtypes, layout classes; never shapes, strides,
addresses or values.
"""

from __future__ import annotations

import itertools
import math
import os
import queue
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from devarray.config import Settings, current, on_change
from devarray.device import Block, Device, Launcher, Launches
from devarray.errors import CompileError, DevarrayError, DeviceError
from devarray.fuse import Step
from devarray.graph import LOAD, SCAN, Node
from devarray.grid import Grid, grid_of
from devarray.kernels.emit import emit
from devarray.kernels.emit_grid import emit_grid
from devarray.kernels.ops import Loop
from devarray.kernels.spec import Operand, Reducer, Spec, Statement
from devarray.layout import Layout, Shape, broadcast_layout, contiguous
from devarray.registry import on_close
from devarray.walk import Walk, map_walk, reduce_walk, scan_walk

__all__ = [
    "Launch",
    "Plan",
    "Recorded",
    "encode",
    "forget_plans",
    "forget_too",
    "is_index",
    "is_recording",
    "known_plans",
    "marks",
    "note_obstacle",
    "prepare",
    "read",
    "record_launches",
    "stop_recording",
]

DType = np.dtype[Any]

PARALLEL_FROM = 150_000.0  # estimated nanoseconds from which waking other threads pays
# estimated nanoseconds an element: dear op, cheap op, operand
_DEAR, _CHEAP, _MEMORY = 4.0, 0.3, 0.8


class Launch(NamedTuple):
    """One use of a plan: everything but the addresses of what it writes."""

    plan: Plan
    walk: Walk
    loads: list[Node]
    stores: list[Node]
    late_loads: list[Node]  # of the epilogue
    results: list[Node]
    scalars: list[Any]
    elements: int
    operations: int


class Plan:
    """A kernel: its text, and its binary once there is one.

    Attributes
    ----------
    spec : Spec
    source : str
        The text, without the device's prelude.
    exact : bool
        NumPy gives the very same bits, so it may answer while the kernel compiles.
    ready : Launcher or None
        The kernel, once it is loaded.
    sights : int
        How often the kernel was asked for before it was compiled.
    """

    def __init__(self, spec: Spec, exact: bool, grid: bool) -> None:
        self.spec = spec
        self.source = emit_grid(spec) if grid else emit(spec)
        self.exact = exact
        self.sights = 0
        self.launches = 0
        self.seconds = 0.0
        self.cost = _cost(spec)
        # bytes an element of the walk moves; what is broadcast, or of the reduced shape, hardly
        # counts
        self.traffic = sum(o.dtype.itemsize for o in spec.operands if o.walk != "b")
        self.ready: Launcher | None = None
        self._queued = False
        self._grids: dict[tuple[Walk, int], Grid] = {}
        self._error: CompileError | None = None
        flat = spec.mode == "flat"
        axes = 0 if flat else spec.kept + spec.reduced
        late = 0 if flat else axes if spec.kind == "scan" else spec.kept
        integers = 8 + axes + len(spec.operands) + len(spec.outs)
        integers += len(spec.operands) * axes + len(spec.outs) * late
        scalars = "".join({"f": "d", "c": "dd", "u": "Q"}.get(d.kind, "q") for _, d in spec.scalars)
        self._pack = struct.Struct(f"{integers}q{scalars}").pack

    def kernel(self, device: Device, work: int) -> Launcher | None:
        """Return the kernel, or None if NumPy shall answer this time.

        Parameters
        ----------
        work : int
            Element operations of this launch.
        """
        kernel = self.ready
        if kernel is not None:
            return kernel
        if self._error is not None:
            raise self._error
        answerable = self.exact and work <= current().oracle_limit and _recording is None
        if answerable and not device.has_kernel(self.source):
            self.sights += 1
            if self.sights > 1 and not self._queued:
                self._queued = True
                _compile_later(self, device)
            return None
        return self.compile(device)

    def compile(self, device: Device) -> Launcher:
        """Compile now."""
        self.ready = device.compile(self.source, f"{self.spec.kind}_{self.spec.mode}")
        return self.ready

    def retry(self) -> None:
        """Let the next use compile: an attempt in the background could not be finished."""
        self.exact = False  # NumPy answers no more

    def fail(self, error: CompileError) -> None:
        """Remember that the compiler refused, for the next time the kernel is needed."""
        self._error = error

    def launch(
        self,
        kernel: Launcher,
        launch: Launch,
        places: dict[Node, tuple[Block, Layout]],
        device: Device,
    ) -> float:
        """Run the kernel; return the seconds it took."""
        walk = launch.walk
        scratch = None
        launches: Launches = ()
        if device.grid:
            lengths = (walk, launch.elements)
            grid = self._grids.get(lengths)
            if grid is None:
                grid = self._grids[lengths] = grid_of(self.spec, *lengths, device.packs)
            header, results, launches, nbytes = grid
            if nbytes:
                scratch = device.empty(nbytes)
        else:
            results = walk.results
            threads, grain = _threads(walk, launch.elements * self.cost, device)
            header = (threads, walk.items, grain, walk.size, walk.parts, walk.chunks)
            if walk.chunks:
                scratch = device.empty((results << walk.chunks) * 24 * len(self.spec.reducers))
        reads: list[Block] = []
        writes: list[Block] = [] if scratch is None else [scratch]
        addresses: list[int] = []
        for nodes, written in (
            (launch.loads, False),
            (launch.stores, True),
            (launch.late_loads, False),
            (launch.results, True),
        ):
            for node in nodes:
                block, layout = places[node] if written else node.arg
                (writes if written else reads).append(block)
                addresses.append(block.address + layout.offset)
        arguments = self._pack(
            *header,
            0 if scratch is None else scratch.address,
            results,
            *walk.dims,
            *addresses,
            *walk.strides,
            *launch.scalars,
        )
        start = time.perf_counter()
        device.launch(kernel, arguments, launches, reads, writes)
        if _recording is not None:
            _recording.append(Recorded(device, kernel, arguments, launches, reads, writes))
        seconds = time.perf_counter() - start
        self.launches += 1
        self.seconds += seconds
        return seconds


# Captures: the launches of this process, as they happen.


class Recorded(NamedTuple):
    """A launch that can be repeated; the blocks stay alive with it."""

    device: Device
    kernel: Launcher
    arguments: bytes
    launches: Launches
    reads: list[Block]
    writes: list[Block]


_recording: list[Recorded] | None = None
_obstacle = ""


def record_launches(launches: list[Recorded]) -> None:
    """Add every launch from now on to a list.

    Raises
    ------
    DevarrayError
        If launches are recorded already.
    """
    global _recording, _obstacle
    if _recording is not None:
        raise DevarrayError("captures cannot be nested, nor be made in two threads at a time")
    _recording, _obstacle = launches, ""


def stop_recording() -> str:
    """Record no more launches; return what cannot be repeated, or ""."""
    global _recording
    for one in _recording or ():
        for block in (*one.reads, *one.writes):
            block.captured = True
    _recording = None
    return _obstacle


def is_recording() -> bool:
    """Say whether launches are being recorded."""
    return _recording is not None


def note_obstacle(what: str) -> None:
    """Take note of work on a device that is no launch."""
    global _obstacle
    if _recording is not None:
        _obstacle = _obstacle or what


def _cost(spec: Spec) -> float:
    statements = spec.body + spec.epilogue
    ops = sum(_DEAR if s.loop.dear else _CHEAP for s in statements)
    return ops + _MEMORY * len(spec.operands) + _CHEAP * len(spec.reducers)


def _threads(walk: Walk, nanoseconds: float, device: Device) -> tuple[int, int]:
    """Return how many threads a launch uses and how many items they take at a time."""
    if nanoseconds < PARALLEL_FROM or (threads := device.threads()) == 1:
        return 1, walk.items
    if walk.mode == "flat":
        return threads, max(4096, -(-walk.items // (8 * threads * 64)) * 64)
    return threads, max(1, walk.items // (8 * threads))


# Compilation in the background, by one daemon thread for the process.

_jobs: queue.SimpleQueue[tuple[Plan, Device]] = queue.SimpleQueue()
_worker: threading.Thread | None = None


def _work() -> None:
    while True:
        plan, device = _jobs.get()
        try:
            plan.compile(device)
        except CompileError as error:
            plan.fail(error)
        except (OSError, DeviceError):  # the folder, the loader, or a device that was closed
            plan.retry()  # the next use meets it itself


def _compile_later(plan: Plan, device: Device) -> None:
    global _worker
    if _worker is None:
        _worker = threading.Thread(target=_work, name="devarray compiler", daemon=True)
        _worker.start()
    _jobs.put((plan, device))


def _forget_worker() -> None:
    global _worker, _jobs
    _worker = None  # threads do not survive a fork
    _jobs = queue.SimpleQueue()


os.register_at_fork(after_in_child=_forget_worker)


# From a step to its plan.

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
