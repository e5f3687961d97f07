"""What the kinds of kernels share: their texts, scalars, and arrays as kernels want them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import HostMixError, UnsupportedError
from devarray.graph import Node, index_node
from devarray.kernels.ops import Loop, canonical, weak_value
from devarray.layout import Shape
from devarray.snippets.signature import Param

__all__ = [
    "Special",
    "Texts",
    "Walked",
    "aliases_of",
    "at_hand",
    "c_name",
    "check_output",
    "check_texts",
    "defined",
    "index_of",
    "renamed",
    "scalar_dtype",
    "scalar_for",
    "shifted",
]

DType = np.dtype[Any]

_MACRO = re.compile(r"-D\s*(\w+)(?:=([^\n]*))?")


class Texts(NamedTuple):
    """The pieces of text of a kernel."""

    operation: str
    preamble: str = ""
    loop_prep: str = ""
    after_loop: str = ""


class Walked(NamedTuple):
    """What the index ``i`` is, if not the number of the element: ``start + step * number``."""

    start: int
    step: int
    n: int


class Special(NamedTuple):
    """A kernel for one choice of dtypes, as rows of the table."""

    loops: tuple[Loop, ...]
    uses_index: bool
    uses_count: bool


def check_texts(texts: Texts, name: Any, options: Any) -> tuple[str, ...]:
    """Return the options; raise if a text is none, or the name no name.

    Raises
    ------
    TypeError, ValueError
    """
    for label, text in texts._asdict().items():
        if not isinstance(text, str):
            raise TypeError(f"{label} must be a str of C, got {type(text).__name__}")
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a kernel is a str such as 'squared_diff', not {name!r}")
    if isinstance(options, str):
        raise TypeError("options is a sequence of strings, not a string")
    return tuple(options)


def defined(preamble: str, options: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a preamble with the macros that options define, and the other options."""
    found = [_MACRO.fullmatch(option) for option in options]
    lines = [f"#define {m[1]} {m[2] or '1'}\n" for m in found if m is not None]
    rest = tuple(o for o, m in zip(options, found, strict=True) if m is None)
    return ("".join(lines) + preamble, rest) if not rest else (preamble, options)


def check_output(kernel: str, param: Param, x: Any, device: Device) -> None:
    """Raise unless `x` is an array that a kernel on `device` may write."""
    what = f"kernel {kernel}: output {param.name!r}"
    if isinstance(x, np.ndarray):
        raise HostMixError(f"{what} is a host array; outputs are device arrays")
    if not isinstance(x, DeviceArray):
        raise TypeError(f"{what} must be a DeviceArray, not {type(x).__name__}")
    if x.device is not device:
        raise UnsupportedError(
            f"{what} is on {x.device.name}, the inputs are on {device.name}; copy one to the "
            "other's device first"
        )
    if not x._writeable():
        raise ValueError(f"{what}: output array is read-only")


def c_name(name: str) -> str:
    """Return a kernel's name as a name of C."""
    plain = re.sub(r"\W", "_", name)
    return plain if not plain[0].isdigit() else f"_{plain}"


def at_hand(array: DeviceArray) -> DeviceArray:
    """Return an array in C order: itself, or a copy."""
    return array if array._layout().dense else array.copy()


def shifted(array: DeviceArray, out: DeviceArray) -> bool:
    """Say whether writing an element of `out` may change another element of `array`."""
    return array._buffer is out._buffer and array._layout() != out._layout()


def scalar_dtype(kinds: Iterable[Any]) -> DType:
    """Return the dtype that scalars decide, as arrays of them would have."""
    dtypes = [np.dtype(kind) if isinstance(kind, type) else kind for kind in kinds]
    return canonical(np.result_type(*dtypes))


def scalar_for(value: Any, dtype: DType, name: str, kernel: str) -> Any:
    """Return a scalar as a Python number that `dtype` holds.

    Raises
    ------
    TypeError, OverflowError
        If it would lose its kind (a float for an integer parameter), or does not fit.
    """
    rank = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
    mine = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    if rank[mine] > rank[dtype.kind]:
        raise TypeError(
            f"kernel {kernel}: parameter {name!r} is {dtype.name}; {value!r} would lose its value "
            f"in it: pass numpy.{dtype.name}({value!r}) if that is meant"
        )
    if dtype.kind == "c":
        return complex(value)
    if dtype.kind == "f":
        return float(value)
    return bool(value) if dtype.kind == "b" else weak_value(int(value), dtype)


def index_of(shape: Shape, walked: Walked | None) -> Node:
    """Return the numbers of the elements in C order."""
    start, step = (0, 1) if walked is None else (walked.start, walked.step)
    steps = []
    for length in reversed(shape):
        steps.append(step)
        step *= length
    return index_node(shape, tuple(reversed(steps)), start)


def aliases_of(ins: Sequence[Param], outs: Sequence[Param], used: set[str]) -> dict[str, str]:
    """Return which parameters the text means by ``in0``, ``out0`` ..."""
    names = {p.name for p in (*ins, *outs)}
    return {
        f"{kind}{k}": p.name
        for kind, group in (("in", ins), ("out", outs))
        for k, p in enumerate(group)
        if f"{kind}{k}" in used - names
    }


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text with words replaced."""
    for alias, name in names.items():
        text = re.sub(rf"\b{alias}\b", name, text)
    return text
