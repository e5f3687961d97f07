"""Arguments of PyCUDA's kernels, as `devarray.RawKernel` takes them."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from devarray.boundary import from_address
from devarray.device import Device as Core

from ._allocations import (
    DeviceAllocation,
    PointerHolderBase,
    address_of,
    find_range,
    mem_alloc,
)
from ._copies import host_bytes, memcpy_dtoh, memcpy_htod
from ._errors import InvalidValueError

__all__ = [
    "ArgumentHandler",
    "In",
    "InOut",
    "Out",
    "Prepared",
    "as_array",
    "call_value",
    "for_kernel",
    "prepared_types",
    "prepared_value",
]

_CODES = re.compile(r"(\d*)([bBhHiIlLqQnNfdFDPse?])")
_POINTER = "P"


class ArgumentHandler:
    """Base class of `In`, `Out` and `InOut`: a host array as an argument of a kernel.

    Parameters
    ----------
    ary : numpy.ndarray
        Contiguous.

    Attributes
    ----------
    array
        As given.
    """

    def __init__(self, ary: Any) -> None:
        self.array = ary
        self.dev_alloc: DeviceAllocation | None = None

    def get_device_alloc(self) -> DeviceAllocation:
        """Return the device memory that stands for the array."""
        if self.dev_alloc is None:
            if not hasattr(self.array, "nbytes"):
                raise TypeError(
                    f"{type(self).__name__} takes a host array, got {type(self.array).__name__}"
                )
            self.dev_alloc = mem_alloc(max(self.array.nbytes, 1))
        return self.dev_alloc

    def pre_call(self, stream: Any) -> None:
        """Do what comes before the launch."""

    def post_call(self, stream: Any) -> None:
        """Do what comes after the launch."""


class In(ArgumentHandler):
    """A host array that is copied to the device before the kernel runs."""

    def pre_call(self, stream: Any) -> None:
        """Copy the array to the device."""
        memcpy_htod(self.get_device_alloc(), self.array)


class Out(ArgumentHandler):
    """A host array that is filled from the device after the kernel has run."""

    def pre_call(self, stream: Any) -> None:
        """Refuse an array that cannot be filled, before anything runs."""
        host_bytes(self.array, write=True)

    def post_call(self, stream: Any) -> None:
        """Copy the array from the device."""
        memcpy_dtoh(self.array, self.get_device_alloc())


class InOut(In, Out):
    """A host array that is copied to the device before the kernel runs, and back after."""

    def pre_call(self, stream: Any) -> None:
        """Copy the array to the device."""
        Out.pre_call(self, stream)
        In.pre_call(self, stream)


class Prepared(NamedTuple):
    """What `Function.prepare` was told of a parameter: a pointer, bytes, or a number's dtype."""

    code: str
    nbytes: int = 0
    dtype: np.dtype[Any] | None = None


def prepared_types(arg_types: Any) -> list[Prepared]:
    """Return what each of the codes, dtypes and classes says."""
    found: list[Prepared] = []
    for kind in [arg_types] if isinstance(arg_types, str) else arg_types:
        if isinstance(kind, str):
            found += _from_codes(kind)
        elif isinstance(kind, np.dtype):
            found.append(_of_dtype(kind))
        elif isinstance(kind, type) and issubclass(kind, np.generic):
            found.append(_of_dtype(np.dtype(kind)))
        elif kind in (float, complex, int, bool):
            raise TypeError(
                f"{kind.__name__} does not say how many bytes the parameter has: use numpy.float32 "
                "or 'f', numpy.int32 or 'i' and so on"
            )
        else:
            found.append(Prepared(_POINTER))
    return found


def _from_codes(text: str) -> Iterator[Prepared]:
    place = 0
    while place < len(text):
        code = _CODES.match(text, place)
        if code is None:
            raise InvalidValueError(
                f"{text[place:]!r} is no code of a type: they are those of the module struct, P "
                "for pointers, F and D for complex numbers, 16s for a structure of 16 bytes"
            )
        place = code.end()
        count = int(code[1] or 1)
        if code[2] == "s":
            yield Prepared("s", count)
        elif code[2] in "PN":
            yield from [Prepared(_POINTER)] * count
        else:
            dtype: Any = np.dtype({"n": "l"}.get(code[2], code[2]))
            yield from [Prepared(code[2], dtype.itemsize, dtype)] * count


def _of_dtype(dtype: np.dtype[Any]) -> Prepared:
    if dtype.kind == "V":
        return Prepared("s", dtype.itemsize)
    if dtype.kind not in "biufc":
        raise TypeError(f"a kernel has no parameters of {dtype}")
    return Prepared(dtype.char, dtype.itemsize, dtype)


def prepared_value(kind: Prepared, value: Any) -> Any:
    """Return an argument as the type that was prepared, as `RawKernel` takes it."""
    dtype: Any = kind.dtype
    if kind.code == _POINTER:
        return _Pointer(0 if value is None else address_of(value))
    if dtype is None:
        data = value if isinstance(value, bytes) else np.asarray(value).tobytes()
        if len(data) > kind.nbytes:
            raise TypeError(f"{kind.nbytes} bytes were prepared, the value has {len(data)}")
        return np.void(data.ljust(kind.nbytes, b"\0"))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if dtype.kind in "iu":
        value = operator.index(value)
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise OverflowError(f"{value} is out of the range of {dtype}")
    elif dtype.kind == "f":
        value = float(value)
    return dtype.type(value)


class _Pointer(NamedTuple):
    """An address among arguments."""

    address: int


def call_value(k: int, arg: Any, handlers: list[ArgumentHandler]) -> Any:
    """Return an argument of a call as `RawKernel` takes it, addresses as `_Pointer`."""
    if isinstance(arg, ArgumentHandler):
        handlers.append(arg)
        return _Pointer(int(arg.get_device_alloc()))
    if isinstance(arg, np.generic):
        return arg
    if isinstance(arg, np.ndarray):
        base: Any = arg.base
        if isinstance(base, PointerHolderBase):
            return _Pointer(address_of(arg))
        return arg[()] if arg.ndim == 0 else np.void(arg.tobytes())
    if type(arg) in (int, float, complex, bool):
        like = {int: "numpy.int32", float: "numpy.float32", complex: "numpy.complex64"}
        raise TypeError(
            f"argument {k} is a Python {type(arg).__name__}, whose size is not known: pass "
            f"{like.get(type(arg), 'numpy.bool_')}({arg!r}), or whatever the kernel declares"
        )
    try:
        return _Pointer(address_of(arg))
    except TypeError as error:
        raise TypeError(f"argument {k}: {error}") from None


def for_kernel(value: Any, parameter: Any, source: Any, k: int) -> Any:
    """Return a value for a parameter: where its type is unknown, an address has its own."""
    kind = "?" if parameter is None else parameter.kind
    pointer = kind == "p"
    if isinstance(value, _Pointer):
        if kind != "?" and not pointer and (kind, parameter.size) not in _HOLDS_ADDRESS:
            raise TypeError(f"argument {k} is an address, and the kernel takes a number there")
        return value.address if pointer else np.uintp(value.address)
    if pointer:
        if isinstance(source, np.ndarray):
            raise TypeError(
                f"argument {k} is a host array: PyCUDA passes it by value, as a structure, and the "
                "kernel takes a pointer there. Pass driver.In(array), driver.Out(array) or "
                "driver.InOut(array), or copy it with gpuarray.to_gpu(array)"
            )
        if isinstance(value, (np.integer, np.void)) and value.itemsize == np.uintp().itemsize:
            return int(np.frombuffer(value.tobytes(), np.uintp)[0])
        raise TypeError(
            f"argument {k} is of {value.dtype}, and the kernel takes a pointer there: pass an "
            "allocation, a GPUArray, or an address as numpy.intp"
        )
    return value


def _extent(source: Any) -> int:
    """Return the bytes of an array, or of an array's memory; 0 if they are not known."""
    return int(getattr(getattr(source, "_owner", source), "nbytes", 0))


def as_array(value: Any, parameter: Any, source: Any, device: Core) -> Any:
    """Return an array for an address whose extent is known, so that accesses can be checked."""
    if parameter is None or parameter.kind != "p" or not value:
        return value
    found = find_range(value)
    nbytes = sum(found) - value if found else _extent(source)
    known = parameter.target_kind in ("i", "u", "f", "b") and parameter.target_size <= 8
    dtype: Any = np.dtype(f"{parameter.target_kind}{parameter.target_size}" if known else "u1")
    if nbytes < dtype.itemsize or value % dtype.itemsize:
        return value
    return from_address(value, (nbytes // dtype.itemsize,), dtype, device=device)


_HOLDS_ADDRESS = {("u", 8), ("i", 8)}
