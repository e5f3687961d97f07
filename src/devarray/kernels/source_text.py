"""Reading CUDA C and HIP: the declarations of a source, its macros, its kernels.

It is no compiler's reading: what it does not find, it says nothing of.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .signatures import Parameter, parse_parameters, split_list

__all__ = [
    "ALIGNED",
    "C_LINKAGE",
    "DIRECTIVE",
    "INCLUDE",
    "OPAQUE",
    "Piece",
    "Reading",
    "WORD",
    "closing",
    "constants_of",
    "dynamic_kernels",
    "expanded",
    "included",
    "kernels_at",
    "functions",
    "in_function",
    "logical_lines",
    "masked_text",
    "own_types",
    "read",
    "signatures",
    "variables_of",
    "without_comments",
    "words_that_bring",
]

OPAQUE = re.compile(
    r"//(?:\\\n|[^\n])*|/\*.*?\*/"
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z])\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_DEFINE = re.compile(r"[ \t]*#\s*define\s+(\w+)(\([^)]*\))?(.*)", re.DOTALL)
C_LINKAGE = re.compile(
    r'\bextern\s*"_*"\s*(?=(?:static\s+)?__(?:device|constant|managed)__\b[^(){}]*[;={])'
)
INCLUDE = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:cuda(?!_fp|_bf)[\w.]*|device_launch_parameters\.h"
    r"|hip/[\w.]+|(?:stdio|math|assert|stdint|stddef|stdlib|float|limits|string)\.h"
    r"|c(?:stdio|assert|stdint|stddef|stdlib|float|limits|string)"
    r"|(?:math_constants|vector_types|vector_functions|builtin_types|sm_\d+_intrinsics)\.h"
    r"|(?:crt/)?(?:math|device)_functions\.h|(?:sm_\d+|device)_atomic_functions\.h)[>\"]",
    re.MULTILINE,
)
WORD = re.compile(r"\w+")
ALIGNED = r"\b(?:__align__|alignas)\s*\([^)]*\)|\b__attribute__\s*\(\([^)]*\)+"
_ATTRIBUTES = ("__launch_bounds__", "__attribute__", "__align__", "alignas", "__cluster_dims__")


def masked_text(source: str) -> str:
    """Return the text with blanks for comments and underscores for what strings contain."""

    def hide(found: re.Match[str]) -> str:
        text = found.group()
        if text.startswith("/"):
            return re.sub(r"[^\n]", " ", text)
        return text[0] + re.sub(r"[^\n]", "_", text[1:-1]) + text[-1]

    return OPAQUE.sub(hide, source)


@dataclass
class Piece:
    """A declaration or definition outside of functions: where it lies, and what it is."""

    text: str
    namespace: str
    head: str = ""  # what comes before its braces
    name: str = ""  # of a function
    kernel: bool = False
    start: int = 0  # of `text` in the source

    @property
    def full_name(self) -> str:
        """The name with its namespaces."""
        return self.namespace + self.name


@dataclass
class Reading:
    """What is known of a source.

    Attributes
    ----------
    masked : str
        The text without comments, strings and directives.
    macros : dict
        The text of each macro.
    macro_parameters : dict
        The names of each macro's parameters.
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
    macro_parameters: dict[str, set[str]]
    pieces: list[Piece] = field(default_factory=list)
    whole: bool = True


def read(source: str) -> Reading:
    """Return what there is to know of a source."""
    text = masked_text(source)
    macros: dict[str, str] = {}
    macro_parameters: dict[str, set[str]] = {}
    markers = {"__global__": False}
    for directive in DIRECTIVE.findall(text):
        found = _DEFINE.match(directive)
        if found:
            name, parameters, body = found.groups()
            macros[name] = macros.get(name, "") + " " + body
            macro_parameters.setdefault(name, set()).update(WORD.findall(parameters or ""))
            if any(word in markers for word in WORD.findall(body)):
                markers[name] = bool(parameters)
    text = DIRECTIVE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    reading = Reading(text, macros, markers, macro_parameters)
    _split(reading)
    for piece in reading.pieces:
        _leave_out_uses(piece, reading)
        piece.head = piece.text.split("{", 1)[0]
        piece.kernel = any(word in markers for word in WORD.findall(piece.head))
        piece.name = next(functions(piece.head, markers), ("", 0))[0]
    return reading


def _split(reading: Reading) -> None:
    """Cut the text into pieces; braces of namespaces and of `extern "C"` do not count."""
    text = reading.masked
    spaces: list[str] = []
    depth = start = 0
    for found in re.finditer(r"[{};]", text):
        sign, end = found.group(), found.end()
        if sign == "{":
            space = None
            if depth == 0:
                head = text[start : found.start()]
                space = re.search(r'(?:extern\s*"_*"|\bnamespace\s*([\w:]*))\s*$', head)
            if space:
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
            if depth:
                continue
            head = text[start:end].split("{", 1)[0]
            of_class = re.search(r"\b(?:struct|class|union|enum)\b[^()]*$", head)
            if of_class or re.compile(r"\s*[,;]").match(text, end):
                continue  # what it initialises, or the variables of a class, come behind it
        if depth == 0:
            namespace = "".join(f"{space}::" for space in spaces if space)
            reading.pieces.append(Piece(text[start:end], namespace, start=start))
            start = end
    reading.whole = reading.whole and depth == 0 and not spaces


def _leave_out_uses(piece: Piece, reading: Reading) -> None:
    """Let a piece begin behind uses of macros that end without a semicolon: ``MAKE(float)``."""
    use, word = re.compile(r"\s*(\w+)\s*\("), re.compile(r"\s*\w")
    while found := use.match(piece.text):
        end = closing(piece.text, found.end())
        other = found[1] not in reading.macros or found[1] in reading.markers
        if other or not word.match(piece.text, end):
            break
        piece.text, piece.start = piece.text[end:], piece.start + end


def functions(head: str, markers: dict[str, bool]) -> Iterator[tuple[str, int]]:
    """Yield name and the place behind the opening parenthesis of what looks like a function."""
    for found in re.finditer(r"(\w+)\s*(?:<[\w\s:,*]*>\s*)?\(", head):  # f(, f<float>(
        name = found.group(1)
        if markers.get(name):  # KERNEL(name)(parameters)
            close = closing(head, found.end())
            opening = re.compile(r"\s*\(").match(head, close)
            words = WORD.findall(head[found.end() : close])
            if opening and words:
                yield words[-1], opening.end()
        elif name not in _ATTRIBUTES and _outside(head, found.start()):
            yield name, found.end()


def closing(text: str, place: int) -> int:
    """Return the place behind the parenthesis that closes the one before `place`."""
    depth = 1
    while depth and place < len(text):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return place


def _outside(text: str, place: int) -> bool:
    return text.count("(", 0, place) == text.count(")", 0, place)


def words_that_bring(pattern: str, reading: Reading) -> tuple[str, str, bool]:
    """Return what brings `pattern` into the text of a function: two patterns, and a doubt.

    The first is for all words, the second for those behind which a function is called. The doubt:
    what has no name of its own, such as a method or a lambda, brings it.
    """
    direct = re.compile(rf"\b(?:{pattern})\b")
    macros = {name for name, body in reading.macros.items() if direct.search(body)}
    bringers: set[str] = set()
    doubt = not reading.whole and bool(direct.search(reading.masked))
    known = -1
    while known < (known := len(macros) + len(bringers)):
        for name, body in reading.macros.items():
            words = set(WORD.findall(body))
            if words & macros:
                macros.add(name)
            if words & bringers:
                bringers.add(name)
        for piece in reading.pieces:
            if not piece.kernel:
                words = set(WORD.findall(piece.text))
                if words & (macros | bringers) or direct.search(piece.text):
                    head = re.sub(r"<[^<>]*>", "", piece.head).partition("(")[0]
                    named = piece.name and not re.search(r"\b(?:struct|class)\b|=", head)
                    doubt = doubt or not named
                    bringers.add(piece.name)
    bringers.discard("")
    calls = "|".join(map(re.escape, sorted(bringers)))
    everything = "|".join([pattern, *map(re.escape, sorted(macros | bringers))])
    return rf"\b(?:{everything})\b", rf"\b(?:{calls})\b" if calls else r"(?!)", doubt


_ANY_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]+)[>\"]", re.MULTILINE)


# What CUDA, HIP and the compiler bring along: ours take the place of those that are known
_CUDA_HEADER = re.compile(
    r"(?:cuda|cublas|curand|cufft|cooperative_groups|thrust/|cub/|hip/|hiprand|crt/|nv/)[\w./]*"
    r"|cuComplex\.h|mma\.h|device_\w+\.h|vector_\w+\.h|math_\w+\.h|builtin_types\.h|[a-z]+"
)


def included(source: str, options: Iterable[str]) -> str:
    """Return a digest of the files that a source includes, so that caches know when they change.

    Files are looked for in the folders that options name (``-Ifolder``), and beside files that
    include them; those of the compiler and the system are not.
    """
    folders = [option[2:].strip() for option in options if option.startswith("-I")]
    digest = hashlib.sha256()
    seen: set[str] = set()
    texts = [(source, "")]
    while texts:
        text, beside = texts.pop()
        for name in _ANY_INCLUDE.findall(text):
            found = (os.path.join(folder, name) for folder in (beside, *folders) if folder)
            path = next(filter(os.path.isfile, found), None)
            if path is not None and path not in seen:
                seen.add(path)
                with open(path, encoding="utf-8", errors="replace") as file:
                    texts.append((file.read(), os.path.dirname(path)))
                digest.update(texts[-1][0].encode() + b"\0")
    return digest.hexdigest() if seen else ""


def expanded(source: str, options: Iterable[str]) -> str:
    """Return a source with the files that it includes in the place of their names.

    What is done to the text of kernels is so done to those files, too, which may have kernels, or
    functions that wait. Files are those of `included`; the compiler's messages name them. Macros
    whose text is a whole kernel are replaced by that.
    """
    folders = [option[2:].strip() for option in options if option.startswith("-I")]
    return _kernels_written(_expanded(source, "kernel", "", folders, ()))


def _kernels_written(source: str) -> str:
    """Return a source with the text of macros that are kernels where they are used."""
    masked = masked_text(source)
    macros = {}
    for directive in DIRECTIVE.finditer(masked):
        found = _DEFINE.match(source, directive.start(), directive.end())
        if found and found[2] and "{" in found[3] and re.search(r"\b__global__\b", found[3]):
            names = [name.strip() for name in found[2][1:-1].split(",")]
            body = OPAQUE.sub(lambda word: " " if word[0][0] == "/" else word[0], found[3])
            macros[found[1]] = names, body.replace("\\\n", " ")
    if not macros:
        return source
    masked = DIRECTIVE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), masked)
    for use in reversed(list(re.finditer(rf"\b({'|'.join(macros)})\s*\(", masked))):
        end = closing(masked, use.end())
        names, body = macros[use[1]]
        given = [text.strip() for text in split_list(source[use.end() : end - 1])]
        if len(given) == len(names):
            lines = "\n" * source.count("\n", use.start(), end)
            text = _substituted(body, dict(zip(names, given, strict=True)))
            source = source[: use.start()] + text + lines + source[end:]
    return source


def _substituted(body: str, values: dict[str, str]) -> str:
    """Return a macro's text with its arguments, ``#name`` and ``a##b`` included."""
    words = "|".join(map(re.escape, values))
    if words:
        body = re.sub(
            rf"(?<!#)#\s*({words})\b",
            lambda found: '"' + values[found[1]].replace('"', '\\"') + '"',
            body,
        )
        body = re.sub(rf"\b({words})\b", lambda found: values[found[1]], body)
    return re.sub(r"\s*##\s*", "", body)


def _expanded(
    text: str, label: str, beside: str, folders: list[str], within: tuple[str, ...]
) -> str:
    code = without_comments(text)
    parts, end = [], 0
    for directive in _ANY_INCLUDE.finditer(code):
        places = [os.path.join(folder, directive[1]) for folder in (beside, *folders) if folder]
        path = next(filter(os.path.isfile, places), None)
        if path is None or path in within or _CUDA_HEADER.fullmatch(directive[1]):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            inner = file.read()
        inner = _expanded(inner, path, os.path.dirname(path), folders, (*within, path))
        once = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+once\b", re.MULTILINE)
        if once.search(inner):
            guard = f"DH_ONCE_{hashlib.sha256(path.encode()).hexdigest()[:16]}"
            inner = f"{once.sub('', inner)}\n#endif\n"
            parts += [text[end : directive.start()], f"#ifndef {guard}\n#define {guard}\n"]
        else:
            parts.append(text[end : directive.start()])
        line = text.count("\n", 0, directive.end()) + 2
        parts.append(f'#line 1 "{path}"\n{inner}\n#line {line} "{label}"')
        end = directive.end()
    return "".join([*parts, text[end:]])


def logical_lines(source: str) -> list[tuple[int, str]]:
    """Return number and file of each line of a source, as its ``#line`` directives tell."""
    found = []
    number, file = 1, "kernel"
    for line in source.split("\n"):
        found.append((number, file))
        told = _LINE.match(line)
        number, file = (int(told[1]), told[2] or file) if told else (number + 1, file)
    return found


_LINE = re.compile(r'[ \t]*#[ \t]*line[ \t]+(\d+)(?:[ \t]+"([^"\n]*)")?[ \t]*$')


_DYNAMIC = re.compile(r"\bextern\b[^;{}]*\b__shared__|__shared__\s+extern|HIP_DYNAMIC_SHARED")


def dynamic_kernels(source: str) -> set[str]:
    """Return the kernels that declare shared memory whose size a launch tells."""
    reading = read(source)
    macros = {name for name, body in reading.macros.items() if _DYNAMIC.search(body)}
    kernels = [piece for piece in reading.pieces if piece.kernel]
    found = {piece.name for piece in kernels if _DYNAMIC.search(piece.text)}
    return found | {piece.name for piece in kernels if macros & {*WORD.findall(piece.text)}}


def kernels_at(source: str, lines: Iterable[int]) -> set[str]:
    """Return the kernels to whose text lines of a source belong."""
    wanted = set(lines)
    found = set()
    for piece in read(source).pieces:
        first = source.count("\n", 0, piece.start) + 1
        if piece.kernel and wanted & set(range(first, first + piece.text.count("\n") + 1)):
            found.add(piece.full_name)
    return found


def signatures(source: str) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of each kernel of a source, as its text declares them."""
    reading = read(source)
    found = {}
    for piece in reading.pieces:
        if piece.kernel and piece.name:
            head = piece.head
            place = next(functions(head, reading.markers))[1]
            found[piece.name] = parse_parameters(head[place : closing(head, place) - 1])
    return found


def without_comments(source: str) -> str:
    """Return a source with blanks for its comments."""
    return OPAQUE.sub(
        lambda found: re.sub(r"[^\n]", " ", found.group()) if found[0][0] == "/" else found[0],
        source,
    )


def in_function(text: str, place: int) -> bool:
    """Return whether a function's braces are open at this place."""
    opened: list[bool] = []
    for found in re.finditer(r"[{}]", text[:place]):
        if found.group() == "{":
            end = found.start()
            while end and text[end - 1].isspace():
                end -= 1
            before = text[max(end - 6, 0) : end]  # no more, so that long texts take no longer
            opened.append(bool(re.search(r"(?:[);{}]|\belse|\bdo|\bconst)$", before)))
        else:
            del opened[-1:]
    return any(opened)


_KNOWN_TYPES = r"u?int(?:8|16|32|64)_t|uchar|ushort|uint|ulong"


def own_types(reading: Reading) -> set[str]:
    """Return the names of types that are known without a header and that a source defines."""
    pattern = rf"\btypedef\b[^;{{}}()]*?\b({_KNOWN_TYPES})\s*[;,]|\busing\s+({_KNOWN_TYPES})\s*="
    return {found[1] or found[2] for found in re.finditer(pattern, reading.masked)}


def constants_of(reading: Reading) -> frozenset[str]:
    """Return the names of numbers outside of functions that do not change during a launch."""
    others = re.compile(r"\b(?:struct|class|union)\b")
    pieces = [piece.text for piece in reading.pieces if not piece.name]
    text = " ".join(piece for piece in pieces if not others.search(piece))
    names = re.findall(
        r"\b(?:const|constexpr|__constant__)\b[^;{}()=*&\[\]]*?\b(\w+)\s*(?:=|;)", text
    )
    for members in re.findall(r"\benum\b[^;{}()]*\{([^{}]*)\}", text):
        names += re.findall(r"(\w+)\s*(?=[=,]|$)", re.sub(r"=[^,]*", "", members))
    return frozenset(names)


def variables_of(reading: Reading) -> Iterator[tuple[str, str, Piece]]:
    """Yield name, expression and declaration of ``__device__`` and ``__constant__`` variables."""
    for piece in reading.pieces:
        head = re.sub(r"\[[^]]*\]", "", re.sub(ALIGNED, "", C_LINKAGE.sub("", piece.head)))
        qualified = re.search(r"\b__(?:device|constant|managed)__\b", head)
        other = "(" in head.split("=")[0] or re.search(
            r"\b(?:template|extern|using|operator)\b", head
        )
        if qualified and not other and not piece.kernel:
            text = re.sub(ALIGNED, "", piece.text).rstrip("; \n")
            text = re.sub(r"\b(?:struct|class|union|enum)\b[^;{}=]*{", "{", text)
            nested, count = re.compile(r"[<({\[][^]<[({})>]*[\])}>]"), 1
            while count:
                text, count = nested.subn("", text)
            for part in text.split(","):
                words = WORD.findall(part.split("=")[0])
                if words and re.fullmatch(r"__\w+__", words[-1]):
                    continue  # a class that is qualified, without variables of it
                if words and not re.search(r"\b(?:struct|class|union|enum)\s+\w+\s*$", part):
                    yield words[-1], piece.namespace + words[-1], piece
