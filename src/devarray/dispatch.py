"""Calls of ufuncs with all their arguments (``out=``, ``where=``, ``dtype=``, ``casting=``).

The ufunc methods are here as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import engine, reductions
from devarray.asknumpy import ask_numpy, raise_as_numpy
from devarray.config import current
from devarray.engine import copy_node
from devarray.errors import DevarrayError, HostMixError
from devarray.graph import Node, map_node
from devarray.kernels.ops import OPS, Loop, Op
from devarray.layout import broadcast_shapes, check_order
from devarray.library import call_library
from devarray.operands import (
    Operand,
    as_operand,
    call,
    check_power,
    device_of,
    import_array,
    loops_for,
    refuse_host,
)
from devarray.record import Recorded, as_result, fresh, unchanging, write
from devarray.registry import get_device

__all__ = ["call_ufunc", "ufunc_method"]

BOOL = np.dtype("?")


def call_ufunc(op: Op, inputs: tuple[Any, ...], **options: Any) -> Any:
    """Apply an op with the keyword arguments of a ufunc.

    Parameters
    ----------
    op : Op
    inputs : tuple
        Device arrays and scalars.
    **options
        out, where, dtype, casting, signature, order, subok: see `numpy.ufunc`.

    Returns
    -------
    DeviceArray, tuple of DeviceArray, or NotImplemented
    """
    given = dict(options)
    try:
        return _call_ufunc(op, inputs, options)
    except DevarrayError:
        raise
    except (TypeError, ValueError) as error:
        raise_as_numpy(error, op.like, inputs, given)


def _call_ufunc(op: Op, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    outs = _outs(op, options.pop("out", None))
    where = options.pop("where", True)
    options.pop("subok", None)
    check_order(options.pop("order", "K"))  # results are always C-contiguous
    casting = options.pop("casting", "same_kind")
    signature = _signature(
        op, options.pop("dtype", None), options.pop("signature", options.pop("sig", None))
    )
    if options:
        raise TypeError(f"{op.name}() got an unexpected keyword argument '{next(iter(options))}'")
    if (
        where is True
        and signature is None
        and casting == "same_kind"
        and all(o is None for o in outs)
    ):
        return call(op, *inputs)
    if any(isinstance(o, np.ndarray) for o in outs):
        return _to_host(op, inputs, outs, where, casting, signature)
    device = device_of((*inputs, *outs)) or get_device()
    operands = []
    for x in inputs:
        operand = as_operand(x, device)
        if operand is None:
            return NotImplemented
        operands.append(operand)
    loops, values = _resolve(op, operands, outs, casting, signature)
    if op.ufunc is np.power and loops[0].out.kind in "ui":
        check_power(operands, device)
    if isinstance(where, (list, tuple)):
        where = import_array(np.asarray(where, BOOL), device)
    mask = None if where is True else as_operand(where, device)
    shapes = [operand.shape for operand in operands]
    shape = broadcast_shapes(*shapes, *(() if mask is None else (mask.shape,)))
    shape = _fit(shape, outs)
    nodes = [map_node(loop, values, shape) for loop in loops]
    if mask is not None:
        nodes = [_masked(node, mask, out) for node, out in zip(nodes, outs, strict=True)]
    if len(nodes) > 1 and any(out is not None for out in outs):
        # the first output may be an input: compute all before the first is written
        held = [fresh(node, device) for node in nodes]
        engine.evaluate([array._buffer for array in held])
        nodes = [array._node() for array in held]
    results = []
    for node, out in zip(nodes, outs, strict=True):
        if out is None:
            result = fresh(node, device)
            results.append(result if node.shape else unchanging(result))
        else:
            write(out, node, "output array is read-only")
            results.append(out)
    return results[0] if op.nout == 1 else tuple(results)


def _outs(op: Op, out: Any) -> tuple[Any, ...]:
    if out is None:
        return (None,) * op.nout
    outs = out if isinstance(out, tuple) else (out,)
    outs = tuple(None if one is Ellipsis else one for one in outs)  # "an array": it always is one
    if len(outs) != op.nout:
        raise ValueError(f"The 'out' tuple must have exactly {op.nout} entries, got {len(outs)}")
    for one in outs:
        if one is not None and not isinstance(one, (Recorded, np.ndarray)):
            raise TypeError("return arrays must be of ArrayType")
    return outs


def _signature(op: Op, dtype: Any, signature: Any) -> tuple[Any, ...] | None:
    if dtype is not None and signature is not None:
        raise TypeError("cannot specify both 'signature' and 'dtype'")
    if dtype is not None:
        return (None,) * op.nin + (np.dtype(dtype),) * op.nout
    if signature is None:
        return None
    if not isinstance(signature, (str, tuple)):
        raise TypeError("the signature object to ufunc must be a string or a tuple.")
    if isinstance(signature, str):
        signature = tuple(np.dtype(name) for name in signature.replace("->", ""))
    dtypes: tuple[Any, ...] = signature
    if len(dtypes) != op.nin + op.nout:
        raise ValueError(f"a type-tuple must be specified of length {op.nin + op.nout}")
    return dtypes


def _resolve(
    op: Op, operands: list[Operand], outs: tuple[Any, ...], casting: Any, signature: Any
) -> tuple[tuple[Loop, ...], tuple[Any, ...]]:
    """Return loops and values, with casting to the outputs checked by NumPy."""
    kinds = tuple(operand.kind for operand in operands)
    wanted = tuple(None if out is None else out._dtype() for out in outs)
    if signature is None and casting == "same_kind":
        loops, values = loops_for(op, operands)
        for loop, dtype in zip(loops, wanted, strict=True):
            if dtype is not None and not np.can_cast(loop.out, dtype, casting):
                op.like.resolve_dtypes((*kinds, *wanted), casting=casting)  # raises NumPy's error
        return loops, values
    named = {} if signature is None else {"signature": signature}
    if casting == "equiv":  # NumPy 2.4 crashes on the weak kinds of Python scalars here
        kinds = tuple(k if isinstance(k, np.dtype) else np.dtype(k) for k in kinds)
    resolved = op.like.resolve_dtypes((*kinds, *wanted), casting=casting, **named)
    loops = op.make(resolved)
    strong = [
        operand
        if isinstance(operand.kind, np.dtype)
        else Operand(dtype, dtype.type(operand.value).item(), ())
        for operand, dtype in zip(operands, loops[0].ins, strict=True)
    ]
    return loops, tuple(operand.value for operand in strong)


def _fit(shape: tuple[int, ...], outs: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the shape of the loop.

    Operands repeat to an output's shape, but an output never repeats.
    """
    for out in outs:
        if out is None:
            continue
        together = broadcast_shapes(shape, out._shape())
        if together != out._shape():
            listed = str(together).replace(" ", "")
            mine = str(out._shape()).replace(" ", "")
            raise ValueError(
                f"non-broadcastable output operand with shape {mine} doesn't match the broadcast "
                f"shape {listed}"
            )
        shape = together
    return shape


def _masked(node: Node, mask: Operand, out: Any) -> Node:
    if isinstance(mask.kind, np.dtype) and mask.kind != BOOL:
        raise TypeError(
            f"Cannot cast array data from {mask.kind!r} to {BOOL!r} according to the rule 'safe'"
        )
    dtype = node.dtype if out is None else out._dtype()
    other: Any = dtype.type(0).item() if out is None else out._node()
    if node.dtype != dtype:
        node = copy_node(node, node.shape, dtype)
    (loop,) = OPS[np.where].make((BOOL, dtype, dtype, dtype))
    return map_node(loop, (mask.value, node, other), node.shape)


def _to_host(
    op: Op, inputs: tuple[Any, ...], outs: tuple[Any, ...], where: Any, casting: Any, signature: Any
) -> Any:
    """Write results to host arrays, where that is allowed (``ndarray += device_array``)."""
    if current().host_access != "always":
        raise HostMixError(
            f"the output of {op.name} is a host array, an input is on a device: get the input with "
            ".get() first, or copy the output to the device with devarray.to_gpu (or set "
            "host_access='always')"
        )
    results = call_ufunc(op, inputs, casting=casting, signature=signature)
    for result, out in zip(results if op.nout > 1 else (results,), outs, strict=True):
        if not np.can_cast(result.dtype, out.dtype, casting):
            np.add(result.get(), 0, out=out, casting=casting)  # raises NumPy's error
        np.copyto(
            out, result.get(), casting="unsafe", where=where if where is True else where.get()
        )
    return outs[0] if op.nout == 1 else outs


def ufunc_method(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Apply ``ufunc.method`` (reduce, accumulate, outer, at, reduceat)."""
    op = OPS.get(ufunc)
    result: Any = NotImplemented
    if method == "outer":
        return _outer(op, ufunc, inputs, options)
    if method == "at":
        return call_library(ufunc.at, inputs, options)
    if isinstance(options.get("out"), tuple):
        options = {**options, "out": options["out"][0]}
    if options.get("out") is Ellipsis:
        options = {**options, "out": None}
    if method == "reduce" and op is not None and isinstance(inputs[0], Recorded):
        if op.nin != 2 or op.nout != 1:
            ask_numpy(ufunc.reduce, inputs, {})
        result = reductions.reduce(op, *inputs, **options)
        result = as_result(result, options.get("out"))
    elif method == "accumulate" and op is not None and isinstance(inputs[0], Recorded):
        result = reductions.accumulate(op, *inputs, **options)
    if result is NotImplemented:
        result = call_library(getattr(ufunc, method), inputs, options)
    return result


def _outer_operand(x: Any, device: Any) -> Any:
    """Return a sequence as a device array, and a scalar as one of NumPy, which is not weak."""
    if isinstance(x, (list, tuple)):
        return import_array(np.asarray(x), device)
    if isinstance(x, (bool, int, float, complex)):
        return np.asarray(x)[()]
    refuse_host(x, "in an operation with a device array")
    return x


def _outer(op: Op | None, ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if op is None or op.nin != 2:
        return call_library(ufunc.outer, inputs, options)
    device = device_of(inputs)
    first, second = (_outer_operand(x, device) for x in inputs)
    if isinstance(first, Recorded) and isinstance(second, Recorded):
        key = (..., *(None,) * len(second._shape()))
        first = first[key]  # type: ignore[index]
    return call_ufunc(op, (first, second), **options)
