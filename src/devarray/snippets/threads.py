"""Texts that cannot be a function: CUDA C kernels around them, one element after the other."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.array import DeviceArray
from devarray.graph import Node
from devarray.kernels.signatures import split_list
from devarray.raw import RawKernel
from devarray.snippets.arguments import Call
from devarray.snippets.signature import Param, Types, c_type
from devarray.snippets.support import OWN_COMPLEX
from devarray.snippets.text import (
    COMPLEX_HEADERS,
    c_name,
    code_of,
    complex_words,
    half_renamed,
    outside,
    statement,
    words,
)

__all__ = [
    "BLOCK", "Slot", "Texts", "count_name", "kernel_text", "launch", "named_sizes", "opening",
    "size_values", "slots_for", "whole_indices",
]  # fmt: skip

# CuPy's float16: half in memory, and a float in expressions
_FLOAT16 = """#if defined(__CUDACC__) || defined(__HIP__)
#define SN_HALF __host__ __device__
#else
#define SN_HALF
#endif
struct sn_float16 {
  half data_;
  SN_HALF sn_float16() : data_(0.0f) {}
  template <class T> SN_HALF sn_float16(T x) : data_((float)x) {}
  SN_HALF operator float() const { return (float)data_; }
  template <class T> SN_HALF sn_float16 &operator+=(T x) { return *this = (float)*this + (float)x; }
  template <class T> SN_HALF sn_float16 &operator-=(T x) { return *this = (float)*this - (float)x; }
  template <class T> SN_HALF sn_float16 &operator*=(T x) { return *this = (float)*this * (float)x; }
  template <class T> SN_HALF sn_float16 &operator/=(T x) { return *this = (float)*this / (float)x; }
};"""

BLOCK = 256  # threads of a block, unless the caller says otherwise
MOST_BLOCKS = 4096  # where threads go from element to element


class Texts(NamedTuple):
    """The pieces of text of a kernel."""

    operation: str
    preamble: str = ""
    loop_prep: str = ""
    after_loop: str = ""

    @property
    def once(self) -> bool:
        """Whether a thread has one element, since it does nothing before and after its elements."""
        return not (self.loop_prep + self.after_loop).strip()


class Slot(NamedTuple):
    """A parameter of the CUDA C kernel.

    Attributes
    ----------
    name : str
    type : str
        As C calls it.
    pointer, constant : bool
    element : str
        "" for what the text sees as it is; "in" or "out" for an array of which it sees one element
        by this name; "inout" if that has a value before.
    """

    name: str
    type: str
    pointer: bool = True
    constant: bool = True
    element: str = ""

    @classmethod
    def of(cls, param: Param, types: Types, element: str, constant: bool = True) -> Slot:
        """Return an array's."""
        return cls(param.name, c_type(param.of(types)), True, constant, element)

    def declared(self) -> str:
        """Return the parameter's declaration."""
        if not self.pointer:
            return f"{self.type} {self.name}"
        return f"{'const ' if self.constant else ''}{self.type} *{self.place}"

    @property
    def place(self) -> str:
        """The parameter's name."""
        return f"{self.name}_of_" if self.element else self.name


def slots_for(params: Sequence[Param], call: Call) -> list[Slot]:
    """Return the inputs of a call."""
    return [
        Slot.of(p, call.types, "" if p.raw else "in")
        if type(o.value) is Node
        else Slot(p.name, c_type(p.of(call.types)), False)
        for p, o in zip(params, call.operands, strict=True)
    ]


def launch(kernel: RawKernel, count: int, block: int, once: bool, values: Sequence[Any]) -> None:
    """Run a kernel over `count` elements; with `once`, each thread has one of them."""
    if count:
        blocks = -(-count // block)
        kernel((blocks if once else min(blocks, MOST_BLOCKS),), (block,), tuple(values))


def count_name(names: Container[str]) -> str:
    """Return what the count of indices is called beside parameters: a parameter may be ``n``."""
    return "size_" if "n" in names else "n"


class Size(NamedTuple):
    """What a parameter that `named_sizes` adds is: the length of an axis, or (None) of an array.

    `axes` is how many axes the array must have, where it is indexed by an array of indices.
    """

    array: str
    axis: int | None
    axes: int | None = None
    strides: bool = False  # not the length, but the bytes from element to element


def named_sizes(
    texts: Sequence[str], names: Sequence[str], total: str = "n"
) -> tuple[list[str], dict[str, Size]]:
    """Return texts in which ``x.size()``, ``x.shape()[k]`` and ``x.strides()[k]`` are parameters.

    ``_ind.size()`` is the parameter `total`. ``x[at]``, where ``at`` is an array of a text
    (``int at[] = {i, j};``), becomes the place in C order.
    """
    found: dict[str, Size] = {}
    member = re.compile(
        r"\b(\w+)\s*\.\s*(?:size\s*\(\s*\)|(shape|strides)\s*\(\s*\)\s*\[\s*(\d+)\s*\])"
    )
    lengths = _index_arrays("\n".join(map(code_of, texts)))
    arrays, indices = "|".join(map(re.escape, names)) or r"(?!)", "|".join(lengths) or r"(?!)"
    subscript = re.compile(rf"\b({arrays})\s*\[\s*({indices})\s*\]")

    def change(match: re.Match[str]) -> str:
        name, what, axis = match.groups()
        if name == "_ind" and axis is None:
            return total
        if name not in names:
            return match[0]
        size = f"{name}_size_" if axis is None else f"{name}_{what}_{axis}"
        place = None if axis is None else int(axis)
        found.setdefault(size, Size(name, place, strides=what == "strides"))
        return size

    def place(match: re.Match[str]) -> str:
        name, at = match.groups()
        text = f"{at}[0]"
        for axis in range(1, lengths[at]):
            size = f"{name}_shape_{axis}"
            found[size] = Size(name, axis, lengths[at])
            text = f"({text}) * {size} + {at}[{axis}]"
        return f"{name}[{text}]"

    def both(part: str) -> str:
        return member.sub(change, subscript.sub(place, part))

    return [outside(both, text) for text in texts], found


def _index_arrays(code: str) -> dict[str, int]:
    """Return the arrays that a text declares, such as ``int at[] = {i, j};``, and their lengths."""
    found = {}
    for name, length, values in re.findall(
        r"(?:\b\w+\s+|,\s*)(\w+)\s*\[\s*(\d*)\s*\]\s*(?:=?\s*\{([^{}]*)\}\s*)?[;,]", code
    ):
        found[name] = int(length) if length else len(list(split_list(values)))
    return {name: length for name, length in found.items() if length}


_INTEGER_TYPES = (
    "bool char short int long signed unsigned size_t ptrdiff_t uint uchar ushort ulong longlong "
    "ulonglong int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"
)
_INTEGERS = _INTEGER_TYPES.split()
_KNOWN = {"i", "n", "_j", "threadIdx", "blockIdx", "blockDim", "gridDim", "sizeof", *_INTEGERS}
_VARIABLE = re.compile(r"\b([A-Za-z_]\w*)\s+(?:const\s+)?([A-Za-z_]\w*)\s*(?=[=;,)\[({])")
_FRACTION = re.compile(r"\.\d|\d\.|\b\d+[eE]")


def whole_indices(
    texts: Sequence[str], names: Sequence[str], types: Types, params: Sequence[Param]
) -> list[str]:
    """Return texts that index the arrays `names` by integers, as CuPy's do.

    Indices that may be floating-point numbers are converted, towards 0; C does not take them.
    """
    whole = {p.name for p in params if p.of(types).kind in "iub"}
    kinds = {*_INTEGERS, *(name for name, dtype in types.items() if dtype.kind in "iub")}
    declared: dict[str, bool] = {}
    for kind, name in _VARIABLE.findall("\n".join(map(code_of, texts))):
        declared[name] = declared.get(name, True) and kind in kinds
    whole |= {name for name, is_whole in declared.items() if is_whole} | _KNOWN | kinds
    whole -= {name for name, is_whole in declared.items() if not is_whole}
    array = re.compile(rf"(?<![.\w])(?:{'|'.join(map(re.escape, names)) or '(?!)'})\s*\[")

    def converted(part: str) -> str:
        found = array.search(part)
        end = _bracket(part, found.end()) if found else None
        if found is None or end is None:
            return part
        index = converted(part[found.end() : end])
        plain = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", index)) <= whole
        if not plain or _FRACTION.search(index):
            index = f"(long long)({index})"
        return part[: found.end()] + index + converted(part[end:])

    return [outside(converted, text) for text in texts]


def _bracket(text: str, start: int) -> int | None:
    """Return where the bracket closes that was opened before `start`, or None."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "[") - (text[at] == "]")
        if depth == 0:
            return at
    return None


def size_values(
    sizes: Mapping[str, Size], arrays: Mapping[str, DeviceArray], kernel: str
) -> list[Any]:
    """Return the values of the parameters that `named_sizes` has found."""
    values = []
    for name, axis, axes, strides in sizes.values():
        array = arrays[name]
        if axes not in (None, array.ndim):
            raise ValueError(
                f"kernel {kernel}: {name} has {array.ndim} axes, and its text indexes it with "
                f"{axes} indices"
            )
        if axis is not None and axis >= array.ndim:
            member = "strides" if strides else "shape"
            raise ValueError(
                f"kernel {kernel}: {name}.{member}()[{axis}] of an array of {array.ndim} axes"
            )
        value = array.size if axis is None else array.shape[axis]
        if strides and axis is not None:  # texts see raw arrays in C order
            value = math.prod(array.shape[axis + 1 :]) * array.dtype.itemsize
        values.append(np.int64(value))
    return values


def opening(
    title: str,
    slots: Sequence[Slot],
    types: Types,
    preamble: str,
    texts: Sequence[str],
) -> list[str]:
    """Return what stands before a kernel: complex numbers, the types, the preamble."""
    preamble = half_renamed(complex_words(COMPLEX_HEADERS.sub("", preamble)))
    named = "\n".join((preamble, *texts, *(slot.type for slot in slots)))
    # C++ refuses `int at[] = {i}` for a long i, CUDA's compiler only warns
    lines = ["#ifdef __clang__", '#pragma clang diagnostic ignored "-Wc++11-narrowing"', "#endif"]
    sixteen = {"half", "float16"} - {slot.name for slot in slots}
    if sixteen & words(named) or any(dtype.char == "e" for dtype in types.values()):
        lines += ["#ifdef __CUDACC_RTC__", "#include <cuda_fp16.h>", "#endif"]
    if re.search(r"\bfloat16\b", named):  # CuPy's name; in OpenCL C it is a vector
        lines += [_FLOAT16, "#define float16 sn_float16"]
    if "sn_complex" in named or any(dtype.kind == "c" for dtype in types.values()):
        lines.append(OWN_COMPLEX)
    lines += [f"typedef {c_type(dtype)} {kind};" for kind, dtype in types.items()]
    if preamble.strip():
        lines += [f'#line 1 "preamble of {title}"', preamble, '#line 1 "generated"']
    return lines


def _element(title: str, slots: Sequence[Slot], operation: str, var: str) -> list[str]:
    """Return what happens to one element."""
    lines = []
    for slot in slots:
        if slot.element == "in":
            lines.append(f"const {slot.type} {slot.name} = {slot.place}[{var}];")
        elif slot.element:
            value = f"{slot.place}[{var}]" if slot.element == "inout" else f"({slot.type})0"
            lines.append(f"{slot.type} {slot.name} = {value};")
    results = [slot for slot in slots if slot.element in ("out", "inout")]
    kept = [f"{slot.place}[{var}] = {slot.name};" for slot in results]
    # `continue` and `return` end the element: what was given to its results is kept
    leaves = re.search(r"\b(continue|break)\b", code_of(operation)) is not None
    if kept:
        ended = f"{{ {' '.join(kept)} return; }}"
        operation = outside(lambda part: re.sub(r"\breturn\s*;", ended, part), operation)
    body = [f'#line 1 "{title}"', operation, '#line 1 "generated"']
    lines += ["do {", *body, "} while (0);"] if leaves else ["{", *body, "}"]
    return lines + kept


def kernel_text(
    title: str,
    slots: Sequence[Slot],
    types: Types,
    texts: Texts,
    ranged: bool = False,
) -> str:
    """Return CUDA C that runs a text for each index ``i`` below ``n``.

    With `ranged`, the index is ``start_ + k * step_`` for each k below ``count_``, which are
    parameters before the others, and ``n`` is left to the caller.
    """
    operation, _, loop_prep, after_loop = (half_renamed(complex_words(t)) for t in texts)
    around = words(loop_prep) | words(after_loop)
    lines = opening(title, slots, types, texts.preamble, (operation, loop_prep, after_loop))
    names = {slot.name for slot in slots}
    total = count_name(names)
    sizes = [f"long long {total}"]
    if ranged:
        sizes += ["long long start_", "long long step_", "long long count_"]
    declared = ", ".join([*sizes, *(slot.declared() for slot in slots)])
    lines.append(f'extern "C" __global__ void {c_name(title)}({declared}) {{')
    used = around | words(operation)
    for word, value in (
        ("tid", "threadIdx.x"),
        ("total_threads", "gridDim.x * blockDim.x"),
        ("cta_start", "blockDim.x * blockIdx.x"),
    ):
        if word in used - names:
            lines.append(f"const unsigned {word} = {value};")
    outer = "i" in around
    if outer:
        lines.append("long long i = 0;")
    if loop_prep.strip():
        lines += [f'#line 1 "loop_prep of {title}"', statement(loop_prep), '#line 1 "generated"']
    var, count = ("k_", "count_") if ranged else ("i", total)
    first = f"{var} = (long long)blockIdx.x * blockDim.x + threadIdx.x"
    if texts.once:
        lines += [f"const long long {first};", f"if ({var} < {count}) {{"]
    else:
        kind = "" if outer and not ranged else "long long "
        step = f"{var} += (long long)blockDim.x * gridDim.x"
        lines.append(f"for ({kind}{first}; {var} < {count}; {step}) {{")
    if ranged:
        lines.append(f"{'' if outer else 'const long long '}i = start_ + k_ * step_;")
    lines += _element(title, slots, statement(operation), var)
    lines.append("}")
    if after_loop.strip():
        lines += [f'#line 1 "after_loop of {title}"', statement(after_loop)]
    lines.append("}")
    return "\n".join(lines) + "\n"
