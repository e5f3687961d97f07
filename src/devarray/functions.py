"""Functions over device arrays that are no ufuncs.

Selection, limits, rounding, reductions by name, views.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import dispatch, engine
from devarray.array import FUNCTIONS, DeviceArray
from devarray.asknumpy import like_numpy
from devarray.boundary import asarray
from devarray.device import get_device
from devarray.graph import map_node
from devarray.kernels.ops import OPS, canonical
from devarray.kernels.rows import clip as clip_ufunc
from devarray.layout import broadcast_shapes
from devarray.library import call_library
from devarray.record import Operand, as_operand, as_result, device_of, fresh, refuse_host
from devarray.reductions import count_nonzero as count_nonzero_of

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "astype",
    "clip",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "imag",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "real",
    "reshape",
    "round",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "transpose",
    "var",
    "where",
]

BOOL = np.dtype("?")
NO_VALUE = np._NoValue


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


def on_device(x: Any) -> DeviceArray:
    """Return `x` as a device array; host arrays only where they may meet device arrays."""
    refuse_host(x, "in a function of devarray")
    return asarray(x)


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


def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **options: Any,
) -> Any:
    """Return the values limited to an interval; see `numpy.clip`.

    Examples
    --------
    >>> import devarray as da
    >>> da.clip(da.arange(5), 1, 3)
    array([1, 1, 2, 3, 3], device='openmp')
    """
    low = _bound(a_min, min)
    high = _bound(a_max, max)
    if out is not None:
        options["out"] = out
    a = on_device(a)
    low, high = _within(low, a.dtype, 0), _within(high, a.dtype, 1)
    if low is None and high is None:
        return dispatch.call_ufunc(OPS[np.positive], (a,), **options) if options else a.copy()
    if low is None:
        return dispatch.call_ufunc(OPS[np.minimum], (a, high), **options)
    if high is None:
        return dispatch.call_ufunc(OPS[np.maximum], (a, low), **options)
    return dispatch.call_ufunc(OPS[clip_ufunc], (a, low, high), **options)


def _within(bound: Any, dtype: np.dtype[Any], side: int) -> Any:
    """Return a Python integer beyond an integer dtype as the dtype's limit, as NumPy does."""
    if type(bound) is not int or dtype.kind not in "ui":
        return bound
    info = np.iinfo(dtype)
    if side == 0 and bound < info.min:
        return int(info.min)
    if side == 1 and bound > info.max:
        return int(info.max)
    return bound


def _bound(a: Any, b: Any) -> Any:
    a = None if a is NO_VALUE else a
    b = None if b is NO_VALUE else b
    if a is not None and b is not None:
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is "
            "forbidden."
        )
    return b if a is None else a


@like_numpy(np.round)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Return the values rounded to a number of decimals, halves to even; see `numpy.round`.

    Examples
    --------
    >>> import devarray as da
    >>> da.round(da.asarray([0.5, 1.5, 2.345]), 0)
    array([0., 2., 2.], device='openmp')
    """
    a = on_device(a)
    dtype = a.dtype
    if decimals == 0 or (decimals > 0 and dtype.kind in "ui"):
        rounded = np.rint(a) if dtype.kind in "bfc" else a
    elif dtype.kind in "buic":  # integers to tens; complex numbers part by part
        rounded = call_library(np.round, (a, decimals), {})
    else:
        scale = 10.0 ** abs(decimals)
        rounded = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    if out is not None:
        return dispatch.call_ufunc(OPS[np.positive], (rounded,), out=out)
    return rounded.copy() if rounded is a else rounded


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return how many elements are not zero; see `numpy.count_nonzero`.

    Examples
    --------
    >>> import devarray as da
    >>> da.count_nonzero(da.arange(3))
    array(2, device='openmp')
    """
    return as_result(count_nonzero_of(on_device(a), axis, keepdims))


def _method(name: str) -> Any:
    method = getattr(DeviceArray, name)

    def function(a: Any, *args: Any, **options: Any) -> Any:
        options = {key: value for key, value in options.items() if value is not NO_VALUE}
        return getattr(on_device(a), name)(*args, **options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{method.__doc__}\n\nThe same as the method of `DeviceArray`."
    return like_numpy(getattr(np, name))(function)


sum = _method("sum")
prod = _method("prod")
min = amin = _method("min")
max = amax = _method("max")
any = _method("any")
all = _method("all")
mean = _method("mean")
var = _method("var")
std = _method("std")
argmin = _method("argmin")
argmax = _method("argmax")
cumsum = _method("cumsum")
cumprod = _method("cumprod")
reshape = _method("reshape")
ravel = _method("ravel")
transpose = _method("transpose")
swapaxes = _method("swapaxes")
squeeze = _method("squeeze")
astype = _method("astype")


def real(a: Any) -> DeviceArray:
    """Return the real part, as a view; see `numpy.real`."""
    return on_device(a).real


def imag(a: Any) -> DeviceArray:
    """Return the imaginary part; see `numpy.imag`."""
    return on_device(a).imag


FUNCTIONS.update(
    {
        np.where: where,
        np.clip: clip,
        np.round: round,
        np.around: round,
        np.count_nonzero: count_nonzero,
        np.sum: sum,
        np.prod: prod,
        np.min: min,
        np.max: max,
        np.amin: min,
        np.amax: max,
        np.any: any,
        np.all: all,
        np.mean: mean,
        np.var: var,
        np.std: std,
        np.argmin: argmin,
        np.argmax: argmax,
        np.cumsum: cumsum,
        np.cumprod: cumprod,
        np.reshape: reshape,
        np.ravel: ravel,
        np.transpose: transpose,
        np.swapaxes: swapaxes,
        np.squeeze: squeeze,
        np.real: real,
        np.imag: imag,
        np.astype: astype,
        np.shape: lambda x: x.shape,
        np.ndim: lambda x: x.ndim,
        np.size: lambda x, axis=None: x.size if axis is None else x.shape[axis],
    }
)
