"""Kernel text for devices that launch a grid of blocks of threads: CUDA, HIP and OpenCL C.

One text serves the three: it consists of functions, structs and the macros of a prelude. A kernel
has one argument, the packed slots (`text.Arguments`), by value.

The results are those of the host's kernels, to the bit where the ops are exact: reductions add up
in the same tree. A *team* of threads computes a leaf of that tree, one running result a thread; the
teams of a block join theirs in pairs in shared memory; what is larger than a block goes through
scratch memory and a second kernel. Scans of lines are the exception: they are joined in another
order than the host's, which matters to sums and products of floating-point numbers.
"""

from __future__ import annotations

from devarray.kernels.emit_reduce import (
    combiners,
    finish,
    init,
    lanes_of,
    leaf_of,
    split_of,
)
from devarray.kernels.spec import KERNEL_NAME, THREADS, Spec
from devarray.kernels.text import (
    Arguments,
    Writer,
    body,
    cast,
    decode,
    elements,
    head,
    hoisted,
    offset,
    pointer,
    scalar_lines,
    steps,
    storage,
    store,
    typed_pointers,
    working,
)

__all__ = ["CARRY", "JOIN", "TOTALS", "emit_grid", "pack_of"]

JOIN = "da_join"  # the second kernel of reductions
TOTALS, CARRY = "da_totals", "da_carry"  # the first two kernels of scans


def emit_grid(spec: Spec) -> str:
    """Return the text of the kernels, without the prelude."""
    w = Writer()
    w(*head(spec))
    args = Arguments(spec)
    w(f"typedef struct {{ i64 slot[{args.slots}]; }} Args;")
    w(f"typedef {'i32' if spec.narrow else 'i64'} Index;")
    if spec.kind == "map":
        (_map_flat if spec.mode == "flat" else _map_nd)(w, spec, args)
    elif spec.kind == "reduce":
        combiners(w, spec, teams=True)
        _accumulators(w, spec)
        finish(w, spec, args)
        (_reduce_inner if spec.mode == "inner" else _reduce_outer)(w, spec, args)
        _join(w)
    else:
        combiners(w, spec)
        (_scan_inner if spec.mode == "inner" else _scan_outer)(w, spec, args)
    return w.text()


def _begin(w: Writer, name: str) -> None:
    w(f"KERNEL {name}(const Args args) {{", "const i64* A = args.slot;")


def pack_of(spec: Spec) -> int:
    """Return how many elements a thread takes at a time where memory is read 16 bytes wide.

    1 stands for no packs: elements are as large, or the work on them takes longer than reading
    them, so that a second copy of it would only cost the compiler time.
    """
    if spec.kind != "map" or spec.mode != "flat" or any(s.loop.dear for s in spec.body):
        return 1
    sizes = [o.dtype.itemsize for o in spec.operands if o.walk == "u" and not o.counted]
    return max(1, min(8, 16 // max(sizes, default=16)))


def _map_flat(w: Writer, spec: Spec, args: Arguments) -> None:
    pack = pack_of(spec)
    packed = [k for k, o in enumerate(spec.operands) if o.walk == "u" and not o.counted]
    if pack > 1:
        w("#if DA_PACKS")
        for kind in sorted({storage(spec.operands[k].dtype) for k in packed}):
            w(f"DA_PACK({kind}x{pack}, {kind}, {pack});")
        w("#endif")
    _begin(w, KERNEL_NAME)
    w(*typed_pointers(spec, f"A[{args.addresses} + {{0}}]"))
    w(*scalar_lines(spec, args), *hoisted(spec, "p{0}"))
    w("i64 first = 0;")
    if pack > 1:
        _packs(w, spec, args, pack, packed)
    w("GRID_FOR(rest, A[1] - first) {", "const i64 i = first + rest;")
    body(w, spec, "p{0}", "i")
    w("}", "}")


def _packs(w: Writer, spec: Spec, args: Arguments, pack: int, packed: list[int]) -> None:
    """Write the loop over packs of elements, for memory that begins at a multiple of 16 bytes."""
    w("#if DA_PACKS", f"if (!(({' | '.join(args.address(k) for k in packed)}) & 15)) {{")
    w(f"first = A[1] - A[1] % {pack};", f"GRID_FOR(pack, A[1] / {pack}) {{")
    for k in packed:
        o = spec.operands[k]
        kind = f"{storage(o.dtype)}x{pack}"
        w(f"{kind} w{k};" if o.store else f"const {kind} w{k} = (({kind}*)p{k})[pack];")
    w(f'_Pragma("unroll") for (i32 e = 0; e < {pack}; ++e) {{')
    if any(o.counted for o in spec.operands):
        w(f"const i64 i = pack * {pack} + e;")
    body(w, spec, "p{0}", "i", packed)
    w("}")
    for k in packed:
        o = spec.operands[k]
        if o.store:
            w(f"(({storage(o.dtype)}x{pack}*)p{k})[pack] = w{k};")
    w("}", "}", "#endif")


def _map_nd(w: Writer, spec: Spec, args: Arguments) -> None:
    inner = spec.kept - 1
    _begin(w, KERNEL_NAME)
    w(f"const Index n = (Index){args.dim(inner)};")
    w(*scalar_lines(spec, args), *steps(spec, args, inner))
    w("GRID_FOR(item, A[1]) {")
    if inner:
        w("const Index row = (Index)item / n, j = (Index)item - row * n;")
    else:
        w("const i64 j = item;")
    decode(w, args, "row", 0, inner, "d", "Index")
    for k, o in enumerate(spec.operands):
        w(pointer(o, k, f"{args.address(k)}{offset(args, k, 0, inner, 'd')}"))
    w(*hoisted(spec, "p{0}"))
    body(w, spec, "p{0}", "j")
    w("}", "}")


# ---- reductions


def _accumulators(w: Writer, spec: Spec) -> None:
    """Write how an accumulator begins, and how it goes from thread to thread."""
    w("FN Acc nothing(void) {", "Acc acc;")
    for k, r in enumerate(spec.reducers):
        w(f"acc.a{k} = {init(r)};" + (f" acc.y{k} = 0;" if r.arg else ""))
    w("acc.full = 0;", "return acc;", "}")
    w("#if DA_SHUFFLES", "FN Acc shuffle(Acc x, i32 distance, i32 width) {", "Acc y;")
    for k, r in enumerate(spec.reducers):
        w(f"y.a{k} = da_shuffle_down(x.a{k}, distance, width);")
        if r.arg:
            w(f"y.y{k} = da_shuffle_down(x.y{k}, distance, width);")
    w("y.full = da_shuffle_down(x.full, distance, width);", "return y;", "}", "#endif")


def _value(w: Writer, spec: Spec, args: Arguments, axis: int, position: str) -> None:
    """Write the function that makes an accumulator of one element of a row."""
    w("FN Acc value(const i64* A, Row row, i64 j) {")
    w(*typed_pointers(spec, "row.q{0}"), *scalar_lines(spec, args), *steps(spec, args, axis))
    w(*hoisted(spec, "p{0}"))
    body(w, spec, "p{0}", "j")
    w("Acc acc;")
    for k, r in enumerate(spec.reducers):
        w(f"acc.a{k} = {cast(r.source, r.source_dtype, r.loop.out)};")
        if r.arg:
            w(f"acc.y{k} = {position};")
    w("acc.full = 1;", "return acc;", "}")


def _row(w: Writer, spec: Spec) -> None:
    fields = "".join(f" i64 q{k};" for k in range(len(spec.operands)))
    w(f"typedef struct {{{fields} i64 at; }} Row;")


def _row_at(
    w: Writer, spec: Spec, args: Arguments, index: str, axes: tuple[int, int], prefix: str
) -> None:
    """Write where a row begins, for a linear index over some axes."""
    first, count = axes
    decode(w, args, index, first, count, prefix, "Index")
    for k in range(len(spec.operands)):
        w(f"row.q{k} += {offset(args, k, first, count, prefix)[3:] or '0'};")


def _new_row(w: Writer, spec: Spec, args: Arguments) -> None:
    w("Row row;", *(f"row.q{k} = {args.address(k)};" for k in range(len(spec.operands))))
    w("row.at = 0;")


def _reduce_inner(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a reduction along inner axes: a team of threads to a leaf of the tree."""
    inner = spec.kept + spec.reduced - 1
    lanes = lanes_of(spec)
    _row(w, spec)
    _value(w, spec, args, inner, "row.at + j")
    w("// what one thread of a team adds up of a leaf: every LANES-th element")
    w("FN Acc lane_of(const i64* A, Row row, i64 j0, i64 n, i32 lane) {", "Acc acc = nothing();")
    w(f"const i64 whole = n - n % {lanes};", "if (whole) {", "acc = value(A, row, j0 + lane);")
    w(f"DA_IN_ORDER for (i64 j = lane + {lanes}; j < whole; j += {lanes})")
    w("  acc = merge(acc, value(A, row, j0 + j));", "}", "return acc;", "}")
    _descent(w, spec, args, inner)
    _begin(w, KERNEL_NAME)
    teams = THREADS // lanes
    w(f"SHARED Acc parts[{teams}];", "DA_LANES(Acc)", "Acc stack[DA_LEVELS];")
    w(f"const i32 lane = DA_THREAD % {lanes}, team = DA_THREAD / {lanes};")
    w("const i64 D = A[5], E = A[2], results = A[7];")
    w("FOR_BLOCKS(block, A[1]) {")
    w(f"const i64 item = block * {teams} + team, o = item >> (D - E);")
    w("for (i64 k = 0; k < (i64)1 << E; ++k) {")
    w("Row row; i64 j0, n;")
    w("find_leaf(A, o, ((item << E) + k) & (((i64)1 << D) - 1), &row, &j0, &n);")
    w("if (o >= results) n = 0;", "Acc acc = lane_of(A, row, j0, n, lane);")
    w(f"for (i32 step = 1; step < {lanes}; step *= 2) {{", "Acc other;")
    w(f"DA_EXCHANGE(other, acc, step, {lanes})", "acc = merge(acc, other);", "}")
    w("if (lane == 0)")
    w(f"  for (i64 j = n - n % {lanes}; j < n; ++j) acc = merge(acc, value(A, row, j0 + j));")
    w("i32 level = 0;", "for (i64 bits = k; bits & 1; bits >>= 1) {")
    w("acc = merge(stack[level], acc);", "++level;", "}", "stack[level] = acc;", "}")
    w("if (lane == 0) parts[team] = stack[E];")
    w(f"const i64 T = D - E < {teams.bit_length() - 1} ? D - E : {teams.bit_length() - 1};")
    w("for (i32 t = 0; t < T; ++t) {", "BARRIER;")
    w("if (lane == 0 && (team & ((2 << t) - 1)) == 0)")
    w("  parts[team] = merge(parts[team], parts[team + (1 << t)]);", "}")
    w("if (lane == 0 && (team & ((1 << T) - 1)) == 0 && o < results) {")
    w("if (D - E > T) (DA_POINTER(Acc, A[6]))[item >> T] = parts[team];")
    w("else finish(A, o, parts[team]);", "}", "BARRIER;", "}", "}")


def _descent(w: Writer, spec: Spec, args: Arguments, inner: int) -> None:
    """Write the way from the root of the tree to a leaf, which may be empty."""
    w("FN void find_leaf(const i64* A, i64 o, i64 leaf, Row* found, i64* start, i64* count) {")
    _new_row(w, spec, args)
    _row_at(w, spec, args, "o", (0, spec.kept), "d")
    w("i64 bit = A[5] - 1;", "b8 empty = 0;")
    if spec.reduced > 1:
        w("i64 first = 0, rows = A[3];", "for (; bit >= A[5] - A[4]; --bit) {")
        w("const b8 right = (b8)(leaf >> bit & 1);", "empty |= right & (rows == 1);")
        w("const i64 part = rows / 2;")
        w("if (right) { first += part; rows -= part; } else if (rows > 1) rows = part;", "}")
        _row_at(w, spec, args, "first", (spec.kept, spec.reduced - 1), "r")
        w(f"row.at = first * {args.dim(inner)};")
    w(f"i64 j0 = 0, n = {args.dim(inner)};", "for (; bit >= 0; --bit) {")
    w("const b8 right = (b8)(leaf >> bit & 1);")
    w(
        f"if (n <= {leaf_of(spec)}) empty |= right;",
        "else {",
        f"const i64 part = {split_of(spec)}(n);",
    )
    w("if (right) { j0 += part; n -= part; } else n = part;", "}", "}")
    w("*found = row; *start = j0; *count = empty ? 0 : n;", "}")


def _reduce_outer(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a reduction along outer axes: a thread to a column of a chunk, row after row."""
    last = spec.kept - 1
    _row(w, spec)
    w("FN Acc value(const i64* A, Row row, i64 line) {")
    decode(w, args, "line", spec.kept, spec.reduced, "r", "Index")
    for k, o in enumerate(spec.operands):
        w(pointer(o, k, f"row.q{k}{offset(args, k, spec.kept, spec.reduced, 'r')}"))
    w(*scalar_lines(spec, args), *steps(spec, args, last), *hoisted(spec, "p{0}"))
    w("const i64 j = row.at;")
    body(w, spec, "p{0}", "j")
    w("Acc acc;")
    for k, r in enumerate(spec.reducers):
        w(f"acc.a{k} = {cast(r.source, r.source_dtype, r.loop.out)};")
        if r.arg:
            w(f"acc.y{k} = line;")
    w("acc.full = 1;", "return acc;", "}")
    _begin(w, KERNEL_NAME)
    w(f"const i64 D = A[5], results = A[7], columns = {args.dim(last)};")
    w("GRID_FOR(item, results << D) {")
    w("const i64 chunk = item / results, o = item - chunk * results, group = o / columns;")
    _new_row(w, spec, args)
    _row_at(w, spec, args, "group", (0, last), "d")
    w("row.at = o - group * columns;", "i64 first = 0, count = A[3];")
    w("for (i64 bit = D - 1; bit >= 0; --bit) {", "const i64 part = count / 2;")
    w("if (chunk >> bit & 1) { first += part; count -= part; } else count = part;", "}")
    w("Acc acc = nothing();")
    if all(r.combiner != "custom" for r in spec.reducers):
        w("acc.full = 1;")
    for k, r in enumerate(spec.reducers):
        if r.arg:
            w(f"acc.y{k} = first;")
    w("DA_IN_ORDER for (i64 line = first; line < first + count; ++line)")
    w("  acc = merge(acc, value(A, row, line));")
    w("if (D) (DA_POINTER(Acc, A[6]))[(o << D) + chunk] = acc; else finish(A, o, acc);", "}", "}")


def _join(w: Writer) -> None:
    """Write the second kernel: the parts of each result, joined in pairs, by a block."""
    _begin(w, JOIN)
    w("const i64 parts = (i64)1 << A[0];", "FOR_BLOCKS(o, A[7]) {")
    w("GLOBAL Acc* acc = DA_POINTER(Acc, A[6]) + o * parts;")
    w("for (i64 step = 1; step < parts; step *= 2) {")
    w("for (i64 c = DA_THREAD * 2 * step; c < parts; c += DA_THREADS * 2 * step)")
    w("  acc[c] = merge(acc[c], acc[c + step]);", "GLOBAL_BARRIER;", "}")
    w("if (DA_THREAD == 0) finish(A, o, acc[0]);", "}", "}")


# ---- scans


def _scan_value(w: Writer, spec: Spec, args: Arguments, axis: int) -> None:
    r = spec.reducers[0]
    w(f"FN {working(r.loop.out)} value(const i64* A, Row row, i64 j) {{")
    w(*typed_pointers(spec, "row.q{0}"), *scalar_lines(spec, args), *steps(spec, args, axis))
    w(*hoisted(spec, "p{0}"))
    body(w, spec, "p{0}", "j")
    w(f"return {cast(r.source, r.source_dtype, r.loop.out)};", "}")


def _out(spec: Spec, args: Arguments, prefix: str, axes: int, rest: str) -> str:
    terms = "".join(f" + {prefix}{a} * A[{args.out_strides + a}]" for a in range(axes))
    dtype = spec.reducers[0].dtype
    return f"*{elements(storage(dtype), f'{args.address(len(spec.operands))}{terms} + {rest}')}"


def _scan_inner(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a scan along lines: a block scans a chunk of one, tile by tile, in shared memory.

    Lines of several chunks need their totals first (`TOTALS`), and the scan of these (`CARRY`).
    """
    axis = spec.kept + spec.reduced - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    result = store(cast("sum", r.loop.out, r.dtype), r.dtype)
    _row(w, spec)
    _scan_value(w, spec, args, axis)
    for name, last in ((TOTALS, True), (KERNEL_NAME, False)):
        _begin(w, name)
        w(f"SHARED {t} tile[{THREADS}];", f"SHARED {t} carry;")
        w(f"const i64 n = {args.dim(axis)}, chunks = A[4], size = A[3];")
        w("FOR_BLOCKS(block, A[1]) {")
        w("const i64 line = block / chunks, chunk = block - line * chunks;")
        _new_row(w, spec, args)
        _row_at(w, spec, args, "line", (0, spec.kept), "d")
        w("const i64 end = (chunk + 1) * size < n ? (chunk + 1) * size : n;")
        w("b8 begun = 0;")
        if not last:
            w("if (chunk) {", f"carry = (DA_POINTER({t}, A[6]))[block];", "begun = 1;", "}")
        w("for (i64 j0 = chunk * size; j0 < end; j0 += DA_THREADS) {")
        w("const i64 j = j0 + DA_THREAD;")
        w("if (j < end) tile[DA_THREAD] = value(A, row, j);", "BARRIER;")
        w("for (i32 step = 1; step < DA_THREADS; step *= 2) {", f"{t} sum = tile[DA_THREAD];")
        w("if (DA_THREAD >= step && j < end) sum = op0(tile[DA_THREAD - step], sum);")
        w("BARRIER;", "tile[DA_THREAD] = sum;", "BARRIER;", "}")
        w("if (j < end) {", f"{t} sum = tile[DA_THREAD];", "if (begun) sum = op0(carry, sum);")
        w("tile[DA_THREAD] = sum;")
        if not last:
            along = f"j * A[{args.out_strides + axis}]"
            w(f"{_out(spec, args, 'd', spec.kept, along)} = {result};")
        w("}", "BARRIER;")
        w("const i64 top = end - j0 < DA_THREADS ? end - j0 - 1 : DA_THREADS - 1;")
        w("if (DA_THREAD == 0) carry = tile[top];", "begun = 1;", "BARRIER;", "}")
        if last:
            w(f"if (DA_THREAD == 0) (DA_POINTER({t}, A[6]))[block] = carry;")
        w("BARRIER;", "}", "}")
    _begin(w, CARRY)
    w("const i64 chunks = A[4];", "GRID_FOR(line, A[7]) {")
    w(f"GLOBAL {t}* totals = DA_POINTER({t}, A[6]) + line * chunks;", f"{t} sum = totals[0];")
    w("for (i64 chunk = 1; chunk < chunks; ++chunk) {")
    w(f"const {t} here = totals[chunk];", "totals[chunk] = sum;", "sum = op0(sum, here);", "}")
    w("}", "}")


def _scan_outer(w: Writer, spec: Spec, args: Arguments) -> None:
    """Write a scan along an outer axis: a thread to a column, row after row."""
    last = spec.kept - 1
    r = spec.reducers[0]
    t = working(r.loop.out)
    result = store(cast("sum", r.loop.out, r.dtype), r.dtype)
    _row(w, spec)
    w(f"FN {t} value(const i64* A, Row row, i64 line) {{")
    for k, o in enumerate(spec.operands):
        w(pointer(o, k, f"row.q{k} + line * {args.stride(k, spec.kept)}"))
    w(*scalar_lines(spec, args), *steps(spec, args, last), *hoisted(spec, "p{0}"))
    w("const i64 j = row.at;")
    body(w, spec, "p{0}", "j")
    w(f"return {cast(r.source, r.source_dtype, r.loop.out)};", "}")
    _begin(w, KERNEL_NAME)
    w(f"const i64 columns = {args.dim(last)};", "GRID_FOR(item, A[7]) {")
    w("const i64 group = item / columns, j = item - group * columns;")
    _new_row(w, spec, args)
    _row_at(w, spec, args, "group", (0, last), "d")
    w("row.at = j;", f"{t} sum;", "for (i64 line = 0; line < A[3]; ++line) {")
    w(f"const {t} here = value(A, row, line);", "sum = line ? op0(sum, here) : here;")
    steps_out = f"j * A[{args.out_strides + last}] + line * A[{args.out_strides + spec.kept}]"
    w(f"{_out(spec, args, 'd', last, steps_out)} = {result};", "}", "}", "}")
