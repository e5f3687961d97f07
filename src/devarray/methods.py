"""The methods of arrays that are NumPy functions: reductions, sorting, searching, taking."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import dispatch, reductions
from devarray.kernels.ops import OPS, Op
from devarray.library import call_library
from devarray.record import Recorded, as_result

__all__ = ["LibraryMethods", "ReductionMethods"]

NO_VALUE = np._NoValue
_numpy: Any = np  # its functions take device arrays, which their types do not say


class ReductionMethods(Recorded):
    """The part of an array that its reductions make up."""

    __slots__ = ()

    def sum(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the sum; see `numpy.sum`."""
        return as_result(
            reductions.reduce(OPS[np.add], self, axis, dtype, out, keepdims, initial, where), out
        )

    def prod(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the product; see `numpy.prod`."""
        return as_result(
            reductions.reduce(OPS[np.multiply], self, axis, dtype, out, keepdims, initial, where),
            out,
        )

    def min(
        self,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the least value; see `numpy.min`."""
        return _extreme(np.minimum, self, axis, out, keepdims, initial, where)

    def max(
        self,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the greatest value; see `numpy.max`."""
        return _extreme(np.maximum, self, axis, out, keepdims, initial, where)

    def any(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """Say whether any element is true; see `numpy.any`."""
        return as_result(
            reductions.truth(OPS[np.logical_or], self, axis, out, keepdims, where), out
        )

    def all(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """Say whether all elements are true; see `numpy.all`."""
        return as_result(
            reductions.truth(OPS[np.logical_and], self, axis, out, keepdims, where), out
        )

    def mean(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        *,
        where: Any = True,
    ) -> Any:
        """Return the arithmetic mean; see `numpy.mean`."""
        return as_result(reductions.mean(self, axis, dtype, out, keepdims, where), out)

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = NO_VALUE,
        correction: Any = NO_VALUE,
    ) -> Any:
        """Return the variance; see `numpy.var`."""
        return as_result(
            reductions.var(self, axis, dtype, out, ddof, keepdims, where, mean, correction), out
        )

    def std(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = NO_VALUE,
        correction: Any = NO_VALUE,
    ) -> Any:
        """Return the standard deviation; see `numpy.std`."""
        return as_result(
            reductions.std(self, axis, dtype, out, ddof, keepdims, where, mean, correction), out
        )

    def argmin(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return the position of the least value; see `numpy.argmin`."""
        return as_result(_arg(np.argmin, OPS[np.minimum], self, axis, out, keepdims), out)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return the position of the greatest value; see `numpy.argmax`."""
        return as_result(_arg(np.argmax, OPS[np.maximum], self, axis, out, keepdims), out)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the cumulative sum; see `numpy.cumsum`."""
        return _cumulative(np.add, self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the cumulative product; see `numpy.cumprod`."""
        return _cumulative(np.multiply, self, axis, dtype, out)


def _extreme(
    ufunc: Any, array: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    options = {"axis": axis, "out": out, "keepdims": keepdims, "initial": initial, "where": where}
    return dispatch.ufunc_method(ufunc, "reduce", (array,), options)


def _arg(function: Any, op: Op, array: Any, axis: Any, out: Any, keepdims: bool) -> Any:
    result = reductions.arg_reduce(op, array, axis, out, keepdims, function.__name__)
    if result is NotImplemented:
        return call_library(function, (array, axis), {"out": out, "keepdims": keepdims})
    return result


def _cumulative(ufunc: Any, array: Any, axis: Any, dtype: Any, out: Any) -> Any:
    if axis is None:
        array, axis = array.reshape(-1), 0
    elif not array.shape:
        array = array.reshape(1)
    return dispatch.ufunc_method(
        ufunc, "accumulate", (array,), {"axis": axis, "dtype": dtype, "out": out}
    )


class LibraryMethods(Recorded):
    """The part of an array that sorts, searches and takes: each is its NumPy function.

    What NumPy's function does on device arrays, ours or the library's, the method does.
    """

    __slots__ = ()

    def sort(
        self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
    ) -> None:
        """Sort in place; see `numpy.ndarray.sort`."""
        call_library(np.ndarray.sort, (self, axis, kind, order), {"stable": stable})

    def partition(
        self, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
    ) -> None:
        """Sort partially in place; see `numpy.ndarray.partition`."""
        call_library(np.ndarray.partition, (self, kth, axis, kind, order), {})

    def argsort(
        self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
    ) -> Any:
        """Return the indices that sort; see `numpy.argsort`."""
        return _numpy.argsort(self, axis, kind, order, stable=stable)

    def argpartition(
        self, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
    ) -> Any:
        """Return the indices that sort partially; see `numpy.argpartition`."""
        return _numpy.argpartition(self, kth, axis, kind, order)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Return where values would be inserted; see `numpy.searchsorted`."""
        return _numpy.searchsorted(self, v, side, sorter)

    def nonzero(self) -> Any:
        """Return the indices of elements that are not zero; see `numpy.nonzero`."""
        return _numpy.nonzero(self)

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
        """Return elements at indices along an axis; see `numpy.take`."""
        return _numpy.take(self, indices, axis, out, mode)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """Write elements at indices of the flattened array; see `numpy.put`."""
        _numpy.put(self, indices, values, mode)

    def choose(self, *choices: Any, out: Any = None, mode: Any = "raise") -> Any:
        """Return elements of arrays that this one chooses; see `numpy.choose`."""
        if len(choices) == 1:
            (choices,) = choices
        return _numpy.choose(self, choices, out, mode)

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        """Return slices along an axis where a condition is true; see `numpy.compress`."""
        return _numpy.compress(condition, self, axis, out)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Return the elements repeated; see `numpy.repeat`."""
        return _numpy.repeat(self, repeats, axis)

    def diagonal(self, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
        """Return a read-only view of diagonals; see `numpy.diagonal`."""
        return _numpy.diagonal(self, offset, axis1, axis2)

    def trace(
        self, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
    ) -> Any:
        """Return the sum along diagonals; see `numpy.trace`."""
        return _numpy.trace(self, offset, axis1, axis2, dtype, out)

    def dot(self, b: Any, out: Any = None) -> Any:
        """Return the dot product with an array; see `numpy.dot`."""
        return _numpy.dot(self, b, out)
