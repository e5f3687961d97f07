"""Errors at the user's lines for text that kernels cannot have, before the compiler guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .branches import Branches
from .host_headers import known_headers
from .signatures import split_list
from .source_text import WORD, Piece, Reading, closing, functions

__all__ = ["assembly", "refusals"]

_API = re.compile(
    r"\b((?:cuda|hip)(?:Malloc|Free|Memcpy|Memset|Event|Stream|Device|Thread|Get|Set|Launch|Host"
    r"|Bind|Unbind|Create|Destroy|Func|Occupancy|PeekAt)\w*"
    r"|(?:cu|hip)rand(?:Create|Destroy|Generate|Get|Set)\w*)\s*\("
)
_TEXTURES = re.compile(
    r"\b(?:tex(?:[123]D|Cubemap)\w*(?=\s*[<(])|surf[123]D\w*(?=\s*[<(])|(?:texture|surface)(?=\s*<)"
    r"|(?:cuda|hip)(?:Texture|Surface)Object_t\b)"
)
_HEADERS = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](curand_(?:discrete|mtgp32|mrg32k3a)\w*\.h|mma\.h"
    r"|cu(?:blas|fft|sparse|solver)\w*\.h|(?:cub|cuda|cutlass|thrust(?!/complex\.h))/[^>\"]*)[>\"]",
    re.MULTILINE,
)
_INSTEAD = {
    "curand": "curand_kernel.h is known",
    "mma": "matrix instructions are for GPUs",
    "cuda/": "write it with __syncthreads(), atomics, cooperative_groups.h and headers of C++",
}
_RANDOM = re.compile(
    r"\b(?:cu|hip)rand(?:_discrete4?|_mtgp32_\w+|_init_scrambled_\w+|DiscreteDistribution_s?t"
    r"|DirectionVectors(?:32|64)_t|State(?:(?:Scrambled)?Sobol(?:32|64)|Mtgp32)(?:_t)?)\b"
)
_TYPES = {
    "int", "unsigned", "long", "short", "char", "float", "double", "bool", "size_t", "half",
}  # fmt: skip
_REGISTERS = {
    "laneid": "__lane_id()",
    "lanemask_eq": "(1u << __lane_id())",
    "lanemask_lt": "((1u << __lane_id()) - 1)",
    "lanemask_le": "((2u << __lane_id()) - 1)",
    "lanemask_gt": "(~0u - ((2u << __lane_id()) - 1))",
    "lanemask_ge": "(~0u << __lane_id())",
    "clock": "(unsigned)clock64()",
    "clock64": "clock64()",
    "globaltimer": "dh_globaltimer()",
}
_READ = re.compile(
    r'\s*"\s*mov\.\w+\s+%0\s*,\s*%%?(\w+)\s*;?\s*"\s*:\s*"=\w"\s*\(([^()]*)\)\s*(?::[\s:"\w]*)?'
)

Edits = list[tuple[int, int, str]]


def _error(text: str) -> str:
    return f' _Pragma("GCC error \\"{text}\\"") '


def refusals(code: str, reading: Reading) -> Edits:
    """Return what is put into a source so that the compiler says what is wrong, and where.

    Parameters
    ----------
    code : str
        The source, without comments.
    reading : Reading

    Returns
    -------
    list of (int, int, str)
        From, to, what comes instead.
    """
    found = [*_host_code(reading), *_headers(code)]
    for texture in _TEXTURES.finditer(reading.masked):
        text = f"{texture.group()}: there are no textures and surfaces here; read the array itself"
        found.append((texture.start(), texture.start(), _error(text)))
        break
    random = _RANDOM.search(reading.masked)
    if random and "host_curand.h" in known_headers(code).files:
        text = f"{random.group()} is not for kernels on the host: generators are curandState, "
        text += "curandStatePhilox4_32_10 and curandStateMRG32k3a, without discrete distributions"
        found.append((random.start(), random.start(), _error(text)))
    kernels = [piece for piece in reading.pieces if piece.kernel and piece.name]
    found += [edit for piece in kernels for edit in _kernel(piece, reading)]
    found += _twice(kernels, Branches(code))
    if not reading.whole and not re.search(r"^[ \t]*#[ \t]*if", code, re.MULTILINE):
        found += _braces(reading.masked)
    return found


def _host_code(reading: Reading) -> Iterator[tuple[int, int, str]]:
    own = {piece.name for piece in reading.pieces}
    seen = set()
    text = reading.masked
    for found in _API.finditer(text):
        name = found.group(1)
        if name not in own and name not in reading.macros and name not in seen:
            seen.add(name)
            told = f"{name} is host code: a source has kernels and the functions that they call, "
            yield found.start(), found.start(), _error(told + "devarray does the rest")
    for found in re.finditer(r"\bint\s+main\s*\(", text):
        told = "main is host code: a source has kernels and the functions that they call"
        yield found.start(), found.start(), _error(told)
    for found in re.finditer(r"<<<", text):
        told = "launches are host code: launch kernels with kernel(grid, block, args), in Python"
        yield found.start(), found.start(), _error(told)


def _headers(code: str) -> Iterator[tuple[int, int, str]]:
    for found in _HEADERS.finditer(code):
        name = found.group(1)
        why = next((f"; {text}" for start, text in _INSTEAD.items() if name.startswith(start)), "")
        yield found.start(), found.end(), f"#error {name} is not for kernels on the host{why}"


def _kernel(piece: Piece, reading: Reading) -> Iterator[tuple[int, int, str]]:
    """Find fault with a kernel's type and parameters."""
    head = piece.head
    place = next(functions(head, reading.markers))[1]
    before, found, after = head[:place].rpartition("__global__")
    if found and not any(reading.markers.values()):
        words = WORD.findall(after) + ([] if "template" in before else WORD.findall(before))
        types = [word for word in words if word in _TYPES]
        at = piece.start + len(before)
        if types and "void" not in words:
            told = f"kernel {piece.name} returns {' '.join(types)}: kernels return void"
            yield at, at, _error(told)
        elif words[:-1] == ["extern", "_"] * ("extern" in words) or words == [piece.name]:
            yield at, at, _error(f"kernel {piece.name} has no type: kernels return void")
    for part in split_list(head[place : closing(head, place) - 1]):
        if "&" in part.split("=")[0]:
            told = f"kernel {piece.name} has a reference as a parameter: kernels take values and "
            at = piece.start + place
            yield at, at, _error(told + "pointers")


def _twice(kernels: list[Piece], branches: Branches) -> Iterator[tuple[int, int, str]]:
    """Find kernels of one name and different parameters, in one branch of ``#if``."""
    seen: dict[tuple[str, str], str] = {}
    for piece in kernels:
        name = piece.full_name
        if "template" in piece.head or not piece.text.endswith("}"):
            continue
        listed = " ".join(piece.head[piece.head.index("(") :].split())
        if seen.setdefault((name, branches.macro(piece)), listed) != listed:
            told = f"there are several kernels {name}: give them names of their own, or write a "
            at = piece.start + piece.head.index(piece.name)
            yield at, at, _error(told + "template")


def _braces(text: str) -> Iterator[tuple[int, int, str]]:
    opened: list[int] = []
    for found in re.finditer(r"[{}]", text):
        if found.group() == "{":
            opened.append(found.start())
        elif opened:
            opened.pop()
        else:
            yield found.start(), found.start(), _error("this } closes nothing")
            return
    if opened:
        yield opened[0], opened[0], _error("this { is never closed")


def assembly(code: str, reading: Reading) -> Edits:
    """Return what stands for statements in PTX: reading a register of the thread is known."""
    edits: Edits = []
    statement = r"\b(?:asm|__asm__|__asm)\b(?:\s+(?:volatile|__volatile__)\b)?\s*\("
    for found in re.finditer(statement, reading.masked):
        end = closing(reading.masked, found.end())
        inner = code[found.end() : end - 1]
        read = _READ.fullmatch(inner)
        lines = "\n" * code.count("\n", found.start(), end)
        if read and read[1] in _REGISTERS:
            edits.append((found.start(), end, f"({read[2]}) = {_REGISTERS[read[1]]}{lines}"))
        elif re.search(r'"\s*(?:membar|fence)\b', inner):
            edits.append((found.start(), end, f"__atomic_thread_fence(__ATOMIC_SEQ_CST){lines}"))
        else:
            told = "PTX (asm) is for GPUs: write this in C, or with an intrinsic function"
            edits.append((found.start(), end, f"{_error(told)}(void)0{lines}"))
    return edits
