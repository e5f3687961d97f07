"""The two grammars in which kernels name their parameters, and what types they come to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from devarray.errors import UnsupportedError
from devarray.kernels.ops import DTYPES, canonical

__all__ = ["Param", "Types", "c_type", "parse_arguments", "parse_params", "resolve", "type_named"]

DType = np.dtype[Any]
Types = dict[str, DType]  # generic type -> dtype

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_RESERVED = (
    "auto bool break case char class const continue default delete do double else enum extern "
    "false float for goto if inline int long new operator private public register return short "
    "signed sizeof static struct switch template this true typedef union unsigned void volatile "
    "while"
)
_C_TYPES = {
    "bool": "?", "char": "i1", "signed char": "i1", "unsigned char": "u1", "short": "i2",
    "unsigned short": "u2", "int": "i4", "signed int": "i4", "unsigned": "u4", "unsigned int": "u4",
    "long": "i8", "long int": "i8", "unsigned long": "u8", "long long": "i8",
    "long long int": "i8", "unsigned long long": "u8", "unsigned long long int": "u8",
    "long unsigned int": "u8", "short int": "i2", "unsigned short int": "u2",
    "unsigned long int": "u8", "size_t": "u8", "ptrdiff_t": "i8", "float": "f4", "double": "f8",
    "half": "f2", "__half": "f2", "uint": "u4", "uchar": "u1", "ushort": "u2", "ulong": "u8",
    **{f"{s}int{b}_t": f"{s or 'i'}{b // 8}" for s in ("", "u") for b in (8, 16, 32, 64)},
}  # fmt: skip
_COMPLEX = re.compile(r"(?:\w+::)?complex\s*<\s*(float|double)\s*>\Z")
_LEGACY = {
    "cuFloatComplex": "c8", "cuComplex": "c8", "cuDoubleComplex": "c16",
}  # fmt: skip
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


def c_type(dtype: DType) -> str:
    """Return what CUDA C calls a dtype."""
    return _CALLED[dtype.char]


def _check_name(name: str, text: str, seen: Iterable[str]) -> None:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} in {text!r} is no name of a parameter")
    if name in _RESERVED.split():
        raise ValueError(f"the parameter {name!r} in {text!r} has the name of a word of C")
    if name in seen:
        raise ValueError(f"there are two parameters {name!r} in {text!r}")


def parse_params(text: str) -> tuple[Param, ...]:
    """Return the parameters of a text such as ``"raw T x, float32 y"``.

    A type is the name of a NumPy dtype, or one letter for a type that the arguments decide.

    Raises
    ------
    TypeError
        If `text` is no str.
    ValueError
        For an unknown type, a bad name, a name that is given twice.
    """
    if not isinstance(text, str):
        raise TypeError(f"parameters must be a str such as 'T x, T y', got {type(text).__name__}")
    found: list[Param] = []
    for part in text.split(",") if text.strip() else ():
        words = part.split()
        raw = len(words) == 3 and words[0] == "raw"
        if len(words) != 2 + raw:
            raise ValueError(
                f"{part.strip()!r} in {text!r} is no parameter: write its type and its name, as in "
                "'float32 x', 'T x' or 'raw T x'"
            )
        kind, name = words[-2:]
        _check_name(name, text, [p.name for p in found])
        dtype = None if len(kind) == 1 and kind.isalpha() else _numpy_type(kind, text)
        found.append(Param(name, kind, dtype, raw))
    return tuple(found)


def _numpy_type(kind: str, text: str) -> DType:
    try:
        return canonical(np.dtype(kind))
    except (TypeError, UnsupportedError):
        names = ", ".join(d.name for d in DTYPES)
        raise ValueError(
            f"unknown type {kind!r} in {text!r}: types are {names}, or one letter, such as T, for "
            "a type that the arguments decide"
        ) from None


def parse_arguments(
    text: str | Iterable[Any], types: Mapping[str, Any] | None = None
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
    if not isinstance(text, str):
        given = tuple(text)
        if all(isinstance(p, Param) for p in given):
            return given
        raise TypeError("arguments must be a str such as 'float a, float *x'")
    found: list[Param] = []
    for part in text.split(",") if text.strip() else ():
        declared = re.sub(r"\b(__restrict__|restrict|volatile)\b", " ", part)
        constant = re.search(r"\bconst\b", declared) is not None
        declared = " ".join(re.sub(r"\bconst\b", " ", declared).replace("*", " * ").split())
        kind, _, name = declared.rpartition(" ")
        stars = kind.count("*")
        kind = kind.replace("*", " ").strip()
        if not kind or stars > 1:
            raise ValueError(
                f"{part.strip()!r} in {text!r} is no parameter: write 'float a' for a scalar and "
                "'float *x' for an array"
            )
        _check_name(name, text, [p.name for p in found])
        found.append(
            Param(name, kind, _c_dtype(kind, text, types or {}), False, stars == 1, constant)
        )
    return tuple(found)


def type_named(kind: str) -> DType | None:
    """Return the dtype of a type in the words of C or NumPy, or None for another type."""
    try:
        return _c_dtype(kind, kind, {})
    except ValueError:
        pass
    try:
        return canonical(np.dtype(kind))
    except (TypeError, UnsupportedError):
        return None


def _c_dtype(kind: str, text: str, types: Mapping[str, Any]) -> DType:
    if kind in types:
        return cast(DType, np.dtype(types[kind]))
    code = _C_TYPES.get(kind) or _LEGACY.get(kind)
    if code is None and (match := _COMPLEX.match(kind)):
        code = "c8" if match[1] == "float" else "c16"
    if code is None:
        raise ValueError(
            f"unknown type {kind!r} in {text!r}: C's arithmetic types are known, complex<float>, "
            "complex<double>, and what types= maps to dtypes"
        )
    return canonical(np.dtype(code))


def resolve(
    params: Iterable[Param],
    given: Iterable[DType | None],
    what: str,
    types: Types,
    origin: dict[str, str],
) -> None:
    """Let array arguments decide the generic types, and check the others.

    Parameters
    ----------
    given : iterable of dtype or None
        Of each argument; None is what decides nothing.
    what : str
        Name of the kernel, for messages.
    types, origin : dict
        Generic type -> its dtype, and the parameter that decided; both are added to.

    Raises
    ------
    TypeError
        If an argument is of another dtype than its parameter.
    """
    for param, dtype in zip(params, given, strict=True):
        if dtype is None:
            continue
        want = param.dtype if param.dtype is not None else types.get(param.type)
        if want is None:
            types[param.type] = dtype
            origin[param.type] = param.name
        elif want != dtype:
            said = f"is declared {param.type}"
            if param.dtype is None:
                said += f", which is {want.name} because {origin[param.type]!r} is"
            raise TypeError(
                f"kernel {what}: parameter {param.name!r} {said}; got an array of {dtype.name}: "
                f"pass it .astype({want.name!r})"
            )
