"""Searching: where things are, and choosing by conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import engine
from devarray.array import FUNCTIONS, DeviceArray
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, method_function, on_device
from devarray.creation import zeros
from devarray.graph import map_node
from devarray.kernels.ops import OPS, canonical
from devarray.layout import broadcast_shapes
from devarray.library import call_library
from devarray.operands import Operand, as_operand, device_of
from devarray.record import as_result, fresh
from devarray.reductions import count_nonzero as count_nonzero_of
from devarray.registry import get_device

__all__ = ["argmax", "argmin", "count_nonzero", "piecewise", "select", "where"]

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


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return elements of the first choice whose condition is true; see `numpy.select`.

    Parameters
    ----------
    condlist : sequence of array_like
        Conditions, of bool.
    choicelist : sequence of array_like
        A choice for each condition.
    default : array_like
        What stands where no condition is true.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(5)
    >>> da.select([x < 2, x > 3], [x, 10 * x], -1)
    array([ 0,  1, -1, -1, 40], device='openmp')
    """
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise ValueError("select with an empty condition list is not possible")
    conditions = [on_device(condition) for condition in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype != BOOL:
            raise TypeError(f"invalid entry {k} in condlist: should be boolean ndarray")
    choices = [
        choice if type(choice) in (int, float, complex) else on_device(choice)
        for choice in (*choicelist, default)
    ]
    dtype = canonical(np.result_type(*[getattr(choice, "dtype", choice) for choice in choices]))
    *values, result = [
        choice.astype(dtype, copy=False)
        if isinstance(choice, DeviceArray)
        else np.asarray(choice).astype(dtype)[()]
        for choice in choices
    ]
    for condition, value in zip(reversed(conditions), reversed(values), strict=True):
        result = where(condition, value, result)
    return result


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Return a function that is defined by cases; see `numpy.piecewise`.

    Parameters
    ----------
    x : array_like
    condlist : sequence of array_like of bool, or one array
        Where two conditions are true, the later one counts.
    funclist : sequence of callables and scalars
        A function for each condition, called with the device array of the elements that it is for
        if there are any; one more is for where no condition is true (else that is zero).
    *args, **kw
        Passed on to the functions.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(-2.0, 3.0)
    >>> da.piecewise(x, [x < 0, x > 1], [lambda v: -v, 10.0])
    array([ 2.,  1.,  0.,  0., 10.], device='openmp')
    """
    x = on_device(x)
    conditions = _conditions(x, condlist)
    n = len(funclist)
    if n == len(conditions) + 1:
        some = conditions[0]
        for condition in conditions[1:]:
            some = some | condition
        conditions.append(~some)
    elif n != len(conditions):
        m = len(conditions)
        raise ValueError(f"with {m} condition(s), either {m} or {m + 1} functions are expected")
    result = zeros(x.shape, x.dtype, device=x.device)
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            result[condition] = function
        elif condition.any():
            result[condition] = function(x[condition], *args, **kw)
    return result


# without `implements`: an error in the caller's functions must not have them called once more
FUNCTIONS[np.piecewise] = piecewise


def _conditions(x: DeviceArray, condlist: Any) -> list[Any]:
    """Return the conditions of `piecewise`, where a single one need not stand in a list."""
    if np.isscalar(condlist) or (isinstance(condlist, DeviceArray) and not condlist.ndim):
        condlist = [condlist]
    elif isinstance(condlist, DeviceArray) and condlist.shape[0]:
        condlist = [condlist] if condlist.ndim == 1 and x.ndim else condlist
    elif not np.ndim(condlist[0]) and x.ndim:
        condlist = [condlist]
    return [on_device(condition).astype(BOOL, copy=False) for condition in condlist]


argmax = method_function("argmax")
argmin = method_function("argmin")

library_functions(
    globals(),
    "argwhere choose digitize extract flatnonzero nonzero searchsorted",
)
