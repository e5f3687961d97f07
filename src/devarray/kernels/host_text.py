"""CUDA C and HIP kernels on the host: their text, what is changed in it, and its launchers.

The language is made by headers (``include/host_functions.h``, ``host_grid.h``), mostly by macros.
What macros cannot do is done here on the text: kernels get hidden parameters, dynamic shared memory
and known headers are replaced. No text is moved between lines, so that the compiler's messages name
the user's.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from functools import cache, partial

from .block_calls import callables
from .branches import Branches, guarded
from .host_blocks import Surroundings, block_text
from .host_groups import GROUP_INDICES, GROUP_WAITS, blocks_with_tiles, with_barriers
from .host_headers import Headers, known_headers, library_names
from .host_refusals import assembly, refusals
from .host_steps import in_step
from .preludes import prelude
from .source_text import (
    ALIGNED,
    C_LINKAGE,
    DIRECTIVE,
    WORD,
    Reading,
    closing,
    constants_of,
    functions,
    in_function,
    logical_lines,
    own_types,
    read,
    variables_of,
    without_comments,
    words_that_bring,
)

__all__ = ["entry_text", "host_text", "library_text", "plain_name", "translate"]

_WAITS = (
    r"__syncthreads\w*|__syncwarp|__barrier_sync|__shfl\w*|__(?:all|any)(?:_sync)?|__ballot\w*"
    r"|__activemask|__nanosleep|__match_\w+|__reduce_\w+_sync"
)
_FAILS = r"assert|__trap"
_INDICES = (
    r"threadIdx|blockIdx|blockDim|gridDim|hip(?:Thread|Block|Grid)\w+|__lane_id|asm|__asm__|"
    + _FAILS
)

Edits = list[tuple[int, int, str]]  # from, to, what comes instead


def translate(source: str) -> str:
    """Return kernel text that compiles behind ``include/host_grid.h``.

    Parameters
    ----------
    source : str
        CUDA C or HIP.
    """
    return _translate(source, read(source), {}, [])


def _brings(pattern: str, of_groups: str, reading: Reading) -> tuple[str, str, bool]:
    """Return `words_that_bring`, with what groups of threads have in a source that uses them."""
    groups = re.search(r"\bcooperative_groups\b", reading.masked)
    return words_that_bring(f"{pattern}|{of_groups}" if groups else pattern, reading)


def _blocks(source: str, reading: Reading, ended_pass: bool = False) -> dict[str, Edits]:
    """Return what is changed in each kernel that is written as loops over a block's threads."""
    pattern, calls, doubt = _brings(_WAITS, GROUP_WAITS, reading)
    if doubt or not reading.whole:
        return {}
    by_reference = [p.name for p in reading.pieces if not p.kernel and "&" in p.head and p.name]
    waiting = [p for p in reading.pieces if not p.kernel and re.fullmatch(calls, p.name)]
    around = Surroundings(
        source,
        reading.masked,
        reading.macros,
        reading.macro_parameters,
        re.compile(pattern),
        frozenset(by_reference),
        callables(source, reading, waiting),
        constants_of(reading),
        ended_pass,
    )
    found: dict[str, Edits] = {}
    declared: dict[str, Edits] = {}
    bodies: dict[str, str] = {}
    different: set[str] = set()
    for piece in reading.pieces:
        if not (piece.kernel and piece.name):
            continue
        place = next(functions(piece.head, reading.markers))[1]
        end = closing(piece.head, place) - 1
        listed = piece.head[place:end]
        at, empty = piece.start + place, listed.strip() in ("", "void")
        grid = (at, at + len(listed), "DH_BLOCK_GRID") if empty else (at, at, "DH_BLOCK_GRID, ")
        if not piece.text.endswith("}"):
            behind = piece.start + end + 1
            declared.setdefault(piece.full_name, []).extend([grid, (behind, behind, "")])
            continue
        start = piece.start + len(piece.head) + 1
        stop = piece.start + len(piece.text) - 1
        text = block_text(piece.head[:place], listed, start, stop, around)
        if bodies.setdefault(piece.full_name, piece.text.strip()) != piece.text.strip():
            different.add(piece.full_name)  # in branches of #if
        if text is not None:
            line = source.count("\n", 0, stop) + 1
            text = _told_lines(f'\n{text}\n#line {line} "kernel"\n', source)
            found.setdefault(piece.full_name, []).extend([grid, (start, stop, text)])
    return {
        name: declared.get(name, []) + edits
        for name, edits in found.items()
        if name not in different
    }


def _told_lines(text: str, source: str) -> str:
    """Return text for a block with the lines that the source's own ``#line`` directives tell."""
    if not re.search(r"^[ \t]*#[ \t]*line\b", source, re.MULTILINE):
        return text
    lines = logical_lines(source)
    text = re.sub(
        r'(?<=#line )(\d+) "kernel"',
        lambda found: '{} "{}"'.format(*lines[int(found[1]) - 1]),
        text,
    )
    return re.sub(r"(?<=dh_ended, )\d+", lambda found: str(lines[int(found.group()) - 1][0]), text)


def _translate(source: str, reading: Reading, blocks: dict[str, Edits], edits: Edits) -> str:
    text, edits = reading.masked, list(edits)
    marker = re.compile(rf"\b(?:{'|'.join(reading.markers)})\b")
    for found in marker.finditer(text):
        name, place = next(functions(text[found.start() :], reading.markers), ("", 0))
        place += found.start()
        if name:
            end = closing(text, place) - 1
            empty = text[place:end].strip() in ("", "void")
            edits.append((place, end, "DH_GRID") if empty else (place, place, "DH_GRID, "))
    edits += _dynamic(source, reading)
    # beside extern "C" without braces, variables would only be declared
    edits += [(found.start(), found.end(), "") for found in C_LINKAGE.finditer(text)]
    for found in re.finditer(r"\bstatic\s+(?=__shared__)|(?<=__shared__)\s+static\b", text):
        edits.append((found.start(), found.end(), " " + "\n" * found.group().count("\n")))
    for found in re.finditer(r"\b__shared__(?=\s+alignas\b)", text):  # which must not come first
        end = found.end()
        while another := re.compile(r"\s*alignas\s*\(").match(text, end):
            end = closing(text, another.end())
        edits.append((found.start(), end, f"{text[found.end() : end]} __shared__"))
    code = without_comments(source)
    edits += [(start, end, "") for start, end in known_headers(code).lines]
    edits += assembly(code, reading)
    for _, a, b in _instances(reading):
        edits = [edit for edit in edits if not a <= edit[0] < b]
        edits.append((a, b, "\n" * text.count("\n", a, b)))
    taken = [
        (block[k][0], block[k + 1][1]) for block in blocks.values() for k in range(0, len(block), 2)
    ]
    edits = [edit for edit in edits if not any(a <= edit[0] < b for a, b in taken)]
    edits += [edit for block in blocks.values() for edit in block]
    for start, end, new in sorted(edits, reverse=True):
        source = source[:start] + new + source[end:]
    return source


_SHARED = r"\b(?:extern\b[^;{}#]*?\b__shared__|__shared__\s+extern)\b"
_SHARED_ARRAY = r"[^;{}#[\]]*?\w+\s*\[\s*\](?:\[[^]]*\])*"


def _dynamic(source: str, reading: Reading) -> Edits:
    """Return what stands for arrays whose size a launch tells, also in macros that declare them."""
    text = reading.masked
    words = {  # such as `#define SHARED extern __shared__`
        name: body
        for name, body in reading.macros.items()
        if re.fullmatch(rf"\s*{_SHARED}[^;{{}}[\]]*", body) and not reading.macro_parameters[name]
    }
    starts = "|".join([_SHARED, *(rf"\b{name}\b" for name in words)])
    edits: Edits = []
    for found in re.finditer(rf"(?:{starts}){_SHARED_ARRAY}\s*;", text):
        outside = "" if in_function(text, found.start()) else "_OUTSIDE"
        new = _declared_dynamic(found[0][:-1], words, outside)
        lines = "\n" * found[0].count("\n")
        edits += [(found.start(), found.end(), f"{new};{lines}")] if new else []
    for directive in DIRECTIVE.finditer(source):
        for found in re.finditer(_SHARED + _SHARED_ARRAY, directive[0]):
            new = _declared_dynamic(found[0].replace("\\\n", " "), words, "")
            lines = "\\\n" * found[0].count("\n")
            place = directive.start() + found.start()
            edits += [(place, place + len(found[0]), new + lines)] if new else []
    return edits


def _declared_dynamic(text: str, words: Mapping[str, str], outside: str) -> str:
    text = re.sub(r"\w+", lambda found: words.get(found[0], found[0]), text)
    plain = re.sub(rf"{ALIGNED}|\b(?:extern|__shared__)\b", " ", text)
    declared = re.fullmatch(r"(.*?)(\w+)\s*\[\s*\]((?:\[[^]]*\])*)", " ".join(plain.split()))
    if declared is None:
        return ""
    return f"DH_DYNAMIC{outside}({declared[1].strip()}, {declared[2]}, {declared[3]})"


def _instances(reading: Reading) -> list[tuple[str, int, int]]:
    """Return name and place of each ``template __global__ void f<float>(...);``."""
    kernels = {piece.name for piece in reading.pieces if piece.kernel and "template" in piece.head}
    found = []
    for piece in reading.pieces:
        named = re.match(
            r"\s*(template\s+(?!<)[^(<]*?([\w:]+)\s*(<[^;]*>))\s*\([^;]*;", piece.text, re.DOTALL
        )
        if named and named[2].rpartition("::")[2] in kernels:
            name = " ".join(f"{piece.namespace}{named[2]}{named[3]}".split())
            found.append((name, piece.start + named.start(1), piece.start + len(piece.text)))
    return found


_MODES = ("DH_LOOP", "DH_GUARDED", "DH_FIBERS")


def _mode(text: str, waits: tuple[str, str, bool], fails: tuple[str, str, bool]) -> str:
    if waits[2] or re.search(waits[0], text):
        return "DH_FIBERS"
    return "DH_GUARDED" if fails[2] or re.search(fails[0], text) else "DH_LOOP"


def _block_mode(block: Edits, text: str, fails: tuple[str, str, bool]) -> str:
    """Return how a kernel runs that is written for a whole block."""
    # ... on a stack of its own, if it may fail, or needs much of it
    own = "dh_all_ended" in block[-1][2] or "DH_KEPT(" in block[-1][2]
    return "DH_GUARDED" if own or fails[2] or re.search(fails[0], text) else "DH_LOOP"


def entry_text(source: str, names: Sequence[str] = ()) -> str:
    """Return the launchers of a source's kernels, and the table of its kernels and variables.

    Parameters
    ----------
    source : str
        CUDA C or HIP, as for `translate`.
    names : sequence of str
        Instances of kernels that are templates, such as ``"sum<float>"``.
    """
    return _entry_text(read(source), names, {}, Branches(source))


def _entry_text(
    reading: Reading, names: Sequence[str], blocks: dict[str, Edits], branches: Branches
) -> str:
    waits, fails = _brings(_WAITS, GROUP_WAITS, reading), words_that_bring(_FAILS, reading)
    kernels: dict[str, tuple[str, str]] = {}
    macros: dict[str, list[str]] = {}  # of the branches that have a kernel or variable
    for piece in reading.pieces:
        if piece.kernel and piece.name and not re.search(r"\btemplate\b", piece.head):
            mode, name = _mode(piece.text, waits, fails), piece.full_name
            macros.setdefault(name, []).append(branches.macro(piece))
            if name in blocks:
                mode = _block_mode(blocks[name], piece.text, fails)
            elif name in kernels:  # another one, in a branch of #if
                mode = max(mode, kernels[name][1], key=_MODES.index)
            kernels[name] = name, mode
    if not reading.whole:
        for found in re.finditer(rf"\b(?:{'|'.join(reading.markers)})\b", reading.masked):
            name = next(functions(reading.masked[found.start() :], reading.markers), ("",))[0]
            kernels.setdefault(name, (name, _mode("", waits, fails)))
            macros.setdefault(name, []).append(branches.macro_at(found.start()))
    for name in dict.fromkeys((*names, *(name for name, _, _ in _instances(reading)))):
        # what a template's arguments bring along is not in its text
        kernels[name] = name, _mode(reading.masked, waits, fails)
        plain = name.split("<")[0].strip().removeprefix("::")
        same = [one for one in blocks if one == plain or one.endswith(f"::{plain}")]
        if len(same) == 1:
            kernels[name] = name, _block_mode(blocks[same[0]], reading.masked, fails)
    lines = ["#pragma GCC visibility pop"]
    table: list[str] = []
    for name, (expression, mode) in kernels.items():
        symbol = name if name.isidentifier() else f"{plain_name(name)}_{len(table)}"
        text = f'DH_LAUNCHER(da_launch_{symbol}, "{name}", {mode}, {expression})'
        kernel = f"dh_Kernel<{expression}>"
        row = f'{{"{name}", (void *)da_launch_{symbol}, 0, {kernel}::count, {kernel}::parameters}},'
        lines += guarded([text], macros.get(name, ()))
        table += guarded([row], macros.get(name, ()))
    for name, expression, piece in variables_of(reading):
        row = f'{{"{name}", (void *)&{expression}, sizeof({expression}), -1, 0}},'
        table += guarded([row], [branches.macro(piece)])
    lines += ["DH_PUBLIC const dh_Entry dh_entries[] = {", *table, "{0, 0, 0, 0, 0}};"]
    return "\n".join(lines) + "\n"


def plain_name(name: str) -> str:
    """Return a name with underscores for what is no part of a word."""
    return re.sub(r"\W+", "_", name)


# ---- the text for the compiler -----------------------------------------------------------------


def host_text(
    source: str,
    names: Sequence[str] = (),
    stack: int = 1 << 16,
    ended_pass: bool = False,
    checks: bool = False,
    whole_blocks: bool = False,
    defines: Sequence[str] = (),
    left_out: Container[str] = (),
) -> str:
    """Return the whole text for the compiler: headers, kernels, launchers.

    Parameters
    ----------
    source, names
        As for `entry_text`.
    stack : int
        Bytes of a fiber's stack.
    ended_pass : bool
        Whether threads that have ended do not count at barriers.
    checks : bool
        Whether accesses and barriers are checked; all threads are then fibers.
    whole_blocks : bool
        Whether kernels become loops over the threads of a block where that is a gain; see
        `host_blocks`.
    defines : sequence of str
        Macros that the compiler would be told by ``-D``: ``NAME`` or ``NAME=text``. They must not
        reach the headers.
    left_out : container of str
        Kernels that do not become loops over the threads of a block.
    """
    source = with_barriers(source)
    if not checks:  # which tell of what relies on warps
        source = in_step(source)
    defined = [define.partition("=") for define in defines]
    lines = [f"#define {name} {text if told else 1}" for name, told, text in defined]
    reading, code = read(source), without_comments(source)
    refused, headers = refusals(code, reading), known_headers(code)
    for name, told, value in defined:
        reading.macros.setdefault(name, value if told else "1")
    made = partial(_blocks, ended_pass=ended_pass)
    blocks = blocks_with_tiles(source, reading, made) if whole_blocks and not refused else {}
    blocks = {name: edits for name, edits in blocks.items() if name not in left_out}
    branches = Branches(source)
    launchers = _entry_text(reading, names, blocks, branches)
    everything = reading.masked + " ".join(reading.macros.values())
    _, calls, doubt = _brings(_INDICES, GROUP_INDICES, reading)
    texts = [
        blocks[piece.full_name][-1][2] if piece.full_name in blocks else piece.text
        for piece in reading.pieces
        if piece.kernel
    ]
    texts += names
    seen = rf"{calls}|\b(?:{GROUP_INDICES})\b"
    indices = doubt or any(re.search(seen, text) for text in texts)
    prints = re.search(r"\bprintf\b", everything) is not None
    return "\n".join(
        (
            *(['#line 1 "headers"'] if checks else []),
            *(["#define DH_INDICES"] if indices else []),
            *(line for line in lines if line.startswith(_NDEBUG)),  # assert is a macro there
            f"#define DH_STACK {stack}",
            f"#define DH_ENDED_PASS {ended_pass:d}",
            f"#define DH_PRINTS {prints:d}",
            *(_HIP if re.search(r"[<\"]hip/", source) else []),
            _functions_text(source, headers),
            library_names(reading.masked, _parts()["mathematics"]),
            *([_header("host_check_calls.h")] if checks else []),
            _header("host_grid.h"),
            *([_header("host_exchange.h")] if "DH_EXCHANGES(" in str(blocks) else []),
            *map(_header, headers.files),
            *(["#define DH_LOOP DH_FIBERS", "#define DH_GUARDED DH_FIBERS"] if checks else []),
            "#pragma GCC visibility push(hidden)",
            *(line for line in lines if not line.startswith(_NDEBUG)),
            *(f"#define {name} dh_own_{name}" for name in sorted(own_types(reading))),
            '#line 1 "kernel"',
            _translate(source, reading, blocks, [*refused, *branches.edits()]),
            '#line 1 "launchers"',
            launchers,
        )
    )


_NDEBUG = "#define NDEBUG "
# As on NVIDIA's GPUs: what is written for AMD's may use what only those have
_HIP = (
    "#define __HIPCC__ 1",
    "#define __HIP_PLATFORM_NVIDIA__ 1",
    "#define __HIP_DEVICE_COMPILE__ 1",
)


@cache
def library_text(checks: bool = False) -> str:
    """Return the text of the library that all kernels share, or of the one behind checks."""
    defines = ("DH_STACK 0", "DH_ENDED_PASS 0", "DH_PRINTS 0")
    return "\n".join(
        (
            *(f"#define {define}" for define in defines),
            _parts()["words"],
            _header("host_grid.h"),
            _header("host_checks.h" if checks else "host_fibers.h"),
        )
    )


def _header(name: str) -> str:
    return prelude((name,))


@cache
def _parts() -> dict[str, str]:
    """Return the parts of ``host_functions.h`` and ``host_special.h`` by their headings."""
    text = _header("host_functions.h") + _header("host_special.h").partition("\n\n")[2]
    _, *rest = re.split(r"^// ---- (\w+).*\n", text, flags=re.MULTILINE)
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    parts["words"] += parts.pop("constants") + _header("raw_constants.h")
    parts["special"] = "#define RAW_IN DH_IN\n" + _header("raw_special.h") + parts["special"]
    return parts


_RARE = {  # parts that only these names bring
    "special": r"(?:erfinv|erfcinv|normcdfinv|erfcx|cyl_bessel_i[01]|r?norm(?:[34]d)?|nan"
    r"|scalbln)f?",
    "directed": r"__(?:[fd](?:add|sub|mul|div|rcp|sqrt)|fmaf?|u?int2float|u?ll2(?:float|double)"
    r"|double2float)_r[zdu]",
    "packed": r"__v\w+[24]|__dp[24]a\w*",
}
_PASTED = {  # names that macros put together
    "vectors": r"(?:make_)?(?:u?(?:char|short|int|long|longlong)|float|double)[1-4]",
    "atomics": r"atomic\w+|__threadfence\w*",
    "mathematics": r"__[fd]\w+_rn",
    "intrinsics": r"__\w+_r[nzdu]|globaltimer",
}
_NEEDS = {"special": ("mathematics",), "directed": ("intrinsics",), "intrinsics": ("mathematics",)}


@cache
def _names() -> dict[str, frozenset[str]]:
    """Return the names that a source may have from each part; their halves make no harm."""
    common = {*WORD.findall(_parts()["words"] + _header("host_grid.h")), "else", "while"}
    found = {}
    for part, text in _parts().items():
        words = {word for word in WORD.findall(text) if len(word) > 1}
        found[part] = frozenset((words | {f"{word}f" for word in words}) - common)
    return found


def _functions_text(source: str, headers: Headers) -> str:
    """Return the parts of ``host_functions.h`` and ``host_special.h`` that a source needs."""
    parts, names = _parts(), _names()
    for start, end in reversed(headers.lines):
        source = source[:start] + source[end:]
    words = frozenset(WORD.findall(source))
    own = re.search(r"^[ \t]*#[ \t]*include", source, re.MULTILINE)
    needed = (
        {"vectors", "mathematics"}
        if {"host_half.h", "host_complex.h", "host_curand.h"} & {*headers.files}
        else set()
    )
    for part in parts:
        pattern = _RARE.get(part) or _PASTED.get(part, "(?!)")
        known = part not in _RARE and words & names[part]
        if own or known or any(re.fullmatch(pattern, word) for word in words):
            needed.add(part)
    for part in ("directed", "intrinsics", "special"):
        if part in needed:
            needed.update(_NEEDS[part])
    return "\n".join(
        [parts["words"], *(parts[part] for part in parts if part in needed - {"words"})]
    )
