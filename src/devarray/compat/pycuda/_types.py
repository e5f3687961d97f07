"""Names of types in C for dtypes, and arguments that are declared in C."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "Argument",
    "ScalarArg",
    "VectorArg",
    "dtype_to_ctype",
    "get_arg_type",
    "get_or_register_dtype",
    "parse_c_arg",
    "register_dtype",
]

_dtypes: dict[str, np.dtype[Any]] = {}
_names: dict[np.dtype[Any], str] = {}


def register_dtype(dtype: Any, name: str | Sequence[str]) -> None:
    """Make a dtype known under names in C; the first one is used in texts of kernels.

    Parameters
    ----------
    dtype : dtype
    name : str or sequence of str
        A structure is declared under it in the kernel's preamble.

    Raises
    ------
    RuntimeError
        If dtype or name are known otherwise.
    """
    get_or_register_dtype(name, dtype)


def get_or_register_dtype(c_names: str | Sequence[str], dtype: Any = None) -> np.dtype[Any]:
    """Return the dtype of a name in C; with `dtype`, make it known, and return it.

    Raises
    ------
    ValueError
        If the name is unknown.
    RuntimeError
        If the name stands for another dtype.
    """
    names = [c_names] if isinstance(c_names, str) else list(c_names)
    if dtype is None:
        if names[0] not in _dtypes:
            raise ValueError(f"no dtype is known for {names[0]!r}: register_dtype() makes it so")
        return _dtypes[names[0]]
    kind: np.dtype[Any] = np.dtype(dtype)
    for name in names:
        if _dtypes.setdefault(name, kind) != kind:
            raise RuntimeError(f"{name!r} stands for {_dtypes[name]}, not for {kind}")
    _names.setdefault(kind, names[0])
    return kind


for _known, _in_c in (
    (np.bool_, "bool"),
    (np.int8, ("signed char", "char", "int8_t")),
    (np.uint8, ("unsigned char", "uchar", "uint8_t")),
    (np.int16, ("short", "signed short", "short int", "int16_t")),
    (np.uint16, ("unsigned short", "ushort", "unsigned short int", "uint16_t")),
    (np.int32, ("int", "signed", "signed int", "int32_t")),
    (np.uint32, ("unsigned", "uint", "unsigned int", "uint32_t")),
    (np.int64, ("long", "long int", "long long", "signed long", "int64_t", "ptrdiff_t")),
    (np.uint64, ("unsigned long", "ulong", "unsigned long long", "uint64_t", "size_t")),
    (np.float16, ("half", "__half")),
    (np.float32, "float"),
    (np.float64, "double"),
    (np.complex64, "pycuda::complex<float>"),
    (np.complex128, "pycuda::complex<double>"),
):
    get_or_register_dtype(_in_c, _known)


def dtype_to_ctype(dtype: Any, with_fp_tex_hack: bool = False) -> str:
    """Return the name in C of a dtype.

    Raises
    ------
    ValueError
        If it has none; `register_dtype` gives it one.

    Examples
    --------
    >>> from devarray.compat.pycuda.tools import dtype_to_ctype
    >>> dtype_to_ctype("float32"), dtype_to_ctype("complex128")
    ('float', 'pycuda::complex<double>')
    """
    if dtype is None:
        raise ValueError("dtype must not be None")
    kind: np.dtype[Any] = np.dtype(dtype)
    if kind not in _names:
        raise ValueError(f"{kind} has no name in C: tools.register_dtype() gives it one")
    return _names[kind]


class Argument:
    """An argument of a kernel.

    Parameters
    ----------
    dtype : dtype
    name : str
    """

    struct_char: str

    def __init__(self, dtype: Any, name: str) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.name = name

    def declarator(self) -> str:
        """Return the declaration in C."""
        raise NotImplementedError(type(self).__name__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dtype}, {self.name!r})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.dtype, self.name))


class VectorArg(Argument):
    """An array, as a pointer."""

    struct_char = "P"

    def declarator(self) -> str:
        """Return the declaration in C."""
        return f"{dtype_to_ctype(self.dtype)} *{self.name}"


class ScalarArg(Argument):
    """A number or structure, by value."""

    def declarator(self) -> str:
        """Return the declaration in C."""
        return f"{dtype_to_ctype(self.dtype)} {self.name}"

    @property
    def struct_char(self) -> str:  # type: ignore[override]
        """The code for `Function.prepare`."""
        return f"{self.dtype.itemsize}s" if self.dtype.kind == "V" else self.dtype.char


_QUALIFIERS = re.compile(r"\b(?:const|volatile|__restrict__|__restrict|restrict|struct)\b")
_ARGUMENT = re.compile(r"(.*?)\s*(\*?)\s*(\w+)\s*(\[\s*\])?", re.DOTALL)


def parse_c_arg(c_arg: str) -> Argument:
    """Return what a declaration in C says.

    Parameters
    ----------
    c_arg : str
        Such as ``"const float *x"`` or ``"int n"``.

    Returns
    -------
    VectorArg or ScalarArg

    Raises
    ------
    ValueError
        If it is none, or its type is unknown.

    Examples
    --------
    >>> from devarray.compat.pycuda.tools import parse_c_arg
    >>> parse_c_arg("const float *x")
    VectorArg(float32, 'x')
    """
    found = _ARGUMENT.fullmatch(_QUALIFIERS.sub(" ", c_arg).strip())
    if found is None or not found[1]:
        raise ValueError(f"{c_arg!r} is no argument in C, such as 'float *x' or 'int n'")
    kind = re.sub(r"\s*([<>:,])\s*", r"\1", " ".join(found[1].split()))
    if "*" in kind:
        raise ValueError(f"{c_arg!r}: pointers to pointers cannot be passed")
    if kind not in _dtypes:
        raise ValueError(f"{c_arg!r}: no dtype is known for {kind!r}: tools.register_dtype()")
    make = VectorArg if found[2] or found[4] else ScalarArg
    return make(_dtypes[kind], found[3])


def get_arg_type(c_arg: str) -> str:
    """Return the code for `Function.prepare` of a declaration in C."""
    return parse_c_arg(c_arg).struct_char
