"""The operators of arrays: each is its ufunc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray import dispatch, engine
from devarray.graph import map_node
from devarray.kernels.ops import OPS, Op
from devarray.kernels.rows import floor_divide
from devarray.layout import broadcast_shapes
from devarray.operands import call, decides_itself
from devarray.record import AS_SCALAR, Recorded, fresh, unchanging

__all__ = ["Operators", "set_array_class"]

BOOL = np.dtype("?")
NO_VALUE = np._NoValue

_array_class: type[Recorded] = Recorded


def set_array_class(cls: type[Recorded]) -> None:
    """Say what class arrays are made of."""
    global _array_class
    _array_class = cls


def _binary(ufunc: Any, reflected: bool = False) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]
    loops = op.loops

    def method(self: Recorded, other: Any) -> Any:
        if type(self) is not _array_class:  # a selection by a mask
            pass
        elif type(other) is _array_class and self._buffer.device is other._buffer.device:
            a = self._buffer.node if self._view is None else self._node()
            b = other._buffer.node if other._view is None else other._node()
            found = loops.get((a.dtype, b.dtype))
            if found is not None and len(found) == 1:
                shape = a.shape if a.shape == b.shape else broadcast_shapes(a.shape, b.shape)
                result = fresh(map_node(found[0], (a, b), shape), self._buffer.device)
                return result if shape else unchanging(result)
        elif type(other) is float:
            a = self._buffer.node if self._view is None else self._node()
            found = loops.get((float, a.dtype) if reflected else (a.dtype, float))
            if found is not None and len(found) == 1:
                sources = (other, a) if reflected else (a, other)
                result = fresh(map_node(found[0], sources, a.shape), self._buffer.device)
                return result if a.shape else unchanging(result)
        result = call(op, other, self) if reflected else call(op, self, other)
        if result is NotImplemented:
            return _foreign(ufunc, self, other, reflected)
        return result

    method.__name__ = f"__{'r' if reflected else ''}{op.name}__"
    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


def _foreign(ufunc: Any, self: Any, other: Any, reflected: bool) -> Any:
    """Return what an operator with an operand of another library's type gives.

    A type with ``__array_ufunc__`` decides itself, unless that is None: then its own operator does.
    What can be compared with no number is equal to none.
    """
    if decides_itself(other):
        return NotImplemented
    protocol = getattr(type(other), "__array_ufunc__", NO_VALUE)
    if protocol is not NO_VALUE and protocol is not None and not reflected:
        return ufunc(self, other)
    if protocol is NO_VALUE and ufunc in (np.equal, np.not_equal):
        value = ufunc is np.not_equal
        return fresh(map_node(engine.copy_loop(BOOL, BOOL), (value,), self.shape), self.device)
    return NotImplemented


def _decides(other: Any) -> bool:
    """Say whether an operand's type wants its own operator to be used."""
    return getattr(type(other), "__array_ufunc__", NO_VALUE) is None


def _checked_binary(ufunc: Any, reflected: bool = False) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]

    def method(self: Recorded, other: Any) -> Any:
        result = call(op, other, self) if reflected else call(op, self, other)
        return _foreign(ufunc, self, other, reflected) if result is NotImplemented else result

    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


def _inplace(ufunc: Any) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]

    def method(self: Recorded, other: Any) -> Any:
        if self._lazy and self._update(op, other):  # type: ignore[attr-defined]
            return self
        if self._load is AS_SCALAR:  # NumPy has a scalar here: the operator rebinds the name
            return call(op, self, other)
        return dispatch.call_ufunc(op, (self, other), out=self)

    method.__doc__ = f"Record `numpy.{op.name}` into this array."
    return method


def _unary(ufunc: Any) -> Callable[[Any], Any]:
    op = OPS[ufunc]

    def method(self: Recorded) -> Any:
        return call(op, self)

    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


_POWERS: dict[float, Op] = {
    2: OPS[np.square],
    0.5: OPS[np.sqrt],
    -1: OPS[np.reciprocal],
    1: OPS[np.positive],
}


class Operators(Recorded):
    """The part of an array that its operators make up."""

    __slots__ = ()

    __add__, __radd__, __iadd__ = _binary(np.add), _binary(np.add, True), _inplace(np.add)
    __sub__, __rsub__, __isub__ = (
        _binary(np.subtract),
        _binary(np.subtract, True),
        _inplace(np.subtract),
    )
    __mul__, __rmul__, __imul__ = (
        _binary(np.multiply),
        _binary(np.multiply, True),
        _inplace(np.multiply),
    )
    __truediv__, __rtruediv__ = _binary(np.divide), _binary(np.divide, True)
    __itruediv__ = _inplace(np.divide)
    __floordiv__, __rfloordiv__ = _binary(floor_divide), _binary(floor_divide, True)
    __ifloordiv__ = _inplace(floor_divide)
    __mod__, __rmod__, __imod__ = (
        _binary(np.remainder),
        _binary(np.remainder, True),
        _inplace(np.remainder),
    )
    __divmod__, __rdivmod__ = _checked_binary(np.divmod), _checked_binary(np.divmod, True)
    __rpow__ = _checked_binary(np.power, True)
    __and__, __rand__, __iand__ = (
        _binary(np.bitwise_and),
        _binary(np.bitwise_and, True),
        _inplace(np.bitwise_and),
    )
    __or__, __ror__, __ior__ = (
        _binary(np.bitwise_or),
        _binary(np.bitwise_or, True),
        _inplace(np.bitwise_or),
    )
    __xor__, __rxor__, __ixor__ = (
        _binary(np.bitwise_xor),
        _binary(np.bitwise_xor, True),
        _inplace(np.bitwise_xor),
    )
    __lshift__, __rlshift__, __ilshift__ = (
        _binary(np.left_shift),
        _binary(np.left_shift, True),
        _inplace(np.left_shift),
    )
    __rshift__, __rrshift__, __irshift__ = (
        _binary(np.right_shift),
        _binary(np.right_shift, True),
        _inplace(np.right_shift),
    )
    __lt__, __le__, __gt__, __ge__ = (
        _binary(np.less),
        _binary(np.less_equal),
        _binary(np.greater),
        _binary(np.greater_equal),
    )
    __eq__, __ne__ = _binary(np.equal), _binary(np.not_equal)
    __neg__, __pos__, __abs__, __invert__ = (
        _unary(np.negative),
        _unary(np.positive),
        _unary(np.absolute),
        _unary(np.invert),
    )

    def __pow__(self: Any, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:
            return NotImplemented
        # NumPy, too, takes these exponents as other ufuncs
        known = type(other) in (int, float) and other in _POWERS
        if known and (self.dtype.kind in "fc" or (type(other) is int and other == 2)):
            return call(_POWERS[other], self)
        result = call(OPS[np.power], self, other)
        return _foreign(np.power, self, other, False) if result is NotImplemented else result

    def __ipow__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        if self._load is AS_SCALAR:
            return self**other
        if type(other) in (int, float) and other in _POWERS and self.dtype.kind in "fc":
            return dispatch.call_ufunc(_POWERS[other], (self,), out=self)
        return dispatch.call_ufunc(OPS[np.power], (self, other), out=self)

    def __matmul__(self: Any, other: Any) -> Any:
        return NotImplemented if _decides(other) else np.matmul(self, other)

    def __rmatmul__(self: Any, other: Any) -> Any:
        return NotImplemented if _decides(other) else np.matmul(other, self)

    def __imatmul__(self: Any, other: Any) -> Any:
        if _decides(other):
            return NotImplemented
        matrix = (-2, -1)
        vector = len(self._shape()) == 1
        axes: Any = [(-1,), matrix, (-1,)] if vector else [matrix, matrix, matrix]
        try:
            np.matmul(self, other, out=self, axes=axes)
        except np.exceptions.AxisError:
            raise ValueError(
                "inplace matrix multiplication requires the first operand to have at least one "
                "and the second at least two dimensions."
            ) from None
        return self
