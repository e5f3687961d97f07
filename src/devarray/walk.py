"""How a kernel walks its index space.

Axes are merged and ordered; each operand has strides and a class of its innermost walk.

A walk depends on shapes and strides only, so it is computed once for each combination and then
looked up.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from devarray.kernels.spec import COLUMNS
from devarray.layout import Layout, Shape, broadcast_layout, merge_axes

__all__ = ["Walk", "map_walk", "reduce_walk", "scan_walk"]

CHUNK = 32768  # elements that a reduction adds up before its partial results are joined
SHORT = 16  # a reduced axis shorter than this is walked outside of a long kept axis


class Walk(NamedTuple):
    """The run-time side of a kernel's loops.

    Attributes
    ----------
    mode : str
        flat or nd for maps; inner or outer for reductions and scans.
    classes : str
        One letter an operand: u (unit stride), b (broadcast), g (general).
    kept, reduced : int
        Numbers of axes.
    dims : tuple of int
        Lengths of the kept axes, then of the reduced ones.
    strides : tuple of int
        Of each operand over all axes, operand after operand; then of each result over the kept
        axes.
    items : int
        Independent pieces of work; elements of a flat map.
    size, parts : int
        The two numbers that the skeleton wants (see `text.Arguments`).
    results : int
        Elements of the reduced shape.
    chunks : int
        log2 of the pieces into which each reduction is cut.
    """

    mode: str
    classes: str
    kept: int
    reduced: int
    dims: Shape
    strides: Shape
    items: int
    size: int = 0
    parts: int = 1
    results: int = 0
    chunks: int = 0


def _classes(strides: tuple[Shape, ...], axis: int, itemsizes: Shape) -> str:
    return "".join(
        "b" if row[axis] == 0 else "u" if row[axis] == itemsize else "g"
        for row, itemsize in zip(strides, itemsizes, strict=True)
    )


def _flatten(rows: tuple[Shape, ...]) -> Shape:
    return tuple(stride for row in rows for stride in row)


INNER_BLOCK = 8192  # elements of a row that one item of a map covers


@lru_cache(maxsize=8192)
def map_walk(shape: Shape, layouts: tuple[Layout, ...], itemsizes: Shape, target: int) -> Walk:
    """Return the walk of a map.

    Parameters
    ----------
    shape : tuple of int
        The index space; not empty.
    layouts : tuple of Layout
        Of each operand; they broadcast to `shape`.
    itemsizes : tuple of int
    target : int
        Which operand's strides decide the order of the axes: the one that is written.
    """
    rows = tuple(broadcast_layout(layout, shape).strides for layout in layouts)
    order = sorted(range(len(shape)), key=lambda a: -abs(rows[target][a]))
    dims, rows = merge_axes(
        tuple(shape[a] for a in order), [tuple(r[a] for a in order) for r in rows]
    )
    if not dims:
        return Walk("flat", "u" * len(layouts), 0, 0, (), (), 1)
    classes = _classes(rows, -1, itemsizes)
    if len(dims) == 1 and "g" not in classes:
        return Walk("flat", classes, 1, 0, (), (), dims[0])
    inner = dims[-1]
    size = min(inner, INNER_BLOCK)
    parts = -(-inner // size)
    items = math.prod(dims[:-1]) * parts
    return Walk("nd", classes, len(dims), 0, dims, _flatten(rows), items, size, parts)


def _log2_chunks(total: int, along: int, least: int, items: int) -> int:
    """Return into how many pieces (log2) to cut a reduction.

    It depends on lengths alone, so that threads change nothing.
    """
    chunks = 0
    while (
        items << chunks < 64 and total >> (chunks + 1) >= CHUNK and along >> (chunks + 1) >= least
    ):
        chunks += 1
    return chunks


@lru_cache(maxsize=8192)
def reduce_walk(
    shape: Shape,
    axes: Shape,
    layouts: tuple[Layout, ...],
    itemsizes: Shape,
    outs: tuple[Shape, ...],
    in_order: bool,
) -> Walk:
    """Return the walk of a reduction.

    Parameters
    ----------
    shape, layouts, itemsizes
        As in `map_walk`.
    axes : tuple of int
        The reduced axes.
    outs : tuple of tuple of int
        Strides of each operand of the epilogue over the kept axes.
    in_order : bool
        The reduced axes must be walked in C order, because positions are counted.
    """
    rows = tuple(broadcast_layout(layout, shape).strides for layout in layouts)
    keep = [a for a in range(len(shape)) if a not in axes]
    lead = next((row for row in rows if any(row)), rows[0] if rows else (0,) * len(shape))
    along = list(axes) if in_order else sorted(axes, key=lambda a: -abs(lead[a]))
    count = len(layouts)
    kept, merged = merge_axes(
        tuple(shape[a] for a in keep), [tuple(r[a] for a in keep) for r in rows] + list(outs)
    )
    kept_rows, out_rows = merged[:count], merged[count:]
    reduced, reduced_rows = merge_axes(
        tuple(shape[a] for a in along), [tuple(r[a] for a in along) for r in rows]
    )
    if not reduced:
        reduced, reduced_rows = (1,), ((0,),) * count
    return _reduction(kept, reduced, (kept_rows, reduced_rows, out_rows), itemsizes)


def _reduction(
    kept: Shape, reduced: Shape, merged: tuple[tuple[Shape, ...], ...], itemsizes: Shape
) -> Walk:
    """Return the walk over merged axes, inner or outer, cut into pieces."""
    kept_rows, reduced_rows, out_rows = merged
    results = math.prod(kept)
    total = math.prod(reduced)
    joined = tuple(k + r for k, r in zip(kept_rows, reduced_rows, strict=True))
    strides = _flatten(joined) + _flatten(out_rows)
    dims = kept + reduced
    if _is_inner(kept, reduced, kept_rows, reduced_rows):
        classes = _classes(joined, -1, itemsizes)
        rows_of = math.prod(reduced[:-1])
        along_n, least = (rows_of, 1) if len(reduced) > 1 else (total, CHUNK // 2)
        chunks = _log2_chunks(total, along_n, least, results)
        return Walk(
            "inner",
            classes,
            len(kept),
            len(reduced),
            dims,
            strides,
            results << chunks,
            along_n,
            1,
            results,
            chunks,
        )
    columns = kept[-1]
    parts = -(-columns // COLUMNS)
    blocks = math.prod(kept[:-1]) * parts
    chunks = _log2_chunks(total * min(columns, COLUMNS), total, 32, blocks)
    classes = _classes(joined, len(kept) - 1, itemsizes)
    return Walk(
        "outer",
        classes,
        len(kept),
        len(reduced),
        dims,
        strides,
        blocks << chunks,
        total,
        parts,
        results,
        chunks,
    )


def _is_inner(
    kept: Shape, reduced: Shape, kept_rows: tuple[Shape, ...], reduced_rows: tuple[Shape, ...]
) -> bool:
    """Say whether the reduced axis is walked innermost: closer in memory, and not very short."""
    if not kept or kept[-1] < 8:
        return True
    if reduced[-1] < SHORT and kept[-1] >= 4 * SHORT:
        return False
    for kept_row, reduced_row in zip(kept_rows, reduced_rows, strict=True):
        if kept_row[-1] or reduced_row[-1]:
            return abs(reduced_row[-1]) <= abs(kept_row[-1]) or not kept_row[-1]
    return True


@lru_cache(maxsize=8192)
def scan_walk(
    shape: Shape, axis: int, layouts: tuple[Layout, ...], itemsizes: Shape, out: Shape
) -> Walk:
    """Return the walk of a scan along `axis`; `out` are the strides of its result."""
    rows = [broadcast_layout(layout, shape).strides for layout in layouts] + [out]
    keep = [a for a in range(len(shape)) if a != axis]
    kept, kept_rows = merge_axes(
        tuple(shape[a] for a in keep), [tuple(r[a] for a in keep) for r in rows]
    )
    length = shape[axis]
    joined = tuple((*k, row[axis]) for k, row in zip(kept_rows, rows, strict=True))
    strides = _flatten(joined)
    dims = (*kept, length)
    lines = math.prod(kept)
    if not kept or kept[-1] < 8 or abs(out[axis]) <= abs(kept_rows[-1][-1]):
        classes = _classes(joined[:-1], -1, itemsizes)
        return Walk("inner", classes, len(kept), 1, dims, strides, lines, length, 1, lines)
    parts = -(-kept[-1] // COLUMNS)
    items = math.prod(kept[:-1]) * parts
    classes = _classes(joined[:-1], len(kept) - 1, itemsizes)
    return Walk("outer", classes, len(kept), 1, dims, strides, items, length, parts, lines)
