"""CUDA C and HIP kernels on the host: their text, what is changed in it, and its launchers.

The language is made by headers (``include/host_functions.h``, ``host_grid.h``), mostly by macros.
What macros cannot do is done here on the text: kernels get hidden parameters, dynamic shared memory
and known headers are replaced. No text is moved between lines, so that the compiler's messages name
the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from .signatures import Parameter, parse_parameters

__all__ = ["entry_text", "host_text", "library_text", "signatures", "translate"]

# ---- reading kernel text ---------------------------------------------------------------------

_OPAQUE = re.compile(
    r"//(?:\\\n|[^\n])*|/\*.*?\*/"
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z])\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_DEFINE = re.compile(r"[ \t]*#\s*define\s+(\w+)(\([^)]*\))?(.*)", re.DOTALL)
_INCLUDE = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:cuda(?!_fp|_bf)[\w.]*|device_launch_parameters\.h"
    r"|hip/[\w.]+|c?(?:stdio|math|assert|stdint|stddef|stdlib|float|limits|string)(?:\.h)?"
    r"|math_constants\.h|vector_types\.h|vector_functions\.h|builtin_types\.h)[>\"]",
    re.MULTILINE,
)
_WAITS = (
    r"__syncthreads\w*|__syncwarp|__barrier_sync|__shfl\w*|__(?:all|any)(?:_sync)?|__ballot\w*"
    r"|__activemask|__match_\w+|__reduce_\w+_sync"
)
_FAILS = r"assert|__trap"
_INDICES = rf"threadIdx|blockIdx|blockDim|gridDim|hip(?:Thread|Block|Grid)\w+|{_FAILS}"
_WORD = re.compile(r"\w+")
_ALIGNED = r"\b(?:__align__|alignas)\s*\([^)]*\)|\b__attribute__\s*\(\([^)]*\)+"
_ATTRIBUTES = ("__launch_bounds__", "__attribute__", "__align__", "alignas", "__cluster_dims__")


def _masked(source: str) -> str:
    """Return the text with blanks for comments and underscores for what strings contain."""

    def hide(found: re.Match[str]) -> str:
        text = found.group()
        if text.startswith("/"):
            return re.sub(r"[^\n]", " ", text)
        return text[0] + re.sub(r"[^\n]", "_", text[1:-1]) + text[-1]

    return _OPAQUE.sub(hide, source)


@dataclass
class _Piece:
    """A declaration or definition outside of functions: where it lies, and what it is."""

    text: str
    namespace: str
    head: str = ""  # what comes before its braces
    name: str = ""  # of a function
    kernel: bool = False


@dataclass
class _Reading:
    """What is known of a source.

    Attributes
    ----------
    masked : str
        The text without comments, strings and directives.
    macros : dict
        The text of each macro.
    markers : dict
        Words that make a function a kernel; whether they take the name as an argument.
    pieces : list
        The declarations.
    whole : bool
        False if braces do not match: nothing is then known of the pieces.
    """

    masked: str
    macros: dict[str, str]
    markers: dict[str, bool]
    pieces: list[_Piece] = field(default_factory=list)
    whole: bool = True


def _read(source: str) -> _Reading:
    text = _masked(source)
    macros: dict[str, str] = {}
    markers = {"__global__": False}
    for directive in _DIRECTIVE.findall(text):
        found = _DEFINE.match(directive)
        if found:
            name, parameters, body = found.groups()
            macros[name] = macros.get(name, "") + " " + body
            if any(word in markers for word in _WORD.findall(body)):
                markers[name] = bool(parameters)
    text = _DIRECTIVE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    reading = _Reading(text, macros, markers)
    _split(reading)
    for piece in reading.pieces:
        piece.head = piece.text.split("{", 1)[0]
        piece.kernel = any(word in markers for word in _WORD.findall(piece.head))
        piece.name = next(_functions(piece.head, markers), ("", 0))[0]
    return reading


def _split(reading: _Reading) -> None:
    """Cut the text into pieces; braces of namespaces and of `extern "C"` do not count."""
    text = reading.masked
    spaces: list[str] = []
    depth = start = 0
    for found in re.finditer(r"[{};]", text):
        sign, end = found.group(), found.end()
        head = text[start : found.start()]
        if sign == "{":
            space = re.search(r'(?:extern\s*"_*"|\bnamespace\s*([\w:]*))\s*$', head)
            if depth == 0 and space:
                spaces.append(space.group(1) or "")
                start = end
            else:
                depth += 1
            continue
        if sign == "}":
            if depth == 0:
                reading.whole = reading.whole and bool(spaces)
                del spaces[-1:]
                start = end
                continue
            depth -= 1
            if depth == 0 and re.compile(r"\s*[,;]").match(text, end):  # an initializer, a class
                continue
        if depth == 0:
            namespace = "".join(f"{space}::" for space in spaces if space)
            reading.pieces.append(_Piece(text[start:end], namespace))
            start = end
    reading.whole = reading.whole and depth == 0 and not spaces


def _functions(head: str, markers: dict[str, bool]) -> Iterator[tuple[str, int]]:
    """Yield name and the place behind the opening parenthesis of what looks like a function."""
    for found in re.finditer(r"(\w+)\s*\(", head):
        name = found.group(1)
        if markers.get(name):  # KERNEL(name)(parameters)
            close = _closing(head, found.end())
            opening = re.compile(r"\s*\(").match(head, close)
            words = _WORD.findall(head[found.end() : close])
            if opening and words:
                yield words[-1], opening.end()
        elif name not in _ATTRIBUTES and _outside(head, found.start()):
            yield name, found.end()


def _closing(text: str, place: int) -> int:
    """Return the place behind the parenthesis that closes the one before `place`."""
    depth = 1
    while depth and place < len(text):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return place


def _outside(text: str, place: int) -> bool:
    return text.count("(", 0, place) == text.count(")", 0, place)


def _words(pattern: str, reading: _Reading) -> tuple[str, str, bool]:
    """Return what brings `pattern` into the text of a function: two patterns, and a doubt.

    The first is for all words, the second for those behind which a function is called. The doubt:
    what has no name of its own, such as a method or a lambda, brings it.
    """
    direct = re.compile(rf"\b(?:{pattern})\b")
    macros = {name for name, body in reading.macros.items() if direct.search(body)}
    functions: set[str] = set()
    doubt = not reading.whole and bool(direct.search(reading.masked))
    known = -1
    while known < (known := len(macros) + len(functions)):
        for name, body in reading.macros.items():
            words = set(_WORD.findall(body))
            if words & macros:
                macros.add(name)
            if words & functions:
                functions.add(name)
        for piece in reading.pieces:
            if not piece.kernel:
                words = set(_WORD.findall(piece.text))
                if words & (macros | functions) or direct.search(piece.text):
                    head = re.sub(r"<[^<>]*>", "", piece.head)
                    named = piece.name and not re.search(r"\b(?:struct|class)\b|=", head)
                    doubt = doubt or not named
                    functions.add(piece.name)
    functions.discard("")
    calls = "|".join(map(re.escape, sorted(functions)))
    everything = "|".join([pattern, *map(re.escape, sorted(macros | functions))])
    return rf"\b(?:{everything})\b", rf"\b(?:{calls})\b" if calls else r"(?!)", doubt


def signatures(source: str) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of each kernel of a source, as its text declares them."""
    reading = _read(source)
    found = {}
    for piece in reading.pieces:
        if piece.kernel and piece.name:
            head = piece.head
            place = next(_functions(head, reading.markers))[1]
            found[piece.name] = parse_parameters(head[place : _closing(head, place) - 1])
    return found


# ---- what is changed and added -----------------------------------------------------------------


def translate(source: str) -> str:
    """Return kernel text that compiles behind ``include/host_grid.h``.

    Parameters
    ----------
    source : str
        CUDA C or HIP.
    """
    return _translate(source, _read(source))


def _translate(source: str, reading: _Reading) -> str:
    text = reading.masked
    edits: list[tuple[int, int, str]] = []
    marker = re.compile(rf"\b(?:{'|'.join(reading.markers)})\b")
    for found in marker.finditer(text):
        name, place = next(_functions(text[found.start() :], reading.markers), ("", 0))
        place += found.start()
        if name:
            end = _closing(text, place) - 1
            empty = text[place:end].strip() in ("", "void")
            edits.append((place, end, "DH_GRID") if empty else (place, place, "DH_GRID, "))
    shared = r"\b(?:extern\s+(?:[\w\s]*\s)?__shared__|__shared__\s+extern)\b([^;{}]*);"
    for found in re.finditer(shared, text):
        declared = re.fullmatch(
            r"\s*((?:__align__|alignas)\s*\([^)]*\)\s*)*(.*?)(\w+)\s*\[\s*\]((?:\[[^]]*\])*)\s*",
            found.group(1),
            re.DOTALL,
        )
        if declared:
            kind = re.sub(r"(?:__align__|alignas)\s*\([^)]*\)", "", declared[2]).strip()
            if "volatile" in found.group().split("__shared__")[0]:
                kind = f"volatile {kind}"
            macro = "DH_DYNAMIC" if _in_function(text, found.start()) else "DH_DYNAMIC_OUTSIDE"
            lines = "\n" * found.group().count("\n")
            new = f"{macro}({kind.replace(chr(10), ' ')}, {declared[3]}, {declared[4]});{lines}"
            edits.append((found.start(), found.end(), new))
    for found in re.finditer(r"\bstatic\s+(?=__shared__)|(?<=__shared__)\s+static\b", text):
        edits.append((found.start(), found.end(), " " + "\n" * found.group().count("\n")))
    code = _masked_comments(source)
    edits += [(found.start(), found.end(), "") for found in _INCLUDE.finditer(code)]
    for start, end, new in sorted(edits, reverse=True):
        source = source[:start] + new + source[end:]
    return source


def _masked_comments(source: str) -> str:
    return _OPAQUE.sub(
        lambda found: re.sub(r"[^\n]", " ", found.group()) if found[0][0] == "/" else found[0],
        source,
    )


def _in_function(text: str, place: int) -> bool:
    """Return whether a function's braces are open at this place."""
    opened: list[bool] = []
    for found in re.finditer(r"[{}]", text[:place]):
        if found.group() == "{":
            opened.append(
                bool(re.search(r"(?:[);{}]|\belse|\bdo|\bconst)\s*$", text[: found.start()]))
            )
        else:
            del opened[-1:]
    return any(opened)


def _mode(text: str, waits: tuple[str, str, bool], fails: tuple[str, str, bool]) -> str:
    if waits[2] or re.search(waits[0], text):
        return "DH_FIBERS"
    return "DH_GUARDED" if fails[2] or re.search(fails[0], text) else "DH_LOOP"


def entry_text(source: str, names: Sequence[str] = ()) -> str:
    """Return the launchers of a source's kernels, and the table of its kernels and variables.

    Parameters
    ----------
    source : str
        CUDA C or HIP, as for `translate`.
    names : sequence of str
        Instances of kernels that are templates, such as ``"sum<float>"``.
    """
    return _entry_text(_read(source), names)


def _entry_text(reading: _Reading, names: Sequence[str]) -> str:
    waits, fails = _words(_WAITS, reading), _words(_FAILS, reading)
    kernels: dict[str, tuple[str, str]] = {}
    for piece in reading.pieces:
        if piece.kernel and piece.name and not re.search(r"\btemplate\b", piece.head):
            mode = _mode(piece.text, waits, fails)
            kernels[piece.name] = piece.namespace + piece.name, mode
    if not reading.whole:
        for found in re.finditer(rf"\b(?:{'|'.join(reading.markers)})\b", reading.masked):
            name = next(_functions(reading.masked[found.start() :], reading.markers), ("",))[0]
            kernels.setdefault(name, (name, _mode("", waits, fails)))
    for name in names:
        # what a template's arguments bring along is not in its text
        kernels[name] = name, _mode(reading.masked, waits, fails)
    lines = ["#pragma GCC visibility pop"]
    table: list[str] = []
    for name, (expression, mode) in kernels.items():
        symbol = name if name.isidentifier() else f"{_plain(name)}_{len(table)}"
        lines.append(f'DH_LAUNCHER(da_launch_{symbol}, "{name}", {mode}, {expression})')
        kernel = f"dh_Kernel<{expression}>"
        table.append(
            f'{{"{name}", (void *)da_launch_{symbol}, 0, {kernel}::count, {kernel}::parameters}}'
        )
    for name, expression in _variables(reading):
        table.append(f'{{"{name}", (void *)&{expression}, sizeof({expression}), -1, 0}}')
    lines.append(
        f"DH_PUBLIC const dh_Entry dh_entries[] = {{{', '.join([*table, '{0, 0, 0, 0, 0}'])}}};"
    )
    return "\n".join(lines) + "\n"


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def _variables(reading: _Reading) -> Iterator[tuple[str, str]]:
    """Yield name and expression of each ``__device__`` or ``__constant__`` variable."""
    for piece in reading.pieces:
        head = re.sub(r"\[[^]]*\]", "", re.sub(_ALIGNED, "", piece.head))
        qualified = re.search(r"\b__(?:device|constant|managed)__\b", head)
        other = "(" in head.split("=")[0] or re.search(r"\b(?:template|extern|using)\b", head)
        if qualified and not other and not piece.kernel:
            text = re.sub(_ALIGNED, "", piece.text).rstrip("; \n")
            nested, count = re.compile(r"[<({\[][^]<[({})>]*[\])}>]"), 1
            while count:
                text, count = nested.subn("", text)
            for part in text.split(","):
                words = _WORD.findall(part.split("=")[0])
                if words and not re.search(r"\b(?:struct|class|union|enum)\s+\w+\s*$", part):
                    yield words[-1], piece.namespace + words[-1]


# ---- the text for the compiler -----------------------------------------------------------------


def host_text(
    source: str,
    names: Sequence[str] = (),
    stack: int = 1 << 16,
    ended_pass: bool = False,
    checks: bool = False,
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
    """
    reading = _read(source)
    everything = reading.masked + " ".join(reading.macros.values())
    _, calls, doubt = _words(_INDICES, reading)
    texts = [everything] if names else [piece.text for piece in reading.pieces if piece.kernel]
    indices = doubt or any(re.search(calls, text) for text in texts)
    prints = re.search(r"\bprintf\b", everything) is not None
    return "\n".join(
        (
            *(["#define DH_INDICES"] if indices else []),
            f"#define DH_STACK {stack}",
            f"#define DH_ENDED_PASS {ended_pass:d}",
            f"#define DH_PRINTS {prints:d}",
            _functions_text(source),
            *([_header("host_check_calls.h")] if checks else []),
            _header("host_grid.h"),
            *(["#define DH_LOOP DH_FIBERS", "#define DH_GUARDED DH_FIBERS"] if checks else []),
            "#pragma GCC visibility push(hidden)",
            '#line 1 "kernel"',
            _translate(source, reading),
            '#line 1 "launchers"',
            _entry_text(reading, names),
        )
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


@cache
def _header(name: str) -> str:
    return (resources.files("devarray.kernels") / "include").joinpath(name).read_text()


@cache
def _parts() -> dict[str, str]:
    """Return the parts of ``host_functions.h`` by their headings."""
    _, *rest = re.split(r"^// ---- (\w+).*\n", _header("host_functions.h"), flags=re.MULTILINE)
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    parts["words"] += parts.pop("constants")
    return parts


@cache
def _names() -> dict[str, frozenset[str]]:
    """Return the names that a source may have from each part; their halves make no harm."""
    common = {*_WORD.findall(_parts()["words"] + _header("host_grid.h")), "else", "while"}
    found = {}
    for part, text in _parts().items():
        words = {word for word in _WORD.findall(text) if len(word) > 1}
        found[part] = frozenset((words | {f"{word}f" for word in words}) - common)
    return found


def _functions_text(source: str) -> str:
    """Return the parts of ``host_functions.h`` that a source needs."""
    parts, names = _parts(), _names()
    words = frozenset(_WORD.findall(source))
    own = re.search(r"^[ \t]*#[ \t]*include", _INCLUDE.sub("", source), re.MULTILINE)
    pasted = {
        "vectors": r"(?:make_)?(?:u?(?:char|short|int|long|longlong)|float|double)[1-4]",
        "atomics": r"atomic\w+|__threadfence\w*",
        "mathematics": r"__[fd]\w+_rn",
        "intrinsics": r"__\w+_r[nzdu]",
    }
    needed = {
        part
        for part, pattern in pasted.items()
        if own or words & names[part] or any(re.fullmatch(pattern, word) for word in words)
    }
    if "intrinsics" in needed:
        needed.add("mathematics")
    return "\n".join([parts["words"], *(parts[part] for part in parts if part in needed)])
