"""Headers that a source of kernels may include, and what stands for them on the host."""

from __future__ import annotations

import re
from typing import NamedTuple

from .source_text import INCLUDE

__all__ = ["Headers", "known_headers", "library_names"]

_LINE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]+)[>\"]", re.MULTILINE)
_COMPLEX = ("host_complex.h", "classes/pycuda-complex.hpp", "host_thrust.h")
_KNOWN: dict[str, tuple[str, ...]] = {
    r"cuda_fp16\.h(?:pp)?|hip/hip_fp16\.h": ("host_half.h",),
    r"cuda_bf16\.h(?:pp)?|hip/hip_bf(?:loat)?16\.h": ("host_half.h", "host_bfloat.h"),
    r"cuComplex\.h|hip/hip_complex\.h": ("host_complex.h",),
    r"thrust/complex\.h": _COMPLEX,
    r"cupy/complex\.cuh": (*_COMPLEX, "host_cupy.h"),
    r"cooperative_groups(?:/(?:reduce|scan|memcpy_async))?\.h|hip/hip_cooperative_groups\.h": (
        "host_groups.h",
    ),
    r"curand(?:_kernel|_uniform|_normal|_lognormal|_poisson|_philox4x32_x)?\.h"
    r"|(?:hiprand/)?hiprand(?:_kernel)?\.h": ("host_curand.h",),
    # of the C and C++ libraries, what kernels use of them is known anyway
    r"c(?:math|time)|time\.h|iostream|iomanip|fstream|sstream|chrono|memory\.h": (),
}
# C++'s headers that come before the names below, when a source uses what they have
_STANDARD = {
    "limits": r"numeric_limits",
    "type_traits": r"is_\w+|enable_if\w*|conditional\w*|decay\w*|remove_\w+|integral_constant"
    r"|true_type|false_type|make_(?:un)?signed\w*|void_t|declval",
    "utility": r"move|forward|swap|pair|make_pair|integer_sequence|(?:make_)?index_sequence\w*",
    "bits/stl_algobase.h": r"min|max",
    "algorithm": r"clamp|sort|fill|lower_bound|upper_bound",
}
_NAMES = ["size_t", "ptrdiff_t", "memcpy", "memset", "printf", "intptr_t", "uintptr_t"]
_NAMES += [f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)]


class Headers(NamedTuple):
    """What a source includes.

    Attributes
    ----------
    lines : list of (int, int)
        Where directives lie that are left out.
    files : tuple of str
        Our own that come in their place, behind ``host_grid.h``.
    """

    lines: list[tuple[int, int]]
    files: tuple[str, ...]


def known_headers(code: str) -> Headers:
    """Return what is known of the headers that a source, without its comments, includes."""
    lines = [found.span() for found in INCLUDE.finditer(code)]
    names: list[str] = []
    for found in _LINE.finditer(code):
        for pattern, files in _KNOWN.items():
            if re.fullmatch(pattern, found.group(1)):
                names += files
                lines.append(found.span())
    return Headers(sorted(set(lines)), tuple(dict.fromkeys(names)))


def library_names(masked: str, mathematics: str) -> str:
    """Return the text that gives C++'s own names (``std::sqrt``) to a source that uses them.

    Parameters
    ----------
    masked : str
        The source without comments and strings.
    mathematics : str
        The text that declares the functions.
    """
    used = set(re.findall(r"\bstd\s*::\s*(\w+)", masked))
    if not used:
        return "namespace std {}" if re.search(r"\bnamespace\s+std\b", masked) else ""
    functions = re.findall(r"\bDH_(?:UNARY|BINARY|TEST)\((\w+)", mathematics)
    functions = [name for name in functions if name not in ("name", "f")]
    functions += ["fma", "ldexp", "frexp", "modf", "abs", "ilogb", "lround", "lrint", "remquo"]
    headers = [
        f"#include <{name}>"
        for name, words in _STANDARD.items()
        if any(re.fullmatch(words, word) for word in used)
    ]
    kept = [name for name in (*functions, *_NAMES) if name in used]
    usings = " ".join(f"using ::{name};" for name in kept)
    return "\n".join((*headers, f"namespace std {{ {usings} }}"))
