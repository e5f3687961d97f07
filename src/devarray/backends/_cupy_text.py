"""Text of raw kernels for NVRTC and hiprtc: names, options, headers, and what becomes of them.

Neither compiler has headers of C and C++. What kernels want of the known ones is built into the
compiler, or is put in the place of the line that includes them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from devarray.backends._cupy_driver import Compiler
from devarray.errors import CompileError
from devarray.kernels.cache import KernelCache
from devarray.kernels.nvrtc import Program
from devarray.kernels.sealed import read_sealed
from devarray.kernels.signatures import Parameter, parse_parameters, split_list
from devarray.kernels.source_text import (
    Reading,
    closing,
    functions,
    included,
    read,
    variables_of,
)
from devarray.modules import RawSource

__all__ = ["Compiled", "Declarations", "RawCompiler", "compile_raw"]

TITLE = "kernel.cu"  # what the text is called in messages


class RawCompiler(NamedTuple):
    """What makes code of a user's text.

    Attributes
    ----------
    identity : str
        What decides over the code besides text and options: version, architecture.
    build : callable
        ``build(text, options, names, architecture) -> Program``; the architecture is empty unless
        the options name one. Raises `CompileError`.
    doubted : callable
        ``doubted(log, names) -> set``: those of the names that may be the reason of a failure.
    folders : tuple of str
        Folders with headers that come with the compiler.
    typedefs : bool
        Whether the compiler lacks ``int32_t`` and the like.
    """

    identity: str
    build: Callable[[str, Sequence[str], Sequence[str], str], Program]
    doubted: Callable[[str, Sequence[str]], set[str]]
    folders: tuple[str, ...] = ()
    typedefs: bool = True


# ---- what the text declares


class Declarations:
    """Kernels and variables of a text, as far as reading it tells.

    Attributes
    ----------
    kernels : dict
        The name of each kernel that is no template, with and without its namespaces -> its
        expression in C++.
    variables : dict
        The same for variables, whose expressions are addresses (``&name``).
    templates : set of str
        Names of kernels that are templates.
    """

    def __init__(self, source: str) -> None:
        reading = read(source)
        self.kernels: dict[str, str] = {}
        self.templates: set[str] = set()
        self._heads: dict[str, set[tuple[str, str]]] = {}
        for piece in reading.pieces:
            if not (piece.kernel and piece.name):
                continue
            place = next(functions(piece.head, reading.markers))[1]
            listed = " ".join(piece.head[place : closing(piece.head, place) - 1].split())
            template = _template(piece.head)
            if template is None:
                full = piece.full_name
                self.kernels.setdefault(piece.name, full)
                self.kernels[full] = full
            else:
                self.templates.add(piece.name)
            self._heads.setdefault(piece.name, set()).add((template or "", listed))
        if not reading.whole:  # braces do not match, as where a condition leaves out one of two
            for name in _marked(reading):
                self.kernels.setdefault(name, name)
        self.variables: dict[str, str] = {}
        for name, full, _ in variables_of(reading):
            self.variables.setdefault(name, f"&{full}")
            self.variables[full] = f"&{full}"

    def parameters(self, name: str) -> tuple[Parameter, ...] | None:
        """Return what the text says of a kernel, or of an instance of a template."""
        plain, bracket, arguments = name.partition("<")
        heads = self._heads.get(plain.strip().rpartition("::")[2], set())
        if len(heads) != 1:  # nothing is known, or there are several of that name
            return None
        template, listed = next(iter(heads))
        if template and bracket:
            given = [part.strip() for part in split_list(arguments.rpartition(">")[0])]
            listed = _instance(listed, template, given)
        elif template:
            return None
        return parse_parameters(listed)


def _marked(reading: Reading) -> Iterator[str]:
    for found in re.finditer(rf"\b(?:{'|'.join(reading.markers)})\b", reading.masked):
        name = next(functions(reading.masked[found.start() :], reading.markers), ("", 0))[0]
        if name:
            yield name


def _template(head: str) -> str | None:
    """Return the parameters of a template, as text; None for what is no template."""
    found = re.search(r"\btemplate\s*<", head)
    if not found:
        return None
    depth, place = 1, found.end()
    while depth and place < len(head):
        depth += {"<": 1, ">": -1}.get(head[place], 0)
        place += 1
    return head[found.end() : place - 1]


def _instance(listed: str, template: str, given: Sequence[str]) -> str:
    """Return a list of parameters with the arguments of a template put in.

    Those that the compiler is to deduce stay, and are types that are not known.
    """
    values: dict[str, str] = {}
    for k, part in enumerate(split_list(template)):
        words, _, default = part.partition("=")
        name = re.search(r"(\w+)\s*$", words)
        if "..." in words:
            break
        value = given[k] if k < len(given) else default.strip()
        if name and value:
            values[name[1]] = value
    if not values:
        return listed
    pattern = rf"\b(?:{'|'.join(map(re.escape, values))})\b"
    return re.sub(pattern, lambda found: values[found.group()], listed)


# ---- options


# Of nvcc, and without meaning for the code of kernels, or decided by the device; some have a value
_IGNORED = {
    "O": False, "O0": False, "O1": False, "O2": False, "O3": False, "m64": False, "keep": False,
    "Xcompiler": True, "compiler-options": True, "ccbin": True, "compiler-bindir": True,
    "keep-dir": True, "gencode": True, "generate-code": True, "code": True, "gpu-code": True,
    "cubin": False, "x": True,
}  # fmt: skip
_ARCHITECTURE = ("arch", "gpu-architecture", "offload-arch")
_JOINED = {"-I", "-D", "-U"}
_SHORT = {"--include-path": "-I", "--define-macro": "-D", "--undefine-macro": "-U"}


def _split_options(options: Sequence[str]) -> tuple[list[str], str]:
    """Return the options that mean something, and the architecture that they ask for, or ""."""
    kept: list[str] = []
    architecture = ""
    words = iter([word for option in options for word in shlex.split(option)])
    for word in words:
        long, _, value = word.partition("=")
        name = long.lstrip("-")
        if word in _JOINED or word in _SHORT:
            kept.append(_SHORT.get(word, word) + next(words, ""))
        elif long in _SHORT:
            kept.append(_SHORT[long] + value)
        elif word.startswith("-") and name in _ARCHITECTURE:
            value = value or next(words, "")
            architecture = "" if value in ("native", "all", "all-major") else value
        elif word.startswith("-") and name in _IGNORED:
            if _IGNORED[name] and not value:
                next(words, None)
        else:
            kept.append(word)
    return kept, architecture


# ---- headers


_INTEGERS = "".join(
    f"typedef {sign}{base} {prefix}int{bits}_t;"
    for bits, base in ((8, "char"), (16, "short"), (32, "int"), (64, "long"))
    for sign, prefix in (("signed ", ""), ("unsigned ", "u"))
) + "typedef long intptr_t;typedef unsigned long uintptr_t;"  # fmt: skip
_MACROS = {
    "float": {
        "FLT_MAX": "3.40282347e+38F", "FLT_MIN": "1.17549435e-38F", "FLT_EPSILON": "1.19209290e-7F",
        "FLT_DIG": "6", "FLT_MANT_DIG": "24", "DBL_MAX": "1.7976931348623157e+308",
        "DBL_MIN": "2.2250738585072014e-308", "DBL_EPSILON": "2.2204460492503131e-16",
        "DBL_DIG": "15", "DBL_MANT_DIG": "53",
    },
    "limits": {
        "CHAR_BIT": "8", "SCHAR_MAX": "127", "SCHAR_MIN": "(-128)", "UCHAR_MAX": "255",
        "SHRT_MAX": "32767", "SHRT_MIN": "(-32768)", "USHRT_MAX": "65535",
        "INT_MAX": "2147483647", "INT_MIN": "(-2147483647-1)", "UINT_MAX": "4294967295U",
        "LONG_MAX": "9223372036854775807L", "LONG_MIN": "(-9223372036854775807L-1)",
        "ULONG_MAX": "18446744073709551615UL", "LLONG_MAX": "9223372036854775807LL",
        "LLONG_MIN": "(-9223372036854775807LL-1)", "ULLONG_MAX": "18446744073709551615ULL",
    },
    "math": {
        "INFINITY": "(__int_as_float(0x7f800000))", "NAN": "(__int_as_float(0x7fffffff))",
        "HUGE_VAL": "(__longlong_as_double(0x7ff0000000000000LL))",
        "M_PI": "3.14159265358979323846", "M_PI_2": "1.57079632679489661923",
        "M_PI_4": "0.78539816339744830962", "M_1_PI": "0.31830988618379067154",
        "M_2_PI": "0.63661977236758134308", "M_E": "2.7182818284590452354",
        "M_LN2": "0.69314718055994530942", "M_LN10": "2.30258509299404568402",
        "M_SQRT2": "1.41421356237309504880", "M_SQRT1_2": "0.70710678118654752440",
        "M_2_SQRTPI": "1.12837916709551257390", "M_LOG2E": "1.4426950408889634074",
        "M_LOG10E": "0.43429448190325182765",
    },
}  # fmt: skip
# headers of C, and of C++ with a c before the name; what they declare is otherwise built in
_STANDARD = ("stdio", "stdlib", "string", "assert", "stddef", "stdint", "math", "float", "limits")
# the same for those of CUDA and HIP, unless there is a folder that has them
_BUILT_IN = (
    "cuda.h", "cuda_runtime.h", "cuda_runtime_api.h", "device_launch_parameters.h",
    "device_functions.h", "math_functions.h", "vector_types.h", "vector_functions.h",
    "builtin_types.h", "hip/hip_runtime.h", "hip/hip_runtime_api.h",
)  # fmt: skip
_LINE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.MULTILINE)


def _with_headers(text: str, folders: Sequence[str], typedefs: bool) -> tuple[str, list[str]]:
    """Return the text without the headers that are built in, and macros that stand for them."""
    macros: dict[str, str] = {}
    added = False

    def replace(line: re.Match[str]) -> str:
        nonlocal added
        name = line[2]
        if line[1] == '"' and any(Path(folder, name).is_file() for folder in (".", *folders)):
            return line.group()  # a file of the user's own
        stem = name.removesuffix(".h")
        if stem == name and name.startswith("c"):  # <cmath>
            stem = name[1:]
        elif stem == name:
            stem = ""
        if stem in _STANDARD:
            if not typedefs:
                return ""
            macros.update(_MACROS.get(stem, {}))
            if stem == "stdint" and not added:
                added = True
                return _INTEGERS
            return ""
        if name in _BUILT_IN and not any(Path(folder, name).is_file() for folder in folders):
            return ""
        return line.group()

    text = _LINE.sub(replace, text)
    return text, [f"-D{name}={value}" for name, value in macros.items()]


def _advice(log: str) -> str:
    """Return what to do about a name or a header that was not found, or ""."""
    if "__nv_name_map" in log:
        return "; names= has one that is no kernel of the text, or no type for its parameter"
    found = re.search(r"(?:open source file|fatal error:) \"?'?([\w./+-]+)", log)
    if not found or ("include" not in log and "not found" not in log):
        return ""
    name = found[1]
    if re.match(r"(?:cuda|cub|thrust|nv)/", name):
        how = "it comes with pip install nvidia-cuda-cccl, or with CUDA's toolkit (set CUDA_PATH)"
    elif re.match(r"(?:cuda|cooperative_groups|math_constants|cuComplex|mma|crt/|sm_)", name):
        how = "it comes with pip install nvidia-cuda-runtime, or with the toolkit (set CUDA_PATH)"
    else:
        how = (
            "compilers for run time have no headers of C or C++. Remove the line if it is such a "
            "header: printf, assert, mathematical functions and vector types need none; else name "
            'its folder: options=["-Ifolder"]'
        )
    return f"; the header {name} was not found: {how}"


# ---- compiling


class Compiled(NamedTuple):
    """What became of a text.

    Attributes
    ----------
    code : bytes
    names : dict
        Expression -> what it is called in the code.
    """

    code: bytes
    names: dict[str, str]


def compile_raw(
    source: RawSource,
    declared: Declarations,
    compiler: RawCompiler,
    cache: KernelCache,
    fast: Sequence[str] = (),
) -> Compiled:
    """Return the code of a text, from the disk or from the compiler.

    Parameters
    ----------
    source : RawSource
    declared : Declarations
        Of its text.
    compiler : RawCompiler
    cache : KernelCache
    fast : sequence of str
        Flags for fast mathematics, if settings ask for it.

    Raises
    ------
    CompileError
        If the text does not compile, or if one of `source.names` is none of its kernels.
    """
    options, architecture = _split_options(source.options)
    options += [flag for flag in fast if flag not in options]
    folders = [option[2:] for option in options if option.startswith("-I")] + [*compiler.folders]
    text, macros = _with_headers(source.text, folders, compiler.typedefs)
    told = {re.split("[= ]", option)[0] for option in options}
    options += [macro for macro in macros if macro.split("=")[0] not in told]
    options += [f"-I{folder}" for folder in compiler.folders]
    derived = [*declared.kernels.values(), *declared.variables.values()]
    derived = [name for name in dict.fromkeys(derived) if name not in source.names]

    def build(text: str, flags: Sequence[str]) -> bytes:
        program = _build(source, text, options, derived, architecture, compiler)
        return json.dumps(program.names).encode() + b"\n" + program.code

    files = included(text, [*options, "-I."])
    parts = [compiler.identity, architecture, *options, "names", *source.names, *derived, files]
    kept = Compiler("raw " + "\0".join(parts), build)
    path = cache.find(text, kept) or cache.build(text, kept)
    data = read_sealed(str(path.parent), path.name)
    if data is None:  # somebody emptied the folder just now
        data = build(text, ())
    names, _, code = data.partition(b"\n")
    return Compiled(code, json.loads(names))


def _build(
    source: RawSource,
    text: str,
    options: Sequence[str],
    derived: Sequence[str],
    architecture: str,
    compiler: RawCompiler,
) -> Program:
    """Compile a text with all names that it seems to declare, less those that it does not.

    Kernels may be left out by conditions, or be overloaded.
    """
    names = list(derived)
    while True:
        try:
            return compiler.build(text, options, (*source.names, *names), architecture)
        except CompileError as error:
            doubted = compiler.doubted(error.log, names)
            if not doubted:
                problem = str(error).splitlines()[0] + _advice(error.log)
                raise CompileError(problem, error.command, error.log, source.text) from None
            names = [name for name in names if name not in doubted]
