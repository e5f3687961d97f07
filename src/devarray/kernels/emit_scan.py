"""The skeletons of scans: along an inner axis, or an outer one with the columns side by side."""

from __future__ import annotations

from devarray.kernels.emit_reduce import columns, outer_row
from devarray.kernels.spec import COLUMNS, Spec
from devarray.kernels.text import (
    Arguments,
    Writer,
    body,
    cast,
    decode,
    hoisted,
    offset,
    pointer,
    scalar_lines,
    steps,
    storage,
    store,
    working,
)

__all__ = ["scan_inner", "scan_outer"]


def scan_inner(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a scan along an inner axis: one line after the other, each in order.

    So the results are NumPy's to the bit where the op is exact.
    """
    inner = spec.kept + spec.reduced - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    w("PART void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(inner)};", *scalar_lines(spec, args))
    w(*steps(spec, args, inner), *_out_pointer(spec, args, inner))
    w("for (i64 item = lo; item < hi; ++item) {")
    decode(w, args, "item", 0, spec.kept, "d")
    for k, o in enumerate(spec.operands):
        at = f"(char*){args.address(k)}{offset(args, k, 0, spec.kept, 'd')}"
        w(pointer(o, k, at))
    w(*hoisted(spec, "p{0}"))
    start = _scan_offset(spec, args, 0, spec.kept, "d")
    w(f"char* out = (char*){args.address(len(spec.operands))}{start};")
    w(f"{t} b[128], a;", "for (i64 j0 = 0; j0 < n; j0 += 128) {")
    w("const i64 m = n - j0 < 128 ? n - j0 : 128;", "FOR_SIMD(j, 0, m) {")
    body(w, spec, "p{0}", "j0 + j")
    w(f"b[j] = {cast(r.source, r.source_dtype, r.loop.out)};", "}")
    w("for (i64 j = 0; j < m; ++j) {", "a = j0 + j ? op0(a, b[j]) : b[j];")
    w(
        f"*({storage(r.dtype)}*)out = {store(cast('a', r.loop.out, r.dtype), r.dtype)};",
        "out += step;",
    )
    w("}", "}", "}", "}")


def _out_pointer(spec: Spec, args: Arguments, axis: int) -> list[str]:
    return [f"const i64 step = A[{args.out_strides + axis}];"]


def _scan_offset(spec: Spec, args: Arguments, first: int, axes: int, prefix: str) -> str:
    return "".join(
        f" + {prefix}{a} * A[{args.out_strides + a}]" for a in range(first, first + axes)
    )


def scan_outer(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a scan along an outer axis: one accumulator a column, row after row."""
    last = spec.kept - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    w("PART void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(last)}, size = {COLUMNS}, parts = A[4];")
    w(*scalar_lines(spec, args), *steps(spec, args, last), *_out_pointer(spec, args, last))
    columns(w, spec, args, chunked=False)
    start = _scan_offset(spec, args, 0, last, "d")
    out = f"(char*){args.address(len(spec.operands))}{start} + j0 * step"
    w(
        f"char* const out = {out};",
        f"{t} a[{COLUMNS}];",
        "for (i64 line = 0; line < A[3]; ++line) {",
    )
    outer_row(w, spec, args)
    body(w, spec, "p{0}", "j")
    w(
        f"const {t} u = {cast(r.source, r.source_dtype, r.loop.out)};",
        "a[j] = line ? op0(a[j], u) : u;",
    )
    at = f"out + line * A[{args.out_strides + spec.kept}] + j * step"
    w(f"*({storage(r.dtype)}*)({at}) = {store(cast('a[j]', r.loop.out, r.dtype), r.dtype)};")
    w("}", "}", "}", "}")
