"""Ranges, grids and identity matrices: large ones are computed from positions inside kernels."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.array import FUNCTIONS, DeviceArray
from devarray.boundary import asarray, asnumpy, to_gpu
from devarray.chapters import implements, library_functions, on_device
from devarray.creation import ONLY_C_OR_F, empty
from devarray.errors import UnsupportedError
from devarray.graph import index_node
from devarray.indexing import view
from devarray.joining import concatenate
from devarray.kernels.ops import canonical
from devarray.layout import Shape, as_shape, broadcast_layout, broadcast_shapes, check_order
from devarray.manipulation import atleast_1d
from devarray.operands import refuse_host
from devarray.record import fresh
from devarray.registry import get_device
from devarray.searching import where

__all__ = [
    "arange",
    "c_",
    "eye",
    "fromfunction",
    "identity",
    "indices",
    "linspace",
    "meshgrid",
    "mgrid",
    "ogrid",
    "r_",
]

LARGE = 4096  # elements from which a range is an expression; smaller ones are copied from the host
FARTHEST = 2**59  # positions are counted in bytes, in 64 bits


def positions(shape: Shape, steps: Shape, start: int = 0, device: Any = None) -> DeviceArray:
    """Return int64 values ``start + i * steps[0] + j * steps[1] + ...`` that need no memory."""
    result: DeviceArray = fresh(index_node(shape, steps, start), get_device(device))
    return result


@implements(np.arange)
def arange(
    start: Any = None,
    stop: Any = None,
    step: Any = None,
    dtype: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return evenly spaced values in a half-open interval; see `numpy.arange`.

    A long range is an expression: a kernel that reads it computes it.

    Examples
    --------
    >>> import devarray as da
    >>> da.arange(3)
    array([0, 1, 2], device='openmp')
    """
    given = {"start": start, "stop": stop, "step": step}
    values = {
        name: x.item() if isinstance(x, DeviceArray) else x
        for name, x in given.items()
        if x is not None
    }
    if "stop" not in values and "start" in values:
        values["stop"] = values.pop("start")  # NumPy tells a keyword from a position: we do not
    long = _long_range(values.get("start", 0), values.get("stop"), values.get("step", 1), dtype)
    if long is not None:
        return long(device)
    return to_gpu(np.arange(**values, dtype=dtype), device)  # type: ignore[call-overload]


def _long_range(
    start: Any, stop: Any, step: Any, dtype: Any
) -> Callable[[Any], DeviceArray] | None:
    """Return what makes a long range of Python numbers, or None for what NumPy shall make."""
    kinds = {type(start), type(stop), type(step)}
    if not kinds <= {int, float} or not step:
        return None
    whole = kinds == {int}
    target = np.dtype(int if whole else float) if dtype is None else np.dtype(dtype)
    length = (stop - start) / step
    if not LARGE <= length < 2.0**48 or target.char not in ("lfd" if whole else "fd"):
        return None
    count = math.ceil(length)
    if whole:
        if abs(start) + count * abs(step) > FARTHEST:
            return None
        if target.char == "l":
            return lambda device: positions((count,), (step,), start, device)
    first, second = (np.asarray(x, target)[()] for x in (start, start + step))
    delta = second - first  # as NumPy: each element is the first plus a multiple of a step
    return lambda device: positions((count,), (1,), 0, device).astype(target) * delta + first


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Return evenly spaced values between two ends; see `numpy.linspace`.

    Examples
    --------
    >>> import devarray as da
    >>> da.linspace(0, 1, 3)
    array([0. , 0.5, 1. ], device='openmp')
    """
    num = operator.index(num)
    plain = {type(start), type(stop)} <= {int, float} and dtype in (None, float)
    if plain and num >= LARGE and math.isfinite(stop - start) and start != stop:
        result, step = _long_line(start, stop, num, endpoint, device)
    else:
        values, step = np.linspace(  # type: ignore[call-overload]
            asnumpy(start), asnumpy(stop), num, endpoint, True, dtype, axis
        )
        result = to_gpu(values, device)
    return (result, step) if retstep else result


def _long_line(
    start: float, stop: float, num: int, endpoint: bool, device: Any
) -> tuple[DeviceArray, np.float64]:
    step = np.float64((stop - start) / (num - 1 if endpoint else num))
    place = positions((num,), (1,), 0, device)
    if step == 0:  # the interval is too short to be divided first
        line = place / float(num - 1 if endpoint else num) * float(stop - start) + float(start)
    else:
        line = place * float(step) + float(start)
    if endpoint:
        line = where(place == num - 1, float(stop), line)
    return line, step


@implements(np.eye)
def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: Any = float,
    order: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return ones on a diagonal, zeros elsewhere; see `numpy.eye`.

    Parameters
    ----------
    N : int
        Number of rows.
    M : int, optional
        Number of columns; as many as rows by default.
    k : int
        Which diagonal: 0 the main one, positive ones above it.
    dtype : dtype
    device : str or Device, optional

    Examples
    --------
    >>> import devarray as da
    >>> da.eye(2)
    array([[1., 0.],
           [0., 1.]], device='openmp')
    """
    check_order(order, "CF", ONLY_C_OR_F)
    rows = operator.index(N)
    shape = (rows, rows if M is None else operator.index(M))
    target, k = canonical(np.dtype(dtype)), operator.index(k)
    if min(shape) < 1 or math.prod(shape) < LARGE or abs(k) > FARTHEST:
        return to_gpu(np.eye(*shape, k, target), device)
    row, column = positions(shape, (1, 0), k, device), positions(shape, (0, 1), 0, device)
    result: DeviceArray = (row == column).astype(target)
    return result


@implements(np.identity)
def identity(n: int, dtype: Any = None, *, device: Any = None, like: Any = None) -> DeviceArray:
    """Return the identity matrix; see `numpy.identity`."""
    return eye(n, dtype=float if dtype is None else dtype, device=device)


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[DeviceArray, ...]:
    """Return coordinate arrays of a grid; see `numpy.meshgrid`.

    Examples
    --------
    >>> import devarray as da
    >>> x, y = da.meshgrid(da.arange(2), da.arange(3))
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    arrays = [asarray(x) for x in xi]
    ndim = len(arrays)
    order = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        order[:2] = [1, 0]
    parts = []
    for k, x in enumerate(arrays):
        shape = [1] * ndim
        shape[order[k]] = x.size
        parts.append(x.reshape(shape))
    if sparse:
        return tuple(x.copy() for x in parts) if copy else tuple(parts)
    full_shape = broadcast_shapes(*[x.shape for x in parts])
    grids = [view(x, broadcast_layout(x._layout(), full_shape), writeable=False) for x in parts]
    return tuple(x.copy() for x in grids) if copy else tuple(grids)


def indices(dimensions: Any, dtype: Any = int, sparse: bool = False, *, device: Any = None) -> Any:
    """Return the indices of a grid; see `numpy.indices`.

    Examples
    --------
    >>> import devarray as da
    >>> da.indices((2, 2)).shape
    (2, 2, 2)
    """
    shape = as_shape(tuple(dimensions))
    ndim = len(shape)
    lines = []
    for k, n in enumerate(shape):
        before, after = (1,) * k, (1,) * (ndim - k - 1)
        lines.append(positions((*before, n, *after), (1,) * ndim, 0, device))
    if sparse:
        return tuple(line.astype(dtype) for line in lines)
    result = empty((ndim, *shape), dtype, device=device)
    for k, line in enumerate(lines):
        result[k] = line
    return result


def fromfunction(
    function: Callable[..., Any],
    shape: Any,
    *,
    dtype: Any = float,
    device: Any = None,
    like: Any = None,
    **options: Any,
) -> Any:
    """Return what a function makes of the coordinates of a grid; see `numpy.fromfunction`.

    Parameters
    ----------
    function : callable
        It is called once, with one array of the shape `shape` for each axis.
    shape : tuple of int
    dtype : dtype
        Of the coordinates.

    Examples
    --------
    >>> import devarray as da
    >>> da.fromfunction(lambda i, j: 10 * i + j, (2, 3), dtype=int)
    array([[ 0,  1,  2],
           [10, 11, 12]], device='openmp')
    """
    return function(*indices(shape, dtype, device=device), **options)


FUNCTIONS[np.fromfunction] = fromfunction  # errors are the function's own


class Indexed:
    """What makes arrays when it is indexed: ``mgrid``, ``ogrid``, ``r_``, ``c_``."""

    def __init__(self, name: str, join: Callable[[list[DeviceArray]], DeviceArray]) -> None:
        self.__doc__ = f"Make arrays from slices and arrays; see `numpy.{name}`."
        self._maker = getattr(np, name)
        self._join = join

    def __repr__(self) -> str:
        return f"<devarray {self.__doc__}>"

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if any(isinstance(part, DeviceArray) for part in parts):
            return self._join([on_device(self._part(part)) for part in parts])
        for part in parts:
            refuse_host(part, "is joined to a device array")
        made = self._maker[key]
        return tuple(map(to_gpu, made)) if isinstance(made, tuple) else to_gpu(made)

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            raise UnsupportedError(
                f"directive {part!r} is not supported with device arrays: use concatenate, stack"
            )
        return to_gpu(np.r_[part]) if isinstance(part, slice) else part


def _no_join(parts: list[DeviceArray]) -> DeviceArray:
    raise TypeError("a grid is made of slices of numbers, not of arrays")


mgrid, ogrid = Indexed("mgrid", _no_join), Indexed("ogrid", _no_join)
r_ = Indexed("r_", lambda parts: concatenate([atleast_1d(part) for part in parts]))
c_ = Indexed("c_", lambda parts: concatenate([_column(part) for part in parts], -1))


def _column(part: DeviceArray) -> DeviceArray:
    return part if part.ndim > 1 else part.reshape(-1, 1)


library_functions(globals(), "geomspace logspace")
