"""What is not fused runs in the device's own array library, on the same memory.

That is: evaluate, view, call, adopt.

Results that share memory with an argument stay views of it; new results are adopted without a copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray import engine
from devarray.asknumpy import raise_as_numpy
from devarray.bounds import check_bounds
from devarray.config import current
from devarray.device import Device, Native
from devarray.errors import UnsupportedError
from devarray.graph import Buffer, load_node, readers
from devarray.kernels.ops import DTYPES, canonical, canonical_values
from devarray.launches import note_obstacle
from devarray.layout import make_layout
from devarray.operands import check_device, device_of, import_array, refuse_host
from devarray.record import Recorded, View, array_over, fresh_buffer, unchanging, write

__all__ = ["Trusted", "adopt", "call_library", "native"]


def native(array: Recorded) -> Any:
    """Return the memory of an array as one of the device's own library, without a copy."""
    block = engine.materialize(array._buffer)
    device = array._buffer.device
    return device.native(block, array._layout(), array._dtype(), array._writeable())


def call_library(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    reads_only: bool = False,
    default: Device | None = None,
) -> Any:
    """Call a function of the device's library with device arrays.

    Parameters
    ----------
    reads_only : bool
        The function is known to write to none of its arguments. Of others one cannot know
        (``nan_to_num(x, copy=False)``, ``dot(a, b, out)``), so what reads the memory of the
        arguments is evaluated before.
    default : Device, optional
        Where results go if no argument is a device array; without it they stay what they are.

    Raises
    ------
    HostMixError
        If a host array with a dimension stands among the arguments, unless ``host_access`` is
        ``always``.
    """
    found: list[tuple[Recorded, Any]] = []
    with engine.lock:
        native_args, native_kwargs = _unwrap(args, found), _unwrap(kwargs, found)
        for array, _ in () if reads_only else found:
            block = engine.materialize(array._buffer)
            engine.evaluate(readers(block, array._layout(), array._dtype().itemsize))
        device = _one_device([array for array, _ in found]) or default
        if device is None:
            return function(*args, **kwargs)
        note_obstacle(getattr(function, "__name__", "a function"))
        try:
            counterpart = device.counterpart(function)
            if device.xp is not np:
                check_bounds(function, args, kwargs)
                _check_writeable(function, args, kwargs)
            with np.errstate(all="ignore"):
                result = counterpart(*native_args, **native_kwargs)
        except (TypeError, ValueError, IndexError, NotImplementedError) as error:
            if device.xp is np:
                raise
            own = _unsupported(error, function, device)
            if isinstance(own, UnsupportedError) and current().host_access == "always":
                return _on_host(function, args, kwargs, reads_only, device)
            if own is error and isinstance(error, UnsupportedError):
                raise
            raise_as_numpy(own, function, _given(args), _given(kwargs), indices=True)
        return _wrap(result, found, device)


def _on_host(
    function: Callable[..., Any], args: Any, kwargs: Any, reads_only: bool, device: Device
) -> Any:
    """Call NumPy's function, for one that the device's library lacks, with copies on the host.

    Arrays that it may have written are copied back.
    """
    copies: dict[int, tuple[Recorded, Any]] = {}
    with np.errstate(all="ignore"):
        result = function(*_copied(args, copies), **_copied(kwargs, copies))
    for array, copy in copies.values():
        if not reads_only and array._writeable():
            write(array, import_array(copy, device)._node())
    return _back(result, copies, device)


def _copied(value: Any, copies: dict[int, tuple[Recorded, Any]]) -> Any:
    if type(value) is Trusted:
        value = value.given
    if isinstance(value, Recorded):
        block = engine.materialize(value._buffer)
        made = copies.get(id(value))
        if made is None:
            host = np.array(engine.on_host(block, value._layout(), value._dtype()))
            made = copies[id(value)] = value, host
        return made[1]
    if type(value) in (list, tuple):
        return type(value)([_copied(item, copies) for item in value])
    if type(value) is dict:
        return {key: _copied(item, copies) for key, item in value.items()}
    return value


def _back(value: Any, copies: dict[int, tuple[Recorded, Any]], device: Device) -> Any:
    """Return what NumPy gave, arrays on the device."""
    if isinstance(value, np.ndarray):
        for array, copy in copies.values():
            if value is copy:  # out=
                return array
        return import_array(value, device)
    if isinstance(value, tuple):
        items = [_back(item, copies, device) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


# What writes to its first argument; other libraries' arrays know of no memory that is read-only.
_WRITES: frozenset[Any] = frozenset(
    {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
    | {operator.setitem, np.ndarray.sort, np.ndarray.partition}
)


def _check_writeable(function: Any, args: Any, kwargs: Any) -> None:
    """Raise if a function is about to write to an array that is read-only."""
    outs = kwargs.get("out")
    targets = outs if isinstance(outs, tuple) else (outs,)
    if function in _WRITES or getattr(function, "__name__", "") == "at":
        targets = (*targets, *args[:1])
    if any(isinstance(target, Recorded) and not target._writeable() for target in targets):
        raise ValueError("output array is read-only")


def _one_device(arrays: list[Recorded]) -> Device | None:
    for array in arrays:
        check_device(array, arrays[0]._buffer.device)
    return device_of(tuple(arrays))


def _unsupported(error: Exception, function: Any, device: Device) -> Exception:
    """Return the library's error, or ours if it says that it lacks something."""
    if not isinstance(error, NotImplementedError):
        return error
    library, name = device.xp.__name__, getattr(function, "__name__", repr(function))
    return UnsupportedError(
        f"{library}, the library of device {device}, has no {name} with these arguments: {error}"
    )


class Trusted:
    """A native array on its way through `call_library`, which lets no other host array pass.

    Attributes
    ----------
    array : object
    given : object
        What it was made of: a device array, or a host scalar or sequence as it is.
    """

    def __init__(self, array: Any, given: Any) -> None:
        self.array = array
        self.given = given


def _given(value: Any) -> Any:
    """Return arguments with what trusted arrays were made of in their place."""
    if type(value) is tuple:
        return tuple([_given(item) for item in value])
    return value.given if type(value) is Trusted else value


def _unwrap(value: Any, found: list[tuple[Recorded, Any]]) -> Any:
    if isinstance(value, Recorded):
        view = native(value)
        found.append((value, view))
        return view
    if type(value) in (list, tuple):
        return type(value)([_unwrap(item, found) for item in value])
    if type(value) is dict:
        return {key: _unwrap(item, found) for key, item in value.items()}
    if type(value) is Trusted:
        return value.array
    refuse_host(value, "in an operation with a device array")
    return value


def _wrap(value: Any, found: list[tuple[Recorded, Any]], device: Device) -> Any:
    place = device.describe(value)
    if place is not None:
        for array, mine in found:
            if value is mine:  # out=
                return array
        try:
            canonical_values(value.dtype)
        except UnsupportedError:
            return value
        for array, _ in found:
            block = array._buffer.block
            assert block is not None
            if value.size and block.address <= place.address < block.address + block.nbytes:
                return _same_memory(value, place, array)
        result = adopt(value, device)
        return result if value.ndim or device.shares_host_memory else unchanging(result)
    if isinstance(value, np.generic) and current().host_access == "always":
        return value
    if isinstance(value, np.generic):
        made = value.dtype in DTYPES
        return unchanging(import_array(np.asarray(value), device)) if made else value
    if isinstance(value, tuple):
        items = [_wrap(item, found, device) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if type(value) is list:
        return [_wrap(item, found, device) for item in value]
    return value


def _same_memory(value: Any, place: Native, array: Recorded) -> Any:
    """Return the device array that shows what `value`, a view into `array`'s memory, shows."""
    buffer = array._buffer
    block = buffer.block
    assert block is not None
    offset = place.address - block.address
    layout = make_layout(value.shape, place.strides, offset, value.itemsize)
    writeable = array._writeable() and getattr(value.flags, "writeable", True)
    return array_over(buffer, View(layout, canonical(value.dtype), writeable))


def adopt(value: Any, device: Device) -> Any:
    """Return a device array over the memory of a native array that nobody else uses."""
    dtype = canonical_values(value.dtype)
    place = device.describe(value)
    assert place is not None
    repeats = any(s == 0 and n > 1 for s, n in zip(place.strides, value.shape, strict=True))
    if value.dtype != dtype or not getattr(value.flags, "writeable", True) or repeats:
        value = value.astype(dtype, order="C", copy=True)
        place = device.describe(value)
        assert place is not None
    if value.size == 0:
        return fresh_buffer(device, value.shape, dtype)
    block = device.adopt(value)
    layout = make_layout(value.shape, place.strides, place.address - block.address, dtype.itemsize)
    buffer = Buffer(device, load_node(block, layout, dtype))
    buffer.hold(block, layout)
    return array_over(buffer)
