"""The skeletons of reductions: along inner axes, or along outer ones with the columns side by side.

A reduction has accumulators (`combiners` writes how two become one), a first phase that fills them,
chunk by chunk, a second one that joins the chunks, and `finish`, which turns them into results.
"""

from __future__ import annotations

import numpy as np

from devarray.kernels.ops import C_TYPES
from devarray.kernels.spec import COLUMNS, Reducer, Spec
from devarray.kernels.text import (
    Arguments,
    Writer,
    body,
    cast,
    decode,
    elements,
    hoisted,
    load,
    offset,
    pointer,
    scalar_lines,
    statement,
    steps,
    storage,
    store,
    typed_pointers,
    working,
)

__all__ = [
    "columns", "combiners", "finish", "has_complex", "init", "join", "lanes_of", "leaf_of",
    "outer_row", "reduce_inner", "reduce_outer", "split_of",
]  # fmt: skip

_LEAF = {False: 128, True: 64}  # elements of a leaf: real, complex


def has_complex(spec: Spec) -> bool:
    """Say whether a reduction is of complex numbers, whose tree is another."""
    return any(r.loop.out.kind == "c" for r in spec.reducers)


def leaf_of(spec: Spec) -> int:
    """Return the most elements of a leaf of the tree."""
    return _LEAF[has_complex(spec)]


def lanes_of(spec: Spec) -> int:
    """Return how many running results a leaf has."""
    return 4 if has_complex(spec) else 8


def combiners(w: Writer, spec: Spec, teams: bool = False) -> None:
    """Write each reducer's combining function, from the row's own text, and its leaf.

    With `teams`, several threads compute a leaf: positions come out of order, and an accumulator
    may hold nothing.
    """
    for k, r in enumerate(spec.reducers):
        t = working(r.loop.out)
        text = r.loop.text.format("a", "b")
        if spec.kind == "scan" and r.loop.out.char == "e":
            text = f"da_to_f16({text})"
        w(f"FN {t} op{k}({t} a, {t} b) {{ return {text}; }}  // {r.loop.op.name}")
        if spec.kind == "reduce" and not teams:
            lanes = lanes_of(spec)
            macro = "DA_ARG_LEAF" if r.arg else "DA_LEAF"
            w(f"{macro}(leaf{k}, {t}, op{k}, {lanes}, {_better(r)})")
    if spec.kind == "reduce":
        fields = "".join(
            f" {working(r.loop.out)} a{k};" + (f" i64 y{k};" if r.arg else "")
            for k, r in enumerate(spec.reducers)
        )
        w(f"typedef struct {{{fields}{' i32 full;' if teams else ''} }} Acc;")
        (_merge_of_teams if teams else _merge)(w, spec)


def _merge(w: Writer, spec: Spec) -> None:
    w("FN void merge(Acc* x, const Acc* y) {")
    for k, r in enumerate(spec.reducers):
        if r.arg:
            taken = f"x->a{k} = y->a{k}; x->y{k} = y->y{k};"
            w(f"if ({_better(r)}(y->a{k}, x->a{k})) {{ {taken} }}")
        else:
            w(f"x->a{k} = op{k}(x->a{k}, y->a{k});")
    w("}")


def _merge_of_teams(w: Writer, spec: Spec) -> None:
    w("FN Acc merge(Acc x, Acc y) {", "if (!y.full) return x;", "if (!x.full) return y;")
    for k, r in enumerate(spec.reducers):
        if r.arg:
            above = f"{_better(r)}(y.a{k}, x.a{k})"
            first = f"(y.y{k} < x.y{k} && !{_better(r)}(x.a{k}, y.a{k}))"
            w(f"if ({above} || {first}) {{ x.a{k} = y.a{k}; x.y{k} = y.y{k}; }}")
        else:
            w(f"x.a{k} = op{k}(x.a{k}, y.a{k});")
    w("return x;", "}")


def _better(r: Reducer) -> str:
    return "da_above" if r.combiner == "max" else "da_below"


def _neutral(r: Reducer) -> str:
    """Return the value that changes nothing: where columns begin before their first row."""
    dtype = r.loop.out
    name = r.combiner
    if name in ("fmax", "fmin") and dtype.kind == "f":
        return "DA_NAN"
    if name in ("max", "fmax", "min", "fmin"):
        top = name.endswith("min")
        if dtype.kind == "f":
            return "DA_INF" if top else "-DA_INF"
        if dtype.kind == "b":
            return "1" if top else "0"
        info = np.iinfo(dtype)
        # spelled as an expression: the least 64-bit integer has no literal of its own
        rest = "" if top else f" - {info.max - info.min}ull"
        return f"({info.max}{'u' if dtype.kind == 'u' else ''}ll{rest})"
    if dtype.kind == "c":
        half = "f32" if dtype.char == "F" else "f64"
        real, imag = ("-0.0", "-0.0") if name == "sum" else ("1", "0")
        return f"da_{C_TYPES[dtype.char]}(({half}){real}, ({half}){imag})"
    if dtype.kind == "f":
        return "-0.0" if name == "sum" else "1"
    return {"sum": "0", "prod": "1", "all": "1", "and": "-1"}.get(name, "0")


def finish(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write the function that turns accumulators into results for one element."""
    first = len(spec.operands)
    w("FN void finish(const i64* A, i64 o, Acc acc) {")
    if any(not operand.store for operand in spec.outs):
        decode(w, args, "o", 0, spec.kept, "d")
    w(*scalar_lines(spec, args))
    for k, r in enumerate(spec.reducers):
        value = f"acc.y{k}" if r.arg else f"acc.a{k}"
        if r.initial:
            value = f"op{k}({r.initial}, {value})"
        elif r.combiner == "sum" and r.loop.out.kind in "fc":
            value = f"da_plus_zero({value})"  # NumPy adds to 0, which turns -0 into 0
        if not r.arg:
            if r.loop.out.char == "e":  # it was added up in float32
                value = f"da_to_f16({value})"
            value = cast(value, r.loop.out, r.dtype)
        w(f"const {working(r.dtype)} {r.var} = {value};  // {r.combiner}")
    for k, o in enumerate(spec.outs):
        if not o.store:
            terms = "".join(f" + d{a} * {args.out_stride(k, a)}" for a in range(spec.kept))
            at = f"{args.address(first + k)}{terms}"
            value = load(f"*{elements(storage(o.dtype), at)}", o.dtype)
            w(f"const {working(o.dtype)} {o.var} = {f'({at}) >> 3' if o.counted else value};")
    w(*(statement(s) for s in spec.epilogue))
    for k, o in enumerate(spec.outs):
        if o.store:
            row = elements(storage(o.dtype), args.address(first + k))
            w(f"({row})[o] = {store(o.var, o.dtype)};")
    w("}")


def split_of(spec: Spec) -> str:
    """Return the macro that says where the tree splits a row."""
    return "DA_SPLIT_COMPLEX" if has_complex(spec) else "DA_SPLIT"


def _row_type(w: Writer, spec: Spec) -> None:
    fields = "".join(f" char* q{k};" for k in range(len(spec.operands)))
    w(f"typedef struct {{{fields} i64 at; }} Row;")


def reduce_inner(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a reduction along inner axes: leaves of elements, joined in pairs, line by line."""
    inner = spec.kept + spec.reduced - 1
    leaf, split = leaf_of(spec), split_of(spec)
    _row_type(w, spec)
    w("PART void leaf(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {")
    w(*typed_pointers(spec, "row->q{0}"))
    w(*scalar_lines(spec, args), *steps(spec, args, inner), *hoisted(spec, "p{0}"))
    for k, r in enumerate(spec.reducers):
        w(f"{working(r.loop.out)} e{k}[{leaf}];")
    w("FOR_SIMD(j, 0, n) {")
    body(w, spec, "p{0}", "j0 + j")
    for k, r in enumerate(spec.reducers):
        w(f"e{k}[j] = {cast(r.source, r.source_dtype, r.loop.out)};")
    w("}")
    for k, r in enumerate(spec.reducers):
        w(
            f"acc->a{k} = leaf{k}(e{k}, n"
            + (f", &acc->y{k}); acc->y{k} += row->at + j0;" if r.arg else ");")
        )
    w("}")
    w("PART void span(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {")
    w(f"if (n <= {leaf}) {{ leaf(A, row, j0, n, acc); return; }}")
    w(f"const i64 half = {split}(n);", "Acc right;", "span(A, row, j0, half, acc);")
    w("span(A, row, j0 + half, n - half, &right);", "merge(acc, &right);", "}")
    if spec.reduced > 1:
        w("PART void rows(const i64* A, const Row* base, i64 first, i64 count, Acc* acc) {")
        w("if (count == 1) {", "Row row = *base;")
        decode(w, args, "first", spec.kept, spec.reduced - 1, "r")
        w(
            *(
                f"row.q{k} += {offset(args, k, spec.kept, spec.reduced - 1, 'r')[3:]};"
                for k in range(len(spec.operands))
            )
        )
        w(f"row.at = first * {args.dim(inner)};", f"span(A, &row, 0, {args.dim(inner)}, acc);")
        w("return;", "}", "Acc right;", "rows(A, base, first, count / 2, acc);")
        w(
            "rows(A, base, first + count / 2, count - count / 2, &right);",
            "merge(acc, &right);",
            "}",
        )
    w("PART void work(const i64* A, i64 lo, i64 hi) {", "const i64 D = A[5];")
    w("for (i64 item = lo; item < hi; ++item) {", "const i64 o = item >> D;", "Row row; Acc acc;")
    decode(w, args, "o", 0, spec.kept, "d")
    for k in range(len(spec.operands)):
        w(f"row.q{k} = (char*){args.address(k)}{offset(args, k, 0, spec.kept, 'd')};")
    w("row.at = 0;", "i64 first = 0, count = A[3];")
    w("for (i64 bit = D - 1; bit >= 0; --bit) {")
    w(f"const i64 half = {'count / 2' if spec.reduced > 1 else split + '(count)'};")
    w("if (item >> bit & 1) { first += half; count -= half; } else { count = half; }", "}")
    w(("rows" if spec.reduced > 1 else "span") + "(A, &row, first, count, &acc);")
    w("if (D) ((Acc*)A[6])[item] = acc; else finish(A, o, acc);", "}", "}")


def columns(w: Writer, spec: Spec, args: Arguments, chunked: bool) -> None:
    """Write the head of an outer walk: item -> rows of columns j0 .. j0 + nc."""
    last = spec.kept - 1
    w("for (i64 item = lo; item < hi; ++item) {")
    w("const i64 t = item >> D;" if chunked else "const i64 t = item;")
    w("const i64 group = parts == 1 ? t : t / parts, j0 = (t - group * parts) * size;")
    w("const i64 nc = j0 + size < n ? size : n - j0;")
    decode(w, args, "group", 0, last, "d")
    for k in range(len(spec.operands)):
        w(
            f"char* const q{k} = (char*){args.address(k)}{offset(args, k, 0, last, 'd')}"
            f" + j0 * {args.stride(k, last)};"
        )


def outer_row(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write the row pointers of the reduced index r, and the start of the loop over its columns."""
    decode(w, args, "line", spec.kept, spec.reduced, "r")
    w(
        *(
            pointer(o, k, f"q{k}{offset(args, k, spec.kept, spec.reduced, 'r')}")
            for k, o in enumerate(spec.operands)
        )
    )
    w(*hoisted(spec, "p{0}"))
    w("FOR_SIMD(j, 0, nc) {")


def reduce_outer(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a reduction along outer axes: one accumulator a column, row after row."""
    last = spec.kept - 1
    w("PART void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 D = A[5], n = {args.dim(last)}, size = {COLUMNS}, parts = A[4];")
    w(*scalar_lines(spec, args), *steps(spec, args, last))
    columns(w, spec, args, chunked=True)
    w("i64 first = 0, count = A[3];")
    w("for (i64 bit = D - 1; bit >= 0; --bit) {")
    w("if (item >> bit & 1) { first += count / 2; count -= count / 2; } else { count /= 2; }", "}")
    for k, r in enumerate(spec.reducers):
        t = working(r.loop.out)
        w(f"{t} a{k}[{COLUMNS}];" + (f" i64 y{k}[{COLUMNS}];" if r.arg else ""))
        fill = f" y{k}[j] = first;" if r.arg else ""
        w(f"for (i64 j = 0; j < nc; ++j) {{ a{k}[j] = {init(r)};{fill} }}")
    w("for (i64 line = first; line < first + count; ++line) {")
    outer_row(w, spec, args)
    body(w, spec, "p{0}", "j")
    for k, r in enumerate(spec.reducers):
        value = cast(r.source, r.source_dtype, r.loop.out)
        if r.arg:
            w(
                f"const {working(r.loop.out)} w{k} = {value};",
                f"const b8 m{k} = {_better(r)}(w{k}, a{k}[j]);",
            )
            w(f"a{k}[j] = m{k} ? w{k} : a{k}[j];", f"y{k}[j] = m{k} ? line : y{k}[j];")
        elif r.combiner == "custom":  # nothing is known that changes nothing
            w(f"a{k}[j] = line == first ? {value} : op{k}(a{k}[j], {value});")
        else:
            w(f"a{k}[j] = op{k}(a{k}[j], {value});")
    w("}", "}", "for (i64 j = 0; j < nc; ++j) {", "Acc acc;")
    for k, r in enumerate(spec.reducers):
        w(f"acc.a{k} = a{k}[j];" + (f" acc.y{k} = y{k}[j];" if r.arg else ""))
    w("const i64 o = group * n + j0 + j;")
    slot = "(o << D) + (item & (((i64)1 << D) - 1))"
    w(f"if (D) ((Acc*)A[6])[{slot}] = acc; else finish(A, o, acc);")
    w("}", "}", "}")


def init(r: Reducer) -> str:
    """Return what an accumulator begins with, as a value of its type."""
    neutral = _neutral(r)
    return neutral if r.loop.out.kind == "c" else f"({working(r.loop.out)})({neutral})"


def join(w: Writer, spec: Spec) -> None:
    """Write the second phase: the chunks of one result, joined in pairs."""
    w("PART void join(const i64* A, i64 lo, i64 hi) {", "const i64 chunks = (i64)1 << A[5];")
    w("for (i64 o = lo; o < hi; ++o) {", "Acc* const acc = (Acc*)A[6] + o * chunks;")
    w("for (i64 step = 1; step < chunks; step *= 2) {")
    w("for (i64 c = 0; c < chunks; c += 2 * step) merge(acc + c, acc + c + step);", "}")
    w("finish(A, o, *acc);", "}", "}")
