"""A user's text, as a function of fused kernels or as the body of a CUDA C kernel.

Only words are looked at, outside of comments and string literals: what the text calls, which of its
parameters it writes, which types it names. Lines keep their numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.kernels.ops import C_TYPES
from devarray.snippets.support import FUNCTIONS, support

__all__ = [
    "Function", "assigned_first", "code_of", "define", "is_dear", "is_plain", "outside",
    "statement", "uses", "words",
]  # fmt: skip

DType = np.dtype[Any]

_PIECES = re.compile(r"(//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"(?<![.\w])([A-Za-z_]\w*)\s*\(")
# a variable that is declared with arguments: thing name(1, 2)
_DECLARED = re.compile(r"(?<![.\w])(?!return\b|else\b|case\b)[A-Za-z_]\w*\s+([A-Za-z_]\w*)\s*\(")
_CONTROL = {"if", "for", "while", "switch", "do", "else", "sizeof", "return"}
_NUMBER_TYPES = (
    "bool char short int long float double unsigned signed half size_t ptrdiff_t uint uchar ushort "
    "ulong int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"
)
_NUMBERS = set(_NUMBER_TYPES.split())
# what needs a kernel of its own: threads, memory, and ways out of the text
_OF_KERNELS = re.compile(
    r"\b(threadIdx|blockIdx|blockDim|gridDim|warpSize|__shared__|__constant__|__syncthreads\w*|"
    r"__syncwarp|atomic\w+|__shfl\w*|__ballot\w*|printf|assert|asm|goto|return|clock64|clock|"
    r"static|__ldg|half2|__half2|_ind|total_threads|cta_start|tid)\b"
)
_HEADERS = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:pycuda-complex\.hpp|cupy/complex\.cuh|math\.h|cmath|"
    r"stdint\.h|cstdint|stdlib\.h|math_constants\.h|cuComplex\.h|thrust/complex\.h)[>\"][^\n]*$",
    re.MULTILINE,
)
_WIDE = (
    (re.compile(r"\b(?:unsigned\s+long\s+long|long\s+long\s+unsigned)(?:\s+int)?\b"), "u64"),
    (re.compile(r"\b(?:signed\s+)?long\s+long(?:\s+int)?\b"), "i64"),
    (re.compile(r"\b(?:size_t|uint64_t)\b"), "u64"),
    (re.compile(r"\b(?:ptrdiff_t|int64_t)\b"), "i64"),
    (re.compile(r"\b(u?)int(8|16|32)_t\b"), lambda m: f"{m[1] or 'i'}{m[2]}"),
    (re.compile(r"\b(\d+[uU]?)[lL]{2}\b"), r"\1L"),
    (re.compile(r"\b(0[xX][0-9a-fA-F]+[uU]?)[lL]{2}\b"), r"\1L"),
    (re.compile(r"\b(?:\w+::)?complex\s*<\s*float\s*>"), "sn_complex<f32>"),
    (re.compile(r"\b(?:\w+::)?complex\s*<\s*double\s*>"), "sn_complex<f64>"),
    (re.compile(r"\bstd::(?=[a-z])"), ""),
)  # fmt: skip
_CAST = re.compile(
    r"(?<!operator )\b(float|double|int|bool|char|short|long|unsigned|[iu](?:8|16|32|64))\s*\("
)
_CONSTANTS = {
    "INFINITY": "((f32)DA_INF)",
    "NAN": "((f32)DA_NAN)",
    "M_PI": "3.14159265358979323846",
    "M_E": "2.71828182845904523536",
    "M_SQRT2": "1.41421356237309504880",
    "CUDART_INF": "DA_INF",
    "CUDART_INF_F": "((f32)DA_INF)",
    "CUDART_NAN": "DA_NAN",
    "CUDART_NAN_F": "((f32)DA_NAN)",
    "FLT_MAX": "3.402823466e+38f",
    "FLT_MIN": "1.175494351e-38f",
    "FLT_EPSILON": "1.192092896e-07f",
    "DBL_MAX": "1.7976931348623157e+308",
    "DBL_MIN": "2.2250738585072014e-308",
    "DBL_EPSILON": "2.2204460492503131e-16",
    "INT_MAX": "2147483647",
    "INT_MIN": "(-2147483647 - 1)",
}


class Function(NamedTuple):
    """What `define` writes: the definition, and the call of each result."""

    definition: str
    calls: tuple[str, ...]


def outside(change: Callable[[str], str], text: str) -> str:
    """Return a text with a change made to what is neither comment nor string literal."""
    parts = _PIECES.split(text)
    parts[::2] = [change(part) for part in parts[::2]]
    return "".join(parts)


def code_of(text: str) -> str:
    """Return a text without comments and string literals, line by line as it was."""
    parts = _PIECES.split(text)
    parts[1::2] = [
        '""' if part[0] in "\"'" else " " + "\n" * part.count("\n") for part in parts[1::2]
    ]
    return "".join(parts)


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(_WORD.findall(code_of(text)))


def uses(text: str, name: str) -> bool:
    """Say whether a text mentions a name."""
    return name in words(text)


def statement(text: str) -> str:
    """Return a text that ends in a semicolon, whatever its last line is."""
    code = code_of(text).rstrip()
    return text if not code or code[-1] in ";}" else f"{text}\n;"


def assigned_first(text: str, name: str) -> bool:
    """Say whether a text surely gives `name` a value before it reads it."""
    code = code_of(text)
    first = re.search(rf"\b{name}\b", code)
    if first is None:
        return False
    before, rest = code[: first.start()], code[first.end() :]
    plain = re.match(r"\s*=(?!=)([^;]*)", rest)
    begins = not before.strip() or before.rstrip()[-1] in ";}"
    outermost = before.count("{") == before.count("}")
    branch = re.search(r"\b(if|else|for|while|do|switch|case|continue|break)\b", before)
    if plain is None or not begins or not outermost or branch is not None:
        return False
    return re.search(rf"\b{name}\b", plain[1]) is None


def is_plain(operation: str, preamble: str, names: Iterable[str], types: Iterable[str]) -> bool:
    """Say whether a text can be a function of fused kernels.

    It is if each word that it calls is known here, or defined by the preamble.
    """
    preamble = _HEADERS.sub("", preamble)
    code = code_of(operation)
    outer = code_of(preamble)
    if _OF_KERNELS.search(code) or re.search(r"#\s*(include|pragma)", outer + code):
        return False
    if re.search(r"\b(?:__shared__|__constant__|threadIdx|blockIdx|atomic\w+)\b", outer):
        return False
    if re.search(r"__device__[^;{(]*[=;\[]", outer):  # a variable of the device
        return False
    known = {*FUNCTIONS, *_NUMBERS, *_CONTROL, *types, "complex"} | defined_in(preamble)
    called = set(_CALL.findall(code)) | set(_CALL.findall(outer))
    local = set(re.findall(r"#\s*define\s+(\w+)", outer)) | set(_DECLARED.findall(code))
    return called <= known | local | {"__attribute__", *_member_functions(outer)} | set(names)


def _member_functions(outer: str) -> list[str]:
    """Return what is called like a function inside braces: members, parameters of macros."""
    return re.findall(r"\boperator\b|\b[A-Za-z_]\w*(?=\s*\([^()]*\)\s*(?:const)?\s*[{:])", outer)


def is_dear(operation: str, preamble: str) -> bool:
    """Say whether a text costs more than to store and load its result: it calls or repeats."""
    code = code_of(operation)
    called = set(_CALL.findall(code)) - _NUMBERS - {"if", "min", "max", "abs", "fabs", "fabsf"}
    return bool(called) or bool(words(operation) & {"for", "while"}) or len(code) > 400


def defined_in(preamble: str) -> set[str]:
    """Return the names that a preamble defines at its outermost level."""
    code = re.sub(r"^[ \t]*#.*?(?<!\\)$", "", code_of(preamble), flags=re.MULTILINE | re.DOTALL)
    flat, depth = [], 0
    for char in code:
        depth -= char == "}"
        if depth == 0 or (char == "{" and depth == 0):
            flat.append(char)
        depth += char == "{"
    outer = "".join(flat)
    found = set(re.findall(r"\b([A-Za-z_]\w*)\s*\([^()]*\)\s*\{", outer))
    found |= set(re.findall(r"\b(?:struct|class|union|enum)\s+([A-Za-z_]\w*)", outer))
    found |= set(re.findall(r"\btypedef\b[^;]*?\b([A-Za-z_]\w*)\s*;", outer))
    found |= set(re.findall(r"\busing\s+([A-Za-z_]\w*)\s*=", outer))
    found |= set(re.findall(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*=", outer))
    return found - _CONTROL


def macros_of(preamble: str) -> list[str]:
    """Return the macros that a preamble defines."""
    found = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", code_of(preamble), re.MULTILINE)
    return list(dict.fromkeys(found))


def _common(text: str, casts: Iterable[str]) -> str:
    """Return a text in the words that all dialects share."""

    def change(part: str) -> str:
        for pattern, word in _WIDE:
            part = pattern.sub(word, part)
        part = _CAST.sub(r"(\1)(", part)
        for name in casts:
            part = re.sub(rf"\b{name}\s*\(\s*\)", f"({name})(0)", part)
            part = re.sub(rf"\b{name}\s*\(", f"({name})(", part)
        return part

    return outside(change, text)


def _known(text: str, names: Iterable[str], constants: Mapping[str, str]) -> str:
    """Return a text in which functions have the names that `support` gives them, constants too."""

    def change(part: str) -> str:
        for name in names:  # but members are called as they are
            part = re.sub(rf"(?<![.\w])(?<!->){name}(?=\s*\()", f"sn_{name}", part)
        for name, value in constants.items():
            part = re.sub(rf"(?<![.\w]){name}\b", value, part)
        return part

    return outside(change, text)


def _helpers(preamble: str) -> str:
    """Return a preamble's functions with the qualifiers that fused kernels want."""
    depth = 0

    def change(part: str) -> str:
        nonlocal depth
        pieces = []
        for piece in re.split(r"([{}])", part):
            depth += (piece == "{") - (piece == "}")
            if depth == 0:
                piece = re.sub(
                    r"\b(static|inline|__forceinline__|__inline__|__noinline__|__host__)\b",
                    "",
                    piece,
                )
                piece = re.sub(r"\b__device__\b", "FN", piece)
            else:
                piece = re.sub(r"\b__host__\b", "", piece)
                piece = re.sub(r"\b(?:__device__|__forceinline__)\b", "SN_INSIDE", piece)
            pieces.append(piece)
        return "".join(pieces)

    return outside(change, preamble)


_INSIDE = """\
#ifndef SN_INSIDE
#if defined(__CUDACC__) || defined(__HIP__)
#define SN_INSIDE __attribute__((device))
#else
#define SN_INSIDE
#endif
#endif
"""
_QUIET = """\
#if defined(__GNUC__) && !defined(__CUDACC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#elif defined(__CUDACC__)
#pragma nv_diagnostic push
#pragma nv_diag_suppress 177, 550
#endif
"""
_LOUD = """\
#if defined(__GNUC__) && !defined(__CUDACC__)
#pragma GCC diagnostic pop
#elif defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif
"""


def local_type(dtype: DType) -> str:
    """Return the type of a variable of a dtype in the function."""
    if dtype.kind == "c":
        return "sn_complex<f32>" if dtype.char == "F" else "sn_complex<f64>"
    return {"?": "bool", "e": "f32"}.get(dtype.char, C_TYPES[dtype.char])


def passed_type(dtype: DType) -> str:
    """Return the type in which the generated kernel holds such a value."""
    return "f32" if dtype.char == "e" else C_TYPES[dtype.char]


def define(
    name: str,
    operation: str,
    preamble: str,
    types: Mapping[str, DType],
    ins: Sequence[tuple[str, DType]],
    outs: Sequence[tuple[str, DType]],
    before: Mapping[str, str],
    plain_ins: Iterable[str] = (),
) -> Function:
    """Return a text as functions, one a result, of the values of its parameters.

    Parameters
    ----------
    name : str
        Of the kernel; errors of the compiler cite its lines.
    types : mapping
        What the text's own type names stand for.
    ins, outs : sequence of (str, dtype)
        Variables that the text reads, and those that it gives a value.
    before : mapping
        For results that the text may read: the parameter that has its value before.
    plain_ins : iterable of str
        Those of `ins` that the text may change, for itself.
    """
    has_complex = any(d.kind == "c" for _, d in (*ins, *outs)) or "complex" in operation + preamble
    casts = [t for t, dtype in types.items() if dtype.kind != "c"]
    operation = _common(statement(operation), casts)
    preamble = _common(_helpers(_HEADERS.sub("", preamble)), casts)
    mentioned = words(operation) | words(preamble)
    taken = {n for n, _ in (*ins, *outs)} | defined_in(preamble) | set(macros_of(preamble))
    called = sorted((mentioned & set(FUNCTIONS)) - taken)
    constants = {k: v for k, v in _CONSTANTS.items() if k in mentioned and k not in taken}
    used_types = {t: d for t, d in types.items() if t in mentioned}
    named = [(n, d.char) for n, d in (*types.items(), *ins, *outs)]
    described = (
        operation,
        preamble,
        has_complex,
        named,
        len(types),
        len(ins),
        sorted(before.items()),
    )
    mark = "sn_" + hashlib.blake2s(repr(described).encode(), digest_size=6).hexdigest()
    operation, preamble = (_known(text, called, constants) for text in (operation, preamble))
    renamed = {t: f"{mark}_{t}" for t in used_types}
    renamed |= {f: f"{mark}_{f}" for f in sorted(defined_in(preamble) - set(macros_of(preamble)))}
    title = re.sub(r"[^\w .<>-]", "_", name)
    lines = [f"// {title}", support(called, has_complex) + _INSIDE + _QUIET.rstrip()]
    lines += [f"typedef {local_type(d)} {mark}_{t};" for t, d in used_types.items()]
    lines += [f"#define {word} {text}" for word, text in renamed.items()]
    if preamble.strip():
        lines += [f'#line 1 "preamble of {title}"', preamble]
    free = set(plain_ins)
    for k, (out, dtype) in enumerate(outs):
        declared = ", ".join(
            f"{'' if n in free or d.kind == 'c' else 'const '}{_passed(n, d)}" for n, d in ins
        )
        lines.append(f"FN {passed_type(dtype)} {mark}_{k}({declared}) {{")
        for n, d in ins:
            if d.kind == "c":
                lines.append(f"{'' if n in free else 'const '}{local_type(d)} {n}({n}_);")
        for n, d in outs:
            value = before.get(n, "0")
            lines.append(f"{local_type(d)} {n} = {value};")
        # `continue` goes on with the next element
        lines += ["do {", f'#line 1 "{title}"', operation, '#line 1 "generated"', "} while (0);"]
        value = f"{out}.base()" if dtype.kind == "c" else out
        lines += [f"return {value};", "}"]
    lines += [f"#undef {word}" for word in (*renamed, *macros_of(preamble))]
    lines.append(_LOUD.rstrip())
    operands = ", ".join(f"{{{k}}}" for k in range(len(ins)))
    calls = tuple(f"{mark}_{k}({operands})" for k in range(len(outs)))
    return Function("\n".join(lines), calls)


def _passed(name: str, dtype: DType) -> str:
    if dtype.kind == "c":
        return f"const {passed_type(dtype)} {name}_"
    return f"{local_type(dtype)} {name}"
