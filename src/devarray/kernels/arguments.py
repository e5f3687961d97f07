"""What a launch is given: sizes of grid and block, and values as the bytes of parameters."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from .signatures import Parameter

__all__ = ["launch_sizes", "value_bytes"]

_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "b": (1,)}
_TYPES = {
    (kind, size): np.dtype("bool" if kind == "b" else f"{kind}{size}")
    for kind, sizes in _SIZES.items()
    for size in sizes
}
_COMPLEX = {8: np.complex64, 16: np.complex128}


def launch_sizes(
    given: Sequence[int] | int, what: str, limits: tuple[int, int, int], most: int | None = None
) -> tuple[int, int, int]:
    """Return the three sizes of a grid or block.

    Parameters
    ----------
    given : int or sequence of at most three int
    what : str
        What it is called in messages: ``grid`` or ``block``.
    limits : tuple of int
        The most along each axis.
    most : int, optional
        The most in all.

    Raises
    ------
    TypeError, ValueError
        If sizes are no integers, or not within the limits.
    """
    several: Any = (given,) if isinstance(given, (int, np.integer)) else given
    try:
        sizes = [index(size) for size in several]
    except TypeError:
        raise TypeError(f"a {what} is one to three integers, not {given!r}") from None
    if not 1 <= len(sizes) <= 3:
        raise ValueError(f"a {what} has one to three sizes, not {len(sizes)}")
    x, y, z = (*sizes, 1, 1)[:3]
    for size, limit, axis in zip((x, y, z), limits, "xyz", strict=True):
        if not 1 <= size <= limit:
            raise ValueError(f"{what}.{axis} is {size}; it must be from 1 to {limit}")
    if most is not None and x * y * z > most:
        raise ValueError(f"a {what} has at most {most} threads, not {x} x {y} x {z} = {x * y * z}")
    return x, y, z


def value_bytes(parameter: Parameter | None, value: Any) -> bytes:
    """Return what a parameter receives.

    A NumPy scalar must have the parameter's type, or be an integer that fits into an integer
    parameter; Python numbers are converted to it.

    Parameters
    ----------
    parameter : Parameter or None
        None, or kind ``"?"``, if the type is not known: then a NumPy scalar is needed.
    value : int, float, bool, complex, bytes, numpy.generic or None
        None is a null pointer, an int the address that a pointer has, ``bytes`` a structure.

    Raises
    ------
    TypeError, OverflowError
        If the value does not fit.
    """
    if parameter is None or parameter.kind == "?":
        if isinstance(value, np.generic):
            return value.tobytes()
        raise TypeError(
            "the type of the parameter is not known, so that a NumPy scalar of the right type is "
            f"needed, such as numpy.int32(5), not {type(value).__name__}"
        )
    kind, size = parameter.kind, parameter.size
    if kind == "p":
        return _pointer(value, size)
    if kind == "s":
        return _structure(value, size)
    wanted = _TYPES[kind, size]
    if isinstance(value, np.generic):
        integers = {value.dtype.kind, wanted.kind} <= set("iu")
        if value.dtype.itemsize == size and (integers or value.dtype.kind == wanted.kind):
            return value.tobytes()
        if not integers:
            raise TypeError(f"{wanted} is needed, not {value.dtype}")
        limits = np.iinfo(wanted)
        if not limits.min <= int(value) <= limits.max:
            raise OverflowError(f"{value} is out of the range of {wanted}")
        value = int(value)
    if isinstance(value, float) and kind != "f":
        raise TypeError(f"{wanted} is needed, not a float")
    if not isinstance(value, (int, float)):
        raise TypeError(f"{wanted} is needed, not {type(value).__name__}")
    scalar: np.generic = wanted.type(value)
    return scalar.tobytes()


def _pointer(value: Any, size: int) -> bytes:
    if value is None:
        return bytes(size)
    try:
        return index(value).to_bytes(size, sys.byteorder)
    except TypeError:
        raise TypeError(
            f"an array on the device, or an address as int, is needed, not {type(value).__name__}"
        ) from None


def _structure(value: Any, size: int) -> bytes:
    if isinstance(value, complex) and not isinstance(value, np.generic) and size in _COMPLEX:
        value = _COMPLEX[size](value)
    data = value if isinstance(value, bytes) else None
    if isinstance(value, np.generic):
        data = value.tobytes()
    elif isinstance(value, ctypes.Structure):
        data = bytes(memoryview(value))
    if data is None or len(data) != size:
        has = type(value).__name__ if data is None else f"{len(data)} bytes"
        raise TypeError(
            f"a structure of {size} bytes is needed, such as a scalar of a structured dtype "
            f"(numpy.void) or a ctypes.Structure, not {has}"
        )
    return data
