"""The kernels of OpenCL that call those of a user, and what tells their parameters and variables.

See `opencl_text`. A kernel of OpenCL has one argument, with the bytes of all parameters, and behind
it dynamic shared memory, if it uses that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import UnsupportedError
from .branches import guarded
from .host_text import plain_name
from .opencl_shared import Array, Declaration
from .opencl_text import (
    HEADERS,
    Translation,
    original_name,
    template_parameters,
    translate_opencl,
    uses_warps,
)
from .preludes import prelude
from .signatures import split_list
from .source_text import WORD, Piece, closing, functions, variables_of

__all__ = ["NOTHING", "Entry", "OpenclText", "opencl_text"]

_TYPES = (
    r"const|volatile|unsigned|signed|char|short|int|long|float|double|bool|void|half|size_t|struct|class|enum"
    r"|typename|__restrict__|__restrict|restrict|register|__grid_constant__"
)
NOTHING = 2**64 - 1  # in the table, for what is not compiled
# C++ refuses `int at[] = {i}` for a long i, and CUDA's compiler warns only
_NARROWING = '#pragma clang diagnostic ignored "-Wc++11-narrowing"'
_DEFINES = "#define {0} da_own_{0}"


class Entry(NamedTuple):
    """A kernel.

    Attributes
    ----------
    name : str
        What the user calls it.
    symbol : str
        What OpenCL calls it.
    parameters : tuple of str
        The names of its parameters; empty ones have none.
    dynamic : bool
        Whether it takes dynamic shared memory.
    warps : bool
        Whether it uses operations of warps.
    fails : bool
        Whether it may report a failure.
    refused : str
        Why OpenCL cannot run it; empty if it can.
    """

    name: str
    symbol: str
    parameters: tuple[str, ...]
    dynamic: bool
    warps: bool
    fails: bool
    refused: str


class OpenclText(NamedTuple):
    """A whole text for OpenCL's compiler.

    Attributes
    ----------
    text : str
        In C++ for OpenCL 2021.
    entries : tuple of Entry
        Its kernels.
    variables : tuple of str
        Its ``__device__`` and ``__constant__`` variables.
    """

    text: str
    entries: tuple[Entry, ...]
    variables: tuple[str, ...]


class _Kernel(NamedTuple):
    name: str
    called: str  # how its function is called
    piece: Piece
    arguments: tuple[str, ...]  # of a template


def opencl_text(source: str, names: Sequence[str] = (), defines: Sequence[str] = ()) -> OpenclText:
    """Return the whole text for the compiler: headers, functions, kernels.

    The kernel ``da_table`` writes 64-bit numbers to the address that it is given: for each entry,
    which `da_Bytes` it takes, the bytes of its shared arrays, and six numbers for each parameter
    (`DA_NOTE`); for each variable its address and its bytes; the address of `da_failure`. For
    entries and variables in branches of ``#if`` that are not compiled all numbers are `NOTHING`.

    Parameters
    ----------
    source : str
        CUDA C or HIP.
    names : sequence of str
        Instances of kernels that are templates, such as ``"sum<float>"``.
    defines : sequence of str
        Macros, such as ``"DA_HUGE 1"``.

    Raises
    ------
    ValueError
        If there is no template for one of `names`.
    UnsupportedError
        For what OpenCL has no counterpart of.
    """
    made = translate_opencl(source)
    arrays = [array for declared in made.declarations for array in declared.arrays]
    everything = made.reading.masked + " ".join(made.reading.macros.values())
    words = frozenset(WORD.findall(everything))
    entries, texts, rows = [], [], []
    for k, kernel in enumerate(_kernels(made, names)):
        entry, text, row = _kernel_text(made, k, kernel)
        macro = "" if kernel.arguments else made.branches.macro(kernel.piece)
        entries.append(entry)
        texts += guarded([text], [macro])
        rows += guarded([row], [macro], [_nothing(2 + 6 * len(entry.parameters))])
    variables = []
    for name, expression, piece in variables_of(made.reading):
        variables.append(original_name(name))
        row = f"*da_to++ = (ulong)&{expression}; *da_to++ = sizeof({expression});"
        rows += guarded([row], [made.branches.macro(piece)], [_nothing(2)])
    rows.append("*da_to++ = (ulong)&da_failure;")
    fields = "".join(f" __local void *s{array.number};" for array in arrays)
    lines = [
        *(f"#define {define}" for define in defines),
        *(["#define DA_WARPS"] if uses_warps(words) else []),
        prelude(HEADERS),
        f"struct da_Here {{ __local char *dynamic;{fields} }};",
        *(_DEFINES.format(name) for name in made.renamed),
        _NARROWING,
        '#line 1 "kernel"',
        made.text,
        '#line 1 "kernels"',
        *texts,
        "__kernel void da_table(ulong da_at) {",
        "__global ulong *da_to = (__global ulong *)da_at;",
        *rows,
        "}\n",
    ]
    return OpenclText("\n".join(lines), tuple(entries), tuple(variables))


def _nothing(count: int) -> str:
    return f"for (int da_k = 0; da_k < {count}; ++da_k) *da_to++ = {NOTHING:#x}ul;"


def _kernels(made: Translation, names: Sequence[str]) -> Iterator[_Kernel]:
    templates: dict[str, Piece] = {}
    plain = set()
    for piece in made.reading.pieces:
        if not (piece.kernel and piece.name and "{" in piece.text):
            continue
        if re.search(r"\btemplate\b", piece.head):
            templates[piece.full_name] = piece
        elif original_name(piece.full_name) not in plain or made.branches.macro(piece):
            plain.add(original_name(piece.full_name))
            yield _Kernel(original_name(piece.full_name), piece.full_name, piece, ())
    for name in names:
        if name in plain:
            continue
        template, _, arguments = name.partition("<")
        found = templates.get(template.strip())
        if found is None or not arguments:
            known = ", ".join([*plain, *templates]) or "none"
            raise ValueError(f"there is no kernel template for {name!r}; the source has {known}")
        parts = tuple(part.strip() for part in split_list(arguments.rpartition(">")[0]))
        yield _Kernel(name, name, found, parts)


def _kernel_text(made: Translation, k: int, kernel: _Kernel) -> tuple[Entry, str, str]:
    """Return a kernel's entry, its text, and what describes it in the table."""
    piece, symbol = kernel.piece, f"da_kernel{k}_{plain_name(kernel.name)}"
    place = next(functions(piece.head, made.reading.markers))[1]
    listed = piece.head[place : closing(piece.head, place) - 1]
    parts = [] if listed.strip() in ("", "void") else list(split_list(listed))
    members = [_member(part, number) for number, part in enumerate(parts)]
    reached = made.links[piece.name].reached
    used = list(_used(made, piece.name, reached))
    dynamic = "HIP_DYNAMIC_SHARED" in reached or any(array.dynamic for _, array in used)
    fixed = [(declared, array) for declared, array in used if not array.dynamic]
    warps = uses_warps(reached)
    spaces = [space for space in piece.namespace.split("::") if space] + [f"da_space{k}"]
    values = ", ".join(["da_here", *(f"da_pass(da_from.{name})" for _, name, _ in members)])
    memory = "(__local char *)da_dynamic" if dynamic else "0"
    here = "".join(f" da_here.s{a.number} = (__local void *)&da_s{a.number};" for _, a in fixed)
    lines = [
        " ".join(f"namespace {space} {{" for space in spaces),
        *_bound(kernel),
        *(_array_type(declared, array) for declared, array in fixed),
        f"struct Parameters {{ {' '.join(text for text, _, _ in members)} }};",
        *(["__attribute__((intel_reqd_sub_group_size(32)))"] if warps else []),
        f"__kernel void {symbol}(typename da_Holder<Parameters>::type da_bytes"
        + (", __local double16 *da_dynamic) {" if dynamic else ") {"),
        *(f"__local da_of{array.number}::type da_s{array.number};" for _, array in fixed),
        f"da_Here da_here; da_here.dynamic = {memory};{here}",
        "const __private Parameters &da_from = *(const __private Parameters *)&da_bytes;"
        if members
        else "",
        f"{kernel.called}({values});",
        "}",
        "}" * len(spaces),
    ]
    space = "::".join(spaces)
    sizes = " + ".join(["0", *(f"sizeof({space}::da_of{a.number}::type)" for _, a in fixed)])
    notes = "".join(f" DA_NOTE({space}::Parameters, {name})" for _, name, _ in members)
    row = f"*da_to++ = da_Holder<{space}::Parameters>::bucket; *da_to++ = {sizes};{notes}"
    told = tuple(name if own else "" for _, name, own in members)
    fails = bool(reached & {"assert", "__trap"})
    refused = next((why for who, why in made.refused.items() if who in {piece.name, *reached}), "")
    entry = Entry(kernel.name, symbol, told, dynamic, warps, fails, refused)
    return entry, "\n".join(lines), row


def _member(text: str, number: int) -> tuple[str, str, bool]:
    """Return a parameter as a member of a structure, its name, and whether it has one."""
    text = " ".join(text.partition("=")[0].split())
    if "(" in text.replace("__attribute__((", "").replace("__align__(", ""):
        raise UnsupportedError(f"OpenCL has no parameters such as `{text}`")
    array = re.fullmatch(r"(.*?)(\w*)\s*\[[^]]*\]((?:\[[^]]*\])*)", text)
    if array:
        name = array[2] or f"da_p{number}"
        inner = array[3]
        pointer = f"(*{name}){inner}" if inner else f"*{name}"
        return f"{array[1]}{pointer};", name, bool(array[2])
    words = WORD.findall(text)
    kinds = [word for word in words if word not in ("const", "volatile", "struct", "typename")]
    own = re.search(r"\w$", text) and not re.fullmatch(_TYPES, words[-1]) and len(kinds) > 1
    name = words[-1] if own else f"da_p{number}"
    return f"{text};" if own else f"{text} {name};", name, bool(own)


def _bound(kernel: _Kernel) -> Iterator[str]:
    """Yield declarations of what a template's parameters are."""
    arguments = list(kernel.arguments)
    if not arguments:
        return
    for parameter in template_parameters(kernel.piece.head):
        declared, _, default = parameter.partition("=")
        if "..." in declared:
            raise UnsupportedError(
                f"kernel {kernel.name}: OpenCL kernels cannot be made of templates of any number "
                "of parameters"
            )
        value = arguments.pop(0) if arguments else default.strip()
        if not value:
            raise ValueError(f"{kernel.name!r} has too few arguments: {declared.strip()} is open")
        kind, name = declared.split()[:-1], declared.split()[-1]
        if kind[:1] in (["typename"], ["class"]):
            yield f"using {name} = {value};"
        else:
            yield f"constexpr {' '.join(kind)} {name} = {value};"


def _used(
    made: Translation, name: str, reached: frozenset[str]
) -> Iterator[tuple[Declaration, Array]]:
    """Yield the shared memory that a kernel needs."""
    for declared in made.declarations:
        for array in declared.arrays:
            owner = declared.owner or array.name
            if owner == name or owner in reached:
                yield declared, array


def _array_type(declared: Declaration, array: Array) -> str:
    """Return the type of a shared array, and the constants of its function that it needs."""
    needs: list[str] = []
    _add_needs(needs, f"{array.kind} {array.sizes}", declared.before)
    own = f"da_of{array.number}"
    return f"namespace {own} {{ {' '.join(needs)} typedef {array.kind} type{array.sizes}; }}"


def _add_needs(needs: list[str], text: str, before: str) -> None:
    """Add the statements before a declaration that define what its text mentions."""
    body = before.partition("{")[2]
    for word in dict.fromkeys(WORD.findall(text)):
        if not word[0].isalpha() and word[0] != "_":
            continue
        own = re.escape(word)
        patterns = (
            rf"(?:\bstatic\s+)?\b(?:const|constexpr)\b[^;{{}}]*\b{own}\s*=[^;{{}}]*;",
            rf"\benum\b[^;()]*\b{own}\b[^;()]*;",
            rf"\btypedef\b[^;]*\b{own}\s*(?:\[[^;]*)?;",
            rf"\busing\s+{own}\s*=[^;]*;",
            rf"\bstruct\s+{own}\s*\{{[^}}]*\}}\s*;",
        )
        for pattern in patterns:
            found = re.search(pattern, body)
            if found and found[0] not in needs:
                _add_needs(needs, found[0].replace(word, ""), before[: before.index(found[0])])
                needs.append(" ".join(found[0].split()))
