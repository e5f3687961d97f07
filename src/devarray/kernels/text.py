"""The pieces of all kernel texts: lines, arguments, and what happens to one element."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.kernels.ops import C_TYPES, Loop
from devarray.kernels.spec import PRELUDE, Operand, Spec, Statement

__all__ = [
    "Arguments",
    "Writer",
    "body",
    "cast",
    "decode",
    "definitions",
    "elements",
    "head",
    "hoisted",
    "host_text",
    "load",
    "offset",
    "pointer",
    "scalar_lines",
    "statement",
    "steps",
    "storage",
    "store",
    "typed_pointers",
    "working",
]

DType = np.dtype[Any]


def storage(dtype: DType) -> str:
    """Return the C type of an element in memory."""
    return C_TYPES[dtype.char]


def working(dtype: DType) -> str:
    """Return the C type of a variable; float16 is computed in float32 and rounded after each op."""
    return "f32" if dtype.char == "e" else C_TYPES[dtype.char]


def cast(var: str, source: DType, target: DType) -> str:
    """Return the text of a variable, cast to `target`."""
    return var if source == target else f"da_to_{C_TYPES[target.char]}({var})"


def load(address: str, dtype: DType) -> str:
    """Return the text that reads an element; any byte but 0 is true, as memory may say."""
    if dtype.char == "?":
        return f"({address} != 0)"
    return f"da_load16({address})" if dtype.char == "e" else address


def store(var: str, dtype: DType) -> str:
    """Return the text of a variable as it is stored in an element."""
    return f"da_store16({var})" if dtype.char == "e" else var


def statement(s: Statement) -> str:
    """Return the line that computes a statement's variable."""
    args = [cast(v, dtype, want) for (v, dtype), want in zip(s.args, s.loop.ins, strict=True)]
    text = s.loop.text.format(*args)
    if s.loop.out.char == "e" and not s.loop.op.own_half:
        text = f"da_to_f16({text})"
    return f"const {working(s.loop.out)} {s.var} = {text};  // {s.loop.op.name}"


class Writer:
    """Lines of text with a current indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, *lines: str) -> None:
        """Add lines; braces at their ends and beginnings change the indentation."""
        for line in lines:
            if line.startswith("}"):
                self.depth -= 1
            self.lines.append("  " * self.depth + line)
            if line.endswith("{"):
                self.depth += 1

    def text(self) -> str:
        """Return the lines so far."""
        return "\n".join(self.lines) + "\n"


def head(spec: Spec) -> list[str]:
    """Return the first lines of a text: what the prelude may leave out, and what this kernel is."""
    names = [s.loop.op.name for s in spec.body] + [f"{r.combiner}()" for r in spec.reducers]
    names += [s.loop.op.name for s in spec.epilogue]
    title = f"// {spec.kind} {spec.mode}: {' '.join(names) or 'copy'}"
    return [*_needs(spec), PRELUDE, title, *definitions(spec)]


def _loops(spec: Spec) -> list[Loop]:
    return [s.loop for s in spec.body + spec.epilogue] + [r.loop for r in spec.reducers]


def definitions(spec: Spec) -> list[str]:
    """Return what rows made at run time define, each once; braces of theirs indent nothing."""
    texts = dict.fromkeys(loop.op.definition for loop in _loops(spec) if loop.op.definition)
    return [text if text.endswith("\n") else text + "\n" for text in texts]


def _needs(spec: Spec) -> list[str]:
    """Return what of the prelude can be left out.

    Parsing its functions is a third of the time to compile.
    """
    loops = _loops(spec)
    dtypes = [o.dtype for o in spec.operands + spec.outs] + [dtype for _, dtype in spec.scalars]
    dtypes += [dtype for loop in loops for dtype in (*loop.ins, loop.out)]
    lines = []
    if all(dtype.kind != "c" for dtype in dtypes):
        lines.append("#define DA_NO_COMPLEX")
    if all(dtype.kind not in "iu" for loop in loops for dtype in loop.ins):
        lines.append("#define DA_NO_INTEGER")
    if not any("da_random" in loop.text for loop in loops):
        lines.append("#define DA_NO_RANDOM")
    return lines


class Arguments:
    """Where each argument stands in the packed slots.

    Slots: header, dimensions, addresses, strides, scalars.

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
        complexes = sum(dtype.kind == "c" for _, dtype in spec.scalars)
        self.slots = self.scalars + len(spec.scalars) + complexes

    def dim(self, axis: int) -> str:
        """Return the length of an axis."""
        return f"A[{self.dims + axis}]"

    def address(self, k: int) -> str:
        """Return the address of operand `k`; the operands on the reduced shape come last."""
        return f"A[{self.addresses + k}]"

    def stride(self, k: int, axis: int) -> str:
        """Return the stride of operand `k` along an axis of the walk."""
        return f"A[{self.strides + k * self.axes + axis}]"

    def out_stride(self, k: int, axis: int) -> str:
        """Return the stride of operand `k` on the reduced shape along a kept axis."""
        return f"A[{self.out_strides + k * self.kept + axis}]"


def scalar_lines(spec: Spec, args: Arguments) -> list[str]:
    """Return the lines that unpack the scalars."""
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


def elements(kind: str, address: str) -> str:
    """Return the text of a pointer to elements of a C type in the memory of a device."""
    return f"DA_POINTER({kind}, {address})"


def host_text(text: str) -> str:
    """Return a text for a processor with one memory, where pointers are plain."""
    return _POINTER.sub(r"(\1*)(", text.replace("GLOBAL ", ""))


_POINTER = re.compile(r"DA_POINTER\((\w+), ")


def pointer(o: Operand, k: int, address: str) -> str:
    """Return the line that declares where operand `k` begins."""
    if o.counted:
        return f"const i64 p{k} = (i64)({address});"
    kind = storage(o.dtype)
    return f"GLOBAL {kind}* p{k} = {elements(kind, address)};"


def body(w: Writer, spec: Spec, pointer: str, index: str, packed: Sequence[int] = ()) -> None:
    """Write loads, statements and stores of one element.

    ``pointer.format(k)`` is operand k's row. The elements of operands in `packed` are number `e` of
    a pack.
    """
    for k, o in enumerate(spec.operands):
        if not o.store and o.walk != "b":
            value = load(f"w{k}.e[e]", o.dtype) if k in packed else _value(o, k, pointer, index)
            w(f"const {working(o.dtype)} {o.var} = {value};")
    w(*(statement(s) for s in spec.body))
    for k, o in enumerate(spec.operands):
        if o.store:
            place = f"w{k}.e[e]" if k in packed else _element(o, k, pointer, index)
            w(f"{place} = {store(o.var, o.dtype)};")


def _value(o: Operand, k: int, pointer: str, index: str) -> str:
    """Return the text of what operand `k` holds at `index` of the innermost loop."""
    if not o.counted:
        return load(_element(o, k, pointer, index), o.dtype)
    p = pointer.format(k)
    return f"({p} >> 3) + ({index})" if o.walk == "u" else f"({p} + ({index}) * t{k}) >> 3"


def _element(o: Operand, k: int, pointer: str, index: str) -> str:
    p = pointer.format(k)
    if o.walk == "g":
        return f"*(GLOBAL {storage(o.dtype)}*)((GLOBAL char*){p} + ({index}) * t{k})"
    return f"{p}[{index}]"


def hoisted(spec: Spec, pointer: str) -> list[str]:
    """Return the loads of broadcast operands, which stand before the innermost loop."""
    return [
        f"const {working(o.dtype)} {o.var} = {_first(o, pointer.format(k))};"
        for k, o in enumerate(spec.operands)
        if not o.store and o.walk == "b"
    ]


def _first(o: Operand, p: str) -> str:
    return f"{p} >> 3" if o.counted else load(f"*{p}", o.dtype)


def typed_pointers(spec: Spec, source: str) -> list[str]:
    """Return the pointers to the operands; ``source.format(k)`` is the address of operand k."""
    return [pointer(o, k, source.format(k)) for k, o in enumerate(spec.operands)]


def steps(spec: Spec, args: Arguments, axis: int) -> list[str]:
    """Return the strides of operands that the innermost loop, along `axis`, walks by a stride."""
    return [
        f"const i64 t{k} = {args.stride(k, axis)};"
        for k, o in enumerate(spec.operands)
        if o.walk == "g"
    ]


def decode(
    w: Writer, args: Arguments, index: str, first: int, axes: int, prefix: str, kind: str = "i64"
) -> None:
    """Write the coordinates of a linear index over `axes` axes beginning with `first`.

    `kind` is the type in which to divide: where a division is dear, 32 bits if they suffice.
    """
    if axes == 0:
        return
    if axes == 1:
        w(f"const i64 {prefix}{first} = {index};")
        return
    w(f"{kind} {prefix} = ({kind})({index});" if kind != "i64" else f"i64 {prefix} = {index};")
    for axis in range(first + axes - 1, first, -1):
        d = args.dim(axis) if kind == "i64" else f"({kind}){args.dim(axis)}"
        w(f"const i64 {prefix}{axis} = {prefix} % {d}; {prefix} /= {d};")
    w(f"const i64 {prefix}{first} = {prefix};")


def offset(args: Arguments, k: int, first: int, axes: int, prefix: str) -> str:
    """Return the bytes, as " + ...", from operand k's address to the coordinates of some axes."""
    terms = [f" + {prefix}{a} * {args.stride(k, a)}" for a in range(first, first + axes)]
    return "".join(terms)
