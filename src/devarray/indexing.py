"""Reading and writing through indices: views, elements, boolean masks, integer arrays."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from devarray import engine
from devarray.config import current
from devarray.device import Device
from devarray.graph import Buffer, Node, map_node
from devarray.kernels.ops import OPS
from devarray.layout import Layout, Shape, broadcast_shapes, index_layout, is_basic_key
from devarray.library import Trusted, call_library, native
from devarray.operands import as_operand, import_array, is_host_scalar, refuse_host
from devarray.peek import peek
from devarray.record import Recorded, View, array_over, as_scalar, fresh, selection, write

__all__ = ["constant", "getitem", "indices_on", "setitem", "view"]

BOOL = np.dtype("?")


def view(array: Recorded, layout: Any, dtype: Any = None, writeable: bool = True) -> Any:
    """Return an array that shows another part of the same buffer, or shows it otherwise."""
    dtype = array._dtype() if dtype is None else dtype
    return array_over(array._buffer, View(layout, dtype, writeable and array._writeable()))


def constant(array: Recorded, dtype: Any, value: Any) -> Any:
    """Return a new 0-d array on the device of `array`."""
    node = map_node(engine.copy_loop(dtype, dtype), (value,), ())
    return fresh(node, array._buffer.device)


def _plain_key(key: Any, device: Device) -> Any:
    """Return the key with integer arrays of no dimension, on host or device, as integers.

    Host arrays of indices, and masks, are copied to the device, as lists are.
    """
    if type(key) is tuple:
        return tuple([_plain_key(part, device) for part in key])
    if isinstance(key, Recorded) and not key._shape() and key._dtype().kind in "iu":
        return operator.index(key)  # type: ignore[arg-type]
    if isinstance(key, np.ndarray):
        if not key.ndim and key.dtype.kind in "iu":
            return operator.index(key)
        return indices_on(key, device)
    if type(key) is list:
        return _plain_key(_as_indices(key), device)
    return key


def _as_indices(key: list[Any]) -> np.ndarray[Any, Any]:
    """Return a list of indices, or a mask, as an array; NumPy has other words for lists."""
    indices = np.asarray(key) if key else np.empty(0, np.intp)
    if indices.dtype.kind not in "biu" and indices.size:
        np.empty(0)[key]  # raises
    return indices


def indices_on(indices: Any, device: Device) -> Any:
    """Return a host array of indices, or a mask, as a device array; anything else as it is.

    Raises
    ------
    IndexError
        For a host array of another kind, in NumPy's words.
    """
    if isinstance(indices, np.ndarray):
        if indices.dtype.kind not in "biu":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return import_array(indices, device)
    return indices


def getitem(array: Recorded, key: Any) -> Any:
    """Return ``array[key]``: a view for basic keys, a copy for others; an element is read."""
    key = _plain_key(key, array._buffer.device)
    if is_basic_key(key):
        dtype = array._dtype()
        layout = index_layout(array._layout(), key, dtype.itemsize)
        if not layout.shape and not _has_ellipsis(key):
            # NumPy gives a scalar here, which does not follow later writes to the array
            value = _element(array._buffer, layout, dtype)
            if current().host_access == "always":
                return value[()]
            return as_scalar(constant(array, dtype, value.item()))
        return view(array, layout)
    if _is_mask(key, array) and len(key._shape()) == len(array._shape()) and not array._lazy:
        return selection(array, key)
    return call_library(operator.getitem, (array, key), {}, reads_only=True)


def _element(buffer: Buffer, layout: Layout, dtype: Any) -> Any:
    """Return one element as a 0-d array of the host."""
    with engine.lock:
        value = peek(buffer, layout) if dtype == buffer.dtype else None
    if value is not None:
        return value
    return engine.on_host(engine.materialize(buffer), layout, dtype)


def _has_ellipsis(key: Any) -> bool:
    return key is Ellipsis or (type(key) is tuple and any(part is Ellipsis for part in key))


def setitem(array: Recorded, key: Any, value: Any) -> None:
    """Write ``array[key] = value``."""
    if not array._writeable():
        raise ValueError("assignment destination is read-only")
    key = _plain_key(key, array._buffer.device)
    if _is_everything(key) and array._shape():
        target = array
    elif is_basic_key(key):
        target = view(array, index_layout(array._layout(), key, array._dtype().itemsize))
        if not target._shape() and not _has_ellipsis(key):
            if np.ndim(value):
                raise ValueError("setting an array element with a sequence.")
            if isinstance(value, np.generic) and value.dtype.kind == "f":
                value = (
                    value.item()
                )  # an element is stricter than a slice: it refuses NaN as an integer
    elif _is_mask(key, array) and (node := _masked_value(array, key, value)) is not None:
        write(array, _masked(array, key, node))
        return
    else:
        _library_setitem(array, key, value)
        return
    if isinstance(value, Recorded) and _same_place(target, value):
        return
    if is_host_scalar(value) and target._view is not None and _is_small(target):
        with engine.lock:
            engine.before_write(target._buffer, target._layout(), target._dtype())
            native(target)[...] = scalar_value(value, target._dtype())
        return
    write(target, value_node(target, value))


SMALL = 1024  # elements that are set to a scalar by the host's own loop rather than by a kernel


def _is_small(target: Recorded) -> bool:
    device = target._buffer.device
    return device.shares_host_memory and math.prod(target._shape()) <= SMALL


def _same_place(a: Recorded, b: Recorded) -> bool:
    """Say whether two arrays show the same elements.

    ``x[1:] += y`` ends by assigning ``x[1:]`` to itself.
    """
    return a._buffer is b._buffer and a._dtype() == b._dtype() and a._layout() == b._layout()


def _is_everything(key: Any) -> bool:
    return key is Ellipsis or (type(key) is slice and key == slice(None))


def _is_mask(key: Any, array: Recorded) -> bool:
    if not isinstance(key, Recorded) or key._dtype() != BOOL:
        return False
    mask, shape = key._shape(), array._shape()
    if not mask or len(mask) > len(shape) or 0 in mask:
        return False
    for axis, (have, want) in enumerate(zip(mask, shape, strict=False)):
        if have != want:
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis}; size of axis is "
                f"{want} but size of corresponding boolean axis is {have}"
            )
    return True


def scalar_value(value: Any, dtype: Any, masked: bool = False) -> Any:
    """Return a host scalar cast to `dtype` as an assignment casts it.

    Parameters
    ----------
    masked : bool
        The assignment is through a mask (or by `fill`), which casts more; else through a basic
        index.

    Raises
    ------
    ValueError, TypeError, OverflowError
        NumPy's own.
    """
    holder = np.zeros(2, dtype)  # NumPy takes a single element otherwise
    with np.errstate(all="ignore"):
        holder[[0] if masked else slice(None)] = value
    return holder[0].item()


def _masked_value(array: Recorded, mask: Recorded, value: Any) -> Any:
    """Return what a masked store without compaction needs: a scalar, or a node.

    None means that there must be compaction.
    """
    if isinstance(value, Recorded) and value._lazy:
        if not value._goes_with(mask) or mask._shape() != array._shape():  # type: ignore[attr-defined]
            return None
        full = value._full._node()  # type: ignore[attr-defined]
        return (
            full
            if full.dtype == array._dtype()
            else engine.copy_node(full, full.shape, array._dtype())
        )
    if is_host_scalar(value):
        return scalar_value(value, array._dtype(), masked=True)
    if isinstance(value, Recorded) and not value._shape():
        dtype = array._dtype()
        node = as_operand(value, array._buffer.device)
        assert node is not None
        return engine.copy_node(node.value, (), dtype) if node.kind != dtype else node.value
    return None


def _masked(array: Recorded, mask: Recorded, value: Any) -> Node:
    """Return the node of a masked store: no compaction, one kernel."""
    dtype = array._dtype()
    shape = array._shape()
    condition = as_operand(mask, array._buffer.device)
    assert condition is not None
    if condition.shape != shape:
        extra = (None,) * (len(shape) - len(condition.shape))
        condition = as_operand(getitem(mask, (..., *extra)), array._buffer.device)
        assert condition is not None
    (loop,) = OPS[np.where].make((BOOL, dtype, dtype, dtype))
    return map_node(loop, (condition.value, value, array._node()), shape)


def value_node(target: Recorded, value: Any) -> Node:
    """Return the node to be written to `target`, of a shape that broadcasts to the target's."""
    dtype, shape = target._dtype(), target._shape()
    if is_host_scalar(value) or not isinstance(value, (list, tuple, np.ndarray, Recorded)):
        loop = engine.copy_loop(dtype, dtype)
        return map_node(loop, (scalar_value(value, dtype),), shape)
    _refuse_values(value)
    if not isinstance(value, Recorded):
        value = import_array(np.asarray(value), target._buffer.device)
    operand = as_operand(value, target._buffer.device)
    assert operand is not None
    have = operand.shape
    while len(have) > len(shape) and have[0] == 1:  # NumPy ignores leading axes of length 1
        value = getitem(value, 0) if len(have) > 1 else value.reshape(())
        have = value._shape()
    _check_fits(operand.shape, have, shape)
    if operand.kind.kind == "c" and dtype.kind != "c":
        _warn_complex()
    node: Node = value._node()
    return node


def _refuse_values(value: Any) -> None:
    """Raise for a host array that is assigned; one of a single element is as good as a scalar."""
    if not (isinstance(value, np.ndarray) and value.size == 1):
        refuse_host(value, "is assigned to a device array")


def _check_fits(given: Shape, have: Shape, shape: Shape) -> None:
    try:
        fits = broadcast_shapes(have, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        a, b = (str(s).replace(" ", "") for s in (given, shape))
        raise ValueError(f"could not broadcast input array from shape {a} into shape {b}")


def _warn_complex() -> None:
    warnings.warn(
        "Casting complex values to real discards the imaginary part",
        np.exceptions.ComplexWarning,
        stacklevel=5,
    )


def _library_setitem(array: Recorded, key: Any, value: Any) -> None:
    _refuse_values(value)
    with engine.lock:
        held = native(value) if isinstance(value, Recorded) else value
        if isinstance(value, Recorded) and value._buffer is array._buffer:
            held = held.copy()
        call_library(operator.setitem, (array, key, Trusted(held, value)), {})
