"""Plans, which are kernels with their text and binary, and their launches.

A launch may be recorded, to be repeated: see `capture`.
"""

from __future__ import annotations

import os
import queue
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from devarray.config import current
from devarray.device import Block, Device, Launcher, Launches
from devarray.errors import CompileError, DevarrayError
from devarray.graph import Node
from devarray.grid import Grid, grid_of
from devarray.kernels.emit import emit
from devarray.kernels.emit_grid import emit_grid
from devarray.kernels.spec import Spec
from devarray.kernels.text import definitions
from devarray.layout import Layout
from devarray.walk import Walk

__all__ = [
    "Launch",
    "Plan",
    "Recorded",
    "is_recording",
    "note_launch",
    "note_obstacle",
    "record_launches",
    "stop_recording",
]

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
        """Compile now.

        Raises
        ------
        CompileError
            Where a user's text is part of the kernel, it is the source that is shown.
        """
        try:
            self.ready = device.compile(self.source, f"{self.spec.kind}_{self.spec.mode}")
        except CompileError as error:
            theirs = "\n".join(definitions(self.spec))
            if not theirs:
                raise
            problem = str(error).partition("\n")[0]
            raise CompileError(problem, error.command, error.log, theirs) from None
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
            work = partial(device.launch, kernel, arguments, launches, reads, writes)
            note_launch(device, work, reads, writes)
        seconds = time.perf_counter() - start
        self.launches += 1
        self.seconds += seconds
        return seconds


# Captures: the launches of this process, as they happen.


class Recorded(NamedTuple):
    """A launch that can be repeated; the blocks, and what `launch` has, stay alive with it."""

    device: Device
    launch: Callable[[], None]
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


def note_launch(
    device: Device, launch: Callable[[], None], reads: list[Block], writes: list[Block]
) -> None:
    """Take note of a launch that was done, and can be repeated."""
    if _recording is not None:
        _recording.append(Recorded(device, launch, reads, writes))


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
        except Exception:  # the folder, the loader, a device that was closed, ...
            plan.retry()  # the next use meets it itself, where somebody can see it


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
