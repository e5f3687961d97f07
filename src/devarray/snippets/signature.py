"""The two grammars in which kernels name their parameters, and what types they come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from devarray.errors import UnsupportedError
from devarray.kernels.ops import DTYPES, canonical
from devarray.kernels.signatures import parse_parameters

__all__ = [
    "COMPLEX", "Param", "Types", "c_type", "parse_arguments", "parse_params", "type_named",
]  # fmt: skip

DType = np.dtype[Any]
Types = dict[str, DType]  # generic type -> dtype

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_RESERVED = (
    "auto bool break case char class const continue default delete do double else enum extern "
    "false float for goto if inline int long new operator private public register return short "
    "signed sizeof static struct switch template this true typedef union unsigned void volatile "
    "while"
)
COMPLEX = re.compile(r"\b(?:\w+::)?complex\s*<\s*(float|double)\s*>")
_LEGACY = {"cuFloatComplex": "c8", "cuComplex": "c8", "cuDoubleComplex": "c16"}
# dtype -> how a user's text calls it
_CALLED = {
    "?": "bool", "b": "signed char", "h": "short", "i": "int", "l": "long long",
    "B": "unsigned char", "H": "unsigned short", "I": "unsigned int", "L": "unsigned long long",
    "e": "half", "f": "float", "d": "double", "F": "sn_complex<float>", "D": "sn_complex<double>",
}  # fmt: skip


class Param(NamedTuple):
    """A parameter of a kernel.

    Attributes
    ----------
    name : str
    type : str
        As it is written: ``float32``, ``T``, ``unsigned int``.
    dtype : numpy.dtype or None
        None for a generic type. A structured one stands for a C struct.
    raw : bool
        The text indexes it by itself.
    vector : bool
        It is an array: in CuPy's grammar everything may be, in C's the pointers are.
    constant : bool
        C's grammar: a pointer to const.
    """

    name: str
    type: str
    dtype: DType | None
    raw: bool = False
    vector: bool = True
    constant: bool = False

    def of(self, types: Types) -> DType:
        """Return the dtype, where generic types stand for `types`."""
        return types[self.type] if self.dtype is None else self.dtype


def c_type(dtype: DType) -> str:
    """Return what CUDA C calls a dtype."""
    return _CALLED[dtype.char]


def _parameters(
    text: Any, example: str, read: Callable[[str], tuple[str, Param]]
) -> tuple[Param, ...]:
    """Return the parameters of a list, each of which `read` reads; or those that are given."""
    if not isinstance(text, str):
        given = tuple(text) if isinstance(text, Iterable) else (None,)
        if all(isinstance(p, Param) for p in given):
            return given
        raise TypeError(f"parameters must be a str such as {example!r}, got {type(text).__name__}")
    found: dict[str, Param] = {}
    for part in text.split(",") if text.strip() else ():
        name, param = read(part)
        if not _NAME.match(name):
            raise ValueError(f"{name!r} in {text!r} is no name of a parameter")
        if name in _RESERVED.split():
            raise ValueError(f"the parameter {name!r} in {text!r} has the name of a word of C")
        if name in found:
            raise ValueError(f"there are two parameters {name!r} in {text!r}")
        found[name] = param
    return tuple(found.values())


def parse_params(text: str | Iterable[Param]) -> tuple[Param, ...]:
    """Return the parameters of a text such as ``"raw T x, float32 y"``.

    A type is the name of a NumPy dtype, or one letter for a type that the arguments decide.

    Raises
    ------
    TypeError
        If `text` is no str (nor parameters).
    ValueError
        For an unknown type, a bad name, a name that is given twice.
    """

    def read(part: str) -> tuple[str, Param]:
        words = part.split()
        raw = len(words) == 3 and words[0] == "raw"
        if len(words) != 2 + raw:
            raise ValueError(
                f"{part.strip()!r} in {text!r} is no parameter: write its type and its name, as in "
                "'float32 x', 'T x' or 'raw T x'"
            )
        kind, name = words[-2:]
        dtype = None if len(kind) == 1 and kind.isalpha() else _numpy_type(kind)
        if dtype is None and len(kind) > 1:
            names = ", ".join(d.name for d in DTYPES)
            raise ValueError(
                f"unknown type {kind!r} in {text!r}: types are {names}, or one letter, such as T, "
                "for a type that the arguments decide"
            )
        return name, Param(name, kind, dtype, raw)

    return _parameters(text, "T x, T y", read)


def parse_arguments(
    text: str | Iterable[Param], types: Mapping[str, Any] | None = None
) -> tuple[Param, ...]:
    """Return the parameters of a C argument list such as ``"float a, const int *x"``.

    Parameters
    ----------
    text : str or iterable of Param
    types : mapping, optional
        Further C types by name, such as structs: name -> dtype.

    Raises
    ------
    TypeError, ValueError
        As `parse_params`.
    """

    def read(part: str) -> tuple[str, Param]:
        declared = re.sub(r"\b(__restrict__|restrict|volatile)\b", " ", part).replace("*", " * ")
        words = declared.split()
        kind, name = " ".join(w for w in words[:-1] if w not in ("const", "*")), words[-1:]
        if not kind or words.count("*") > 1:
            raise ValueError(
                f"{part.strip()!r} in {text!r} is no parameter: write 'float a' for a scalar and "
                "'float *x' for an array"
            )
        dtype = np.dtype(types[kind]) if types and kind in types else _c_dtype(kind)
        if dtype is None:
            raise ValueError(
                f"unknown type {kind!r} in {text!r}: C's arithmetic types are known, "
                "complex<float>, complex<double>, and what types= maps to dtypes"
            )
        return name[0], Param(name[0], kind, dtype, False, "*" in words, "const" in words)

    return _parameters(text, "float a, float *x", read)


def type_named(kind: str) -> DType | None:
    """Return the dtype of a type in the words of C or NumPy, or None for another type."""
    return _c_dtype(kind) or _numpy_type(kind)


def _numpy_type(kind: str) -> DType | None:
    try:
        return canonical(np.dtype(kind))
    except (TypeError, UnsupportedError):
        return None


def _c_dtype(kind: str) -> DType | None:
    """Return the dtype of a number's type in C's words."""
    if match := COMPLEX.fullmatch(kind):
        return np.dtype("c8" if match[1] == "float" else "c16")
    if kind in _LEGACY:
        return np.dtype(_LEGACY[kind])
    (declared,) = parse_parameters(f"{kind} _") or (None,)
    if declared is None or not declared.size or declared.kind not in "iufb":
        return None
    return canonical(np.dtype(f"{declared.kind}{declared.size}"))
