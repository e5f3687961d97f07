"""Kernel text: a `Spec` becomes readable C++, one statement a node.

A `Spec` says what to compute, in which walk.

Three skeletons: *map* (flat over contiguous memory, or n-dimensional), *reduce* and *scan* (along
an inner axis, or along an outer one with the columns side by side). Shapes, strides, addresses and
scalars are arguments, packed in 8-byte slots; so a text depends on structure, dtypes and layout
classes only. The text stands between the device's prelude and nothing: it includes no header.

Reductions add up in a fixed tree whose shape depends on the lengths alone: leaves of 128 elements
with eight running results each, joined in pairs, which is NumPy's pairwise summation. So the result
is the same for any number of threads.
"""

from __future__ import annotations

from devarray.kernels.emit_reduce import combiners, finish, join, reduce_inner, reduce_outer
from devarray.kernels.emit_scan import scan_inner, scan_outer
from devarray.kernels.spec import KERNEL_NAME, Spec
from devarray.kernels.text import (
    Arguments,
    Writer,
    body,
    decode,
    head,
    hoisted,
    host_text,
    offset,
    pointer,
    scalar_lines,
    steps,
    typed_pointers,
)

__all__ = ["emit"]


def emit(spec: Spec) -> str:
    """Return the text of the kernel, without the prelude."""
    w = Writer()
    w(*head(spec))
    args = Arguments(spec)
    if spec.kind == "map":
        (_map_flat if spec.mode == "flat" else _map_nd)(w, spec, args)
        _entry(w, "")
    elif spec.kind == "reduce":
        combiners(w, spec)
        finish(w, spec, args)
        (reduce_inner if spec.mode == "inner" else reduce_outer)(w, spec, args)
        join(w, spec)
        _entry(w, "join")
    else:
        combiners(w, spec)
        (scan_inner if spec.mode == "inner" else scan_outer)(w, spec, args)
        _entry(w, "")
    return host_text(w.text())


def _entry(w: Writer, second: str) -> None:
    w(f"KERNEL void {KERNEL_NAME}(const i64* A) {{")
    w("DA_PARALLEL(work, A, A[0], A[1], A[2])")
    if second:
        w(f"if (A[5]) DA_PARALLEL({second}, A, A[0], A[7], DA_GRAIN)")
    w("}")


def _map_flat(w: Writer, spec: Spec, args: Arguments) -> None:
    w("PART void work(const i64* A, i64 lo, i64 hi) {")
    w(*typed_pointers(spec, f"A[{args.addresses} + {{0}}]"))
    w(*scalar_lines(spec, args), *hoisted(spec, "p{0}"))
    w("FOR_SIMD(i, lo, hi) {")
    body(w, spec, "p{0}", "i")
    w("}", "}")


def _map_nd(w: Writer, spec: Spec, args: Arguments) -> None:
    inner = spec.kept - 1
    w("PART void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(inner)}, size = A[3], parts = A[4];")
    w(*scalar_lines(spec, args), *steps(spec, args, inner))
    w("for (i64 item = lo; item < hi; ++item) {")
    w("const i64 row = parts == 1 ? item : item / parts;")
    w("const i64 j0 = (item - row * parts) * size, j1 = j0 + size < n ? j0 + size : n;")
    decode(w, args, "row", 0, inner, "d")
    w(
        *(
            pointer(o, k, f"{args.address(k)}{offset(args, k, 0, inner, 'd')}")
            for k, o in enumerate(spec.operands)
        )
    )
    w(*hoisted(spec, "p{0}"))
    w("FOR_SIMD(j, j0, j1) {")
    body(w, spec, "p{0}", "j")
    w("}", "}", "}")
