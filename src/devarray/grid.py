"""How a walk is cut into a grid of blocks, for devices that launch their kernels over one.

This is the run-time side of `kernels.emit_grid`: what it finds in the header of the slots, how many
blocks each kernel has, and how much scratch memory. It depends on lengths and on the structure of
the kernel alone, so that plans keep it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from devarray.device import Launches
from devarray.kernels.emit_grid import CARRY, JOIN, TOTALS, pack_of
from devarray.kernels.emit_reduce import lanes_of, leaf_of
from devarray.kernels.spec import KERNEL_NAME, THREADS, Spec
from devarray.walk import Walk

__all__ = ["Grid", "grid_of"]

# Blocks then take several pieces of work each. HIP wants all threads to be fewer than 2**32.
MOST_BLOCKS = 1 << 22
PARTS = 10  # log2 of the partial results of one reduction, at most
SCAN_BLOCKS = 512  # blocks that a scan of few lines is cut into
SCAN_CHUNK = 16 * THREADS  # elements of a line that a block scans, at least


class Grid(NamedTuple):
    """One way to launch a kernel.

    Attributes
    ----------
    header : tuple of int
        The first slots, but for the address of the scratch memory.
    launches : tuple of (str, int)
    scratch : int
        Bytes of scratch memory.
    """

    header: tuple[int, int, int, int, int, int]
    results: int
    launches: Launches
    scratch: int


def grid_of(spec: Spec, walk: Walk, elements: int, packs: bool = False) -> Grid:
    """Return the grid of a launch.

    Parameters
    ----------
    elements : int
        Of the index space of a map.
    packs : bool
        The device's dialect reads memory 16 bytes wide (DA_PACKS).
    """
    if spec.kind == "map":
        each = THREADS * (pack_of(spec) if packs else 1)
        blocks = min(-(-elements // each), MOST_BLOCKS)
        return Grid((0, elements, 0, 0, 0, 0), 0, ((KERNEL_NAME, blocks),), 0)
    if spec.kind == "scan":
        return _scan(spec, walk)
    return (_inner if walk.mode == "inner" else _outer)(spec, walk)


def _part(spec: Spec) -> int:
    """Return the bytes of an accumulator, at most."""
    return 24 * len(spec.reducers) + 8


def _reduction(spec: Spec, walk: Walk, head: tuple[int, ...], blocks: int, parts: int) -> Grid:
    launches: Launches = ((KERNEL_NAME, min(blocks, MOST_BLOCKS)),)
    if parts:
        launches += ((JOIN, min(walk.results, MOST_BLOCKS)),)
    scratch = (walk.results << parts) * _part(spec) if parts else 0
    return Grid((parts, *head), walk.results, launches, scratch)  # type: ignore[arg-type]


def _inner(spec: Spec, walk: Walk) -> Grid:
    """Cut the trees of reductions along inner axes: leaves to teams, teams to blocks."""
    leaf, lanes = leaf_of(spec), lanes_of(spec)
    reduced = walk.dims[walk.kept :]
    rows = math.prod(reduced[:-1])
    of_rows = (rows - 1).bit_length()  # halves until there is one row
    depth = of_rows
    length = reduced[-1]
    while length > leaf:  # the longer part, as DA_SPLIT and DA_SPLIT_COMPLEX cut
        length -= length // 2 - length // 2 % 8 if lanes == 8 else (length - length % 8) // 2
        depth += 1
    teams = (THREADS // lanes).bit_length() - 1
    own = max(0, depth - teams - PARTS)  # levels that a team joins by itself
    parts = max(0, depth - own - teams)
    blocks = -(-(walk.results << (depth - own)) >> teams)
    return _reduction(spec, walk, (blocks, own, rows, of_rows, depth), blocks, parts)


def _outer(spec: Spec, walk: Walk) -> Grid:
    """Cut the columns of reductions along outer axes."""
    blocks = -(-(walk.results << walk.chunks) // THREADS)
    head = (0, 0, walk.size, 0, walk.chunks)
    return _reduction(spec, walk, head, blocks, walk.chunks)


def _scan(spec: Spec, walk: Walk) -> Grid:
    lines = walk.results
    if walk.mode == "outer":
        blocks = min(-(-lines // THREADS), MOST_BLOCKS)
        return Grid((0, 0, 0, walk.size, 1, 0), lines, ((KERNEL_NAME, blocks),), 0)
    chunks = max(1, min(walk.size // SCAN_CHUNK, SCAN_BLOCKS // lines))
    size = -(-walk.size // chunks)
    chunks = -(-walk.size // size)
    blocks = min(lines * chunks, MOST_BLOCKS)
    launches: Launches = ((KERNEL_NAME, blocks),)
    if chunks > 1:
        launches = ((TOTALS, blocks), (CARRY, -(-lines // THREADS)), *launches)
    scratch = lines * chunks * 16 if chunks > 1 else 0
    return Grid((0, lines * chunks, 0, size, chunks, 0), lines, launches, scratch)
