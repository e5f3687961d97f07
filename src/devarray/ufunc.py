"""The ufuncs by name: ``devarray.add(x, y)`` and its methods, one object a row of the table."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from devarray import dispatch
from devarray.boundary import asarray
from devarray.kernels.ops import OPS, Op
from devarray.kernels.rows import floor_divide
from devarray.operands import call
from devarray.record import Recorded

__all__ = ["UFUNCS", "Ufunc"]


NO_VALUE = np._NoValue


def _decides(x: Any) -> bool:
    """Say whether an operand of another library has a protocol for ufuncs."""
    protocol = getattr(type(x), "__array_ufunc__", None)
    return protocol is not None and not isinstance(x, (Recorded, np.ndarray, np.generic))


class Ufunc:
    """A function that is applied to arrays element by element; the counterpart of a `numpy.ufunc`.

    Attributes
    ----------
    nin, nout : int
        Numbers of operands and results.
    identity : object
        What a reduction of no elements gives, or None.
    types : list of str
        NumPy's list of loops.

    Examples
    --------
    >>> import devarray as da
    >>> da.hypot(da.asarray([3.0, 5.0]), 4.0)
    array([5.        , 6.40312424], device='openmp')
    >>> da.add.reduce(da.arange(4))
    array(6, device='openmp')
    """

    def __init__(self, op: Op) -> None:
        self._op = op
        self.__name__ = self.__qualname__ = op.name
        self.__doc__ = f"{op.like.__doc__ or ''}\n\nThis is the counterpart for device arrays."
        self.nin = op.nin
        self.nout = op.nout
        self.nargs = op.nin + op.nout
        self.identity = op.like.identity
        self.types = op.like.types
        self.ntypes = len(op.like.types)
        self.signature = None

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._op.like)

    def __repr__(self) -> str:
        return f"<devarray ufunc '{self.__name__}'>"

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Apply the op; see `numpy.ufunc`."""
        nin = self.nin
        if len(args) != nin:
            if len(args) < nin or len(args) > self.nargs:
                raise TypeError(
                    f"{self.__name__}() takes from {nin} to {self.nargs} positional arguments but "
                    f"{len(args)} {'was' if len(args) == 1 else 'were'} given"
                )
            if "out" in options:
                raise TypeError("cannot specify 'out' as both a positional and keyword argument")
            options["out"] = args[nin:] + (None,) * (self.nargs - len(args))
            args = args[:nin]
        result = (
            dispatch.call_ufunc(self._op, args, **options) if options else call(self._op, *args)
        )
        if result is NotImplemented:
            if any(_decides(x) for x in args):
                return self._op.like(*args, **options)
            names = ", ".join(repr(type(x).__name__) for x in args)
            raise TypeError(f"operand type(s) {names} are not supported by {self.__name__}")
        return result

    def reduce(
        self,
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
        **unknown: Any,
    ) -> Any:
        """Combine the elements along axes; see `numpy.ufunc.reduce`."""
        options = {"axis": axis, "dtype": dtype, "out": out, "keepdims": keepdims, **unknown}
        return self._method("reduce", (array,), options | {"initial": initial, "where": where})

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        """Combine the elements along an axis, keeping each step; see `numpy.ufunc.accumulate`."""
        return self._method("accumulate", (array,), {"axis": axis, "dtype": dtype, "out": out})

    def outer(self, a: Any, b: Any, /, **options: Any) -> Any:
        """Apply the op to all pairs; see `numpy.ufunc.outer`."""
        return dispatch.ufunc_method(self._op.like, "outer", (asarray(a), asarray(b)), options)

    def at(self, a: Any, indices: Any, *b: Any) -> None:
        """Apply the op in place at indices, repeated ones repeatedly; see `numpy.ufunc.at`."""
        if not isinstance(a, Recorded):
            raise TypeError(f"first operand must be a device array, got {type(a).__name__}")
        dispatch.ufunc_method(self._op.like, "at", (a, indices, *b), {})

    def reduceat(
        self, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
    ) -> Any:
        """Combine the elements of slices; see `numpy.ufunc.reduceat`."""
        options = {"axis": axis, "dtype": dtype, "out": out}
        return dispatch.ufunc_method(self._op.like, "reduceat", (asarray(array), indices), options)

    def _method(self, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self.nin != 2:
            raise ValueError(f"{method} only supported for binary functions")
        inputs = (asarray(inputs[0]),)
        return dispatch.ufunc_method(self._op.like, method, inputs, options)


_made = {ufunc: Ufunc(op) for ufunc, op in OPS.items() if isinstance(ufunc, np.ufunc)}
_made[np.floor_divide] = Ufunc(OPS[floor_divide])  # the name is the standard's
# every name that NumPy has for them: arccos and acos are one ufunc
UFUNCS: dict[str, Ufunc] = {
    name: _made[ufunc]
    for name, ufunc in sorted(vars(np).items())
    if isinstance(ufunc, np.ufunc) and ufunc in _made
}
