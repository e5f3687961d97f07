"""What a kernel's text depends on: a `Spec`, made by `plans` and written out by `emit`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from devarray.kernels.ops import Loop

__all__ = [
    "COLUMNS", "KERNEL_NAME", "PRELUDE", "THREADS", "Operand", "Reducer", "Spec", "Statement",
]  # fmt: skip

DType = np.dtype[Any]

COLUMNS = 512  # columns that an outer reduction keeps side by side
THREADS = 256  # of a block, in grids
KERNEL_NAME = "da_kernel"
PRELUDE = "#include <devarray.h>"  # where the device puts its prelude


class Operand(NamedTuple):
    """One piece of memory that the kernel reads or writes.

    Attributes
    ----------
    var : str
        The variable that is loaded, or that is stored.
    dtype : numpy.dtype
    walk : str
        How the innermost loop walks it: "u" by one element, "b" not at all (broadcast), "g" by a
        stride.
    store : bool
    counted : bool
        There is no memory: the value is the address, in units of 8 bytes (see `graph.index_node`).
    """

    var: str
    dtype: DType
    walk: str
    store: bool
    counted: bool = False


class Statement(NamedTuple):
    """``var = loop(args)``; an argument is a variable and its dtype."""

    var: str
    loop: Loop
    args: tuple[tuple[str, DType], ...]


class Reducer(NamedTuple):
    """One reduction or scan of the variable `source`."""

    var: str
    source: str
    source_dtype: DType
    loop: Loop
    combiner: str  # name in the table: sum, prod, max ...
    arg: bool
    initial: str  # a scalar variable, or ""
    dtype: DType  # of the result


class Spec(NamedTuple):
    """Everything that a kernel's text depends on."""

    kind: str  # map, reduce, scan
    mode: str  # map: flat, nd; reduce and scan: inner, outer
    kept: int  # axes of the walk that are kept (all of them for a map)
    reduced: int
    body: tuple[Statement, ...]
    operands: tuple[Operand, ...]
    scalars: tuple[tuple[str, DType], ...]
    reducers: tuple[Reducer, ...]
    epilogue: tuple[Statement, ...]
    outs: tuple[Operand, ...]  # loads and stores on the reduced shape
    narrow: bool = False  # 32 bits suffice for positions (grids only)
