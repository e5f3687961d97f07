"""CUDA C and HIP kernels for OpenCL: their text, what is changed in it, and the kernels of OpenCL.

The language is made by headers (``include/opencl_*.h``, in C++ for OpenCL 2021), mostly by
macros and functions. What they cannot do is done here on the text:

- Kernels, and functions that use shared memory, get a hidden parameter: where that memory lies.
  OpenCL lets only kernels declare it, so kernels of OpenCL (`opencl_kernels`) do, and call them.
- Templates name the address space of what they point to, which OpenCL does not do for them.
- Indices are written so that the compiler sees what lies side by side (`opencl_indices`).

No text is moved between lines, so that the compiler's messages name the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import UnsupportedError
from .branches import Branches
from .host_groups import without_groups
from .opencl_barriers import divergent_returns
from .opencl_indices import index_edits
from .opencl_shared import Declaration, Link, declarations_of, links_of
from .signatures import split_list
from .source_text import (
    C_LINKAGE,
    INCLUDE,
    WORD,
    Piece,
    Reading,
    closing,
    functions,
    in_function,
    own_types,
    read,
    without_comments,
)

__all__ = ["HEADERS", "Translation", "original_name", "translate_opencl"]

# Words of OpenCL C that are names in CUDA C
_RESERVED = (
    "global|local|constant|private|generic|kernel|read_only|write_only|read_write|pipe|vec_step"
    "|event_t|queue_t|clk_event_t|reserve_id_t|sampler_t|image[123]d_(?:array_)?t|addrspace_cast"
)
_HALF = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:cuda|hip)_fp16\.h(?:pp)?[>\"]", re.MULTILINE
)
# Headers of C++ that need not be there for what kernels use of them
_STANDARD = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*<(?:c?math|c?time|sys/time|memory|c?inttypes|stdbool"
    r"|algorithm|array|chrono|functional|fstream|iomanip|iostream|limits|new|sstream|stdexcept|string|tuple"
    r"|type_traits|utility|vector)(?:\.h)?>",
    re.MULTILINE,
)
_STD = re.compile(
    r"\bstd\s*::\s*(?=(?:(?:exp2?|expm1|log|log2|log10|log1p|sin|cos|tan|asin|acos|atan|sinh|cosh"
    r"|tanh|asinh|acosh|atanh|cbrt|erfc?|sqrt|fabs|floor|ceil|trunc|rint|nearbyint|round|logb|pow"
    r"|tgamma|lgamma|atan2|hypot|fmod|remainder|copysign|fdim|fmax|fmin|nextafter|fma|ldexp|frexp"
    r"|modf)f?|abs|isnan|isinf|isfinite|signbit|min|max|mem(?:cpy|set)|printf|size_t|ptrdiff_t"
    r"|u?int(?:8|16|32|64)_t)\b(?!\s*<))|\busing\s+namespace\s+std\s*;"
)
# What stands before all kernels
HEADERS = ("opencl_grid.h", "raw_constants.h", "raw_special.h", "opencl_functions.h")
_WARPS = re.compile(
    r"__syncwarp|__shfl\w*|__(?:all|any)(?:_sync)?|__ballot\w*|__activemask|__match_\w+|__reduce_\w+_sync"
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
# What a user's function may be called, and OpenCL has with other arguments or results
_OPENCL_NAMES = re.compile(
    r"add_sat|abs_diff|all|any|barrier|bitselect|clamp|clz|cross|ctz|degrees|distance|dot|"
    r"fract|hadd|fast_distance|fast_length|fast_normalize|isequal|isgreater|isgreaterequal|"
    r"isless|islessequal|islessgreater|isnotequal|isordered|isunordered|length|mad|mad24|"
    r"mad_hi|mad_sat|maxmag|minmag|mix|mul24|mul_hi|nan|normalize|popcount|pown|powr|prefetch|"
    r"radians|rhadd|rootn|rotate|select|shuffle|shuffle2|sign|smoothstep|step|sub_sat|"
    r"upsample|vec_step"
)
_OWN_VECTORS = re.compile(
    r"\btypedef\b[^;{}()]*?\b((?:u?(?:char|short|int|long)|float|double|half)(?:8|16))\s*[;,]"
)
_CANNOT = (
    (r"<<<", "kernels that launch kernels"),
    (r"\b(?:asm|__asm__|__asm)\b", "assembly, which is for one kind of processor"),
    (r"\bcooperative_groups\b", "cooperative groups"),
    (r"\b(?:nvcuda|wmma|mma)\s*::", "matrix instructions"),
    (r"\b(?:cudaTextureObject_t|cudaSurfaceObject_t|tex[123]D\w*|surf[123]D\w*)\b", "textures"),
    (r"\bvirtual\b", "virtual functions"),
    (r"\bnew\s+[\w:]+\s*[\[({;]|\bdelete\b|\b(?:malloc|free)\s*\(", "memory that kernels allocate"),
    (rf"(?!{_STD.pattern})\bstd\s*::\s*[a-z]\w*", "{} in C++'s library"),
    (r"\btry\b|\bthrow\b|\bcatch\b", "exceptions"),
)
_RANDOM = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"]((?:hiprand/)?(?:cu|hip)rand\w*\.h)[>\"]", re.MULTILINE
)
_INSTEAD = "run it on a GPU (device cuda or hip), or on device openmp without backend='opencl'"


class Translation(NamedTuple):
    """A source for OpenCL.

    Attributes
    ----------
    text : str
        The user's, changed.
    reading : Reading
        The user's, before that.
    declarations : tuple of Declaration
        Of shared memory.
    links : dict
        What each function, type and macro mentions.
    renamed : tuple of str
        Functions and types whose names OpenCL has for something else.
    refused : dict
        Functions that OpenCL cannot run, and why.
    branches : Branches
        Conditions of the preprocessor around what it declares.
    """

    text: str
    reading: Reading
    declarations: tuple[Declaration, ...]
    links: dict[str, Link]
    renamed: tuple[str, ...]
    refused: dict[str, str]
    branches: Branches


def fail_at(source: str, place: int, what: str) -> UnsupportedError:
    """Return the error for something in the text that OpenCL has no counterpart of."""
    line = source.count("\n", 0, place) + 1
    return UnsupportedError(f"line {line}: OpenCL has no counterpart of {what}; {_INSTEAD}")


def translate_opencl(source: str) -> Translation:
    """Return kernel text that compiles behind `HEADERS`.

    Parameters
    ----------
    source : str
        CUDA C or HIP.

    Raises
    ------
    UnsupportedError
        For what OpenCL has no counterpart of; the message names the line.
    """
    source = without_groups(source)
    first = read(source)
    _check(source, first)
    source = _with_templates(_with_words(source))
    source = edited(source, index_edits(read(source)))
    reading = read(source)
    declarations = declarations_of(reading)
    for declared in declarations:
        if declared.inside and not declared.owner:
            raise fail_at(source, declared.start, "shared memory in methods and lambdas")
        if not declared.arrays:
            raise fail_at(source, declared.start, "this way to declare shared memory")
    if "__shared__" in edited(reading.masked, [(d.start, d.end, "") for d in declarations]):
        place = reading.masked.index("__shared__")
        raise fail_at(source, place, "shared memory whose type is declared with it")
    links = links_of(reading)
    returns = {
        name: str(fail_at(source, place, "threads that return before a barrier of their block"))
        for name, place in divergent_returns(reading, links).items()
    }
    branches = Branches(source)
    for piece in reading.pieces:
        branches.macro(piece)
    text = _with_hidden(source, reading, declarations, links, branches)
    names = {piece.name for piece in reading.pieces}
    renamed = sorted(name for name in names if _OPENCL_NAMES.fullmatch(name))
    renamed += sorted({*own_types(reading), *_OWN_VECTORS.findall(reading.masked)})
    return Translation(text, reading, tuple(declarations), links, tuple(renamed), returns, branches)


def uses_warps(words: frozenset[str] | set[str]) -> bool:
    """Return whether one of these words is an operation of a warp."""
    return any(_WARPS.fullmatch(word) for word in words)


def _check(source: str, reading: Reading) -> None:
    directives = "\n".join(reading.macros.values())
    random = _RANDOM.search(without_comments(source))
    if random:
        raise fail_at(source, random.start(1), random[1])
    for pattern, what in _CANNOT:
        found = re.search(pattern, reading.masked)
        if found:
            raise fail_at(source, found.start(), what.format(found[0]))
        found = re.search(pattern, directives) and re.search(pattern, source)
        if found:
            raise fail_at(source, found.start(), what.format(found[0]))
    for body in reading.macros.values():
        if "__shared__" in body:
            raise fail_at(source, source.index("__shared__"), "shared memory declared by a macro")


def edited(source: str, edits: list[tuple[int, int, str]]) -> str:
    """Return the text with pieces of it replaced; lines stay where they are."""
    for start, end, new in sorted(edits, reverse=True):
        lines = "\n" * (source.count("\n", start, end) - new.count("\n"))
        source = source[:start] + new + lines + source[end:]
    return source


# ---- words -------------------------------------------------------------------------------------


def _code(source: str) -> str:
    """Return the text without comments and with strings hidden, but with its directives."""
    code = without_comments(source)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', lambda found: '"' + "_" * (len(found[0]) - 2) + '"', code)


def original_name(name: str) -> str:
    """Return what a name was before `_with_words` set it apart from a word of OpenCL C."""
    return re.sub(rf"\b(half|{_RESERVED})_\b", r"\1", name)


def _with_words(source: str) -> str:
    """Leave known headers out; `long long` is `long`, which has 64 bits, too."""
    visible = without_comments(source)
    edits = [
        (found.start(), found.end(), "")
        for pattern in (INCLUDE, _HALF, _STANDARD)
        for found in pattern.finditer(visible)
    ]
    code = _code(source)
    edits += [(found.start(), found.end(), "") for found in _STD.finditer(code)]
    edits += [
        (found.start(), found.end(), "long") for found in re.finditer(r"\blong\s+long\b", code)
    ]
    edits += [(found.start(), found.end(), "") for found in C_LINKAGE.finditer(code)]
    half = "" if _HALF.search(visible) else "half|"
    taken = rf"\b({half}{_RESERVED})\b"
    edits += [(found.end(), found.end(), "_") for found in re.finditer(taken, code)]
    constant = re.compile(r'\b(?:const\s+char|char\s+const)\s*\*\s*(?:const\s+)?\w+\s*=\s*(?=")')
    edits += [(found.start(), found.start(), "__constant ") for found in constant.finditer(code)]
    literal = re.compile(r"\b(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]?(ll|LL)[uU]?\b")
    edits += [(found.start(1), found.end(1), "l") for found in literal.finditer(code)]
    return edited(source, list(set(edits)))


# ---- templates ---------------------------------------------------------------------------------


def template_parameters(head: str) -> Iterator[str]:
    """Yield the parameters of a template."""
    found = re.search(r"\btemplate\s*<", head)
    if found:
        depth, place = 1, found.end()
        while depth and place < len(head):
            depth += {"<": 1, ">": -1}.get(head[place], 0)
            place += 1
        yield from (part.strip() for part in split_list(head[found.end() : place - 1]))


def _with_templates(source: str) -> str:
    """Name the address space of what templates point and refer to.

    What is `T &` becomes two functions: for memory that others may see, and for variables of a
    thread. What is `const T &` becomes a value.
    """
    reading = read(source)
    edits: list[tuple[int, int, str]] = []
    for piece in reading.pieces:
        parameters = " ".join(template_parameters(piece.head))
        types = re.findall(r"\b(?:typename|class)\s+(\w+)", parameters)
        if not types or (piece.kernel and "&" not in piece.text and "*" not in piece.text):
            continue
        name = rf"\b(?:{'|'.join(types)})\b"
        for found in re.finditer(
            rf"\bconst\s+{name}\s*(&)(?!&)|{name}\s+const\s*(&)(?!&)", piece.text
        ):
            place = piece.start + (found.start(1) if found[1] else found.start(2))
            edits.append((place, place + 1, " "))
        places = [
            piece.start + found.start()
            for found in re.finditer(
                rf"{name}(?=\s*(?:const\b\s*|volatile\b\s*)?[*&](?!&))", piece.text
            )
            if not re.search(r"\bconst\s*$", piece.text[: found.start()])
            or not re.match(r"\w+\s*&", piece.text[found.start() :])
        ]
        edits += [(place, place, "__generic ") for place in places]
        if re.search(rf"(?<!const ){name}\s*&(?!&)", piece.head) and not re.search(
            r"\b(?:struct|class|union)\b", re.sub(r"<[^<>]*>", "", piece.head)
        ):
            edits.append(_second(source, piece, name))
    return edited(source, edits)


def _second(source: str, piece: Piece, name: str) -> tuple[int, int, str]:
    """Return the insertion of a function template for references to variables of a thread."""
    end = piece.start + len(piece.text)
    text = without_comments(source)[piece.start : end]
    text = re.sub(rf"\bconst\s+({name})\s*&(?!&)", r"const \1 ", _DIRECTIVE.sub("", text))
    text = re.sub(rf"({name})(\s*&)(?!&)", r"__private \1\2", text)
    text = re.sub(rf"({name})(\s*(?:const\b\s*|volatile\b\s*)?\*)", r"__generic \1\2", text)
    return end, end, " " + re.sub(r"\s*\n\s*", " ", text)


# ---- hidden parameters and shared memory -------------------------------------------------------


def _with_hidden(
    source: str,
    reading: Reading,
    declarations: list[Declaration],
    links: dict[str, Link],
    branches: Branches,
) -> str:
    text = reading.masked
    edits = [
        (d.start, d.end, " ".join(array.text for array in d.arrays) if d.inside else "")
        for d in declarations
    ]
    edits += branches.edits()
    marker = re.compile(rf"\b(?:{'|'.join(reading.markers)})\b")
    for found in marker.finditer(text):
        name, place = next(functions(text[found.start() :], reading.markers), ("", 0))
        if name:
            edits.append(_first(text, place + found.start(), "da_Here da_here"))
    outside = {array.name: array for d in declarations if not d.inside for array in d.arrays}
    hidden = hidden_functions(declarations, links)
    definitions = set()
    for piece in reading.pieces:
        if piece.name in hidden and not piece.kernel:
            place = piece.start + next(functions(piece.head, reading.markers))[1]
            definitions.add(place)
            edits.append(_first(text, place, "da_Here da_here"))
        if piece.name and "{" in piece.text:
            words = set(WORD.findall(piece.text))
            names = [array.text for name, array in outside.items() if name in words]
            place = piece.start + len(piece.head) + 1
            edits += [(place, place, " " + " ".join(names))] if names else []
    if hidden:
        calls = "|".join(map(re.escape, sorted(hidden)))
        code = _code(source)
        for found in re.finditer(rf"(?<![.>\w])(?:{calls})\s*(?:<[^;{{}}()]*>\s*)?\(", code):
            if found.end() not in definitions and _called(text, found.start()):
                edits.append(_first(code, found.end(), "da_here"))
    return edited(source, sorted(set(edits)))


def hidden_functions(declarations: Sequence[Declaration], links: dict[str, Link]) -> set[str]:
    """Return the functions that have a hidden parameter, as they use shared memory."""
    outside = {array.name for d in declarations if not d.inside for array in d.arrays}
    shared = {"__shared__", "HIP_DYNAMIC_SHARED", *outside}
    return {name for name, link in links.items() if link.function and link.reached & shared}


def _called(text: str, place: int) -> bool:
    """Return whether a name is used there, in a function or in a macro, rather than declared."""
    return not text[place : place + 1].strip() or in_function(text, place)


def _first(text: str, place: int, first: str) -> tuple[int, int, str]:
    """Return the insertion of a first parameter, or argument, behind a parenthesis."""
    end = closing(text, place) - 1
    if text[place:end].strip() in ("", "void"):
        return place, end, first
    return place, place, f"{first}, "
