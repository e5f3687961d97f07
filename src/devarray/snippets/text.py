"""A user's text, as a function of fused kernels or as the body of a CUDA C kernel.

Only words are looked at, outside of comments and string literals: what the text calls, which of its
parameters it writes, which types it names. Lines keep their numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from devarray.kernels.ops import C_TYPES, Loop, run_time_loop
from devarray.kernels.source_text import OPAQUE, read
from devarray.snippets.signature import COMPLEX
from devarray.snippets.support import CONSTANTS, FUNCTIONS, support

__all__ = [
    "COMPLEX_HEADERS", "assigned_first", "c_name", "code_of", "complex_words", "define",
    "half_renamed", "is_cpp", "is_dear", "is_plain", "outside", "statement", "uses", "words",
]  # fmt: skip

DType = np.dtype[Any]

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
_INCLUDES = r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:{})[>\"][^\n]*$"
_COMPLEX_NAMES = r"pycuda-complex\.hpp|cupy/complex\.cuh|thrust/complex\.h"
COMPLEX_HEADERS = re.compile(_INCLUDES.format(_COMPLEX_NAMES), re.MULTILINE)
_HEADERS = re.compile(
    _INCLUDES.format(
        _COMPLEX_NAMES
        + r"|math\.h|cmath|stdint\.h|cstdint|stdlib\.h|math_constants\.h|cuComplex\.h"
    ),
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


def outside(change: Callable[[str], str], text: str) -> str:
    """Return a text with a change made to what is neither comment nor string literal."""
    parts, start = [], 0
    for found in OPAQUE.finditer(text):
        parts += [change(text[start : found.start()]), found[0]]
        start = found.end()
    return "".join([*parts, change(text[start:])])


def code_of(text: str) -> str:
    """Return a text without comments and string literals, line by line as it was."""
    return OPAQUE.sub(
        lambda found: " " + "\n" * found[0].count("\n") if found[0][0] == "/" else '""', text
    )


def c_name(name: str) -> str:
    """Return a kernel's name as a name of C."""
    plain = re.sub(r"\W", "_", name)
    return plain if not plain[0].isdigit() else f"_{plain}"


def complex_words(text: str) -> str:
    """Return a text for CUDA C with `support`'s complex numbers."""
    return outside(lambda part: COMPLEX.sub(r"sn_complex<\1>", part), text)


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


_CPP = re.compile(
    r"\b(?:template|typename|class|operator|namespace|using|auto|constexpr|decltype|nullptr"
    r"|(?:static|const|reinterpret)_cast)\b|(?<!std)::"
)
_HEAD = re.compile(r"\(([^(){};]*)\)\s*\{")


def is_cpp(operation: str, preamble: str) -> bool:
    """Say whether a text uses what C++ has and C does not, such as templates and references."""
    outer = code_of(_HEADERS.sub("", preamble))
    if any(re.search(r"\w\s*&\s*\w+\s*(?:,|$)", head) for head in _HEAD.findall(outer)):
        return True
    return _CPP.search(code_of(operation) + "\n" + outer) is not None


# OpenCL's, and in CUDA C names as others
_RESERVED = {"constant", "generic", "global", "kernel", "local", "pipe"}
_HALF = re.compile(r"\b(?!(?:const|volatile|static|return)\b)[A-Za-z_]\w*[\s*&]+half\s*[=;,)\[(]")


def half_renamed(text: str) -> str:
    """Return a text with another name for a variable ``half``, which elsewhere is a type."""
    if not _HALF.search(code_of(text)):
        return text
    return outside(lambda part: re.sub(r"\bhalf\b", "half_", part), text)


def _member_functions(outer: str) -> list[str]:
    """Return what is called like a function inside braces: members, parameters of macros."""
    return re.findall(r"\boperator\b|\b[A-Za-z_]\w*(?=\s*\([^()]*\)\s*(?:const)?\s*[{:])", outer)


def is_dear(operation: str) -> bool:
    """Say whether a text costs more than to store and load its result: it calls or repeats."""
    code = code_of(operation)
    called = set(_CALL.findall(code)) - _NUMBERS - {"if", "min", "max", "abs", "fabs", "fabsf"}
    return bool(called) or bool(words(operation) & {"for", "while"}) or len(code) > 400


def defined_in(preamble: str) -> set[str]:
    """Return the names that a preamble defines at its outermost level."""
    found: set[str] = set()
    for piece in read(preamble).pieces:
        if piece.namespace:
            continue
        outer = re.sub(r"\{.*\}", "{", piece.text, flags=re.DOTALL)
        found |= set(re.findall(r"\b([A-Za-z_]\w*)\s*\([^()]*\)\s*\{", outer))
        found |= set(re.findall(r"\b(?:struct|class|union|enum)\s+([A-Za-z_]\w*)", outer))
        found |= set(re.findall(r"\btypedef\b[^;]*?\b([A-Za-z_]\w*)\s*;", outer))
        # variables, and what `using` names
        found |= set(re.findall(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*=", outer))
    return found - _CONTROL


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


def _known(text: str, names: Iterable[str]) -> str:
    """Return a text in which functions and constants have the names that `support` gives them."""
    called = "|".join(name for name in names if name in FUNCTIONS)
    constant = "|".join(name for name in names if name in CONSTANTS)
    # but members are called as they are
    pattern = re.compile(
        rf"(?<![.\w])(?<!->)(?:({called or '(?!)'})(?=\s*\()|({constant or '(?!)'})\b)"
    )
    return outside(lambda part: pattern.sub(r"sn_\1\2", part), text)


def _helpers(preamble: str) -> str:
    """Return a preamble's functions with the qualifiers that fused kernels want."""
    depth = 0

    def qualifier(match: re.Match[str]) -> str:
        nonlocal depth
        word = match[0]
        depth += (word == "{") - (word == "}")
        if word in ("{", "}"):
            return word
        if depth == 0:
            return "FN" if word == "__device__" else ""
        inside = {"__host__": "", "__device__": "SN_INSIDE", "__forceinline__": "SN_INSIDE"}
        return inside.get(word, word)

    return outside(lambda part: _QUALIFIERS.sub(qualifier, part), preamble)


_QUALIFIERS = re.compile(
    r"[{}]|\b(?:static|inline|__(?:forceinline|inline|noinline|host|device)__)\b"
)
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


# types of a value in the kernel that is generated, and in the text
_PASSED = C_TYPES | {"e": "f32"}
_LOCAL = _PASSED | {"?": "bool", "F": "sn_complex<f32>", "D": "sn_complex<f64>"}


def define(
    name: str,
    operation: str,
    preamble: str,
    types: Mapping[str, DType],
    ins: Sequence[tuple[str, DType]],
    outs: Sequence[tuple[str, DType]],
    before: Mapping[str, str] | None = None,
    mutable: Iterable[str] = (),
    dear: bool = False,
    reduce: str = "",
) -> tuple[Loop, ...]:
    """Return a text as loops, one a result, of the values of its parameters.

    Parameters
    ----------
    name : str
        Of the kernel; errors of the compiler cite its lines.
    types : mapping
        What the text's own type names stand for.
    ins, outs : sequence of (str, dtype)
        Variables that the text reads, and those that it gives a value.
    before : mapping, optional
        For results that the text may read: the parameter that has its value before.
    mutable : iterable of str
        Those of `ins` that the text may change, for itself.
    dear, reduce
        See `run_time_loop`.
    """
    has_complex = any(d.kind == "c" for _, d in (*ins, *outs)) or "complex" in operation + preamble
    casts = [t for t, dtype in types.items() if dtype.kind != "c"]
    operation = _common(statement(half_renamed(operation)), casts)
    preamble = _common(_helpers(_HEADERS.sub("", half_renamed(preamble))), casts)
    mentioned = words(operation) | words(preamble)
    macros = read(preamble).macros.keys()
    taken = {n for n, _ in (*ins, *outs)} | defined_in(preamble) | macros
    known = sorted((mentioned & {*FUNCTIONS, *CONSTANTS}) - taken)
    named = [(n, d.char) for n, d in (*types.items(), *ins, *outs)]
    before, mutable = before or {}, set(mutable)
    sizes = len(types), len(ins), sorted(before), sorted(mutable)
    described = (operation, preamble, has_complex, named, *sizes)
    mark = "sn_" + hashlib.blake2s(repr(described).encode(), digest_size=6).hexdigest()
    operation, preamble = (_known(text, known) for text in (operation, preamble))
    used_types = {t: d for t, d in types.items() if t in mentioned}
    inner = [*used_types, *sorted(defined_in(preamble) - macros)]
    params = {n for n, _ in (*ins, *outs)}
    reserved = (mentioned & _RESERVED) | (params & {*_RESERVED, "half"})
    inner += sorted(reserved - {*inner, *macros})
    title = re.sub(r"[^\w .<>-]", "_", name)
    lines = [f"// {title}", support(known, has_complex, preamble) + _QUIET.rstrip()]
    lines += [f"typedef {_LOCAL[d.char]} {mark}_{t};" for t, d in used_types.items()]
    lines += [f"#define {word} {mark}_{word}" for word in inner]
    if preamble.strip():
        lines += [f'#line 1 "preamble of {title}"', preamble]
    # complex numbers are passed without operators, as `x_`
    of_class = [(n, d, "" if n in mutable else "const ") for n, d in ins if d.kind == "c"]
    declared = ", ".join(
        f"const {_PASSED[d.char]} {n}_"
        if d.kind == "c"
        else f"{'' if n in mutable else 'const '}{_LOCAL[d.char]} {n}"
        for n, d in ins
    )
    begin = [f"{const}{_LOCAL[d.char]} {n}({n}_);" for n, d, const in of_class]
    begin += [f"{_LOCAL[d.char]} {n} = {before.get(n, '0')};" for n, d in outs]
    # `continue` goes on with the next element
    body = ["do {", f'#line 1 "{title}"', operation, '#line 1 "generated"', "} while (0);"]
    for k, (out, d) in enumerate(outs):
        lines += [f"FN {_PASSED[d.char]} {mark}_{k}({declared}) {{", *begin, *body]
        lines += [f"return {out}{'.base()' if d.kind == 'c' else ''};", "}"]
    lines += [f"#undef {word}" for word in (*inner, *macros)]
    lines.append(_LOUD.rstrip())
    operands = ", ".join(f"{{{k}}}" for k in range(len(ins)))
    return run_time_loop(
        name, "\n".join(lines), tuple(f"{mark}_{k}({operands})" for k in range(len(outs))),
        [d for _, d in ins], [d for _, d in outs], dear=dear, reduce=reduce,
    )  # fmt: skip
