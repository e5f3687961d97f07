"""Parameters of kernels, as their text declares them: ``const float *x, int n``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Parameter", "parse_parameters", "split_list"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kernel.

    Attributes
    ----------
    kind : {"i", "u", "b", "f", "p", "s", "?"}
        Signed, unsigned, bool, floating, pointer, anything else that is passed by value, or not
        known.
    size : int
        Its bytes; 0 if they are not known.
    target_kind, target_size
        The same for what a pointer points to; size 0 means void, or not known.
    target_constant : bool
        Whether the pointer is to const.
    name : str
        What it is called, or an empty string.
    element : str
        The dtype of the numbers in what a pointer points to, if that is one of CUDA's vectors.
    """

    kind: str
    size: int
    target_kind: str = ""
    target_size: int = 0
    target_constant: bool = False
    name: str = ""
    element: str = ""


_POINTER = 8
_NUMBERS = {
    "char": ("i", 1), "short": ("i", 2), "int": ("i", 4), "long": ("i", 8), "float": ("f", 4),
    "double": ("f", 8), "bool": ("b", 1), "size_t": ("u", 8), "ptrdiff_t": ("i", 8),
    "intptr_t": ("i", 8), "uintptr_t": ("u", 8), "half": ("f", 2), "__half": ("f", 2),
    "__nv_bfloat16": ("s", 2), "hip_bfloat16": ("s", 2), "uchar": ("u", 1), "ushort": ("u", 2),
    "uint": ("u", 4), "ulong": ("u", 8), "cuFloatComplex": ("s", 8), "cuComplex": ("s", 8),
    "cuDoubleComplex": ("s", 16), "hipFloatComplex": ("s", 8), "hipDoubleComplex": ("s", 16),
    "dim3": ("s", 12), "cudaTextureObject_t": ("u", 8), "cudaSurfaceObject_t": ("u", 8),
}  # fmt: skip
_NUMBERS |= {
    f"{sign}int{bits}_t": (kind, bits // 8)
    for sign, kind in (("", "i"), ("u", "u"))
    for bits in (8, 16, 32, 64)
}
_VECTOR = re.compile(r"(u?)(char|short|int|long|longlong|float|double)([1-4])")
_IGNORED = re.compile(
    r"\b(?:volatile|register|struct|class|enum|typename|__grid_constant__|__restrict(?:__)?"
    r"|restrict)\b|\b(?:__align__|alignas|__attribute__)\s*\([^)]*\)+"
)
_SIGNS = {"signed": "i", "unsigned": "u"}


def split_list(text: str) -> Iterator[str]:
    """Yield what commas separate, those inside brackets of any kind apart."""
    depth = start = 0
    for place, sign in enumerate(text):
        if sign in "([{<":
            depth += 1
        elif sign in ")]}>":
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    if text[start:].strip():
        yield text[start:]


def parse_parameters(text: str) -> tuple[Parameter, ...]:
    """Return the parameters of a list that stands between a function's parentheses.

    Types that are no numbers, vectors of CUDA, or pointers to those are of kind ``"?"``.

    Examples
    --------
    >>> [(p.name, p.kind, p.target_size) for p in parse_parameters("const float *x, unsigned n")]
    [('x', 'p', 4), ('n', 'u', 0)]
    """
    if text.strip() in ("", "void"):
        return ()
    return tuple(_parameter(part) for part in split_list(text))


def _parameter(text: str) -> Parameter:
    text = " ".join(_IGNORED.sub(" ", text.split("=", maxsplit=1)[0]).split())
    array = re.search(r"(\w*)\s*((?:\[[^]]*\]\s*)+)$", text)
    if array:  # float x[], float x[][4]: pointers
        inner = array.group(2).count("[") > 1
        text = f"{text[: array.start()]} *{array.group(1)}"
        if inner:
            return Parameter("p", _POINTER, "?", 0, "const" in text.split(), array.group(1))
    before, star, after = text.rpartition("*")
    if not star:
        kind, size, name = _number(text)
        return Parameter(kind, size, name=name)
    if "&" in after or "(" in text:
        return Parameter("?", 0)
    name = next((word for word in after.split() if word != "const"), "")
    if "*" in before:
        return Parameter("p", _POINTER, "p", _POINTER, before.rstrip().endswith("const"), name)
    kind, size, _ = _number(before + " _")
    element = _element(before) if kind == "s" else ""
    return Parameter("p", _POINTER, kind, size, "const" in before.split(), name, element)


def _element(text: str) -> str:
    """Return the dtype of a vector's numbers, "" if the type is no vector."""
    vector = next(filter(None, map(_VECTOR.fullmatch, text.split())), None)
    if vector is None:
        return ""
    kind, size = _NUMBERS[vector[2].removeprefix("long") or "long"]
    return f"{'u' if vector[1] else kind}{size}"


def _number(text: str) -> tuple[str, int, str]:
    """Return kind, size and name of a declaration that is no pointer."""
    words = [word for word in text.split() if word != "const"]
    known = [w for w in words if w in _NUMBERS or w in _SIGNS or _VECTOR.fullmatch(w)]
    rest = [word for word in words if word not in known]
    name = rest[-1] if rest else ""
    if (len(rest) > 1 and rest != ["void", name]) or not known:
        if rest[:1] == ["void"]:
            return "", 0, name
        return "?", 0, rest[-1] if len(rest) > 1 else ""
    vector = next(filter(None, map(_VECTOR.fullmatch, known)), None)
    if vector:
        base = "long" if vector[2] == "longlong" else vector[2]
        count = int(vector[3])
        return "s", _NUMBERS[base][1] * count, name
    sign = next((_SIGNS[word] for word in known if word in _SIGNS), "")
    types = [word for word in known if word not in _SIGNS] or ["int"]
    base = next((word for word in ("char", "short", "double", "long") if word in types), types[0])
    kind, size = _NUMBERS[base]
    return (sign or kind) if kind in "iu" else kind, size, name
