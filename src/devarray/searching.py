"""Searching: where things are, and choosing by conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import engine
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, method_function, on_device
from devarray.device import get_device
from devarray.graph import map_node
from devarray.kernels.ops import OPS, canonical
from devarray.layout import broadcast_shapes
from devarray.library import call_library
from devarray.record import Operand, as_operand, as_result, device_of, fresh
from devarray.reductions import count_nonzero as count_nonzero_of

__all__ = ["argmax", "argmin", "count_nonzero", "where"]

BOOL = np.dtype("?")
NO_VALUE = np._NoValue


@implements(np.where)
def where(condition: Any, x: Any = NO_VALUE, y: Any = NO_VALUE, /) -> Any:
    """Return elements of `x` where `condition` is true, else of `y`; see `numpy.where`.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(4)
    >>> da.where(x > 1, x, -x)
    array([ 0, -1,  2,  3], device='openmp')
    """
    if x is NO_VALUE and y is NO_VALUE:
        return call_library(np.where, (asarray(condition),), {})
    if x is NO_VALUE or y is NO_VALUE:
        raise ValueError("either both or neither of x and y should be given")
    device = device_of((condition, x, y)) or get_device()
    operands = [_operand(value, device) for value in (condition, x, y)]
    dtype = _common(operands[1], operands[2])
    shape = broadcast_shapes(*[operand.shape for operand in operands])
    (loop,) = OPS[np.where].make((BOOL, dtype, dtype, dtype))
    mask = operands[0].value if operands[0].kind == BOOL else _truth(operands[0])
    values = [_fit(operand, dtype) for operand in operands[1:]]
    return fresh(map_node(loop, (mask, *values), shape), device)


def _operand(value: Any, device: Any) -> Operand:
    operand = as_operand(value, device)
    if operand is None:
        raise TypeError(f"unsupported operand type: {type(value).__name__}")
    return operand


def _common(x: Operand, y: Operand) -> np.dtype[Any]:
    given = [
        operand.kind if isinstance(operand.kind, np.dtype) else operand.value for operand in (x, y)
    ]
    return canonical(np.result_type(*given))


def _fit(operand: Operand, dtype: np.dtype[Any]) -> Any:
    if isinstance(operand.kind, np.dtype):
        return operand.value
    return np.asarray(operand.value).astype(dtype).item()


def _truth(operand: Operand) -> Any:
    scalar = not isinstance(operand.kind, np.dtype) or not operand.shape
    if scalar and not hasattr(operand.value, "op"):
        return bool(operand.value)
    return engine.copy_node(operand.value, operand.shape, BOOL)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return how many elements are not zero; see `numpy.count_nonzero`.

    Examples
    --------
    >>> import devarray as da
    >>> da.count_nonzero(da.arange(3))
    array(2, device='openmp')
    """
    return as_result(count_nonzero_of(on_device(a), axis, keepdims))


argmax = method_function("argmax")
argmin = method_function("argmin")

library_functions(
    globals(),
    "argwhere choose digitize extract flatnonzero nanargmax nanargmin nonzero piecewise "
    "searchsorted select",
)
