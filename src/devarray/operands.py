"""Operands: what may stand beside device arrays, as nodes and scalars; and ops applied to them.

Everything a user can get wrong about dtypes, shapes and devices is found here, when the operation
is written.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from devarray import engine, record
from devarray.config import current
from devarray.device import Device
from devarray.errors import HostMixError, UnsupportedError
from devarray.graph import Node, map_node
from devarray.kernels.ops import OPS, Loop, Op, canonical_values, weak_value
from devarray.layout import Shape, broadcast_shapes
from devarray.record import Recorded, fresh, fresh_buffer, unchanging
from devarray.registry import get_device
from devarray.streams import Stream

__all__ = [
    "Operand",
    "as_operand",
    "call",
    "check_device",
    "check_power",
    "decides_itself",
    "device_of",
    "import_array",
    "is_host_scalar",
    "loops_for",
    "on_stream",
    "refuse_host",
]


def refuse_host(x: Any, what: str) -> None:
    """Raise for a host array with a dimension that meets device arrays, unless that is allowed.

    Raises
    ------
    HostMixError
        It says that the array `what`, and what to do.
    """
    if isinstance(x, np.ndarray) and x.ndim and current().host_access != "always":
        raise HostMixError(
            f"a host array of shape {x.shape} and dtype {x.dtype} {what}: copy it to the device "
            "first, with devarray.to_gpu(x) (or set host_access='always' to have that done)"
        )


class Operand(NamedTuple):
    """An argument of an operation: its dtype (a Python scalar's type), and a node or a scalar."""

    kind: Any
    value: Any
    shape: Shape


def decides_itself(x: Any) -> bool:
    """Say whether `x` is of a subclass of ndarray with operators of its own (masked, matrix)."""
    kind = type(x)
    return kind is not np.ndarray and isinstance(x, np.ndarray) and kind.__array_priority__ > 0


def on_stream(device: Device, stream: Any) -> AbstractContextManager[Any]:
    """Return a context in which work on `device` goes to a stream; None leaves the current one.

    Raises
    ------
    TypeError, ValueError
        If it is no stream, or another device's.
    """
    if stream is None:
        return nullcontext()
    if not isinstance(stream, Stream):
        raise TypeError(f"stream must be a devarray.Stream, got {type(stream).__name__}")
    if stream.device is not device:
        raise ValueError(
            f"the stream is one of {stream.device.name}: work on {device.name} needs its own"
        )
    return stream


def import_array(array: np.ndarray[Any, Any], device: Device, wait: bool = True) -> Any:
    """Return a device array with a copy of a host array.

    Without `wait`, a contiguous array of a dtype of devices is copied later, on the current stream.

    Raises
    ------
    UnsupportedError
        For dtypes that devices do not have, and for masked arrays and matrices.
    """
    if decides_itself(array):
        raise UnsupportedError(
            f"{type(array).__name__} is not supported on devices: its values alone would mean "
            "something else; pass np.asarray(x), or x.filled(...) for masked arrays"
        )
    dtype = canonical_values(array.dtype)
    source = np.ascontiguousarray(array, dtype).reshape(array.shape)
    result = fresh_buffer(device, source.shape, dtype)
    if source.size:
        device.copy_in(
            source, result._buffer.block, wait=wait or not np.may_share_memory(source, array)
        )
    return result


def check_device(x: Recorded, device: Device) -> None:
    """Raise if an array lives on another device."""
    if x._buffer.device is not device:
        raise UnsupportedError(
            f"arrays of different devices in one operation: {device.name} and "
            f"{x._buffer.device.name}; copy one to the other's device first"
        )


def as_operand(x: Any, device: Device | None) -> Operand | None:
    """Return an operand for what may stand beside device arrays, or None for a foreign type.

    Raises
    ------
    HostMixError
        For a host array with a dimension, unless ``host_access`` is ``always``.
    """
    if isinstance(x, Recorded):
        if device is not None:
            check_device(x, device)
        node = x._node()
        return Operand(node.dtype, node, node.shape)
    kind = type(x)
    if kind is bool:
        return Operand(np.dtype("?"), x, ())
    if kind is int or kind is float or kind is complex:
        return Operand(kind, x, ())
    if isinstance(x, np.generic) or (isinstance(x, np.ndarray) and x.ndim == 0):
        return Operand(canonical_values(x.dtype), x.item(), ())
    if isinstance(x, (int, float, complex)):
        return as_operand(np.asarray(x), device)  # a subclass: not weak, as in NumPy
    if decides_itself(x):
        return None
    if isinstance(x, (np.ndarray, list, tuple)):
        refuse_host(x, "in an operation with a device array")
        node = import_array(np.asarray(x), device or get_device())._node()
        return Operand(node.dtype, node, node.shape)
    return None


def is_host_scalar(value: Any) -> bool:
    """Say whether `value` is a scalar of Python or NumPy, or a 0-d host array."""
    return isinstance(value, (bool, int, float, complex, np.generic)) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )


def device_of(inputs: tuple[Any, ...]) -> Device | None:
    """Return the device of the first device array among `inputs`."""
    for x in inputs:
        if isinstance(x, Recorded):
            return x._buffer.device
    return None


def loops_for(op: Op, operands: list[Operand]) -> tuple[tuple[Loop, ...], tuple[Any, ...]]:
    """Return the loops of an op for these operands, and the operands' values fit for them.

    Raises
    ------
    TypeError, OverflowError, ValueError
        NumPy's own.
    """
    kinds = tuple([operand.kind for operand in operands])
    loops = op.resolve(kinds)
    ins = loops[0].ins
    values = []
    for operand, dtype in zip(operands, ins, strict=True):
        value = operand.value
        if type(value) is not Node:
            if type(value) is int and dtype.kind in "ui":
                try:
                    value = weak_value(value, dtype)
                except OverflowError:
                    if op.ufunc not in _COMPARISONS or operand.kind is not int:
                        raise
                    # NumPy compares exactly with integers that no dtype holds: as infinity does
                    beyond = Operand(np.dtype("f8"), np.copysign(np.inf, value).item(), ())
                    return loops_for(op, [beyond if o is operand else o for o in operands])
            elif dtype.kind in "fc" and type(value) is int:
                value = float(value)
        values.append(value)
    return loops, tuple(values)


_COMPARISONS = frozenset(
    {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
)


def check_power(operands: list[Operand], device: Device) -> None:
    """Raise NumPy's ValueError for integers to negative integer powers.

    Exponents that are arrays are evaluated for it.
    """
    exponent = operands[1]
    whole = all(
        o.kind is int or (isinstance(o.kind, np.dtype) and o.kind.kind in "bui") for o in operands
    )
    if not whole:
        return
    base = operands[0].kind
    if exponent.kind is int and isinstance(base, np.dtype) and base.kind == "u":
        return  # a negative exponent is out of bounds for the dtype: that is the error
    if type(exponent.value) is not Node:
        negative = exponent.value < 0
    elif exponent.kind.kind != "i" or 0 in exponent.shape:
        return
    else:
        least = fresh(engine.copy_node(exponent.value, exponent.shape, exponent.kind), device)
        negative = bool((least.min() < 0).item())
    if negative:
        raise ValueError("Integers to negative integer powers are not allowed.")


_POWER = OPS[np.power]


def _quick(op: Op, inputs: tuple[Any, ...]) -> Any:
    """Return the result for arrays and floats whose loop is known already, else None."""
    kinds: list[Any] = []
    sources: list[Any] = []
    device = shape = None
    array_class = record.array_class
    for x in inputs:
        if type(x) is array_class:
            node = x._buffer.node if x._view is None else x._node()
            if device is None:
                device, shape = x._buffer.device, node.shape
            elif device is not x._buffer.device:
                return None
            elif node.shape != shape:
                shape = broadcast_shapes(shape, node.shape)
            kinds.append(node.dtype)
            sources.append(node)
        elif type(x) is float:
            kinds.append(float)
            sources.append(x)
        else:
            return None
    found = op.loops.get(tuple(kinds))
    if found is None or device is None or len(found) != 1 or op is _POWER:
        return None
    assert shape is not None
    result = fresh(map_node(found[0], tuple(sources), shape), device)
    return result if shape else unchanging(result)


def call(op: Op, *inputs: Any) -> Any:
    """Apply an op to arrays and scalars.

    Returns a new array, a tuple of arrays, or NotImplemented for foreign types.
    """
    quick = _quick(op, inputs)
    if quick is not None:
        return quick
    for x in inputs:
        if isinstance(x, Recorded) and x._lazy:
            combined = x._combine(op, inputs)  # type: ignore[attr-defined]
            if combined is not None:
                return combined
            break
    device = device_of(inputs) or get_device()
    operands = []
    for x in inputs:
        operand = as_operand(x, device)
        if operand is None:
            return NotImplemented
        operands.append(operand)
    if op.ufunc is np.power:
        check_power(operands, device)
    loops, values = loops_for(op, operands)
    shape = broadcast_shapes(*[operand.shape for operand in operands])
    results = [fresh(map_node(loop, values, shape), device) for loop in loops]
    if not shape:
        results = [unchanging(result) for result in results]
    return results[0] if len(results) == 1 else tuple(results)
