"""Reductions and accumulations of device arrays, from the rows of the table.

Dtypes, identities and errors are those of ``ufunc.reduce``. What a kernel cannot do (reductions of
ops that are no row's `reduce`) goes to the device's own library on the same memory.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from devarray import engine
from devarray.asknumpy import raise_as_numpy
from devarray.config import current
from devarray.errors import DevarrayError, HostMixError
from devarray.graph import Node, Reduction, map_node, reduce_node, scan_node
from devarray.indexing import scalar_value
from devarray.kernels.ops import OPS, Loop, Op, canonical
from devarray.layout import Shape, broadcast_shapes, normalize_axes, normalize_axis, reduced_shape
from devarray.library import call_library
from devarray.operands import as_operand
from devarray.record import Recorded, fresh, write

__all__ = [
    "accumulate",
    "arg_reduce",
    "count_nonzero",
    "mean",
    "reduce",
    "std",
    "truth",
    "var",
]

DType = np.dtype[Any]
BOOL = np.dtype("?")
INTP = canonical(np.dtype(np.intp))
NO_VALUE = np._NoValue  # what NumPy's functions pass for arguments that were not given


def given(value: Any) -> bool:
    """Say whether an optional argument was given."""
    return value is not NO_VALUE


def _unmask(array: Recorded, axis: Any, keepdims: bool, where: Any) -> tuple[Recorded, Any, Any]:
    """Let a selection by a mask be reduced, without compaction, as the full array where=mask."""
    plain = not keepdims and where is True and axis in (None, 0, -1, (0,))
    if array._lazy and plain:
        return array._full, None, array._mask  # type: ignore[attr-defined]
    return array, axis, where


_reduce_loops: dict[tuple[Op, DType, Any, Any], Loop] = {}


def _reduce_loop(op: Op, dtype: DType, wanted: Any, out: Any = None) -> Loop:
    """Return the loop that combines two accumulators, for elements of `dtype`.

    Without a `wanted` dtype, that of an output takes part in the promotion.
    """
    into = out._dtype() if wanted is None and isinstance(out, Recorded) else None
    key = (op, dtype, wanted, into)
    found = _reduce_loops.get(key)
    if found is None:
        if wanted is not None:
            wanted = canonical(np.dtype(wanted))
            signature = (wanted, None, None) if op.ufunc not in _LOGICAL else None
            resolved = op.ufunc.resolve_dtypes(  # NumPy, too, casts the input unsafely
                (None, dtype, None), reduction=True, signature=signature, casting="unsafe"
            )
        else:
            first = None if op.ufunc in _LOGICAL else into
            casting: Any = "same_kind" if first is None else "unsafe"
            resolved = op.ufunc.resolve_dtypes(
                (first, dtype, None), reduction=True, casting=casting
            )
        out = canonical(resolved[2])
        found = _reduce_loops[key] = op.make((out, out, out))[0]
    return found


_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor)


def cast(node: Node, dtype: DType) -> Node:
    """Return the node, cast if it is of another dtype."""
    return node if node.dtype == dtype else engine.copy_node(node, node.shape, dtype)


def reduce(
    op: Op,
    array: Recorded,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = True,
) -> Any:
    """Return ``op.ufunc.reduce`` of a device array.

    Arguments, dtypes and errors are those of `numpy.ufunc.reduce`.
    """
    try:
        return _reduce(op, array, axis, dtype, out, keepdims, initial, where)
    except DevarrayError:
        raise
    except (TypeError, ValueError) as error:
        options = {"axis": axis, "dtype": dtype, "out": out, "keepdims": keepdims}
        options |= {} if initial is NO_VALUE else {"initial": initial}
        options |= {} if where is True else {"where": where}
        raise_as_numpy(error, op.ufunc.reduce, (array,), options)


def _reduce(
    op: Op,
    array: Recorded,
    axis: Any,
    dtype: Any,
    out: Any,
    keepdims: bool,
    initial: Any,
    where: Any,
) -> Any:
    if op.ufunc.identity is not None:
        array, axis, where = _unmask(array, axis, keepdims, where)
    node = array._node()
    shape = node.shape
    if not op.reduce or (op.reduce in ("max", "min", "fmax", "fmin") and node.dtype.kind == "c"):
        return NotImplemented
    if isinstance(out, tuple):
        (out,) = out
    axes = normalize_axes(axis, len(shape))
    loop = _reduce_loop(op, node.dtype, dtype, out)
    if op.ufunc in _LOGICAL:
        node = cast(node, BOOL)
    masked = where is not True and where is not NO_VALUE
    start = None if initial is NO_VALUE or initial is None else _initial(initial, loop.out)
    identity = None if initial is None else op.ufunc.identity
    if masked:
        node = _mask(op, node, where, start if identity is None else identity, array, loop.out)
    empty = any(shape[a] == 0 for a in axes)
    if empty and start is None and identity is None:
        raise ValueError(f"zero-size array to reduction operation {op.name} which has no identity")
    node = cast(node, loop.out) if node.dtype.kind == "c" and loop.out.kind != "c" else node
    if empty:
        value = identity if start is None else start
        result = _filled(node, axes, keepdims, loop.out, value)
    elif not axes:
        result = _plus_initial(op, cast(node, loop.out), loop, start)
    else:
        result = reduce_node(node, Reduction(op, loop, axes, False, start), loop.out, keepdims)
    return finish(array, result, out)


def finish(array: Recorded, result: Node, out: Any) -> Any:
    """Return the result as an array, or write it to `out`.

    It is cast as NumPy's reductions do: to anything.
    """
    device = array._buffer.device
    if out is None or out is NO_VALUE:
        return fresh(result, device)
    if isinstance(out, np.ndarray) and current().host_access == "always":
        np.copyto(out, fresh(result, device).get(), casting="unsafe")
        return out
    if isinstance(out, np.ndarray):
        raise HostMixError(
            "the output of a reduction is a host array, its input is on a device: reduce without "
            "out=, and get the result with .get()"
        )
    if not isinstance(out, Recorded):
        raise TypeError(f"return arrays must be of DeviceArray type, got {type(out).__name__}")
    if out._shape() != result.shape:
        raise ValueError(
            "output parameter for reduction operation has the wrong shape: expected "
            f"{result.shape}, got {out._shape()}"
        )
    write(out, result, "output array is read-only")
    return out


def _filled(node: Node, axes: Shape, keepdims: bool, dtype: DType, value: Any) -> Node:
    loop = engine.copy_loop(dtype, dtype)
    return map_node(loop, (dtype.type(value).item(),), reduced_shape(node.shape, axes, keepdims))


def _initial(value: Any, dtype: DType) -> Any:
    if isinstance(value, Recorded):
        value = value.item()  # type: ignore[attr-defined]
    return scalar_value(value, dtype)


def _plus_initial(op: Op, node: Node, loop: Loop, start: Any) -> Node:
    if start is None:
        return engine.copy_node(node, node.shape, loop.out)
    return map_node(loop, (start, node), node.shape)


def _mask(op: Op, node: Node, where: Any, start: Any, array: Recorded, dtype: DType) -> Node:
    """Return the input with what `where` leaves out replaced by a value that changes nothing."""
    operand = as_operand(where, array._buffer.device)
    if operand is None or (isinstance(operand.kind, np.dtype) and operand.kind != BOOL):
        raise TypeError("the where argument must be a boolean array")
    if start is None:
        raise ValueError(
            f"reduction operation '{op.name}' does not have an identity, so to use a where mask "
            "one has to specify 'initial'"
        )
    shape = broadcast_shapes(operand.shape, node.shape)
    if shape != node.shape:
        a, b = (str(s).replace(" ", "") for s in (node.shape, shape))
        raise ValueError(
            f"non-broadcastable operand with shape {a} doesn't match the broadcast shape {b}"
        )
    if node.dtype != dtype:
        node = engine.copy_node(node, node.shape, dtype)
    value = dtype.type(start).item()
    (loop,) = OPS[np.where].make((BOOL, dtype, dtype, dtype))
    return map_node(loop, (operand.value, node, value), shape)


def arg_reduce(op: Op, array: Recorded, axis: Any, out: Any, keepdims: bool, name: str) -> Any:
    """Return the index of the first greatest (`op` maximum) or least (minimum) element."""
    node = array._node()
    shape = node.shape
    axes = normalize_axes(
        axis if axis is None else normalize_axis(axis, max(len(shape), 1)), max(len(shape), 1)
    )
    if any(shape[a] == 0 for a in axes if a < len(shape)):
        raise ValueError(f"attempt to get {name} of an empty sequence")
    if node.dtype.kind == "c":
        return NotImplemented
    if isinstance(out, Recorded) and out._dtype() != INTP:
        raise TypeError(
            f"Cannot cast array data from {out._dtype()!r} to {INTP!r} according to the rule 'safe'"
        )
    axes = tuple(a for a in axes if a < len(shape))
    loop = _reduce_loop(op, node.dtype, None)
    if not axes:
        result = map_node(engine.copy_loop(INTP, INTP), (0,), shape)
    else:
        result = reduce_node(node, Reduction(op, loop, axes, True, None), INTP, keepdims)
    return finish(array, result, out)


def truth(op: Op, array: Recorded, axis: Any, out: Any, keepdims: bool, where: Any) -> Any:
    """Return ``all`` or ``any``."""
    return reduce(op, array, axis, None, out, keepdims, NO_VALUE, where)


def count_nonzero(array: Recorded, axis: Any = None, keepdims: bool = False) -> Any:
    """Return how many elements are not zero."""
    node = cast(array._node(), BOOL)
    axes = normalize_axes(axis, len(node.shape))
    loop = _reduce_loop(OPS[np.add], BOOL, INTP)
    if any(node.shape[a] == 0 for a in axes):
        return fresh(_filled(node, axes, keepdims, INTP, 0), array._buffer.device)
    if not axes:
        return fresh(cast(node, INTP), array._buffer.device)
    reduction = Reduction(OPS[np.add], loop, axes, False, None)
    return fresh(reduce_node(node, reduction, INTP, keepdims), array._buffer.device)


def _count(array: Recorded, axes: Shape, where: Any, keepdims: bool) -> Any:
    """Return over how many elements a mean is taken: a number, or an array if `where` decides."""
    shape = array._shape()
    if where is True or where is NO_VALUE:
        return math.prod(shape[a] for a in axes)
    operand = as_operand(where, array._buffer.device)
    if operand is None:
        raise TypeError("the where argument must be a boolean array")
    ones = map_node(engine.copy_loop(BOOL, INTP), (operand.value,), shape)
    if not axes:
        return fresh(ones, array._buffer.device)
    if any(shape[a] == 0 for a in axes):
        return 0
    reduction = Reduction(OPS[np.add], _reduce_loop(OPS[np.add], INTP, INTP), axes, False, None)
    return fresh(reduce_node(ones, reduction, INTP, keepdims), array._buffer.device)


def _mean_dtype(array: Recorded, dtype: Any) -> tuple[DType, DType]:
    """Return the dtypes in which a mean is added up and returned.

    float16 is added in float32, as in NumPy.
    """
    own = array._dtype()
    if dtype is not None and dtype is not NO_VALUE:
        wanted = canonical(np.dtype(dtype))
        return wanted, wanted
    if own.kind in "bui":
        return np.dtype("f8"), np.dtype("f8")
    if own.char == "e":
        return np.dtype("f4"), own
    return own, own


def _axes_of_mean(axis: Any, ndim: int) -> Shape:
    """Return the axes; unlike sums, means of 0-d arrays along an axis are refused by NumPy."""
    if axis is not None and not isinstance(axis, tuple):
        return (normalize_axis(axis, ndim),)
    return normalize_axes(axis, ndim)


def _warn_if_empty(count: Any, what: str) -> None:
    if type(count) is int and count <= 0:
        warnings.warn(what, RuntimeWarning, stacklevel=4)


def mean(
    array: Recorded,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    """Return the arithmetic mean; see `numpy.mean`."""
    array, axis, where = _unmask(array, axis, keepdims, where)
    axes = _axes_of_mean(axis, len(array._shape()))
    within, result = _mean_dtype(array, dtype)
    count = _count(array, axes, where, keepdims)
    _warn_if_empty(count, "Mean of empty slice.")
    total = reduce(OPS[np.add], array, axes, within, None, keepdims, NO_VALUE, where)
    quotient = np.true_divide(total, count)._node()
    return finish(array, cast(quotient, result), out)


def var(
    array: Recorded,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """Return the variance: the mean in a first pass, squared distances in a second."""
    if correction is not NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    if _is_odd(array, dtype):
        return _library_spread(np.var, array, axis, dtype, out, ddof, keepdims, where, mean)
    array, axis, where = _unmask(array, axis, keepdims, where)
    axes = _axes_of_mean(axis, len(array._shape()))
    within, result = _mean_dtype(array, dtype)
    count = _count(array, axes, where, keepdims)
    if type(count) is int and count - ddof <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
    centre = mean
    if mean is NO_VALUE:
        total = reduce(OPS[np.add], array, axes, within, None, True, NO_VALUE, where)
        full = count if type(count) is int else _count(array, axes, where, True)
        centre = np.true_divide(total, full)
    values: Any = (
        array
        if array._dtype() == within
        else fresh(cast(array._node(), within), array._buffer.device)
    )
    distance = np.subtract(values, centre)
    if distance._dtype().kind == "c":
        square = np.real(distance) ** 2 + np.imag(distance) ** 2
        result = np.dtype("f4") if within.char == "F" else np.dtype("f8")
    else:
        square = np.multiply(distance, distance)
    total = reduce(OPS[np.add], square, axes, None, None, keepdims, NO_VALUE, where)
    rest = max(count - ddof, 0) if type(count) is int else np.maximum(np.subtract(count, ddof), 0)
    return finish(array, cast(np.true_divide(total, rest)._node(), result), out)


def _is_odd(array: Recorded, dtype: Any) -> bool:
    """Say whether a variance is asked for in another kind of numbers than the natural one."""
    if dtype is None or dtype is NO_VALUE:
        return False
    usual = "c" if array._dtype().kind == "c" else "f"
    return bool(np.dtype(dtype).kind != usual)


def _library_spread(function: Any, array: Recorded, *options: Any) -> Any:
    *given, where, mean = options
    named = {"where": where} if mean is NO_VALUE else {"where": where, "mean": mean}
    return call_library(function, (array, *given), named)


def std(
    array: Recorded,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """Return the standard deviation; see `numpy.std`."""
    if _is_odd(array, dtype):
        if correction is not NO_VALUE:
            ddof = correction
        return _library_spread(np.std, array, axis, dtype, out, ddof, keepdims, where, mean)
    variance = var(array, axis, dtype, None, ddof, keepdims, where, mean, correction)
    root = cast(np.sqrt(variance)._node(), variance._dtype())
    return finish(variance, root, out)


def accumulate(op: Op, array: Recorded, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """Return ``op.ufunc.accumulate``: each element in order, so results are NumPy's."""
    node = array._node()
    if op.nin != 2 or op.nout != 1:
        raise ValueError("accumulate only supported for binary functions returning a single value")
    if not node.shape:
        raise TypeError("cannot accumulate on a scalar")
    if not op.reduce:
        return NotImplemented
    axis = normalize_axis(axis, len(node.shape))
    loop = _reduce_loop(op, node.dtype, dtype, out)
    if node.dtype.kind == "c" and op.reduce not in ("sum", "prod"):
        return NotImplemented
    if op.ufunc in _LOGICAL:
        node = cast(node, BOOL)
    if 0 in node.shape:
        return finish(array, engine.copy_node(node, node.shape, loop.out), out)
    reduction = Reduction(op, loop, (axis,), False, None)
    return finish(array, scan_node(node, reduction, loop.out), out)
