"""Kernel text: a `Spec` (what to compute, in which walk) becomes readable C++, one statement a node.

Three skeletons: *map* (flat over contiguous memory, or n-dimensional), *reduce* and *scan* (along
an inner axis, or along an outer one with the columns side by side). Shapes, strides, addresses and
scalars are arguments, packed in 8-byte slots; so a text depends on structure, dtypes and layout
classes only. The text stands between the device's prelude and nothing: it includes no header.

Reductions add up in a fixed tree whose shape depends on the lengths alone: leaves of 128 elements
with eight running results each, joined in pairs, which is NumPy's pairwise summation. So the result
is the same for any number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from devarray.kernels.ops import C_TYPES, Loop

__all__ = ["COLUMNS", "PRELUDE", "Operand", "Reducer", "Spec", "Statement", "emit"]


DType = np.dtype[Any]

COLUMNS = 512  # columns that an outer reduction keeps side by side
_LEAF = {False: 128, True: 64}  # elements of a leaf: real, complex

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
    """

    var: str
    dtype: DType
    walk: str
    store: bool


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


def storage(dtype: DType) -> str:
    """Return the C type of an element in memory."""
    return C_TYPES[dtype.char]


def working(dtype: DType) -> str:
    """Return the C type of a variable; float16 is computed in float32 and rounded after each op."""
    return "f32" if dtype.char == "e" else C_TYPES[dtype.char]


def _cast(var: str, source: DType, target: DType) -> str:
    return var if source == target else f"da_to_{C_TYPES[target.char]}({var})"


def _load(address: str, dtype: DType) -> str:
    return f"da_load16({address})" if dtype.char == "e" else address


def _store(var: str, dtype: DType) -> str:
    return f"da_store16({var})" if dtype.char == "e" else var


def _statement(s: Statement) -> str:
    args = [_cast(v, dtype, want) for (v, dtype), want in zip(s.args, s.loop.ins, strict=True)]
    text = s.loop.text.format(*args)
    if s.loop.out.char == "e" and not s.loop.op.own_half:
        text = f"da_to_f16({text})"
    return f"const {working(s.loop.out)} {s.var} = {text};  // {s.loop.op.name}"


class _Writer:
    """Lines of text with a current indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, *lines: str) -> None:
        for line in lines:
            if line.startswith("}"):
                self.depth -= 1
            self.lines.append("  " * self.depth + line)
            if line.endswith("{"):
                self.depth += 1

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def emit(spec: Spec) -> str:
    """Return the text of the kernel, without the prelude."""
    w = _Writer()
    w(*_needs(spec), PRELUDE)
    names = [s.loop.op.name for s in spec.body] + [f"{r.combiner}()" for r in spec.reducers]
    names += [s.loop.op.name for s in spec.epilogue]
    w(f"// {spec.kind} {spec.mode}: {' '.join(names) or 'copy'}")
    args = _Arguments(spec)
    if spec.kind == "map":
        (_map_flat if spec.mode == "flat" else _map_nd)(w, spec, args)
        _entry(w, "")
    elif spec.kind == "reduce":
        _combiners(w, spec)
        _finish(w, spec, args)
        (_reduce_inner if spec.mode == "inner" else _reduce_outer)(w, spec, args)
        _join(w, spec)
        _entry(w, "join")
    else:
        _combiners(w, spec)
        (_scan_inner if spec.mode == "inner" else _scan_outer)(w, spec, args)
        _entry(w, "")
    return w.text()


def _needs(spec: Spec) -> list[str]:
    """Return what of the prelude can be left out: parsing its functions is a third of the time to compile."""
    loops = [s.loop for s in spec.body + spec.epilogue] + [r.loop for r in spec.reducers]
    dtypes = [o.dtype for o in spec.operands + spec.outs] + [dtype for _, dtype in spec.scalars]
    dtypes += [dtype for loop in loops for dtype in (*loop.ins, loop.out)]
    lines = []
    if all(dtype.kind != "c" for dtype in dtypes):
        lines.append("#define DA_NO_COMPLEX")
    if all(dtype.kind not in "iu" for loop in loops for dtype in loop.ins):
        lines.append("#define DA_NO_INTEGER")
    return lines


class _Arguments:
    """Where each argument stands in the packed slots: header, dimensions, addresses, strides, scalars.

    Header: 0 threads, 1 items, 2 grain, 3 and 4 free for the skeleton, 5 log2 of chunks, 6 scratch,
    7 joins.
    """

    HEADER = 8

    def __init__(self, spec: Spec) -> None:
        flat = spec.mode == "flat"
        axes = spec.kept + spec.reduced
        self.dims = self.HEADER
        self.addresses = self.dims + (0 if flat else axes)
        count = len(spec.operands) + len(spec.outs)
        self.strides = self.addresses + count
        self.axes = 0 if flat else axes
        # the result of a scan has all axes of the walk; results of a reduction the kept ones
        self.kept = 0 if flat else axes if spec.kind == "scan" else spec.kept
        out_strides = self.strides + len(spec.operands) * self.axes
        self.out_strides = out_strides
        self.scalars = out_strides + len(spec.outs) * self.kept

    def dim(self, axis: int) -> str:
        return f"A[{self.dims + axis}]"

    def address(self, k: int) -> str:
        return f"A[{self.addresses + k}]"

    def stride(self, k: int, axis: int) -> str:
        return f"A[{self.strides + k * self.axes + axis}]"

    def out_stride(self, k: int, axis: int) -> str:
        return f"A[{self.out_strides + k * self.kept + axis}]"


def _scalar_lines(spec: Spec, args: _Arguments) -> list[str]:
    lines = []
    at = args.scalars
    for var, dtype in spec.scalars:
        kind = dtype.kind
        if kind == "c":
            half = "f32" if dtype.char == "F" else "f64"
            text = f"da_{C_TYPES[dtype.char]}(({half})DA_F64(A, {at}), ({half})DA_F64(A, {at + 1}))"
        elif kind == "f":
            text = f"da_to_{C_TYPES[dtype.char]}(DA_F64(A, {at}))"
        else:
            text = f"({C_TYPES[dtype.char]})A[{at}]"
        lines.append(f"const {working(dtype)} {var} = {text};")
        at += 2 if kind == "c" else 1
    return lines


def _body(w: _Writer, spec: Spec, pointer: str, index: str) -> None:
    """Write loads, statements and stores of one element; ``pointer.format(k)`` is operand k's row."""
    for k, o in enumerate(spec.operands):
        if not o.store and o.walk != "b":
            w(
                f"const {working(o.dtype)} {o.var} = {_load(_element(o, k, pointer, index), o.dtype)};"
            )
    w(*(_statement(s) for s in spec.body))
    for k, o in enumerate(spec.operands):
        if o.store:
            w(f"{_element(o, k, pointer, index)} = {_store(o.var, o.dtype)};")


def _element(o: Operand, k: int, pointer: str, index: str) -> str:
    p = pointer.format(k)
    if o.walk == "g":
        return f"*({storage(o.dtype)}*)((char*){p} + ({index}) * t{k})"
    return f"{p}[{index}]"


def _hoisted(spec: Spec, pointer: str) -> list[str]:
    return [
        f"const {working(o.dtype)} {o.var} = {_load('*' + pointer.format(k), o.dtype)};"
        for k, o in enumerate(spec.operands)
        if not o.store and o.walk == "b"
    ]


def _typed_pointers(spec: Spec, source: str) -> list[str]:
    return [
        f"{storage(o.dtype)}* p{k} = ({storage(o.dtype)}*)({source.format(k)});"
        for k, o in enumerate(spec.operands)
    ]


def _steps(spec: Spec, args: _Arguments, axis: int) -> list[str]:
    return [
        f"const i64 t{k} = {args.stride(k, axis)};"
        for k, o in enumerate(spec.operands)
        if o.walk == "g"
    ]


def _entry(w: _Writer, second: str) -> None:
    w(f"KERNEL void {KERNEL_NAME}(const i64* A) {{")
    w("DA_PARALLEL(work, A, A[0], A[1], A[2])")
    if second:
        w(f"if (A[5]) DA_PARALLEL({second}, A, A[0], A[7], DA_GRAIN)")
    w("}")


def _map_flat(w: _Writer, spec: Spec, args: _Arguments) -> None:
    w("static void work(const i64* A, i64 lo, i64 hi) {")
    w(*_typed_pointers(spec, f"A[{args.addresses} + {{0}}]"))
    w(*_scalar_lines(spec, args), *_hoisted(spec, "p{0}"))
    w("FOR_SIMD(i, lo, hi) {")
    _body(w, spec, "p{0}", "i")
    w("}", "}")


def _decode(w: _Writer, args: _Arguments, index: str, first: int, axes: int, prefix: str) -> None:
    """Write the coordinates of a linear index over `axes` axes beginning with `first`."""
    if axes == 0:
        return
    if axes == 1:
        w(f"const i64 {prefix}{first} = {index};")
        return
    w(f"i64 {prefix} = {index};")
    for axis in range(first + axes - 1, first, -1):
        d = args.dim(axis)
        w(f"const i64 {prefix}{axis} = {prefix} % {d}; {prefix} /= {d};")
    w(f"const i64 {prefix}{first} = {prefix};")


def _offset(args: _Arguments, k: int, first: int, axes: int, prefix: str) -> str:
    terms = [f" + {prefix}{a} * {args.stride(k, a)}" for a in range(first, first + axes)]
    return "".join(terms)


def _map_nd(w: _Writer, spec: Spec, args: _Arguments) -> None:
    inner = spec.kept - 1
    w("static void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(inner)}, size = A[3], parts = A[4];")
    w(*_scalar_lines(spec, args), *_steps(spec, args, inner))
    w("for (i64 item = lo; item < hi; ++item) {")
    w("const i64 row = parts == 1 ? item : item / parts;")
    w("const i64 j0 = (item - row * parts) * size, j1 = j0 + size < n ? j0 + size : n;")
    _decode(w, args, "row", 0, inner, "d")
    w(
        *(
            f"{storage(o.dtype)}* p{k} = ({storage(o.dtype)}*)"
            f"((char*){args.address(k)}{_offset(args, k, 0, inner, 'd')});"
            for k, o in enumerate(spec.operands)
        )
    )
    w(*_hoisted(spec, "p{0}"))
    w("FOR_SIMD(j, j0, j1) {")
    _body(w, spec, "p{0}", "j")
    w("}", "}", "}")


# Reductions and scans.


def _is_complex(spec: Spec) -> bool:
    return any(r.loop.out.kind == "c" for r in spec.reducers)


def _combiners(w: _Writer, spec: Spec) -> None:
    """Write each reducer's combining function and its leaf, from the row's own text."""
    for k, r in enumerate(spec.reducers):
        t = working(r.loop.out)
        text = r.loop.text.format("a", "b")
        if spec.kind == "scan" and r.loop.out.char == "e":
            text = f"da_to_f16({text})"
        w(f"FN {t} op{k}({t} a, {t} b) {{ return {text}; }}  // {r.loop.op.name}")
        if spec.kind == "reduce":
            lanes = 4 if _is_complex(spec) else 8
            macro = "DA_ARG_LEAF" if r.arg else "DA_LEAF"
            w(f"{macro}(leaf{k}, {t}, op{k}, {lanes}, {_better(r)})")
    if spec.kind == "reduce":
        fields = "".join(
            f" {working(r.loop.out)} a{k};" + (f" i64 y{k};" if r.arg else "")
            for k, r in enumerate(spec.reducers)
        )
        w(f"typedef struct {{{fields} }} Acc;")
        w("FN void merge(Acc* x, const Acc* y) {")
        for k, r in enumerate(spec.reducers):
            if r.arg:
                w(
                    f"if ({_better(r)}(y->a{k}, x->a{k})) {{ x->a{k} = y->a{k}; x->y{k} = y->y{k}; }}"
                )
            else:
                w(f"x->a{k} = op{k}(x->a{k}, y->a{k});")
        w("}")


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
        return f"({info.max}{'u' if dtype.kind == 'u' else ''}ll{'' if top else ' - ' + str(info.max - info.min) + 'ull'})"
    if dtype.kind == "c":
        half = "f32" if dtype.char == "F" else "f64"
        return f"da_{C_TYPES[dtype.char]}(({half}){'-0.0' if name == 'sum' else '1'}, ({half}){'-0.0' if name == 'sum' else '0'})"
    if dtype.kind == "f":
        return "-0.0" if name == "sum" else "1"
    return {"sum": "0", "prod": "1", "all": "1", "and": "-1"}.get(name, "0")


def _finish(w: _Writer, spec: Spec, args: _Arguments) -> None:
    """Write the function that turns accumulators into the results for one element of the reduced shape."""
    first = len(spec.operands)
    w("static inline void finish(const i64* A, i64 o, const Acc* acc) {")
    if any(not operand.store for operand in spec.outs):
        _decode(w, args, "o", 0, spec.kept, "d")
    w(*_scalar_lines(spec, args))
    for k, r in enumerate(spec.reducers):
        value = f"acc->y{k}" if r.arg else f"acc->a{k}"
        if r.initial:
            value = f"op{k}({r.initial}, {value})"
        elif r.combiner == "sum" and r.loop.out.kind in "fc":
            value = f"da_plus_zero({value})"  # NumPy adds to 0, which turns -0 into 0
        if not r.arg:
            value = _cast(value, r.loop.out, r.dtype)
        w(f"const {working(r.dtype)} {r.var} = {value};  // {r.combiner}")
    for k, o in enumerate(spec.outs):
        if not o.store:
            terms = "".join(f" + d{a} * {args.out_stride(k, a)}" for a in range(spec.kept))
            at = f"*({storage(o.dtype)}*)((char*){args.address(first + k)}{terms})"
            w(f"const {working(o.dtype)} {o.var} = {_load(at, o.dtype)};")
    w(*(_statement(s) for s in spec.epilogue))
    for k, o in enumerate(spec.outs):
        if o.store:
            w(f"(({storage(o.dtype)}*){args.address(first + k)})[o] = {_store(o.var, o.dtype)};")
    w("}")


def _row_type(w: _Writer, spec: Spec) -> None:
    fields = "".join(f" char* q{k};" for k in range(len(spec.operands)))
    w(f"typedef struct {{{fields} i64 at; }} Row;")


def _reduce_inner(w: _Writer, spec: Spec, args: _Arguments) -> None:
    inner = spec.kept + spec.reduced - 1
    complex_sum = _is_complex(spec)
    leaf = _LEAF[complex_sum]
    split = "DA_SPLIT_COMPLEX" if complex_sum else "DA_SPLIT"
    _row_type(w, spec)
    w("static void leaf(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {")
    w(*_typed_pointers(spec, "row->q{0}"))
    w(*_scalar_lines(spec, args), *_steps(spec, args, inner), *_hoisted(spec, "p{0}"))
    for k, r in enumerate(spec.reducers):
        w(f"{working(r.loop.out)} e{k}[{leaf}];")
    w("FOR_SIMD(j, 0, n) {")
    _body(w, spec, "p{0}", "j0 + j")
    for k, r in enumerate(spec.reducers):
        w(f"e{k}[j] = {_cast(r.source, r.source_dtype, r.loop.out)};")
    w("}")
    for k, r in enumerate(spec.reducers):
        w(
            f"acc->a{k} = leaf{k}(e{k}, n"
            + (f", &acc->y{k}); acc->y{k} += row->at + j0;" if r.arg else ");")
        )
    w("}")
    w("static void span(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {")
    w(f"if (n <= {leaf}) {{ leaf(A, row, j0, n, acc); return; }}")
    w(f"const i64 half = {split}(n);", "Acc right;", "span(A, row, j0, half, acc);")
    w("span(A, row, j0 + half, n - half, &right);", "merge(acc, &right);", "}")
    if spec.reduced > 1:
        w("static void rows(const i64* A, const Row* base, i64 first, i64 count, Acc* acc) {")
        w("if (count == 1) {", "Row row = *base;")
        _decode(w, args, "first", spec.kept, spec.reduced - 1, "r")
        w(
            *(
                f"row.q{k} += {_offset(args, k, spec.kept, spec.reduced - 1, 'r')[3:]};"
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
    w("static void work(const i64* A, i64 lo, i64 hi) {", "const i64 D = A[5];")
    w("for (i64 item = lo; item < hi; ++item) {", "const i64 o = item >> D;", "Row row; Acc acc;")
    _decode(w, args, "o", 0, spec.kept, "d")
    for k in range(len(spec.operands)):
        w(f"row.q{k} = (char*){args.address(k)}{_offset(args, k, 0, spec.kept, 'd')};")
    w("row.at = 0;", "i64 first = 0, count = A[3];")
    w("for (i64 bit = D - 1; bit >= 0; --bit) {")
    w(f"const i64 half = {'count / 2' if spec.reduced > 1 else split + '(count)'};")
    w("if (item >> bit & 1) { first += half; count -= half; } else { count = half; }", "}")
    w(("rows" if spec.reduced > 1 else "span") + "(A, &row, first, count, &acc);")
    w("if (D) ((Acc*)A[6])[item] = acc; else finish(A, o, &acc);", "}", "}")


def _columns(w: _Writer, spec: Spec, args: _Arguments, chunked: bool) -> None:
    """Write the head of an outer walk: item -> rows of columns j0 .. j0 + nc."""
    last = spec.kept - 1
    w("for (i64 item = lo; item < hi; ++item) {")
    w("const i64 t = item >> D;" if chunked else "const i64 t = item;")
    w("const i64 group = parts == 1 ? t : t / parts, j0 = (t - group * parts) * size;")
    w("const i64 nc = j0 + size < n ? size : n - j0;")
    _decode(w, args, "group", 0, last, "d")
    for k in range(len(spec.operands)):
        w(
            f"char* const q{k} = (char*){args.address(k)}{_offset(args, k, 0, last, 'd')}"
            f" + j0 * {args.stride(k, last)};"
        )


def _outer_row(w: _Writer, spec: Spec, args: _Arguments) -> None:
    """Write the row pointers of the reduced index r, and the start of the loop over its columns."""
    _decode(w, args, "line", spec.kept, spec.reduced, "r")
    w(
        *(
            f"{storage(o.dtype)}* p{k} = ({storage(o.dtype)}*)"
            f"(q{k}{_offset(args, k, spec.kept, spec.reduced, 'r')});"
            for k, o in enumerate(spec.operands)
        )
    )
    w(*_hoisted(spec, "p{0}"))
    w("FOR_SIMD(j, 0, nc) {")


def _reduce_outer(w: _Writer, spec: Spec, args: _Arguments) -> None:
    last = spec.kept - 1
    w("static void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 D = A[5], n = {args.dim(last)}, size = {COLUMNS}, parts = A[4];")
    w(*_scalar_lines(spec, args), *_steps(spec, args, last))
    _columns(w, spec, args, chunked=True)
    w("i64 first = 0, count = A[3];")
    w("for (i64 bit = D - 1; bit >= 0; --bit) {")
    w("if (item >> bit & 1) { first += count / 2; count -= count / 2; } else { count /= 2; }", "}")
    for k, r in enumerate(spec.reducers):
        t = working(r.loop.out)
        w(f"{t} a{k}[{COLUMNS}];" + (f" i64 y{k}[{COLUMNS}];" if r.arg else ""))
        fill = f" y{k}[j] = first;" if r.arg else ""
        w(f"for (i64 j = 0; j < nc; ++j) {{ a{k}[j] = {_init(r)};{fill} }}")
    w("for (i64 line = first; line < first + count; ++line) {")
    _outer_row(w, spec, args)
    _body(w, spec, "p{0}", "j")
    for k, r in enumerate(spec.reducers):
        value = _cast(r.source, r.source_dtype, r.loop.out)
        if r.arg:
            w(
                f"const {working(r.loop.out)} w{k} = {value};",
                f"const b8 m{k} = {_better(r)}(w{k}, a{k}[j]);",
            )
            w(f"a{k}[j] = m{k} ? w{k} : a{k}[j];", f"y{k}[j] = m{k} ? line : y{k}[j];")
        else:
            w(f"a{k}[j] = op{k}(a{k}[j], {value});")
    w("}", "}", "for (i64 j = 0; j < nc; ++j) {", "Acc acc;")
    for k, r in enumerate(spec.reducers):
        w(f"acc.a{k} = a{k}[j];" + (f" acc.y{k} = y{k}[j];" if r.arg else ""))
    w("const i64 o = group * n + j0 + j;")
    w(
        "if (D) ((Acc*)A[6])[(o << D) + (item & (((i64)1 << D) - 1))] = acc; else finish(A, o, &acc);"
    )
    w("}", "}", "}")


def _init(r: Reducer) -> str:
    neutral = _neutral(r)
    return neutral if r.loop.out.kind == "c" else f"({working(r.loop.out)})({neutral})"


def _join(w: _Writer, spec: Spec) -> None:
    """Write the second phase: the chunks of one result, joined in pairs."""
    w("static void join(const i64* A, i64 lo, i64 hi) {", "const i64 chunks = (i64)1 << A[5];")
    w("for (i64 o = lo; o < hi; ++o) {", "Acc* const acc = (Acc*)A[6] + o * chunks;")
    w("for (i64 step = 1; step < chunks; step *= 2) {")
    w("for (i64 c = 0; c < chunks; c += 2 * step) merge(acc + c, acc + c + step);", "}")
    w("finish(A, o, acc);", "}", "}")


def _scan_inner(w: _Writer, spec: Spec, args: _Arguments) -> None:
    """One line after the other, each in order: the results are NumPy's to the bit where the op is exact."""
    inner = spec.kept + spec.reduced - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    w("static void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(inner)};", *_scalar_lines(spec, args))
    w(*_steps(spec, args, inner), *_out_pointer(spec, args, inner))
    w("for (i64 item = lo; item < hi; ++item) {")
    _decode(w, args, "item", 0, spec.kept, "d")
    for k, o in enumerate(spec.operands):
        at = f"(char*){args.address(k)}{_offset(args, k, 0, spec.kept, 'd')}"
        w(f"{storage(o.dtype)}* p{k} = ({storage(o.dtype)}*)({at});")
    w(*_hoisted(spec, "p{0}"))
    w(
        f"char* out = (char*){args.address(len(spec.operands))}{_scan_offset(spec, args, 0, spec.kept, 'd')};"
    )
    w(f"{t} b[128], a;", "for (i64 j0 = 0; j0 < n; j0 += 128) {")
    w("const i64 m = n - j0 < 128 ? n - j0 : 128;", "FOR_SIMD(j, 0, m) {")
    _body(w, spec, "p{0}", "j0 + j")
    w(f"b[j] = {_cast(r.source, r.source_dtype, r.loop.out)};", "}")
    w("for (i64 j = 0; j < m; ++j) {", "a = j0 + j ? op0(a, b[j]) : b[j];")
    w(
        f"*({storage(r.dtype)}*)out = {_store(_cast('a', r.loop.out, r.dtype), r.dtype)};",
        "out += step;",
    )
    w("}", "}", "}", "}")


def _out_pointer(spec: Spec, args: _Arguments, axis: int) -> list[str]:
    return [f"const i64 step = A[{args.out_strides + axis}];"]


def _scan_offset(spec: Spec, args: _Arguments, first: int, axes: int, prefix: str) -> str:
    return "".join(
        f" + {prefix}{a} * A[{args.out_strides + a}]" for a in range(first, first + axes)
    )


def _scan_outer(w: _Writer, spec: Spec, args: _Arguments) -> None:
    last = spec.kept - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    w("static void work(const i64* A, i64 lo, i64 hi) {")
    w(f"const i64 n = {args.dim(last)}, size = {COLUMNS}, parts = A[4];")
    w(*_scalar_lines(spec, args), *_steps(spec, args, last), *_out_pointer(spec, args, last))
    _columns(w, spec, args, chunked=False)
    out = f"(char*){args.address(len(spec.operands))}{_scan_offset(spec, args, 0, last, 'd')} + j0 * step"
    w(
        f"char* const out = {out};",
        f"{t} a[{COLUMNS}];",
        "for (i64 line = 0; line < A[3]; ++line) {",
    )
    _outer_row(w, spec, args)
    _body(w, spec, "p{0}", "j")
    w(
        f"const {t} u = {_cast(r.source, r.source_dtype, r.loop.out)};",
        "a[j] = line ? op0(a[j], u) : u;",
    )
    at = f"out + line * A[{args.out_strides + spec.kept}] + j * step"
    w(f"*({storage(r.dtype)}*)({at}) = {_store(_cast('a[j]', r.loop.out, r.dtype), r.dtype)};")
    w("}", "}", "}", "}")
